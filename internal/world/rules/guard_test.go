package rules_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"hearth/internal/world"
	"hearth/internal/world/rules"
	"hearth/internal/world/worldtest"
)

// slack is what a check may be late.
const slack = rules.CheckEvery + time.Second

// press presses the newest button with this label, as Discord would.
func (g *stage) press(label string, by world.Person, keeper bool) string {
	g.t.Helper()
	return g.pressAt(g.find(label), by, keeper)
}

func (g *stage) pressAt(a world.Action, by world.Person, keeper bool) string {
	g.t.Helper()
	return g.say(cmd{name: a.Command, by: by, keeper: keeper, operation: a.Operation})
}

func (g *stage) find(label string) world.Action {
	g.t.Helper()
	for _, c := range slices.Backward(g.chats) {
		for _, b := range c.Say.Buttons {
			if strings.HasPrefix(b.Label, label) {
				a, err := world.ParseAction(b.Action)
				if err != nil {
					g.t.Fatalf("button %s: %v", b.Action, err)
				}
				return a
			}
		}
	}
	g.t.Fatalf("no button %q; said %q", label, g.texts())
	return world.Action{}
}

// left has somebody come in and leave again.
func left(t testing.TB) *stage {
	g := newStage(t)
	g.toOnline()
	g.join("1", "Bo")
	g.leave("1")
	g.hush()
	return g
}

func warned(t testing.TB) *stage {
	g := left(t)
	g.pass(g.c.Idle() + slack)
	g.tells(world.ChatLine, "Nobody has been in **Midgard** for 10 min. If it stays like that it is saved and goes out <t:")
	g.status(world.Online)
	return g
}

const (
	idleWarning  = "If it stays like that it is saved and goes out"
	neverWarning = "has been ready for"
)

func TestIdle(t *testing.T) {
	t.Run("warning, then stop", func(t *testing.T) {
		g := left(t)
		g.pass(g.c.Idle() - time.Second)
		g.tellsNot(idleWarning)
		g.pass(slack)
		g.tells(world.ChatLine, idleWarning)
		g.pass(rules.IdleGrace - slack)
		g.status(world.Online)
		if len(g.orders) != 0 {
			t.Fatalf("orders before the grace is over: %+v", g.orders)
		}
		g.pass(2 * slack)
		g.status(world.Stopping)
		g.tells(world.ChatLine, idleWarning) // once
		g.tells(world.ChatLine, "Nobody has been in **Midgard** for 15 min. Saving it and letting the fire go out")
		if o := g.lastOrder(); o.Kind != world.OrderStopIfEmpty {
			t.Errorf("order: got %s, want stop_if_empty", o.Kind)
		}
		g.proves(world.StopOrdered)
		g.untilStatus(2*time.Minute, world.Stopped)
	})
	t.Run("little patience, little grace", func(t *testing.T) {
		g := left(t)
		g.c.IdleMinutes = 1
		g.pass(time.Minute + slack)
		g.tells(world.ChatLine, idleWarning)
		g.pass(30*time.Second + slack)
		g.status(world.Stopping)
	})
	t.Run("nobody ever came", func(t *testing.T) {
		g := newStage(t)
		g.toOnline()
		g.pass(g.c.NeverJoined() - time.Second)
		g.tellsNot("nobody has come in")
		g.pass(slack)
		g.tells(world.ChatLine, "**Midgard** has been ready for 30 min, and nobody has come in. If it stays like that it is saved and goes out")
		g.pass(rules.IdleGrace + slack)
		g.status(world.Stopping)
		g.tells(world.ChatLine, "Nobody has come into **Midgard** in 35 min. Saving it")
		if o := g.lastOrder(); o.Kind != world.OrderStopIfEmpty {
			t.Errorf("order: got %s, want stop_if_empty", o.Kind)
		}
	})
	t.Run("somebody connects and never comes in", func(t *testing.T) {
		g := newStage(t)
		g.toOnline()
		g.pass(29 * time.Minute)
		g.hear(&world.Connected{})
		g.hear(&world.Disconnected{})
		g.pass(29 * time.Minute)
		g.tellsNot(neverWarning)
		g.pass(time.Minute + slack)
		g.tells(world.ChatLine, neverWarning)
	})
	t.Run("of the next session, again", func(t *testing.T) {
		g := left(t)
		g.stop()
		g.proves(world.StopOrdered)
		g.untilStatus(2*time.Minute, world.Stopped)
		g.toOnline()
		g.pass(g.c.Idle() + slack)
		g.tellsNot("Nobody has been in")
		g.pass(g.c.NeverJoined() - g.c.Idle())
		g.tells(world.ChatLine, neverWarning)
	})
	t.Run("counts from the last one", func(t *testing.T) {
		g := newStage(t)
		g.toOnline()
		g.pass(8 * time.Minute)
		g.join("1", "Bo")
		g.pass(30 * time.Minute)
		g.status(world.Online)
		g.leave("1")
		g.pass(9 * time.Minute)
		g.tellsNot(idleWarning)
		g.pass(2 * time.Minute)
		g.tells(world.ChatLine, idleWarning)
	})
	t.Run("somebody is connecting", func(t *testing.T) {
		g := newStage(t)
		g.toOnline()
		for range 10 {
			g.pass(5 * time.Minute)
			g.beating = false // the next beat would know of nobody
			g.hear(&world.Heartbeat{GameUp: true, Listening: true, Connecting: 1})
		}
		g.status(world.Online)
		g.tellsNot(idleWarning)
	})
	t.Run("and somebody was on after all", func(t *testing.T) {
		g := warned(t)
		g.pass(rules.IdleGrace)
		g.status(world.Stopping)
		bo := []world.Player{{Owner: "1", Name: "Bo"}}
		g.players = bo
		g.hear(&world.OrderRefused{Operation: g.s.Op.ID, Kind: world.OrderStopIfEmpty, Reason: world.OrderOccupied, Players: bo})
		g.pass(30 * time.Minute)
		g.status(world.Online)
	})
	t.Run("and somebody was just connecting", func(t *testing.T) {
		g := warned(t)
		g.pass(rules.IdleGrace)
		g.hush()
		g.hear(&world.OrderRefused{Operation: g.s.Op.ID, Kind: world.OrderStopIfEmpty, Reason: world.OrderOccupied})
		g.status(world.Online)
		g.pass(g.c.Idle() - slack) // the heartbeat says that nobody is on any more
		g.tellsNot(idleWarning)
		g.pass(2 * slack)
		g.tells(world.ChatLine, idleWarning)
	})
}

