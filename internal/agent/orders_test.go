package agent_test

import (
	"testing"
	"time"

	"hearth/internal/world"
)

func TestRefusals(t *testing.T) {
	now := func(r *rig, kind world.OrderKind) world.Order {
		return world.Order{Kind: kind, World: midgard, Operation: "op-1", Epoch: r.lease.epoch(), Issued: time.Now()}
	}
	for _, c := range []struct {
		name    string
		before  func(s *server)
		order   func(r *rig) world.Order
		reason  world.RefusedOrder
		players []world.Player
		age     time.Duration
	}{
		{
			name:   "stale: of an older boot",
			order:  func(r *rig) world.Order { o := now(r, world.OrderStop); o.Epoch--; return o },
			reason: world.OrderStale,
		},
		{
			name:   "stale: of a boot to come",
			order:  func(r *rig) world.Order { o := now(r, world.OrderStop); o.Epoch++; return o },
			reason: world.OrderStale,
		},
		{
			name: "expired",
			order: func(r *rig) world.Order {
				o := now(r, world.OrderStop)
				o.Issued = o.Issued.Add(-world.OrderLifetime - time.Minute)
				return o
			},
			reason: world.OrderExpired, age: world.OrderLifetime + time.Minute,
		},
		{
			name: "occupied: somebody plays",
			before: func(s *server) {
				knock(s, 1)
				spawn(s, "Astrid", 4242)
			},
			order:  func(r *rig) world.Order { return now(r, world.OrderStopIfEmpty) },
			reason: world.OrderOccupied, players: []world.Player{{Owner: "4242", Name: "Astrid"}},
		},
		{
			name:   "occupied: somebody is let in but not in the world yet",
			before: func(s *server) { knock(s, 1) },
			order:  func(r *rig) world.Order { return now(r, world.OrderStopIfEmpty) },
			reason: world.OrderOccupied,
		},
		{
			name:   "occupied: somebody types the password",
			before: func(s *server) { s.log("Got connection SteamID 76561198000000001") },
			order:  func(r *rig) world.Order { return now(r, world.OrderStopIfEmpty) },
			reason: world.OrderOccupied,
		},
	} {
		inBubble(t, c.name, func(t *testing.T, r *rig) {
			s := r.up()
			if c.before != nil {
				c.before(s)
			}
			o := c.order(r)
			r.send(o)
			pass(2 * time.Second)
			got := r.want("order_refused", 1)[0].Data.(*world.OrderRefused)
			if got.Reason != c.reason || got.Operation != "op-1" || got.Kind != o.Kind || got.Age.Round(5*time.Second) != c.age {
				t.Errorf("got %+v", got)
			}
			if len(got.Players) != len(c.players) || len(c.players) > 0 && got.Players[0] != c.players[0] {
				t.Errorf("got players %+v, want %+v", got.Players, c.players)
			}
			if len(s.stops()) != 0 || r.orders.waiting() != 0 {
				t.Errorf("got %d stops, %d orders left", len(s.stops()), r.orders.waiting())
			}
		})
	}
}

// comesIn writes much, and at the end of it that somebody plays.
func comesIn(s *server) {
	for range 2000 {
		s.log("Generating DG_Cave")
	}
	knock(s, 1)
	spawn(s, "Astrid", 4242)
}

