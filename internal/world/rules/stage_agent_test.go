package rules_test

import (
	"slices"
	"time"

	"hearth/internal/world"
)

// ---- The agent of a stage, and the ways to where a test begins.

// hear gives the next word of the present boot.
func (g *stage) hear(p world.AgentPayload) []world.Effect {
	g.t.Helper()
	g.seq++
	return g.hearAs(g.epoch, g.seq, p)
}

// hearAs gives a word of any boot and number.
func (g *stage) hearAs(epoch, seq int64, p world.AgentPayload) []world.Effect {
	g.t.Helper()
	h := p.AsHeard()
	h.Epoch, h.Seq = epoch, seq
	return g.send(world.Event{Source: world.SourceAgent, Time: g.now.Add(g.ahead), Data: p})
}

func (g *stage) heartbeat() {
	g.t.Helper()
	g.beat = g.now
	up := g.s.Status == world.Online
	g.hear(&world.Heartbeat{GameUp: true, Listening: up, Players: slices.Clone(g.players)})
}

// boot: an agent speaks for the first time.
func (g *stage) boot() {
	g.t.Helper()
	g.epoch++
	g.seq, g.players = 0, nil
	g.hear(&world.HostUp{Machine: world.Machine{Name: g.vm(), Address: "203.0.113.7"}})
	g.beating, g.beat = true, g.now
}

func (g *stage) vm() string {
	for _, p := range g.places {
		if p.vm != "" {
			return p.vm
		}
	}
	return ""
}

// toBooting gives /start and waits for the machine.
func (g *stage) toBooting() {
	g.t.Helper()
	g.start()
	g.untilStatus(2*time.Minute, world.Booting)
}

func (g *stage) toLoading() {
	g.t.Helper()
	g.toBooting()
	g.boot()
	g.status(world.Loading)
}

func (g *stage) toOnline() {
	g.t.Helper()
	g.toLoading()
	g.hear(&world.Listening{Version: "40"})
	g.status(world.Online)
	g.hear(&world.Saved{})
	g.hush()
}

// toStopping gives /stop to a world with nobody on.
func (g *stage) toStopping() {
	g.t.Helper()
	g.toOnline()
	g.stop()
	g.status(world.Stopping)
	g.hush()
}

func (g *stage) join(owner, name string) {
	g.t.Helper()
	p := world.Player{Owner: owner, Name: name}
	g.players = append(g.players, p)
	g.hear(&world.Connected{})
	g.hear(&world.Spawned{Player: p})
}

func (g *stage) leave(owner string) {
	g.t.Helper()
	i := slices.IndexFunc(g.players, func(p world.Player) bool { return p.Owner == owner })
	p := g.players[i]
	g.players = slices.Delete(g.players, i, i+1)
	g.hear(&world.Disconnected{Player: p, Reason: "left"})
}

// proves: the game is down and the world saved, as the last order asked.
func (g *stage) proves(why world.StopWhy) {
	g.t.Helper()
	g.beating, g.players = false, nil
	g.hear(&world.SaveProven{Why: why, Operation: g.s.Op.ID, Confirmed: true, Took: 1300 * time.Millisecond, Size: 12_345_678, LastSave: g.now})
}

// notice: the cloud announces that it takes the machine.
func (g *stage) notice() {
	g.t.Helper()
	g.hear(&world.Noticed{Kind: "Preempt", NotBefore: g.now.Add(30 * time.Second)})
}

func (g *stage) lastOrder() world.Order {
	g.t.Helper()
	if len(g.orders) == 0 {
		g.t.Fatal("no order was given")
	}
	return g.orders[len(g.orders)-1]
}