// TestIdleWarningIsVoid: whatever happens after the warning, the stop that it
// announced does not come.
func TestIdleWarningIsVoid(t *testing.T) {
	for name, happens := range map[string]func(*stage){
		"somebody joins":    func(g *stage) { g.join("2", "Cid") },
		"and leaves":        func(g *stage) { g.join("2", "Cid"); g.leave("2") },
		"somebody connects": func(g *stage) { g.hear(&world.Connected{}); g.beating = false },
		"a crash": func(g *stage) {
			g.hear(&world.Crashed{Restarting: true})
			g.hear(&world.Listening{})
		},
		"a move": func(g *stage) {
			g.notice()
			g.proves(world.StopNotice)
			g.vanish()
			g.untilStatus(3*time.Minute, world.Booting)
			g.boot()
			g.hear(&world.Listening{})
		},
		"silence": func(g *stage) {
			g.beating = false
			g.pass(rules.SaveWithin + slack)
			g.beating = true
			g.heartbeat()
		},
	} {
		t.Run(name, func(t *testing.T) {
			g := warned(t)
			keep, stop := g.find("Keep awake"), g.find("Stop now")
			happens(g)
			g.hush()
			at := g.now
			if name != "somebody connects" { // of whom nothing is heard from then on
				g.pass(rules.IdleGrace + slack)
			}
			g.status(world.Online)
			g.tellsNot("letting the fire go out")
			for _, a := range []world.Action{keep, stop} {
				answer := g.pressAt(a, by("1002", "Eve"), false)
				if !strings.Contains(answer, "That button is from earlier. Now: Midgard is burning") && !strings.Contains(answer, "so it burns on") {
					t.Errorf("button %s: answered %q", a.Command, answer)
				}
			}
			g.status(world.Online)
			if g.s.WhenEmpty != nil || g.s.Idle.Awake.After(at) {
				t.Errorf("a button of a void warning counted: %+v, %+v", g.s.WhenEmpty, g.s.Idle)
			}
		})
	}
}

