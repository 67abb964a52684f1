package docker_test

import (
	"errors"
	"io/fs"
	"path/filepath"
	"testing"

	"github.com/moby/moby/client"

	"hearth/internal/sim/simgame"
	"hearth/internal/world"
	"hearth/internal/world/worldtest"
)

func TestContract(t *testing.T) {
	worldtest.Game(t, func(t *testing.T) worldtest.GameMachine {
		t.Parallel()
		r := newRig(t)
		return worldtest.GameMachine{
			Game:  r.game(),
			Again: func(*testing.T) world.Game { return r.game() },
			Flood: func(_ *testing.T, n int) { r.flood(n) },
			Die: func(t *testing.T) {
				if _, err := r.api.ContainerKill(t.Context(), "hearth-"+r.o.World, client.ContainerKillOptions{Signal: "KILL"}); err != nil {
					t.Fatal(err)
				}
			},
			Saves: r.saves,
			Ready: opened, Patience: patience,
		}
	})
}

// saves is how many saves the world's files have seen.
func (r *rig) saves(t *testing.T) int {
	t.Helper()
	w, err := simgame.ReadWorld(filepath.Join(r.o.ConfigDir, "worlds_local"), r.o.WorldName)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return w.Saves
}
