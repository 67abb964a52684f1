package rules_test

import (
	"fmt"
	"testing"
	"time"

	"hearth/internal/world"
	"hearth/internal/world/rules"
	"hearth/internal/world/worldtest"
)

func TestNeverListens(t *testing.T) {
	g := newStage(t)
	g.toLoading()
	g.pass(rules.ListenWithin - time.Second)
	g.status(world.Loading)
	g.pass(2 * time.Second)
	g.status(world.Stopping)
	g.tells(world.ChatKeeper, "came up for 20 min and never opened its door. I stop it")
	if o := g.lastOrder(); o.Kind != world.OrderStop {
		t.Errorf("order: got %s, want stop", o.Kind)
	}
	g.hear(&world.SaveProven{Why: world.StopOrdered, Operation: g.s.Op.ID, Confirmed: true, Untouched: true})
	g.untilStatus(2*time.Minute, world.Failed)
	g.tells(world.ChatLine, "never opened its door. The machine is deleted, the world is as it was; try `/start` again")
	g.noMachine()
}

func TestCrash(t *testing.T) {
	crash := func(g *stage, again bool) {
		g.players = nil
		g.hear(&world.Crashed{Detail: "signal 11", Restarting: again, LastSave: g.now.Add(-4 * time.Minute)})
	}
	once := func(t *testing.T) *stage {
		g := newStage(t)
		g.toOnline()
		g.join("1", "Bo")
		g.pass(5 * time.Minute)
		g.hush()
		crash(g, true)
		g.tells(world.ChatLine, "crashed and starts again by itself. The last save is 4 min old; what was done since is lost")
		g.status(world.Loading)
		if n := g.s.OnlinePlayers(); n != 0 {
			t.Errorf("players after a crash: got %d, want 0", n)
		}
		return g
	}
	t.Run("once", func(t *testing.T) {
		g := once(t)
		g.hear(&world.Listening{})
		g.status(world.Online)
		if len(g.orders)+len(g.asked) != 0 {
			t.Errorf("asked %+v, ordered %+v, want nothing", g.asked, g.orders)
		}
	})
	t.Run("twice in ten minutes", func(t *testing.T) {
		g := once(t)
		g.hear(&world.Listening{})
		g.pass(rules.CrashWindow - time.Second)
		g.hush()
		crash(g, false)
		g.tells(world.ChatLine, "crashed again, so I stop here and tell the keeper. The last save is 4 min old")
		g.tells(world.ChatKeeper, "crashed again")
		if o := g.lastOrder(); o.Kind != world.OrderStop {
			t.Errorf("order: got %s, want stop", o.Kind)
		}
		g.proves(world.StopOrdered)
		g.untilStatus(2*time.Minute, world.Failed)
		g.tells(world.ChatLine, "crashed twice in ten minutes. The keeper has been told")
		g.noMachine()
	})
	t.Run("twice while it restarts", func(t *testing.T) {
		g := once(t)
		crash(g, true)
		g.status(world.Stopping)
	})
	t.Run("twice in eleven minutes", func(t *testing.T) {
		g := once(t)
		g.hear(&world.Listening{})
		g.join("1", "Bo")
		g.pass(rules.CrashWindow + time.Minute)
		g.hush()
		crash(g, true)
		g.tells(world.ChatLine, "starts again by itself")
		g.status(world.Loading)
	})
	t.Run("while stopping", func(t *testing.T) {
		g := newStage(t)
		g.toStopping()
		crash(g, true)
		g.status(world.Stopping)
		g.tellsNot("crashed")
	})
}

