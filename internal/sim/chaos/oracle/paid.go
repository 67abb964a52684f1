package oracle

import (
	"maps"
	"time"

	"hearth/internal/sim/simcloud"
	"hearth/internal/world"
)

const (
	// wasteMost is how long a machine may run that no row wants, or that nobody
	// hears of.
	wasteMost = 10 * time.Minute
	// seenWithin is what it takes beyond that to see that the time is over: a
	// check, and a worker's time to get to it. lateWithin is what it takes more
	// when a check came late meanwhile: the word of the machine may lie in the
	// queue beside it.
	seenWithin = 90 * time.Second
	lateWithin = 2 * time.Minute
	// checkMost is how long after a check the next one comes. Beyond, time does
	// not count; somewhat later it is late.
	checkMost = 31 * time.Second
	lateAfter = 10 * time.Second
)

// paid is what is known of a machine while it is there.
type paid struct {
	seen   time.Time     // when Paid looked last
	wanted time.Duration // for how long it is not
	heard  time.Duration // likewise
	word   time.Time     // its agent's last
	told   bool
}

// Paid looks at the machines that there are, every so often: each is wanted by
// the row and heard of, or goes within wasteMost (P20). What excuses: the bot or
// its storage is away, or its checks do not come; that time does not count. Time
// counts anew once a silent machine is given up: it is unwanted from then on.
func (w *Witness) Paid(vms []simcloud.VMView, away bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	now, there := w.o.Clock.Now(), map[string]bool{}
	awake := w.state.Status != world.Stopped && w.state.Status != world.Failed
	if awake && now.Sub(w.checked) > checkMost {
		away = true
	}
	if awake && now.Sub(w.checked) > checkMost+lateAfter {
		w.late = now
	}
	slack := seenWithin
	if now.Sub(w.late) < wasteMost+seenWithin+lateWithin {
		slack += lateWithin
	}
	for _, vm := range vms {
		there[vm.ID] = true
		p := w.paid[vm.ID]
		if p == nil {
			p = &paid{seen: now}
			w.paid[vm.ID] = p
		}
		passed := now.Sub(p.seen)
		if away {
			passed = 0
		}
		p.seen = now
		p.wanted, p.heard = p.wanted+passed, p.heard+passed
		if w.wants(vm) {
			p.wanted = 0
		} else {
			p.heard = 0
		}
		if m := w.memories[vm.ID]; m != nil && m.last.After(p.word) {
			p.word, p.heard = m.last, min(p.heard, now.Sub(m.last))
		}
		switch {
		case p.told:
		case p.wanted > wasteMost:
			p.told = true
			w.violate("P20", "%s (%s) runs for %v and nobody wants it", vm.ID, vm.State, p.wanted)
		case p.heard > wasteMost+slack:
			p.told = true
			w.violate("P20", "%s (%s) is not heard of for %v, and still wanted", vm.ID, vm.State, p.heard)
		}
	}
	maps.DeleteFunc(w.paid, func(id string, _ *paid) bool { return !there[id] })
}

// wants: the row wants a machine where this one is. w.mu is held.
func (w *Witness) wants(vm simcloud.VMView) bool {
	st := &w.state
	return st.Status != world.Stopped && st.Status != world.Failed && st.Cloud.Want == 1 && st.Cloud.Placement == vm.Placement
}
