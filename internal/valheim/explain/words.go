package explain

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"hearth/internal/valheim"
	"hearth/internal/valheim/line"
	"hearth/internal/world"
)

// Words writes a line for whatever happens in a log: the number of its line,
// the game's time, and what it was. In the end it says who is on. It names no
// accounts. A log that goes on (tail -f) is told as it grows.
func Words(log io.Reader, out io.Writer) error {
	w := bufio.NewWriter(out)
	told := 0
	e, err := walk(log, func(h valheim.Happening) {
		told++
		_, _ = fmt.Fprintf(w, "%6d  %-19s  %s\n", h.Number, stamp(h.Line), words(h))
	}, w.Flush)
	if err != nil {
		return err
	}
	if told > 0 {
		_, _ = fmt.Fprintln(w)
	} else {
		_, _ = fmt.Fprintf(w, "Nothing is known of %s. Is it what a Valheim dedicated server printed?\n", many(int(e.lines), "line"))
	}
	if e.cut {
		_, _ = fmt.Fprintf(w, "Line %d has no end and may be cut: it was not read.\n", e.lines+1)
	}
	_, _ = fmt.Fprintln(w, online(e.roster))
	return w.Flush()
}

// stamp is the game's own time of a line, year first; empty if it tells none.
func stamp(text string) string {
	s := line.Strip(line.Plain(text)).Stamp // MM/DD/YYYY HH:MM:SS
	if s == "" {
		return ""
	}
	return s[6:10] + "-" + s[:2] + "-" + s[3:5] + s[10:]
}

func online(r valheim.Roster) string {
	n := len(r.Players) + r.Authenticated
	var who []string
	for _, p := range r.Players {
		who = append(who, name(p))
	}
	if r.Authenticated > 0 {
		who = append(who, fmt.Sprintf("%d whose character the log does not tell", r.Authenticated))
	}
	text := "Nobody is on"
	if n > 0 {
		text = fmt.Sprintf("On: %d (%s)", n, strings.Join(who, ", "))
	}
	if knocking := r.Connecting - r.Authenticated; knocking > 0 {
		text += fmt.Sprintf("; connecting: %d", knocking)
	}
	if !r.Known {
		text += ", as far as this log tells: it begins in the middle, and others may be"
	}
	return text + "."
}

// name is a player's, in quotes: anything may stand in it.
func name(p world.Player) string {
	return somebody(p, "somebody")
}

func somebody(p world.Player, nameless string) string {
	if s := world.Visible(p.Name, valheim.MaxTextRunes); s != "" {
		return `"` + s + `"`
	}
	return nameless
}

func seen(text string) string { return world.Visible(text, valheim.MaxTextRunes) }

func many(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// words says what happened.
func words(h valheim.Happening) string {
	switch h.Kind {
	case valheim.VersionKnown:
		if h.Network == "" {
			return "Valheim " + seen(h.Version) + "."
		}
		return fmt.Sprintf("Valheim %s, network version %s.", seen(h.Version), seen(h.Network))
	case valheim.Listening:
		return "The game listens" + map[string]string{
			valheim.SignalSteam: " (Steam).", valheim.SignalPlayFab: " (crossplay).", valheim.SignalLogon: " soon: it is known to Steam.",
		}[h.Signal]
	case valheim.JoinCode:
		return "The join code is " + h.Code + "."
	case valheim.Counted:
		return fmt.Sprintf("The server counts %s.", many(h.Count, "player"))
	case valheim.Day:
		return fmt.Sprintf("All slept: day %d begins.", h.Count)
	case valheim.Raid:
		return "A raid begins: " + seen(h.Detail) + "."
	case valheim.Connecting, valheim.Connected, valheim.Spawned, valheim.Respawned, valheim.Died, valheim.Disconnected,
		valheim.Refused, valheim.GaveUp, valheim.LinkLost, valheim.LinkRestored:
		return ofPlayer(h)
	default:
		return ofServer(h)
	}
}

func ofPlayer(h valheim.Happening) string {
	switch h.Kind {
	case valheim.Connecting:
		return "Somebody knocks."
	case valheim.Connected:
		return "Somebody was let in."
	case valheim.Spawned:
		return name(h.Player) + " came in."
	case valheim.Respawned:
		return name(h.Player) + " is alive again."
	case valheim.Died:
		return name(h.Player) + " died."
	case valheim.GaveUp:
		return "Somebody gave up before being let in."
	case valheim.LinkLost:
		return somebody(h.Player, "Somebody") + " lost the link, and may be back within 90 seconds."
	case valheim.LinkRestored:
		return name(h.Player) + " has the link back."
	case valheim.Refused:
		return refused(h)
	default:
		return somebody(h.Player, "Somebody without a known character") + map[string]string{
			valheim.ReasonLeft: " left.", valheim.ReasonTimeout: " timed out.", valheim.ReasonLost: " lost the connection.",
			valheim.ReasonKicked: " was kicked.", valheim.ReasonServerStop: " is off: the game ended.",
			valheim.ReasonUnknown: " is gone; the log does not tell why.",
		}[h.Reason]
	}
}

func refused(h valheim.Happening) string {
	who := somebody(h.Player, "Somebody")
	switch h.Detail {
	case valheim.RefusalVersion:
		return fmt.Sprintf("%s was refused: their version is %s, the server's %s.", who, seen(h.Theirs), seen(h.Mine))
	case valheim.RefusalList:
		return who + " was refused: banned, or not on the permitted list."
	case valheim.RefusalTicket:
		return who + " was refused: the platform's ticket is not valid."
	case valheim.RefusalFull:
		return who + " was refused: the server is full."
	case valheim.RefusalPassword:
		return who + " was refused: wrong password."
	case valheim.RefusalDuplicate:
		return who + " was refused: on already."
	default:
		return who + " is thrown out: no longer on the permitted list."
	}
}

func ofServer(h valheim.Happening) string {
	switch h.Kind {
	case valheim.SaveStarted:
		return "A save begins."
	case valheim.Saved:
		return fmt.Sprintf("The world is saved (%v).", h.Took)
	case valheim.SaveSkipped:
		return "NOT saved: " + seen(h.Detail) + "."
	case valheim.Stopping:
		return "The game is asked to stop."
	case valheim.Escalated:
		return "It did not stop in time: " + seen(h.Detail) + " is sent."
	case valheim.Stopped:
		return "The game has stopped" + because(h.Detail)
	case valheim.Crashed:
		return "The game CRASHED" + because(h.Detail)
	case valheim.Fault:
		what, next := fault(h.Detail)
		return "FAULT: " + what + next + "."
	case valheim.UpdateStarted:
		return "The updater looks for a new version."
	case valheim.UpdateFinished:
		if h.Count > 0 {
			return "The game was updated."
		}
		return "The game is up to date."
	default:
		return string(h.Kind)
	}
}

func because(detail string) string {
	if detail == "" {
		return "."
	}
	if what, _ := fault(detail); what != "" {
		return ": " + what + "."
	}
	return ": " + seen(detail) + "."
}

// fault says what is wrong, and what there is to do or to know.
func fault(detail string) (what, next string) {
	switch detail {
	case valheim.FaultWorld:
		return "the world's files are damaged", ": restore a backup"
	case valheim.FaultPort:
		return "the port is taken", ": another server runs, or the last one has not ended"
	case valheim.FaultNetwork:
		return "Steam could not be started", ""
	case valheim.FaultPassword:
		return "the password option is not allowed", ": it needs at least five characters, and may not be part of the server's name"
	case valheim.FaultUpdate:
		return "the update failed", "; the version that is there is used"
	default:
		return "", ""
	}
}
