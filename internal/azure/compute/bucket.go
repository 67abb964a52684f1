package compute

import "time"

// Azure Resource Manager gives a subscription and an identity two buckets of calls:
// 250 reads, refilled with 25 a second, and 200 writes (deletions among them),
// refilled with 10 a second ("Understand how Azure Resource Manager throttles
// requests"). A process takes a fifth of them. 25 worlds that are all on ask for 3
// reads a second, so one process is enough for a whole deployment, and the host
// starts a handful of others at most, which know nothing of each other: five of
// them at once stay below the limits. Should there be more, or somebody else be
// calling with this identity, Azure says so, and the gate closes.
const (
	readBurst  = 50
	readEvery  = time.Second / 5
	writeBurst = 40
	writeEvery = time.Second / 2
)

// turnWithin is how long a call waits for its turn at most: its method has
// CallsWithin, and the call itself takes a part of it.
const turnWithin = 8 * time.Second

// bucket holds tokens, one of which each call takes: burst of them at most, and one
// more after every. It is kept as the time at which it will be full, which lets a
// call take a token that is still to come, and wait for it.
type bucket struct {
	burst int
	every time.Duration
	full  time.Time
}

// take is how long a call waits for its token; false: longer than turnWithin, and
// none was taken.
func (b *bucket) take(now time.Time) (time.Duration, bool) {
	size := time.Duration(b.burst) * b.every
	if b.full.Before(now) {
		b.full = now
	}
	if most := now.Add(size + turnWithin); b.full.After(most) { // the clock was set back
		b.full = now.Add(size)
	}
	wait := b.full.Add(b.every).Sub(now) - size
	if wait > turnWithin {
		return wait, false
	}
	b.full = b.full.Add(b.every)
	return max(wait, 0), true
}