// TestSilence: told at 90 s, deleted at ten minutes with the loss; an agent
// that speaks again is welcome.
func TestSilence(t *testing.T) {
	quiet := func(t *testing.T) *stage {
		g := newStage(t)
		g.toOnline()
		g.join("1", "Bo")
		g.hush()
		g.beating = false
		return g
	}
	t.Run("and back", func(t *testing.T) {
		g := quiet(t)
		g.pass(rules.SaveWithin - time.Second)
		g.tellsNot("has not spoken")
		g.pass(rules.CheckEvery + time.Second)
		g.tells(world.ChatLine, "has not spoken for over a minute. It still exists, so people may be playing. Last save <t:")
		if card := g.card(); card.Card.Tone != world.ToneTrouble {
			t.Errorf("card: got tone %s, want trouble", card.Card.Tone)
		}
		has(t, whole(g.card()), "Players: can't see right now")
		g.pass(time.Minute)
		g.tells(world.ChatLine, "has not spoken")
		g.heartbeat()
		g.tells(world.ChatLine, "The machine of **Midgard** speaks again")
		if card := g.card(); card.Card.Tone != world.ToneBurning {
			t.Errorf("card: got tone %s, want burning", card.Card.Tone)
		}
		has(t, whole(g.card()), "Players: Bo")
		g.beating = true
		g.pass(20 * time.Minute)
		g.status(world.Online)
	})
	t.Run("for ever", func(t *testing.T) {
		g := quiet(t)
		g.pass(rules.LostAfter)
		g.status(world.Online)
		if len(g.asked) != 0 {
			t.Fatalf("asked %+v within ten minutes", g.asked)
		}
		g.pass(rules.CheckEvery + time.Second)
		g.tells(world.ChatLine, "stayed silent for ten minutes and is deleted now. The last save is 11 min old; what was done since is lost")
		g.tells(world.ChatKeeper, "stayed silent for ten minutes")
		g.untilStatus(2*time.Minute, world.Failed)
		g.noMachine()
	})
	t.Run("of a machine that is gone", func(t *testing.T) {
		g := quiet(t)
		g.vanish()
		g.pass(90 * time.Second)
		g.tells(world.ChatLine, "is gone without notice")
		g.tellsNot("has not spoken")
	})
	t.Run("is no idleness", func(t *testing.T) {
		g := newStage(t)
		g.c.IdleMinutes = 1
		g.toOnline()
		g.beating = false
		g.pass(5 * time.Minute)
		g.status(world.Online)
		g.tellsNot("Nobody has been in")
	})
}

func TestRoster(t *testing.T) {
	g := newStage(t)
	g.toOnline()
	g.hear(&world.Connected{})
	has(t, g.say(cmd{name: world.CmdStatus}), "Players: 1 coming in")
	g.hear(&world.Spawned{Player: world.Player{Owner: "1", Name: "Bo"}})
	g.tells(world.ChatLine, "**Bo** came in. One is on.")
	g.hear(&world.Connected{})
	g.hear(&world.Disconnected{Player: world.Player{Owner: "2"}}) // gave up before it spawned
	has(t, whole(g.card()), "Players: Bo\n")
	g.hear(&world.Died{Player: world.Player{Owner: "1", Name: "Bo"}})
	g.tells(world.ChatLine, "**Bo** died.")
	g.hear(&world.Disconnected{Player: world.Player{Owner: "1", Name: "Bo"}, Reason: "timeout"})
	g.tells(world.ChatLine, "**Bo** lost the connection. Nobody is on.")
	g.players = []world.Player{{Owner: "3", Name: "Cid"}, {Owner: "4"}}
	g.heartbeat() // words were lost: the heartbeat has the truth
	has(t, whole(g.card()), "Players: Cid and 1 more")
	for i := range 20 {
		g.players = append(g.players, world.Player{Owner: fmt.Sprint(10 + i), Name: fmt.Sprint("P", i)})
	}
	g.heartbeat()
	has(t, whole(g.card()), "P9 and 11 more")
	g.hear(&world.JoinCode{Code: "034505"})
	has(t, whole(g.card()), "Join code: `034505`")
	g.hear(&world.Heartbeat{GameUp: true, Listening: true, Players: g.players, JoinCode: "113433"})
	has(t, whole(g.card()), "Join code: `113433`")
}

