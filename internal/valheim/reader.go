package valheim

import (
	"strings"
	"unicode/utf8"

	"hearth/internal/valheim/line"
	"hearth/internal/world"
)

// Bounds of what a Reader looks at and remembers, so that no log can make it
// grow.
const (
	maxLine     = 8 * 1024 // bytes; the game writes no longer ones that matter
	maxRemember = 64       // knocks, sessions, departures
	maxDeaths   = 8        // that wait for proof; so many never die within seconds
	maxID       = 64       // bytes of an account or a socket; the longest known has 31
)

// Reader reads the log of one server, line by line, from the start of its
// process, and remembers who is on. A log of several starts (a container's)
// is understood too. It is not safe for concurrent use. doc.go has its rules.
type Reader struct {
	out  []Happening
	line string // the line being read, as written
	nr   int64  // its number
	now  mark

	trust  trust
	cut    cut
	life   life
	saving int // how far the save under way is, 0 for none; see save.go
	roster roster
}

// NewReader starts with an empty log.
func NewReader() *Reader { return &Reader{} }

// mark is a place in the log: its game time and its line.
type mark struct {
	sec  int64 // 0: the log tells no time
	line int64 // from 1; 0: never
}

// since is how many seconds ago a mark was; ok is false if the log does not
// tell.
func (r *Reader) since(m mark) (seconds int64, ok bool) {
	if m.line == 0 || m.sec == 0 || r.now.sec == 0 || r.now.sec < m.sec {
		return 0, false
	}
	return r.now.sec - m.sec, true
}

// near reports whether a mark belongs to what is happening now: the lines of
// one leave carry the same second or the next.
func (r *Reader) near(m mark) bool {
	const seconds, lines = 1, 60
	if m.line == 0 {
		return false
	}
	if s, ok := r.since(m); ok {
		return s <= seconds
	}
	return m.sec == r.now.sec && r.now.line-m.line <= lines
}

// Read takes the next complete line, without its line end, and returns what
// happened by it, in order; nil for most lines. What is returned is good until
// the next call of Read, Settle or End. A line that is glued from two
// is taken apart. A cut line means nothing or the wrong thing: keep an
// incomplete tail until its line end comes.
func (r *Reader) Read(text string) []Happening {
	r.now.line++
	if len(text) > maxLine && r.cut.form == noForm {
		return nil
	}
	r.out = r.out[:0]
	r.next(text, r.now.line)
	return r.take()
}

// next reads a line of that number, or holds it back.
func (r *Reader) next(text string, number int64) {
	r.line, r.nr = text, number
	switch {
	case r.cut.form != noForm:
		r.hold(text)
	case len(text) <= maxLine:
		r.read(line.Plain(text), true)
	}
}

// read reads a line, or a part of one. wait: if a player's text in it has no
// end, the end is waited for.
func (r *Reader) read(text string, wait bool) {
	s := line.Strip(text)
	if s.Seconds != 0 {
		r.now.sec = s.Seconds
		r.pass()
	}
	if s.Body == "" {
		return
	}
	if !r.trust.believes(s) {
		r.matchDoubtful(s.Body)
		return
	}
	quotes := s.From == line.Game && quotesPlayer(s.Body)
	if quotes && wait {
		if f := unfinished(s.Body); f != noForm && r.trust.other&(1<<f) == 0 {
			r.begin(f)
			return
		}
	}
	// What players shout. Nothing that is needed stands only there.
	if strings.HasPrefix(s.Body, "Console:") {
		r.trust.doubt = doubt{}
		return
	}
	whole := s.From != line.Game || quotes
	if !whole {
		if at := line.Glued(s.Body); at > 0 {
			r.read(s.Body[:at], false)
			r.read(s.Body[at:], false)
			return
		}
	}
	known := r.match(s)
	if begins(s) {
		r.trust.doubt = doubt{}
	}
	if !known && !whole {
		if at := line.GluedScript(s.Body); at > 0 {
			r.read(s.Body[at:], false)
		}
	}
}

// pass does what the passing of the game's time asks for.
func (r *Reader) pass() {
	if o := &r.roster; o.began.line == 0 && !o.known {
		o.began = r.now
	}
	if len(r.roster.deaths) > 0 {
		r.settleDeaths(artefactWindow)
	}
	if r.roster.closing.line != 0 {
		r.settleClosing(false)
	}
	if len(r.roster.knocks) > 0 {
		r.forgetKnocks()
	}
}

// End says that the process is gone: everybody is off. It returns the
// Disconnected of all, then Stopped if a stop was asked for or Crashed if
// not, unless the log said so already. What waits for proof is told first, as
// by Settle.
func (r *Reader) End() []Happening {
	r.out, r.line, r.nr = r.out[:0], "", 0
	r.settle()
	switch r.life.phase {
	case down:
		r.flush()
	case stopping:
		r.stopped("")
	case unknown, up:
		r.crashed("")
	}
	return r.take()
}

// Settle says that the log has no more lines, though the process may live on.
// It returns what waited for proof: a death soon after a spawn, the end of
// somebody without a character, a crash that might have been a player's words.
func (r *Reader) Settle() []Happening {
	r.out, r.line, r.nr = r.out[:0], "", 0
	r.settle()
	return r.take()
}

func (r *Reader) settle() {
	r.releaseAll()
	r.settleDeaths(0)
	r.settleClosing(true)
	r.confirm()
}

// Roster is who is on now.
func (r *Reader) Roster() Roster {
	var out Roster
	for _, s := range r.roster.sessions {
		if s.owner == "" {
			out.Authenticated++
			continue
		}
		out.Players = append(out.Players, world.Player{Owner: s.owner, Name: short(s.name)})
	}
	out.Connecting = out.Authenticated + r.roster.knocking()
	if r.cut.form != noForm {
		out.Connecting = max(out.Connecting, 1) // what is held back may say so
	}
	out.Known = r.roster.known
	return out
}

func (r *Reader) emit(h Happening) {
	if h.Number == 0 {
		h.Line, h.Number = r.line, r.nr
	}
	for _, text := range []*string{&h.Player.Name, &h.Version, &h.Network, &h.Detail, &h.Theirs, &h.Mine} {
		if *text != "" {
			*text = short(*text)
		}
	}
	r.out = append(r.out, h)
}

// kept is what is remembered of a line: its first 512 bytes.
func kept(line string) string { return strings.Clone(line[:min(len(line), 512)]) }

// short makes text valid UTF-8 of at most MaxTextRunes.
func short(s string) string {
	if len(s) <= MaxTextRunes && utf8.ValidString(s) {
		return s
	}
	s = strings.ToValidUTF8(s, "\uFFFD")
	if utf8.RuneCountInString(s) <= MaxTextRunes {
		return s
	}
	return string([]rune(s)[:MaxTextRunes])
}

func (r *Reader) take() []Happening {
	r.line, r.nr = "", 0
	if len(r.out) == 0 {
		return nil
	}
	return r.out
}
