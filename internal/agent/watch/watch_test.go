package watch_test

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"hearth/internal/agent/watch"
	"hearth/internal/clock"
	"hearth/internal/sim/simstorage"
	"hearth/internal/world"
)

var errAway = errors.New("service is away")

// cloud is what the machine is told of itself.
type cloud struct {
	mu     sync.Mutex // guards what follows
	fails  int        // so many of the next calls
	list   []world.Notice
	asked  []time.Time
	within []time.Duration // what each look may take
}

func (c *cloud) call(ctx context.Context) error {
	c.asked = append(c.asked, time.Now())
	if end, ok := ctx.Deadline(); ok {
		c.within = append(c.within, time.Until(end))
	}
	if c.fails > 0 {
		c.fails--
		return errAway
	}
	return nil
}

func (c *cloud) Machine(ctx context.Context) (world.Machine, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return world.Machine{Name: "vm-1"}, c.call(ctx)
}

func (c *cloud) Notices(ctx context.Context) ([]world.Notice, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	err := c.call(ctx)
	return append([]world.Notice(nil), c.list...), err
}

func (c *cloud) Acknowledge(context.Context, string) error { return nil }

func (c *cloud) show(ids ...string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.list = nil
	for _, id := range ids {
		c.list = append(c.list, world.Notice{ID: id, Kind: "Preempt"})
	}
}

func inBubble(t *testing.T, name string, f func(t *testing.T, w watch.Watch, c *cloud, orders *simstorage.Queue)) {
	t.Run(name, func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			c := &cloud{}
			orders := simstorage.New(simstorage.Options{Clock: clock.System{}}).Queue(world.OrdersQueue("midgard"))
			f(t, watch.Watch{World: "midgard", Clock: clock.System{}, Metadata: c, Orders: orders, Log: slog.New(slog.DiscardHandler)}, c, orders)
		})
	})
}

// pass lets time go by.
func pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

// during runs a watch until the function returned.
func during(t *testing.T, run func(ctx context.Context), do func()) {
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		run(ctx)
		close(ended)
	}()
	do()
	cancel()
	<-ended
}

func TestNotices(t *testing.T) {
	inBubble(t, "each once, every second, the first look with patience", func(t *testing.T, w watch.Watch, c *cloud, _ *simstorage.Queue) {
		out := make(chan world.Notice, 100)
		during(t, func(ctx context.Context) { w.Notices(ctx, out) }, func() {
			pass(10*time.Second + time.Millisecond)
			c.show("a")
			pass(time.Second)
			if len(out) != 1 {
				t.Errorf("%d notices a second later, want one", len(out))
			}
			c.show("a", "b")
			pass(2 * time.Second)
			c.show()
			pass(2 * time.Second)
			c.show("a", "b") // again
			pass(2 * time.Second)
		})
		if len(out) != 2 || (<-out).ID != "a" || (<-out).ID != "b" {
			t.Errorf("got %d, want a and b once", len(out)+2)
		}
		if c.within[0] < 2*time.Minute || c.within[1] > 10*time.Second {
			t.Errorf("looks may take %v and %v; the first one switches the service on", c.within[0], c.within[1])
		}
		for i := range 10 {
			if d := c.asked[i+1].Sub(c.asked[i]); d != time.Second {
				t.Errorf("asked after %v, want every second", d)
			}
		}
	})
	inBubble(t, "one that nobody took is not counted as seen", func(t *testing.T, w watch.Watch, c *cloud, _ *simstorage.Queue) {
		c.show("a")
		out := make(chan world.Notice)
		during(t, func(ctx context.Context) { w.Notices(ctx, out) }, func() { pass(5 * time.Second) })
		during(t, func(ctx context.Context) { w.Notices(ctx, out) }, func() {
			if n := <-out; n.ID != "a" {
				t.Errorf("got %+v", n)
			}
		})
	})
	inBubble(t, "a service that fails is asked again", func(t *testing.T, w watch.Watch, c *cloud, _ *simstorage.Queue) {
		c.fails = 5
		c.show("a")
		out := make(chan world.Notice, 1)
		during(t, func(ctx context.Context) { w.Notices(ctx, out) }, func() { pass(6 * time.Second) })
		if len(out) != 1 {
			t.Error("the notice did not come")
		}
	})
}

func TestMachine(t *testing.T) {
	inBubble(t, "asked until it is known, and not after", func(t *testing.T, w watch.Watch, c *cloud, _ *simstorage.Queue) {
		c.fails = 3
		out := make(chan world.Machine, 1)
		during(t, func(ctx context.Context) { w.Machine(ctx, out) }, func() { pass(time.Minute) })
		if m := <-out; m.Name != "vm-1" || len(c.asked) != 4 {
			t.Errorf("got %+v after %d questions", m, len(c.asked))
		}
	})
}

func TestDeliveries(t *testing.T) {
	send := func(t *testing.T, q *simstorage.Queue, o world.Order) {
		t.Helper()
		body, err := o.Encode()
		if err == nil {
			err = q.Send(t.Context(), body, 0)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	inBubble(t, "what was not deleted comes again", func(t *testing.T, w watch.Watch, _ *cloud, q *simstorage.Queue) {
		out := make(chan watch.Delivery, 100)
		during(t, func(ctx context.Context) { w.Deliveries(ctx, out) }, func() {
			send(t, q, world.Order{Kind: world.OrderStop, World: "midgard", Operation: "op-1"})
			pass(2 * time.Second)
			d := <-out
			if d.Order.Operation != "op-1" || d.Message.DequeueCount != 1 {
				t.Errorf("got %+v", d)
			}
			pass(40 * time.Second)
			d = <-out
			if d.Message.DequeueCount != 2 {
				t.Errorf("got %+v, want it a second time", d)
			}
			w.Delete(t.Context(), d.Message)
			w.Delete(t.Context(), d.Message) // which is no error
			pass(2 * time.Minute)
			if len(out) != 0 || len(q.Messages()) != 0 {
				t.Errorf("%d came and %d are left", len(out), len(q.Messages()))
			}
		})
	})
	inBubble(t, "nonsense and another world's are deleted, and nobody is told", func(t *testing.T, w watch.Watch, _ *cloud, q *simstorage.Queue) {
		out := make(chan watch.Delivery, 100)
		for _, body := range []string{"", "{", `{"schema":9,"kind":"stop","world":"midgard"}`} {
			if err := q.Send(t.Context(), []byte(body), 0); err != nil {
				t.Fatal(err)
			}
		}
		send(t, q, world.Order{Kind: world.OrderStop, World: "asgard"})
		during(t, func(ctx context.Context) { w.Deliveries(ctx, out) }, func() { pass(3 * time.Second) })
		if len(out) != 0 || len(q.Messages()) != 0 {
			t.Errorf("%d came and %d are left", len(out), len(q.Messages()))
		}
	})
}
