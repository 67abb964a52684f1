package saves_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"hearth/internal/clock"
	"hearth/internal/saves"
	"hearth/internal/sim/simgame"
	"hearth/internal/world"
)

const proofFile = "hearth-proof.json"

func proof(epoch int64) world.Proof {
	return world.Proof{
		World: "midgard", Epoch: epoch, At: time.Date(2026, 11, 24, 18, 20, 0, 0, time.UTC), Why: world.StopNotice,
		Confirmed: true, Size: 5000,
	}
}

// save lets the pretend game save its world there.
func save(t *testing.T, dir string, form simgame.Form) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	interrupt := make(chan struct{})
	time.AfterFunc(30*time.Second, func() { close(interrupt) }) // of the bubble
	o := simgame.Options{Clock: clock.System{}, Dir: dir, World: "Midgard", Form: form, Out: io.Discard}
	if err := simgame.Run(ctx, o, make(chan string), interrupt); err != nil {
		t.Fatalf("game: %v", err)
	}
}

func TestProof(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "not", "yet")
	d := open(t, saves.Options{Dir: dir})
	if p, err := d.LastProof(t.Context()); !errors.Is(err, world.ErrNotFound) {
		t.Errorf("LastProof before the first = %+v, %v; want ErrNotFound", p, err)
	}
	for epoch := int64(1); epoch < 3; epoch++ {
		if err := d.LeaveProof(t.Context(), proof(epoch)); err != nil {
			t.Fatalf("LeaveProof: %v", err)
		}
		if p, err := d.LastProof(t.Context()); err != nil || p != proof(epoch) {
			t.Errorf("LastProof = %+v, %v; want %+v", p, err, proof(epoch))
		}
	}
	if got := list(t, dir); len(got) != 1 {
		t.Errorf("left behind: %v, want the proof alone: there is no world to mark", names(got))
	}
	entry, err := os.Stat(filepath.Join(dir, proofFile))
	if err != nil || runtime.GOOS != "windows" && entry.Mode().Perm() != 0o600 {
		t.Errorf("the proof is %v, %v; want it for its owner only", entry.Mode(), err)
	}
}

// TestProofMarks: a proven save is a world that has been here, one that nobody
// touched is not.
func TestProofMarks(t *testing.T) {
	for _, c := range []struct {
		name  string
		proof func(*world.Proof)
		want  bool
	}{
		{"confirmed", func(*world.Proof) {}, true},
		{"not confirmed", func(p *world.Proof) { p.Confirmed = false }, false},
		{"untouched", func(p *world.Proof) { p.Untouched = true }, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := lay(t, folder())
			p := proof(1)
			c.proof(&p)
			if err := open(t, saves.Options{Dir: dir}).LeaveProof(t.Context(), p); err != nil {
				t.Fatalf("LeaveProof: %v", err)
			}
			if _, got := list(t, dir)[marker]; got != c.want {
				t.Errorf("marked: %t, want %t", got, c.want)
			}
		})
	}
}

func TestLastProofOfSomethingElse(t *testing.T) {
	whole, err := json.Marshal(proof(3))
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{
		"torn":     whole[:len(whole)/2],
		"empty":    {},
		"zeros":    make([]byte, 512),
		"huge":     append(whole, bytes.Repeat([]byte(" "), 1<<20)...),
		"foreign":  bytes.Replace(whole, []byte("midgard"), []byte("asgard"), 1),
		"no boot":  []byte(`{"world":"midgard","at":"2026-11-24T18:20:00Z"}`),
		"no time":  []byte(`{"world":"midgard","epoch":3}`),
		"an array": []byte(`[]`),
	} {
		t.Run(name, func(t *testing.T) {
			d := open(t, saves.Options{Dir: lay(t, map[string]string{proofFile: string(content)})})
			p, err := d.LastProof(t.Context())
			if !errors.Is(err, world.ErrNotFound) || !strings.Contains(err.Error(), proofFile) || p != (world.Proof{}) {
				t.Errorf("LastProof = %+v, %v; want ErrNotFound, and why", p, err)
			}
			if err := d.LeaveProof(t.Context(), proof(4)); err != nil {
				t.Errorf("LeaveProof over it: %v", err)
			}
		})
	}
}

func FuzzLastProof(f *testing.F) {
	whole, err := json.Marshal(proof(3))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole)
	f.Add(whole[:40])
	f.Add([]byte(`{"world":"midgard","epoch":1,"at":"2026-11-24T18:20:00Z","size":-1}`))
	dir := f.TempDir()
	d, err := saves.New(saves.Options{ID: "midgard", World: "Midgard", Dir: dir})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if err := os.WriteFile(filepath.Join(dir, proofFile), b, 0o600); err != nil {
			t.Fatal(err)
		}
		p, err := d.LastProof(t.Context())
		switch {
		case err == nil && (p.World != "midgard" || p.Epoch < 1 || p.Size < 0 || p.At.IsZero()):
			t.Errorf("%q is taken for %+v", b, p)
		case err != nil && (!errors.Is(err, world.ErrNotFound) || p != world.Proof{}):
			t.Errorf("%q: %+v, %v; want ErrNotFound", b, p, err)
		}
	})
}

func TestSync(t *testing.T) {
	files := with(folder(), pair())
	files["Midgard_backup_auto-20260913-080632/_main.1.db2"] = text(7777)
	files["Midgardsorm.db"] = text(1111)
	d := open(t, saves.Options{Dir: lay(t, files)})
	var want int64
	for name, content := range with(folder(), pair()) {
		if strings.HasPrefix(name, "Midgard/") || strings.HasPrefix(name, "Midgard.") {
			want += int64(len(content))
		}
	}
	if got, err := d.Sync(t.Context()); err != nil || got != want {
		t.Errorf("Sync = %d, %v; want %d: the world's own files", got, err, want)
	}
	none := open(t, saves.Options{Dir: filepath.Join(t.TempDir(), "none")})
	if got, err := none.Sync(t.Context()); err != nil || got != 0 {
		t.Errorf("Sync of nothing = %d, %v; want 0", got, err)
	}
}
