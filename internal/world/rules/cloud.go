package rules

import (
	"maps"
	"slices"
	"time"

	"hearth/internal/world"
	"hearth/internal/world/words"
)

// rent wants a machine at the next placement that is not blocked, or waits
// until one is tried again.
func (r *reaction) rent() {
	s := &r.s
	fresh := s.Status != world.Starting || s.Deadline.IsZero()
	r.enter(world.Starting)
	s.RetryAt = time.Time{}
	p, ok := r.pick()
	if !ok {
		r.waitForCapacity()
		return
	}
	fresh = fresh || p != s.Cloud.Placement
	s.Cloud.Placement = p
	r.moveAsked()
	r.scale(1)
	if fresh { // the same place once more has what is left of its time
		r.within(MachineWithin)
	}
}

// pick returns the best placement that may be used and is not blocked.
func (r *reaction) pick() (string, bool) {
	for _, p := range r.ranked() {
		if until, blocked := r.s.Blocked[p.ID]; !blocked || !r.now.Before(until) {
			delete(r.s.Blocked, p.ID)
			return p.ID, true
		}
	}
	return "", false
}

func (r *reaction) block(placement string, d time.Duration) {
	if r.s.Blocked == nil {
		r.s.Blocked = map[string]time.Time{}
	}
	maps.DeleteFunc(r.s.Blocked, func(_ string, until time.Time) bool { return !r.now.Before(until) })
	r.s.Blocked[placement] = r.now.Add(d).Truncate(time.Second)
}

// waitForCapacity: every placement is blocked. They are all tried again after
// a pause that grows; in the end the start has failed.
func (r *reaction) waitForCapacity() {
	s := &r.s
	if s.Tries >= len(retryAfter) {
		r.fail(words.WhyNoCapacity)
		return
	}
	wait := retryAfter[s.Tries]
	s.Tries++
	s.RetryAt = r.now.Add(wait)
	r.line(words.NoCapacity(&r.c, s, s.RetryAt))
	r.offerFullPrice(false)
	r.within(wait)
}

// fail ends the session with a reason; what machine there is goes first.
func (r *reaction) fail(why string) {
	r.s.Why = why
	r.release()
}

// release wants no machine. Whoever calls it has made sure that no game runs
// whose world is not saved, or has told people what is lost.
func (r *reaction) release() {
	r.enter(world.Stopping)
	r.s.RetryAt = time.Time{}
	r.closeBoot()
	r.within(DeleteWithin)
	if r.s.Cloud.Placement == "" {
		r.out()
		return
	}
	r.scale(0)
}

// closeBoot: nothing that this boot says from now on changes anything.
func (r *reaction) closeBoot() {
	b := &r.s.Boot
	b.Over, b.Up, b.Listening, b.Known = true, false, false, false
	b.Players, b.Connecting, b.JoinCode = nil, 0, ""
}

// scale changes the wish. An operation under way is not disturbed (the cloud
// would refuse a second one); the next look brings the set to the new wish.
func (r *reaction) scale(want int) {
	c := &r.s.Cloud
	c.Want = want
	if !c.Acting {
		r.act()
	}
	r.lookSoon()
}

// act begins the operation that leads to the wish.
func (r *reaction) act() {
	c := &r.s.Cloud
	c.Round++
	c.Acting, c.Toward, c.Token, c.Settled = true, c.Want, "", false
	r.effects = append(r.effects, world.Effect{Cloud: &world.CloudDo{
		Act: world.ActScale, Operation: r.s.Op.ID, Round: c.Round, Placement: c.Placement, Capacity: c.Want,
	}})
}

// beginning: the effect that begins the present round is not known to be done.
func (r *reaction) beginning() bool {
	return slices.ContainsFunc(r.s.Pending, func(p world.Pending) bool {
		do := p.Effect.Cloud
		return do != nil && do.Act == world.ActScale && do.Round == r.s.Cloud.Round
	})
}

// look asks what has become of the operation and which machines there are.
func (r *reaction) look() { r.lookAt(false) }

func (r *reaction) lookAt(console bool) {
	c := &r.s.Cloud
	if c.Placement == "" {
		return
	}
	r.effects = append(r.effects, world.Effect{Cloud: &world.CloudDo{
		Act: world.ActLook, Operation: r.s.Op.ID, Round: c.Round, Placement: c.Placement, Capacity: c.Toward, Token: c.Token, Console: console,
	}})
}

func (r *reaction) cloudReport(d *world.CloudReport) {
	c := &r.s.Cloud
	if d.Round != c.Round || d.Placement != c.Placement {
		return
	}
	switch d.Phase {
	case world.CloudBegun:
		if c.Acting && c.Token == "" {
			c.Token = d.Token
		}
		return
	case world.CloudDone:
		c.Acting, c.Token, c.Failures = false, "", 0
		c.Settled = c.Toward == c.Want
	case world.CloudFailed:
		r.cloudFailed(d)
	case world.CloudProgress:
		// Acting without a token: it was begun and its token lost. Begin
		// again; scaling is idempotent. But not while the effect that begins
		// it still waits for a worker, who would begin it a second time.
		if c.Acting && c.Token == "" && !r.beginning() {
			c.Acting = false
		}
	}
	if d.Seen && d.Phase != world.CloudFailed {
		r.converge(d.Instances)
	}
	if d.Boot != nil {
		r.bootLog(d.Boot)
	}
}

