package worldtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"hearth/internal/world"
)

// Times of the queue suite: whole seconds, which is what storage queues
// count in, and few, because PassTime may really wait.
const (
	hold  = 2 * time.Second // a visibility timeout or delay
	slack = time.Second     // over which it has certainly run out
)

// QueueOpener returns a queue that is empty and that nobody else uses. Its
// times are clock's, unless the service behind it has a clock of its own.
type QueueOpener func(t *testing.T, clock world.Clock) world.Queue

// PoisonOpener is a QueueOpener that returns the queue's poison queue too.
type PoisonOpener func(t *testing.T, clock world.Clock) (queue, poison world.Queue)

// MovesPoison adds the cases for an adapter that moves spent messages to the
// poison queue by itself. Azure's leaves that to who receives.
func MovesPoison(open PoisonOpener) Option {
	return func(o *options) { o.poison = open }
}

// Queue checks that the queues open returns do what world.Queue promises. It
// assumes no order: a queue that hands out its messages in any order passes.
func Queue(t *testing.T, open QueueOpener, opts ...Option) {
	t.Helper()
	o := optionsOf(opts)
	for _, c := range []struct {
		name string
		run  func(t *testing.T, s stage, q world.Queue)
	}{
		{"empty queue returns nothing at once", queueEmpty},
		{"message arrives as it was sent", queueArrives},
		{"message shares nothing with its sender", queueSharesNothing},
		{"48 KiB are allowed and not one byte more", queueSize},
		{"delayed message is hidden until then", queueDelay},
		{"received message is hidden, then redelivered with a new receipt", queueRedelivers},
		{"deleted message never comes back", queueDeletes},
		{"late worker can't delete another's delivery", queueStaleReceipt},
		{"expired delivery is still its own until received again", queueExpiredReceipt},
		{"limit is kept and nothing is lost", queueLimit},
		{"arguments out of range are refused", queueArguments},
		{"workers at once share the messages", queueWorkers},
		{"canceled context is honored", queueCanceled},
	} {
		t.Run(c.name, func(t *testing.T) {
			o.atOnce(t)
			s := newStage(o)
			c.run(t, s, open(t, s.clock))
		})
	}
	if o.poison == nil {
		return
	}
	t.Run("sixth delivery goes to the poison queue", func(t *testing.T) {
		o.atOnce(t)
		s := newStage(o)
		q, poison := o.poison(t, s.clock)
		queuePoison(t, s, q, poison)
	})
}

func queueEmpty(t *testing.T, _ stage, q world.Queue) {
	expectNone(t, q)
}

func queueArrives(t *testing.T, _ stage, q world.Queue) {
	for _, body := range [][]byte{
		[]byte(`{"type":"bot.timer"}`),
		[]byte("Skål <&> \u2028 \"quoted\""),
		{0, 1, 0xff, 0xfe, '\n', 0},
	} {
		send(t, q, body, 0)
		m := receiveOne(t, q, hold)
		if !bytes.Equal(m.Body, body) {
			t.Errorf("body = %q, want %q", m.Body, body)
		}
		if m.ID == "" || m.Receipt == "" {
			t.Errorf("ID %q, Receipt %q: want neither empty", m.ID, m.Receipt)
		}
		if m.DequeueCount != 1 {
			t.Errorf("DequeueCount = %d, want 1", m.DequeueCount)
		}
		remove(t, q, m)
	}
}

func queueSharesNothing(t *testing.T, s stage, q world.Queue) {
	body := []byte("as it was sent")
	send(t, q, body, 0)
	clear(body)
	for range 2 {
		m := receiveOne(t, q, hold)
		if string(m.Body) != "as it was sent" {
			t.Errorf("body = %q, want it as it was sent", m.Body)
		}
		clear(m.Body)
		s.pass(t, hold+slack)
	}
}

func queueSize(t *testing.T, _ stage, q world.Queue) {
	err := q.Send(t.Context(), make([]byte, world.MaxMessageBytes+1), 0)
	if !errors.Is(err, world.ErrTooLarge) {
		t.Errorf("Send of one byte too many = %v, want ErrTooLarge", err)
	}
	expectNone(t, q)
	body := bytes.Repeat([]byte{0xff}, world.MaxMessageBytes)
	send(t, q, body, 0)
	if m := receiveOne(t, q, hold); !bytes.Equal(m.Body, body) {
		t.Errorf("largest body came back as %d other bytes", len(m.Body))
	}
}

