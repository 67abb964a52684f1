package oracle

import (
	"fmt"
	"regexp"
	"slices"
	"time"

	"hearth/internal/sim/chaos/games"
	"hearth/internal/sim/simcloud"
	"hearth/internal/sim/simdiscord"
	"hearth/internal/world"
)

// Machines looks at the machines there are, after each change: never two of one
// world (P8).
func (w *Witness) Machines(vms []simcloud.VMView) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, vm := range vms {
		w.record("machine %s %s", vm.ID, vm.State)
	}
	if len(vms) > 1 {
		w.violate("P8", "two machines at once: %s at %s and %s at %s", vms[0].ID, vms[0].Placement, vms[1].ID, vms[1].Placement)
	}
}

// Scale looks at a call that the cloud carries out while these machines are
// there: one is only asked for where no other place has one (P9).
func (w *Witness) Scale(placement string, capacity int, vms []simcloud.VMView) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.record("scale %s to %d", placement, capacity)
	if capacity == 0 {
		return
	}
	w.asks++
	w.unseen(placement)
	for _, vm := range vms {
		if vm.Placement != placement {
			w.violate("P9", "a machine is asked for at %s while %s is at %s", placement, vm.ID, vm.Placement)
		}
	}
}

// Asks is how often a machine was asked for, anywhere.
func (w *Witness) Asks() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.asks
}

// UpWithin is how long it may take to come up once there is a machine to be had.
const UpWithin = 15 * time.Minute

// Scarce is a time in which no place had a machine, and nothing else was wrong.
type Scarce struct {
	Asked    time.Time // when somebody wanted one
	Back     time.Time // when there was one again
	Places   int
	Calls    int                  // in which one was asked for meanwhile
	Up       bool                 // the world was up within UpWithin of Back
	Messages []simdiscord.Message // that people see
}

// Scarce looks at a time in which no place had a machine (P15): that was told
// within two minutes, with the time of the next try; the cloud was not asked more
// often than once every two minutes at each place; and the world came up once
// there was one.
func (w *Witness) Scarce(s Scarce) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.record("no machine for %v, %d calls", s.Back.Sub(s.Asked), s.Calls)
	const saidWithin, askedEvery = 2 * time.Minute, 2 * time.Minute
	told := regexp.MustCompile(`no machine for .* anywhere right now\. I try again <t:(\d+):R>`)
	said := slices.ContainsFunc(s.Messages, func(m simdiscord.Message) bool {
		found, next := told.FindStringSubmatch(m.Content), int64(0)
		if found == nil || m.Timestamp.Before(s.Asked) || m.Timestamp.Sub(s.Asked) > saidWithin {
			return false
		}
		_, err := fmt.Sscan(found[1], &next)
		return err == nil && time.Unix(next, 0).After(m.Timestamp)
	})
	if !said {
		w.violate("P15", "no place had a machine, and nobody was told within %v when one is asked for next", saidWithin)
	}
	if most := s.Places * (1 + int(s.Back.Sub(s.Asked)/askedEvery)); s.Calls > most {
		w.violate("P15", "no place had a machine for %v, and the cloud was asked %d times, want %d at most", s.Back.Sub(s.Asked), s.Calls, most)
	}
	if !s.Up {
		w.violate("P15", "there was a machine again, and %v later the world is %s", UpWithin, w.state.Status)
	}
}

// Off is a machine that was switched off.
type Off struct {
	VM       string
	Deleted  bool                 // by us; otherwise it was taken
	Game     games.Truth          // its last game; the zero value: it had none
	Messages []simdiscord.Message // that people see
}

// MachineOff looks at a machine that was switched off: if we deleted it, its
// game had ended, or the loss is told (P10).
func (w *Witness) MachineOff(off Off) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.record("machine %s off, deleted %v", off.VM, off.Deleted)
	g := off.Game
	// A game that was killed ends a moment before its machine is off.
	runs := !g.Over() || g.Killed && w.o.Clock.Now().Sub(g.Ended) < time.Second
	if !off.Deleted || g.Opened.IsZero() || !runs || w.lossTold(g.Began, off.Messages) {
		return
	}
	w.violate("P10", "machine %s was deleted while its game ran, and no loss was told (status %s)", off.VM, w.state.Status)
}

// lossTold: people were told since then that something may be lost, or are about
// to be. w.mu is held.
func (w *Witness) lossTold(since time.Time, messages []simdiscord.Message) bool {
	loss := losses()
	return slices.ContainsFunc(w.state.Pending, func(p world.Pending) bool {
		return p.Effect.Chat != nil && loss.MatchString(p.Effect.Chat.Say.Text)
	}) || slices.ContainsFunc(messages, func(m simdiscord.Message) bool {
		return !m.Timestamp.Before(since) && loss.MatchString(m.Content)
	})
}

// losses are the ways to tell that something is lost.
func losses() *regexp.Regexp {
	return regexp.MustCompile(`not proven in ten minutes|silent for ten minutes|before it could prove|without a save|crashed again|started over`)
}
