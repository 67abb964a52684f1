package rules_test

import (
	"testing"
	"time"

	"hearth/internal/world"
	"hearth/internal/world/rules"
)

// checks counts the checks under way.
func (g *stage) checks() int {
	n := 0
	for _, d := range g.timers {
		if d.d.Kind == world.TimerCheck && d.d.Number == g.s.CheckNo {
			n++
		}
	}
	return n
}

// TestCheckChain: one check every 30 s from the start until 30 minutes after
// the stop, and none in the sleep, which must cost nothing.
func TestCheckChain(t *testing.T) {
	g := newStage(t)
	g.toOnline()
	g.pass(5 * time.Minute)
	if n := g.checks(); n != 1 {
		t.Fatalf("checks under way while online: got %d, want 1", n)
	}
	check := world.Timer{Kind: world.TimerCheck, Number: g.s.CheckNo}
	g.bot(&check)
	g.bot(&check) // a redelivery
	if n := g.checks(); n != 1 {
		t.Fatalf("checks under way after a redelivery: got %d, want 1", n)
	}
	g.stop()
	g.proves(world.StopOrdered)
	g.untilStatus(time.Minute, world.Stopped)
	g.pass(rules.CheckAfter - time.Minute)
	if n := g.checks(); n != 1 {
		t.Fatalf("checks half an hour after the stop: got %d, want 1", n)
	}
	g.pass(3 * time.Minute)
	if len(g.timers) != 0 {
		t.Fatalf("timers in the sleep: got %d, want none", len(g.timers))
	}
	g.hush()
	g.pass(6 * time.Hour)
	if len(g.asked)+len(g.chats) != 0 {
		t.Errorf("asleep: asked %+v, said %q", g.asked, g.texts())
	}
}

// TestLostTimers: with every look and deadline lost, checks alone bring each
// journey to its end, if later.
func TestLostTimers(t *testing.T) {
	deaf := func(t *testing.T) *stage {
		g := newStage(t)
		g.loses = func(d world.Timer) bool { return d.Kind != world.TimerCheck }
		return g
	}
	t.Run("start and stop", func(t *testing.T) {
		g := deaf(t)
		g.start()
		g.untilStatus(3*time.Minute, world.Booting)
		g.boot()
		g.hear(&world.Listening{})
		g.stop()
		g.proves(world.StopOrdered)
		g.untilStatus(5*time.Minute, world.Stopped)
		g.noMachine()
	})
	t.Run("no machine", func(t *testing.T) {
		g := deaf(t)
		g.places["a"].never = true
		g.start()
		g.pass(rules.MachineWithin + 2*rules.CheckEvery + time.Second)
		has(t, g.s.Why, "did not deliver")
	})
	t.Run("no agent", func(t *testing.T) {
		g := deaf(t)
		g.start()
		g.untilStatus(3*time.Minute, world.Booting)
		g.untilStatus(rules.HostWithin+5*time.Minute, world.Failed)
		g.noMachine()
	})
	t.Run("never listens", func(t *testing.T) {
		g := deaf(t)
		g.start()
		g.untilStatus(3*time.Minute, world.Booting)
		g.boot()
		g.untilStatus(rules.ListenWithin+2*time.Minute, world.Stopping)
	})
	t.Run("no proof", func(t *testing.T) {
		g := deaf(t)
		g.start()
		g.untilStatus(3*time.Minute, world.Booting)
		g.boot()
		g.hear(&world.Listening{})
		g.stop()
		g.pass(rules.SaveWithin + 2*rules.CheckEvery)
		g.tells(world.ChatLine, "not saved yet")
		g.untilStatus(rules.LostAfter+5*time.Minute, world.Stopped)
		g.noMachine()
	})
	t.Run("no capacity", func(t *testing.T) {
		g := deaf(t)
		for _, p := range g.places {
			p.refuses = world.ClassCapacity
		}
		g.start()
		g.until(5*time.Minute, "the pause", func() bool { return !g.s.RetryAt.IsZero() })
		for _, p := range g.places {
			p.refuses = ""
		}
		g.untilStatus(10*time.Minute, world.Booting)
	})
	t.Run("eviction", func(t *testing.T) {
		g := deaf(t)
		g.start()
		g.untilStatus(3*time.Minute, world.Booting)
		g.boot()
		g.hear(&world.Listening{})
		g.notice()
		g.vanish()
		g.until(10*time.Minute, "another machine", func() bool { return g.s.Status == world.Booting && g.machines() == 1 })
	})
}

