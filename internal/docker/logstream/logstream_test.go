package logstream_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hearth/internal/docker/logstream"
	"hearth/internal/world"
)

const (
	out = 1
	err = 2
)

var noon = time.Date(2026, time.June, 1, 12, 0, 0, 0, time.UTC)

// at is noon and some nanoseconds.
func at(ns int) time.Time { return noon.Add(time.Duration(ns)) }

// frame is one frame of the stream, stamped as the engine does.
func frame(stream byte, at time.Time, text string) []byte {
	return stamped(stream, at.Format("2006-01-02T15:04:05.000000000Z07:00"), text)
}

func stamped(stream byte, stamp, text string) []byte {
	payload := stamp + " " + text
	head := []byte{stream, 0, 0, 0, 0, 0, 0, 0}
	binary.BigEndian.PutUint32(head[4:], uint32(len(payload)))
	return append(head, payload...)
}

func frames(fs ...[]byte) []byte { return bytes.Join(fs, nil) }

// take feeds the log in pieces of n bytes; 0: in one.
func take(t *testing.T, p *logstream.Parser, log []byte, n int) []world.Line {
	t.Helper()
	if n == 0 {
		n = max(1, len(log))
	}
	var lines []world.Line
	for piece := range slices.Chunk(log, n) {
		var err error
		if lines, err = p.Feed(piece, lines); err != nil {
			t.Fatal(err)
		}
	}
	return lines
}

// mixed is a log with all that can be in one.
func mixed() []byte {
	long := strings.Repeat("x", 5000) // the engine's are 16 KiB, and nobody counts on that
	return frames(
		frame(out, at(1), "one\n"),
		frame(out, at(2), "begun "), // its rest comes after another stream's line
		frame(err, at(3), "an error\n"),
		frame(out, at(2), "and ended\n"),
		frame(out, at(4), "\n"),
		frame(out, at(5), long),
		frame(out, at(5), long),
		frame(out, at(5), "y\n"),
		frame(err, at(5), "same stamp\r\n"),
		frame(out, at(0), "the clock was set back\n"),
		frame(out, at(1), "and goes on\n"),
		frame(out, at(6), "Hróðvé þór: 日本 é\n"),
	)
}

func mixedLines() []world.Line {
	return []world.Line{
		{At: at(1), N: 0, Text: "one"},
		{At: at(3), N: 0, Text: "an error"},
		{At: at(2), N: 1, Text: "begun and ended"},
		{At: at(4), N: 0, Text: ""},
		{At: at(5), N: 0, Text: strings.Repeat("x", logstream.MaxText)},
		{At: at(5), N: 1, Text: "same stamp\r"},
		{At: at(0), N: 2, Text: "the clock was set back"},
		{At: at(1), N: 3, Text: "and goes on"},
		{At: at(6), N: 0, Text: "Hróðvé þór: 日本 é"},
	}
}

func TestFeed(t *testing.T) {
	tests := []struct {
		name string
		log  []byte
		want []world.Line
	}{
		{"nothing", nil, nil},
		{"mixed", mixed(), mixedLines()},
		{"begun alone is no line", frame(out, at(1), "half"), nil},
		{"zone of its own", frame(out, noon.In(time.FixedZone("", 2*3600)), "x\n"), []world.Line{{At: noon, Text: "x"}}},
		{"same digits, other zones", frames(
			stamped(out, "2026-06-01T12:00:00.1200-12:00", "x\n"), frame(out, at(7), "y\n"),
		), []world.Line{{At: at(120_000_000).Add(12 * time.Hour), Text: "x"}, {At: at(7), N: 1, Text: "y"}}},
		{"kept whole", frame(out, at(1), strings.Repeat("z", logstream.MaxText)+"\n"), []world.Line{{At: at(1), Text: strings.Repeat("z", logstream.MaxText)}}},
		{"one byte too long", frame(out, at(1), strings.Repeat("z", logstream.MaxText+1)+"\n"), []world.Line{{At: at(1), Text: strings.Repeat("z", logstream.MaxText)}}},
		{"blanks are text", frame(out, at(1), "  a b \n"), []world.Line{{At: at(1), Text: "  a b "}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := take(t, logstream.New(world.Place{}), tt.log, 0)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("lines (-want +got):\n%s", diff)
			}
		})
	}
}

