package chaos

import (
	"context"
	"sync"
	"time"

	"hearth/internal/world"
)

// A simulation can only be replayed if no two timers fire at the same instant:
// in a synctest bubble the order of those that do is chance. So every actor
// has a lane of its own: slots of a cell that nobody else wakes in.
const (
	cell  = 200 * time.Microsecond // of lanes; every wait is rounded up to one
	slots = 16                     // of a lane in each cell, in nanoseconds
)

// maxLanes is how many lanes there are; the ones after them share with the first.
const maxLanes = int64(cell) / slots

// start is when every simulation begins: a bubble's own clock begins before
// Discord's ids do.
func start() time.Time { return time.Date(2026, time.June, 1, 18, 0, 0, 0, time.UTC) }

// lane is the world.Clock of one actor. It is safe for concurrent use.
type lane struct {
	first int64         // slot in a cell
	ahead time.Duration // of the bubble's clock

	mu    sync.Mutex // guards what follows
	turn  int64
	taken map[int64]bool // instants that somebody of this lane wakes at
}

var _ world.Clock = (*lane)(nil)

// Now implements world.Clock.
func (l *lane) Now() time.Time { return time.Now().Add(l.ahead) }

// After implements world.Clock, up to two cells late.
func (l *lane) After(d time.Duration) <-chan time.Time {
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
func (l *lane) until(d time.Duration) time.Duration {
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
		at := begin + l.first + l.turn%slots
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

// sleep returns when d has passed, or with the context's error.
func (l *lane) sleep(ctx context.Context, d time.Duration) error {
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

// lanes hands lanes out.
type lanes struct {
	ahead time.Duration

	mu   sync.Mutex // guards next
	next int64
}

func newLanes() *lanes { return &lanes{ahead: time.Until(start())} }

// lane is a new one, whose clock is ahead of the others by skew.
func (ls *lanes) lane(skew time.Duration) *lane {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	ls.next++
	return &lane{first: ls.next % maxLanes * slots, ahead: ls.ahead + skew, taken: map[int64]bool{}}
}