// TestStaleTimers: a timer of an earlier phase changes nothing.
func TestStaleTimers(t *testing.T) {
	g := newStage(t)
	g.toOnline()
	before := asJSON(t, g.s)
	for _, kind := range []world.TimerKind{world.TimerLook, world.TimerDeadline, world.TimerCheck, "dance"} {
		for n := range g.s.LookNo + g.s.DeadlineNo + g.s.CheckNo {
			if kind == world.TimerCheck && n == g.s.CheckNo || kind == world.TimerLook && n == g.s.LookNo {
				continue
			}
			g.s.Generation = 0
			if effects := g.bot(&world.Timer{Kind: kind, Number: n}); len(effects) != 0 {
				t.Fatalf("%s %d: got %+v, want nothing", kind, n, effects)
			}
		}
	}
	g.s.Generation = 0
	var was world.State
	mustDecode(t, before, &was)
	was.Generation = 0
	if got := asJSON(t, g.s); got != asJSON(t, was) {
		t.Errorf("stale timers changed the state:\n got %s\nwant %s", got, asJSON(t, was))
	}
}

// TestLostCloudAnswer: the worker died between asking and writing the token
// down. The next look begins again.
func TestLostCloudAnswer(t *testing.T) {
	g := newStage(t)
	g.deaf = true
	g.start()
	g.deaf = false
	g.untilStatus(2*time.Minute, world.Booting)
	if len(g.asked) != 2 {
		t.Errorf("requests: got %d, want 2", len(g.asked))
	}
}

// TestStaleReport: an answer to an earlier request changes nothing.
func TestStaleReport(t *testing.T) {
	g := newStage(t)
	g.toOnline()
	before := asJSON(t, g.s)
	for _, phase := range []world.CloudPhase{world.CloudBegun, world.CloudDone, world.CloudFailed, world.CloudProgress} {
		for name, rep := range map[string]world.CloudReport{
			"another round": {Round: g.s.Cloud.Round - 1, Placement: "a"},
			"another place": {Round: g.s.Cloud.Round, Placement: "b"},
		} {
			rep.Phase, rep.Class, rep.Seen = phase, world.ClassQuota, true
			g.s.Generation--
			if effects := g.bot(&rep); len(effects) != 0 {
				t.Errorf("%s, %s: got %+v, want nothing", phase, name, effects)
			}
		}
	}
	g.s.Generation = 0
	var was world.State
	mustDecode(t, before, &was)
	was.Generation = 0
	if got := asJSON(t, g.s); got != asJSON(t, was) {
		t.Errorf("stale reports changed the state:\n got %s\nwant %s", got, asJSON(t, was))
	}
}

// TestCalledOffFailure: what fails after the /stop of a start is no failure to
// delete.
func TestCalledOffFailure(t *testing.T) {
	g := newStage(t)
	g.start()
	g.stop()
	g.places["a"].until = time.Time{}
	do := g.asked[0]
	g.bot(&world.CloudReport{Operation: do.Operation, Round: do.Round, Placement: "a", Phase: world.CloudFailed, Class: world.ClassQuota, Code: "QuotaExceeded"})
	g.tellsNot("will not be deleted")
	g.untilStatus(2*time.Minute, world.Stopped)
}

// TestDeletionRefused: the keeper is told at once of what only they can mend,
// and of transient failures when there are many.
func TestDeletionRefused(t *testing.T) {
	for class, want := range map[world.CloudClass]int{world.ClassConfig: 1, world.ClassTransient: 0, world.ClassBusy: 0} {
		t.Run(string(class), func(t *testing.T) {
			g := newStage(t)
			g.toStopping()
			g.proves(world.StopOrdered)
			do := g.asked[0]
			fail := func() {
				g.bot(&world.CloudReport{Operation: g.s.Op.ID, Round: g.s.Cloud.Round, Placement: do.Placement, Phase: world.CloudFailed, Class: class, Code: "AuthorizationFailed"})
			}
			g.places["a"].until = time.Time{}
			fail()
			fail() // a redelivery
			if n := g.told(world.ChatKeeper, "will not be deleted (AuthorizationFailed)"); n != want {
				t.Errorf("the keeper was told %d times, want %d", n, want)
			}
			g.untilStatus(2*time.Minute, world.Stopped)
			g.noMachine()
		})
	}
}

