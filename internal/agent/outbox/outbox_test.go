package outbox_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"hearth/internal/agent/backoff"
	"hearth/internal/agent/outbox"
	"hearth/internal/clock"
	"hearth/internal/sim/simdisk"
	"hearth/internal/sim/simstorage"
	"hearth/internal/world"
)

// queue is a queue of the storage account that can be away.
type queue struct {
	*simstorage.Queue

	mu    sync.Mutex // guards what follows
	fails error      // of every send
	lost  bool       // the reply to the next send
	tries int
	sent  []string // in the order in which they arrived
}

var errAway = errors.New("service is away")

func (q *queue) Send(ctx context.Context, body []byte, delay time.Duration) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.tries++
	if q.fails != nil {
		return q.fails
	}
	if err := q.Queue.Send(ctx, body, delay); err != nil {
		return err
	}
	q.sent = append(q.sent, string(body))
	if q.lost {
		q.lost = false
		return errAway
	}
	return nil
}

func (q *queue) fail(err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.fails = err
}

func (q *queue) arrived() []string {
	q.mu.Lock()
	defer q.mu.Unlock()
	return slices.Clone(q.sent)
}

// inBubble runs a test with an outbox that sends to q.
func inBubble(t *testing.T, name string, f func(t *testing.T, q *queue, out *outbox.Outbox)) {
	t.Run(name, func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			q := &queue{Queue: simstorage.New(simstorage.Options{Clock: clock.System{}}).Queue(world.EventsQueue)}
			out, _ := outbox.Open(outbox.Options{Disk: &simdisk.Disk{}, Queue: q, Clock: clock.System{}, Log: slog.New(slog.DiscardHandler)})
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan struct{})
			go func() {
				out.Run(ctx, backoff.New(500*time.Millisecond, 10*time.Second, t.Name()))
				close(ended)
			}()
			f(t, q, out)
			cancel()
			<-ended
		})
	})
}

// put puts an event and lets it go.
func put(out *outbox.Outbox, id string, body []byte, urgent bool) <-chan struct{} {
	settled := out.Put(id, body, urgent)
	out.Commit(nil)
	return settled
}

// pass lets time go by.
func pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

func isClosed(ch <-chan struct{}) bool {
	select {
	case <-ch:
		return true
	default:
		return false
	}
}

func TestOutbox(t *testing.T) {
	inBubble(t, "a queue that was away gets everything in order", func(t *testing.T, q *queue, out *outbox.Outbox) {
		q.fail(errAway)
		var want []string
		var settled []<-chan struct{}
		for i := range 100 {
			want = append(want, strconv.Itoa(i))
			settled = append(settled, put(out, want[i], []byte(want[i]), false))
			pass(time.Second)
		}
		if isClosed(out.Drained()) || isClosed(settled[0]) || out.Left() != 100 {
			t.Errorf("%d wait, want 100; drained %v", out.Left(), isClosed(out.Drained()))
		}
		q.fail(nil)
		pass(10 * time.Second)
		if got := q.arrived(); !slices.Equal(got, want) {
			t.Errorf("arrived %v", got)
		}
		if !isClosed(out.Drained()) || !isClosed(settled[99]) || out.Left() != 0 {
			t.Errorf("%d wait, want none; drained %v", out.Left(), isClosed(out.Drained()))
		}
	})
	inBubble(t, "what may have arrived is sent again, the same", func(t *testing.T, q *queue, out *outbox.Outbox) {
		q.lost = true
		put(out, "a", []byte("a"), false)
		put(out, "b", []byte("b"), false)
		pass(time.Second)
		if got := strings.Join(q.arrived(), " "); got != "a a b" {
			t.Errorf("arrived %s, want a a b", got)
		}
	})
	inBubble(t, "what was taken is known, and why nothing is", func(t *testing.T, q *queue, out *outbox.Outbox) {
		q.fail(errAway)
		first := out.Taken(out.Next())
		put(out, "a", []byte("a"), false)
		second := out.Taken(out.Next())
		put(out, "b", []byte("b"), false)
		third := out.Taken(out.Next())
		pass(time.Minute)
		if isClosed(first) || !errors.Is(out.Failing(), errAway) {
			t.Errorf("taken %v, failing %v while it is away", isClosed(first), out.Failing())
		}
		q.fail(fmt.Errorf("send: %w", world.ErrTooLarge)) // both are given up
		pass(time.Minute)
		if isClosed(first) || isClosed(second) || out.Left() != 0 {
			t.Errorf("what was given up counts as taken; %d wait", out.Left())
		}
		q.fail(nil)
		put(out, "c", []byte("c"), false)
		synctest.Wait()
		if !isClosed(first) || !isClosed(second) || !isClosed(third) || !isClosed(out.Taken(3)) || isClosed(out.Taken(4)) || out.Failing() != nil {
			t.Errorf("taken %v %v %v, failing %v after c was", isClosed(first), isClosed(second), isClosed(third), out.Failing())
		}
	})
	inBubble(t, "the urgent does not wait for the next attempt", func(t *testing.T, q *queue, out *outbox.Outbox) {
		q.fail(errAway)
		put(out, "a", []byte("a"), false)
		pass(time.Minute)
		q.fail(nil)
		sent := put(out, "b", []byte("b"), true)
		synctest.Wait()
		if got := strings.Join(q.arrived(), " "); got != "a b" || !isClosed(sent) {
			t.Errorf("arrived %q at once, want a b", got)
		}
	})
	inBubble(t, "what the queue will never take is given up", func(t *testing.T, q *queue, out *outbox.Outbox) {
		q.fail(fmt.Errorf("send: %w", world.ErrTooLarge))
		settled := put(out, "a", []byte("a"), false)
		synctest.Wait()
		q.fail(nil)
		put(out, "b", []byte("b"), false)
		synctest.Wait()
		if got := strings.Join(q.arrived(), " "); got != "b" || !isClosed(settled) {
			t.Errorf("arrived %q, want b; a settled: %v", got, isClosed(settled))
		}
	})
	inBubble(t, "beyond the limit the oldest is dropped, but not the one on its way", func(t *testing.T, q *queue, out *outbox.Outbox) {
		const more = 500
		q.fail(errAway)
		put(out, "on its way", []byte("on its way"), false)
		synctest.Wait()
		var settled []<-chan struct{}
		for i := range outbox.Limit + more {
			name := strconv.Itoa(i)
			settled = append(settled, put(out, name, []byte(name), false))
		}
		if out.Left() != outbox.Limit || !isClosed(settled[more]) || isClosed(settled[more+1]) {
			t.Errorf("%d wait, want %d", out.Left(), outbox.Limit)
		}
		q.fail(nil)
		pass(10 * time.Second)
		got := q.arrived()
		if len(got) != outbox.Limit || got[0] != "on its way" || got[1] != strconv.Itoa(more+1) || got[len(got)-1] != strconv.Itoa(outbox.Limit+more-1) {
			t.Errorf("%d arrived, %s, %s to %s", len(got), got[0], got[1], got[len(got)-1])
		}
	})
}
