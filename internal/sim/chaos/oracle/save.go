package oracle

import (
	"errors"
	"io/fs"

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
func (w *Witness) AgentSays(vm string, life int, body []byte, look func() (games.Truth, Saved)) {
	e, err := world.Decode(body, w.o.KeyOf)
	if err != nil {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.violate("P21", "an agent sends what nobody can read: %v", err)
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
	case g.Life != life: // this agent had no game
	case p.Untouched:
		if !g.Opened.IsZero() {
			w.violate("P11", "%s says that nobody could change the world, and the door was open", vm)
		}
	case !g.Over() || g.Crashed():
		w.violate("P11", "%s proves a save, and its game has not ended by itself", vm)
	default:
		if w.whole(saved); saved.Err != nil {
			return
		}
		if lost := g.Missing(saved.World); len(lost) > 0 {
			w.violate("P11", "%s proves a save that lacks %v", vm, lost)
		}
	}
}
