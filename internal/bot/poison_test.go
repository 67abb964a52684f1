package bot_test

import (
	"testing"
	"time"

	"hearth/internal/sim/simstorage"
	"hearth/internal/world"
)

// TestDrain: an event whose worker died with its last delivery lies in the
// poison queue and was told to nobody. The next check tells of it, puts timers
// off, and leaves what cannot be told.
func TestDrain(t *testing.T) {
	setup := func(t *testing.T) (*rig, *simstorage.Queue) {
		r := newRig(t)
		r.burning()
		poison := simstorage.New(simstorage.Options{Clock: r.clock}).Queue(world.PoisonQueue(world.EventsQueue))
		for _, body := range [][]byte{
			r.command("Bo", "stop"),
			r.bot("lost", &world.Timer{Kind: world.TimerLook, Number: r.state().LookNo}),
			spawn(r, "1", "Astrid"),
			[]byte("no event at all"),
		} {
			if err := poison.Send(t.Context(), body, 0); err != nil {
				t.Fatal(err)
			}
		}
		return r, poison
	}
	check := func(r *rig, poison world.Queue, chat world.Chat) {
		w := r.worker(nil)
		w.Poison, w.Runner.Chat = poison, chat
		if err := w.Handle(r.t.Context(), r.bot("check", &world.Timer{Kind: world.TimerCheck, Number: r.state().CheckNo}), 1); err != nil {
			r.t.Fatal(err)
		}
	}
	t.Run("told", func(t *testing.T) {
		r, poison := setup(t)
		r.events.Clear()
		check(r, poison, r.chat)
		if n := len(poison.Messages()); n != 0 {
			t.Errorf("%d messages are left, want none", n)
		}
		if n := len(r.said("Something went wrong")); n != 1 {
			t.Errorf("told %d times, want once", n)
		}
		looks := 0
		for _, m := range r.events.Messages() {
			if e, err := world.Decode(m.Body, r.key); err == nil && e.ID == "lost" {
				looks++
			}
		}
		if looks != 1 {
			t.Errorf("the timer is in the queue %d times, want once", looks)
		}
		r.expect(world.Online) // nothing of it was done
	})
	t.Run("chat is away", func(t *testing.T) {
		r, poison := setup(t)
		check(r, poison, &moody{err: errAway})
		if n := len(poison.Messages()); n != 1 {
			t.Errorf("%d messages are left, want the command", n)
		}
		r.clock.Advance(2 * time.Minute)
		check(r, poison, r.chat)
		if n := len(r.said("Something went wrong")); n != 1 || len(poison.Messages()) != 0 {
			t.Errorf("told %d times and %d are left, want once and none", n, len(poison.Messages()))
		}
	})
}