// TestUnwantedMachine: somebody started one by hand, or a deletion came to
// nothing.
func TestUnwantedMachine(t *testing.T) {
	appear := func(g *stage, where string) { g.places[where].vm, g.places[where].capacity = "vm-by-hand", 1 }
	t.Run("within half an hour", func(t *testing.T) {
		g := newStage(t)
		g.toStopping()
		g.proves(world.StopOrdered)
		g.untilStatus(time.Minute, world.Stopped)
		g.hush()
		appear(g, "a")
		g.pass(rules.CheckEvery + time.Second)
		g.tells(world.ChatKeeper, "has a machine that nobody wants (`vm-by-hand`). I delete it")
		g.untilStatus(2*time.Minute, world.Stopped)
		g.noMachine()
	})
	for name, where := range map[string]string{"seen by reconcile": "a", "seen by reconcile elsewhere": "b"} {
		t.Run(name, func(t *testing.T) {
			g := newStage(t)
			g.toStopping()
			g.proves(world.StopOrdered)
			g.untilStatus(time.Minute, world.Stopped)
			g.pass(2 * time.Hour)
			g.hush()
			appear(g, where)
			g.bot(&world.Sweep{Placement: where, Instances: []world.Instance{{ID: "vm-by-hand"}}})
			g.tells(world.ChatKeeper, "has a machine that nobody wants")
			g.untilStatus(2*time.Minute, world.Stopped)
			g.noMachine()
			g.tellsNot("could prove the save")
		})
	}
	t.Run("of a world that was never lit", func(t *testing.T) {
		g := newStage(t)
		appear(g, "a")
		g.bot(&world.Sweep{Placement: "a", Instances: []world.Instance{{ID: "vm-by-hand"}}})
		g.untilStatus(2*time.Minute, world.Stopped)
		g.noMachine()
		g.tellsNot("could prove the save")
	})
	t.Run("of a world that failed", func(t *testing.T) {
		g := newStage(t)
		g.places["a"].refuses = world.ClassQuota
		g.start()
		g.untilStatus(time.Minute, world.Failed)
		g.hush()
		appear(g, "a")
		g.pass(rules.CheckEvery + time.Second)
		g.untilStatus(2*time.Minute, world.Stopped)
		g.tellsNot("may not rent") // it was told
	})
	t.Run("that speaks", func(t *testing.T) {
		g := newStage(t)
		g.toStopping()
		g.proves(world.StopOrdered)
		g.untilStatus(time.Minute, world.Stopped)
		g.hush()
		appear(g, "a")
		g.boot()
		g.status(world.Stopping)
		g.tells(world.ChatKeeper, "nobody wants")
		if o := g.lastOrder(); o.Kind != world.OrderStop || o.Epoch != 2 {
			t.Errorf("order: got %+v, want a stop of boot 2", o)
		}
		g.proves(world.StopOrdered)
		g.untilStatus(2*time.Minute, world.Stopped)
		g.noMachine()
	})
}

// TestUnwantedMachineElsewhere: it speaks before anybody has seen it, and is not
// where the last one was; the row may even know of no place at all.
func TestUnwantedMachineElsewhere(t *testing.T) {
	for name, lit := range map[string]bool{"of a world that was lit at a": true, "of a world that was never lit": false} {
		t.Run(name, func(t *testing.T) {
			g := newStage(t)
			if lit {
				g.toStopping()
				g.proves(world.StopOrdered)
				g.untilStatus(time.Minute, world.Stopped)
			}
			g.hush()
			g.places["b"].vm, g.places["b"].capacity = "b_0a1b2c3d", 1
			g.epoch++
			g.seq = 0
			g.hear(&world.HostUp{Machine: world.Machine{Name: "b_0a1b2c3d"}})
			g.status(world.Stopping)
			g.tells(world.ChatKeeper, "nobody wants")
			g.hear(&world.SaveProven{Untouched: true, Confirmed: true, Why: world.StopOrdered})
			g.tellsNot("The machine is gone and nothing costs money")
			g.untilStatus(2*time.Minute, world.Stopped)
			g.tells(world.ChatLine, "The machine is gone and nothing costs money")
			g.noMachine()
		})
	}
}

