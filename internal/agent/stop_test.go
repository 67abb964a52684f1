package agent_test

import (
	"testing"
	"time"

	"hearth/internal/agent"
	"hearth/internal/world"
)

func TestStop(t *testing.T) {
	inBubble(t, "an order is proven and deleted, the lease given back", func(t *testing.T, r *rig) {
		s := r.up()
		spawn(s, "Astrid", 4242)
		r.order(world.OrderStop, "op-1")
		pass(10 * time.Second)
		want := world.SaveProven{
			Heard: r.proof().Heard, Why: world.StopOrdered, Operation: "op-1", Confirmed: true,
			Took: time.Second, Size: 4096, LastSave: r.proof().LastSave,
		}
		if got := *r.proof(); got != want || got.LastSave.IsZero() {
			t.Fatalf("got  %+v\nwant %+v", got, want)
		}
		if len(s.stops()) != 1 || len(s.kills()) != 0 || r.files.synced != 1 {
			t.Fatalf("got %d stops, %d kills, %d syncs", len(s.stops()), len(s.kills()), r.files.synced)
		}
		if r.orders.waiting() != 0 || len(r.lease.released) != 1 {
			t.Fatalf("got %d orders left, leases released: %v", r.orders.waiting(), r.lease.released)
		}
		if got, want := r.types(), "host_up listening spawned disconnected save_proven"; got != want {
			t.Fatalf("got  %s\nwant %s", got, want)
		}
		pass(time.Minute)
		beats := r.of("heartbeat")
		if last := beats[len(beats)-1].Data.(*world.Heartbeat); last.GameUp || last.Listening || len(last.Players) != 0 {
			t.Fatalf("got %+v after the end", last)
		}
		r.inOrder()
		r.cancel(nil)
		r.ended(time.Second, nil)
		r.want("save_proven", 1)
	})

	for _, c := range []struct {
		name      string
		before    []string
		onStop    func(*server)
		syncErr   error
		confirmed bool
	}{
		{name: "saved", onStop: quit, confirmed: true},
		{name: "ended without a save", onStop: quitUnsaved},
		{name: "an autosave that began before the request", before: []string{saveBegan}, onStop: func(s *server) {
			s.log(saveEnded)
			quitUnsaved(s)
		}},
		{name: "an autosave from before, then its own", before: []string{saveBegan}, confirmed: true, onStop: func(s *server) {
			s.log(saveEnded)
			quit(s)
		}},
		{name: "a save that was finished before", before: []string{saveBegan, saveEnded}, onStop: quitUnsaved},
		{name: "a save that was begun and not finished", onStop: func(s *server) {
			s.log(saveBegan)
			s.end()
		}},
		{name: "files not synced", onStop: quit, syncErr: errAway},
		{name: "a slow save of 100 seconds", confirmed: true, onStop: func(s *server) {
			<-time.After(100 * time.Second)
			quit(s)
		}},
	} {
		inBubble(t, c.name, func(t *testing.T, r *rig) {
			r.game.onStop = c.onStop
			s := r.up()
			r.files.syncErr = c.syncErr
			s.log(c.before...)
			r.order(world.OrderStop, "op-1")
			pass(115 * time.Second)
			if got := r.proof(); got.Confirmed != c.confirmed || got.Untouched {
				t.Errorf("got %+v, want confirmed %v", got, c.confirmed)
			}
			if n := len(s.kills()); n != 0 {
				t.Errorf("got %d kills", n)
			}
		})
	}

	inBubble(t, "killed after 120 seconds", func(t *testing.T, r *rig) {
		r.game.onStop = func(s *server) { s.log(saveBegan, saveEnded) }
		s := r.up()
		r.order(world.OrderStop, "op-1")
		pass(119 * time.Second)
		if n := len(s.kills()); n != 0 {
			t.Fatalf("got %d kills early", n)
		}
		pass(3 * time.Second)
		if n := len(s.kills()); n != 1 {
			t.Fatalf("got %d kills, want 1", n)
		}
		if p := r.proof(); p.Confirmed {
			t.Fatalf("got %+v", p)
		}
	})
	inBubble(t, "not even a kill helps", func(t *testing.T, r *rig) {
		r.game.onStop, r.game.noKill = func(*server) {}, true
		s := r.up()
		r.order(world.OrderStop, "op-1")
		pass(150 * time.Second)
		if p := r.proof(); p.Confirmed {
			t.Fatalf("got %+v", p)
		}
		if len(r.lease.released) != 0 {
			t.Fatal("the lease was given back while the game may write")
		}
		s.end()
	})
	inBubble(t, "before the game listens", func(t *testing.T, r *rig) {
		r.game.onStop = quitUnsaved
		r.start()
		r.order(world.OrderStop, "op-1")
		pass(3 * time.Second)
		if p := r.proof(); !p.Confirmed || !p.Untouched {
			t.Fatalf("got %+v", p)
		}
	})
	inBubble(t, "before the game's process exists", func(t *testing.T, r *rig) {
		r.game.takes = time.Minute
		r.start()
		r.order(world.OrderStop, "op-1")
		pass(3 * time.Second)
		if p := r.proof(); !p.Confirmed || !p.Untouched {
			t.Fatalf("got %+v", p)
		}
		if n := len(r.game.all()); n != 0 {
			t.Fatalf("got %d processes", n)
		}
	})
	inBubble(t, "while it loads again after a crash", func(t *testing.T, r *rig) {
		r.game.onStop = quitUnsaved
		r.up().end()
		pass(time.Second)
		r.want("crashed", 1)
		r.order(world.OrderStop, "op-1")
		pass(3 * time.Second)
		if p := r.proof(); p.Confirmed || p.Untouched {
			t.Fatalf("got %+v: the first process was touched and never saved", p)
		}
	})
	inBubble(t, "by the end of the context", func(t *testing.T, r *rig) {
		r.up()
		r.cancel(nil)
		r.ended(2*time.Second, nil)
		if p := r.proof(); !p.Confirmed || p.Why != world.StopAgent {
			t.Fatalf("got %+v", p)
		}
		if len(r.lease.released) != 1 {
			t.Fatal("the lease was not released")
		}
	})
	inBubble(t, "by the end of the context, before the lease is held", func(t *testing.T, r *rig) {
		r.lease.occupy(t, time.Hour)
		r.start()
		pass(time.Minute)
		r.cancel(nil)
		r.ended(time.Second, nil)
		if len(r.events.sent) != 0 || len(r.game.all()) != 0 {
			t.Fatalf("got %d events, %d processes", len(r.events.sent), len(r.game.all()))
		}
	})
	inBubble(t, "by the end of the context, with everything away", func(_ *testing.T, r *rig) {
		r.up()
		r.events.set(func(q *queue) { q.away = true })
		r.lease.set(func(l *lease) { l.away = true })
		r.cancel(nil)
		r.ended(2*time.Second+agent.FlushFor, nil)
	})
}