func TestKeepAwake(t *testing.T) {
	bo := by("1002", "Bo")
	t.Run("half an hour more", func(t *testing.T) {
		g := warned(t)
		g.pass(2 * time.Minute)
		has(t, g.press("Keep awake", bo, false), "Bo keeps **Midgard** awake until <t:")
		until := g.now.Add(rules.AwakeFor)
		if got := g.s.Idle.Awake; !got.Equal(until) {
			t.Fatalf("awake until %s, want %s", got, until)
		}
		first := g.find("Keep awake")
		has(t, g.press("Keep awake", by("1003", "Cid"), false), "Cid keeps **Midgard** awake until") // both at once
		if got := g.s.Idle.Awake; !got.Equal(until) {
			t.Fatalf("pressed twice: awake until %s, want %s", got, until)
		}
		g.hush()
		g.pass(until.Sub(g.now) - rules.IdleGrace - time.Second)
		g.tellsNot(idleWarning)
		g.pass(slack)
		g.tells(world.ChatLine, "Nobody has been in **Midgard** for 38 min. "+idleWarning)
		has(t, g.pressAt(first, bo, false), "That button is from earlier")
		g.pass(until.Sub(g.now) - time.Second)
		g.status(world.Online)
		g.pass(2 * slack)
		g.status(world.Stopping)
		if o := g.lastOrder(); o.Kind != world.OrderStopIfEmpty {
			t.Errorf("order: got %s, want stop_if_empty", o.Kind)
		}
	})
	t.Run("again and again, to the end of the session", func(t *testing.T) {
		g := warned(t)
		for g.s.Status == world.Online {
			if g.s.IdleWarned() {
				g.press("Keep awake", bo, false)
			}
			g.pass(time.Minute)
			g.hear(&world.Saved{})
		}
		g.tells(world.ChatLine, "This session of **Midgard** has lasted 24 h")
	})
	t.Run("a stop that was asked for later wins", func(t *testing.T) {
		g := warned(t)
		a := g.find("Keep awake")
		asked := g.now
		g.now = g.now.Add(time.Second)
		g.press("Stop now", by("1003", "Cid"), false)
		g.status(world.Stopping)
		has(t, g.say(cmd{name: a.Command, by: bo, operation: a.Operation, at: asked}), "Somebody has said something newer")
		g.status(world.Stopping)
	})
	t.Run("out already", func(t *testing.T) {
		g := warned(t)
		a := g.find("Keep awake")
		g.pass(rules.IdleGrace + slack)
		g.proves(world.StopOrdered)
		g.untilStatus(2*time.Minute, world.Stopped)
		has(t, g.pressAt(a, bo, false), "That button is from earlier. Now: Midgard is out")
		g.noMachine()
	})
	t.Run("of the session before", func(t *testing.T) {
		g := warned(t)
		a := g.find("Keep awake")
		g.pass(rules.IdleGrace + slack)
		g.proves(world.StopOrdered)
		g.untilStatus(2*time.Minute, world.Stopped)
		g.toOnline()
		has(t, g.pressAt(a, bo, false), "That button is from earlier. Now: Midgard is burning")
		if !g.s.Idle.Awake.IsZero() {
			t.Errorf("awake until %s", g.s.Idle.Awake)
		}
	})
}

func TestStopNow(t *testing.T) {
	g := warned(t)
	has(t, g.press("Stop now", by("1002", "Bo"), false), "Bo puts the fire out. Saving **Midgard** first")
	g.status(world.Stopping)
	if o := g.lastOrder(); o.Kind != world.OrderStopIfEmpty {
		t.Errorf("order: got %s, want stop_if_empty", o.Kind)
	}
	g.proves(world.StopOrdered)
	g.untilStatus(2*time.Minute, world.Stopped)
	g.noMachine()
}

// TestIdleAfterDeafness: nobody handled an event for a while. What was pressed
// meanwhile comes first.
func TestIdleAfterDeafness(t *testing.T) {
	g := warned(t)
	a := g.find("Keep awake")
	g.now = g.now.Add(10 * time.Minute)
	timers := g.timers
	g.timers = nil
	for _, d := range timers { // the check, before all else that waits
		g.bot(d.d)
	}
	g.heartbeat()
	g.status(world.Online)
	has(t, g.pressAt(a, by("1002", "Bo"), false), "keeps **Midgard** awake")
	g.pass(10 * time.Minute)
	g.status(world.Online)
}

// TestLateForever: a queue that is late all the time looks like one that has
// just come back. It puts things off, and keeps no machine.
func TestLateForever(t *testing.T) {
	const late = 20 * time.Second
	t.Run("idle", func(t *testing.T) {
		g := left(t)
		g.late = late
		g.pass(g.c.Idle() + 2*rules.IdleGrace + rules.PutOffMost + 2*(slack+g.late))
		g.status(world.Stopping)
	})
	t.Run("a session's end", func(t *testing.T) {
		g := evening(t)
		g.toOnline()
		g.join("1", "Bo")
		g.late = late
		g.pass(2*time.Hour + rules.PutOffMost + slack + g.late)
		g.status(world.Stopping)
	})
	t.Run("a save that never comes", func(t *testing.T) {
		g := left(t)
		g.late, g.beating = late, false
		g.say(cmd{name: world.CmdStop, by: by("1002", "Bo")})
		g.status(world.Stopping)
		g.pass(rules.DeafMost + rules.LostAfter)
		g.status(world.Stopped)
	})
	t.Run("a machine without an agent", func(t *testing.T) {
		g := newStage(t)
		g.late = late
		g.say(cmd{name: world.CmdStart, by: by("1002", "Bo")})
		g.pass(rules.DeafMost + rules.MachineWithin + rules.DeleteWithin)
		g.status(world.Failed)
	})
}

