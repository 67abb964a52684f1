// Package logstream takes apart the log of a container as Docker's engine
// sends it: frames of two streams with stamps, in which long lines come in
// parts. It is pure: bytes in, world.Lines out, no I/O and no clock.
//
// A frame is eight bytes of head (the stream, three zeros, the length as a
// big-endian uint32) and the payload: a stamp of RFC 3339 with nanoseconds, a
// blank, the text. A text without a line end is part of a line whose next part
// follows in the same stream; the engine cuts lines at 16 KiB and gives each
// part the stamp of the first (docs.docker.com/reference/api/engine, "Attach to
// a container", and moby's daemon/logger/copier.go).
package logstream

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"hearth/internal/world"
)

// MaxText is how much of a line is kept, in bytes; the rest is dropped.
const MaxText = 8 << 10

const (
	headBytes = 8
	maxStamp  = 40                                    // RFC 3339 with nanoseconds and any zone takes 35
	fixed     = len("2006-01-02T15:04:05.000000000Z") // how the engine writes it
)

// ErrFormat says that this is no log of a container, or that the engine can't
// send it. What was taken apart before is right.
var ErrFormat = errors.New("not a log stream")

// stream numbers of a frame's head.
const (
	stdout  = 1
	stderr  = 2
	failure = 3 // the engine's own: its log could not be read
)

// Parser takes one log apart, from its first byte that is still kept. It
// remembers at most one begun line of each stream. The zero Parser is not
// ready: use New.
type Parser struct {
	place  world.Place // behind the last whole line
	after  world.Place
	met    bool // its line was there
	passed bool // it lies behind

	head  []byte // of the frame that begins
	left  int    // bytes of the frame's payload still to come
	from  byte   // its stream
	stamp []byte // as far as it came
	text  bool   // the stamp is through
	open  [stderr + 1]begun
	clock second
	fed   fed
}

// begun is a line whose end has not come.
type begun struct {
	is   bool
	at   time.Time
	text []byte
}

// second remembers a stamp's whole second, which most stamps share with the one
// before.
type second struct {
	text [19]byte // as in 2006-01-02T15:04:05
	at   time.Time
}

// parse reads a stamp.
func (s *second) parse(b []byte) (time.Time, error) {
	usual := len(b) == fixed && b[19] == '.' && b[fixed-1] == 'Z'
	if usual && [19]byte(b) == s.text {
		ns := 0
		for _, c := range b[20 : fixed-1] {
			if c < '0' || c > '9' {
				return time.Time{}, ErrFormat
			}
			ns = 10*ns + int(c-'0')
		}
		return s.at.Add(time.Duration(ns)), nil
	}
	var at time.Time
	if err := at.UnmarshalText(b); err != nil {
		return time.Time{}, err
	}
	if usual {
		s.text, s.at = [19]byte(b), at.Truncate(time.Second)
	}
	return at, nil
}

// fed is what Feed was given, and the one string that the texts of its whole
// lines are cut from: one allocation for all of them.
type fed struct {
	bytes []byte
	text  string
}

func (f *fed) cut(from, to int) string {
	if f.text == "" {
		f.text = string(f.bytes)
	}
	return f.text[from:to]
}

// New returns a parser that leaves out the lines up to after: the log is read
// from its beginning, whatever the engine's clock did since. Lines that the
// engine's rotation threw away are not counted, so what is left of a log whose
// place was thrown away is newer, unless the clock was set back: see Lost.
func New(after world.Place) *Parser {
	return &Parser{after: after, passed: after.At.IsZero(), head: make([]byte, 0, headBytes), stamp: make([]byte, 0, maxStamp)}
}

// Place is the place behind the last whole line, counted from the log's first
// one.
func (p *Parser) Place() world.Place { return p.place }

// Lost says whether every line so far was left out although none of them is the
// one that the place of New names. At the log's end this means that its line
// was thrown away and the clock set back: by their stamps the lines that are
// there are older, but they are newer.
func (p *Parser) Lost() bool { return !p.passed && !p.met }

// Feed takes the next bytes and returns lines with the lines that they end
// appended. ErrFormat if they are no log; nothing more can be fed then.
//
// The texts of one call share their memory: whoever keeps one for long copies
// it.
func (p *Parser) Feed(b []byte, lines []world.Line) ([]world.Line, error) {
	p.fed = fed{bytes: b}
	defer func() { p.fed = fed{} }()
	for len(b) > 0 {
		if n, ok := p.whole(b); ok {
			lines = p.wholeLine(len(p.fed.bytes)-len(b)+headBytes, n, lines)
			b = b[headBytes+n:]
			continue
		}
		if p.left == 0 && !p.text {
			n := min(headBytes-len(p.head), len(b))
			p.head = append(p.head, b[:n]...)
			b = b[n:]
			if len(p.head) < headBytes {
				break
			}
			if err := p.begin(); err != nil {
				return lines, err
			}
			continue
		}
		n := min(p.left, len(b))
		var err error
		if lines, err = p.payload(b[:n], lines); err != nil {
			return lines, err
		}
		b = b[n:]
	}
	return lines, nil
}

