package agent_test

import (
	"testing"
	"time"

	"hearth/internal/agent"
	"hearth/internal/world"
)

func TestLease(t *testing.T) {
	inBubble(t, "nothing is up before it is held", func(t *testing.T, first *rig) {
		first.up()
		second := newRig(t)
		second.lease = first.lease
		second.start()
		pass(5 * time.Minute)
		if len(second.game.all()) != 0 || len(second.events.sent) != 0 {
			t.Fatalf("got %d processes and %d events beside the first", len(second.game.all()), len(second.events.sent))
		}
		first.cancel(nil)
		pass(5 * time.Second)
		first.want("save_proven", 1)
		up := second.want("host_up", 1)[0]
		if up.ID != "midgard/2/1" || up.Data.(*world.HostUp).Epoch != 2 {
			t.Fatalf("got %s", up.ID)
		}
		second.server(0)
	})
	inBubble(t, "that of a machine that vanished expires", func(t *testing.T, first *rig) {
		first.up()
		second := newRig(t)
		second.lease = first.lease
		second.start()
		first.cancel(agent.ErrPowerOff)
		first.ended(time.Second, agent.ErrPowerOff)
		pass(time.Until(first.lease.until()) - time.Second)
		if len(second.game.all()) != 0 {
			t.Fatal("started while the lease was held")
		}
		pass(4 * time.Second)
		second.want("host_up", 1)
	})
	inBubble(t, "a short silence of the service changes nothing", func(t *testing.T, r *rig) {
		s := r.up()
		r.lease.set(func(l *lease) { l.away = true })
		pass(14 * time.Second)
		r.lease.set(func(l *lease) { l.away = false })
		pass(time.Hour)
		if len(s.stops()) != 0 {
			t.Fatal("stopped")
		}
	})
	inBubble(t, "not renewed for 25 seconds: saved and stopped", func(t *testing.T, r *rig) {
		s := r.up()
		pass(56 * time.Second) // the last renewal is at 60 s
		r.lease.set(func(l *lease) { l.away = true })
		pass(24 * time.Second)
		if len(s.stops()) != 0 {
			t.Fatal("stopped too early")
		}
		pass(2 * time.Second)
		if len(s.stops()) != 1 {
			t.Fatal("not stopped")
		}
		pass(2 * time.Second)
		if p := r.proof(); !p.Confirmed || p.Why != world.StopLease {
			t.Fatalf("got %+v", p)
		}
	})
	inBubble(t, "killed before it expires", func(t *testing.T, r *rig) {
		r.game.onStop = func(*server) {}
		s := r.up()
		r.lease.set(func(l *lease) { l.away = true })
		until := r.lease.until()
		pass(61 * time.Second)
		kills := s.kills()
		if len(kills) != 1 || !kills[0].Before(until) {
			t.Fatalf("got kills at %v, the lease ended at %v", kills, until)
		}
		if p := r.proof(); p.Confirmed || p.Why != world.StopLease {
			t.Fatalf("got %+v", p)
		}
	})
	inBubble(t, "killed before it expires, also in an ordered stop", func(t *testing.T, r *rig) {
		r.game.onStop = func(*server) {}
		s := r.up()
		r.order(world.OrderStop, "op-1")
		r.lease.set(func(l *lease) { l.away = true })
		until := r.lease.until()
		pass(61 * time.Second)
		kills := s.kills()
		if len(kills) != 1 || !kills[0].Before(until) {
			t.Fatalf("got kills at %v, the lease ended at %v", kills, until)
		}
	})
	inBubble(t, "taken by another: killed at once", func(t *testing.T, r *rig) {
		s := r.up()
		r.lease.steal(t)
		pass(10 * time.Second)
		if len(s.kills()) != 1 || len(s.stops()) != 0 {
			t.Fatalf("got %d kills, %d stops", len(s.kills()), len(s.stops()))
		}
		if p := r.proof(); p.Confirmed || p.Why != world.StopLease {
			t.Fatalf("got %+v", p)
		}
		if r.files.synced != 0 {
			t.Error("wrote to files that are another's")
		}
		r.want("crashed", 0)
		pass(time.Hour)
		if len(r.game.all()) != 1 {
			t.Fatal("started again")
		}
	})
	inBubble(t, "taken while the process is being made: killed when it comes", func(t *testing.T, r *rig) {
		r.game.takes, r.game.deaf = 20*time.Second, true
		r.start()
		r.lease.steal(t)
		pass(31 * time.Second) // lost at 10 s; the start goes on for 20 s more
		for _, s := range r.game.all() {
			if len(s.stops()) != 0 || !isOver(s) {
				t.Fatalf("got %d stops, over %v", len(s.stops()), isOver(s))
			}
		}
		if p := r.proof(); p.Confirmed || len(r.game.all()) != 1 {
			t.Fatalf("got %+v, %d processes", p, len(r.game.all()))
		}
	})
	inBubble(t, "a process that comes before it is given up is killed and proven", func(t *testing.T, r *rig) {
		r.game.takes, r.game.deaf = 11*time.Second, true
		r.start()
		r.lease.steal(t)
		pass(22 * time.Second)
		s := r.server(0)
		if len(s.stops()) != 0 || len(s.kills()) != 1 {
			t.Fatalf("got %d stops, %d kills", len(s.stops()), len(s.kills()))
		}
		if p := r.proof(); p.Confirmed || !p.Untouched {
			t.Fatalf("got %+v", p)
		}
	})
	inBubble(t, "a service that is away at boot is asked again", func(_ *testing.T, r *rig) {
		r.lease.away = true
		r.start()
		pass(5 * time.Minute)
		r.lease.set(func(l *lease) { l.away = false })
		pass(11 * time.Second)
		r.want("host_up", 1)
	})
}
