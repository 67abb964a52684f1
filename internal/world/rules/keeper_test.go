package rules_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"hearth/internal/world"
	"hearth/internal/world/rules"
)

func TestLog(t *testing.T) {
	ask := func(g *stage, lines int) (string, string) {
		g.t.Helper()
		id := g.id()
		return g.say(cmd{name: world.CmdLog, keeper: true, private: true, lines: lines, id: id}), id
	}
	t.Run("asked and told", func(t *testing.T) {
		for lines, want := range map[int]int{0: rules.DefaultTail, 1: 1, 77: 77, 100: 100, 101: world.MaxTailLines, -1: rules.DefaultTail} {
			g := newStage(t)
			g.toOnline()
			answer, id := ask(g, lines)
			has(t, answer, "of the log of **Midgard** come in the keeper's channel in a moment")
			if want > 1 {
				has(t, answer, fmt.Sprintf("The last %d lines", want))
			}
			if o := g.lastOrder(); o.Kind != world.OrderLogTail || o.Lines != want || o.Operation != id || o.Epoch != 1 || !o.Issued.Equal(g.now) {
				t.Errorf("%d lines: order %+v, want a log tail of %d for %s", lines, o, want, id)
			}
			tail := func() { g.hear(&world.LogTail{Operation: id, Lines: []string{"older", "newer ```<@1>"}}) }
			tail()
			tail() // the order came twice
			g.tells(world.ChatKeeper, "The end of the log of **Midgard**:\n```\nolder\nnewer '''<@1>\n```")
			if n := g.told(world.ChatLine, ""); n != 0 {
				t.Errorf("the channel was told %d things, want none", n)
			}
			g.pass(3 * time.Minute)
			g.tellsNot("did not come")
		}
	})
	t.Run("while it loads and stops", func(t *testing.T) {
		for _, to := range []func(*stage){(*stage).toLoading, (*stage).toStopping} {
			g := newStage(t)
			to(g)
			_, id := ask(g, 0)
			if o := g.lastOrder(); o.Kind != world.OrderLogTail {
				t.Errorf("%s: order %+v, want a log tail", g.s.Status, o)
			}
			g.hear(&world.LogTail{Operation: id})
			g.tells(world.ChatKeeper, "The log of **Midgard** is empty")
		}
	})
	t.Run("refused in words", func(t *testing.T) {
		for _, tc := range []struct {
			to   func(*stage)
			want string
		}{
			{func(*stage) {}, "is out, and its log goes with the machine. `/start` lights it"},
			{func(g *stage) { g.start() }, "its machine has not spoken yet. Try again in a minute"},
			{(*stage).toBooting, "its machine has not spoken yet"},
			{func(g *stage) { g.toOnline(); g.notice() }, "is moving to another machine"},
			{func(g *stage) { g.toStopping(); g.proves(world.StopOrdered) }, "has nobody on its machine any more"},
		} {
			g := newStage(t)
			tc.to(g)
			g.hush()
			answer, _ := ask(g, 0)
			has(t, answer, tc.want)
			if len(g.orders) != 0 || g.s.Tail != nil {
				t.Errorf("%s: ordered %+v", g.s.Status, g.orders)
			}
		}
	})
	t.Run("by a player", func(t *testing.T) {
		g := newStage(t)
		g.toOnline()
		has(t, g.say(cmd{name: world.CmdLog, private: true}), "The game's log is for keepers")
		if len(g.orders) != 0 {
			t.Errorf("ordered %+v", g.orders)
		}
	})
	t.Run("nobody asked", func(t *testing.T) {
		g := newStage(t)
		g.toOnline()
		g.hear(&world.LogTail{Operation: "99", Lines: []string{"spam"}})
		g.tellsNot("spam")
	})
	t.Run("asked twice", func(t *testing.T) {
		g := newStage(t)
		g.toOnline()
		_, first := ask(g, 1)
		_, second := ask(g, 2)
		g.hear(&world.LogTail{Operation: first, Lines: []string{"of the first"}})
		g.hear(&world.LogTail{Operation: second, Lines: []string{"of the second"}})
		g.tells(world.ChatKeeper, "of the second")
		g.tellsNot("of the first")
	})
	t.Run("unanswered", func(t *testing.T) {
		g := newStage(t)
		g.toOnline()
		ask(g, 0)
		g.pass(rules.TailWithin)
		g.tellsNot("did not come")
		g.pass(rules.CheckEvery)
		g.tells(world.ChatKeeper, "The log of **Midgard** did not come: its machine did not answer")
		g.pass(10 * time.Minute)
		g.tells(world.ChatKeeper, "did not come")
	})
	t.Run("refused by the agent", func(t *testing.T) {
		g := newStage(t)
		g.toOnline()
		_, id := ask(g, 0)
		g.hear(&world.OrderRefused{Operation: "another", Kind: world.OrderLogTail, Reason: world.OrderExpired})
		g.tellsNot("did not come")
		g.hear(&world.OrderRefused{Operation: id, Kind: world.OrderLogTail, Reason: world.OrderExpired})
		g.tells(world.ChatKeeper, "did not come")
	})
	t.Run("of a silent machine", func(t *testing.T) {
		g := newStage(t)
		g.toOnline()
		g.beating = false
		g.pass(3 * time.Minute)
		answer, _ := ask(g, 0)
		has(t, answer, "its machine does not speak right now")
	})
}

