// Package line takes a line of the game's log apart: who wrote it, when by the
// game's own clock, and what is left when containers, journals and mods have
// their prefixes taken off. What the rest means is package valheim's.
package line

import "strings"

// Source says who wrote a line; it is decided by the prefixes.
type Source int

// Sources of lines.
const (
	Game       Source = iota
	Script            // a container's own scripts
	Supervisor        // supervisord itself
	Loader            // BepInEx itself
	Mod               // a plugin of it: its text may be a player's
	Other             // backup, cron, …: nothing of ours
)

// Line is a line without its prefixes.
type Line struct {
	From    Source
	Body    string // without blanks around it
	Seconds int64  // the game's own time since some day; 0 without one
	Stamp   string // the same as printed, MM/DD/YYYY HH:MM:SS
	// Framed: whoever collects the output of several programs named the one
	// that wrote this. Each line of a text has such a frame, so without one in
	// a framed log, it is not the game's.
	Framed bool
	// Foreign: the frame is not the game's.
	Foreign bool
	// Dated: supervisord, or a script of before mid 2021, put the time before
	// what it says.
	Dated bool
	// Begins: BepInEx marked the begin of a message of the game.
	Begins bool
}

// Strip takes prefixes off until none is left, and the game's timestamp last.
// It is written by hand, because it runs on every line.
func Strip(s string) Line {
	var out Line
	for {
		for s != "" && (s[0] == ' ' || s[0] == '\t' || s[0] == ',') { // a comma: reports pasted out of a table
			s = s[1:]
		}
		if isStamp(s) {
			out.Seconds, out.Stamp = stampSeconds(s), s[:stampLen-2]
			s = s[stampLen:]
			break
		}
		p := stripOne(s)
		if !p.ok || out.Framed && (p.frame || p.from == Supervisor) { // whoever frames is in no frame
			break
		}
		out.Framed = out.Framed || p.frame
		out.Begins = out.Begins || p.begins
		out.Dated = out.Dated || p.dated
		switch p.from {
		case Other:
			out.Foreign = true
		case Game:
		default:
			out.From = p.from
		}
		s = p.rest
	}
	if out.Foreign && out.From == Game {
		out.From = Other
	}
	out.Body = strings.TrimSpace(s)
	return out
}
