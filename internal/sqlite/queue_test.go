package sqlite_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"hearth/internal/sqlite"
	"hearth/internal/world"
	"hearth/internal/world/worldtest"
)

func TestQueueVisibilityEndsOnTheInstant(t *testing.T) {
	clock := worldtest.NewClock()
	q := open(t, clock).Queue("events")
	send(t, q, "delayed", time.Minute)

	clock.Advance(time.Minute - time.Nanosecond)
	expect(t, q, time.Hour)
	clock.Advance(time.Nanosecond)
	expect(t, q, 10*time.Second, "delayed")

	clock.Advance(10*time.Second - time.Nanosecond)
	expect(t, q, time.Hour)
	clock.Advance(time.Nanosecond)
	expect(t, q, time.Hour, "delayed")
}

func TestQueueDeliversInOrderOfVisibility(t *testing.T) {
	clock := worldtest.NewClock()
	q := open(t, clock).Queue("events")
	for _, body := range []string{"a", "b", "c"} {
		send(t, q, body, 0)
	}
	send(t, q, "", 0)
	if err := q.Send(t.Context(), nil, 0); err != nil {
		t.Fatalf("Send of no body: %v", err)
	}
	expect(t, q, time.Hour, "a", "b", "c", "", "")
}

func TestQueueKeepsQueuesApart(t *testing.T) {
	clock := worldtest.NewClock()
	db := open(t, clock)
	send(t, db.Queue("events"), "event", 0)
	send(t, db.Queue(world.OrdersQueue("midgard")), "order", 0)
	m := expect(t, db.Queue("events"), time.Hour, "event")[0]
	if err := db.Queue("orders-midgard").Delete(t.Context(), m); !errors.Is(err, world.ErrStaleReceipt) {
		t.Errorf("Delete in another queue = %v, want ErrStaleReceipt", err)
	}
	expect(t, db.Queue("orders-midgard"), time.Hour, "order")
}

func TestQueueReturn(t *testing.T) {
	clock := worldtest.NewClock()
	q := open(t, clock).Queue("events")
	send(t, q, "x", 0)
	m := expect(t, q, time.Hour, "x")[0]
	if err := q.Return(t.Context(), m, 30*time.Second); err != nil {
		t.Fatalf("Return: %v", err)
	}
	if err := q.Delete(t.Context(), m); !errors.Is(err, world.ErrStaleReceipt) {
		t.Errorf("Delete of what was returned = %v, want ErrStaleReceipt", err)
	}
	if err := q.Return(t.Context(), m, 0); !errors.Is(err, world.ErrStaleReceipt) {
		t.Errorf("Return of what was returned = %v, want ErrStaleReceipt", err)
	}
	clock.Advance(30*time.Second - time.Nanosecond)
	expect(t, q, time.Hour)
	clock.Advance(time.Nanosecond)
	if m = expect(t, q, time.Hour, "x")[0]; m.DequeueCount != 2 {
		t.Errorf("DequeueCount = %d, want 2", m.DequeueCount)
	}
	if err := q.Return(t.Context(), m, -time.Second); err == nil {
		t.Error("a negative delay was taken")
	}
}

func TestQueueDeleteNeedsAReceipt(t *testing.T) {
	clock := worldtest.NewClock()
	q := open(t, clock).Queue("events")
	send(t, q, "x", 0)
	peeked, err := q.Peek(t.Context(), 1)
	if err != nil || len(peeked) != 1 {
		t.Fatalf("Peek = %v, %v", peeked, err)
	}
	if err := q.Delete(t.Context(), world.Message{ID: peeked[0].ID}); !errors.Is(err, world.ErrStaleReceipt) {
		t.Errorf("Delete of a message nobody received = %v, want ErrStaleReceipt", err)
	}
}

