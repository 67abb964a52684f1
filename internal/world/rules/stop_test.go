package rules_test

import (
	"testing"
	"time"

	"hearth/internal/world"
	"hearth/internal/world/rules"
)

func TestStop(t *testing.T) {
	g := newStage(t)
	g.toOnline()
	g.now = g.now.Add(time.Second)
	has(t, g.stop(), "Astrid puts the fire out. Saving **Midgard** first; the machine goes only after that")
	o := g.lastOrder()
	want := world.Order{Schema: world.SchemaVersion, Kind: world.OrderStopIfEmpty, World: "midgard", Operation: g.s.Op.ID, Epoch: g.epoch, Issued: g.now}
	if o != want {
		t.Errorf("order: got %+v, want %+v", o, want)
	}
	has(t, whole(g.card()), "Saving **Midgard** before anything else")
	g.pass(time.Minute)
	if len(g.asked) != 0 || g.machines() != 1 {
		t.Fatalf("before the proof: %+v was asked of the cloud", g.asked)
	}
	g.proves(world.StopOrdered)
	g.tells(world.ChatLine, "**Midgard** is saved, in 1.3 s (12.3 MB)")
	has(t, whole(g.card()), "Saved. Giving the machine back")
	g.untilStatus(time.Minute, world.Stopped)
	g.noMachine()
	g.tells(world.ChatLine, "nothing costs money. This session: about $0.01 for 91 s of machine. This month: about $0.01.")
	has(t, whole(g.card()), "[Light it]")
	if n := g.s.OnlinePlayers(); n != 0 {
		t.Errorf("players after the stop: got %d, want 0", n)
	}
	has(t, g.stop(), "is out already, and costs nothing. `/start` lights it")
}

// TestStopEarly: /stop in each phase of a start leaves no machine, whatever
// comes up late.
func TestStopEarly(t *testing.T) {
	t.Run("starting", func(t *testing.T) {
		g := newStage(t)
		g.start()
		has(t, g.stop(), "Astrid called it off. **Midgard** is not lit, and the machine goes back")
		if len(g.asked) != 1 {
			t.Errorf("asked %+v: the cloud refuses a second operation beside the first", g.asked)
		}
		g.untilStatus(3*time.Minute, world.Stopped)
		g.noMachine()
		g.tellsNot("Saved")
	})
	t.Run("starting, and the machine speaks", func(t *testing.T) {
		g := newStage(t)
		g.start()
		g.pass(28 * time.Second)
		g.stop()
		g.pass(3 * time.Second)
		g.boot()
		g.hear(&world.Listening{})
		g.status(world.Stopping)
		g.untilStatus(3*time.Minute, world.Stopped)
		g.noMachine()
		g.tellsNot("is burning")
	})
	t.Run("booting", func(t *testing.T) {
		g := newStage(t)
		g.toBooting()
		g.stop()
		g.pass(rules.AgentWithin - 2*time.Second)
		if g.machines() != 1 {
			t.Fatal("the machine went before its agent had its minute")
		}
		g.untilStatus(3*time.Minute, world.Stopped)
		g.tells(world.ChatLine, "No game had begun on the machine of **Midgard**")
		g.noMachine()
		g.tellsNot("Saved")
	})
	t.Run("booting, and the agent speaks", func(t *testing.T) {
		g := newStage(t)
		g.toBooting()
		g.stop()
		g.pass(20 * time.Second)
		g.boot()
		if o := g.lastOrder(); o.Kind != world.OrderStop || o.Epoch != 1 {
			t.Errorf("order: got %+v, want a stop of boot 1", o)
		}
		g.hear(&world.SaveProven{Why: world.StopOrdered, Confirmed: true, Untouched: true})
		g.tells(world.ChatLine, "was not opened, so there was nothing to save")
		g.untilStatus(3*time.Minute, world.Stopped)
		g.noMachine()
	})
	t.Run("loading", func(t *testing.T) {
		g := newStage(t)
		g.toLoading()
		has(t, g.stop(), "puts the fire out")
		if o := g.lastOrder(); o.Kind != world.OrderStop {
			t.Errorf("order: got %s, want stop: nobody can be on", o.Kind)
		}
		g.hear(&world.Listening{}) // it was on its way
		g.status(world.Stopping)
		g.proves(world.StopOrdered)
		g.untilStatus(3*time.Minute, world.Stopped)
		g.noMachine()
		g.tellsNot("is burning")
	})
}

