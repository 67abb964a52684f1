package agent

import (
	"context"
	"hash/fnv"
	"math/rand/v2"
	"time"
)

// backoff gives the waits between attempts: doubling from base to limit, the
// upper half of each random, so that agents which lost the same service do not
// come back in step. One goroutine uses it.
type backoff struct {
	base, limit time.Duration
	tries       int
	random      *rand.Rand
}

// newBackoff draws its randomness from the names alone, so that a simulated
// run can be repeated.
func newBackoff(base, limit time.Duration, names ...string) *backoff {
	h := fnv.New64a()
	for _, n := range names {
		_, _ = h.Write([]byte(n)) // a hash never fails
		_, _ = h.Write([]byte{0})
	}
	return &backoff{base: base, limit: limit, random: rand.New(rand.NewPCG(h.Sum64(), 1))} //nolint:gosec // jitter is no secret
}

func (b *backoff) next() time.Duration {
	d := b.limit
	if b.tries < 16 {
		d = min(b.limit, b.base<<b.tries)
	}
	b.tries++
	return d/2 + time.Duration(b.random.Int64N(int64(d/2)+1))
}

func (b *backoff) reset() { b.tries = 0 }

// pause waits for d on the Clock; false when ctx ended first.
func (o *Options) pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-o.Clock.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}
