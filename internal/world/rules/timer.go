package rules

import (
	"time"

	"hearth/internal/world"
	"hearth/internal/world/words"
)

func (r *reaction) timer(d *world.Timer) {
	s := &r.s
	switch d.Kind {
	case world.TimerLook:
		if d.Number != s.LookNo {
			return
		}
		s.LookNo++
		if r.cloudUnsettled() {
			r.look()
			r.lookSoon()
		}
	case world.TimerCheck:
		if d.Number == s.CheckNo {
			r.check()
		}
	case world.TimerDeadline:
		if d.Number == s.DeadlineNo && !s.Deadline.IsZero() {
			r.deadline()
		}
	}
}

// cloudUnsettled: what the cloud does now decides what comes next.
func (r *reaction) cloudUnsettled() bool {
	s := &r.s
	if s.Cloud.Acting || s.Cloud.Want == 1 && s.Cloud.VM == "" && s.RetryAt.IsZero() {
		return true
	}
	switch s.Status {
	case world.Relocating:
		return true
	case world.Starting:
		return s.RetryAt.IsZero()
	case world.Stopping:
		return s.Boot.Over
	case world.Stopped, world.Failed, world.Booting, world.Loading, world.Online:
	}
	return s.Cloud.Want == 0 && s.Cloud.VM != ""
}

// check looks after everything, in case a timer, an order or an agent's word
// was lost.
func (r *reaction) check() {
	s := &r.s
	if (s.Status == world.Stopped || s.Status == world.Failed) && r.now.Sub(s.Since) > CheckAfter {
		return // asleep; the six-hourly reconcile is the backstop
	}
	r.startChecks()
	r.tailOverdue()
	if !s.Deadline.IsZero() && r.now.After(s.Deadline.Add(CheckEvery)) {
		r.deadline() // its timer was lost
		return
	}
	if r.bounded() {
		return
	}
	switch s.Status {
	case world.Stopped, world.Failed:
		r.stray()
		// What is at a place that was taken from the configuration may be another
		// world's by now.
		if _, ours := r.c.Placement(s.Cloud.Placement); ours {
			r.look()
		}
	case world.Booting:
		r.watchBoot()
	case world.Starting, world.Relocating, world.Stopping:
		r.look()
		r.seeking()
	case world.Loading, world.Online:
		if s.Boot.Proven {
			r.look() // the game is down and safe; its next boot is waited for
		} else if !r.silence() && s.Status == world.Online {
			r.saveAge()
			r.idle()
		}
	}
}

// silence: the agent has not spoken for a while. The instance list says
// whether the machine is there; report and patience follow.
func (r *reaction) silence() bool {
	s := &r.s
	if r.quiet() <= SilentAfter {
		return false
	}
	r.look()
	switch {
	case r.quietFor(LostAfter):
		r.line(words.GivenUp(&r.c, s, r.now))
		r.keeper(words.GivenUp(&r.c, s, r.now))
		r.fail(words.WhySilent)
	case !s.Boot.Silent && r.quietFor(SaveWithin):
		s.Boot.Silent = true
		s.Boot.Known, s.EmptySince = false, time.Time{} // somebody may be on
		r.line(words.Silent(&r.c, s))
		r.card()
	}
	return true
}

// deadline: the present phase took too long.
func (r *reaction) deadline() {
	s := &r.s
	s.Deadline = time.Time{}
	if r.deaf() && r.awaitsWord() && r.now.Sub(s.Since) < DeafMost {
		// Nobody listened when it was due: what the agent has said may lie in
		// the queue beside this very timer.
		r.within(AgentWithin - r.now.Sub(s.ListensSince))
		return
	}
	switch s.Status {
	case world.Starting:
		if !s.RetryAt.IsZero() {
			clear(s.Blocked)
			r.tryAgain()
			return
		}
		r.block(s.Cloud.Placement, BlockFor) // the next /start goes elsewhere
		r.fail(words.WhyNoMachine)
	case world.Booting:
		r.noHost()
	case world.Loading:
		if s.Boot.Proven {
			r.fail(words.WhyNoReturn)
			return
		}
		if r.stillFetching() {
			return
		}
		s.Why = words.WhyNeverListens
		r.keeper(words.NeverListens(&r.c, s, r.now.Sub(r.upSince())))
		op := s.Op
		r.beginStop(op.By, nil, false)
		r.awaitSave()
		r.card()
	case world.Stopping, world.Relocating:
		r.saveOverdue()
	case world.Online, world.Stopped, world.Failed:
	}
}

// awaitsWord: what ends the present phase well is a word of the agent's.
func (r *reaction) awaitsWord() bool {
	s := &r.s
	switch s.Status {
	case world.Booting, world.Loading:
		return true
	case world.Stopping, world.Relocating:
		if s.Boot.Over { // the next boot's, if there is a machine for it
			return s.Cloud.Want == 1
		}
		return !s.Boot.Proven
	case world.Starting, world.Online, world.Stopped, world.Failed:
	}
	return false
}

// saveOverdue: the save is not proven, or the machine not deleted, in time.
func (r *reaction) saveOverdue() {
	s := &r.s
	switch {
	case !s.Boot.Up && s.Status == world.Stopping && s.Cloud.Want == 1:
		// No agent within its time and no sign that a game runs.
		r.line(words.NoAgent(&r.c))
		r.release()
	case s.Boot.Over || s.Boot.Proven:
		// Nothing to save any more; the machine just does not go.
		r.keeper(words.CannotDelete(&r.c, "it takes very long"))
		r.within(DeleteWithin)
		if !s.Cloud.Acting {
			r.act()
		}
		r.lookSoon()
	case r.waited() < LostAfter:
		if !s.Op.Told {
			s.Op.Told = true
			r.line(words.SaveOverdue(&r.c, s, r.quiet() > SilentAfter, r.now))
		}
		if s.Status == world.Stopping {
			r.repeatOrder()
		}
		r.look()
		r.saveDue()
	default:
		lost := words.SaveLost(&r.c, s, r.now)
		if r.now.Sub(s.Since) < LostAfter {
			lost = words.GivenUp(&r.c, s, r.now)
		}
		r.line(lost)
		r.keeper(lost)
		if s.Status == world.Relocating {
			r.machineLost()
			return
		}
		r.release()
	}
}

// waited is how long the save has been waited for: an agent that was silent
// before is not given its time anew.
func (r *reaction) waited() time.Duration { return max(r.now.Sub(r.s.Since), r.quiet()) }

// saveDue is when the save is overdue, or was waited for long enough.
func (r *reaction) saveDue() { r.within(max(min(LostAfter-r.waited(), SaveWithin), time.Second)) }

// repeatOrder sends the stop again; the agent knows it by its operation.
func (r *reaction) repeatOrder() {
	if r.s.Op.IfEmpty {
		r.order(world.OrderStopIfEmpty)
		return
	}
	r.order(world.OrderStop)
}

// machineLost: a machine under notice neither saved nor went. It is deleted,
// and the world comes up from its last save.
func (r *reaction) machineLost() {
	r.closeBoot()
	r.within(DeleteWithin)
	r.scale(0)
}
