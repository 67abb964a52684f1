package bot_test

import (
	"context"
	"testing"
	"time"

	"hearth/internal/world"
)

// TestOperationThatFailsIsBegunAgain: an operation that ended in an error of
// the cloud's own, such as InternalServerError, is not one that cannot be
// looked at: nobody waits for it any more.
func TestOperationThatFailsIsBegunAgain(t *testing.T) {
	for _, code := range []string{"InternalServerError", "TooManyRequests", "Conflict"} {
		t.Run(code, func(t *testing.T) {
			r := newRig(t)
			r.burning()
			if err := r.cloud.FailNext("vmss-a", code, true); err != nil {
				t.Fatal(err)
			}
			r.handle(r.command("Bo", "stop"))
			r.handle(r.agent(func(h world.Heard) world.Payload {
				return &world.SaveProven{Heard: h, Why: world.StopOrdered, Confirmed: true}
			}))
			r.pass(5 * time.Minute)
			r.expect(world.Stopped)
		})
	}
}

// TestCloudEffectOfAnOlderRound: what a dead worker left to do is not done any
// more when the world has gone on to another placement meanwhile. It would make
// a second machine.
func TestCloudEffectOfAnOlderRound(t *testing.T) {
	r := newRig(t)
	l := &life{at: 3, how: diesBefore} // load, write, then the scale
	if lived, _ := l.survives(func() error { return r.worker(l).Handle(t.Context(), r.command("Ana", "start"), 1) }); lived {
		t.Fatalf("the worker lived: %v", l.calls)
	}
	r.plant(func(s *world.State) {
		s.Cloud.Round++
		s.Cloud.Placement, s.Cloud.Acting, s.Cloud.Want = "vmss-b", false, 0
	})
	r.clock.Advance(claimTime + time.Second)
	r.handle(r.bot("check", &world.Timer{Kind: world.TimerCheck, Number: -1}))
	if s := r.state(); len(s.Pending) > 0 {
		t.Errorf("%d effects are left, the first of %s", len(s.Pending), s.Pending[0].Event)
	}
	for _, p := range r.cloud.Snapshot().Placements {
		if p.ID == "vmss-a" && (p.Busy || p.Capacity != 0) {
			t.Errorf("vmss-a goes to capacity %d; want it left alone", p.Toward)
		}
	}
}

// TestBrokenOrdersQueue: a queue of orders that takes nothing keeps neither the
// machine from being deleted nor the row from its bound.
func TestBrokenOrdersQueue(t *testing.T) {
	r := newRig(t)
	r.burning()
	w := r.worker(nil)
	w.Runner.Orders = func(string) world.Queue { return brokenQueue{} }
	if err := w.Handle(t.Context(), r.command("Bo", "stop"), 1); err == nil {
		t.Error("no error: the order was not sent")
	}
	for range 4 * 60 { // twenty minutes, in which the save is never proven
		r.clock.Advance(5 * time.Second)
		ms, err := r.events.Receive(t.Context(), 32, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range ms {
			if w.Handle(t.Context(), m.Body, m.DequeueCount) == nil {
				if err := r.events.Delete(t.Context(), m); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	if n := len(r.said("not proven in ten minutes")); n == 0 {
		t.Error("the loss was not told")
	}
	s := r.state()
	if s.Status != world.Stopped {
		t.Errorf("status = %s, want stopped", s.Status)
	}
	for _, p := range s.Pending {
		if p.Effect.Order != nil {
			t.Errorf("order %s of %v is still to be sent", p.Effect.Order.Kind, p.Effect.Order.Issued)
		}
	}
}

// brokenQueue takes nothing.
type brokenQueue struct{ world.Queue }

func (brokenQueue) Send(context.Context, []byte, time.Duration) error { return errLost }
