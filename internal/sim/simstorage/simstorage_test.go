package simstorage_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"hearth/internal/sim/simstorage"
	"hearth/internal/world"
	"hearth/internal/world/worldtest"
)

func TestPick(t *testing.T) {
	for _, c := range []struct {
		name string
		pick func(n int) int
		want string
	}{
		{"nil is the one visible longest", nil, "early a b late"},
		{"the last", func(n int) int { return n - 1 }, "late b a early"},
		{"the middle", func(n int) int { return n / 2 }, "b a late early"},
	} {
		t.Run(c.name, func(t *testing.T) {
			clock := worldtest.NewClock()
			q := simstorage.New(simstorage.Options{Clock: clock, Pick: c.pick}).Queue("events")
			send(t, q, "late", 3*time.Second)
			send(t, q, "a", 2*time.Second)
			send(t, q, "b", 2*time.Second)
			send(t, q, "early", time.Second)
			send(t, q, "hidden", time.Hour)
			clock.Advance(time.Minute)
			var got []string
			for _, limit := range []int{3, 3} {
				for _, m := range receive(t, q, limit) {
					got = append(got, string(m.Body))
				}
			}
			if got := strings.Join(got, " "); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

func TestMessages(t *testing.T) {
	clock := worldtest.NewClock()
	a := simstorage.New(simstorage.Options{Clock: clock})
	q, poison := a.Queue("events"), a.Queue(world.PoisonQueue("events"))
	start := clock.Now()
	send(t, q, "bad", 0)
	send(t, q, "later", time.Hour)
	for range world.MaxDeliveries {
		receive(t, q, 32)
		clock.Advance(time.Minute)
	}
	messages := func(q *simstorage.Queue) string {
		var all []string
		for _, m := range q.Messages() {
			all = append(all, fmt.Sprintf("%s %d %s", m.Body, m.DequeueCount, m.VisibleAt.Sub(start)))
		}
		return strings.Join(all, ", ")
	}
	if got, want := messages(q), "bad 5 4m30s, later 0 1h0m0s"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	id := q.Messages()[0].ID
	receive(t, q, 32)
	if got, want := messages(q), "later 0 1h0m0s"; got != want {
		t.Errorf("after it was set aside: got %s, want %s", got, want)
	}
	if got, want := messages(poison), "bad 5 5m0s"; got != want || poison.Messages()[0].ID != id {
		t.Errorf("poison queue: got %s, want %s with id %s", got, want, id)
	}
	if a.Queue("events") != q || a.Queue("events-poison") != poison {
		t.Error("the account has two queues of one name")
	}
	q.Clear()
	poison.Clear()
	if got := messages(q) + messages(poison); got != "" {
		t.Errorf("after Clear: got %s, want nothing", got)
	}
}

func TestNothingIsShared(t *testing.T) {
	q := simstorage.New(simstorage.Options{Clock: worldtest.NewClock()}).Queue("events")
	body := []byte("body")
	if err := q.Send(t.Context(), body, 0); err != nil {
		t.Fatalf("Send: %v", err)
	}
	body[0] = 'x'
	q.Messages()[0].Body[1] = 'x'
	receive(t, q, 1)[0].Body[2] = 'x'
	if got := q.Messages()[0].Body; !bytes.Equal(got, []byte("body")) {
		t.Errorf("got %s, want body", got)
	}
}

// TestSameAgain: the same calls have the same answers, names included.
func TestSameAgain(t *testing.T) {
	run := func() []string {
		clock := worldtest.NewClock()
		a := simstorage.New(simstorage.Options{Clock: clock})
		var said []string
		for i := range 20 {
			q := a.Queue(fmt.Sprint("q", i%3))
			send(t, q, fmt.Sprint(i), time.Duration(i%4)*time.Second)
			clock.Advance(time.Second)
			for _, m := range receive(t, q, 2) {
				said = append(said, fmt.Sprint(m))
			}
			h, err := a.Lease().Acquire(t.Context(), "midgard")
			said = append(said, fmt.Sprint(h, err))
			etag, err := a.Store().Insert(t.Context(), world.Row{Key: world.Key{Guild: "g", World: fmt.Sprint(i % 5)}, State: world.NewState("midgard")})
			said = append(said, fmt.Sprint(etag, err))
		}
		return said
	}
	if first, second := run(), run(); !slices.Equal(first, second) {
		t.Errorf("got %q\nwant %q", second, first)
	}
}

func TestLeaseHolder(t *testing.T) {
	clock := worldtest.NewClock()
	l := simstorage.New(simstorage.Options{Clock: clock}).Lease()
	nobody := func(epoch int64) {
		t.Helper()
		if h, until, held := l.Holder("midgard"); held || h != (world.Holding{World: "midgard", Epoch: epoch}) || !until.IsZero() {
			t.Errorf("Holder = %+v, %s, %t; want nobody, epoch %d", h, until, held, epoch)
		}
	}
	nobody(0)
	h, err := l.Acquire(t.Context(), "midgard")
	if err != nil {
		t.Fatalf("Acquire: %v", err)
	}
	clock.Advance(world.LeaseDuration - time.Nanosecond)
	if got, until, held := l.Holder("midgard"); !held || got != h || !until.Equal(clock.Now().Add(time.Nanosecond)) {
		t.Errorf("Holder = %+v, %s, %t; want %+v for a nanosecond", got, until, held, h)
	}
	clock.Advance(time.Nanosecond)
	nobody(1)
	if err := l.Renew(t.Context(), h); !errors.Is(err, world.ErrLeaseLost) {
		t.Errorf("Renew at the end = %v, want ErrLeaseLost", err)
	}

	if h, err = l.Acquire(t.Context(), "midgard"); err != nil {
		t.Fatalf("Acquire: %v", err)
	}
	l.Break("midgard")
	nobody(2)
	if err := l.Renew(t.Context(), h); !errors.Is(err, world.ErrLeaseLost) {
		t.Errorf("Renew of a broken lease = %v, want ErrLeaseLost", err)
	}
	if h, err = l.Acquire(t.Context(), "midgard"); err != nil || h.Epoch != 3 {
		t.Errorf("Acquire of a broken lease = %+v, %v; want epoch 3", h, err)
	}
}

func TestNothingHasNoLease(t *testing.T) {
	l := simstorage.New(simstorage.Options{Clock: worldtest.NewClock()}).Lease()
	if h, err := l.Acquire(t.Context(), ""); err == nil {
		t.Errorf("Acquire for no world = %+v, want an error", h)
	}
	if err := l.Renew(t.Context(), world.Holding{World: "midgard"}); !errors.Is(err, world.ErrLeaseLost) {
		t.Errorf("Renew of nothing = %v, want ErrLeaseLost", err)
	}
}

func send(t *testing.T, q world.Queue, body string, delay time.Duration) {
	t.Helper()
	if err := q.Send(t.Context(), []byte(body), delay); err != nil {
		t.Fatalf("Send: %v", err)
	}
}

// receive hides what it receives for half a minute.
func receive(t *testing.T, q world.Queue, limit int) []world.Message {
	t.Helper()
	ms, err := q.Receive(t.Context(), limit, 30*time.Second)
	if err != nil {
		t.Fatalf("Receive: %v", err)
	}
	return ms
}
