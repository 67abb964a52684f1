package agent_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"hearth/internal/agent"
	"hearth/internal/sim/simdisk"
	"hearth/internal/world"
)

// evening is what happens to a world while its agent lives; each step is one
// thing, and takes some time.
func evening(r *rig) []func() {
	s := func() *server { return r.server(0) }
	return []func(){
		func() { pass(time.Second) },
		func() { s().log("Valheim version: l-1.0.16 (network version 40)") },
		func() { s().log(opened) },
		func() { pass(4 * time.Second) },
		func() { knock(s(), 1) },
		func() { pass(20 * time.Second); spawn(s(), "Astrid", 4242) },
		func() { knock(s(), 2); spawn(s(), "Bo", 4343) },
		func() { pass(20 * time.Second); s().log("Got character ZDOID from Bo : 0:0") },
		func() { pass(8 * time.Second); s().log("Got character ZDOID from Bo : 4343:900") },
		func() { s().log(saveBegan); pass(time.Second); s().log(saveEnded) },
		func() { leaves(s(), 1, 4242) },
		func() { pass(5 * time.Second); s().log("Random event set:foresttrolls") },
		func() { r.order(world.OrderStop, "op-1") },
		func() { pass(2 * time.Second) },
		func() { pass(10 * time.Second) },
	}
}

const whole = "host_up connected spawned connected spawned died saved disconnected raid disconnected save_proven"

// each is what was heard, each word once and in the order of their numbers:
// what a worker makes of it.
func (r *rig) each() string {
	r.t.Helper()
	seen := map[int64]string{}
	var out []string
	next := int64(1)
	for _, e := range r.heard() {
		h := e.Data.(world.AgentPayload).AsHeard()
		typ := strings.TrimPrefix(string(e.Data.Type()), "agent.")
		if before, ok := seen[h.Seq]; ok && before != typ+e.ID {
			r.t.Errorf("number %d is %s and %s", h.Seq, before, typ+e.ID)
		}
		if _, ok := seen[h.Seq]; ok {
			continue
		}
		if h.Seq != next || h.Epoch != 1 {
			r.t.Errorf("%s has number %d of epoch %d, want %d of 1", typ, h.Seq, h.Epoch, next)
		}
		seen[h.Seq], next = typ+e.ID, h.Seq+1
		// An order that comes again, because who obeyed it died before it was
		// deleted, has the same answer again.
		again := typ == "save_proven" && slices.Contains(out, typ)
		if typ != "heartbeat" && typ != "step_begun" && !again {
			out = append(out, typ)
		}
	}
	// A process that came back waits anew whether the game stays up, while
	// somebody may come in.
	if i := slices.Index(out, "listening"); i < 0 || i > 3 {
		r.t.Errorf("listening is not among the first: %v", out)
	} else {
		out = slices.Delete(out, i, i+1)
	}
	return strings.Join(out, " ")
}

// TestKilledAnywhere: wherever in an evening the agent's process dies and comes
// back, the evening is told once, and the game knows nothing of it.
func TestKilledAnywhere(t *testing.T) {
	steps := 15
	for k := range steps {
		for _, away := range []time.Duration{time.Second, 15 * time.Second} {
			inBubble(t, fmt.Sprintf("after step %d, for %v", k, away), func(t *testing.T, r *rig) {
				r.start()
				for i, do := range evening(r) {
					do()
					if i == k {
						r.die()
						pass(away)
						r.start()
					}
				}
				pass(40 * time.Second)
				if got := r.each(); got != whole {
					t.Errorf("got  %s\nwant %s", got, whole)
				}
				if p := r.proof(); !p.Confirmed || p.Operation != "op-1" {
					t.Errorf("proof %+v", p)
				}
				if n := len(r.game.all()); n != 1 {
					t.Errorf("%d games, want one", n)
				}
				if n := len(r.server(0).kills()); n != 0 {
					t.Errorf("killed %d times", n)
				}
			})
		}
	}
}

