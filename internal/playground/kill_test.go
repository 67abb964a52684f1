package playground_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"hearth/internal/playground/autopsy"
	"hearth/internal/sim/simgame"
)

// killAll asks for every point; without it a sample of each kind is played.
const killAll = "HEARTH_KILL_ALL"

// lifeWithin bounds one life of a child, on the wall's clock.
const lifeWithin = 3 * time.Minute

// TestKilledAtEveryPoint lives an evening, kills its process at one of the
// points that it passes, goes on with another process on the same folder, and
// compares the end with that of an evening in which nothing happened. So for
// every point of a plain evening, and of one with an eviction from the
// eviction on.
func TestKilledAtEveryPoint(t *testing.T) {
	t.Parallel()
	for i, name := range []string{"evening", "eviction"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e, want, passed := undisturbed(t, name == "eviction")
			todo := passed
			if os.Getenv(killAll) == "" {
				todo = sample(passed, i)
			}
			var missed atomic.Int32
			t.Run("killed", func(t *testing.T) {
				for _, p := range todo {
					t.Run(p.String(), func(t *testing.T) {
						t.Parallel()
						if !killOnce(t, e, p, want) {
							missed.Add(1)
						}
					})
				}
			})
			t.Logf("%d of %d points played; %d did not come this time", len(todo)-int(missed.Load()), len(passed), missed.Load())
			if int(missed.Load()) > len(todo)/10 {
				t.Errorf("%d of %d points did not come: this proves less than it should", missed.Load(), len(todo))
			}
		})
	}
}

// undisturbed is an evening in which nobody is killed, what it left, and the
// points at which to kill its like.
func undisturbed(t *testing.T, evict bool) (e evening, want *afterwards, passed []point) {
	t.Helper()
	dir := t.TempDir()
	e = evening{Dir: filepath.Join(dir, "folder"), Trace: filepath.Join(dir, "trace"), Log: filepath.Join(dir, "log"), Evict: evict, Life: 1}
	out, err := life(t, e)
	for range 2 { // a machine that is busy enough disturbs it, too
		if err != nil {
			t.Logf("an evening without a kill: %v\n%s", err, out)
			if err = os.RemoveAll(e.Dir); err == nil {
				out, err = life(t, e)
			}
		}
	}
	if err != nil {
		t.Fatalf("an evening without a kill: %v\n%s", err, out)
	}
	trace, err := os.ReadFile(e.Trace)
	if err != nil {
		t.Fatal(err)
	}
	if want, err = look(t, e); err != nil {
		t.Fatal(err)
	}
	if err := want.Asleep(); err != nil {
		t.Fatalf("an evening without a kill: %v", err)
	}
	n := map[string]int{}
	on := !evict
	for name := range strings.Lines(string(trace)) {
		name = strings.TrimSpace(name)
		n[name]++
		switch {
		case name == evicted:
			on = true
		case on:
			passed = append(passed, point{name, n[name]})
		}
	}
	return e, want, passed
}

// sample picks one point of every second kind of thing that is done: in the
// evening (part 0) after its first time, in the eviction (part 1) before one in
// the middle.
func sample(passed []point, part int) []point {
	kinds := map[string][]point{}
	for _, p := range passed {
		if name, ok := strings.CutPrefix(p.Name, []string{"after ", "before "}[part]); ok {
			kinds[name] = append(kinds[name], p)
		}
	}
	var out []point
	for i, name := range slices.Sorted(maps.Keys(kinds)) {
		if i%2 == part {
			out = append(out, kinds[name][part*len(kinds[name])/2])
		}
	}
	return out
}

