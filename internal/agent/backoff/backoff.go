// Package backoff waits between the attempts of an agent's calls.
package backoff

import (
	"context"
	"hash/fnv"
	"math/rand/v2"
	"time"

	"hearth/internal/world"
)

// Backoff gives the waits between attempts: doubling from base to limit, the
// upper half of each random, so that agents which lost the same service do not
// come back in step. One goroutine uses it.
type Backoff struct {
	base, limit time.Duration
	tries       int
	random      *rand.Rand
}

// New makes a Backoff. It draws its randomness from the names alone, so that a
// simulated run can be repeated.
func New(base, limit time.Duration, names ...string) *Backoff {
	h := fnv.New64a()
	for _, n := range names {
		_, _ = h.Write([]byte(n)) // a hash never fails
		_, _ = h.Write([]byte{0})
	}
	return &Backoff{base: base, limit: limit, random: rand.New(rand.NewPCG(h.Sum64(), 1))} //nolint:gosec // jitter is no secret
}

// Next is the wait before the next attempt.
func (b *Backoff) Next() time.Duration {
	d := b.limit
	if b.tries < 16 {
		d = min(b.limit, b.base<<b.tries)
	}
	b.tries++
	return d/2 + time.Duration(b.random.Int64N(int64(d/2)+1))
}

// Tries is how many waits were given since New or Reset.
func (b *Backoff) Tries() int { return b.tries }

// Reset begins anew, after a success.
func (b *Backoff) Reset() { b.tries = 0 }

// Pause waits for d on the clock; false when ctx ended first.
func Pause(ctx context.Context, clock world.Clock, d time.Duration) bool {
	select {
	case <-clock.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}