func queueDelay(t *testing.T, s stage, q world.Queue) {
	send(t, q, []byte("later"), hold)
	send(t, q, []byte("in a week"), 7*24*time.Hour)
	expectNone(t, q)
	s.pass(t, hold+slack)
	if m := receiveOne(t, q, hold); string(m.Body) != "later" {
		t.Errorf("body = %q, want the delayed one", m.Body)
	}
}

func queueRedelivers(t *testing.T, s stage, q world.Queue) {
	send(t, q, []byte("x"), 0)
	seen := map[string]bool{}
	var id string
	for count := 1; count <= 3; count++ {
		m := receiveOne(t, q, hold)
		if id == "" {
			id = m.ID
		}
		if m.ID != id || m.DequeueCount != count {
			t.Errorf("delivery %d: ID %q, DequeueCount %d; want ID %q, DequeueCount %d", count, m.ID, m.DequeueCount, id, count)
		}
		if seen[m.Receipt] {
			t.Errorf("delivery %d: receipt %q was used before", count, m.Receipt)
		}
		seen[m.Receipt] = true
		expectNone(t, q)
		s.pass(t, hold+slack)
	}
}

func queueDeletes(t *testing.T, s stage, q world.Queue) {
	send(t, q, []byte("x"), 0)
	m := receiveOne(t, q, hold)
	remove(t, q, m)
	if err := q.Delete(t.Context(), m); !errors.Is(err, world.ErrStaleReceipt) {
		t.Errorf("second Delete = %v, want ErrStaleReceipt", err)
	}
	s.pass(t, hold+slack)
	expectNone(t, q)
}

func queueStaleReceipt(t *testing.T, s stage, q world.Queue) {
	send(t, q, []byte("x"), 0)
	late := receiveOne(t, q, hold)
	s.pass(t, hold+slack)
	current := receiveOne(t, q, time.Minute)
	if err := q.Delete(t.Context(), late); !errors.Is(err, world.ErrStaleReceipt) {
		t.Errorf("Delete with the first delivery's receipt = %v, want ErrStaleReceipt", err)
	}
	remove(t, q, current)
}

func queueExpiredReceipt(t *testing.T, s stage, q world.Queue) {
	send(t, q, []byte("x"), 0)
	m := receiveOne(t, q, hold)
	s.pass(t, hold+slack)
	remove(t, q, m)
	expectNone(t, q)
}

func queueLimit(t *testing.T, _ stage, q world.Queue) {
	const sent, limit = 40, 32
	for i := range sent {
		send(t, q, fmt.Append(nil, i), 0)
	}
	got := map[string]bool{}
	for {
		ms, err := q.Receive(t.Context(), limit, time.Hour)
		if err != nil {
			t.Fatalf("Receive: %v", err)
		}
		if len(ms) > limit {
			t.Errorf("Receive returned %d messages, limit is %d", len(ms), limit)
		}
		if len(ms) == 0 {
			break
		}
		for _, m := range ms {
			if got[string(m.Body)] {
				t.Errorf("message %q came twice", m.Body)
			}
			got[string(m.Body)] = true
		}
	}
	if len(got) != sent {
		t.Errorf("received %d messages, want %d", len(got), sent)
	}
}

func queueArguments(t *testing.T, _ stage, q world.Queue) {
	for _, limit := range []int{-1, 0, 33} {
		if _, err := q.Receive(t.Context(), limit, hold); err == nil {
			t.Errorf("Receive with limit %d: want an error", limit)
		}
	}
	for _, delay := range []time.Duration{-time.Second, 7*24*time.Hour + time.Second} {
		if err := q.Send(t.Context(), []byte("x"), delay); err == nil {
			t.Errorf("Send with delay %s: want an error", delay)
		}
	}
	for _, visibility := range []time.Duration{-time.Second, 0, 7*24*time.Hour + time.Second} {
		if _, err := q.Receive(t.Context(), 1, visibility); err == nil {
			t.Errorf("Receive with visibility %s: want an error", visibility)
		}
	}
	expectNone(t, q)
}

