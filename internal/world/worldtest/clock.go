// Package worldtest holds the contract suites of world.Queue, Store, Archive,
// Lease, Compute, Estate, Metadata and Game; that of world.Chat is in chattest. Every
// implementation runs the suite of its port, so that the core may rely on what
// ports.go says, whichever adapter is behind it. The tests of this package run
// the suites on copies that break one promise each: every case was seen to
// fail. Payloads and HostileNames are what tests of several packages send.
package worldtest

import (
	"sync"
	"testing"
	"time"

	"hearth/internal/world"
)

var _ world.Clock = (*Clock)(nil)

// Clock is a world.Clock that stands still until Advance moves it. It is safe
// for concurrent use.
type Clock struct {
	mu      sync.Mutex // guards what follows
	now     time.Time
	waiting []waiter
}

type waiter struct {
	at time.Time
	ch chan time.Time
}

// NewClock returns a clock that stands at noon of the first of June 2026, UTC.
func NewClock() *Clock {
	return &Clock{now: time.Date(2026, time.June, 1, 12, 0, 0, 0, time.UTC)}
}

// Now implements world.Clock.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// After implements world.Clock.
func (c *Clock) After(d time.Duration) <-chan time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	w := waiter{at: c.now.Add(d), ch: make(chan time.Time, 1)}
	c.waiting = append(c.waiting, w)
	c.fire()
	return w.ch
}

// Advance moves the clock by d, which may be negative, and fires what is due.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
	c.fire()
}

// fire wakes everybody whose time has come. c.mu is held.
func (c *Clock) fire() {
	var still []waiter
	for _, w := range c.waiting {
		if w.at.After(c.now) {
			still = append(still, w)
			continue
		}
		w.ch <- c.now // has room: a waiter fires once
	}
	c.waiting = still
}

// Option changes how a suite runs.
type Option func(*options)

type options struct {
	pass   func(t *testing.T, d time.Duration)
	poison PoisonOpener
}

// PassTime tells a suite how to let time pass for an adapter whose service has
// a clock of its own, such as a storage account: pass waits until d has passed
// there. Without it the suite moves the Clock that it gave to open. The cases of
// the queue's and the lease's suite run at once then, for most of them only wait.
func PassTime(pass func(t *testing.T, d time.Duration)) Option {
	return func(o *options) { o.pass = pass }
}

// stage is the time of one subtest.
type stage struct {
	clock *Clock
	pass  func(t *testing.T, d time.Duration)
	moves bool // pass moves clock, and takes no time
}

func newStage(o options) stage {
	s := stage{clock: NewClock(), pass: o.pass}
	if s.pass == nil {
		s.moves = true
		s.pass = func(_ *testing.T, d time.Duration) { s.clock.Advance(d) }
	}
	return s
}

// atOnce lets a case that really waits run beside the others.
func (o options) atOnce(t *testing.T) {
	t.Helper()
	if o.pass != nil {
		t.Parallel()
	}
}

// jumps says whether a case that sets the clock can be played: a service's own
// clock can't be set.
func (o options) jumps() bool { return o.pass == nil }

func optionsOf(opts []Option) options {
	var o options
	for _, opt := range opts {
		opt(&o)
	}
	return o
}