// TestLongDownload: a first boot fetches for three quarters of an hour. Neither
// the start's time nor idleness counts in it.
func TestLongDownload(t *testing.T) {
	g := newStage(t)
	g.toLoading()
	g.hear(&world.StepBegun{Step: world.StepUpdate})
	g.pass(45 * time.Minute)
	g.status(world.Loading)
	g.hear(&world.StepBegun{Step: world.StepLoad})
	g.pass(5 * time.Minute)
	g.hear(&world.Listening{})
	g.status(world.Online)
	g.tellsNot(neverWarning)
	g.pass(g.c.NeverJoined() - time.Second)
	g.tellsNot(neverWarning)
	g.pass(slack)
	g.tells(world.ChatLine, "has been ready for 30 min")
}

const (
	endsWarning = "A session of **Midgard** lasts 2 h at most. It is saved and goes out <t:"
	sessionOver = "This session of **Midgard** has lasted 2 h, which is the most. Saving it"
)

func evening(t testing.TB) *stage {
	g := newStage(t)
	g.c.SessionHours = 2
	return g
}

func TestSessionEnds(t *testing.T) {
	t.Run("with players on", func(t *testing.T) {
		g := evening(t)
		g.toOnline()
		g.join("1", "Bo")
		ends := g.s.Session.Began.Add(2 * time.Hour)
		for _, tc := range []struct {
			before time.Duration
			told   int
		}{{rules.EndsSoon, 1}, {rules.EndsNow, 2}} {
			g.pass(ends.Add(-tc.before).Sub(g.now) - time.Second)
			if n := g.told(world.ChatLine, endsWarning); n != tc.told-1 {
				t.Fatalf("warned %d times a second too early, want %d", n, tc.told-1)
			}
			g.pass(slack)
			if n := g.told(world.ChatLine, endsWarning); n != tc.told {
				t.Fatalf("warned %d times %s before, want %d", n, tc.before, tc.told)
			}
		}
		g.pass(ends.Sub(g.now) - time.Second)
		g.status(world.Online)
		g.pass(slack)
		g.status(world.Stopping)
		g.tells(world.ChatLine, sessionOver)
		if o := g.lastOrder(); o.Kind != world.OrderStop {
			t.Errorf("order: got %s, want stop", o.Kind)
		}
		if g.machines() != 1 {
			t.Fatal("the machine is gone before the save was proven")
		}
		g.proves(world.StopOrdered)
		g.untilStatus(2*time.Minute, world.Stopped)
		g.noMachine()
		g.start() // a new session, a new time
		g.status(world.Starting)
	})
	t.Run("a short one is warned of from its begin", func(t *testing.T) {
		g := evening(t)
		g.c.SessionHours = 0.25
		g.toOnline()
		g.join("1", "Bo")
		g.pass(20 * time.Minute)
		g.tells(world.ChatLine, "A session of **Midgard** lasts 15 min at most") // the first was told before it was online
		g.status(world.Stopping)
	})
	t.Run("with a stop that is refused", func(t *testing.T) {
		g := evening(t)
		g.toOnline()
		g.join("1", "Bo")
		g.pass(119*time.Minute - g.now.Sub(g.s.Session.Began))
		g.leave("1")
		g.stop() // if it is empty
		bo := []world.Player{{Owner: "1", Name: "Bo"}}
		g.players = bo
		g.pass(2 * time.Minute)
		g.hear(&world.OrderRefused{Operation: g.s.Op.ID, Kind: world.OrderStopIfEmpty, Reason: world.OrderOccupied, Players: bo})
		g.status(world.Online)
		g.pass(slack)
		g.tells(world.ChatLine, sessionOver)
		if o := g.lastOrder(); o.Kind != world.OrderStop {
			t.Errorf("order: got %s, want stop", o.Kind)
		}
	})
}