// TestCutAnywhere: how the bytes come makes no difference.
func TestCutAnywhere(t *testing.T) {
	log, want := mixed(), mixedLines()
	for n := 1; n < 100; n++ {
		if got := take(t, logstream.New(world.Place{}), log, n); !slices.Equal(want, got) {
			t.Fatalf("pieces of %d bytes (-want +got):\n%s", n, cmp.Diff(want, got))
		}
	}
	for cut := range log {
		p := logstream.New(world.Place{})
		got := append(take(t, p, log[:cut], 0), take(t, p, log[cut:], 0)...)
		if !slices.Equal(want, got) {
			t.Fatalf("cut at byte %d (-want +got):\n%s", cut, cmp.Diff(want, got))
		}
	}
}

// TestReadOn: whoever reads again behind a line gets exactly the rest, wherever
// the first reader died.
func TestReadOn(t *testing.T) {
	log, want := mixed(), mixedLines()
	var place world.Place
	for i, l := range append([]world.Line{{}}, want...) {
		if i > 0 {
			place = place.Next(l.At)
		}
		p := logstream.New(place)
		if got := take(t, p, log, 7); !slices.Equal(want[i:], got) {
			t.Errorf("behind line %d (-want +got):\n%s", i, cmp.Diff(want[i:], got))
		}
		if p.Lost() {
			t.Errorf("behind line %d: the place is said to be lost", i)
		}
	}
	for cut := range log { // of the stream, in the middle of anything
		first := logstream.New(world.Place{})
		got := take(t, first, log[:cut], 0)
		got = append(got, take(t, logstream.New(first.Place()), log, 0)...)
		if !slices.Equal(want, got) {
			t.Fatalf("broken off at byte %d (-want +got):\n%s", cut, cmp.Diff(want, got))
		}
	}
}

// TestLost: the place's line was rotated away.
func TestLost(t *testing.T) {
	log := frames(frame(out, at(5), "five\n"), frame(out, at(6), "six\n"))
	tests := []struct {
		name  string
		after world.Place
		lines int
		lost  bool
	}{
		{"everything is newer", world.Place{At: at(4), N: 3}, 2, false},
		{"behind the first", world.Place{At: at(5)}, 1, false},
		{"behind the last", world.Place{At: at(6)}, 0, false},
		{"behind what is gone, and newer than all", world.Place{At: at(9)}, 0, true},
		{"same stamp, further on", world.Place{At: at(6), N: 2}, 0, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := logstream.New(tt.after)
			if got := take(t, p, log, 0); len(got) != tt.lines || p.Lost() != tt.lost {
				t.Errorf("%d lines, lost %v; want %d and %v", len(got), p.Lost(), tt.lines, tt.lost)
			}
		})
	}
}