func TestQueuePoisonKeepsTheMessage(t *testing.T) {
	clock := worldtest.NewClock()
	db := open(t, clock)
	q, poison := db.Queue("events"), db.Queue("events-poison")
	sent := clock.Now()
	send(t, q, "bad", 0)
	var id string
	for range world.MaxDeliveries {
		id = expect(t, q, time.Minute, "bad")[0].ID
		clock.Advance(time.Minute)
	}
	changed := poison.Changed()
	expect(t, q, time.Minute)
	if !isClosed(changed) {
		t.Error("the poison queue's worker was not woken")
	}
	got, err := poison.Peek(t.Context(), 32)
	if err != nil || len(got) != 1 {
		t.Fatalf("Peek = %v, %v; want one message", got, err)
	}
	m := got[0]
	if m.ID != id || string(m.Body) != "bad" || m.DequeueCount != world.MaxDeliveries || !m.Sent.Equal(sent) || !m.VisibleAt.Equal(clock.Now()) {
		t.Errorf("poisoned message = %+v, want id %s, body bad, count %d, sent %s, visible now", m, id, world.MaxDeliveries, sent)
	}
	if stats, err := q.Stats(t.Context()); err != nil || stats != (sqlite.Stats{}) {
		t.Errorf("Stats of the queue it left = %+v, %v; want none", stats, err)
	}
}

func TestQueueStatsPeekNextVisible(t *testing.T) {
	clock := worldtest.NewClock()
	q := open(t, clock).Queue("events")
	nextIs := func(want time.Time) {
		t.Helper()
		at, ok, err := q.NextVisible(t.Context())
		if err != nil || ok == want.IsZero() || !at.Equal(want) {
			t.Errorf("NextVisible = %s, %t, %v; want %s", at, ok, err, want)
		}
	}
	statsAre := func(want sqlite.Stats) {
		t.Helper()
		if got, err := q.Stats(t.Context()); err != nil || got != want {
			t.Errorf("Stats = %+v, %v; want %+v", got, err, want)
		}
	}
	nextIs(time.Time{})
	statsAre(sqlite.Stats{})

	start := clock.Now()
	send(t, q, "in two hours", 2*time.Hour)
	send(t, q, "in one hour", time.Hour)
	send(t, q, "now", 0)
	send(t, q, "now, too", 0)
	nextIs(start.Add(time.Hour))
	statsAre(sqlite.Stats{Visible: 2, Hidden: 2})

	if _, err := q.Receive(t.Context(), 1, time.Minute); err != nil {
		t.Fatalf("Receive: %v", err)
	}
	nextIs(start.Add(time.Minute))
	statsAre(sqlite.Stats{Visible: 1, Hidden: 3})

	got, err := q.Peek(t.Context(), 3)
	if err != nil {
		t.Fatalf("Peek: %v", err)
	}
	var order []string
	for _, m := range got {
		order = append(order, string(m.Body))
	}
	if want := "now, too|now|in one hour"; strings.Join(order, "|") != want {
		t.Errorf("Peek = %q, want %q", order, want)
	}
	if got[0].DequeueCount != 0 || got[1].DequeueCount != 1 {
		t.Errorf("counts = %d, %d; want 0 before the first delivery, 1 after it", got[0].DequeueCount, got[1].DequeueCount)
	}
	statsAre(sqlite.Stats{Visible: 1, Hidden: 3})

	clock.Advance(24 * time.Hour)
	nextIs(time.Time{})
	statsAre(sqlite.Stats{Visible: 4})

	for _, limit := range []int{0, 33} {
		if _, err := q.Peek(t.Context(), limit); err == nil {
			t.Errorf("Peek with limit %d: want an error", limit)
		}
	}
}

func TestQueueChanged(t *testing.T) {
	clock := worldtest.NewClock()
	db := open(t, clock)
	q := db.Queue("events")
	first, same := q.Changed(), db.Queue("events").Changed()
	send(t, db.Queue("orders-midgard"), "x", 0)
	if isClosed(first) {
		t.Error("a message to another queue woke this one")
	}
	if err := q.Send(t.Context(), bytes.Repeat([]byte("x"), world.MaxMessageBytes+1), 0); err == nil {
		t.Error("Send above the limit: want an error")
	}
	if isClosed(first) {
		t.Error("a refused message woke the queue")
	}
	send(t, q, "x", time.Hour)
	if !isClosed(first) || !isClosed(same) {
		t.Error("a delayed message did not wake everybody: they must look at NextVisible again")
	}
	if isClosed(q.Changed()) {
		t.Error("the channel of the next change is closed already")
	}
}

func TestQueueWaitFindsWhatIsThere(t *testing.T) {
	q := open(t, worldtest.NewClock()).Queue("events")
	send(t, q, "x", 0)
	if err := q.Wait(t.Context()); err != nil {
		t.Errorf("Wait = %v, want nil at once", err)
	}
}