func TestNotice(t *testing.T) {
	for _, kind := range []string{"Preempt", "Terminate", "Reboot", "Redeploy"} {
		inBubble(t, kind, func(t *testing.T, r *rig) {
			s := r.up()
			r.notice("n1", kind)
			came := time.Now()
			pass(5 * time.Second)
			if stops := s.stops(); len(stops) != 1 || stops[0].Sub(came) > time.Second {
				t.Fatalf("got stops at %v, notice at %v", stops, came)
			}
			noticed := r.want("noticed", 1)[0]
			if d := noticed.Data.(*world.Noticed); d.Kind != kind || d.NotBefore.IsZero() {
				t.Fatalf("got %+v", d)
			}
			if !noticed.Time.Equal(s.stops()[0]) {
				t.Errorf("noticed at %v, stopped at %v", noticed.Time, s.stops()[0])
			}
			if p := r.proof(); !p.Confirmed || p.Why != world.StopNotice || p.Operation != "" {
				t.Fatalf("got %+v", p)
			}
			if got, want := r.types(), "host_up listening noticed save_proven"; got != want {
				t.Fatalf("got  %s\nwant %s", got, want)
			}
			acks := r.metadata.acks()
			if len(acks) != 1 || acks[0].id != "n1" {
				t.Fatalf("got acknowledgements %+v", acks)
			}
			if acks[0].at.Before(r.want("save_proven", 1)[0].Time) {
				t.Error("acknowledged before the proof")
			}
			pass(time.Minute)
			r.want("noticed", 1)
			if n := len(r.metadata.acks()); n != 1 {
				t.Fatalf("got %d acknowledgements", n)
			}
		})
	}
	inBubble(t, "Freeze", func(t *testing.T, r *rig) {
		s := r.up()
		r.notice("n1", "Freeze")
		pass(time.Minute)
		r.want("noticed", 1)
		r.want("save_proven", 0)
		if len(s.stops()) != 0 || len(r.metadata.acks()) != 1 {
			t.Fatalf("got %d stops, %d acknowledgements", len(s.stops()), len(r.metadata.acks()))
		}
	})
	inBubble(t, "an unknown kind is told and left alone", func(t *testing.T, r *rig) {
		s := r.up()
		r.notice("n1", "Rebrand")
		pass(time.Minute)
		r.want("noticed", 1)
		if len(s.stops()) != 0 || len(r.metadata.acks()) != 0 {
			t.Fatalf("got %d stops, %d acknowledgements", len(s.stops()), len(r.metadata.acks()))
		}
	})
	inBubble(t, "while loading", func(t *testing.T, r *rig) {
		r.game.onStop = quitUnsaved
		r.start()
		r.notice("n1", "Preempt")
		pass(3 * time.Second)
		if p := r.proof(); !p.Confirmed || !p.Untouched || p.Why != world.StopNotice {
			t.Fatalf("got %+v", p)
		}
		if got, want := r.types(), "host_up noticed save_proven"; got != want {
			t.Fatalf("got  %s\nwant %s", got, want)
		}
	})
	inBubble(t, "while acquiring", func(t *testing.T, r *rig) {
		r.lease.occupy(t, 30*time.Second)
		r.start()
		r.notice("n1", "Preempt")
		pass(2 * time.Second)
		r.notice("n2", "Terminate")
		pass(2 * time.Minute)
		if len(r.game.all()) != 0 || r.lease.epoch() != 1 || len(r.events.sent) != 0 {
			t.Fatalf("got %d processes, epoch %d, %d events", len(r.game.all()), r.lease.epoch(), len(r.events.sent))
		}
		if n := len(r.metadata.acks()); n != 2 {
			t.Fatalf("got %d acknowledgements", n)
		}
		r.cancel(nil)
		r.ended(time.Second, nil)
	})
	inBubble(t, "a proof that can't be sent is waited for two seconds", func(t *testing.T, r *rig) {
		s := r.up()
		r.events.set(func(q *queue) { q.away = true })
		r.notice("n1", "Preempt")
		pass(10 * time.Second)
		acks := r.metadata.acks()
		if len(acks) != 1 {
			t.Fatalf("got %d acknowledgements", len(acks))
		}
		if got, want := acks[0].at.Sub(s.stops()[0]), 3*time.Second; got != want {
			t.Fatalf("acknowledged %v after the stop, want %v", got, want)
		}
	})
	inBubble(t, "a queue that comes back is used before its backoff is over", func(t *testing.T, r *rig) {
		r.up()
		r.events.set(func(q *queue) { q.away = true })
		pass(5 * time.Minute)
		for tries := r.events.attempts(); r.events.attempts() == tries; { // the next attempt is 5 s or more after this one
			pass(100 * time.Millisecond)
		}
		r.events.set(func(q *queue) { q.away = false })
		r.notice("n1", "Preempt")
		pass(2500 * time.Millisecond)
		if acks := r.metadata.acks(); len(acks) != 1 {
			t.Fatalf("got %d acknowledgements", len(acks))
		}
		r.want("save_proven", 1)
		r.inOrder()
	})
	inBubble(t, "an autosave that began just before the notice was read", func(t *testing.T, r *rig) {
		r.game.onStop = func(s *server) {
			s.log(saveEnded)
			quitUnsaved(s)
		}
		s := r.up()
		r.metadata.found = func() {
			r.metadata.found = nil
			comesIn(s)
			s.log(saveBegan)
		}
		r.notice("n1", "Preempt")
		pass(5 * time.Second)
		if p := r.proof(); p.Confirmed {
			t.Fatalf("got %+v", p)
		}
	})
	inBubble(t, "during an ordered stop", func(t *testing.T, r *rig) {
		r.game.onStop = func(s *server) {
			<-time.After(10 * time.Second)
			quit(s)
		}
		s := r.up()
		r.order(world.OrderStop, "op-1")
		pass(3 * time.Second)
		r.notice("n1", "Preempt")
		pass(3 * time.Second)
		r.want("noticed", 1)
		if n := len(r.metadata.acks()); n != 0 {
			t.Fatal("acknowledged before the save")
		}
		pass(10 * time.Second)
		if p := r.proof(); p.Operation != "op-1" || !p.Confirmed {
			t.Fatalf("got %+v", p)
		}
		if len(s.stops()) != 1 || len(r.metadata.acks()) != 1 {
			t.Fatalf("got %d stops, %d acknowledgements", len(s.stops()), len(r.metadata.acks()))
		}
	})
}