// killOnce kills an evening at a point and goes on. It reports whether that
// point came.
func killOnce(t *testing.T, e evening, p point, want *afterwards) bool {
	dir := t.TempDir()
	e.Dir, e.Trace, e.Log, e.Kill = filepath.Join(dir, "folder"), "", filepath.Join(dir, "log"), p
	out, err := life(t, e)
	if err == nil {
		return false
	}
	if !killed(err) {
		t.Fatalf("first life: %v\n%s", err, out)
	}
	at, err := look(t, e)
	if err != nil {
		t.Fatalf("after the kill: %v", err)
	}
	began := time.Now()
	e.Kill, e.Life = point{}, 2
	if out, err := life(t, e); err != nil {
		t.Errorf("second life: %v\n%s", err, out)
	}
	took := time.Since(began)
	got, err := look(t, e)
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{got.Asleep(), got.Answers(), got.SaidTwice(), got.sameText(), got.Litter(), got.Since(at.Folder), got.told(want, at)} {
		if err != nil {
			t.Error(err)
		}
	}
	t.Logf("killed in %s, went on for %s", at.State.Status, took.Round(100*time.Millisecond))
	if t.Failed() {
		log, _ := os.ReadFile(e.Log)
		t.Logf("%s", log)
		for _, m := range got.Messages {
			t.Log(m.ID, m.Interaction, m.Content)
		}
	}
	return true
}

// TestKilledInAReset: of a reset that is killed half-way is left what somebody
// can begin with, and no machine that nobody knows of.
func TestKilledInAReset(t *testing.T) {
	t.Parallel()
	for n := 1; n <= 3; n++ { // the files that matter
		p := point{"after forget", n}
		t.Run(p.String(), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			e := evening{Dir: filepath.Join(dir, "folder"), Log: filepath.Join(dir, "log"), Reset: true, Life: 1, Kill: p}
			if out, err := life(t, e); !killed(err) {
				t.Fatalf("first life: %v\n%s", err, out)
			}
			e = evening{Dir: e.Dir, Log: e.Log, Life: 2}
			if out, err := life(t, e); err != nil {
				t.Errorf("second life: %v\n%s", err, out)
			}
			got, err := look(t, e)
			if err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(got.Asleep(), got.Answers(), got.SaidTwice(), got.Litter()); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestKilledGame: when everything is killed, the game beside it still saves;
// what the next one says of the loss must not be more than it knows.
func TestKilledGame(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	e := evening{Dir: filepath.Join(dir, "folder"), Log: filepath.Join(dir, "log"), Life: 1, Kill: point{"before order", 1}}
	if out, err := life(t, e); !killed(err) {
		t.Fatalf("first life: %v\n%s", err, out)
	}
	saved := func() simgame.World {
		w, err := simgame.ReadWorld(filepath.Join(e.Dir, "worlds", "midgard"), "midgard")
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatalf("the save: %v", err)
		}
		return w
	}
	for end := time.Now().Add(lifeWithin); saved().Saves == 0; <-time.After(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the game never saved")
		}
	}
	e.Kill, e.Life = point{}, 2
	if out, err := life(t, e); err != nil {
		t.Errorf("second life: %v\n%s", err, out)
	}
	got, err := look(t, e)
	if err != nil {
		t.Fatal(err)
	}
	if got.said("started over without word of a save. I know of no save in this session: what was done in it may be lost.") != 1 {
		t.Errorf("what may be lost was not told once: %q", got.lines())
	}
	if _, ok := saved().Players["Bo1"]; !ok {
		t.Errorf("the world has forgotten Bo1: %+v", saved())
	}
}

// look opens the folder of an evening whose process is gone.
func look(t *testing.T, e evening) (*afterwards, error) {
	t.Helper()
	f, err := autopsy.Read(t.Context(), e.Dir, "midgard")
	return &afterwards{f}, err
}

// life runs a child to its end and returns what it said of it.
func life(t *testing.T, e evening) (string, error) {
	t.Helper()
	b, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	child := exec.CommandContext(t.Context(), self, "evening", string(b))
	var out bytes.Buffer
	child.Stdout, child.Stderr, child.WaitDelay = &out, &out, time.Second
	err = child.Run()
	return out.String(), err
}

// killed: the process was ended by a signal.
func killed(err error) bool {
	exit, ok := errors.AsType[*exec.ExitError](err)
	return ok && exit.ExitCode() == -1
}
