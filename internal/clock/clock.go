// Package clock holds the two clocks Hearth runs on: the system's, and one
// that runs a settable number of times as fast, for the playground.
package clock

import (
	"sync"
	"time"

	"hearth/internal/world"
)

var (
	_ world.Clock = System{}
	_ world.Clock = (*Scaled)(nil)
)

// System is the machine's own clock. Inside a testing/synctest bubble it is
// the bubble's.
type System struct{}

// Now implements world.Clock.
func (System) Now() time.Time { return time.Now() }

// After implements world.Clock.
func (System) After(d time.Duration) <-chan time.Time { return time.After(d) }

// Scaled runs Speed times as fast as the system's clock, from the moment it
// was made. Its speed can change at any time; what waits on it then waits
// longer or shorter. It is safe for concurrent use.
type Scaled struct {
	mu      sync.Mutex // guards what follows
	real    time.Time  // when base was set
	base    time.Time  // the scaled time at real
	speed   float64
	waiting map[*waiter]struct{}
}

type waiter struct {
	at    time.Time // on the scaled clock
	ch    chan time.Time
	timer *time.Timer
}

// NewScaled starts a clock that shows from, or the system's present time if
// that is later. speed must be > 0.
func NewScaled(speed float64, from time.Time) *Scaled {
	if speed <= 0 {
		panic("clock: speed must be above zero")
	}
	now := time.Now()
	base := now
	if from.After(now) {
		base = from
	}
	return &Scaled{real: now, base: base, speed: speed, waiting: map[*waiter]struct{}{}}
}

// Now implements world.Clock.
func (c *Scaled) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now()
}

func (c *Scaled) now() time.Time {
	return c.base.Add(time.Duration(float64(time.Since(c.real)) * c.speed))
}

// Speed is how many times as fast as the system's this clock runs.
func (c *Scaled) Speed() float64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.speed
}

// SetSpeed changes the speed from now on. speed must be > 0.
func (c *Scaled) SetSpeed(speed float64) {
	if speed <= 0 {
		panic("clock: speed must be above zero")
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.base, c.real, c.speed = c.now(), time.Now(), speed
	for w := range c.waiting {
		w.timer.Reset(c.untilReal(w.at))
	}
}

// untilReal is how long the system's clock has to run until at. c.mu is held.
func (c *Scaled) untilReal(at time.Time) time.Duration {
	return time.Duration(float64(at.Sub(c.now())) / c.speed)
}

// After implements world.Clock.
func (c *Scaled) After(d time.Duration) <-chan time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	w := &waiter{at: c.now().Add(d), ch: make(chan time.Time, 1)}
	c.waiting[w] = struct{}{}
	w.timer = time.AfterFunc(c.untilReal(w.at), func() { c.fire(w) })
	return w.ch
}

func (c *Scaled) fire(w *waiter) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.waiting[w]; !ok {
		return
	}
	if left := c.untilReal(w.at); left > 0 { // the speed changed while it fired
		w.timer.Reset(left)
		return
	}
	delete(c.waiting, w)
	w.ch <- c.now()
}
