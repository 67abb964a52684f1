package rules_test

import (
	"testing"
	"time"

	"hearth/internal/world"
)

// TestStopWhenEmptyMeansThatPeopleLeft: players who are gone because the game
// crashed or the machine was taken have not left.
func TestStopWhenEmptyMeansThatPeopleLeft(t *testing.T) {
	armed := func(t *testing.T) *stage {
		g := newStage(t)
		g.toOnline()
		g.join("1", "Bo")
		g.button(world.CmdStopWhenEmpty, false)
		g.hush()
		return g
	}
	t.Run("crash", func(t *testing.T) {
		g := armed(t)
		g.players = nil
		g.hear(&world.Disconnected{Player: world.Player{Owner: "1", Name: "Bo"}, Reason: "server_stop"})
		g.hear(&world.Crashed{Restarting: true})
		g.status(world.Loading)
		g.tells(world.ChatLine, "crashed and starts again")
		g.heartbeat() // an empty roster of a game that loads
		g.status(world.Loading)
		g.hear(&world.Listening{})
		g.status(world.Online)
		g.tells(world.ChatLine, "does not go out as soon as it is empty any more")
		g.pass(2 * time.Minute)
		g.status(world.Online)
		if len(g.orders) > 0 {
			t.Errorf("got orders %+v, want none", g.orders)
		}
	})
	t.Run("eviction", func(t *testing.T) {
		g := armed(t)
		g.notice()
		g.players = nil
		g.proves(world.StopNotice)
		g.vanish()
		g.comesUp("b")
		g.tells(world.ChatLine, "does not go out as soon as it is empty any more")
		g.pass(2 * time.Minute)
		g.status(world.Online)
	})
	t.Run("start while it moves drops it", func(t *testing.T) {
		g := armed(t)
		g.notice()
		g.start()
		if g.s.WhenEmpty != nil {
			t.Error("the wish to stop when empty is still there")
		}
	})
}

// TestWhoWantsTheSameIsAnswered: of several people who ask for the same at
// once, the one whose command arrives last but was given first is told how
// things are, not that something newer counts.
func TestWhoWantsTheSameIsAnswered(t *testing.T) {
	g := newStage(t)
	asked := g.now
	g.now = g.now.Add(time.Second)
	g.start()
	has(t, g.say(cmd{name: world.CmdStart, at: asked}), "is already lighting **Midgard**")

	g = newStage(t)
	g.toOnline()
	asked = g.now
	g.now = g.now.Add(time.Second)
	g.stop()
	has(t, g.say(cmd{name: world.CmdStop, at: asked}), "is going out already")
}

// TestStartedOverIsTold: an agent with a higher epoch over a boot that was
// played and never proved its save.
func TestStartedOverIsTold(t *testing.T) {
	g := newStage(t)
	g.toOnline()
	g.join("1", "Bo")
	g.hush()
	g.players = nil
	g.boot()
	g.tells(world.ChatLine, "started over without word of a save. The last save I know of is")

	g = newStage(t)
	g.toOnline()
	g.s.Boot.LastSave = time.Time{}
	g.hush()
	g.boot()
	g.tells(world.ChatLine, "started over without word of a save. I know of no save in this session")

	g = newStage(t)
	g.toLoading()
	g.hush()
	g.boot()
	g.tellsNot("started over")
}

// TestGameGoesOn: the same game under the next epoch is nobody's news, and its
// words count.
func TestGameGoesOn(t *testing.T) {
	g := newStage(t)
	g.toOnline()
	g.join("1", "Ana")
	g.hush()
	g.epoch++
	g.seq = 0
	g.hear(&world.HostUp{Machine: g.s.Boot.Machine, Continues: true})
	g.status(world.Online)
	if len(g.chats) != 0 || g.s.Boot.Epoch != g.epoch || g.s.OnlinePlayers() != 1 {
		t.Errorf("said %v in epoch %d with %d on, want nothing, %d and Ana", g.chats, g.s.Boot.Epoch, g.s.OnlinePlayers(), g.epoch)
	}
	g.join("2", "Bo")
	g.tells(world.ChatLine, "Bo")
	g.heartbeat()
	if n := g.s.OnlinePlayers(); n != 2 {
		t.Errorf("%d on after a heartbeat, want 2", n)
	}
	g.hush()
	g.epoch += 2 // another one's game was in between
	g.seq = 0
	g.hear(&world.HostUp{Machine: g.s.Boot.Machine, Continues: true})
	g.status(world.Loading)
	g.tells(world.ChatLine, "started over")
}
