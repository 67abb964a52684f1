package backoff_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"hearth/internal/agent/backoff"
	"hearth/internal/clock"
)

func TestBackoff(t *testing.T) {
	b := backoff.New(time.Second, 10*time.Second, "midgard", "lease")
	for i, seconds := range []int{1, 2, 4, 8, 10, 10} {
		most := time.Duration(seconds) * time.Second
		if got := b.Next(); got < most/2 || got > most || b.Tries() != i+1 {
			t.Errorf("wait %d is %s, want between %s and %s", b.Tries(), got, most/2, most)
		}
	}
	for range 100 { // doubles no further than to its limit
		if got := b.Next(); got < 5*time.Second || got > 10*time.Second {
			t.Fatalf("wait %d is %s, want between 5s and 10s", b.Tries(), got)
		}
	}
	b.Reset()
	if got := b.Next(); got > time.Second || b.Tries() != 1 {
		t.Errorf("after a reset: wait %d is %s", b.Tries(), got)
	}
}

func TestBackoffIsRepeatable(t *testing.T) {
	waits := func(names ...string) (ds [8]time.Duration) {
		b := backoff.New(time.Second, time.Hour, names...)
		for i := range ds {
			ds[i] = b.Next()
		}
		return ds
	}
	if got, again := waits("midgard", "lease"), waits("midgard", "lease"); got != again {
		t.Errorf("%v, then %v by the same names", got, again)
	}
	if got, other := waits("midgard", "lease"), waits("asgard", "lease"); got == other {
		t.Errorf("%v by different names: they come back in step", got)
	}
	if got, other := waits("a", "b"), waits("ab"); got == other {
		t.Errorf("%v, however the names are cut", got)
	}
}

func TestPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		if !backoff.Pause(t.Context(), clock.System{}, time.Minute) || time.Since(began) != time.Minute {
			t.Errorf("paused for %s, want 1m", time.Since(began))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if backoff.Pause(ctx, clock.System{}, time.Minute) || time.Since(began) != time.Minute+time.Second {
			t.Error("a pause outlived its context")
		}
	})
}
