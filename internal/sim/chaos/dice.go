package chaos

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"sync"
	"time"
)

// dice draws chance for one thing that one actor does. Each thing has dice of
// its own, so that who throws first changes nothing for others. It is safe for
// concurrent use.
type dice struct {
	mu  sync.Mutex // guards rnd
	rnd *rand.Rand
}

// newDice depends on the seed and the names alone.
func newDice(seed uint64, names ...any) *dice {
	h := fnv.New64a()
	_, _ = fmt.Fprintln(h, names...)                                // a hash takes everything
	return &dice{rnd: rand.New(rand.NewPCG(seed, h.Sum64()|1<<63))} //nolint:gosec // a simulation that must repeat itself
}

// chance is true with probability p.
func (d *dice) chance(p float64) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.rnd.Float64() < p
}

// n is one of 0 to n-1.
func (d *dice) n(n int) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.rnd.IntN(n)
}

// number is any.
func (d *dice) number() uint64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.rnd.Uint64()
}

// between is a duration from least to most, to the microsecond.
func (d *dice) between(least, most time.Duration) time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()
	return least + time.Duration(d.rnd.Int64N(int64((most-least)/time.Microsecond)+1))*time.Microsecond
}

// about is how long until something that happens every mean on average.
func (d *dice) about(mean time.Duration) time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()
	return min(time.Duration(d.rnd.ExpFloat64()*float64(mean)), 20*mean).Truncate(time.Microsecond) + time.Millisecond
}

// pick is one of the choices.
func pick[T any](d *dice, choices ...T) T { return choices[d.n(len(choices))] }
