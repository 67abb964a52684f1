package rules_test

import (
	"testing"
	"time"

	"hearth/internal/world"
	"hearth/internal/world/rules"
)

func TestStart(t *testing.T) {
	g := newStage(t)
	g.start()
	g.status(world.Starting)
	has(t, whole(g.card()), "1/3")
	if c := g.chats[0]; c.Kind != world.ChatCard || c.Reply == nil {
		t.Errorf("the answer to a public /start is the card: got %+v", c)
	}
	g.untilStatus(time.Minute, world.Booting)
	has(t, whole(g.card()), "2/3")
	g.boot()
	g.status(world.Loading)
	has(t, whole(g.card()), "3/3")
	g.hear(&world.Listening{Version: "40"})
	g.status(world.Online)
	g.tells(world.ChatLine, "**Midgard** is burning. Join at `203.0.113.7:2456`. <@1001>")
	has(t, whole(g.card()), "Players: nobody yet")
	for _, c := range g.chats {
		if c.Kind == world.ChatLine && (len(c.Say.Ping) != 1 || c.Say.Ping[0] != "1001") {
			t.Errorf("ping: got %v, want the one who asked", c.Say.Ping)
		}
	}
}

func TestStartInPrivate(t *testing.T) {
	g := newStage(t)
	has(t, g.say(cmd{name: world.CmdStart, private: true}), "Watch the channel")
	if c := g.chats[0]; c.Kind == world.ChatCard && c.Reply != nil {
		t.Error("the card went into an answer that one person sees")
	}
}

// TestStartAddress: where the agent can't learn its address, the cloud tells.
func TestStartAddress(t *testing.T) {
	g := newStage(t)
	g.places["a"].address = "198.51.100.4"
	g.toBooting()
	g.epoch++
	g.hear(&world.HostUp{Machine: world.Machine{Name: g.vm()}})
	g.hear(&world.Listening{})
	g.tells(world.ChatLine, "Join at `198.51.100.4:2456`")
}

func TestTwoStartsAtOnce(t *testing.T) {
	g := newStage(t)
	g.start()
	answer := g.say(cmd{name: world.CmdStart, by: by("1002", "Bo")})
	has(t, answer, "Astrid is already lighting **Midgard**")
	if len(g.asked) != 1 {
		t.Errorf("machines asked for: got %d, want 1", len(g.asked))
	}
	g.untilStatus(time.Minute, world.Booting)
	g.boot()
	g.hear(&world.Listening{})
	has(t, g.say(cmd{name: world.CmdStart, by: by("1002", "Bo")}), "is burning already. Join at `203.0.113.7:2456`")
	if len(g.asked) != 1 || g.machines() != 1 {
		t.Errorf("got %d requests and %d machines, want one of each", len(g.asked), g.machines())
	}
}

// TestStartGetsNowhere has the ways in which no game comes up: each ends
// without a machine, and says what to do.
func TestStartGetsNowhere(t *testing.T) {
	for _, tc := range []struct {
		name   string
		set    func(*stage)
		within time.Duration
		why    string
		keeper string
	}{
		{
			"no machine in ten minutes",
			func(g *stage) { g.places["a"].never = true },
			rules.MachineWithin + 2*time.Second, "did not deliver in ten minutes. Try `/start` again", "",
		},
		{
			"a machine whose agent never speaks",
			func(*stage) {},
			rules.HostWithin + time.Minute, "its helper never spoke. The machine is deleted; try `/start` again", "",
		},
		{
			"accepted, and never there",
			func(g *stage) { g.places["a"].hollow, g.places["b"].hollow = true, true },
			rules.MachineWithin + 2*time.Minute, "did not deliver in ten minutes", "",
		},
		{
			"no quota",
			func(g *stage) { g.places["a"].refuses, g.places["a"].code = world.ClassQuota, "QuotaExceeded" },
			time.Minute, "The keeper knows what to click", "no quota for **Midgard** at `a` (QuotaExceeded: the cloud's own words)",
		},
		{
			"wrong settings",
			func(g *stage) { g.places["a"].refuses, g.places["a"].code = world.ClassConfig, "AuthorizationFailed" },
			time.Minute, "The keeper has the details", "(AuthorizationFailed: the cloud's own words). In the portal: the scale set's resource group",
		},
		{
			"errors without end",
			func(g *stage) {
				g.places["a"].refuses, g.places["a"].code = world.ClassTransient, "InternalServerError"
			},
			3 * time.Minute, "the cloud keeps answering with errors. Try `/start` again", "InternalServerError",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			g := newStage(t)
			tc.set(g)
			g.start()
			g.until(tc.within, tc.why, func() bool { return g.s.Why != "" })
			has(t, g.s.Why, tc.why)
			g.places["a"].until = g.now // whatever runs there ends
			g.untilStatus(5*time.Minute, world.Failed)
			g.noMachine()
			g.tells(world.ChatLine, tc.why)
			if tc.keeper != "" {
				g.tells(world.ChatKeeper, tc.keeper)
			}
			has(t, whole(g.card()), "[Light it]")
			if n := g.told(world.ChatLine, "is burning"); n != 0 {
				t.Errorf("told %d times that it burns", n)
			}
			// The next start is a new one.
			g.places["a"], g.places["b"] = &place{}, &place{}
			g.s.Blocked = nil
			g.start()
			g.untilStatus(2*time.Minute, world.Booting)
		})
	}
}