func TestSweepWhileAwake(t *testing.T) {
	g := newStage(t)
	g.toOnline()
	before := len(g.chats)
	g.bot(&world.Sweep{Placement: "a", Instances: []world.Instance{{ID: g.vm()}}})
	g.bot(&world.Sweep{Placement: "b"})
	if len(g.chats) != before {
		t.Errorf("said %q of what is as it should be", g.texts())
	}
	g.bot(&world.Sweep{Placement: "b", Instances: []world.Instance{{ID: "vm-by-hand"}}})
	g.tells(world.ChatKeeper, "has a second machine at `b` (`vm-by-hand`)")
	g.status(world.Online)
	if len(g.asked) != 0 {
		t.Errorf("asked %+v: nothing is deleted under a running world", g.asked)
	}
	// The chain of checks is lost, and no agent speaks: the sweep begins it
	// again.
	g.timers, g.beating = nil, false
	g.pass(time.Hour)
	if n := g.checks(); n != 0 {
		t.Fatalf("checks: got %d, want 0", n)
	}
	g.bot(&world.Sweep{Placement: "a", Instances: []world.Instance{{ID: g.vm()}}})
	if n := g.checks(); n != 1 {
		t.Errorf("checks after the sweep: got %d, want 1", n)
	}
}

// TestStrayGoes: a second machine, told of while the world was awake, goes as soon
// as it is out, and not with the sweep six hours later.
func TestStrayGoes(t *testing.T) {
	sweep := func(g *stage, place string) {
		g.places[place].vm, g.places[place].capacity = "vm-"+place, 1
		g.bot(&world.Sweep{Placement: place, Capacity: 1, Instances: []world.Instance{{ID: "vm-" + place}}})
	}
	t.Run("beside a world that burns", func(t *testing.T) {
		g := newStage(t)
		g.toOnline()
		sweep(g, "b")
		g.stop()
		g.proves(world.StopOrdered)
		g.pass(5 * time.Minute)
		g.status(world.Stopped)
		g.noMachine()
		g.tells(world.ChatKeeper, "has a machine that nobody wants (`vm-b`)")
	})
	t.Run("beside another stray", func(t *testing.T) {
		g := newStage(t)
		g.toStopping()
		g.proves(world.StopOrdered)
		g.untilStatus(time.Minute, world.Stopped)
		g.pass(2 * time.Hour)
		sweep(g, "a")
		sweep(g, "b")
		g.pass(5 * time.Minute)
		g.status(world.Stopped)
		g.noMachine()
	})
	t.Run("and is used", func(t *testing.T) {
		g := newStage(t)
		g.toOnline()
		sweep(g, "b")
		g.stop()
		g.proves(world.StopOrdered)
		g.untilStatus(time.Minute, world.Stopped)
		g.s.Blocked = map[string]time.Time{"a": g.now.Add(time.Hour)}
		g.start()
		g.comesUp("b")
		g.pass(5 * time.Minute)
		g.status(world.Online)
		g.stop()
		g.proves(world.StopOrdered)
		g.pass(5 * time.Minute)
		g.status(world.Stopped)
		g.noMachine()
	})
}

// TestSweepOfYesterday: reconcile saw a machine that was about to go, and its word
// comes when it is gone.
func TestSweepOfYesterday(t *testing.T) {
	g := newStage(t)
	g.toStopping()
	seen := g.now
	g.proves(world.StopOrdered)
	g.untilStatus(time.Minute, world.Stopped)
	g.hush()
	g.send(world.Event{Source: world.SourceBot, Time: seen, Data: &world.Sweep{Placement: "a", Capacity: 1, Instances: []world.Instance{{ID: "vm-a-1"}}}})
	g.pass(time.Minute)
	g.status(world.Stopped)
	if len(g.chats) != 0 {
		t.Errorf("said %q of a machine that is gone", g.texts())
	}
}

