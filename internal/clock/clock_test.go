package clock_test

import (
	"testing"
	"testing/synctest"
	"time"

	"hearth/internal/clock"
)

func TestScaled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := clock.NewScaled(20, time.Time{})
		began, scaled := time.Now(), c.Now()
		<-c.After(time.Minute)
		if got := time.Since(began); got != 3*time.Second {
			t.Errorf("a minute at 20× took %s, want 3s", got)
		}
		if got := c.Now().Sub(scaled); got != time.Minute {
			t.Errorf("the clock went on by %s, want 1m0s", got)
		}
	})
}

func TestScaledChangesItsSpeedUnderWaiters(t *testing.T) {
	for _, tt := range []struct {
		name     string
		from, to float64
		want     time.Duration // of a minute, the speed changed after 1 s
	}{
		{"faster", 1, 59, 2 * time.Second},
		{"slower", 20, 1, 41 * time.Second},
		{"as it is", 10, 10, 6 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := clock.NewScaled(tt.from, time.Time{})
				began := time.Now()
				done := c.After(time.Minute)
				<-time.After(time.Second)
				c.SetSpeed(tt.to)
				at := <-done
				if got := time.Since(began).Round(time.Millisecond); got != tt.want {
					t.Errorf("the minute took %s, want %s", got, tt.want)
				}
				if got := c.Now(); got.Before(at) {
					t.Errorf("it is %s, before the %s that was sent", got, at)
				}
				if got := c.Speed(); got != tt.to {
					t.Errorf("got speed %v, want %v", got, tt.to)
				}
			})
		})
	}
}

func TestScaledFiresAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := clock.NewScaled(1, time.Time{})
		began := time.Now()
		<-c.After(0)
		<-c.After(-time.Hour)
		if got := time.Since(began); got != 0 {
			t.Errorf("took %s, want nothing", got)
		}
	})
}

func TestScaledRefusesToStand(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("a speed of zero was taken")
		}
	}()
	clock.NewScaled(0, time.Time{})
}

func TestScaledGoesOnFromALaterTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		later := time.Now().Add(time.Hour)
		if got := clock.NewScaled(20, later).Now(); !got.Equal(later) {
			t.Errorf("got %s, want %s", got, later)
		}
		if got, want := clock.NewScaled(20, time.Now().Add(-time.Hour)).Now(), time.Now(); !got.Equal(want) {
			t.Errorf("got %s, want the system's %s", got, want)
		}
	})
}
