package rules_test

import (
	"testing"

	"hearth/internal/world"
)

// Events come in any order: a heartbeat from before somebody came in knows
// nothing of them, and does not put them out again.
func TestHeartbeatOvertaken(t *testing.T) {
	g := newStage(t)
	g.toOnline()
	g.hearAs(g.epoch, g.seq+2, &world.Spawned{Player: world.Player{Owner: "1", Name: "Bo"}})
	g.hearAs(g.epoch, g.seq+1, &world.Heartbeat{GameUp: true, Listening: true})
	g.hearAs(g.epoch, g.seq+3, &world.Spawned{Player: world.Player{Owner: "2", Name: "Cleo"}})
	g.tells(world.ChatLine, "**Cleo** came in. 2 are on.")

	// The next one that has overtaken nothing is the truth.
	g.hearAs(g.epoch, g.seq+4, &world.Heartbeat{GameUp: true, Listening: true, Players: []world.Player{{Owner: "2", Name: "Cleo"}}})
	if n := g.s.OnlinePlayers(); n != 1 {
		t.Errorf("after a heartbeat with one player %d are on", n)
	}
}

// The card has names: it is drawn again when another takes somebody's place,
// too.
func TestHeartbeatWithOthers(t *testing.T) {
	g := newStage(t)
	g.toOnline()
	g.hear(&world.Spawned{Player: world.Player{Owner: "1", Name: "Bo"}})
	g.hush()
	g.hear(&world.Heartbeat{GameUp: true, Listening: true, Players: []world.Player{{Owner: "2", Name: "Cleo"}}})
	g.tells(world.ChatCard, "Cleo")
}