// TestNotKept: the keeper learns why there is no new snapshot, and nothing else
// changes.
func TestNotKept(t *testing.T) {
	for reason, want := range map[world.SnapshotReason][2]string{
		world.SnapshotSetup:    {"its machine does not know how to reach the share", "Look at `share` and `share_file`"},
		world.SnapshotDenied:   {"does not let the machine in", "whether its key was changed"},
		world.SnapshotNoShare:  {"there is no such share", "into the portal"},
		world.SnapshotFull:     {"as many snapshots as Azure allows", "Delete some in the portal that are not Hearth's"},
		world.SnapshotNoAnswer: {"Azure gave no answer", "If I say so again next time"},
		"new":                  {"Azure gave no answer", "If I say so again next time"},
	} {
		t.Run(string(reason), func(t *testing.T) {
			g := newStage(t)
			g.toLoading()
			told := &world.NotKept{Reason: reason, Code: "Some*Code"}
			g.hear(told)
			g.tells(world.ChatKeeper, "starts without a new snapshot: ")
			g.tells(world.ChatKeeper, want[0])
			g.tells(world.ChatKeeper, `(Some\*Code). Nothing is lost by it`)
			g.tells(world.ChatKeeper, want[1])
			g.status(world.Loading)
			if n := g.told(world.ChatKeeper, "without a new snapshot"); n != 1 {
				t.Errorf("told %d times, want once", n)
			}
		})
	}
}

func TestWordsLost(t *testing.T) {
	g := newStage(t)
	g.toOnline()
	lost := func(n int64) { g.hear(&world.WordsLost{Count: n}) }
	lost(0)
	lost(-5)
	g.tellsNot("lost")
	lost(1)
	g.tells(world.ChatKeeper, "that one of the things it had to tell is lost by now")
	lost(311)
	g.tells(world.ChatKeeper, "that 312 of the things it had to tell are lost by now")
	lost(1 << 62)
	lost(1 << 62)
	for _, c := range g.chats {
		if c.Kind == world.ChatKeeper && c.Key != "words_lost" {
			t.Errorf("key: got %q, want one such message to wait at most", c.Key)
		}
	}
	if got := g.s.Boot.WordsLost; got < 0 || got > 1e9 {
		t.Errorf("lost words: got %d, want a bound", got)
	}
}

