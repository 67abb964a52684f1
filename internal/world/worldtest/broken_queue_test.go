package worldtest_test

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"hearth/internal/sim/simstorage"
	"hearth/internal/world"
	"hearth/internal/world/worldtest"
)

// oddQueue does what its functions say, and what its Queue does where it has
// none.
type oddQueue struct {
	world.Queue
	send    func(ctx context.Context, body []byte, delay time.Duration) error
	receive func(ctx context.Context, limit int, visibility time.Duration) ([]world.Message, error)
	remove  func(ctx context.Context, m world.Message) error
}

func (q oddQueue) Send(ctx context.Context, body []byte, delay time.Duration) error {
	if q.send == nil {
		return q.Queue.Send(ctx, body, delay)
	}
	return q.send(ctx, body, delay)
}

func (q oddQueue) Receive(ctx context.Context, limit int, visibility time.Duration) ([]world.Message, error) {
	if q.receive == nil {
		return q.Queue.Receive(ctx, limit, visibility)
	}
	return q.receive(ctx, limit, visibility)
}

func (q oddQueue) Delete(ctx context.Context, m world.Message) error {
	if q.remove == nil {
		return q.Queue.Delete(ctx, m)
	}
	return q.remove(ctx, m)
}

// queueOn runs the suite on a queue of that name, spoilt.
func queueOn(name string, spoil func(q world.Queue, clock world.Clock) world.Queue) func(t *testing.T) {
	return func(t *testing.T) {
		open := func(_ *testing.T, clock world.Clock) (world.Queue, world.Queue) {
			a := simstorage.New(simstorage.Options{Clock: clock})
			return spoil(a.Queue(name), clock), a.Queue(world.PoisonQueue(name))
		}
		worldtest.Queue(t, func(t *testing.T, clock world.Clock) world.Queue {
			q, _ := open(t, clock)
			return q
		}, worldtest.MovesPoison(open))
	}
}

func brokenQueues() []brokenCopy {
	odd := func(name, fails string, spoil func(q world.Queue, clock world.Clock) oddQueue) brokenCopy {
		return brokenCopy{name, fails, queueOn(world.EventsQueue, func(q world.Queue, clock world.Clock) world.Queue {
			o := spoil(q, clock)
			o.Queue = q
			return o
		})}
	}
	asItIs := func(q world.Queue, _ world.Clock) world.Queue { return q }
	return []brokenCopy{
		{honest, "", queueOn(world.EventsQueue, asItIs)},
		odd("no message is an error", "empty queue returns nothing at once", func(q world.Queue, _ world.Clock) oddQueue {
			return oddQueue{receive: func(ctx context.Context, limit int, visibility time.Duration) ([]world.Message, error) {
				ms, err := q.Receive(ctx, limit, visibility)
				if err == nil && len(ms) == 0 {
					err = errors.New("no message")
				}
				return ms, err
			}}
		}),
		odd("takes bodies for text", "message arrives as it was sent", func(q world.Queue, _ world.Clock) oddQueue {
			return oddQueue{send: func(ctx context.Context, body []byte, delay time.Duration) error {
				return q.Send(ctx, bytes.ToValidUTF8(body, []byte("?")), delay)
			}}
		}),
		odd("keeps the sender's slice", "message shares nothing with its sender", sharingQueue),
		odd("takes less", "48 KiB are allowed and not one byte more", func(q world.Queue, _ world.Clock) oddQueue {
			return oddQueue{send: func(ctx context.Context, body []byte, delay time.Duration) error {
				if len(body) > 32<<10 {
					return world.ErrTooLarge
				}
				return q.Send(ctx, body, delay)
			}}
		}),
		odd("knows no delay", "delayed message is hidden until then", func(q world.Queue, _ world.Clock) oddQueue {
			return oddQueue{send: func(ctx context.Context, body []byte, delay time.Duration) error {
				return q.Send(ctx, body, min(delay, 0))
			}}
		}),
		odd("counts every delivery as the first", "received message is hidden, then redelivered with a new receipt", func(q world.Queue, _ world.Clock) oddQueue {
			return oddQueue{receive: func(ctx context.Context, limit int, visibility time.Duration) ([]world.Message, error) {
				ms, err := q.Receive(ctx, limit, visibility)
				for i := range ms {
					ms[i].DequeueCount = 1
				}
				return ms, err
			}}
		}),
		odd("deletes nothing", "deleted message never comes back", func(world.Queue, world.Clock) oddQueue {
			return oddQueue{remove: func(context.Context, world.Message) error { return nil }}
		}),
		odd("goes by ids alone", "late worker can't delete another's delivery", func(q world.Queue, _ world.Clock) oddQueue {
			r := receipts{of: map[string]string{}}
			return oddQueue{receive: r.noting(q), remove: func(ctx context.Context, m world.Message) error {
				m.Receipt = r.last(m.ID)
				return q.Delete(ctx, m)
			}}
		}),
		odd("takes an expired delivery away", "expired delivery is still its own until received again", func(q world.Queue, clock world.Clock) oddQueue {
			var (
				mu    sync.Mutex // guards until
				until time.Time
			)
			return oddQueue{receive: func(ctx context.Context, limit int, visibility time.Duration) ([]world.Message, error) {
				mu.Lock()
				defer mu.Unlock()
				until = clock.Now().Add(visibility)
				return q.Receive(ctx, limit, visibility)
			}, remove: func(ctx context.Context, m world.Message) error {
				mu.Lock()
				defer mu.Unlock()
				if clock.Now().After(until) {
					return world.ErrStaleReceipt
				}
				return q.Delete(ctx, m)
			}}
		}),
		odd("hands out twice the limit", "limit is kept and nothing is lost", func(q world.Queue, _ world.Clock) oddQueue {
			return oddQueue{receive: func(ctx context.Context, limit int, visibility time.Duration) ([]world.Message, error) {
				ms, err := q.Receive(ctx, limit, visibility)
				if err != nil {
					return nil, err
				}
				more, err := q.Receive(ctx, limit, visibility)
				return append(ms, more...), err
			}}
		}),
		odd("bends what is out of range", "arguments out of range are refused", func(q world.Queue, _ world.Clock) oddQueue {
			return oddQueue{receive: func(ctx context.Context, limit int, visibility time.Duration) ([]world.Message, error) {
				return q.Receive(ctx, min(max(limit, 1), 32), min(max(visibility, time.Second), 7*24*time.Hour))
			}}
		}),
		odd("hands the twentieth receiver what another has", "workers at once share the messages", doublingQueue),
		odd("hears no cancel", "canceled context is honored", func(q world.Queue, _ world.Clock) oddQueue {
			return oddQueue{receive: func(ctx context.Context, limit int, visibility time.Duration) ([]world.Message, error) {
				return q.Receive(deaf(ctx), limit, visibility)
			}}
		}),
		// A poison queue delivers without end.
		{"delivers without end", "sixth delivery goes to the poison queue", queueOn(world.PoisonQueue(world.EventsQueue), asItIs)},
	}
}