func TestStartDuringStop(t *testing.T) {
	t.Run("is remembered", func(t *testing.T) {
		g := newStage(t)
		g.toStopping()
		has(t, g.say(cmd{name: world.CmdStart, by: by("1002", "Bo")}), "is being saved. I light it again as soon as that is done")
		has(t, g.say(cmd{name: world.CmdStart, by: by("1003", "Cid")}), "somebody asked already: it is lit again right after")
		has(t, whole(g.card()), "Then it is lit again for Bo")
		if len(g.asked) != 0 {
			t.Fatalf("asked %+v before the save", g.asked)
		}
		g.proves(world.StopOrdered)
		g.untilStatus(3*time.Minute, world.Booting)
		if g.machines() != 1 || g.s.Op.By.Name != "Bo" {
			t.Errorf("got %d machines for %s, want one for Bo", g.machines(), g.s.Op.By.Name)
		}
		g.boot()
		g.hear(&world.Listening{})
		g.tells(world.ChatLine, "<@1002>")
	})
	t.Run("is dropped by a later stop", func(t *testing.T) {
		g := newStage(t)
		g.toStopping()
		g.start()
		has(t, g.stop(), "stays out: the remembered start is dropped")
		has(t, g.stop(), "going out already: save first, then the machine")
		g.proves(world.StopOrdered)
		g.untilStatus(3*time.Minute, world.Stopped)
		g.pass(time.Hour)
		g.noMachine()
	})
}