func TestCarded(t *testing.T) {
	g := newStage(t)
	g.toOnline()
	ref := world.MessageRef{Channel: "1", ID: "new"}
	g.bot(&world.Carded{Operation: "another", Ref: ref})
	g.bot(&world.Carded{Operation: g.s.Session.ID})
	if g.s.Card == nil || g.s.Card.ID != "card" {
		t.Errorf("card: got %+v, want the first", g.s.Card)
	}
	g.bot(&world.Carded{Operation: g.s.Session.ID, Ref: ref, Again: true})
	if *g.s.Card != ref || !g.s.Recarded {
		t.Errorf("card: got %+v, %v, want the second", g.s.Card, g.s.Recarded)
	}
}

// TestUnsaid: what could not be said is counted in the next line.
func TestUnsaid(t *testing.T) {
	g := newStage(t)
	g.toOnline()
	g.s.Unsaid = 3
	g.hear(&world.Died{Player: world.Player{Name: "Bo"}})
	g.tells(world.ChatLine, "**Bo** died.\n-# 3 messages before this could not be posted in time.")
	g.hear(&world.Died{Player: world.Player{Name: "Cid"}})
	g.s.Unsaid = 1
	g.hear(&world.Died{Player: world.Player{Name: "Dag"}})
	g.tells(world.ChatLine, "**Dag** died.\n-# One message before this could not be posted in time.")
	if n := g.told(world.ChatLine, "could not be posted"); n != 2 {
		t.Errorf("told %d times, want twice", n)
	}
}

// TestBeginningIsWaitedFor: while the effect that begins an operation waits for
// a worker, a look that finds nothing begins no second one; once it is done and
// no token came of it, a look does.
func TestBeginningIsWaitedFor(t *testing.T) {
	g := newStage(t)
	g.deaf = true
	g.start()
	asked := len(g.asked)
	g.s.Pending = []world.Pending{{ID: "1.1", Effect: world.Effect{Cloud: &g.asked[0]}, Claim: "of a worker that died"}}
	look := func() {
		g.bot(&world.CloudReport{Operation: g.s.Op.ID, Round: g.s.Cloud.Round, Placement: "a", Phase: world.CloudProgress, Seen: true})
	}
	look()
	if len(g.asked) != asked {
		t.Errorf("asked for %+v while the first is under way", g.asked[asked:])
	}
	g.s.Pending = nil
	look()
	if len(g.asked) != asked+1 {
		t.Errorf("asked %d times after the first was lost; want %d", len(g.asked), asked+1)
	}
}

// TestLostChecks: a chain of checks whose message was lost is begun anew by the
// next thing that happens, and not before its time.
func TestLostChecks(t *testing.T) {
	g := newStage(t)
	g.toOnline()
	g.timers = nil
	g.pass(rules.CheckLost)
	if n := g.checks(); n != 0 {
		t.Fatalf("checks before the last one is long overdue: got %d, want 0", n)
	}
	g.pass(time.Minute) // heartbeats come
	if n := g.checks(); n != 1 {
		t.Errorf("checks: got %d, want 1", n)
	}
	g.timers = nil
	g.s.Status = world.Stopped
	g.pass(time.Hour)
	if n := g.checks(); n != 0 {
		t.Errorf("checks of a world that sleeps: got %d, want 0", n)
	}
}

// TestCalledOffUnheard: a start is called off, and its machine comes up while
// nobody listens. It is not deleted before its agent had the time to speak; and
// nothing new is rented for it.
func TestCalledOffUnheard(t *testing.T) {
	t.Run("the machine came up", func(t *testing.T) {
		g := newStage(t)
		g.start()
		g.stop()
		g.now = g.now.Add(5 * time.Minute)
		g.pass(time.Second)
		if len(g.asked) != 1 || g.vm() == "" {
			t.Fatalf("asked for %+v; want the machine left alone", g.asked)
		}
		g.boot()
		g.proves(world.StopOrdered)
		g.untilStatus(3*time.Minute, world.Stopped)
		g.noMachine()
	})
	t.Run("no machine is wanted", func(t *testing.T) {
		g := newStage(t)
		for _, p := range g.places {
			p.refuses = world.ClassCapacity
		}
		g.start()
		g.pass(time.Second)
		for _, p := range g.places {
			p.refuses = ""
		}
		g.now = g.now.Add(90 * time.Second)
		g.hush()
		g.stop()
		g.untilStatus(2*time.Minute, world.Stopped)
		for _, do := range g.asked {
			if do.Capacity == 1 {
				t.Errorf("asked for %+v after the stop", do)
			}
		}
	})
}