// TestDiskStops: wherever a write of the agent's is cut short, the same is true.
func TestDiskStops(t *testing.T) {
	writes := 0
	inBubble(t, "whole", func(t *testing.T, r *rig) {
		r.start()
		for _, do := range evening(r) {
			do()
		}
		if got := r.each(); got != whole {
			t.Fatalf("got  %s\nwant %s", got, whole)
		}
		writes = r.disk.Writes()
	})
	// The first two are those of a lease that nobody was told of; it is waited
	// for then, which is another evening.
	for cut := 3; cut <= writes; cut++ {
		inBubble(t, fmt.Sprintf("at write %d", cut), func(t *testing.T, r *rig) {
			r.deadIf(r.disk.Pulled)
			r.disk.StopAt(cut, func() { r.cancel(agent.ErrKilled) })
			r.start()
			died := false
			for _, do := range evening(r) {
				do()
				if r.disk.Pulled() && !died {
					died = true
					r.die()
					r.disk = r.disk.Clone()
					r.deadIf(nil)
					r.start()
				}
			}
			pass(40 * time.Second)
			if got := r.each(); got != whole {
				t.Errorf("got  %s\nwant %s", got, whole)
			}
			for _, e := range r.of("save_proven") {
				if p := e.Data.(*world.SaveProven); !p.Confirmed || p.Operation != "op-1" {
					t.Errorf("proof %+v", p)
				}
			}
		})
	}
}

// deadIf lets nothing that an agent does reach anybody once it is dead: its
// goroutines take a moment to learn of it.
func (r *rig) deadIf(dead func() bool) {
	r.events.set(func(q *queue) { q.stopIf = dead })
	r.orders.set(func(q *queue) { q.stopIf = dead })
	r.lease.set(func(l *lease) { l.stopIf = dead })
	r.game.set(func(g *gameHost) { g.stopIf = dead })
}

// TestUnsent: what waits for its queue outlives the process.
func TestUnsent(t *testing.T) {
	inBubble(t, "ten minutes", func(t *testing.T, r *rig) {
		s := r.up()
		r.events.set(func(q *queue) { q.away = true })
		for i := range 60 {
			spawn(s, fmt.Sprintf("Viking%d", i), 1000+i)
			pass(10 * time.Second)
			if i%20 == 10 {
				r.die()
				pass(2 * time.Second)
				r.start()
			}
		}
		r.events.set(func(q *queue) { q.away = false })
		pass(15 * time.Second)
		for i, e := range r.want("spawned", 60) {
			if got, want := e.Data.(*world.Spawned).Player.Name, fmt.Sprintf("Viking%d", i); got != want {
				t.Fatalf("event %d: got %s, want %s", i, got, want)
			}
		}
		r.inOrder()
	})
}

// TestRosterIsKept: who is on is known at once.
func TestRosterIsKept(t *testing.T) {
	inBubble(t, "", func(t *testing.T, r *rig) {
		s := r.up()
		knock(s, 1)
		spawn(s, "Astrid", 4242)
		pass(25 * time.Second)
		r.die()
		pass(time.Second)
		r.start()
		before := len(r.of("heartbeat"))
		pass(2 * time.Second)
		beats := r.of("heartbeat")
		if len(beats) != before+1 {
			t.Fatalf("%d heartbeats in two seconds, want one", len(beats)-before)
		}
		if b := beats[before].Data.(*world.Heartbeat); !b.Listening || len(b.Players) != 1 || b.Players[0].Name != "Astrid" {
			t.Errorf("heartbeat %+v, want it open and Astrid in", b)
		}
		r.order(world.OrderStopIfEmpty, "op-1")
		pass(3 * time.Second)
		if got := r.want("order_refused", 1)[0].Data.(*world.OrderRefused); got.Reason != world.OrderOccupied {
			t.Errorf("refused %+v", got)
		}
	})
}