func TestOrders(t *testing.T) {
	inBubble(t, "stop-if-empty of an empty world", func(t *testing.T, r *rig) {
		s := r.up()
		knock(s, 1)
		spawn(s, "Astrid", 4242)
		leaves(s, 1, 4242)
		r.order(world.OrderStopIfEmpty, "op-1")
		pass(4 * time.Second)
		if p := r.proof(); !p.Confirmed {
			t.Fatalf("got %+v", p)
		}
	})
	inBubble(t, "a copy of a refused stop-if-empty stays refused", func(_ *testing.T, r *rig) {
		s := r.up()
		spawn(s, "Astrid", 4242)
		r.order(world.OrderStopIfEmpty, "op-1")
		pass(2 * time.Second)
		leaves(s, 1, 4242)
		r.order(world.OrderStopIfEmpty, "op-1")
		pass(10 * time.Second)
		r.want("order_refused", 2)
		r.want("save_proven", 0)
		r.order(world.OrderStopIfEmpty, "op-2")
		pass(4 * time.Second)
		r.proof()
	})
	inBubble(t, "the same stop again is the same answer again", func(t *testing.T, r *rig) {
		s := r.up()
		r.order(world.OrderStop, "op-1")
		r.order(world.OrderStop, "op-1")
		pass(5 * time.Second)
		r.want("save_proven", 1)
		r.want("order_refused", 0)
		r.order(world.OrderStop, "op-1")
		pass(2 * time.Second)
		two := r.want("save_proven", 2)
		first, second := *two[0].Data.(*world.SaveProven), *two[1].Data.(*world.SaveProven)
		if second.Seq == first.Seq {
			t.Error("both have one number")
		}
		second.Heard = first.Heard
		if first != second {
			t.Errorf("got  %+v\nwant %+v", second, first)
		}
		if len(s.stops()) != 1 || r.orders.waiting() != 0 {
			t.Errorf("got %d stops, %d orders left", len(s.stops()), r.orders.waiting())
		}
	})
	inBubble(t, "another stop while stopping is busy, afterwards it is told how it went", func(t *testing.T, r *rig) {
		r.game.onStop = func(s *server) {
			<-time.After(10 * time.Second)
			quit(s)
		}
		r.up()
		r.order(world.OrderStop, "op-1")
		pass(2 * time.Second)
		r.order(world.OrderStopIfEmpty, "op-2")
		r.order(world.OrderSave, "op-3")
		pass(2 * time.Second)
		for _, e := range r.want("order_refused", 2) {
			if d := e.Data.(*world.OrderRefused); d.Reason != world.OrderBusy {
				t.Errorf("got %+v", d)
			}
		}
		pass(10 * time.Second)
		r.order(world.OrderStop, "op-4")
		pass(2 * time.Second)
		last := r.want("save_proven", 2)[1].Data.(*world.SaveProven)
		if last.Operation != "op-4" || !last.Confirmed || last.Why != world.StopOrdered {
			t.Fatalf("got %+v", last)
		}
	})
	inBubble(t, "an order is deleted only after its answer was sent", func(t *testing.T, r *rig) {
		r.up()
		r.events.set(func(q *queue) { q.away = true })
		r.send(world.Order{Kind: world.OrderStop, World: midgard, Operation: "op-1", Epoch: 99, Issued: time.Now()})
		pass(2 * time.Minute)
		if r.orders.waiting() != 1 {
			t.Fatal("the order was deleted before its answer was sent")
		}
		r.events.set(func(q *queue) { q.away = false })
		pass(2 * time.Minute)
		r.want("order_refused", 1)
		if r.orders.waiting() != 0 {
			t.Fatal("the order was not deleted")
		}
	})
	inBubble(t, "an order that can't be deleted is not answered twice", func(t *testing.T, r *rig) {
		r.up()
		r.orders.set(func(q *queue) { q.stuck = true })
		r.send(world.Order{Kind: world.OrderStop, World: midgard, Operation: "op-1", Epoch: 99, Issued: time.Now()})
		pass(100 * time.Second) // it comes four times; after the fifth it would be set aside
		r.orders.set(func(q *queue) { q.stuck = false })
		pass(time.Minute)
		r.want("order_refused", 1)
		if r.orders.waiting() != 0 {
			t.Fatal("the order was not deleted")
		}
	})
	inBubble(t, "who came in before the order was taken counts", func(t *testing.T, r *rig) {
		s := r.up()
		r.orders.found = func() { comesIn(s) }
		r.order(world.OrderStopIfEmpty, "op-1")
		pass(3 * time.Second)
		got := r.want("order_refused", 1)[0].Data.(*world.OrderRefused)
		if got.Reason != world.OrderOccupied || len(s.stops()) != 0 {
			t.Fatalf("got %+v, %d stops", got, len(s.stops()))
		}
	})
	inBubble(t, "nonsense is deleted and changes nothing", func(t *testing.T, r *rig) {
		s := r.up()
		for _, body := range []string{"", "{", `{"schema":9,"kind":"stop","world":"midgard"}`, `{"schema":1}`} {
			if err := r.orders.Send(t.Context(), []byte(body), 0); err != nil {
				t.Fatal(err)
			}
		}
		r.send(world.Order{Kind: world.OrderStop, World: "asgard", Epoch: 1, Issued: time.Now()})
		r.order("dance", "op-1")
		pass(3 * time.Second)
		if r.orders.waiting() != 0 || len(s.stops()) != 0 || r.types() != "host_up listening" {
			t.Fatalf("got %d orders left, %d stops, events %s", r.orders.waiting(), len(s.stops()), r.types())
		}
	})
	inBubble(t, "a save waits for the next autosave", func(t *testing.T, r *rig) {
		s := r.up()
		r.order(world.OrderSave, "op-1")
		pass(5 * time.Minute)
		if len(s.stops()) != 0 || r.orders.waiting() != 0 {
			t.Fatalf("got %d stops, %d orders left", len(s.stops()), r.orders.waiting())
		}
		r.want("saved", 0)
		s.log(saveBegan, saveEnded)
		pass(time.Second)
		r.want("saved", 1)
	})
	inBubble(t, "an orders queue that was away is read again", func(_ *testing.T, r *rig) {
		r.up()
		r.orders.set(func(q *queue) { q.away = true })
		pass(5 * time.Minute)
		r.orders.set(func(q *queue) { q.away = false })
		r.order(world.OrderStop, "op-1")
		pass(15 * time.Second)
		r.want("save_proven", 1)
	})
}