// TestSavedIsNotWaitedFor: the worker that began a start died before it could
// write that down, and the machine spoke, was played on, saved and proved it all
// the same. When the fire is put out nothing is unheard on it.
func TestSavedIsNotWaitedFor(t *testing.T) {
	g := newStage(t)
	g.toOnline()
	g.s.Cloud.Acting, g.s.Cloud.Toward, g.s.Cloud.Token, g.s.Cloud.Settled = true, 1, "", false
	g.s.ListensSince = g.now
	g.stop()
	g.proves(world.StopOrdered)
	g.untilStatus(rules.AgentWithin-time.Second, world.Stopped)
	g.tellsNot("No game had begun")
	g.noMachine()
}

// TestDeaf: what was silent while no event was handled is not taken for silent
// when events come again. The machine is not deleted; its agent's word may lie
// in the queue behind the timer that came first.
func TestDeaf(t *testing.T) {
	t.Run("online", func(t *testing.T) {
		g := newStage(t)
		g.toOnline()
		g.players = []world.Player{{Owner: "1", Name: "Astrid"}}
		g.pass(time.Minute)
		g.now = g.now.Add(rules.LostAfter + 5*time.Minute) // nothing is handled, nothing is lost
		g.beating = false
		g.pass(time.Second) // the check comes first
		g.status(world.Online)
		g.beat, g.beating = g.now, true
		g.pass(5 * time.Minute)
		g.status(world.Online)
		g.tellsNot("silent")
	})
	t.Run("booting after an earlier evening, and called off", func(t *testing.T) {
		g := newStage(t)
		g.toOnline()
		g.notice()
		g.proves(world.StopNotice)
		g.vanish()
		g.untilStatus(5*time.Minute, world.Booting)
		g.stop()
		g.now = g.now.Add(rules.AgentWithin + 5*time.Minute)
		g.pass(time.Second)
		g.status(world.Stopping)
		g.tellsNot("No game had begun")
		g.boot()
		g.proves(world.StopOrdered)
		g.untilStatus(3*time.Minute, world.Stopped)
	})
}

// TestLateNowAndThen: a check that is late time and again, as its worker died over
// it, must not keep a machine that is silent. Only the time in which nobody
// listened does not count.
func TestLateNowAndThen(t *testing.T) {
	g := newStage(t)
	g.toOnline()
	g.players = []world.Player{{Owner: "1", Name: "Astrid"}}
	g.pass(time.Minute)
	g.beating = false
	silent, late := g.now, time.Duration(0)
	for g.s.Status == world.Online && g.now.Sub(silent) < time.Hour {
		g.pass(4 * time.Minute)
		g.now = g.now.Add(45 * time.Second) // nothing is handled
		late += 45 * time.Second
		g.pass(time.Second)
	}
	if took := g.now.Sub(silent) - late; took > rules.LostAfter+2*rules.AgentWithin+4*time.Minute {
		t.Errorf("given up after %v in which somebody listened, want %v and little more", took, rules.LostAfter)
	}
	g.tells(world.ChatLine, "stayed silent for ten minutes and is deleted now")
}

// TestSilentThroughAStop: a machine that is silent is not given ten minutes more
// because somebody wants it stopped meanwhile.
func TestSilentThroughAStop(t *testing.T) {
	g := newStage(t)
	g.toOnline()
	g.join("1", "Astrid")
	g.beating = false
	silent := g.now
	g.pass(8 * time.Minute)
	g.tells(world.ChatLine, "has not spoken")
	g.button(world.CmdStopNow, true)
	g.status(world.Stopping)
	g.until(rules.LostAfter, "the machine being given up", func() bool { return g.s.Cloud.Want == 0 })
	if took := g.now.Sub(silent); took > rules.LostAfter+rules.CheckEvery+5*time.Second {
		t.Errorf("given up after %v of silence, want %v", took, rules.LostAfter)
	}
	g.tells(world.ChatLine, "stayed silent for ten minutes and is deleted now")
	g.untilStatus(3*time.Minute, world.Stopped)
	g.noMachine()
}