// TestWordsInAnyOrder: numbers decide, not arrival.
func TestWordsInAnyOrder(t *testing.T) {
	bo := world.Player{Owner: "1", Name: "Bo"}
	t.Run("an old heartbeat", func(t *testing.T) {
		g := newStage(t)
		g.toOnline()
		g.hearAs(1, g.seq+5, &world.Heartbeat{GameUp: true, Listening: true, Players: []world.Player{bo}})
		g.hearAs(1, g.seq+3, &world.Heartbeat{GameUp: true, Listening: true})
		if n := g.s.OnlinePlayers(); n != 1 {
			t.Errorf("players: got %d, want 1", n)
		}
	})
	t.Run("an old leave", func(t *testing.T) {
		g := newStage(t)
		g.toOnline()
		g.hearAs(1, g.seq+5, &world.Heartbeat{GameUp: true, Listening: true, Players: []world.Player{bo}})
		g.hearAs(1, g.seq+2, &world.Disconnected{Player: bo, Reason: "left"})
		g.hearAs(1, g.seq+1, &world.Connected{})
		if n := g.s.OnlinePlayers(); n != 1 {
			t.Errorf("players: got %d, want 1", n)
		}
	})
	t.Run("a leave before its join", func(t *testing.T) {
		g := newStage(t)
		g.toOnline()
		g.hearAs(1, g.seq+2, &world.Disconnected{Player: bo, Reason: "left"})
		g.hearAs(1, g.seq+1, &world.Spawned{Player: bo})
		g.seq += 2
		g.heartbeat()
		if n := g.s.OnlinePlayers(); n != 0 {
			t.Errorf("players after the heartbeat: got %d, want 0", n)
		}
	})
	t.Run("listening after the crash", func(t *testing.T) {
		g := newStage(t)
		g.toLoading()
		g.hearAs(1, g.seq+2, &world.Crashed{Restarting: true})
		g.hearAs(1, g.seq+1, &world.Listening{})
		g.status(world.Loading)
		g.seq += 2
		g.hear(&world.Listening{})
		g.status(world.Online)
	})
	t.Run("listening lost", func(t *testing.T) {
		g := newStage(t)
		g.toLoading()
		g.hear(&world.Heartbeat{GameUp: true, Listening: true})
		g.status(world.Online)
		g.tells(world.ChatLine, "is burning")
	})
	t.Run("the proof twice", func(t *testing.T) {
		g := newStage(t)
		g.toStopping()
		g.proves(world.StopOrdered)
		g.proves(world.StopOrdered)
		g.tells(world.ChatLine, "is saved")
	})
	t.Run("a heartbeat after the proof", func(t *testing.T) {
		g := newStage(t)
		g.toOnline()
		g.notice()
		g.proves(world.StopNotice)
		g.hear(&world.Heartbeat{Players: []world.Player{bo}})
		if n := g.s.OnlinePlayers(); n != 0 {
			t.Errorf("players: got %d, want 0", n)
		}
	})
}

// TestOldBoot: whatever an older boot says changes nothing.
func TestOldBoot(t *testing.T) {
	g := newStage(t)
	g.toOnline()
	g.vanish()
	g.comesUp("b")
	for typ, p := range worldtest.Payloads() {
		word, ok := p.(world.AgentPayload)
		if !ok {
			continue
		}
		before := asJSON(t, g.s)
		g.s.Generation--
		if effects := g.hearAs(1, 999, word); len(effects) != 0 {
			t.Errorf("%s of boot 1: got %+v, want no effects", typ, effects)
		}
		if got := asJSON(t, g.s); got != before {
			t.Errorf("%s of boot 1 changed the state", typ)
		}
	}
	g.stop()
	g.proves(world.StopOrdered)
	before := asJSON(t, g.s)
	g.s.Generation--
	g.hear(&world.Heartbeat{Players: []world.Player{{Owner: "1", Name: "Ghost"}}})
	if got := asJSON(t, g.s); got != before {
		t.Error("a boot that is over changed the state")
	}
}

func TestNoBoot(t *testing.T) {
	g := newStage(t)
	if g.hearAs(0, 1, &world.Heartbeat{Players: []world.Player{{Owner: "1"}}}); g.s.OnlinePlayers() != 0 {
		t.Errorf("players of boot 0: got %d, want 0; boots count from 1", g.s.OnlinePlayers())
	}
}

