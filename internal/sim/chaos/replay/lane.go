package replay

import (
	"context"
	"sync"
	"time"

	"hearth/internal/world"
)

const (
	cell  = 200 * time.Microsecond // what time is divided into; a wait ends in a slot of one
	slots = 16                     // nanoseconds of each cell that are one lane's
)

// MaxLanes is how many lanes there are; those after them share with the first.
const MaxLanes = int64(cell) / slots

// Start is when every simulation begins: a bubble's own clock begins before
// Discord's ids do.
func Start() time.Time { return time.Date(2026, time.June, 1, 18, 0, 0, 0, time.UTC) }

// Lanes hands lanes out. It is safe for concurrent use; who asks first gets
// the lower one, so ask in an order that repeats itself.
type Lanes struct {
	ahead time.Duration // of the bubble's clock

	mu   sync.Mutex // guards last
	last int64
}

// NewLanes sets the clock of a bubble to Start.
func NewLanes() *Lanes { return &Lanes{ahead: time.Until(Start())} }

// New is the next lane, whose clock is skew ahead of the others'.
func (ls *Lanes) New(skew time.Duration) *Lane {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	ls.last++
	return &Lane{slot: ls.last % MaxLanes * slots, ahead: ls.ahead + skew, taken: map[int64]bool{}}
}

// Lane is the world.Clock of one actor: those slots of every cell that nobody
// else wakes in. It is safe for concurrent use.
type Lane struct {
	slot  int64         // the first in each cell
	ahead time.Duration // of the bubble's clock

	mu    sync.Mutex // guards what follows
	turn  int64
	taken map[int64]bool // instants that somebody of this lane wakes at
}

var _ world.Clock = (*Lane)(nil)

// Slot names the lane: no other has it.
func (l *Lane) Slot() int64 { return l.slot }

// Now implements world.Clock.
func (l *Lane) Now() time.Time { return time.Now().Add(l.ahead) }

// After implements world.Clock. It is never early and less than 0.4 ms late;
// later only if many of this lane wake at about that time.
func (l *Lane) After(d time.Duration) <-chan time.Time {
	if d <= 0 {
		ch := make(chan time.Time, 1)
		ch <- l.Now()
		return ch
	}
	return time.After(l.until(d))
}

// until rounds a wait up to an instant of this lane that is not taken. It is
// never one of the same slot as the present instant, so that it does not tie
// with the deadline of a context that was made in this instant.
func (l *Lane) until(d time.Duration) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now().UnixNano()
	begin := (now + int64(d) + int64(cell) - 1) / int64(cell) * int64(cell)
	if len(l.taken) > 512 {
		for at := range l.taken {
			if at < now {
				delete(l.taken, at)
			}
		}
	}
	for {
		l.turn++
		at := begin + l.slot + l.turn%slots
		if at%int64(cell) == now%int64(cell) {
			continue
		}
		if !l.taken[at] {
			l.taken[at] = true
			return time.Duration(at - now)
		}
		begin += int64(cell)
	}
}

// Sleep returns when d has passed, or with the context's error.
func (l *Lane) Sleep(ctx context.Context, d time.Duration) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case <-l.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
