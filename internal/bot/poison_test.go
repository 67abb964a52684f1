package bot_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"hearth/internal/bot"
	"hearth/internal/sim/simstorage"
	"hearth/internal/world"
)

// TestTakenIsNotBroken: a command that a worker has written into the row before
// it died is done from there, by whoever comes next, however often its message
// was delivered meanwhile. Nobody is told that it could not be done.
func TestTakenIsNotBroken(t *testing.T) {
	r := newRig(t)
	body := r.command("Bo", "start")
	l := &life{at: 3, how: diesBefore} // load, write, and then the first effect
	if lived, _ := l.survives(func() error { return r.worker(l).Handle(t.Context(), body, world.MaxDeliveries-1) }); lived {
		t.Fatalf("the worker lived through %v", l.calls)
	}
	if err := r.worker(nil).Handle(t.Context(), body, world.MaxDeliveries); !errors.Is(err, bot.ErrClaimed) {
		t.Errorf("last delivery during the claim: %v, want ErrClaimed", err)
	}
	poison := simstorage.New(simstorage.Options{Clock: r.clock}).Queue(world.PoisonQueue(world.EventsQueue))
	if err := poison.Send(t.Context(), body, 0); err != nil {
		t.Fatal(err)
	}
	w := r.worker(nil)
	w.Poison = poison
	w.Drain(t.Context())
	if n := len(poison.Messages()); n != 0 {
		t.Errorf("%d messages are left in the poison queue, want none", n)
	}
	if got := r.said("Something went wrong"); len(got) > 0 {
		t.Errorf("told that it is broken: %s", text(got[0]))
	}
	r.clock.Advance(claimTime + time.Second)
	r.handle(r.bot("late", &world.Timer{Kind: world.TimerLook, Number: -1}))
	r.expect(world.Starting)
	if len(r.said("is lighting")) != 1 {
		t.Error("the command was never answered")
	}
}

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

// punctual is a queue that deletes nothing for a caller who is out of time.
type punctual struct{ world.Queue }

func (q punctual) Delete(ctx context.Context, m world.Message) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return q.Queue.Delete(ctx, m)
}

// TestDrainEnds: a chat that never answers keeps whoever drains for its share of
// the time, however many commands lie in the poison queue. What was put off
// before is not put off again with the next look.
func TestDrainEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		bodies := [][]byte{r.bot("lost", &world.Timer{Kind: world.TimerLook, Number: -1})}
		for range world.MaxAsideSeen - 1 {
			bodies = append(bodies, r.command("Bo", "start"))
		}
		for _, body := range bodies {
			if err := r.poison.Send(t.Context(), body, 0); err != nil {
				t.Fatal(err)
			}
		}
		r.chat = hanging{}
		w := r.worker(nil)
		w.Poison = punctual{r.poison}
		begun := time.Now()
		w.Drain(t.Context())
		if took := time.Since(begun); took > 30*time.Second {
			t.Errorf("took %s, want at most 30 s", took)
		}
		if n, want := len(r.poison.Messages()), len(bodies)-1; n != want {
			t.Errorf("%d messages are left, want the %d commands", n, want)
		}
	})
}
