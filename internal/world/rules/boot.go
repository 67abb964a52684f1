package rules

import (
	"slices"
	"strings"
	"time"

	"hearth/internal/world"
	"hearth/internal/world/words"
)

// newBoot: an agent with a higher epoch speaks for the first time.
func (r *reaction) newBoot() {
	s := &r.s
	switch s.Status {
	case world.Starting, world.Booting, world.Loading, world.Online:
		r.load()
	case world.Stopping:
		// It came up while it was no longer wanted. Its door may be open by
		// now, so its game is stopped first.
		r.keepMachine()
		r.awaitSave()
	case world.Stopped, world.Failed:
		s.Why = "" // it was told
		r.keeper(words.UnwantedMachine(&r.c, ""))
		r.s.Op = world.Operation{ID: r.e.ID, Since: r.now}
		r.enter(world.Stopping)
		r.startChecks()
		r.awaitSave()
	case world.Relocating:
		if s.Cloud.VM == "" {
			return // a straggler: its machine was seen to be gone
		}
		// A machine that was to go is up again by itself: it was redeployed, or
		// its agent died. Its door may be open by now, so it is not deleted
		// under who plays: the world stays. If the machine goes all the same,
		// that is one more move.
		r.keepMachine()
		r.load()
	}
}

// load: a boot is heard, and its game comes up.
func (r *reaction) load() {
	r.moveBoot()
	r.s.Session.Unbooted = 0
	r.enter(world.Loading)
	r.comesUp(0)
	r.within(ListenWithin)
	r.card()
}

// keepMachine wants the machine that was to be deleted. A scale to zero that no
// worker has told of is taken back; one that was begun may still fail, and if
// it does not, the machine is seen to go.
func (r *reaction) keepMachine() {
	c := &r.s.Cloud
	if c.Acting && c.Toward == 0 && c.Token == "" {
		c.Round++
		c.Acting = false
	}
	c.Want, c.Settled = 1, false
}

func (r *reaction) hostUp(d *world.HostUp) {
	s := &r.s
	r.foundAt(d.Machine.Name)
	r.machine(d.Machine)
	r.moveHostUp()
	if s.Unproven > 0 && r.proves(d, s.Unproven) {
		r.moveProvenLate(d.Previous)
		r.lastSave(d.Previous.LastSave)
		r.line(words.SavedAfterAll(&r.c, d.Previous.At))
	}
	s.Unproven = 0 // what stands beside the world's files is told
}

// foundAt: a machine that nobody wants speaks, and its name tells where it is:
// Azure names those of a scale set after it, with an underscore and some letters
// more (Flexible orchestration). It may be elsewhere than the last one was, or the
// row may know of none; it is given back there, not where it is not.
func (r *reaction) foundAt(name string) {
	s, c := &r.s, &r.s.Cloud
	if s.Status != world.Stopping || c.Want != 0 || c.Acting || c.VM != "" {
		return
	}
	set := name[:max(strings.LastIndexByte(name, '_'), 0)]
	for _, p := range r.c.Placements {
		if strings.EqualFold(set, p.ID) && p.ID != c.Placement {
			*c = world.Cloud{Placement: p.ID, Round: c.Round + 1}
			return
		}
	}
}

// proves: the boot that was left open had saved, and did not get to say so.
func (r *reaction) proves(d *world.HostUp, epoch int64) bool {
	return d != nil && d.Previous != nil && d.Previous.World == r.c.ID && d.Previous.Epoch == epoch && d.Previous.Confirmed
}

// leaveBoot remembers that the end of a boot that may have changed the world was
// not heard.
func (r *reaction) leaveBoot() {
	if b := &r.s.Boot; b.Opened && !b.Proven {
		r.s.Unproven = b.Epoch
	}
}

func (r *reaction) machine(m world.Machine) {
	m = world.Machine{Name: world.Visible(m.Name, world.MaxMachineRunes), Size: world.Visible(m.Size, world.MaxMachineRunes), Zone: world.Visible(m.Zone, world.MaxMachineRunes), Address: world.Visible(m.Address, world.MaxMachineRunes)}
	if m.Address == "" {
		m.Address = r.s.Boot.Machine.Address
	}
	r.s.Boot.Machine = m
	if c := &r.s.Cloud; c.VM == "" && c.Want == 1 && m.Name != "" {
		c.VM, c.Rented = m.Name, r.now // it speaks before the cloud tells of it
		r.moveMachine()
	}
}

// comesUp: from the event seq on, the game comes up.
func (r *reaction) comesUp(seq int64) {
	b := &r.s.Boot
	b.ComesUp = r.now
	if seq >= b.StepSeq { // else newer word of it is here already
		b.Step, b.StepSeq = "", seq
	}
}

// stepBegun: the card tells what is being done. The time in which the game is
// fetched is not the time in which it should listen.
func (r *reaction) stepBegun(d *world.StepBegun) {
	b := &r.s.Boot
	if r.s.Status != world.Loading || b.Proven || d.Seq <= b.StepSeq || !slices.Contains(world.Steps(), d.Step) {
		return
	}
	before := b.Step
	b.Step, b.StepSeq = d.Step, d.Seq
	if fetches(before) && !fetches(d.Step) {
		r.within(min(ListenWithin, r.upBy().Sub(r.now)))
	}
	r.card()
}

// keptSteps are the steps as a state keeps them: each once.
func keptSteps(steps []world.StepTook) []world.StepTook {
	var kept []world.StepTook
	for _, name := range world.Steps() {
		i := slices.IndexFunc(steps, func(t world.StepTook) bool { return t.Step == name })
		if i >= 0 {
			took := min(max(steps[i].Took, 0), 24*time.Hour)
			kept = append(kept, world.StepTook{Step: name, Took: took.Round(time.Second / 10)})
		}
	}
	return kept
}

// fetches: how long the step takes is a matter of how fast others send.
func fetches(s world.Step) bool { return s == world.StepImage || s == world.StepUpdate }

// upSince is since when the game comes up.
func (r *reaction) upSince() time.Time {
	if b := &r.s.Boot; !b.ComesUp.IsZero() {
		return b.ComesUp
	}
	return r.s.Since // the row is of a version that did not know
}

// upBy is when the game must listen at the latest, whatever the agent tells.
func (r *reaction) upBy() time.Time { return r.upSince().Add(FetchWithin + ListenWithin) }

// stillFetching gives a game that is being fetched more time. If its agent falls
// silent over it, silence gives it up.
func (r *reaction) stillFetching() bool {
	left := r.upBy().Sub(r.now) - ListenWithin
	if left <= 0 || !fetches(r.s.Boot.Step) {
		return false
	}
	r.within(min(left, ListenWithin))
	return true
}

// cannotStart: no game runs, and none will before somebody has looked at the
// world's files. So nothing is waited for.
func (r *reaction) cannotStart(d *world.CannotStart) {
	s, b := &r.s, &r.s.Boot
	if b.Proven {
		return
	}
	r.keeper(words.CannotStart(&r.c, d))
	switch s.Status {
	case world.Online, world.Relocating:
		if b.Opened { // the crash before it is still on its way
			r.line(words.GameGone(&r.c, s, r.now))
		}
	case world.Stopping:
		if b.Opened {
			return // the agent's proof tells what became of it
		}
		r.release()
		r.cardIfAny()
		return
	case world.Starting, world.Booting, world.Loading, world.Stopped, world.Failed:
	}
	r.fail(words.WhyFiles(d.Reason))
	r.cardIfAny()
}