func queueWorkers(t *testing.T, _ stage, q world.Queue) {
	const workers, sent = 8, 64
	for i := range sent {
		send(t, q, fmt.Append(nil, i), 0)
	}
	var (
		wg  sync.WaitGroup
		mu  sync.Mutex // guards got
		got = map[string]int{}
	)
	for range workers {
		wg.Go(func() {
			for {
				ms, err := q.Receive(t.Context(), 3, time.Hour)
				if err != nil {
					t.Errorf("Receive: %v", err)
					return
				}
				if len(ms) == 0 {
					return
				}
				for _, m := range ms {
					mu.Lock()
					got[string(m.Body)]++
					mu.Unlock()
					if err := q.Delete(t.Context(), m); err != nil {
						t.Errorf("Delete: %v", err)
					}
				}
			}
		})
	}
	wg.Wait()
	if len(got) != sent {
		t.Errorf("workers received %d messages, want %d", len(got), sent)
	}
	for body, n := range got {
		if n != 1 {
			t.Errorf("message %q was delivered %d times", body, n)
		}
	}
}

func queueCanceled(t *testing.T, _ stage, q world.Queue) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := q.Send(ctx, []byte("x"), 0); !errors.Is(err, context.Canceled) {
		t.Errorf("Send = %v, want context.Canceled", err)
	}
	if _, err := q.Receive(ctx, 1, hold); !errors.Is(err, context.Canceled) {
		t.Errorf("Receive = %v, want context.Canceled", err)
	}
}

func queuePoison(t *testing.T, s stage, q, poison world.Queue) {
	send(t, q, []byte("bad"), 0)
	var last world.Message
	for count := 1; count <= world.MaxDeliveries; count++ {
		expectNone(t, poison)
		last = receiveOne(t, q, hold)
		if last.DequeueCount != count {
			t.Errorf("delivery %d: DequeueCount = %d", count, last.DequeueCount)
		}
		s.pass(t, hold+slack)
	}
	send(t, q, []byte("good"), 0)
	if m := receiveOne(t, q, time.Hour); string(m.Body) != "good" {
		t.Errorf("received %q after the last delivery, want the other message", m.Body)
	}
	if err := q.Delete(t.Context(), last); !errors.Is(err, world.ErrStaleReceipt) {
		t.Errorf("Delete of the poisoned message = %v, want ErrStaleReceipt", err)
	}
	// The poison queue's own worker may fail too; nothing is lost by it.
	for range world.MaxDeliveries + 2 {
		m := receiveOne(t, poison, hold)
		if string(m.Body) != "bad" || m.ID != last.ID {
			t.Errorf("poison queue holds %q (ID %s), want %q (ID %s)", m.Body, m.ID, "bad", last.ID)
		}
		s.pass(t, hold+slack)
	}
	m := receiveOne(t, poison, hold)
	if m.DequeueCount <= world.MaxDeliveries {
		t.Errorf("DequeueCount = %d in the poison queue, want it to count on", m.DequeueCount)
	}
	remove(t, poison, m)
	s.pass(t, hold+slack)
	expectNone(t, poison)
	expectNone(t, q)
}

func send(t *testing.T, q world.Queue, body []byte, delay time.Duration) {
	t.Helper()
	if err := q.Send(t.Context(), body, delay); err != nil {
		t.Fatalf("Send: %v", err)
	}
}

func receiveOne(t *testing.T, q world.Queue, visibility time.Duration) world.Message {
	t.Helper()
	ms, err := q.Receive(t.Context(), 32, visibility)
	if err != nil {
		t.Fatalf("Receive: %v", err)
	}
	if len(ms) != 1 {
		t.Fatalf("Receive returned %d messages, want 1", len(ms))
	}
	return ms[0]
}

func remove(t *testing.T, q world.Queue, m world.Message) {
	t.Helper()
	if err := q.Delete(t.Context(), m); err != nil {
		t.Fatalf("Delete: %v", err)
	}
}

func expectNone(t *testing.T, q world.Queue) {
	t.Helper()
	ms, err := q.Receive(t.Context(), 32, hold)
	if err != nil {
		t.Fatalf("Receive: %v", err)
	}
	if len(ms) != 0 {
		t.Fatalf("Receive returned %d messages, want none: %q", len(ms), ms[0].Body)
	}
}
