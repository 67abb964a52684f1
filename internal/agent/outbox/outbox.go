// Package outbox keeps what an agent has to say until its queue took it: in
// order, one at a time, however long the queue is away.
package outbox

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"hearth/internal/agent/backoff"
	"hearth/internal/world"
)

// Limit is how many events wait for their queue at most.
const Limit = 10_000

// sendTimeout bounds one attempt to send. It is short because a notice leaves
// seconds, not minutes. Deadlines of calls are on the system's clock: a call
// takes the time it takes, however fast the Clock runs.
const sendTimeout = 5 * time.Second

// Outbox keeps events until the queue took them, in order. It is safe for
// concurrent use.
type Outbox struct {
	queue world.Queue
	clock world.Clock
	log   *slog.Logger

	more  chan struct{} // something was put; capacity 1
	hurry chan struct{} // something urgent was put; capacity 1

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

// New makes an outbox that sends to the queue while Run runs.
func New(queue world.Queue, clock world.Clock, log *slog.Logger) *Outbox {
	empty := make(chan struct{})
	close(empty)
	return &Outbox{
		queue: queue, clock: clock, log: log,
		more: make(chan struct{}, 1), hurry: make(chan struct{}, 1), empty: empty,
	}
}

// Put adds an event and returns a channel that is closed when it was sent or
// given up. It never blocks. An urgent event has the oldest one tried at once,
// instead of waiting for a queue that is away.
func (o *Outbox) Put(id string, body []byte, urgent bool) <-chan struct{} {
	l := letter{id: id, body: body, settled: make(chan struct{})}
	o.mu.Lock()
	if len(o.waiting) == 0 {
		o.empty = make(chan struct{})
	}
	o.waiting = append(o.waiting, l)
	if len(o.waiting) > Limit {
		o.dropOldest()
	}
	o.mu.Unlock()
	nudge(o.more)
	if urgent {
		nudge(o.hurry)
	}
	return l.settled
}

// dropOldest makes room. The one being sent can't be called back, so its
// successor goes. o.mu is held.
func (o *Outbox) dropOldest() {
	at := 0
	if o.sending {
		at = 1
	}
	l := o.waiting[at]
	close(l.settled)
	o.waiting = append(o.waiting[:at], o.waiting[at+1:]...)
	o.dropped++
	if o.dropped == 1 || o.dropped%1000 == 0 { // one line per event would fill the disk next
		o.log.Error("outbox is full, the oldest event was dropped", "event_id", l.id, "dropped", o.dropped)
	}
}

// first takes the oldest event in hand.
func (o *Outbox) first() (letter, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.waiting) == 0 {
		return letter{}, false
	}
	o.sending = true
	return o.waiting[0], true
}

// settle removes the event in hand.
func (o *Outbox) settle() {
	o.mu.Lock()
	defer o.mu.Unlock()
	close(o.waiting[0].settled)
	o.waiting[0] = letter{} // lets the body go
	o.waiting = o.waiting[1:]
	o.sending = false
	if len(o.waiting) == 0 {
		o.waiting = nil
		close(o.empty)
	}
}

// Drained is closed when nothing waits at the time of the call or later.
func (o *Outbox) Drained() <-chan struct{} {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.empty
}

// Left is how many events wait.
func (o *Outbox) Left() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.waiting)
}

// Run sends until ctx ends; wait is between attempts. A failed attempt leaves open whether the event
// arrived; it is sent again under the same id.
func (o *Outbox) Run(ctx context.Context, wait *backoff.Backoff) {
	for ctx.Err() == nil {
		l, ok := o.first()
		if !ok {
			select {
			case <-o.more:
			case <-ctx.Done():
			}
			continue
		}
		err := o.send(ctx, l)
		switch {
		case err == nil:
			if wait.Tries() > 0 {
				o.log.Info("events queue is back", "event_id", l.id, "tries", wait.Tries()+1)
			}
			o.settle()
			wait.Reset()
		case ctx.Err() != nil:
			return
		case errors.Is(err, world.ErrTooLarge): // and will be every time
			o.log.Error("event is too large for its queue, dropped", "event_id", l.id, "error", err)
			o.settle()
		default:
			if wait.Tries() == 0 {
				o.log.Warn("events queue does not answer, trying again", "event_id", l.id, "error", err)
			}
			select {
			case <-o.clock.After(wait.Next()):
			case <-o.hurry:
			case <-ctx.Done():
			}
		}
	}
}

func (o *Outbox) send(ctx context.Context, l letter) error {
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	return o.queue.Send(ctx, l.body, 0)
}

// nudge wakes whoever waits on a channel of capacity 1.
func nudge(ch chan struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}
