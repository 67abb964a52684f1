package process_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"runtime"
	"testing"
	"time"

	"hearth/internal/sim/simgame"
	"hearth/internal/sim/simgame/process"
	"hearth/internal/world"
	"hearth/internal/world/worldtest"
)

// ending ends what it started when its test does.
type ending struct {
	*process.Game
	t *testing.T
}

func (e ending) Start(ctx context.Context, began func(world.Step)) (world.Server, error) {
	s, err := e.Game.Start(ctx, began)
	if err == nil {
		e.t.Cleanup(func() {
			if err := s.Kill(); err != nil {
				e.t.Error(err)
			}
			for range s.Lines() {
			}
			<-s.Done()
		})
	}
	return s, err
}

func TestContract(t *testing.T) {
	worldtest.Game(t, func(t *testing.T) worldtest.GameMachine {
		dir := t.TempDir()
		p := newProcess(t, dir)
		return worldtest.GameMachine{
			Game: ending{Game: p, t: t}, // it does not outlive us, so there is nobody to find it
			Flood: func(t *testing.T, n int) {
				before := saves(t, dir)
				for i := range n {
					command(t, p, fmt.Sprintf("flood-%d", i)) // which it does not know, and says so
				}
				// It takes one after the other: once it has saved it has said
				// them all.
				command(t, p, "save")
				for end := time.Now().Add(patience); saves(t, dir) == before; {
					if time.Now().After(end) {
						t.Fatalf("no save in %v after %d commands", patience, n)
					}
					<-time.After(5 * time.Millisecond)
				}
			},
			Die:   func(t *testing.T) { command(t, p, "crash") },
			Saves: func(t *testing.T) int { return saves(t, dir) },
			Ready: "Opened Steam server", Patience: patience, NoMemory: runtime.GOOS != "linux",
		}
	})
}

// saves is how often the world in dir was saved.
func saves(t *testing.T, dir string) int {
	t.Helper()
	w, err := simgame.ReadWorld(dir, simgame.DefaultWorld)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return w.Saves
}