// whole says whether b begins with a whole frame that is a whole line and like
// nearly all of them, and how long its payload is.
func (p *Parser) whole(b []byte) (payload int, ok bool) {
	if p.left > 0 || p.text || len(p.head) > 0 || len(b) < headBytes+fixed+2 {
		return 0, false
	}
	n := int(binary.BigEndian.Uint32(b[4:]))
	ok = (b[0] == stdout || b[0] == stderr) && b[1]|b[2]|b[3] == 0 && !p.open[b[0]].is &&
		n > fixed+1 && n <= len(b)-headBytes && b[headBytes+fixed] == ' ' && b[headBytes+n-1] == '\n'
	if !ok {
		return 0, false
	}
	at, err := p.clock.parse(b[headBytes : headBytes+fixed])
	p.open[b[0]].at = at
	p.from = b[0]
	return n, err == nil
}

// wholeLine takes a payload that whole has looked at.
func (p *Parser) wholeLine(from, n int, lines []world.Line) []world.Line {
	at := p.open[p.from].at
	if !p.counts(at) {
		return lines
	}
	from, to := from+fixed+1, from+n-1
	return append(lines, world.Line{At: at, N: p.place.N, Text: p.fed.cut(from, min(to, from+MaxText))})
}

// begin reads the head of a frame.
func (p *Parser) begin() error {
	p.from, p.left = p.head[0], int(binary.BigEndian.Uint32(p.head[4:]))
	if p.from != stdout && p.from != stderr && p.from != failure || p.head[1]|p.head[2]|p.head[3] != 0 {
		return fmt.Errorf("%w: frame begins with % x", ErrFormat, p.head)
	}
	if p.from == failure {
		return fmt.Errorf("%w: the engine could not read its log", ErrFormat)
	}
	if p.left == 0 {
		return fmt.Errorf("%w: frame without a stamp", ErrFormat)
	}
	p.head, p.stamp = p.head[:0], p.stamp[:0]
	return nil
}

// payload takes the next bytes of a frame, at most what is left of it.
func (p *Parser) payload(b []byte, lines []world.Line) ([]world.Line, error) {
	p.left -= len(b)
	o := &p.open[p.from]
	if !p.text {
		var err error
		if b, err = p.stamped(b, o); err != nil {
			return lines, err
		}
		if !p.text {
			if p.left == 0 {
				return lines, fmt.Errorf("%w: frame without a stamp", ErrFormat)
			}
			return lines, nil
		}
	}
	ends := p.left == 0
	whole := ends && len(b) > 0 && b[len(b)-1] == '\n'
	if whole {
		b = b[:len(b)-1]
	}
	if whole && len(o.text) == 0 {
		lines = p.line(o.at, b, lines) // the usual case: nothing to put together
	} else {
		o.text = append(o.text, b[:min(len(b), MaxText-len(o.text))]...)
		if whole {
			lines = p.line(o.at, o.text, lines)
		}
	}
	if whole {
		o.is, o.text = false, o.text[:0]
	}
	if ends {
		p.text = false
	}
	return lines, nil
}

// stamped takes the stamp off a payload's beginning. What it returns is text,
// once p.text.
func (p *Parser) stamped(b []byte, o *begun) ([]byte, error) {
	for i, c := range b {
		if c != ' ' {
			if len(p.stamp) == maxStamp {
				return nil, fmt.Errorf("%w: frame begins with %q", ErrFormat, p.stamp)
			}
			p.stamp = append(p.stamp, c)
			continue
		}
		at, err := p.clock.parse(p.stamp)
		if err != nil {
			return nil, fmt.Errorf("%w: frame begins with %q", ErrFormat, p.stamp)
		}
		if !o.is {
			o.is, o.at = true, at
		}
		p.text = true
		return b[i+1:], nil
	}
	return nil, nil
}

// line counts a whole line, and hands it on if it comes after the place.
func (p *Parser) line(at time.Time, text []byte, lines []world.Line) []world.Line {
	if !p.counts(at) {
		return lines
	}
	return append(lines, world.Line{At: at, N: p.place.N, Text: string(text[:min(len(text), MaxText)])})
}

// counts counts a whole line, and says whether it comes after the place.
func (p *Parser) counts(at time.Time) bool {
	p.place = p.place.Next(at)
	if p.passed {
		return true
	}
	c := p.place.At.Compare(p.after.At)
	if c < 0 || c == 0 && p.place.N <= p.after.N {
		p.met = c == 0 && p.place.N == p.after.N
		return false
	}
	p.passed = true
	return true
}

// End appends the line that was begun and can't be ended any more: of a log
// that nobody writes on. The engine ends the last line itself, so there is one
// only if it was cut into parts.
func (p *Parser) End(lines []world.Line) []world.Line {
	for from := range p.open {
		if o := &p.open[from]; o.is {
			lines = p.line(o.at, o.text, lines)
			*o = begun{}
		}
	}
	return lines
}
