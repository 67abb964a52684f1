package valheim

import (
	"slices"
	"strings"

	"hearth/internal/valheim/line"
)

// Bounds of what is held back behind a line that lacks its end.
const (
	maxHeld      = 60       // lines
	maxHeldLine  = 1024     // bytes of one; a longer one counts, and is not read any more
	maxHeldBytes = 8 * 1024 // of all but those that are whole, see form.whole
	headOfWhole  = 128      // bytes of a long one of these
	tailOfWhole  = 64       // and of its end
	heldSeconds  = 1        // by the stamps of whoever collects the log
)

// form is a line of the game that quotes a player and has a fixed end. Without
// the end, the player's text has a line break in it, or the line was cut.
type form int

const (
	noForm    form = iota
	character      // Got character ZDOID from NAME : OWNER:IDX
	kickedOff      // Kicking player not in permitted list NAME host: ID
	history        // Player history entry with index N:  NAME (ID, HEX)
	listed         // Player NAME : ID is blacklisted or not in whitelist.
	shout          // Console: <color=…>NAME</color>: <color=…>TEXT</color>
)

func (f form) begin() string {
	switch f {
	case character:
		return "Got character ZDOID from"
	case kickedOff:
		return "Kicking player not in permitted list"
	case history:
		return "Player history entry with index"
	case listed:
		return "Player"
	case shout:
		return "Console: <color="
	case noForm:
	}
	return ""
}

// ends: body ends as a line of this form does.
func (f form) ends(body string) bool {
	switch f {
	case character:
		owner, idx, ok := strings.Cut(afterLast(body, ": "), ":")
		return ok && isOwner(owner) && isDigits(idx)
	case kickedOff:
		return isID(afterLast(body, "host: "))
	case history:
		return strings.HasSuffix(body, ")")
	case listed:
		body, ok := strings.CutSuffix(strings.TrimSuffix(body, "."), " is blacklisted or not in whitelist")
		return ok && isID(afterLast(body, ": "))
	case shout:
		return strings.HasSuffix(body, "</color>")
	case noForm:
	}
	return false
}

// whole: a line has the beginning and the end of this form, and so is the next
// of that form, or the end of a name that looks like it. In a log of stamped
// messages it has a stamp, too.
func (f form) whole(s line.Line, stamped bool) bool {
	return s.From == line.Game && strings.HasPrefix(s.Body, f.begin()) && f.ends(s.Body) && (begins(s) || !stamped)
}

// afterLast is what follows the last mark that stands behind a blank or at the
// beginning; empty if there is none.
func afterLast(body, mark string) string {
	at := strings.LastIndex(body, mark)
	if at < 0 || at > 0 && body[at-1] != ' ' {
		return ""
	}
	return body[at+len(mark):]
}

// unfinished is the form whose end a line lacks, noForm for whole lines and all
// others.
func unfinished(body string) form {
	f := noForm
	switch body[0] {
	case 'C':
		f = shout
	case 'G':
		f = character
	case 'K':
		f = kickedOff
	case 'P':
		f = listed
		if strings.HasPrefix(body, history.begin()) {
			f = history
		}
	}
	switch {
	case f == noForm || !strings.HasPrefix(body, f.begin()) || f.ends(body):
		return noForm
	case f == shout && strings.Contains(body, "</color>") && !strings.Contains(body, "</color>: <color="):
		return noForm // a text without a colour has no end
	case f == listed && body != "Player" && (body[len("Player")] != ' ' || sessionLine.MatchString(body)):
		return noForm
	}
	return f
}

// cut is a line without its end, and what came after it: nothing of that is
// believed until the end comes, for a player can have written all of it.
type cut struct {
	form   form
	number int64    // of the first line
	outer  int64    // its time by whoever collects the log, see line.Outer
	held   []string // the line and those after it, as written; the long ones empty
	bytes  int      // of held
	last   int      // the last of held that is whole itself, see form.whole; 0: none
}

// begin holds a line back that lacks its end.
func (r *Reader) begin(f form) {
	r.cut = cut{form: f, number: r.nr, outer: line.Outer(r.line)}
	r.cut.keep(kept(r.line), false)
}