// TestSessionEndsShort: its time is over before anybody could be warned. They are
// warned all the same.
func TestSessionEndsShort(t *testing.T) {
	for name, c := range map[string]struct {
		over func(g *stage)
		wait time.Duration // until somebody listens
	}{
		"by the configuration": {func(g *stage) { g.c.SessionHours = 0.25 }, 0},
		"nobody listened":      {func(g *stage) { g.now = g.now.Add(24 * time.Hour) }, rules.AgentWithin},
	} {
		t.Run(name, func(t *testing.T) {
			g := newStage(t)
			g.toOnline()
			g.join("1", "Bo")
			g.pass(time.Hour)
			c.over(g)
			g.pass(c.wait + slack)
			g.status(world.Online)
			g.tells(world.ChatLine, "whoever is in; `/start` lights it again right after")
			g.pass(rules.EndsNow + slack)
			g.status(world.Stopping)
		})
	}
}

// TestSessionEndsAnywhere: whatever the world is doing, its session ends.
func TestSessionEndsAnywhere(t *testing.T) {
	for name, comes := range anywhere() {
		t.Run(name, func(t *testing.T) {
			g := evening(t)
			comes(g)
			status := g.s.Status
			g.s.Session.Began, g.s.Session.Warned = g.now.Add(-2*time.Hour), 2 // rather than two hours of it
			g.pass(slack)
			g.tells(world.ChatLine, sessionOver)
			g.goesOut(status)
		})
	}
}

// anywhere are the ways to all statuses in which something may run.
func anywhere() map[string]func(*stage) {
	return map[string]func(*stage){
		"starting, no machine": func(g *stage) { g.places["a"].never = true; g.start() },
		"starting, no capacity": func(g *stage) {
			g.places["a"].refuses, g.places["b"].refuses = world.ClassCapacity, world.ClassCapacity
			g.start()
			g.pass(time.Minute)
			g.status(world.Starting)
		},
		"booting": func(g *stage) { g.toBooting() },
		"loading": func(g *stage) { g.toLoading() },
		"loading for long": func(g *stage) {
			g.toLoading()
			g.hear(&world.StepBegun{Step: world.StepImage})
			g.pass(30 * time.Minute)
		},
		"online":     func(g *stage) { g.toOnline(); g.join("1", "Bo") },
		"relocating": func(g *stage) { g.toOnline(); g.notice() },
		"relocating, saved": func(g *stage) {
			g.toOnline()
			g.notice()
			g.proves(world.StopNotice)
		},
		"waiting for a reboot": func(g *stage) {
			g.toOnline()
			g.hear(&world.Noticed{Kind: "Reboot"})
			g.proves(world.StopNotice)
			g.status(world.Loading)
		},
		"crashed": func(g *stage) { g.toOnline(); g.hear(&world.Crashed{Restarting: true}) },
	}
}

// goesOut: a stop was begun; the agent does its part, if there is one, and
// nothing is left.
func (g *stage) goesOut(was world.Status) {
	g.t.Helper()
	if g.awake() && g.s.Status != world.Stopping {
		g.t.Fatalf("it was %s and is %s, want it to go out", was, g.s.Status)
	}
	if len(g.orders) > 0 && !g.s.Boot.Proven && !g.s.Boot.Over {
		g.proves(world.StopOrdered)
	}
	g.places["a"].never = false
	if p := g.places["a"]; p.until.Sub(g.now) > time.Hour {
		p.until = g.now
	}
	g.untilStatus(5*time.Minute, world.Stopped)
	g.noMachine()
}

func (g *stage) awake() bool { return g.s.Status != world.Stopped && g.s.Status != world.Failed }

// TestHostileButtons: who presses the guard's buttons chose a name, too.
func TestHostileButtons(t *testing.T) {
	for _, name := range append([]string{evil}, worldtest.HostileNames()...) {
		if len(name) > 4096 {
			continue // TestPlain has those
		}
		eve := by("1666", name)
		g := warned(t)
		old := g.find("Keep awake")
		g.press("Keep awake", eve, false)
		g.pass(rules.AwakeFor)
		g.pressAt(old, eve, false)
		g.press("Stop now", eve, false)
		g.proves(world.StopOrdered)

		g = newStage(t)
		g.c.MonthlyDollars, g.c.Placements[0].CentsPerHour = 4, 100
		g.toOnline()
		g.hear(&world.Spawned{Player: world.Player{Owner: "1", Name: name}})
		g.beating = false
		g.hear(&world.Heartbeat{Listening: true, Players: []world.Player{{Owner: "1", Name: name}}})
		g.pressAt(world.Action{Command: world.CmdKeepAwake}, eve, false)
		g.spent(4 * world.Dollar)
		g.pass(slack)
		g.press("Raise", eve, false)
		g.press("Raise", eve, true)
		g.press("Raise", eve, true)
		g.tells(world.ChatLine, "burns on: about")
	}
}
