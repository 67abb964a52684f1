package replay_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"hearth/internal/sim/chaos/replay"
)

// TestNoTwoWakeAtOnce: whoever waits for the same time, on one lane or on
// several, wakes at an instant that nobody else has.
func TestNoTwoWakeAtOnce(t *testing.T) {
	for _, tt := range []struct {
		name         string
		lanes, waits int
	}{
		{"one lane", 1, 10},
		{"one lane, crowded", 1, 2000},
		{"neighbours", 3, 100},
		{"every lane there is", int(replay.MaxLanes), 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var (
					wg   sync.WaitGroup
					mu   sync.Mutex // guards woke
					all  = replay.NewLanes()
					woke = map[time.Time]int{}
				)
				for range tt.lanes {
					l := all.New(0)
					for range tt.waits {
						wg.Go(func() {
							<-l.After(time.Second)
							mu.Lock()
							defer mu.Unlock()
							woke[l.Now()]++
						})
					}
				}
				wg.Wait()
				for at, n := range woke {
					if n != 1 {
						t.Fatalf("%d wake at %v, want 1", n, at)
					}
				}
				if got, want := len(woke), tt.lanes*tt.waits; got != want {
					t.Errorf("%d instants of waking, want %d", got, want)
				}
			})
		})
	}
}

// TestNeverEarly: a wait lasts as long as asked for and a little longer,
// wherever in a cell it begins.
func TestNeverEarly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const late = 400 * time.Microsecond
		l := replay.NewLanes().New(0)
		dice := replay.NewDice(1, "waits")
		for _, least := range []time.Duration{1, time.Microsecond, 199_999, 200_000, 200_001, time.Second, time.Hour} {
			for range 300 {
				asked := least + dice.Between(0, time.Millisecond)
				begun := l.Now()
				if err := l.Sleep(t.Context(), asked); err != nil {
					t.Fatal(err)
				}
				if got := l.Now().Sub(begun); got < asked || got >= asked+late {
					t.Fatalf("a wait of %v took %v, want less than %v more", asked, got, late)
				}
			}
		}
	})
}

// TestNoTieWithADeadline: a wait does not end at the instant of a deadline that
// was set when it began. Deadlines are whole numbers of cells of 200 µs later.
func TestNoTieWithADeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const cell = 200 * time.Microsecond
		l := replay.NewLanes().New(0)
		dice := replay.NewDice(1, "waits")
		for range 100 {
			begun := l.Now()
			for range dice.IntN(32) { // others wait meanwhile
				l.After(time.Hour)
			}
			if err := l.Sleep(t.Context(), dice.Between(1, time.Second)); err != nil {
				t.Fatal(err)
			}
			if took := l.Now().Sub(begun); took%cell == 0 {
				t.Fatalf("a wait took %v, which a deadline may as well", took)
			}
		}
	})
}

func TestNoWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := replay.NewLanes().New(0)
		for _, d := range []time.Duration{0, -time.Second} {
			begun := l.Now()
			if at := <-l.After(d); at != begun || l.Now() != begun {
				t.Errorf("After(%v) sent %v at %v, want %v at once", d, at, l.Now(), begun)
			}
		}
	})
}

func TestSleepEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := replay.NewLanes().New(0)
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		begun := l.Now()
		if err := l.Sleep(ctx, time.Hour); !errors.Is(err, context.Canceled) {
			t.Errorf("the error is %v, want %v", err, context.Canceled)
		}
		if got := l.Now().Sub(begun); got != time.Second {
			t.Errorf("it slept %v, want until it was cancelled after %v", got, time.Second)
		}
		if err := l.Sleep(ctx, 0); !errors.Is(err, context.Canceled) {
			t.Errorf("the error of no wait is %v, want %v", err, context.Canceled)
		}
	})
}

func TestStartAndSkew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := replay.NewLanes()
		right, ahead := all.New(0), all.New(time.Minute)
		if got := right.Now(); !got.Equal(replay.Start()) {
			t.Errorf("a simulation begins at %v, want %v", got, replay.Start())
		}
		if got := ahead.Now().Sub(right.Now()); got != time.Minute {
			t.Errorf("the clock is %v ahead, want %v", got, time.Minute)
		}
		if right.Slot() == ahead.Slot() {
			t.Errorf("two lanes have slot %d", right.Slot())
		}
	})
}