// TestBusyCloud: another operation runs there. It is waited for, not counted
// as a failure.
func TestBusyCloud(t *testing.T) {
	g := newStage(t)
	g.places["a"].refuses, g.places["a"].code = world.ClassBusy, "OperationNotAllowed"
	g.start()
	g.pass(4 * time.Minute)
	g.status(world.Starting)
	g.places["a"].refuses = ""
	g.untilStatus(time.Minute, world.Booting)
}

// TestLaterFailure: the operation began, and the cloud's refusal came with a
// look at it.
func TestLaterFailure(t *testing.T) {
	g := newStage(t)
	g.start()
	g.places["a"].until = time.Time{} // nothing comes of it
	do := g.asked[0]
	g.bot(&world.CloudReport{Operation: do.Operation, Round: do.Round, Placement: "a", Phase: world.CloudFailed, Class: world.ClassCapacity, Code: "AllocationFailed"})
	g.untilStatus(2*time.Minute, world.Booting)
	if g.s.Cloud.Placement != "b" || g.vm() != "vm-b-1" {
		t.Errorf("got %s at %s, want vm-b-1 at b", g.vm(), g.s.Cloud.Placement)
	}
}

func TestNoCapacityThere(t *testing.T) {
	g := newStage(t)
	g.places["a"].refuses, g.places["a"].code = world.ClassCapacity, "SkuNotAvailable"
	g.start()
	g.untilStatus(2*time.Minute, world.Booting)
	if g.s.Cloud.Placement != "b" {
		t.Errorf("placement: got %s, want b", g.s.Cloud.Placement)
	}
	if until := g.s.Blocked["a"]; until.Sub(g.now) < 55*time.Minute || until.Sub(g.now) > rules.BlockFor {
		t.Errorf("a is blocked until %s, want an hour from its refusal", until)
	}
	g.tellsNot("no machine")
	// While it is blocked it is not asked, and after that it is.
	g.stop()
	g.untilStatus(5*time.Minute, world.Stopped)
	g.hush()
	g.start()
	if g.asked[0].Placement != "b" {
		t.Errorf("asked %s while a is blocked", g.asked[0].Placement)
	}
	g.stop()
	g.untilStatus(5*time.Minute, world.Stopped)
	g.pass(rules.BlockFor)
	g.hush()
	g.start()
	if g.asked[0].Placement != "a" {
		t.Errorf("an hour later: asked %s, want a", g.asked[0].Placement)
	}
}

