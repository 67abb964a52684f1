package simstorage

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"time"

	"hearth/internal/world"
)

var _ world.Queue = (*Queue)(nil)

// Limits of the queue, those of Azure's storage queues.
const (
	maxDelay   = 7 * 24 * time.Hour
	maxReceive = 32
)

// Queue is one queue of the account. Its messages never expire.
type Queue struct {
	account *Account
	name    string
	poison  bool // messages of a poison queue are delivered without limit

	messages []*message // in the order of their arrival; guarded by account.mu
}

type message struct {
	world.Message           // its receipt is empty until it is received
	visible       time.Time // when it can be received
}

// Message is a message as it lies in the queue.
type Message struct {
	ID           string
	Body         []byte
	DequeueCount int       // 0 before the first delivery
	VisibleAt    time.Time // in the past while it waits for a receiver
}

// Send implements world.Queue.
func (q *Queue) Send(ctx context.Context, body []byte, delay time.Duration) error {
	switch err := ctx.Err(); {
	case err != nil:
		return fmt.Errorf("send to queue %s: %w", q.name, err)
	case len(body) > world.MaxMessageBytes:
		return fmt.Errorf("send to queue %s: %w: %d bytes of at most %d", q.name, world.ErrTooLarge, len(body), world.MaxMessageBytes)
	case delay < 0 || delay > maxDelay:
		return fmt.Errorf("send to queue %s: delay is %s: choose 0 to %s", q.name, delay, maxDelay)
	}
	a := q.account
	a.mu.Lock()
	defer a.mu.Unlock()
	q.messages = append(q.messages, &message{
		Message: world.Message{ID: a.name("message"), Body: bytes.Clone(body)}, visible: a.now().Add(delay),
	})
	return nil
}

// Receive implements world.Queue. visibility is above 0 and at most 7 days.
// Messages that were delivered world.MaxDeliveries times and are visible again
// go to world.PoisonQueue of this queue instead, with their id, body and
// count.
func (q *Queue) Receive(ctx context.Context, limit int, visibility time.Duration) ([]world.Message, error) {
	switch err := ctx.Err(); {
	case err != nil:
		return nil, fmt.Errorf("receive from queue %s: %w", q.name, err)
	case limit < 1 || limit > maxReceive:
		return nil, fmt.Errorf("receive from queue %s: limit is %d: choose 1 to %d", q.name, limit, maxReceive)
	case visibility <= 0 || visibility > maxDelay:
		return nil, fmt.Errorf("receive from queue %s: visibility is %s: choose above 0 to %s", q.name, visibility, maxDelay)
	}
	a := q.account
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.now()
	q.setAside(now)
	var visible []*message
	for _, m := range q.messages {
		if !m.visible.After(now) {
			visible = append(visible, m)
		}
	}
	slices.SortStableFunc(visible, func(a, b *message) int { return a.visible.Compare(b.visible) })
	var received []world.Message
	for len(visible) > 0 && len(received) < limit {
		next := a.pick(len(visible))
		m := visible[next]
		visible = slices.Delete(visible, next, next+1)
		m.visible, m.Receipt = now.Add(visibility), a.name("receipt")
		m.DequeueCount++
		handed := m.Message
		handed.Body = bytes.Clone(m.Body)
		received = append(received, handed)
	}
	return received, nil
}

// setAside moves spent messages to the poison queue. Their receipts go, so
// that a late worker can't delete them there.
func (q *Queue) setAside(now time.Time) {
	if q.poison {
		return
	}
	q.messages = slices.DeleteFunc(q.messages, func(m *message) bool {
		if m.DequeueCount < world.MaxDeliveries || m.visible.After(now) {
			return false
		}
		m.visible, m.Receipt = now, ""
		poison := q.account.queue(world.PoisonQueue(q.name))
		poison.messages = append(poison.messages, m)
		return true
	})
}

// Delete implements world.Queue. A message that was not received again is
// still its last receiver's to delete, even after its visibility ran out.
func (q *Queue) Delete(ctx context.Context, m world.Message) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("delete from queue %s: %w", q.name, err)
	}
	q.account.mu.Lock()
	defer q.account.mu.Unlock()
	i := slices.IndexFunc(q.messages, func(held *message) bool {
		return held.ID == m.ID && held.Receipt == m.Receipt && held.Receipt != ""
	})
	if i < 0 {
		return fmt.Errorf("delete from queue %s: message %s: %w", q.name, m.ID, world.ErrStaleReceipt)
	}
	q.messages = slices.Delete(q.messages, i, i+1)
	return nil
}

// Messages lists all that is in the queue, hidden messages too, in the order of
// their arrival in it.
func (q *Queue) Messages() []Message {
	q.account.mu.Lock()
	defer q.account.mu.Unlock()
	out := make([]Message, len(q.messages))
	for i, m := range q.messages {
		out[i] = Message{ID: m.ID, Body: bytes.Clone(m.Body), DequeueCount: m.DequeueCount, VisibleAt: m.visible}
	}
	return out
}

// Clear removes every message, hidden ones too.
func (q *Queue) Clear() {
	q.account.mu.Lock()
	defer q.account.mu.Unlock()
	q.messages = nil
}
