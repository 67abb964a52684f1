package chaos_test

import (
	"flag"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"testing"
	"testing/synctest"
	"time"

	"hearth/internal/sim/chaos"
)

// The flags of `make month`.
var (
	days      = flag.Int("days", 7, "how many days the month has")
	monthSeed = flag.Uint64("month", 1, "the seed of the month")
)

func simulateMonth(t *testing.T, o chaos.MonthOptions) chaos.Month {
	t.Helper()
	runtime.GC()
	// A month leaves more behind than a seed, and what it simulates is so quiet
	// that a collection in the middle does not show.
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(1 << 30))
	o.Dir = t.TempDir()
	var m chaos.Month
	synctest.Test(t, func(t *testing.T) {
		var err error
		if m, err = chaos.RunMonth(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	})
	return m
}

// TestMonth: a group plays for some weeks, every promise is kept, and what is paid
// for is what was played and the guard's known tails.
func TestMonth(t *testing.T) {
	var out io.Writer
	if *say {
		out = os.Stdout
	}
	begun := time.Now()
	m := simulateMonth(t, chaos.MonthOptions{Seed: *monthSeed, Days: *days, Trace: out})
	for _, v := range m.Violations {
		t.Error(v)
	}
	t.Logf("\n%v\nseed %d, hash %s, %.1f s", m, *monthSeed, m.Hash, time.Since(begun).Seconds())
	if m.Sessions == 0 || m.Played == 0 {
		t.Fatal("nobody has played")
	}
	if m.On > m.Billed {
		t.Errorf("somebody was on for %v, and machines are paid for %v", m.On, m.Billed)
	}
	if tails := m.Billed - m.On; tails > m.Tails() {
		t.Errorf("machines are paid for %v with nobody on, want %v at most", tails, m.Tails())
	}
	if off := max(m.Told-m.Money, m.Money-m.Told); off > m.Money/20 {
		t.Errorf("the bot counts %v, and it is %v", m.Told, m.Money)
	}
}

// TestMonthReplays: a month replays exactly.
func TestMonthReplays(t *testing.T) {
	o := chaos.MonthOptions{Seed: 2, Days: 1}
	if a, b := simulateMonth(t, o), simulateMonth(t, o); a.Hash != b.Hash || a.String() != b.String() {
		t.Errorf("%s the first time, %s the second:\n%v%v", a.Hash, b.Hash, a, b)
	}
}
