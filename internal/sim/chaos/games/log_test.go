package games_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"hearth/internal/sim/chaos/games"
	"hearth/internal/sim/simgame"
	"hearth/internal/world"
)

// reader is a process of an agent that reads a log.
type reader struct {
	world.Server
	at   world.Place
	text []string
	end  func() // of the process
	gone chan struct{}
}

// find finds a machine's game as another process of its agent.
func (e *evening) find(t *testing.T, vm string, after world.Place) *reader {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	s, err := e.On(ctx, vm, 2, e.clock).Find(ctx, after)
	if err != nil {
		t.Fatal(err)
	}
	if after.Server != s.ID() {
		after = world.Place{Server: s.ID()}
	}
	r := &reader{Server: s, at: after, end: cancel, gone: make(chan struct{})}
	go func() {
		defer close(r.gone)
		for {
			select {
			case lines, open := <-s.Lines():
				if !open {
					return
				}
				for _, l := range lines {
					if r.at = r.at.Next(l.At); l.N != r.at.N {
						t.Errorf("line %q of %v is number %d, want %d", l.Text, l.At, l.N, r.at.N)
					}
					r.text = append(r.text, l.Text)
				}
			case <-ctx.Done():
				return
			}
		}
	}()
	return r
}

// stop ends the process.
func (r *reader) stop() {
	r.end()
	<-r.gone
}

// TestFind: a game outlives its agent, and whoever reads its log from where
// another left off reads every line once.
func TestFind(t *testing.T) {
	inBubble(t, simgame.Steam10, func(t *testing.T, e *evening) {
		if _, err := e.On(t.Context(), "vm-1", 1, e.clock).Find(t.Context(), world.Place{}); !errors.Is(err, world.ErrNotFound) {
			t.Errorf("before the first game: %v, want %v", err, world.ErrNotFound)
		}
		e.start(t, "vm-1", 1)
		var all []string
		var place world.Place
		for i := range 5 {
			r := e.find(t, "vm-1", place)
			e.wait(t, time.Minute)
			e.Last("vm-1").Command("join", fmt.Sprint("Astrid", i))
			e.wait(t, 13*time.Second)
			r.stop()
			all, place = append(all, r.text...), r.at
			e.wait(t, 20*time.Second) // nobody reads
		}
		if _, err := e.On(t.Context(), "vm-1", 3, e.clock).Start(t.Context(), func(world.Step) {}); !errors.Is(err, games.ErrRunning) {
			t.Errorf("a second start: %v, want %v", err, games.ErrRunning)
		}
		r := e.find(t, "vm-1", place)
		if err := r.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
		<-r.Done()
		<-r.gone
		all = append(all, r.text...)
		whole := e.find(t, "vm-1", world.Place{Server: "another", At: place.At, N: place.N})
		<-whole.gone
		if !slices.Equal(all, whole.text) || len(all) < 50 {
			t.Errorf("read %d lines in pieces and %d at once", len(all), len(whole.text))
		}
		if last := e.find(t, "vm-1", whole.at); true {
			if <-last.gone; len(last.text) != 0 {
				t.Errorf("behind the end: %q", last.text)
			}
		}
		if _, err := e.On(t.Context(), "vm-2", 1, e.clock).Find(t.Context(), world.Place{}); !errors.Is(err, world.ErrNotFound) {
			t.Errorf("on another machine: %v, want %v", err, world.ErrNotFound)
		}
		e.fail = errors.New("no game today")
		if _, err := e.On(t.Context(), "vm-1", 3, e.clock).Start(t.Context(), func(world.Step) {}); !errors.Is(err, e.fail) {
			t.Errorf("the error is %v, want %v", err, e.fail)
		}
		if _, err := e.On(t.Context(), "vm-1", 3, e.clock).Find(t.Context(), world.Place{}); !errors.Is(err, world.ErrNotFound) {
			t.Errorf("after the next start: %v, want %v", err, world.ErrNotFound)
		}
	})
}

// TestStartCutShort: who is told no has no game; who is dead may have one.
func TestStartCutShort(t *testing.T) {
	for _, dies := range []bool{false, true} {
		t.Run(fmt.Sprintf("dies %v", dies), func(t *testing.T) {
			inBubble(t, simgame.Steam10, func(t *testing.T, e *evening) {
				life, end := context.WithCancel(t.Context())
				defer end()
				ctx, cancel := context.WithCancel(life)
				e.onStart = cancel
				if dies {
					e.onStart = end
				}
				if _, err := e.On(life, "vm-1", 1, e.clock).Start(ctx, func(world.Step) {}); !errors.Is(err, context.Canceled) {
					t.Fatalf("the error is %v, want %v", err, context.Canceled)
				}
				e.wait(t, time.Minute)
				if got := e.Present() != nil; got != dies {
					t.Errorf("a game runs: %v, want %v", got, dies)
				}
				e.PowerOff("vm-1")
				e.wait(t, time.Second)
				if e.Present() != nil {
					t.Error("it runs without power")
				}
			})
		})
	}
}

// TestWords: what a log says is noted in its order, with its places.
func TestWords(t *testing.T) {
	inBubble(t, simgame.Steam10, func(t *testing.T, e *evening) {
		server, g := e.start(t, "vm-1", 1)
		e.wait(t, 5*time.Minute)
		for _, do := range []string{"join", "die", "leave"} {
			g.Command(do, "Astrid")
			e.wait(t, time.Minute)
		}
		if err := server.Kill(); err != nil {
			t.Fatal(err)
		}
		<-server.Done()
		logs := e.Logs()
		if len(logs) != 1 || logs[0].VM != "vm-1" || logs[0].ID != server.ID() || !logs[0].Asked.IsZero() {
			t.Fatalf("logs %+v, want that of the one game", logs)
		}
		var got []string
		places := map[string]bool{}
		for _, w := range logs[0].Words {
			if w.Type == "agent.saved" {
				continue
			}
			got = append(got, string(w.Type)+w.Name)
			places[w.Place] = true
		}
		want := []string{"agent.connected", "agent.spawnedAstrid", "agent.diedAstrid", "agent.disconnectedAstrid"}
		if !slices.Equal(got, want) || len(places) != len(want) {
			t.Errorf("said %q at %d places, want %q", got, len(places), want)
		}
		if is := g.Truth(); is.Saved.IsZero() || is.Saved.After(is.Now) || is.Epoch != 1 {
			t.Errorf("saved at %v in boot %d, want some time in boot 1", is.Saved, is.Epoch)
		}
	})
}
