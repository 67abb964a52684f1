package queues

import (
	"math"
	"math/rand/v2"
	"time"
)

// minWait is the shortest wait between two polls, and what its exponential part
// begins with.
const minWait = 100 * time.Millisecond

// spread is how far that part is randomized, both ways.
const spread = 0.2

// backoff makes the waits after empty polls: 0.1, 0.2, 0.3, 0.5, 0.9, 1.7 s and
// so on up to most.
type backoff struct {
	most     time.Duration
	exponent int
	current  time.Duration
}

// next is the wait after an empty poll. found says that messages came since the
// last wait.
func (b *backoff) next(found bool) time.Duration {
	if found {
		b.current, b.exponent = minWait, 1
		return b.current
	}
	if b.current == b.most {
		return b.most
	}
	wait := minWait
	if b.exponent > 0 {
		factor := 1 - spread + 2*spread*rand.Float64() //nolint:gosec // no secret
		wait += time.Duration(factor * float64(minWait) * math.Pow(2, float64(b.exponent-1)))
	}
	b.current = min(wait, b.most)
	b.exponent++
	return b.current
}