// TestStopWhileOthersPlay is the ask-back.
func TestStopWhileOthersPlay(t *testing.T) {
	playing := func(t *testing.T) *stage {
		g := newStage(t)
		g.toOnline()
		g.join("1", "Bo")
		g.join("2", "Cid")
		g.hush()
		return g
	}
	t.Run("a member is asked", func(t *testing.T) {
		g := playing(t)
		answer := g.stop()
		has(t, answer, "2 are still playing: Bo, Cid. What now?\n[Stop when empty]\n[Never mind]")
		g.status(world.Online)
		if len(g.orders) != 0 {
			t.Errorf("ordered %+v", g.orders)
		}
	})
	t.Run("a keeper may stop now", func(t *testing.T) {
		g := playing(t)
		has(t, g.say(cmd{name: world.CmdStop, keeper: true}), "[Stop when empty]\n[Save and stop now]\n[Never mind]")
		has(t, g.button(world.CmdStopNow, true), "Saving **Midgard** first")
		if o := g.lastOrder(); o.Kind != world.OrderStop {
			t.Errorf("order: got %s, want stop", o.Kind)
		}
		g.status(world.Stopping)
	})
	t.Run("a member may not", func(t *testing.T) {
		g := playing(t)
		has(t, g.button(world.CmdStopNow, false), "Only a keeper can do this")
		g.status(world.Online)
		if len(g.orders) != 0 {
			t.Errorf("ordered %+v", g.orders)
		}
	})
	t.Run("a refused button is nobody's newer wish", func(t *testing.T) {
		g := playing(t)
		asked := g.now
		g.now = g.now.Add(10 * time.Second)
		g.button(world.CmdStopNow, false)
		g.say(cmd{name: world.CmdKeepGoing, operation: "another session"})
		has(t, g.say(cmd{name: world.CmdStop, at: asked}), "What now?")
	})
	t.Run("when empty", func(t *testing.T) {
		g := playing(t)
		has(t, g.button(world.CmdStopWhenEmpty, false), "When the last one leaves, **Midgard** is saved")
		has(t, whole(g.card()), "Astrid asked to let it go out when the last one leaves")
		g.leave("1")
		g.status(world.Online)
		g.leave("2")
		g.status(world.Stopping)
		if o := g.lastOrder(); o.Kind != world.OrderStopIfEmpty {
			t.Errorf("order: got %s, want stop_if_empty", o.Kind)
		}
		g.proves(world.StopOrdered)
		g.untilStatus(2*time.Minute, world.Stopped)
	})
	t.Run("when empty, seen by a heartbeat only", func(t *testing.T) {
		g := playing(t)
		g.button(world.CmdStopWhenEmpty, false)
		g.players = nil
		g.pass(world.HeartbeatEvery)
		g.status(world.Stopping)
	})
	t.Run("when empty, and it is", func(t *testing.T) {
		g := playing(t)
		g.leave("1")
		g.leave("2")
		g.button(world.CmdStopWhenEmpty, false)
		g.status(world.Stopping)
	})
	t.Run("when empty, changed by start", func(t *testing.T) {
		g := playing(t)
		g.button(world.CmdStopWhenEmpty, false)
		has(t, g.start(), "It will not go out when empty any more")
		if card := whole(g.card()); card == "" || g.s.WhenEmpty != nil {
			t.Error("the wish is still there")
		} else {
			has(t, card, "The fire burns. Come in!")
		}
		g.leave("1")
		g.leave("2")
		g.status(world.Online)
	})
	t.Run("when empty, changed by never mind", func(t *testing.T) {
		g := playing(t)
		g.button(world.CmdStopWhenEmpty, false)
		has(t, g.button(world.CmdKeepGoing, false), "keeps burning")
		g.leave("1")
		g.leave("2")
		g.status(world.Online)
	})
	t.Run("a button of an earlier session", func(t *testing.T) {
		g := playing(t)
		for _, name := range []world.CommandName{world.CmdStopNow, world.CmdStopWhenEmpty, world.CmdKeepGoing} {
			has(t, g.say(cmd{name: name, keeper: true, operation: "e0"}), "That button is from earlier. Now: Midgard is burning")
		}
		g.status(world.Online)
	})
	t.Run("a button after the stop", func(t *testing.T) {
		g := playing(t)
		old := g.s.Session.ID
		g.button(world.CmdStopNow, true)
		has(t, g.say(cmd{name: world.CmdStopNow, keeper: true, operation: old}), "That button is from earlier. Now: Midgard is going out")
	})
	t.Run("unknown is somebody", func(t *testing.T) {
		g := newStage(t)
		g.toOnline()
		g.beating = false
		g.until(3*time.Minute, "silence", func() bool { return g.s.Boot.Silent })
		if n := g.s.OnlinePlayers(); n != -1 {
			t.Errorf("players of a silent agent: got %d, want -1", n)
		}
		has(t, g.stop(), "I can't see right now who is playing, so I take it that somebody is")
		g.status(world.Online)
	})
	t.Run("somebody on the way in is somebody", func(t *testing.T) {
		g := newStage(t)
		g.toOnline()
		g.hear(&world.Connected{})
		has(t, g.stop(), "Somebody is still playing: 1 coming in")
		g.status(world.Online)
	})
}

// TestStopIfEmptyRefused: somebody came in while the order was on its way.
func TestStopIfEmptyRefused(t *testing.T) {
	for name, players := range map[string][]world.Player{
		"somebody is on":         {{Owner: "1", Name: "Bo"}},
		"somebody is connecting": nil,
	} {
		t.Run(name, func(t *testing.T) {
			g := newStage(t)
			g.toStopping()
			g.players = players
			g.hear(&world.OrderRefused{Operation: "another", Kind: world.OrderStopIfEmpty, Reason: world.OrderOccupied})
			g.status(world.Stopping)
			g.hear(&world.OrderRefused{Operation: g.s.Op.ID, Kind: world.OrderStopIfEmpty, Reason: world.OrderOccupied, Players: players})
			g.status(world.Online)
			g.tells(world.ChatLine, "Somebody is in **Midgard** after all")
			if n := g.s.OnlinePlayers(); n != 1 {
				t.Errorf("players: got %d, want 1", n)
			}
			g.pass(5 * time.Minute)
			g.tellsNot("not saved yet")
			if g.machines() != 1 {
				t.Error("the machine went")
			}
		})
	}
}