// TestNoCapacityAnywhere: told soon and with a time, tried again after pauses
// that grow, and given up in the end.
func TestNoCapacityAnywhere(t *testing.T) {
	g := newStage(t)
	for _, p := range g.places {
		p.refuses, p.code = world.ClassCapacity, "SkuNotAvailable"
	}
	g.start()
	var pauses []time.Duration
	for range 5 {
		n := g.told(world.ChatLine, "no machine for **Midgard** anywhere")
		g.until(2*time.Minute, "no capacity is told", func() bool { return g.told(world.ChatLine, "no machine for **Midgard** anywhere") == n+1 })
		pauses = append(pauses, g.s.RetryAt.Sub(g.now))
		has(t, whole(g.card()), "Trying again <t:")
		has(t, g.say(cmd{name: world.CmdStart}), "next try <t:")
		asked := len(g.asked)
		g.pass(g.s.RetryAt.Sub(g.now) - time.Second)
		if len(g.asked) != asked {
			t.Fatalf("asked %d times during the pause", len(g.asked)-asked)
		}
		g.pass(time.Second)
		if len(g.asked) == asked || g.asked[asked].Placement != "a" || g.asked[asked].Capacity != 1 {
			t.Fatalf("after the pause: got %+v, want a request at a", g.asked[asked:])
		}
	}
	for i := 1; i < len(pauses); i++ {
		if pauses[i] <= pauses[i-1] || pauses[i] > 10*time.Minute {
			t.Errorf("pauses: got %v, want growing ones of ten minutes at most", pauses)
		}
	}
	g.untilStatus(2*time.Minute, world.Failed)
	g.tells(world.ChatLine, "no machine for us anywhere for a good while")
	g.noMachine()
	asked := len(g.asked)
	g.pass(2 * time.Hour)
	if len(g.asked) != asked {
		t.Errorf("asked %d times after giving up", len(g.asked)-asked)
	}
}

func TestCapacityComesBack(t *testing.T) {
	g := newStage(t, "a")
	g.places["a"].refuses = world.ClassCapacity
	g.start()
	g.until(2*time.Minute, "pause", func() bool { return !g.s.RetryAt.IsZero() })
	g.places["a"].refuses = ""
	g.untilStatus(4*time.Minute, world.Booting)
	if g.s.Tries != 0 || !g.s.RetryAt.IsZero() {
		t.Errorf("with a machine: tries %d, retry at %s, want none", g.s.Tries, g.s.RetryAt)
	}
}

func TestStopWhileWaitingForCapacity(t *testing.T) {
	g := newStage(t, "a")
	g.places["a"].refuses = world.ClassCapacity
	g.start()
	g.until(2*time.Minute, "pause", func() bool { return !g.s.RetryAt.IsZero() })
	has(t, g.stop(), "called it off")
	g.untilStatus(2*time.Minute, world.Stopped)
	asked := len(g.asked)
	g.places["a"].refuses = ""
	g.pass(time.Hour)
	g.status(world.Stopped)
	if len(g.asked) != asked {
		t.Errorf("asked the cloud %d times after /stop", len(g.asked)-asked)
	}
}

// TestAcceptedThenGone: the set says one, the list says none. Only zero and
// one again brings a machine.
func TestAcceptedThenGone(t *testing.T) {
	g := newStage(t, "a")
	g.places["a"].hollow = true
	g.start()
	g.until(time.Minute, "a second request", func() bool { return len(g.asked) == 2 })
	g.places["a"].hollow = false
	g.untilStatus(5*time.Minute, world.Booting)
	var got []int
	for _, do := range g.asked {
		got = append(got, do.Capacity)
	}
	if len(got) != 3 || got[0] != 1 || got[1] != 0 || got[2] != 1 {
		t.Errorf("capacities asked for: got %v, want 1 0 1", got)
	}
}

// TestSpeaksBeforeItIsListed: a machine whose agent speaks is there, though the
// cloud, which is at it yet, does not list it. If it falls silent it is not.
func TestSpeaksBeforeItIsListed(t *testing.T) {
	for name, silent := range map[string]bool{"and is listed": false, "and falls silent": true} {
		t.Run(name, func(t *testing.T) {
			g := newStage(t)
			g.places["a"].never = silent
			g.start()
			g.pass(10 * time.Second)
			g.epoch++
			g.hear(&world.HostUp{Machine: world.Machine{Name: "vm-a-1"}})
			g.status(world.Loading)
			rented := g.now
			g.pass(40 * time.Second)
			g.status(world.Loading)
			if !g.s.Cloud.Rented.Equal(rented) {
				t.Errorf("paid since %s, want %s, when it spoke", g.s.Cloud.Rented, rented)
			}
			g.tellsNot("without notice")
			if silent {
				g.until(rules.SilentAfter, "it is missed", func() bool { return g.s.Status == world.Relocating })
			}
		})
	}
}