// converge compares what there is with what is wanted.
func (r *reaction) converge(found []world.Instance) {
	s, c := &r.s, &r.s.Cloud
	if len(found) > 0 {
		r.machineSeen(found[0])
	} else {
		r.noMachineSeen()
	}
	switch {
	case c.Acting || c.Placement == "":
	case c.Want == 1 && len(found) > 0:
		c.Settled = true
	case c.Want == 1 && c.Settled:
		// The set says one and there is none (accepted then gone, or
		// evicted): only zero and one again brings a machine.
		c.Want = 0
		r.act()
	case c.Want == 0 && c.Settled && len(found) == 0:
		r.empty()
	case c.Want == 0 && (c.Toward == 1 || s.Boot.Heard.IsZero()) && len(found) > 0 && s.Status == world.Stopping && r.deaf() && !r.hasProven(found[0]):
		// The machine of a start that was called off came up while nobody
		// listened.
		r.awaitBoot()
	case c.Want == 1 && s.Status == world.Stopping: // nothing is rented for a stop
	case s.Status != world.Stopped && s.Status != world.Failed || len(found) > 0:
		r.act()
	}
}

// hasProven: the game of this machine is down, and what became of its save was
// heard.
func (r *reaction) hasProven(i world.Instance) bool {
	b := &r.s.Boot
	return b.Proven && b.Machine.Name == i.ID
}

// sweep is what reconcile, the backstop, saw at one placement: machines that
// nobody wants, and sets of a world that sleeps that say one and have none, whose
// machine could come any time. Like every event it also begins a lost chain of
// checks anew.
func (r *reaction) sweep(d *world.Sweep) {
	s, c := &r.s, &r.s.Cloud
	asleep := s.Status == world.Stopped || s.Status == world.Failed
	if d.Placement == c.Placement && c.Want == 1 || len(d.Instances) == 0 && (d.Capacity < 1 || !asleep || c.Acting) {
		return
	}
	if !asleep {
		if d.Placement != c.Placement {
			s.Stray = d.Placement
			r.keeper(words.StrayMachine(&r.c, d.Placement, d.Instances[0].ID))
		}
		return
	}
	if d.Placement == c.Placement && r.e.Time.Before(s.Since.Add(CheckEvery)) {
		return // seen while it was going; the checks look after it
	}
	if c.Placement != d.Placement {
		*c = world.Cloud{Placement: d.Placement, Round: c.Round + 1}
	}
	if len(d.Instances) == 0 {
		r.scale(0)
		return
	}
	r.converge(d.Instances)
}

// stray turns to the other machine that was seen while the world was awake.
func (r *reaction) stray() {
	s, c := &r.s, &r.s.Cloud
	if s.Stray == "" || c.Acting {
		return
	}
	*c, s.Stray = world.Cloud{Placement: s.Stray, Round: c.Round + 1}, ""
}

// machineSeen: the placement has a machine.
func (r *reaction) machineSeen(i world.Instance) {
	s, c := &r.s, &r.s.Cloud
	i = world.Instance{ID: world.Visible(i.ID, world.MaxMachineRunes), Address: world.Visible(i.Address, world.MaxMachineRunes)}
	if c.VM != i.ID {
		c.VM = i.ID
		if c.Rented.IsZero() {
			c.Rented = r.now
		}
		r.moveMachine()
	}
	if i.Address != "" && s.Boot.Machine.Address == "" && c.Want == 1 {
		s.Boot.Machine.Address = i.Address
		if s.Status == world.Online {
			r.card()
		}
	}
	switch {
	case s.Status == world.Starting && c.Want == 1:
		r.enter(world.Booting)
		s.Tries = 0
		r.within(HostWithin)
		r.card()
	case (s.Status == world.Stopped || s.Status == world.Failed) && c.Want == 0:
		// Nobody wants this machine. Why the world is out was told.
		s.Why = ""
		r.keeper(words.UnwantedMachine(&r.c, i.ID))
		r.closeBoot()
		r.enter(world.Stopping)
		r.startChecks()
		r.within(DeleteWithin)
		r.lookSoon()
	}
}

// noMachineSeen: the placement is empty, whatever its capacity says.
func (r *reaction) noMachineSeen() {
	s, c := &r.s, &r.s.Cloud
	if c.VM == "" || c.Want == 1 && c.Acting && c.Toward == 1 && s.Boot.Up && r.quiet() <= SilentAfter {
		return // there is none, or it speaks and is not in the list yet
	}
	c.VM = ""
	s.Boot.Machine = world.Machine{} // the next one has another address
	r.stopPaying()
	switch s.Status {
	case world.Booting, world.Loading, world.Online, world.Relocating:
		r.machineGone()
	case world.Stopping:
		if !s.Boot.Over { // it went before the save was proven
			r.line(words.GoneUnsaved(&r.c, &r.s, r.now))
			r.release()
		}
	case world.Starting, world.Stopped, world.Failed:
	}
}