func TestOrderLost(t *testing.T) {
	for name, reason := range map[string]world.RefusedOrder{"expired": world.OrderExpired, "stale": world.OrderStale} {
		t.Run(name, func(t *testing.T) {
			g := newStage(t)
			g.toStopping()
			g.pass(30 * time.Second)
			g.hear(&world.OrderRefused{Operation: g.s.Op.ID, Kind: world.OrderStopIfEmpty, Reason: reason})
			if o := g.lastOrder(); o.Kind != world.OrderStopIfEmpty || !o.Issued.Equal(g.now) || o.Operation != g.s.Op.ID {
				t.Errorf("order: got %+v, want the same anew", o)
			}
		})
	}
	t.Run("busy", func(t *testing.T) {
		g := newStage(t)
		g.toStopping()
		g.hear(&world.OrderRefused{Operation: g.s.Op.ID, Kind: world.OrderStopIfEmpty, Reason: world.OrderBusy})
		if len(g.orders) != 0 {
			t.Errorf("order: got %+v, want none: the agent is at it", g.orders)
		}
	})
}

// TestSaveNeverProven: told at 90 s, deleted at ten minutes, the loss stated.
func TestSaveNeverProven(t *testing.T) {
	g := newStage(t)
	g.toStopping()
	began := g.now
	g.pass(rules.SaveWithin - time.Second)
	g.tellsNot("not saved yet")
	g.pass(2 * time.Second)
	g.tells(world.ChatLine, "**Midgard** is not saved yet after 90 s. I wait for it, ten minutes at most")
	if o := g.lastOrder(); o.Kind != world.OrderStopIfEmpty {
		t.Errorf("order: got %s, want the stop again", o.Kind)
	}
	g.pass(rules.LostAfter - g.now.Sub(began) - time.Second)
	if len(g.asked) != 0 {
		t.Fatalf("asked %+v within ten minutes", g.asked)
	}
	g.pass(2 * time.Second)
	g.tells(world.ChatLine, "not proven in ten minutes. The machine is deleted now. The last save is 10 min old; what was done since is lost")
	g.tells(world.ChatKeeper, "not proven in ten minutes")
	g.tells(world.ChatLine, "not saved yet")
	g.stop() // draws the card anew
	if card := whole(g.card()); card == "" {
		t.Error("no card")
	}
	g.tellsNot("🌙 Saved.")
	g.untilStatus(time.Minute, world.Stopped)
	g.noMachine()
}

// TestSaveDenied: the game ended without a save that counts.
func TestSaveDenied(t *testing.T) {
	g := newStage(t)
	g.toStopping()
	g.pass(4 * time.Second)
	g.hear(&world.SaveProven{Why: world.StopOrdered, Operation: g.s.Op.ID, LastSave: g.now.Add(-7 * time.Minute)})
	g.tells(world.ChatLine, "ended without a save that I can vouch for. The last save is 4 s old; what was done since is lost")
	g.untilStatus(time.Minute, world.Stopped)
	g.noMachine()
	g.tellsNot("is saved")
	g.tellsNot("🌙 Saved.")
}

// TestMachineStays: the save is proven and the machine will not go. The
// keeper is told, the world is not called out, and it is tried for ever.
func TestMachineStays(t *testing.T) {
	g := newStage(t)
	g.toStopping()
	g.places["a"].stays = true
	g.proves(world.StopOrdered)
	g.pass(rules.DeleteWithin + time.Minute)
	g.status(world.Stopping)
	if g.told(world.ChatKeeper, "will not be deleted (it takes very long)") == 0 {
		t.Errorf("the keeper was not told; said %q", g.texts())
	}
	g.tellsNot("not proven")
	g.tellsNot("is out")
	g.places["a"].stays = false
	g.untilStatus(2*time.Minute, world.Stopped)
	g.noMachine()
}

