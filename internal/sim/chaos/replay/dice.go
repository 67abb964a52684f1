package replay

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"sync"
	"time"
)

// Dice draws chance for one thing that one actor does. Each thing has Dice of
// its own, so that who throws first changes nothing for others. It is safe for
// concurrent use.
type Dice struct {
	mu  sync.Mutex // guards rnd
	rnd *rand.Rand
}

// NewDice depends on the seed and the names alone.
func NewDice(seed uint64, names ...any) *Dice {
	h := fnv.New64a()
	_, _ = fmt.Fprintln(h, names...)                                // a hash takes everything
	return &Dice{rnd: rand.New(rand.NewPCG(seed, h.Sum64()|1<<63))} //nolint:gosec // a simulation that must repeat itself
}

// Chance is true with probability p.
func (d *Dice) Chance(p float64) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.rnd.Float64() < p
}

// IntN is one of 0 to n-1; n is at least 1.
func (d *Dice) IntN(n int) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.rnd.IntN(n)
}

// Uint64 is any.
func (d *Dice) Uint64() uint64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.rnd.Uint64()
}

// Between is a duration from least to most, to the microsecond.
func (d *Dice) Between(least, most time.Duration) time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()
	return least + time.Duration(d.rnd.Int64N(int64((most-least)/time.Microsecond)+1))*time.Microsecond
}

// About is how long until something comes that comes every mean on average: at
// least a millisecond, at most twenty times the mean and that.
func (d *Dice) About(mean time.Duration) time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()
	return min(time.Duration(d.rnd.ExpFloat64()*float64(mean)), 20*mean).Truncate(time.Microsecond) + time.Millisecond
}

// Pick is one of the choices, of which there is at least one.
func Pick[T any](d *Dice, choices ...T) T { return choices[d.IntN(len(choices))] }
