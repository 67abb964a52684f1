package valheim

import (
	"strings"

	"hearth/internal/valheim/line"
)

// trust tells the game's own lines from those that a player may have written:
// a name or a shout with a line break in it puts the rest on lines of their
// own. Such a rest follows a line that quotes a player, and has no time before
// it, or one that the player forged; cut.go is about the latter.
type trust struct {
	quoted bool // the last line that surely began a message quotes a player
	whole  bool // and is a shout that seems to have its end
	framed bool // the game's lines have a frame, see line.Line
	modded bool // BepInEx marks where they begin
	heard  uint // the writers but the game that were heard beyond doubt
	other  uint // forms that are somebody else's in this log too, see anybody
	doubt  doubt
}

// doubt is a line that tells of a crash, if it is no player's. The game's next
// message shows that it was, unless that is the first of a new start.
type doubt struct {
	line, detail string
	number       int64
}

// believes reports whether a line is its writer's, and not the rest of a
// message that quotes a player.
func (t *trust) believes(s line.Line) bool {
	if s.From == line.Game {
		if s.Seconds == 0 && (!s.Begins || !t.modded) && t.quoted {
			return false
		}
		t.modded = t.modded || s.Begins
		if !begins(s) {
			return true
		}
		t.quoted = quotesPlayer(s.Body)
		t.whole = strings.HasPrefix(s.Body, "Console:") && strings.HasSuffix(s.Body, "</color>")
		t.framed = s.Framed
		return true
	}
	// In a framed log each line of the game has its frame. What has another,
	// or none, is somebody else's, who had the word meanwhile.
	other := t.framed && (!s.Framed || s.Foreign)
	writer := uint(1) << s.From
	if t.quoted && t.heard&writer == 0 && !other && !s.Dated {
		return false
	}
	t.heard |= writer
	t.quoted = t.quoted && !other
	return true
}

// quotesPlayer: the line has a text that players chose, so anything may stand
// in it, a line break right at its beginning, too.
func quotesPlayer(body string) bool {
	switch body[0] {
	case 'A', 'B', 'C', 'G', 'K', 'P':
	default:
		return false
	}
	for _, begin := range []string{"Console:", "Got character ZDOID", "Player", "Kicking", "Banning", "Peer", "Already connected"} {
		if strings.HasPrefix(body, begin) {
			return true
		}
	}
	return false
}

// begins: a message of the game begins here, and the game is alive.
func begins(s line.Line) bool { return s.From == line.Game && (s.Seconds != 0 || s.Begins) }

// confirm tells a crash that was in doubt, of its line.
func (r *Reader) confirm() {
	d := r.trust.doubt
	if d.number == 0 {
		return
	}
	text, nr := r.line, r.nr
	r.line, r.nr = d.line, d.number
	r.gone(d.detail)
	r.line, r.nr = text, nr
}

// matchDoubtful reads a line that may be a player's. Some lines never have a
// stamp, though: PlayFab's sockets; refusals, which anybody can bring about
// anyway; a crash, which the end of the log or of the process confirms. After a
// shout, which is on the screen whenever somebody comes in, it needs no
// confirmation if the shout seems whole: the game lets no < into it.
func (r *Reader) matchDoubtful(body string) {
	if at := max(line.Glued(body), line.GluedScript(body)); at > 0 && !quotesPlayer(body) {
		r.read(body[at:], false)
		return
	}
	switch {
	case strings.HasPrefix(body, "ZPlayFabSocket::"):
		r.roster.crossplay = true
	case strings.HasPrefix(body, "Peer "):
		r.matchPeer(body)
	default:
		detail, ok := crashDetail(body)
		switch {
		case !ok:
		case r.trust.whole:
			r.gone(detail)
		case r.trust.doubt.number == 0:
			r.trust.doubt = doubt{line: kept(r.line), detail: short(detail), number: r.now.line}
		}
	}
}