// TestLeaseMeanwhile: what became of the lease while nobody renewed it.
func TestLeaseMeanwhile(t *testing.T) {
	inBubble(t, "another has it: killed at once", func(t *testing.T, r *rig) {
		s := r.up()
		r.die()
		r.lease.steal(t)
		pass(time.Second)
		r.start()
		pass(time.Second)
		if len(s.kills()) != 1 || len(s.stops()) != 0 {
			t.Fatalf("%d kills, %d stops; want one kill", len(s.kills()), len(s.stops()))
		}
		if p := r.proof(); p.Confirmed || p.Why != world.StopLease {
			t.Errorf("proof %+v", p)
		}
		if r.files.synced != 0 || r.files.proof != nil {
			t.Error("wrote to files that are another's")
		}
	})
	inBubble(t, "it ran out and nobody had it: the game goes on", func(t *testing.T, r *rig) {
		s := r.up()
		knock(s, 1)
		spawn(s, "Astrid", 4242)
		pass(time.Second)
		r.die()
		pass(3 * time.Minute)
		r.start()
		pass(30 * time.Second)
		if len(s.kills()) != 0 || len(s.stops()) != 0 {
			t.Fatalf("%d kills, %d stops; want it left alone", len(s.kills()), len(s.stops()))
		}
		ups := r.want("host_up", 2)
		if up := ups[1].Data.(*world.HostUp); up.Epoch != 2 || up.Seq != 1 || !up.Continues {
			t.Errorf("host up %+v, want the first word of epoch 2, which goes on", up)
		}
		beats := r.of("heartbeat")
		if b := beats[len(beats)-1].Data.(*world.Heartbeat); b.Epoch != 2 || len(b.Players) != 1 {
			t.Errorf("heartbeat %+v, want Astrid in", b)
		}
	})
	inBubble(t, "somebody had it in between: killed", func(t *testing.T, r *rig) {
		s := r.up()
		r.die()
		pass(2 * time.Minute)
		h := r.lease.steal(t)
		if err := r.lease.Lease.Release(t.Context(), h); err != nil {
			t.Fatal(err)
		}
		r.start()
		pass(5 * time.Second)
		if len(s.kills()) != 1 || len(s.stops()) != 0 {
			t.Fatalf("%d kills, %d stops; want one kill", len(s.kills()), len(s.stops()))
		}
	})
	inBubble(t, "acquired by a call whose reply was lost: saved, not killed", func(t *testing.T, r *rig) {
		s := r.up()
		r.die()
		pass(2 * time.Minute)
		r.lease.set(func(l *lease) { l.lost = 1 })
		r.start()
		pass(10 * time.Second)
		if len(s.kills()) != 0 || len(s.stops()) != 1 {
			t.Fatalf("%d kills, %d stops; want it saved", len(s.kills()), len(s.stops()))
		}
		if p := r.proof(); !p.Confirmed || p.Why != world.StopLease {
			t.Errorf("proof %+v", p)
		}
	})
	inBubble(t, "it can't be reached: saved in time", func(t *testing.T, r *rig) {
		s := r.up()
		pass(10 * time.Second)
		r.die()
		r.lease.set(func(l *lease) { l.away = true })
		pass(5 * time.Second)
		r.start()
		pass(30 * time.Second)
		if len(s.stops()) != 1 || len(s.kills()) != 0 {
			t.Fatalf("%d stops, %d kills; want it saved", len(s.stops()), len(s.kills()))
		}
		if d := s.stops()[0].Sub(r.lease.until().Add(-world.LeaseDuration)); d > 35*time.Second {
			t.Errorf("stopped %v after the last renewal", d)
		}
	})
}

