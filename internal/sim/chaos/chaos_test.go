package chaos_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"hearth/internal/sim/chaos"
)

// The flags of `make sim`.
var (
	seeds  = flag.Int("seeds", 12, "how many seeds to simulate")
	first  = flag.Uint64("first", 1, "the first of them")
	hours  = flag.Float64("hours", 1, "simulated hours of chaos in each; an hour of calm follows")
	bug    = flag.String("bug", "", "a bug to plant")
	say    = flag.Bool("say", false, "print what everybody logs")
	shards = flag.Int("shards", 1, "how many processes share the seeds")
	within = flag.Duration("within", 0, "begin no seed after this long; 0: simulate all")
)

// TestMain: one processor, so that a seed replays exactly, and no collection
// of garbage in the middle of one.
func TestMain(m *testing.M) {
	flag.Parse()
	runtime.GOMAXPROCS(1)
	debug.SetGCPercent(-1)
	debug.SetMemoryLimit(4 << 30)
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

// tally is what came of many seeds.
type tally struct {
	Seeds    int
	Failures int
	Stats    chaos.Stats
	CPU      time.Duration
}

// String is the last line of `make sim`.
func (s tally) String() string {
	return fmt.Sprintf("%d seeds, %.0f simulated hours, %d commands, %d evictions, %d faults, %d kills, %d events, %d words, %d messages, %d games, %d drills, %d judged, %d failures",
		s.Seeds, s.Stats.Simulated.Hours(), s.Stats.Commands, s.Stats.Evictions(), s.Stats.AllFaults(), s.Stats.Kills, s.Stats.Events, s.Stats.Words, s.Stats.Messages, s.Stats.Games, s.Stats.Drills, s.Stats.Judged, s.Failures)
}

// shardMark begins the line in which a shard tells its tally.
const shardMark = "shard: "

// TestSeeds keeps every promise in every seed.
func TestSeeds(t *testing.T) {
	begun := time.Now()
	var sum tally
	if *shards > 1 && !*say { // what several say at once nobody reads
		sum = inShards(t)
	} else {
		sum = inTurn(t, begun)
	}
	t.Logf("%v, %.1f s wall, %.1f s CPU", sum, time.Since(begun).Seconds(), sum.CPU.Seconds())
	if sum.Seeds == 0 {
		t.Error("no seed was simulated: give more time or more seeds")
	}
	if float64(sum.Seeds)**hours < 1000 {
		return // what is rare may not have come
	}
	for _, f := range chaos.Faults() {
		if sum.Stats.Faults[f] == 0 {
			t.Errorf("in %d seeds it never happened that %s", sum.Seeds, f)
		}
	}
}

// inTurn simulates the seeds in this process.
func inTurn(t *testing.T, begun time.Time) (sum tally) {
	used := cpu()
	var out io.Writer
	if *say {
		out = os.Stdout
	}
	for seed := *first; seed < *first+uint64(max(0, *seeds)); seed++ {
		if *within > 0 && time.Since(begun) > *within {
			break
		}
		sum.Seeds++
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			r := simulate(t, chaos.Options{Seed: seed, Hours: *hours, Bug: chaos.Bug(*bug), Trace: out})
			sum.Stats.Add(r.Stats)
			if len(r.Violations) == 0 {
				return
			}
			sum.Failures++
			for _, v := range r.Violations {
				t.Error(v)
			}
			t.Logf("options drawn: %s", r.Plan)
			t.Logf(`again: make sim SEEDS=1 FIRST=%d HOURS=%v ARGS="%s-say"`, seed, *hours, planted())
		})
	}
	sum.CPU = cpu() - used
	b, err := json.Marshal(sum)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%s%s", shardMark, b)
	return sum
}

// planted is the flag of the planted bug, if there is one.
func planted() string {
	if *bug == "" {
		return ""
	}
	return "-bug " + *bug + " "
}

// inShards divides the seeds among processes: each has one processor of its
// own, which two bubbles in one process would share.
func inShards(t *testing.T) (sum tally) {
	var (
		wg sync.WaitGroup
		mu sync.Mutex // guards sum
	)
	each := (*seeds + *shards - 1) / *shards
	for i := range *shards {
		n := min(each, *seeds-i*each)
		if n <= 0 {
			break
		}
		wg.Go(func() {
			c := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestSeeds$", "-test.v", "-test.timeout=0",
				"-seeds", strconv.Itoa(n), "-first", strconv.FormatUint(*first+uint64(i*each), 10), "-hours", fmt.Sprint(*hours), "-bug", *bug, "-within", within.String())
			out, err := c.CombinedOutput()
			mu.Lock()
			defer mu.Unlock()
			told := false
			for line := range strings.Lines(string(out)) {
				_, text, ok := strings.Cut(line, shardMark)
				var part tally
				if ok && json.Unmarshal([]byte(text), &part) == nil {
					told = true
					sum.add(part)
				}
			}
			if err != nil || !told {
				t.Errorf("shard %d: %v\n%s", i, err, failures(string(out)))
			}
		})
	}
	wg.Wait()
	return sum
}

func (s *tally) add(o tally) {
	s.Seeds += o.Seeds
	s.Failures += o.Failures
	s.CPU += o.CPU
	s.Stats.Add(o.Stats)
}

// failures keeps of a shard's output what a reader needs: the seeds that
// failed, or the end of one that broke down.
func failures(out string) string {
	lines := strings.Split(out, "\n")
	kept := slices.DeleteFunc(slices.Clone(lines), func(l string) bool {
		return strings.Contains(l, "=== ") || strings.Contains(l, "--- PASS") || strings.Contains(l, shardMark)
	})
	if strings.Contains(out, "panic:") || strings.Contains(out, "fatal error:") {
		kept = lines[max(0, len(lines)-150):]
	}
	return strings.Join(kept[:min(len(kept), 200)], "\n")
}

// TestReplay: a seed replays exactly.
func TestReplay(t *testing.T) {
	for seed := uint64(1); seed <= 6; seed++ {
		o := chaos.Options{Seed: seed, Hours: 1}
		if a, b := simulate(t, o), simulate(t, o); a.Hash != b.Hash {
			t.Errorf("seed %d: %s the first time, %s the second", seed, a.Hash, b.Hash)
		}
	}
}

// TestPlantedBugs: each is found. docs/promises.md tells how often.
func TestPlantedBugs(t *testing.T) {
	for _, b := range chaos.Bugs() {
		t.Run(string(b), func(t *testing.T) {
			const most = 100 // a bug that shows in one seed of a hundred
			from := uint64(1)
			if b == chaos.LossUncounted { // which shows in one of two hundred
				from = 180
			}
			for seed := from; seed < from+most; seed++ {
				r := simulate(t, chaos.Options{Seed: seed, Hours: 2, Bug: b})
				if len(r.Violations) > 0 {
					t.Logf("found by seed %d: %v", seed, r.Violations[0])
					return
				}
			}
			t.Errorf("not found in %d seeds", most)
		})
	}
}