func TestQueueWait(t *testing.T) {
	type fixture struct {
		q      *sqlite.Queue
		clock  *worldtest.Clock
		cancel context.CancelFunc
		hand   chan world.Message // one that was received
	}
	nothing := func(*testing.T, fixture) {}
	for _, c := range []struct {
		name   string
		before func(t *testing.T, f fixture) // Wait is called
		during func(t *testing.T, f fixture) // Wait, and it goes on
		until  func(t *testing.T, f fixture) // Wait returns
		want   error
	}{
		{
			name:   "an earlier delay ends",
			before: func(t *testing.T, f fixture) { send(t, f.q, "x", time.Minute) },
			during: nothing,
			until:  func(_ *testing.T, f fixture) { f.clock.Advance(time.Hour) },
		},
		{
			name:   "a message is sent",
			before: nothing,
			during: nothing,
			until:  func(t *testing.T, f fixture) { send(t, f.q, "x", 0) },
		},
		{
			name:   "a delay ends",
			before: nothing,
			during: func(t *testing.T, f fixture) {
				send(t, f.q, "x", time.Hour)
				synctest.Wait()
				f.clock.Advance(time.Hour - time.Nanosecond)
			},
			until: func(_ *testing.T, f fixture) { f.clock.Advance(time.Nanosecond) },
		},
		{
			name: "a visibility timeout ends",
			before: func(t *testing.T, f fixture) {
				send(t, f.q, "x", 0)
				expect(t, f.q, time.Minute, "x")
			},
			during: nothing,
			until:  func(_ *testing.T, f fixture) { f.clock.Advance(time.Minute) },
		},
		{
			name: "a message is given back",
			before: func(t *testing.T, f fixture) {
				send(t, f.q, "x", 0)
				f.hand <- expect(t, f.q, time.Hour, "x")[0]
			},
			during: nothing,
			until: func(t *testing.T, f fixture) {
				if err := f.q.Return(t.Context(), <-f.hand, time.Minute); err != nil {
					t.Errorf("Return: %v", err)
				}
				synctest.Wait()
				f.clock.Advance(time.Minute)
			},
		},
		{
			name:   "a shorter delay overtakes a longer one",
			before: func(t *testing.T, f fixture) { send(t, f.q, "x", time.Hour) },
			during: func(t *testing.T, f fixture) { send(t, f.q, "y", time.Second) },
			until:  func(_ *testing.T, f fixture) { f.clock.Advance(time.Second) },
		},
		{
			name:   "the context ends",
			before: nothing,
			during: nothing,
			until:  func(_ *testing.T, f fixture) { f.cancel() },
			want:   context.Canceled,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				clock := worldtest.NewClock()
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				f := fixture{q: open(t, clock).Queue("events"), clock: clock, cancel: cancel, hand: make(chan world.Message, 1)}
				c.before(t, f)
				result := make(chan error, 1)
				go func() { result <- f.q.Wait(ctx) }()
				synctest.Wait()
				c.during(t, f)
				synctest.Wait()
				select {
				case err := <-result:
					t.Fatalf("Wait returned %v too early", err)
				default:
				}
				c.until(t, f)
				synctest.Wait()
				select {
				case err := <-result:
					if !errors.Is(err, c.want) {
						t.Errorf("Wait = %v, want %v", err, c.want)
					}
				default:
					t.Fatal("Wait did not return")
				}
			})
		})
	}
}

func send(t *testing.T, q *sqlite.Queue, body string, delay time.Duration) {
	t.Helper()
	if err := q.Send(t.Context(), []byte(body), delay); err != nil {
		t.Fatalf("Send: %v", err)
	}
}

// expect receives and compares the bodies.
func expect(t *testing.T, q *sqlite.Queue, visibility time.Duration, want ...string) []world.Message {
	t.Helper()
	ms, err := q.Receive(t.Context(), 32, visibility)
	if err != nil {
		t.Fatalf("Receive: %v", err)
	}
	var got []string
	for _, m := range ms {
		got = append(got, string(m.Body))
	}
	if strings.Join(got, "|") != strings.Join(want, "|") || len(got) != len(want) {
		t.Fatalf("received %q, want %q", got, want)
	}
	return ms
}

func isClosed(ch <-chan struct{}) bool {
	select {
	case <-ch:
		return true
	default:
		return false
	}
}