func TestCommandOrder(t *testing.T) {
	t.Run("an older stop after a newer start", func(t *testing.T) {
		g := newStage(t)
		asked := g.now
		g.now = g.now.Add(5 * time.Second)
		g.start()
		has(t, g.say(cmd{name: world.CmdStop, at: asked}), "said something newer about **Midgard**")
		g.status(world.Starting)
	})
	t.Run("an older start after a newer stop", func(t *testing.T) {
		g := newStage(t)
		g.toOnline()
		asked := g.now
		g.now = g.now.Add(5 * time.Second)
		g.stop()
		has(t, g.say(cmd{name: world.CmdStart, at: asked}), "something newer")
		if g.s.Again != nil {
			t.Error("the older start is remembered")
		}
	})
	t.Run("an older question is answered", func(t *testing.T) {
		g := newStage(t)
		g.start()
		has(t, g.say(cmd{name: world.CmdStatus, at: g.now.Add(-time.Minute)}), "Midgard is being lit")
	})
	t.Run("older than fifteen minutes", func(t *testing.T) {
		g := newStage(t)
		at := g.now
		g.now = g.now.Add(rules.CommandLifetime)
		has(t, g.say(cmd{name: world.CmdStatus, at: at}), "is out")
		g.now = g.now.Add(time.Second)
		has(t, g.say(cmd{name: world.CmdStart, at: at}), "more than 15 minutes ago")
		g.status(world.Stopped)
	})
	t.Run("twice", func(t *testing.T) {
		g := newStage(t)
		g.say(cmd{name: world.CmdStart, id: "77"})
		before := asJSON(t, g.s)
		g.s.Generation--
		if effects := g.send(world.Event{ID: "77", Source: world.SourceDiscord, Data: &world.Command{Name: world.CmdStart}}); len(effects) != 0 {
			t.Errorf("effects of a redelivery: got %+v, want none", effects)
		}
		if got := asJSON(t, g.s); got != before {
			t.Errorf("a redelivery changed the state:\n got %s\nwant %s", got, before)
		}
	})
	t.Run("unknown", func(t *testing.T) {
		g := newStage(t)
		has(t, g.say(cmd{name: "format"}), "I don't know that one. Try `/start`")
		g.status(world.Stopped)
	})
}

// TestBootWhileBeingDeleted: an agent that speaks while its machine is on the
// way out is stopped like any other: the deletion may fail, and its door be open.
func TestBootWhileBeingDeleted(t *testing.T) {
	g := newStage(t)
	g.start()
	g.untilStatus(3*time.Minute, world.Booting)
	g.stop()
	g.pass(rules.AgentWithin + 2*time.Second) // no agent: it goes back
	if g.s.Cloud.Want != 0 || !g.s.Cloud.Acting {
		t.Fatalf("cloud: %+v; want it on the way to zero", g.s.Cloud)
	}
	g.boot()
	if n := len(g.orders); n == 0 || g.orders[n-1].Kind != world.OrderStop {
		t.Fatalf("orders: %+v; want a stop", g.orders)
	}
	g.bot(&world.CloudReport{
		Operation: g.s.Op.ID, Round: g.s.Cloud.Round, Placement: "a", Capacity: 0,
		Phase: world.CloudFailed, Class: world.ClassTransient, Code: "InternalServerError",
	})
	g.places["a"].until, g.places["a"].toward = time.Time{}, 1 // it failed, and the machine stays
	asked := len(g.asked)
	g.pass(30 * time.Second)
	if len(g.asked) != asked {
		t.Errorf("asked for %+v before the save was proven", g.asked[asked:])
	}
	g.proves(world.StopOrdered)
	g.untilStatus(3*time.Minute, world.Stopped)
	g.noMachine()
}

// TestPlaceGivenAway: a world is out, and its last place is another's from then on.
// It burns there, and the world that is out does not mistake its machine for an
// unwanted one.
func TestPlaceGivenAway(t *testing.T) {
	g := newStage(t, "a", "b")
	g.toOnline()
	g.stop()
	g.proves(world.StopOrdered)
	g.untilStatus(3*time.Minute, world.Stopped)
	g.hush()
	g.c.Placements = g.c.Placements[1:]
	g.places["a"].vm, g.places["a"].capacity = "vm-others", 1
	g.pass(rules.CheckAfter)
	g.status(world.Stopped)
	if len(g.asked) != 0 {
		t.Errorf("asked of the cloud: %+v", g.asked)
	}
}