// TestWhichBoot: whether a process goes on with a boot or begins one.
func TestWhichBoot(t *testing.T) {
	inBubble(t, "down stays down", func(t *testing.T, r *rig) {
		s := r.up()
		r.order(world.OrderStop, "op-1")
		pass(5 * time.Second)
		r.proof()
		r.die()
		pass(time.Second)
		r.start()
		pass(time.Minute)
		if n := len(r.game.all()); n != 1 || len(s.stops()) != 1 {
			t.Errorf("%d games, %d stops", n, len(s.stops()))
		}
		r.order(world.OrderStop, "op-2") // how did it go down?
		pass(3 * time.Second)
		if p := r.want("save_proven", 2)[1].Data.(*world.SaveProven); p.Operation != "op-2" || !p.Confirmed || p.Epoch != 1 {
			t.Errorf("proof %+v", p)
		}
	})
	inBubble(t, "who was asked to end and is started again begins anew", func(t *testing.T, r *rig) {
		r.up()
		r.cancel(nil)
		r.ended(15*time.Second, nil)
		r.start()
		pass(5 * time.Second)
		if n := len(r.game.all()); n != 2 || r.lease.epoch() != 2 {
			t.Errorf("%d games in epoch %d, want a second in epoch 2", n, r.lease.epoch())
		}
	})
	inBubble(t, "another life of the machine begins anew, and waits for no lease", func(t *testing.T, r *rig) {
		s := r.up()
		r.die()
		s.end()
		r.life = "second"
		r.start()
		pass(5 * time.Second)
		if n := len(r.game.all()); n != 2 || r.lease.epoch() != 2 {
			t.Errorf("%d games in epoch %d, want a second in epoch 2", n, r.lease.epoch())
		}
	})
	inBubble(t, "a game that ended meanwhile crashed", func(t *testing.T, r *rig) {
		s := r.up()
		r.die()
		s.log("Caught fatal signal - signo:11")
		s.end()
		pass(time.Second)
		r.start()
		pass(5 * time.Second)
		if got := r.want("crashed", 1)[0].Data.(*world.Crashed); !got.Restarting || got.Detail != "signal 11" {
			t.Errorf("crashed %+v", got)
		}
		if n := len(r.game.all()); n != 2 {
			t.Errorf("%d games, want a second", n)
		}
	})
	inBubble(t, "killed while files are looked at: looked at again", func(t *testing.T, r *rig) {
		r.files.unfit = &world.FilesError{Reason: world.FilesNotMounted, Detail: "no share"}
		r.start()
		pass(10 * time.Second)
		r.die()
		pass(time.Second)
		r.start()
		pass(2 * time.Minute)
		r.want("crashed", 0)
		r.want("cannot_start", 1)
		if n := len(r.game.all()); n != 0 {
			t.Errorf("%d games on files that are not fit", n)
		}
	})
	inBubble(t, "yesterday's game is not read as today's", func(t *testing.T, r *rig) {
		s := r.up()
		knock(s, 1)
		spawn(s, "Astrid", 4242)
		pass(time.Second)
		r.die()
		s.end()
		r.life = "second"
		r.game.set(func(g *gameHost) { g.takes = 20 * time.Second })
		r.start()
		pass(5 * time.Second)
		r.die() // while the next one is made
		pass(time.Second)
		r.start()
		pass(30 * time.Second)
		r.want("spawned", 1)
		r.want("crashed", 0)
		if n := len(r.game.all()); n != 2 {
			t.Errorf("%d games, want a second", n)
		}
	})
	inBubble(t, "a game that ended is not read twice", func(t *testing.T, r *rig) {
		s := r.up()
		knock(s, 1)
		spawn(s, "Astrid", 4242)
		r.game.set(func(g *gameHost) { g.takes = 10 * time.Second })
		s.end()
		pass(2 * time.Second)
		r.want("crashed", 1)
		r.die() // while the next one is made
		pass(time.Second)
		r.start()
		pass(15 * time.Second)
		r.want("spawned", 1)
		r.want("crashed", 1)
		if n := len(r.game.all()); n != 2 {
			t.Errorf("%d games, want a second", n)
		}
		r.inOrder()
	})
	inBubble(t, "a game that is not there any more crashed", func(t *testing.T, r *rig) {
		r.up()
		r.die()
		r.game.mu.Lock()
		r.game.servers = nil
		r.game.mu.Unlock()
		r.start()
		pass(5 * time.Second)
		r.want("crashed", 1)
		if n := len(r.game.all()); n != 1 {
			t.Errorf("%d games, want another", n)
		}
	})
	inBubble(t, "a game that nobody knows of is saved and ended first", func(t *testing.T, r *rig) {
		s := r.up()
		r.die()
		r.disk = &simdisk.Disk{}
		pass(2 * time.Minute)
		r.start()
		pass(5 * time.Second)
		if len(s.stops()) == 0 || len(s.kills()) != 0 || !gone(s) {
			t.Errorf("%d stops, %d kills; want it saved", len(s.stops()), len(s.kills()))
		}
		if n := len(r.game.all()); n != 2 || r.lease.epoch() != 2 {
			t.Errorf("%d games in epoch %d, want a second in epoch 2", n, r.lease.epoch())
		}
	})
	unknown := func(r *rig) *server {
		s := r.up()
		r.game.set(func(*gameHost) {
			s.onStop = func(s *server) { <-time.After(5 * time.Second); quit(s) }
		})
		r.die()
		r.disk = &simdisk.Disk{}
		return s
	}
	saved := func(t *testing.T, s *server) {
		t.Helper()
		if len(s.stops()) == 0 || len(s.kills()) != 0 || !gone(s) {
			t.Errorf("%d stops, %d kills, gone %v; want it saved", len(s.stops()), len(s.kills()), gone(s))
		}
	}
	inBubble(t, "a game that nobody knows of is not left without a lease", func(t *testing.T, r *rig) {
		s := unknown(r)
		r.lease.set(func(l *lease) { l.away = true })
		r.start()
		pass(2 * time.Second)
		if len(s.stops()) != 1 {
			t.Errorf("asked to stop %d times, want once", len(s.stops()))
		}
		pass(10 * time.Second)
		saved(t, s)
	})
	inBubble(t, "a game that nobody knows of is saved when the machine is taken", func(t *testing.T, r *rig) {
		s := unknown(r)
		r.start()
		r.notice("n-1", "Preempt")
		pass(10 * time.Second)
		saved(t, s)
	})
	inBubble(t, "a game that nobody knows of is saved before a stop is through", func(t *testing.T, r *rig) {
		s := unknown(r)
		pass(2 * time.Minute) // the lease is free
		r.start()
		pass(3 * time.Second)
		r.order(world.OrderStop, "op-1")
		pass(time.Second)
		r.want("save_proven", 0)
		pass(15 * time.Second)
		saved(t, s)
		if p := r.proof(); p.Confirmed || p.Untouched {
			t.Errorf("proof %+v, want none of a save that nobody has seen", p)
		}
		if n := len(r.game.all()); n != 1 {
			t.Errorf("%d games, want none beside it", n)
		}
	})
	for _, stops := range []bool{false, true} {
		inBubble(t, fmt.Sprintf("a game that nobody knows of is not taken for its own by the process after, stop %v", stops), func(t *testing.T, r *rig) {
			s := unknown(r)
			pass(2 * time.Minute)
			r.start()
			pass(2 * time.Second)
			if stops {
				r.order(world.OrderStop, "op-1")
			}
			pass(time.Second)
			r.die()
			r.start()
			pass(20 * time.Second)
			saved(t, s)
			r.want("listening", 1) // from before
			if n := len(r.of("save_proven")); (n > 0) != stops {
				t.Errorf("%d proofs, stop %v", n, stops)
			}
		})
	}
	inBubble(t, "a game that nobody knows of outlives the next process, too", func(t *testing.T, r *rig) {
		s := unknown(r)
		pass(2 * time.Minute)
		r.start()
		pass(3 * time.Second)
		r.die()
		pass(time.Second)
		if n := len(s.kills()); n != 0 {
			t.Errorf("killed %d times by a process that died", n)
		}
		pass(10 * time.Second)
	})
	for _, tt := range []struct {
		name    string
		last    func(s *server) // of what it does while no agent lives
		confirm bool
	}{
		{"and crashed", (*server).end, false},
		{"and was asked to end", func(*server) {}, true},
	} {
		inBubble(t, "a game that saved while no agent lived "+tt.name, func(t *testing.T, r *rig) {
			s := r.up()
			knock(s, 1)
			spawn(s, "Astrid", 4242)
			pass(time.Second)
			r.die()
			s.log(saveBegan)
			pass(time.Second)
			s.log(saveEnded)
			tt.last(s)
			r.game.set(func(g *gameHost) { g.findAway = true })
			r.order(world.OrderStop, "op-1")
			r.start()
			pass(2 * time.Second)
			r.game.set(func(g *gameHost) { g.findAway = false })
			pass(15 * time.Second)
			if p := r.proof(); p.Confirmed != tt.confirm {
				t.Errorf("proof %+v, want it confirmed: %v", p, tt.confirm)
			}
		})
	}
	inBubble(t, "an engine that is away is waited for", func(_ *testing.T, r *rig) {
		s := r.up()
		r.die()
		r.game.set(func(g *gameHost) { g.findAway = true })
		pass(time.Second)
		r.start()
		pass(20 * time.Second)
		r.want("crashed", 0)
		r.game.set(func(g *gameHost) { g.findAway = false })
		pass(2 * time.Second)
		knock(s, 1)
		spawn(s, "Astrid", 4242)
		pass(time.Second)
		r.want("spawned", 1)
	})
}

