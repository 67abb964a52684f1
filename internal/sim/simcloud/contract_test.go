package simcloud_test

import (
	"path/filepath"
	"sync"
	"testing"
	"time"

	"hearth/internal/sim/simcloud"
	"hearth/internal/world"
	"hearth/internal/world/worldtest"
)

// manual is a clock that stands still until it is told to go on.
type manual struct {
	mu      sync.Mutex // guards what follows
	now     time.Time
	waiting []waiter
}

type waiter struct {
	at time.Time
	ch chan time.Time
}

func (m *manual) Now() time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.now
}

func (m *manual) After(d time.Duration) <-chan time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	w := waiter{m.now.Add(d), make(chan time.Time, 1)}
	m.waiting = append(m.waiting, w)
	m.fire()
	return w.ch
}

func (m *manual) advance(d time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now = m.now.Add(d)
	m.fire()
}

func (m *manual) fire() {
	var left []waiter
	for _, w := range m.waiting {
		if w.at.After(m.now) {
			left = append(left, w)
		} else {
			w.ch <- m.now
		}
	}
	m.waiting = left
}

func TestCompute(t *testing.T) {
	for name, jitter := range map[string]float64{"steady": 0, "jittery": 0.9} {
		t.Run(name, func(t *testing.T) {
			worldtest.Compute(t, func(t *testing.T) worldtest.ComputeUnderTest {
				return underTest(t, jitter)
			})
		})
	}
}

func underTest(t *testing.T, jitter float64) worldtest.ComputeUnderTest {
	clock := &manual{now: time.Date(2026, 9, 12, 20, 0, 0, 0, time.UTC)}
	file := filepath.Join(t.TempDir(), "cloud.json")
	place := world.Placement{ID: "vmss-midgard", Region: "eastus2"}
	open := func() *simcloud.Cloud {
		return openCloud(t, simcloud.Options{
			Clock: clock, File: file, Seed: 7, Timing: simcloud.Timing{Jitter: jitter},
			Placements: []world.Placement{place, {ID: "vmss-midgard-west"}},
		})
	}
	c := open()
	return worldtest.ComputeUnderTest{
		Compute: c, Placement: place, Missing: world.Placement{ID: "vmss-utgard"},
		Reopen: func(t *testing.T) world.Compute {
			closeCloud(t, c)
			c = open()
			return c
		},
		Wait:   func(_ *testing.T, d time.Duration) { clock.advance(d) },
		Vanish: func(t *testing.T, id string) { must(t, c.Vanish(id)) },
		Refuse: func(t *testing.T, code string, async bool) { must(t, c.FailNext(place.ID, code, async)) },
		FailCall: func(*testing.T) {
			c.FailCalls(1)
		},
	}
}
