package simgame_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"hearth/internal/sim/simgame"
)

// TestDamagedWorld: the game says so and quits, and touches nothing.
func TestDamagedWorld(t *testing.T) {
	for _, form := range simgame.Forms() {
		t.Run(string(form), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := simgame.Options{Form: form, Dir: t.TempDir()}
				for range 2 { // the second evening leaves an .old
					g := play(t, o)
					g.pass(10 * time.Second)
					g.end()
				}
				path := filepath.Join(o.Dir, simgame.DefaultWorld+".db2")
				if form == simgame.Steam022 {
					path = filepath.Join(o.Dir, simgame.DefaultWorld+".db")
				}
				text, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				text[len(text)/2] ^= 1
				if err := os.WriteFile(path, text, 0o600); err != nil {
					t.Fatal(err)
				}
				if _, err := simgame.ReadWorld(o.Dir, simgame.DefaultWorld); !errors.Is(err, simgame.ErrDamaged) {
					t.Errorf("read a damaged world: %v", err)
				}
				g := play(t, o)
				want(t, g.pass(10*time.Second), "version", "fault world_load_failed", "listening", "stopping",
					"save_skipped Skipping world save", "stopped")
				if err := <-g.done; err != nil {
					t.Errorf("ended with %v", err)
				}
				if after, err := os.ReadFile(path); err != nil || !bytes.Equal(after, text) {
					t.Errorf("the damaged file was touched: %v", err)
				}
				if _, err := os.Stat(path + ".old"); err != nil {
					t.Errorf("the old save is gone: %v", err)
				}
			})
		})
	}
}

// TestBetweenRenames: a machine may vanish between the two renames of a save.
func TestBetweenRenames(t *testing.T) {
	for _, left := range []string{".new", ".old"} {
		t.Run(left, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := simgame.Options{Dir: t.TempDir()}
				g := play(t, o)
				g.pass(10 * time.Second)
				g.end()
				path := filepath.Join(o.Dir, simgame.DefaultWorld+".db2")
				if err := os.Rename(path, path+left); err != nil {
					t.Fatal(err)
				}
				if w, err := simgame.ReadWorld(o.Dir, simgame.DefaultWorld); err != nil || w.Saves != 1 {
					t.Errorf("got %+v, %v", w, err)
				}
				g = play(t, o)
				want(t, g.pass(10*time.Second), "version", "listening", "join_code")
				g.end()
			})
		})
	}
}

// TestUpgrade: version 1.0 takes a world of 0.22 over.
func TestUpgrade(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := simgame.Options{Form: simgame.Steam022, Dir: t.TempDir()}
		g := play(t, o)
		g.pass(10 * time.Second)
		g.end()
		o.Form = simgame.Crossplay10
		g = play(t, o)
		g.pass(10 * time.Second)
		g.end()
		if w, err := simgame.ReadWorld(o.Dir, simgame.DefaultWorld); err != nil || w.Saves != 2 {
			t.Errorf("got %+v, %v; want save 2", w, err)
		}
	})
}
