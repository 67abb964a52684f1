package process_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"runtime"
	"testing"

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
				for i := range n {
					command(t, p, fmt.Sprintf("flood-%d", i)) // which it does not know, and says so
				}
			},
			Die: func(t *testing.T) { command(t, p, "crash") },
			Saves: func(t *testing.T) int {
				w, err := simgame.ReadWorld(dir, simgame.DefaultWorld)
				if err != nil && !errors.Is(err, fs.ErrNotExist) {
					t.Fatal(err)
				}
				return w.Saves
			},
			Ready: "Opened Steam server", Patience: patience, NoMemory: runtime.GOOS != "linux",
		}
	})
}
