package games

import (
	"slices"
	"time"

	"hearth/internal/sim/simgame"
)

// Truth is what is true of a game at one instant. Began and Ended are on the
// clock of the world outside, all other times on the game's.
type Truth struct {
	Now     time.Time // when it is true
	ID      string    // the game's
	VM      string    // that it runs on
	Life    int       // of the agent on that machine that started it
	Epoch   int64     // of the boot that started it
	Began   time.Time
	Saved   time.Time            // when its last save was finished
	Opened  time.Time            // when players could connect; zero: not yet
	Coded   bool                 // the join code is there, if one is needed
	Asked   time.Time            // when it was first asked to save and end
	Killed  bool                 // it was told to end at once
	Ended   time.Time            // when it ceased to do anything
	Err     error                // how it ended
	Arrived map[string]time.Time // who was told to join and not to leave, and when
	Died    map[string]time.Time // who died last when
	Changes []Change             // besides the arrivals of those who are in
}

// Change is something that a save must hold.
type Change struct {
	Name string
	What string // arrived, left or died, as the chronicle has it
	At   time.Time
}

const (
	spawnWithin   = 30 * time.Second // the longest that a player needs from the knock to the world
	respawnWithin = 15 * time.Second // the longest that a player is without a body
)

// Over is that it does nothing any more.
func (t Truth) Over() bool { return !t.Ended.IsZero() }

// Crashed is that it ended, or is about to, otherwise than by being asked to.
func (t Truth) Crashed() bool { return t.Killed || t.Err != nil }

// Ready is that players can join it, and it was not told to end.
func (t Truth) Ready() bool {
	return !t.Opened.IsZero() && t.Coded && t.Asked.IsZero() && !t.Crashed() && !t.Over()
}

// Players are those who must be in by now, in the order of their names.
func (t Truth) Players() []string {
	var names []string
	for name, at := range t.Arrived {
		if t.Now.Sub(at) > spawnWithin {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// Alive is that the player has a body to die with.
func (t Truth) Alive(name string) bool { return t.Now.Sub(t.Died[name]) > respawnWithin }

// Missing lists what should be in the world's last save, and is not: all that
// happened before the game was asked to end.
func (t Truth) Missing(w simgame.World) []Change {
	must := slices.Clone(t.Changes)
	for name, at := range t.Arrived {
		if t.Asked.Sub(at) > spawnWithin {
			must = append(must, Change{name, "arrived", at})
		}
	}
	return slices.DeleteFunc(must, func(c Change) bool {
		if len(w.Chronicle) == simgame.MaxChronicle && c.At.Before(w.Chronicle[0].At) {
			return true // forgotten, not lost
		}
		return slices.ContainsFunc(w.Chronicle, func(e simgame.Entry) bool {
			return e.Name == c.Name && e.What == c.What && !e.At.Before(c.At.Add(-time.Second)) && e.At.Before(c.At.Add(spawnWithin))
		})
	})
}