// TestBacklog: what is read late happened when it was written.
func TestBacklog(t *testing.T) {
	inBubble(t, "", func(t *testing.T, r *rig) {
		s := r.up()
		r.die()
		s.log(saveBegan, saveEnded)
		saved := time.Now()
		spawn(s, "Astrid", 4242)
		pass(50 * time.Second)
		r.start()
		pass(3 * time.Second)
		for _, typ := range []string{"saved", "spawned"} {
			if e := r.want(typ, 1)[0]; !e.Time.Equal(saved) {
				t.Errorf("%s at %v, want %v", typ, e.Time, saved)
			}
		}
		beats := r.of("heartbeat")
		if b := beats[len(beats)-1].Data.(*world.Heartbeat); !b.LastSave.Equal(saved) {
			t.Errorf("last save %v, want %v", b.LastSave, saved)
		}
	})
}

// TestFullDisk: the game goes on, and what was lost is counted and told.
func TestFullDisk(t *testing.T) {
	inBubble(t, "", func(t *testing.T, r *rig) {
		s := r.up()
		r.disk.SetLimit(150 << 10)
		r.events.set(func(q *queue) { q.away = true })
		const many = 1500
		for i := range many {
			s.log(fmt.Sprintf("Got character ZDOID from Viking%d : 0:0", i))
			if i%20 == 0 {
				pass(time.Second)
			}
		}
		pass(5 * time.Second)
		r.events.set(func(q *queue) { q.away = false })
		pass(2 * time.Minute)
		var lost int64
		for _, e := range r.of("words_lost") {
			lost += e.Data.(*world.WordsLost).Count
		}
		told := len(r.of("died"))
		beats := len(r.of("heartbeat"))
		if lost == 0 || int64(told)+lost < many || int64(told)+lost > many+10 {
			t.Errorf("%d told and %d lost of %d, with %d heartbeats", told, lost, many, beats)
		}
		if told < 100 {
			t.Errorf("only %d are told", told)
		}
		died := r.of("died")
		if last := died[len(died)-1].Data.(*world.Died); last.Player.Name != fmt.Sprintf("Viking%d", many-1) {
			t.Errorf("the newest that is told is %s", last.Player.Name)
		}
	})
}