func TestRefusals(t *testing.T) {
	for _, tc := range []struct {
		d    world.Refused
		want string
	}{
		{world.Refused{Reason: world.RefusedPassword}, "Somebody tried the wrong password. `/join` shows the right one"},
		{world.Refused{Reason: world.RefusedVersion, Theirs: "39", Mine: "40"}, "older version of Valheim than the server (theirs 39, the server's 40). Update the game in Steam or your store, then try again"},
		{world.Refused{Reason: world.RefusedVersion, Theirs: "41", Mine: "40"}, "newer version of Valheim than the server (theirs 41, the server's 40). `/stop` and `/start` bring **Midgard** up to date"},
		{world.Refused{Reason: world.RefusedVersion, Theirs: "1.0.17 (network version 41)", Mine: "1.0.16 (network version 40)"}, "the server's 1\\.0\\.16 \\(network version 40\\)). `/stop` and `/start` bring **Midgard** up to date"},
		{world.Refused{Reason: world.RefusedVersion, Theirs: "1.0.7 (network version 39)", Mine: "1.0.16 (network version 40)"}, "Update the game"},
		{world.Refused{Reason: world.RefusedVersion, Theirs: "0.147.3", Mine: "40"}, `(theirs 0\.147\.3, the server's 40). Update the game`},
		{world.Refused{Reason: world.RefusedVersion}, "different version of Valheim. Update the game in Steam or your store; if it is up to date, the server is older, and `/stop` and `/start` update **Midgard**"},
		{world.Refused{Reason: world.RefusedBanned, Name: "Bo"}, "**Bo** is banned, or not on the world's list. A keeper can change that"},
		{world.Refused{Reason: world.RefusedFull}, "the world is full"},
		{world.Refused{Reason: world.RefusedOther}, "Try once more"},
		{world.Refused{Reason: "new"}, "Try once more"},
	} {
		g := newStage(t)
		g.toOnline()
		g.hear(&tc.d)
		g.tells(world.ChatLine, tc.want)
	}
}

// TestRaid: told while people can come and help, and not of another time.
func TestRaid(t *testing.T) {
	raid := &world.Raid{Event: "army_bonemass"}
	t.Run("once", func(t *testing.T) {
		g := newStage(t)
		g.toOnline()
		g.hear(raid)
		g.hearAs(g.epoch, g.seq, raid) // the queue brings it again
		g.tells(world.ChatLine, "**Midgard** is under attack by Bonemass's army of draugr and skeletons. To arms!")
	})
	t.Run("and the next", func(t *testing.T) {
		g := newStage(t)
		g.toOnline()
		g.hear(raid)
		g.hear(&world.Raid{Event: "wolves"})
		g.tells(world.ChatLine, "Bonemass")
		g.tells(world.ChatLine, "wolves")
	})
	for _, tc := range []struct {
		late time.Duration
		want int
	}{{0, 1}, {rules.RaidLasts, 1}, {rules.RaidLasts + time.Second, 0}} {
		t.Run(fmt.Sprint("late by ", tc.late), func(t *testing.T) {
			g := newStage(t)
			g.toOnline()
			raid.Heard = world.Heard{Epoch: g.epoch, Seq: g.seq + 1}
			g.send(world.Event{Source: world.SourceAgent, Time: g.now.Add(-tc.late), Data: raid})
			if n := g.told(world.ChatLine, "under attack"); n != tc.want {
				t.Errorf("told %d times, want %d", n, tc.want)
			}
		})
	}
	t.Run("not while it stops", func(t *testing.T) {
		g := newStage(t)
		g.toStopping()
		g.hear(raid)
		g.tellsNot("under attack")
	})
	t.Run("not while it moves", func(t *testing.T) {
		g := newStage(t)
		g.toOnline()
		g.notice()
		g.hear(raid)
		g.tellsNot("under attack")
	})
}