// receipts are the last ones of each message.
type receipts struct {
	mu sync.Mutex // guards of
	of map[string]string
}

func (r *receipts) last(id string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.of[id]
}

func (r *receipts) noting(q world.Queue) func(context.Context, int, time.Duration) ([]world.Message, error) {
	return func(ctx context.Context, limit int, visibility time.Duration) ([]world.Message, error) {
		r.mu.Lock()
		defer r.mu.Unlock()
		ms, err := q.Receive(ctx, limit, visibility)
		for _, m := range ms {
			r.of[m.ID] = m.Receipt
		}
		return ms, err
	}
}

// sharingQueue hands out the very slices that it was sent.
func sharingQueue(q world.Queue, _ world.Clock) oddQueue {
	var (
		mu   sync.Mutex // guards sent
		sent = map[string][]byte{}
	)
	return oddQueue{send: func(ctx context.Context, body []byte, delay time.Duration) error {
		mu.Lock()
		defer mu.Unlock()
		sent[string(body)] = body
		return q.Send(ctx, body, delay)
	}, receive: func(ctx context.Context, limit int, visibility time.Duration) ([]world.Message, error) {
		mu.Lock()
		defer mu.Unlock()
		ms, err := q.Receive(ctx, limit, visibility)
		for i := range ms {
			ms[i].Body = sent[string(ms[i].Body)]
		}
		return ms, err
	}}
}

// doublingQueue answers the twentieth Receive as the one before it.
func doublingQueue(q world.Queue, _ world.Clock) oddQueue {
	var (
		mu     sync.Mutex // guards what follows
		n      int
		before []world.Message
	)
	return oddQueue{receive: func(ctx context.Context, limit int, visibility time.Duration) ([]world.Message, error) {
		mu.Lock()
		defer mu.Unlock()
		n++
		if n == 20 {
			return before, nil
		}
		ms, err := q.Receive(ctx, limit, visibility)
		before = ms
		return ms, err
	}}
}