// TestSaveAge holds P14: somebody is on, and the game does not save.
func TestSaveAge(t *testing.T) {
	const alarm = "has not saved for"
	playing := func(t *testing.T) *stage {
		g := newStage(t)
		g.toOnline()
		g.join("1", "Bo")
		return g
	}
	t.Run("it saves", func(t *testing.T) {
		g := playing(t)
		for range 12 {
			g.pass(5 * time.Minute)
			g.hear(&world.Saved{})
		}
		g.tellsNot(alarm)
		g.tellsNot("has not saved")
	})
	t.Run("it does not", func(t *testing.T) {
		g := playing(t)
		g.pass(rules.SaveAgeMost)
		g.tellsNot(alarm)
		g.pass(rules.CheckEvery + time.Second)
		g.tells(world.ChatKeeper, "has not saved for 13 min, and people are playing; it should every five minutes")
		has(t, whole(g.card()), "the game has not saved for a while")
		g.pass(time.Hour)
		g.tells(world.ChatKeeper, alarm)
		g.hear(&world.Saved{})
		if text := whole(g.card()); strings.Contains(text, "has not saved") {
			t.Errorf("saved, and the card says %q", text)
		}
		g.pass(time.Hour)
		g.tells(world.ChatKeeper, alarm) // once a game
		has(t, whole(g.card()), "the game has not saved for a while")
		g.hear(&world.Heartbeat{Listening: true, Players: g.players, LastSave: g.now})
		if text := whole(g.card()); strings.Contains(text, "has not saved") {
			t.Errorf("saved, and the card says %q", text)
		}
	})
	t.Run("nor does the next game", func(t *testing.T) {
		g := playing(t)
		g.pass(rules.SaveAgeMost + rules.CheckEvery + time.Second)
		g.tells(world.ChatKeeper, alarm)
		g.hear(&world.Crashed{Restarting: true, LastSave: g.now})
		g.hear(&world.Listening{})
		g.join("2", "Bo")
		g.pass(rules.SaveAgeMost + rules.CheckEvery + time.Second)
		if n := g.told(world.ChatKeeper, alarm); n != 2 {
			t.Errorf("told %d times, want once of each game", n)
		}
	})
	t.Run("nobody is on", func(t *testing.T) {
		g := playing(t)
		g.c.IdleMinutes = 720
		g.leave("1")
		g.pass(3 * time.Hour)
		g.tellsNot(alarm)
		g.join("1", "Bo") // whose time begins now
		g.pass(rules.SaveAgeMost)
		g.tellsNot(alarm)
		g.pass(rules.CheckEvery + time.Second)
		g.tells(world.ChatKeeper, alarm)
		g.leave("1")
		if text := whole(g.card()); strings.Contains(text, "has not saved") {
			t.Errorf("nobody is on, and the card says %q", text)
		}
	})
	t.Run("silent", func(t *testing.T) {
		g := playing(t)
		g.pass(8 * time.Minute)
		g.beating = false
		g.pass(9 * time.Minute)
		g.tellsNot(alarm) // its saves are as unheard as all else
	})
	t.Run("the next boot", func(t *testing.T) {
		g := playing(t)
		g.pass(rules.SaveAgeMost + time.Minute)
		g.proves(world.StopNotice)
		g.boot()
		g.hear(&world.Listening{})
		g.join("1", "Bo")
		g.hush()
		g.pass(rules.SaveAgeMost + time.Minute)
		g.tells(world.ChatKeeper, alarm)
	})
}

// TestRefusedAgain: whoever tries again and again is told of once a minute, with
// the count.
func TestRefusedAgain(t *testing.T) {
	g := newStage(t)
	g.toOnline()
	wrong := func(name string) { g.hear(&world.Refused{Reason: world.RefusedPassword, Name: name}) }
	const line = "tried the wrong password"
	for range 8 {
		wrong("")
		g.pass(time.Second)
	}
	g.tells(world.ChatLine, line)
	wrong("Bo") // somebody else
	g.tells(world.ChatLine, "**Bo** tried the wrong password")
	g.hear(&world.Refused{Reason: world.RefusedVersion})
	g.tells(world.ChatLine, "has a different version")
	g.pass(rules.RefusedAgain)
	wrong("")
	g.tells(world.ChatLine, "Somebody tried the wrong password. `/join` shows the right one. It was so 7 times more since I said it last.")
	g.pass(rules.RefusedAgain)
	g.hush()
	wrong("")
	g.tells(world.ChatLine, "Somebody tried the wrong password. `/join` shows the right one.")
	g.tellsNot("more since")
	wrong("")
	g.pass(rules.RefusedAgain)
	wrong("")
	g.tells(world.ChatLine, "It was so once more since I said it last.")
	for i := range 20 {
		wrong(fmt.Sprint("Eve", i))
	}
	if n := len(g.s.Boot.Refusals); n != world.MaxRefusals {
		t.Errorf("refusals remembered: got %d, want %d", n, world.MaxRefusals)
	}
}