func (c *cut) keep(text string, whole bool) {
	switch tooMuch := len(text) > maxHeldLine || c.bytes+len(text) > maxHeldBytes; {
	case tooMuch && whole && len(text) > headOfWhole+tailOfWhole:
		text = text[:headOfWhole] + text[len(text)-tailOfWhole:]
	case tooMuch && !whole:
		text = ""
	}
	c.bytes += len(text)
	c.held = append(c.held, strings.Clone(text))
}

// hold takes the next line after one without its end.
func (r *Reader) hold(text string) {
	c := &r.cut
	outer := line.Outer(text)
	timed := c.outer != 0 && outer != 0
	if passed := outer - c.outer; timed && (passed < 0 || passed > heldSeconds) {
		r.trust.other |= 1 << c.form & anybody
		r.release()
		r.next(text, r.now.line)
		return
	}
	s, whole := line.Strip(line.Plain(text)), false
	switch {
	case r.trust.framed && (!s.Framed || s.Foreign) || !c.form.ends(s.Body):
	case !c.form.whole(s, r.trust.quoted):
		r.finish(s.Body)
		return
	default:
		whole = true
	}
	if len(c.held) < maxHeld {
		if whole {
			c.last = len(c.held)
		}
		c.keep(text, whole)
	}
	if len(c.held) == maxHeld && !timed {
		r.trust.other |= 1 << c.form & anybody
		r.release()
	}
}

// anybody are the forms whose beginning is so plain that a mod may print such
// lines, too: where one never ended, the next is not waited for.
const anybody = 1<<history | 1<<listed | 1<<shout

// finish reads the line that its end has made whole. What was held back is the
// player's text.
func (r *Reader) finish(end string) {
	c := r.cut
	r.cut = cut{}
	var text strings.Builder
	for i, l := range c.held {
		if i > 0 {
			text.WriteByte('\n')
		}
		text.WriteString(line.Strip(line.Plain(l)).Body)
	}
	text.WriteString("\n")
	if strings.HasPrefix(end, ": ") || strings.HasPrefix(end, "host: ") {
		text.WriteByte(' ') // it belongs to the end, and was taken off
	}
	text.WriteString(end)
	begin := c.form.begin()
	body := begin + " " + strings.TrimLeft(strings.TrimPrefix(text.String(), begin), " ")
	r.line, r.nr = c.held[0], c.number
	switch c.form {
	case character:
		r.matchCharacter(body)
	case kickedOff:
		r.matchKicked(body)
	case listed:
		r.matchBanned(body)
	case noForm, history, shout:
	}
	if r.trust.quoted {
		r.trust.whole, r.trust.doubt = false, doubt{}
	}
}

// release gives the end up, and reads what was held back. If one of the lines
// may have held it, though, only those of the same form are read before that
// one: of all that a player wrote, or the game, they do the least harm, and to
// miss somebody who is on would do more.
func (r *Reader) release() {
	c, now, stamped, current := r.cut, r.now.line, r.trust.quoted, r.line
	r.cut = cut{}
	for i, l := range c.held {
		r.now.line = c.number + int64(i)
		if i > c.last {
			r.next(l, r.now.line)
			continue
		}
		text := line.Plain(l)
		if c.last == 0 || c.form.whole(line.Strip(text), stamped) {
			r.line, r.nr = l, r.now.line
			if r.nr == now && current != "" {
				r.line = current
			}
			r.read(text, false)
		}
	}
	r.now.line = now
}

// releaseAll: no more lines come, so no end does.
func (r *Reader) releaseAll() {
	for r.cut.form != noForm {
		r.release()
	}
	r.line, r.nr = "", 0
}

// valid: a reader can have held this back.
func (c cut) valid() bool {
	return c.form >= noForm && c.form <= shout && (c.form == noForm) == (len(c.held) == 0) && len(c.held) <= maxHeld && c.bytes <= maxHeldBytes+maxHeld*(headOfWhole+tailOfWhole) &&
		c.last >= 0 && c.last <= max(0, len(c.held)-1) &&
		!slices.ContainsFunc(c.held, func(l string) bool { return len(l) > maxHeldLine })
}
