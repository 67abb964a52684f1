package agent

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"hearth/internal/world"
)

// OutboxLimit is how many events wait for their queue at most.
const OutboxLimit = 10_000

// sendTimeout bounds one attempt to send. It is short because a notice leaves
// seconds, not minutes. Deadlines of calls are on the system's clock: a call
// takes the time it takes, however fast the Clock runs.
const sendTimeout = 5 * time.Second

// outbox keeps sealed events until the queue took them, in order.
type outbox struct {
	queue world.Queue
	clock world.Clock
	log   *slog.Logger

	more  chan struct{} // something was put; capacity 1
	hurry chan struct{} // something urgent was put: do not wait out a backoff; capacity 1

	mu      sync.Mutex // guards what follows
	waiting []letter
	sending bool // the first of waiting is on its way
	dropped int
	empty   chan struct{} // closed while nothing waits
}

// letter is one event on its way.
type letter struct {
	id      string
	body    []byte
	settled chan struct{} // closed when it was sent or given up
}

func newOutbox(o *Options) *outbox {
	empty := make(chan struct{})
	close(empty)
	return &outbox{
		queue: o.Events, clock: o.Clock, log: o.Log,
		more: make(chan struct{}, 1), hurry: make(chan struct{}, 1), empty: empty,
	}
}

// put adds an event and returns a channel that is closed when it was sent or
// dropped. It never blocks.
func (q *outbox) put(id string, body []byte, urgent bool) <-chan struct{} {
	l := letter{id: id, body: body, settled: make(chan struct{})}
	q.mu.Lock()
	if len(q.waiting) == 0 {
		q.empty = make(chan struct{})
	}
	q.waiting = append(q.waiting, l)
	if len(q.waiting) > OutboxLimit {
		q.dropOldest()
	}
	q.mu.Unlock()
	nudge(q.more)
	if urgent {
		nudge(q.hurry)
	}
	return l.settled
}

// dropOldest makes room. The one being sent can't be called back, so its
// successor goes. q.mu is held.
func (q *outbox) dropOldest() {
	at := 0
	if q.sending {
		at = 1
	}
	l := q.waiting[at]
	close(l.settled)
	q.waiting = append(q.waiting[:at], q.waiting[at+1:]...)
	q.dropped++
	if q.dropped == 1 || q.dropped%1000 == 0 { // one line per event would fill the disk next
		q.log.Error("outbox is full, the oldest event was dropped", "event_id", l.id, "dropped", q.dropped)
	}
}

// first takes the oldest event in hand.
func (q *outbox) first() (letter, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.waiting) == 0 {
		return letter{}, false
	}
	q.sending = true
	return q.waiting[0], true
}

// settle removes the event in hand.
func (q *outbox) settle() {
	q.mu.Lock()
	defer q.mu.Unlock()
	close(q.waiting[0].settled)
	q.waiting[0] = letter{} // lets the body go
	q.waiting = q.waiting[1:]
	q.sending = false
	if len(q.waiting) == 0 {
		q.waiting = nil
		close(q.empty)
	}
}

// drained is closed when nothing waits at the time of the call or later.
func (q *outbox) drained() <-chan struct{} {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.empty
}

// left is how many events wait.
func (q *outbox) left() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.waiting)
}

// run sends until ctx ends. A failed attempt leaves open whether the event
// arrived; it is sent again under the same id.
func (q *outbox) run(ctx context.Context, wait *backoff) {
	for ctx.Err() == nil {
		l, ok := q.first()
		if !ok {
			select {
			case <-q.more:
			case <-ctx.Done():
			}
			continue
		}
		err := q.send(ctx, l)
		switch {
		case err == nil:
			if wait.tries > 0 {
				q.log.Info("events queue is back", "event_id", l.id, "tries", wait.tries+1)
			}
			q.settle()
			wait.reset()
		case ctx.Err() != nil:
			return
		case errors.Is(err, world.ErrTooLarge): // and will be every time
			q.log.Error("event is too large for its queue, dropped", "event_id", l.id, "error", err)
			q.settle()
		default:
			if wait.tries == 0 {
				q.log.Warn("events queue does not answer, trying again", "event_id", l.id, "error", err)
			}
			select {
			case <-q.clock.After(wait.next()):
			case <-q.hurry:
			case <-ctx.Done():
			}
		}
	}
}

func (q *outbox) send(ctx context.Context, l letter) error {
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	return q.queue.Send(ctx, l.body, 0)
}

// nudge wakes whoever waits on a channel of capacity 1.
func nudge(ch chan struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}