// TestEnd: of a log that nobody writes on, a begun line is a line.
func TestEnd(t *testing.T) {
	p := logstream.New(world.Place{})
	got := p.End(take(t, p, frames(frame(out, at(1), "one\n"), frame(err, at(2), "half"), frame(out, at(3), "other ha")), 0))
	want := []world.Line{{At: at(1), Text: "one"}, {At: at(3), Text: "other ha"}, {At: at(2), N: 1, Text: "half"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
	if rest := p.End(nil); len(rest) > 0 {
		t.Errorf("a second end gives %v", rest)
	}
}

func TestFeedRefuses(t *testing.T) {
	bad := func(change func(f []byte)) []byte {
		f := frame(out, at(1), "text\n")
		change(f)
		return f
	}
	tests := []struct {
		name string
		log  []byte
	}{
		{"unknown stream", bad(func(f []byte) { f[0] = 7 })},
		{"input", bad(func(f []byte) { f[0] = 0 })},
		{"engine's failure", bad(func(f []byte) { f[0] = 3 })},
		{"no zeros", bad(func(f []byte) { f[2] = 1 })},
		{"no payload", bad(func(f []byte) { binary.BigEndian.PutUint32(f[4:], 0) })},
		{"no blank", bad(func(f []byte) { binary.BigEndian.PutUint32(f[4:], 5) })},
		{"no stamp", bad(func(f []byte) { f[8] = 'x' })},
		{"stamp without end", frames([]byte{out, 0, 0, 0, 0, 0, 1, 0}, bytes.Repeat([]byte("9"), 256))},
		{"text, no frames", []byte("Mar 31 12:05:35 supervisord: valheim-server\n")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			log := append(frame(out, at(0), "before\n"), tt.log...)
			lines, err := logstream.New(world.Place{}).Feed(log, nil)
			if !errors.Is(err, logstream.ErrFormat) {
				t.Errorf("got %v, want ErrFormat", err)
			}
			if len(lines) != 1 || lines[0].Text != "before" {
				t.Errorf("got %v before it, want the line that was whole", lines)
			}
		})
	}
}

// TestLongLineIsNotKept: of a line of a gigabyte no more is held than is kept.
func TestLongLineIsNotKept(t *testing.T) {
	part := frame(out, at(1), strings.Repeat("x", 16<<10))
	p := logstream.New(world.Place{})
	feed := func() {
		if _, err := p.Feed(part, nil); err != nil {
			t.Fatal(err)
		}
	}
	feed()
	if n := testing.AllocsPerRun(1000, feed); n > 0 {
		t.Errorf("%v allocations for each part of a long line, want none", n)
	}
}

// FuzzFeed: whatever comes, and however it is cut, it is the same lines, no
// more of a text than is kept, and a place to read on from.
func FuzzFeed(f *testing.F) {
	f.Add(frames(frame(out, at(1), "one\n"), frame(out, at(2), "be"), frame(err, at(3), "x\n"), frame(out, at(2), "gun\n"), frame(out, at(0), "back\n")), 3, 2)
	f.Add(frame(out, at(1), "half"), 1, 0)
	f.Add([]byte{3, 0, 0, 0, 0, 0, 0, 1}, 2, 1)
	f.Fuzz(func(t *testing.T, log []byte, piece, cut int) {
		whole := logstream.New(world.Place{})
		want, wantErr := whole.Feed(log, nil)
		pieces := logstream.New(world.Place{})
		var got []world.Line
		var gotErr error
		for b := range slices.Chunk(log, max(1, piece)) {
			if got, gotErr = pieces.Feed(b, got); gotErr != nil {
				break
			}
		}
		if !slices.Equal(want, got) || (wantErr == nil) != (gotErr == nil) {
			t.Fatalf("cut into pieces: %v, want %v (-want +got):\n%s", gotErr, wantErr, cmp.Diff(want, got))
		}
		for _, l := range want {
			if len(l.Text) > logstream.MaxText {
				t.Fatalf("a line of %d bytes", len(l.Text))
			}
		}
		if wantErr != nil || len(want) == 0 {
			return
		}
		cut = max(0, cut) % len(want)
		var place world.Place
		for _, l := range want[:cut] {
			if place = place.Next(l.At); place.N != l.N {
				t.Fatalf("line %v is not where Next says: %v", l, place)
			}
		}
		if place.At.IsZero() {
			return // of year one; the zero place is the beginning
		}
		rest, err := logstream.New(place).Feed(log, nil)
		if err != nil || !slices.Equal(rest, want[cut:]) {
			t.Fatalf("behind line %d: %v, %v; want %v", cut, rest, err, want[cut:])
		}
	})
}
