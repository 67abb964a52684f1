package docker_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/moby/moby/client"

	"hearth/internal/world"
)

// floods checks that the lines of `flood n` came in order, from the given one.
func (s *running) floods(from, n int) {
	s.r.t.Helper()
	for want := from; want < n; want++ {
		l := s.until(" flood-")
		if got := l.Text[strings.LastIndexByte(l.Text, '-')+1:]; got != fmt.Sprint(want) {
			s.r.t.Fatalf("flood %s came, want %d", got, want)
		}
	}
}

// TestBurst: of a hundred thousand lines at once none is lost, none doubled,
// with and without somebody who reads.
func TestBurst(t *testing.T) {
	t.Parallel()
	const n = 100_000
	r := newRig(t)
	s := r.start(r.game())
	s.until(opened)
	r.flood(n) // nobody reads meanwhile, and nobody waits for that
	s.floods(0, n)
	go r.flood(n)
	s.floods(0, n)
}

// TestLongLine: a line of a megabyte is one line, cut short.
func TestLongLine(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	s := r.start(r.game())
	s.until(opened)
	r.tell("long", "1000000")
	r.flood(1)
	l := s.until("xxx")
	if len(l.Text) != 8<<10 {
		t.Errorf("%d bytes of it, want 8192", len(l.Text))
	}
	if next, _ := s.next(); !strings.HasSuffix(next.Text, "flood-0") {
		t.Errorf("then came %.80q", next.Text)
	}
}

// TestRotation: nothing is lost or doubled while the engine starts new files.
// (One older than 23 would lose lines, and is not made to.)
func TestRotation(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.o.LogSize, r.o.LogFiles = 64<<10, 2
	g := r.game()
	s := r.start(g)
	s.until(opened)
	const n = 100 // some 15 KB of the engine's file
	for range 20 {
		r.flood(n)
		s.floods(0, n)
	}
	r.flood(1)
	l := s.until("flood-0")
	place := world.Place{Server: s.ID(), At: l.At, N: l.N}
	r.flood(7)
	found := func(after world.Place) *running {
		t.Helper()
		srv, err := g.Find(t.Context(), after)
		if err != nil {
			t.Fatal(err)
		}
		return &running{Server: srv, r: r}
	}
	found(place).floods(0, 7)

	const more = 60_000 // enough for new files on any engine
	r.flood(more)
	last := fmt.Sprintf("flood-%d", more-1)
	r.logged(last)
	if l, _ := found(place).next(); strings.Contains(l.Text, "flood-0") {
		t.Error("the place is still there: nothing was rotated")
	}
	found(place).until(last)
	// Its line is gone, and the clock was set back since.
	place.At = place.At.Add(time.Hour)
	found(place).until(last)
}

// logged waits until the engine's log ends with a text: the engine copies what
// the game prints in its own time.
func (r *rig) logged(text string) {
	r.t.Helper()
	for begun := time.Now(); ; {
		log, err := r.api.ContainerLogs(r.t.Context(), "hearth-"+r.o.World, client.ContainerLogsOptions{ShowStdout: true, Tail: "1"})
		if err != nil {
			r.t.Fatal(err)
		}
		end, err := io.ReadAll(log)
		if err := errors.Join(err, log.Close()); err != nil {
			r.t.Fatal(err)
		}
		switch {
		case strings.Contains(string(end), text):
			return
		case time.Since(begun) > patience:
			r.t.Fatalf("in %v the log did not come to %q; it ends with %q", patience, text, end)
		}
	}
}

// TestFind: whoever comes after a reader that died in the middle of a batch
// gets exactly the rest.
func TestFind(t *testing.T) {
	t.Parallel()
	const n = 5000
	r := newRig(t)
	first := r.game()
	s := r.start(first)
	s.until(opened)
	r.flood(n)
	place := world.Place{Server: s.ID()}
	for i := range 1234 {
		l := s.until(" flood-")
		if !strings.HasSuffix(l.Text, fmt.Sprintf("-%d", i)) {
			t.Fatalf("line %d is %q", i, l.Text)
		}
		place.At, place.N = l.At, l.N
	}
	if err := first.Close(); err != nil { // it is gone, with what it held
		t.Fatal(err)
	}
	found := func(after world.Place) *running {
		t.Helper()
		srv, err := r.game().Find(t.Context(), after)
		if err != nil {
			t.Fatal(err)
		}
		if srv.ID() != s.ID() {
			t.Errorf("found %s, want %s", srv.ID(), s.ID())
		}
		return &running{Server: srv, r: r}
	}
	found(place).floods(1234, n)
	found(world.Place{}).floods(0, n)
	place.Server = "another's"
	found(place).floods(0, n)

	whole := found(world.Place{})
	if err := whole.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	whole.doneWithin(10 * time.Second)
	want := whole.all()
	ended := found(world.Place{}) // it has ended, and can be found all the same
	ended.doneWithin(5 * time.Second)
	if diff := cmp.Diff(want, ended.all()); diff != "" {
		t.Errorf("the log of an ended server (-want +got):\n%s", diff)
	}
}
