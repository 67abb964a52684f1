package agent_test

import (
	"context"
	"errors"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"hearth/internal/agent"
	"hearth/internal/sim/simcloud"
	"hearth/internal/world"
)

// under lists an event that has started.
func (r *rig) under(id, kind string) {
	r.metadata.set(func(m *metadata) {
		m.list = append(m.list, world.Notice{ID: id, Kind: kind, Started: true})
	})
}

func TestNoticeThatHasStarted(t *testing.T) {
	for _, kind := range []string{"Reboot", "Redeploy"} {
		inBubble(t, kind+" that brought this boot about", func(t *testing.T, r *rig) {
			r.under("n1", kind)
			s := r.up()
			pass(10 * time.Minute)
			if n := len(s.stops()); n != 0 {
				t.Errorf("the game was stopped %d times", n)
			}
			r.want("noticed", 0)
			if acks := r.metadata.acks(); len(acks) != 0 {
				t.Errorf("acknowledged %+v, which is over", acks)
			}
		})
		inBubble(t, kind+" without time, and somebody may be in", func(t *testing.T, r *rig) {
			s := r.up()
			r.under("n1", kind)
			came := time.Now()
			pass(5 * time.Second)
			if stops := s.stops(); len(stops) != 1 || stops[0].Sub(came) > time.Second {
				t.Fatalf("stops at %v, want one within a second of %v", stops, came)
			}
			if p := r.proof(); !p.Confirmed || p.Why != world.StopNotice {
				t.Errorf("got %+v", p)
			}
			if d := r.want("noticed", 1)[0].Data.(*world.Noticed); d.Kind != kind || !d.NotBefore.IsZero() {
				t.Errorf("got %+v", d)
			}
		})
	}
	for _, kind := range []string{"Preempt", "Terminate"} {
		inBubble(t, kind+" found at once", func(t *testing.T, r *rig) {
			r.under("n1", kind)
			r.start()
			pass(5 * time.Minute)
			for _, s := range r.game.all() {
				if !gone(s) {
					t.Error("a game runs on a machine that goes")
				}
			}
		})
	}
	inBubble(t, "Freeze lets the game go on", func(t *testing.T, r *rig) {
		s := r.up()
		r.notice("n1", "Freeze")
		came := time.Now()
		pass(5 * time.Second)
		if acks := r.metadata.acks(); len(acks) != 1 || acks[0].at.Sub(came) > time.Second {
			t.Errorf("acknowledged %+v, want it at once", acks)
		}
		if len(s.stops()) != 0 || gone(s) {
			t.Error("the game was stopped")
		}
	})
}

func gone(s *server) bool {
	select {
	case <-s.Done():
		return true
	default:
		return false
	}
}

// onMachines runs the rig's agent on machines of a pretend cloud, and returns
// the cloud and the machine that runs.
func (r *rig) onMachines() (*simcloud.Cloud, string) {
	r.t.Helper()
	place := world.Placement{ID: "vmss-midgard"}
	var lives atomic.Int32
	c, err := simcloud.New(simcloud.Options{Clock: bubbleClock{}, Placements: []world.Placement{place}, Boot: func(ctx context.Context, vm *simcloud.VM) {
		o := r.options()
		o.Metadata, o.Boot = vm, strconv.Itoa(int(lives.Add(1)))
		a, err := agent.New(o)
		if err != nil {
			r.t.Error(err)
			return
		}
		actx, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
		defer cancel(nil)
		defer context.AfterFunc(ctx, func() { cancel(agent.ErrPowerOff) })()
		if err := a.Run(actx); !errors.Is(err, agent.ErrPowerOff) {
			r.t.Errorf("Run: %v", err)
		}
	}})
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() {
		if err := c.Close(context.Background()); err != nil {
			r.t.Error(err)
		}
	})
	if _, err := c.Scale(r.t.Context(), place, 1); err != nil {
		r.t.Fatal(err)
	}
	pass(2 * time.Minute)
	vms := c.Snapshot().VMs
	if len(vms) != 1 || vms[0].State != simcloud.VMRunning {
		r.t.Fatalf("machines %+v, want one that runs", vms)
	}
	return c, vms[0].ID
}

// TestRestartedMachine: the world is saved, the cloud let go on at once, and the
// next boot plays, though the event is still listed.
func TestRestartedMachine(t *testing.T) {
	for _, kind := range []string{"Reboot", "Redeploy"} {
		for name, in := range map[string]time.Duration{"announced": 15 * time.Minute, "without time": 0} {
			inBubble(t, kind+" "+name, func(t *testing.T, r *rig) {
				c, vm := r.onMachines()
				r.server(0).log(opened)
				pass(4 * time.Second)
				r.want("listening", 1)
				if err := c.Announce(vm, kind, in); err != nil {
					t.Fatal(err)
				}
				pass(5 * time.Minute)
				if n := len(r.server(0).stops()); in > 0 && n != 1 {
					t.Errorf("the first game was stopped %d times, want once", n)
				}
				s := r.server(1)
				s.log(opened)
				pass(4 * time.Second)
				r.want("listening", 2)
				if e := r.lease.epoch(); e != 2 {
					t.Errorf("epoch %d, want 2", e)
				}
				pass(30 * time.Minute)
				if len(s.stops()) != 0 || gone(s) {
					t.Error("the second game was stopped for what is over")
				}
				if in > 0 {
					if p := r.proof(); !p.Confirmed || p.Epoch != 1 {
						t.Errorf("proof %+v, want the first boot's", p)
					}
				}
			})
		}
	}
	inBubble(t, "Freeze", func(t *testing.T, r *rig) {
		c, vm := r.onMachines()
		s := r.server(0)
		s.log(opened)
		pass(4 * time.Second)
		if err := c.Announce(vm, "Freeze", 15*time.Minute); err != nil {
			t.Fatal(err)
		}
		pass(3 * time.Second)
		if v := c.Snapshot().VMs[0]; !v.Paused {
			t.Errorf("machine %+v, want it held at once", v)
		}
		pass(time.Hour)
		if len(s.stops()) != 0 || gone(s) || r.lease.epoch() != 1 {
			t.Error("the game was stopped")
		}
	})
}
