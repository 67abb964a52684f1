package chaos_test

import (
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"hearth/internal/sim/chaos"
)

var (
	seeds = flag.Int("seeds", 20, "how many seeds to simulate")
	first = flag.Uint64("first", 1, "the first of them")
	hours = flag.Float64("hours", 3, "simulated hours of chaos in each")
	bug   = flag.String("bug", "", "a bug to plant")
	say   = flag.Bool("say", false, "print what everybody logs")
)

// TestMain: one processor, so that a seed replays exactly, and no collection
// of garbage in the middle of one.
func TestMain(m *testing.M) {
	flag.Parse()
	runtime.GOMAXPROCS(1)
	debug.SetGCPercent(-1)
	debug.SetMemoryLimit(2 << 30)
	os.Exit(m.Run())
}

// simulate runs one seed in a bubble of its own.
func simulate(t *testing.T, o chaos.Options) chaos.Result {
	t.Helper()
	runtime.GC()
	o.Dir = t.TempDir()
	var r chaos.Result
	synctest.Test(t, func(t *testing.T) {
		var err error
		if r, err = chaos.Run(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	})
	return r
}

func cpu() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func TestSeeds(t *testing.T) {
	begun, used := time.Now(), cpu()
	var sum chaos.Stats
	failed := 0
	var out io.Writer
	if *say {
		out = os.Stdout
	}
	for seed := *first; seed < *first+uint64(*seeds); seed++ {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			r := simulate(t, chaos.Options{Seed: seed, Hours: *hours, Bug: chaos.Bug(*bug), Trace: out})
			sum.Add(r.Stats)
			if len(r.Violations) == 0 {
				return
			}
			failed++
			for _, v := range r.Violations {
				t.Error(v)
			}
			t.Logf("options drawn: %s", r.Plan)
		})
	}
	t.Logf("%d seeds, %.0f simulated hours, %+v, %d failures, %.1f s wall, %.1f s CPU", *seeds, sum.Simulated.Hours(), sum, failed, time.Since(begun).Seconds(), (cpu() - used).Seconds())
}

// TestReplay: a seed replays exactly.
func TestReplay(t *testing.T) {
	for seed := uint64(1); seed <= 25; seed++ {
		a := simulate(t, chaos.Options{Seed: seed, Hours: 1})
		b := simulate(t, chaos.Options{Seed: seed, Hours: 1})
		if a.Hash != b.Hash {
			t.Errorf("seed %d: %s the first time, %s the second", seed, a.Hash, b.Hash)
		}
	}
}