func (r *reaction) stopPaying() {
	s, c := &r.s, &r.s.Cloud
	if !c.Rented.IsZero() {
		s.Session.Paid += r.now.Sub(c.Rented)
		c.Rented = time.Time{}
		r.paid()
	}
}

// machineGone: the cloud took the machine; the world comes up elsewhere.
func (r *reaction) machineGone() {
	s := &r.s
	if s.Status == world.Relocating && s.Session.Unbooted > 0 {
		return // it was given back, as its boot had failed
	}
	switch {
	case s.Status == world.Booting: // the boot in the row is another machine's
		r.line(words.TakenEarly(&r.c))
	case s.Boot.Proven:
		r.line(words.MovingOn(&r.c, s.Boot.Confirmed))
	case s.Boot.Over: // what was lost was told
	default:
		r.line(words.Vanished(&r.c, s, r.now))
	}
	s.Session.Evicted++
	r.moveGone()
	if r.now.Sub(s.Session.EvictedAt) <= TwiceWithin {
		r.offerFullPrice(true)
	}
	s.Session.EvictedAt = r.now
	// Not the same place at once: what took this machine takes the next.
	r.block(s.Cloud.Placement, TakenFor)
	r.enter(world.Relocating)
	r.closeBoot()
	r.within(DeleteWithin)
	r.card()
	if s.Cloud.Want == 1 { // our caller, converge, scales the set down
		s.Cloud.Want, s.Cloud.Settled = 0, false
	}
}

// empty: the placement is at zero and has no machine.
func (r *reaction) empty() {
	s := &r.s
	switch s.Status {
	case world.Stopping:
		r.out()
	case world.Relocating:
		r.s.Session.Ready = time.Time{}
		if _, ok := r.pick(); !ok {
			// Every place is blocked, this one only for having been taken.
			delete(s.Blocked, s.Cloud.Placement)
		}
		r.rent()
		r.card()
	case world.Starting:
		if s.RetryAt.IsZero() { // else its time has not come
			r.rent()
			r.card()
		}
	case world.Booting, world.Loading, world.Online, world.Stopped, world.Failed:
	}
}

// out: the fire is out, and nothing costs money any more.
func (r *reaction) out() {
	s := &r.s
	r.stopPaying()
	r.noDeadline()
	r.closeBoot()
	s.EmptySince = time.Time{}
	if s.Why != "" {
		r.enter(world.Failed)
		r.line(words.Failed(&r.c, s))
		r.keeper(words.FailedForKeeper(&r.c, s))
	} else {
		r.enter(world.Stopped)
		r.line(words.Out(&r.c, s, r.now))
	}
	if s.Card != nil {
		r.card()
	}
	s.Op.Reply = nil
	if again := s.Again; again != nil {
		r.s.Again = nil
		if r.spent() {
			r.tooDear(again.ID, again.Reply, false)
			return
		}
		r.light(again.By, again.ID, again.Reply)
	}
}

// cloudFailed: the operation, or the attempt to begin one, failed.
func (r *reaction) cloudFailed(d *world.CloudReport) {
	s, c := &r.s, &r.s.Cloud
	if !c.Acting {
		return // told before
	}
	c.Acting, c.Token, c.Settled = false, "", false
	if d.Class == world.ClassBusy {
		return // another operation runs; the next look tries again
	}
	if c.Want == 0 && c.Toward == 1 {
		return // it would have come to nothing anyway; the next look makes sure of zero
	}
	if c.Want == 0 {
		// A machine may stay: never give up, and let the keeper know.
		c.Failures++
		if c.Failures == 5 || d.Class == world.ClassConfig || d.Class == world.ClassQuota {
			r.keeper(words.CannotDelete(&r.c, d.Code))
		}
		return
	}
	switch d.Class {
	case world.ClassCapacity:
		r.block(c.Placement, BlockFor)
		if s.Status == world.Starting || s.Status == world.Booting {
			r.tryNext()
		}
	case world.ClassQuota:
		r.keeper(words.Quota(&r.c, c.Placement, d.Code, d.Detail))
		r.fail(words.WhyQuota)
	case world.ClassConfig:
		r.keeper(words.Misconfigured(&r.c, c.Placement, d.Code, d.Detail))
		r.fail(words.WhyConfig)
	case world.ClassBusy, world.ClassTransient:
		if c.Failures++; c.Failures >= 10 {
			c.Failures = 0
			r.keeper(words.Misconfigured(&r.c, c.Placement, d.Code, d.Detail))
			r.fail(words.WhyCloudAway)
		}
	}
}

// tryNext: this placement has no machine for us. It is brought back to zero
// first (a failed scale-up may leave its capacity at one), then converge comes
// to empty, and that to the next.
func (r *reaction) tryNext() {
	r.enter(world.Starting)
	r.s.Cloud.Want = 0
	r.act()
	r.lookSoon()
}
