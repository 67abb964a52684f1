package bot_test

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"hearth/internal/bot"
	"hearth/internal/sqlite"
	"hearth/internal/world"
	"hearth/internal/world/rules"
)

const visibility = time.Minute // how long a delivery is hidden from others

// deployment is a rig whose rows and queues lie in a real file, with a host
// that delivers and acknowledges as a real one.
type deployment struct {
	*rig
	db     *sqlite.DB
	queue  *sqlite.Queue
	worker *bot.Reactions
}

func deploy(t *testing.T) *deployment {
	t.Helper()
	r := newRig(t)
	db, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "hearth.db"), r.clock)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("close database: %v", err)
		}
	})
	r.store = db.Store()
	d := &deployment{rig: r, db: db, queue: db.Queue(world.EventsQueue), worker: r.worker(nil)}
	d.worker.Runner.Events = d.queue
	d.worker.Runner.Orders = func(id string) world.Queue { return db.Queue(world.OrdersQueue(id)) }
	return d
}

func (d *deployment) send(body []byte) {
	d.t.Helper()
	if err := d.queue.Send(context.Background(), body, 0); err != nil {
		d.t.Fatal(err)
	}
}

// run delivers what is due while time passes. What a handler does not take
// comes again when its visibility has run out.
func (d *deployment) run(period time.Duration) {
	d.t.Helper()
	ctx := context.Background()
	for end := d.clock.Now().Add(period); ; d.clock.Advance(5 * time.Second) {
		for {
			ms, err := d.queue.Receive(ctx, 32, visibility)
			if err != nil {
				d.t.Fatal(err)
			}
			if len(ms) == 0 {
				break
			}
			for _, m := range ms {
				if d.worker.Handle(ctx, m.Body, m.DequeueCount) != nil {
					continue
				}
				if err := d.queue.Delete(ctx, m); err != nil {
					d.t.Fatal(err)
				}
			}
		}
		if !d.clock.Now().Before(end) {
			return
		}
	}
}

func (d *deployment) count(queue string) int {
	d.t.Helper()
	s, err := d.db.Queue(queue).Stats(context.Background())
	if err != nil {
		d.t.Fatal(err)
	}
	return s.Visible + s.Hidden
}

// An evening from /start to the fire being out, over a real file, while the
// store fails now and then.
func TestEvening(t *testing.T) {
	d := deploy(t)
	calls := 0
	d.worker.Runner.Store = &faulty{Store: d.store, load: func() error {
		if calls++; calls%7 == 3 {
			return errLost
		}
		return nil
	}}
	d.send(d.command("Bo", "start"))
	d.run(3 * time.Minute)
	d.expect(world.Booting)
	d.send(d.agent(func(h world.Heard) world.Payload { return &world.HostUp{Heard: h} }))
	d.run(visibility)
	d.send(d.agent(func(h world.Heard) world.Payload { return &world.Listening{Heard: h} }))
	d.run(visibility + 5*time.Second)
	d.expect(world.Online)
	d.send(d.command("Bo", "stop"))
	d.run(visibility + 5*time.Second)
	d.expect(world.Stopping)

	orders, err := d.db.Queue(world.OrdersQueue(midgard)).Receive(t.Context(), 32, visibility)
	if err != nil || len(orders) == 0 {
		t.Fatalf("orders = %v, %v", orders, err)
	}
	order, err := world.DecodeOrder(orders[0].Body)
	if err != nil || order.Kind != world.OrderStopIfEmpty || order.Epoch != 1 {
		t.Fatalf("order = %+v, %v; want stop_if_empty of boot 1", order, err)
	}
	d.send(d.agent(func(h world.Heard) world.Payload {
		return &world.SaveProven{Heard: h, Why: world.StopOrdered, Operation: order.Operation, Confirmed: true}
	}))
	d.run(4 * time.Minute)
	d.expect(world.Stopped)
	for text, want := range map[string]int{
		"is burning. Join at":   1,
		"puts the fire out":     1,
		"is saved":              1,
		"is out. The machine":   1,
		"Midgard is out":        1, // the card
		"went wrong on my side": 0,
	} {
		if got := d.said(text); len(got) != want {
			t.Errorf("%q said %d times, want %d", text, len(got), want)
		}
	}
	if n := len(d.cloud.Snapshot().VMs); n != 0 {
		t.Errorf("%d machines are left", n)
	}
	// The checks end by themselves: a world asleep costs nothing.
	d.run(rules.CheckAfter + 10*time.Minute)
	if n := d.count(world.EventsQueue); n != 0 {
		t.Errorf("%d events are left in the queue of a world asleep", n)
	}
	if n := d.count(world.PoisonQueue(world.EventsQueue)); n != 0 {
		t.Errorf("%d events were given up", n)
	}
}

// An event that nobody can handle is delivered five times, told once, and set
// aside.
func TestPoisonedCommand(t *testing.T) {
	d := deploy(t)
	d.worker.Runner.Store = &faulty{Store: d.store, load: func() error { return errLost }}
	d.send(d.command("Bo", "start"))
	d.run((world.MaxDeliveries + 2) * visibility)
	if got := d.said("went wrong on my side"); len(got) != 1 {
		t.Errorf("told %d times, want once", len(got))
	}
	if events, poison := d.count(world.EventsQueue), d.count(world.PoisonQueue(world.EventsQueue)); events != 0 || poison != 1 {
		t.Errorf("%d events in the queue, %d set aside; want 0 and 1", events, poison)
	}
}
