package games_test

import (
	"errors"
	"io/fs"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"hearth/internal/sim/chaos/games"
	"hearth/internal/sim/chaos/replay"
	"hearth/internal/sim/simgame"
	"hearth/internal/world"
)

// evening is a hall in a bubble.
type evening struct {
	*games.Hall
	clock  *replay.Lane
	starts []string // machines that a game started on
	fail   error    // why none starts

	onStart func() // is called when one starts; may be nil
}

// inBubble lets do have a hall, and waits for its games.
func inBubble(t *testing.T, form simgame.Form, do func(t *testing.T, e *evening)) {
	t.Helper()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		var work sync.WaitGroup
		lanes := replay.NewLanes()
		e := &evening{clock: lanes.New(0)}
		e.Hall = games.New(games.Options{
			ID:   "midgard",
			Seed: 1, Dir: dir, Form: form, SaveEvery: 5 * time.Minute, Clock: e.clock, Lane: func() *replay.Lane { return lanes.New(0) },
			Fail: func(*replay.Dice) error { return e.fail }, Starts: e.begins, Go: work.Go,
		})
		do(t, e)
		work.Wait()
	})
}

// begins notes that a game starts.
func (e *evening) begins(vm string) (epoch int64) {
	if e.onStart != nil {
		e.onStart()
	}
	e.starts = append(e.starts, vm)
	return int64(len(e.starts))
}

// start starts a game on a machine and reads its log.
func (e *evening) start(t *testing.T, vm string, life int) (world.Server, *games.Game) {
	t.Helper()
	server, err := e.On(t.Context(), vm, life, e.clock).Start(t.Context(), func(world.Step) {})
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		for range server.Lines() {
		}
	}()
	return server, e.Last(vm)
}

func (e *evening) wait(t *testing.T, d time.Duration) {
	t.Helper()
	if err := e.clock.Sleep(t.Context(), d); err != nil {
		t.Fatal(err)
	}
}

// TestEvening: a game opens, somebody plays, it is asked to end, and its save
// holds all that happened.
func TestEvening(t *testing.T) {
	for _, form := range simgame.Forms() {
		t.Run(string(form), func(t *testing.T) {
			inBubble(t, form, func(t *testing.T, e *evening) {
				if _, err := e.Files(); !errors.Is(err, fs.ErrNotExist) {
					t.Errorf("the files before the first game: %v, want %v", err, fs.ErrNotExist)
				}
				server, g := e.start(t, "vm-1", 1)
				if g.Truth().Ready() {
					t.Error("it is open at once")
				}
				e.wait(t, 5*time.Minute)
				if is := g.Truth(); !is.Ready() || is.VM != "vm-1" || is.Life != 1 {
					t.Errorf("after five minutes: %+v, want it open on vm-1 in life 1", is)
				}
				g.Command("join", "Astrid")
				g.Command("join", "Bjorn")
				if got := g.Truth().Players(); len(got) != 0 {
					t.Errorf("in at the knock: %v", got)
				}
				e.wait(t, time.Minute)
				if got, want := g.Truth().Players(), []string{"Astrid", "Bjorn"}; !slices.Equal(got, want) {
					t.Errorf("in: %v, want %v", got, want)
				}
				g.Command("die", "Bjorn")
				e.wait(t, 10*time.Second)
				if is := g.Truth(); is.Alive("Bjorn") || !is.Alive("Astrid") {
					t.Error("Bjorn is alive, or Astrid is not")
				}
				e.wait(t, 10*time.Second)
				g.Command("leave", "Bjorn")
				before, err := e.Files()
				if err != nil {
					t.Fatal(err)
				}
				if err := server.Stop(t.Context()); err != nil {
					t.Fatal(err)
				}
				if g.Truth().Ready() {
					t.Error("it is open for players after it was asked to end")
				}
				<-server.Done()
				is := g.Truth()
				if !is.Over() || is.Crashed() || e.Present() != nil {
					t.Errorf("at the end: %+v, want it over and not crashed", is)
				}
				files, err := e.Files()
				if lost := is.Missing(files); err != nil || len(lost) > 0 {
					t.Errorf("the last save lacks %v: %v", lost, err)
				}
				var lost []string
				for _, c := range is.Missing(before) {
					lost = append(lost, c.Name+" "+c.What)
				}
				for _, want := range []string{"Bjorn died", "Bjorn left"} {
					if !slices.Contains(lost, want) {
						t.Errorf("the save before lacks %v, want that %s, too", lost, want)
					}
				}
			})
		})
	}
}

func TestKilled(t *testing.T) {
	inBubble(t, simgame.Steam10, func(t *testing.T, e *evening) {
		server, g := e.start(t, "vm-1", 1)
		e.wait(t, 5*time.Minute)
		if err := server.Kill(); err != nil {
			t.Fatal(err)
		}
		<-server.Done()
		if is := g.Truth(); !is.Over() || !is.Killed || !is.Crashed() || is.Err == nil {
			t.Errorf("after it was killed: %+v, want it over, killed and with an error", is)
		}
	})
}

func TestCrash(t *testing.T) {
	inBubble(t, simgame.Steam10, func(t *testing.T, e *evening) {
		server, g := e.start(t, "vm-1", 1)
		e.wait(t, 5*time.Minute)
		g.Command("crash", "")
		<-server.Done()
		if is := g.Truth(); !is.Over() || !is.Crashed() || is.Killed {
			t.Errorf("after a crash: %+v, want it over, crashed and not killed", is)
		}
	})
}

// TestWhichGame: the one that runs, and the youngest of a machine.
func TestWhichGame(t *testing.T) {
	inBubble(t, simgame.Steam10, func(t *testing.T, e *evening) {
		if e.Present() != nil || e.Last("vm-1") != nil || e.Count() != 0 {
			t.Error("there is a game before the first")
		}
		var all []*games.Game
		for i, vm := range []string{"vm-1", "vm-2", "vm-1"} {
			server, g := e.start(t, vm, i+1)
			all = append(all, g)
			if e.Present() != g {
				t.Errorf("game %d is not the present one", i)
			}
			e.wait(t, 3*time.Minute)
			if err := server.Kill(); err != nil {
				t.Fatal(err)
			}
			<-server.Done()
		}
		if e.Present() != nil {
			t.Error("one is present after the last")
		}
		if e.Last("vm-1") != all[2] || e.Last("vm-2") != all[1] || e.Last("vm-3") != nil {
			t.Error("the last game of a machine is another's, or an older one")
		}
		if got, want := e.starts, []string{"vm-1", "vm-2", "vm-1"}; e.Count() != 3 || !slices.Equal(got, want) {
			t.Errorf("%d games, told of on %v, want 3 on %v", e.Count(), got, want)
		}
	})
}

func TestNoGame(t *testing.T) {
	inBubble(t, simgame.Steam10, func(t *testing.T, e *evening) {
		e.fail = errors.New("no game today")
		if _, err := e.On(t.Context(), "vm-1", 1, e.clock).Start(t.Context(), func(world.Step) {}); !errors.Is(err, e.fail) {
			t.Errorf("the error is %v, want %v", err, e.fail)
		}
		if e.Count() != 0 || len(e.starts) != 0 {
			t.Errorf("%d games, told of on %v, want none", e.Count(), e.starts)
		}
	})
}
