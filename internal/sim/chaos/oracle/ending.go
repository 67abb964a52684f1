package oracle

import (
	"slices"
	"time"

	"hearth/internal/sim/chaos/games"
	"hearth/internal/sim/simcloud"
	"hearth/internal/sim/simdiscord"
	"hearth/internal/world"
)

const (
	settleWithin = 15 * time.Minute // a status between stopped and online lasts no longer when nothing goes wrong
	effectWithin = 3 * time.Minute  // nor does an effect wait longer
)

// Quiet is how everything stands some time after the last fault.
type Quiet struct {
	Lasts time.Duration // since then
	Cloud simcloud.Snapshot
	Game  *games.Truth // that runs, or nil
	Logs  []games.Log
}

// Calm looks at the world some time after the last fault: it is as people want
// it (P15, P20), the players are those who are in (P16), and all that was said
// was heard (P17).
func (w *Witness) Calm(q Quiet) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.record("check")
	cloud, game := q.Cloud, q.Game
	w.fresh(q)
	w.asWanted()
	st := &w.state
	switch st.Status {
	case world.Stopped, world.Failed:
		w.asleep(cloud)
	case world.Online:
		if len(cloud.VMs) != 1 || game == nil || !game.Ready() {
			w.violate("P15", "the world is online by the row, with %d machines and no open game", len(cloud.VMs))
			return
		}
		var names []string
		for _, p := range st.Boot.Players {
			names = append(names, p.Name)
		}
		slices.Sort(names)
		if in := game.Players(); !slices.Equal(names, in) || st.Boot.Connecting != 0 {
			w.violate("P16", "players by the row: %v and %d connecting; in truth: %v", names, st.Boot.Connecting, in)
		}
	default:
		if since := w.o.Clock.Now().Sub(st.Since); since > settleWithin {
			w.violate("P15", "after %v without a fault the world is %s since %v (%d machines)", q.Lasts, st.Status, since, len(cloud.VMs))
		}
	}
}

// asleep: nothing runs, nothing costs money (P20), nobody is in (P16). w.mu is
// held.
func (w *Witness) asleep(cloud simcloud.Snapshot) {
	if n := len(cloud.VMs); n > 0 {
		w.violate("P20", "the world is %s, and %s is there", w.state.Status, cloud.VMs[0].ID)
	}
	for _, p := range cloud.Placements {
		if p.Capacity != 0 || p.Toward != 0 {
			w.violate("P20", "the world is %s, and %s has capacity %d", w.state.Status, p.ID, p.Capacity)
		}
	}
	if n := w.state.OnlinePlayers(); n != 0 {
		w.violate("P16", "the world is %s with %d players", w.state.Status, n)
	}
}

// Scene is how everything stands at the end.
type Scene struct {
	Lasted   time.Duration // since the last /stop
	Cloud    simcloud.Snapshot
	Saved    Saved
	Messages []simdiscord.Message // that people see
	Poisoned int                  // messages that no delivery could handle
	Logs     []games.Log
}

// End looks at the end: the fire is out (P15, P20), the world is whole (P10),
// every command was answered (P2), and all that was said was heard (P17) or is
// told to be lost (P18).
func (w *Witness) End(s Scene) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.record("end")
	w.whole(s.Saved)
	w.heardOf(s.Logs)
	w.handledAll()
	if st := w.state.Status; st != world.Stopped && st != world.Failed {
		w.violate("P15", "%v after the last /stop the world is %s", s.Lasted, st)
	} else {
		w.asleep(s.Cloud)
	}
	for _, p := range w.state.Pending {
		if age := w.o.Clock.Now().Sub(w.hungAt[p.ID]); age > effectWithin {
			w.violate("P2", "an effect of %s is pending for %v", p.Event, age)
		}
	}
	w.counts.Poisoned += s.Poisoned
	messages := map[string]simdiscord.Message{}
	for _, m := range s.Messages {
		messages[m.ID] = m
	}
	for _, id := range w.order {
		w.answered(w.commands[id], messages)
	}
}
