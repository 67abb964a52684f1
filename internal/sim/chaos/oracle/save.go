package oracle

import (
	"errors"
	"io/fs"
	"time"

	"hearth/internal/sim/chaos/games"
	"hearth/internal/sim/simgame"
	"hearth/internal/world"
)

// Saved is the world as its files hold it.
type Saved struct {
	World simgame.World
	Err   error // simgame.ReadWorld's
}

// GameStarts looks at a game before it runs: no other runs on the same world
// (P8), which is whole and never older than it was (P10).
func (w *Witness) GameStarts(vm string, other *games.Truth, saved Saved) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.record("game starts on %s", vm)
	if other != nil {
		w.violate("P8", "a game starts on %s while one runs on %s", vm, other.VM)
		return
	}
	w.whole(saved)
}

// whole: the files are whole and hold at least as many saves as ever before
// (P10). w.mu is held.
func (w *Witness) whole(saved Saved) {
	switch {
	case errors.Is(saved.Err, fs.ErrNotExist) && w.saves == 0:
	case saved.Err != nil:
		w.violate("P10", "the world is lost: %v", saved.Err)
	case saved.World.Saves < w.saves:
		w.violate("P10", "the world went back from save %d to %d", w.saves, saved.World.Saves)
	default:
		w.saves = saved.World.Saves
	}
}

// AgentSays looks at an event as an agent sends it: it can be read (P21), and a
// save that it calls proven is one (P11). look tells the last game of the
// agent's machine, of which the zero value is none, and what is saved.
func (w *Witness) AgentSays(vm string, body []byte, look func() (games.Truth, Saved)) {
	e, err := world.Decode(body, w.o.KeyOf)
	if err != nil {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.violate("P21", "an agent sends what nobody can read: %v", err)
		return
	}
	if up, ok := e.Data.(*world.HostUp); ok && up.Continues {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.continues[up.Epoch] = true
		return
	}
	p, ok := e.Data.(*world.SaveProven)
	if !ok || !p.Confirmed {
		return
	}
	g, saved := look()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.record("save proven on %s", vm)
	switch {
	case !w.hadGame(p.Epoch, g): // that one was another boot's
	case p.Untouched:
		if !g.Opened.IsZero() {
			w.violate("P11", "%s says that nobody could change the world, and the door was open", vm)
		}
	case !g.Over() || g.Crashed():
		w.violate("P11", "%s proves a save, and its game has not ended by itself: over %v, killed %v, %v", vm, g.Over(), g.Killed, g.Err)
	default:
		w.memoryOf(vm).told[g.ID] = true
		if w.whole(saved); saved.Err != nil {
			return
		}
		if lost := g.Missing(saved.World); len(lost) > 0 {
			w.violate("P11", "%s proves a save that lacks %v", vm, lost)
		}
	}
}

// hadGame: the game was this boot's, or went on under it. w.mu is held.
func (w *Witness) hadGame(epoch int64, g games.Truth) bool {
	for epoch > g.Epoch && w.continues[epoch] {
		epoch--
	}
	return epoch == g.Epoch
}

// Acquired looks at a lease that is given to a machine: no game runs on another
// one any more (P8).
func (w *Witness) Acquired(vm string, epoch int64, game *games.Truth) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.record("lease %d to %s", epoch, vm)
	w.leased[epoch] = vm
	if game != nil && game.VM != vm {
		w.violate("P8", "%s has the lease while the game of %s runs", vm, game.VM)
	}
}

// fencedWithin is how long a game may go on without its lease while an agent
// lives that could end it: as long as the lease lasts, and what an agent needs to
// find both.
const fencedWithin = world.LeaseDuration + 15*time.Second

// Fenced looks at a game that runs, with its agent alive for so long: its machine
// has the lease (P8). epoch is whose it is; 0: nobody's.
func (w *Witness) Fenced(game games.Truth, alive time.Duration, epoch int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if game.Over() || alive < fencedWithin || epoch != 0 && w.leased[epoch] == game.VM {
		return
	}
	w.violate("P8", "the game of %s runs without its lease, and its agent lives for %v", game.VM, alive)
}
