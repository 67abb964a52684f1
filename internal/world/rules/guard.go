package rules

import (
	"time"

	"hearth/internal/world"
	"hearth/internal/world/words"
)

// How long people are warned before the fire goes out under them. What is looked
// at is looked at by the check, so all of it may be CheckEvery later.
const (
	// IdleGrace is how long after the warning an idle world goes out; half of
	// the time that it may be idle, if that is less.
	IdleGrace = 5 * time.Minute
	// AwakeFor is what Keep awake gives.
	AwakeFor = 30 * time.Minute
	// EndsSoon is how long before a session's end people are told first.
	EndsSoon = 30 * time.Minute
	// EndsNow is how long before it they are told again.
	EndsNow = 5 * time.Minute
	// CapAhead is how long before the month's money is spent people are told.
	CapAhead = 5 * time.Minute
	// PutOffMost is how long what is due is put off because events come late: a
	// queue that is late all the time must not keep a machine forever.
	PutOffMost = 15 * time.Minute
)

// idle warns people when nobody has been on for the configured time, and puts
// the fire out when still nobody is.
func (r *reaction) idle() {
	s := &r.s
	if s.OnlinePlayers() != 0 {
		s.EmptySince = time.Time{}
		return
	}
	if s.EmptySince.IsZero() {
		s.EmptySince = r.now
	}
	switch limit, grace := r.mayIdle(); {
	case r.deaf() && r.now.Before(s.EmptySince.Add(limit+grace+PutOffMost)):
		// Who came in, or what was pressed, may lie in the queue. Later the agent
		// knows better: it does not stop while somebody is on.
	case !s.IdleWarned():
		at := s.EmptySince.Add(limit + grace)
		if s.Idle.Awake.After(at) {
			at = s.Idle.Awake
		}
		if r.now.Before(at.Add(-grace)) {
			return
		}
		s.Idle.Warned = r.now
		s.Idle.Warnings++
		r.line(words.IdleWarning(&r.c, s, r.now, grace))
	case !r.now.Before(s.Idle.Warned.Add(grace)):
		r.line(words.Idle(&r.c, s, r.now))
		r.beginStop(world.Person{}, nil, true)
		r.awaitSave()
		r.card()
	}
}

// mayIdle is how long nobody may be on, and how long people are warned before
// the fire goes out.
func (r *reaction) mayIdle() (limit, grace time.Duration) {
	limit = r.c.Idle()
	if !r.s.Session.Joined {
		limit = r.c.NeverJoined()
	}
	return limit, min(IdleGrace, limit/2)
}

// warning tells whether a button of a warning of idleness still counts, and
// answers if it does not.
func (r *reaction) warning(c *world.Command) (counts bool) {
	s := &r.s
	switch {
	case s.Status == world.Online && s.OnlinePlayers() != 0:
		r.answer(c, words.NotIdle(&r.c, s))
	case s.Status == world.Online && c.Operation == s.WarningID() && (s.IdleWarned() || r.now.Before(s.Idle.Awake)):
		return true
	default:
		r.answer(c, words.StaleButton(&r.c, s))
	}
	return false
}

// keepAwake: somebody is on the way. It tells whether the button counted.
func (r *reaction) keepAwake(c *world.Command) bool {
	if !r.warning(c) {
		return false
	}
	i := &r.s.Idle
	if r.s.IdleWarned() { // else somebody has pressed it a moment ago
		i.Warned, i.Awake = time.Time{}, r.now.Add(AwakeFor)
	}
	r.answer(c, words.KeptAwake(&r.c, c.By, i.Awake))
	return true
}

// stopIdle: nobody wants to wait for an idle world to go out by itself.
func (r *reaction) stopIdle(c *world.Command) bool {
	if !r.warning(c) {
		return false
	}
	r.beginStop(c.By, &c.Reply, true)
	r.awaitSave()
	r.answer(c, words.Stopping(&r.c, c.By))
	r.cardIfAny()
	return true
}

// bounded ends a session that has lasted as long as it may, or that has spent
// the month's money: whoever is on, and saved first, as every stop. It tells
// whether it did.
func (r *reaction) bounded() bool {
	switch r.s.Status {
	case world.Starting, world.Booting, world.Loading, world.Online, world.Relocating:
		return r.sessionOver() || r.monthSpent()
	case world.Stopping, world.Stopped, world.Failed:
	}
	return false
}

// putsOff: what calls off the end that was due may lie in the queue.
func (r *reaction) putsOff(due time.Time) bool {
	return r.deaf() && r.now.Before(due.Add(PutOffMost))
}

func (r *reaction) sessionOver() bool {
	s := &r.s
	if s.Session.Began.IsZero() {
		return false
	}
	ends := s.Session.Began.Add(r.c.SessionMost())
	if s.Session.Ends.After(ends) {
		ends = s.Session.Ends
	}
	switch left := ends.Sub(r.now); {
	case left <= EndsNow/2 && s.Session.Warned < 2 && s.Status == world.Online && s.OnlinePlayers() != 0:
		// Nobody listened when people were to be warned, or the configuration was
		// another one.
		ends = r.now.Add(EndsNow)
		s.Session.Warned, s.Session.Ends = 2, ends
		r.line(words.SessionEnds(&r.c, ends))
	case left <= 0 && r.putsOff(ends):
	case left <= 0:
		r.line(words.SessionOver(&r.c))
		r.putOut(world.Person{}, nil)
		r.cardIfAny()
		return true
	case left <= EndsNow && s.Session.Warned < 2:
		s.Session.Warned = 2
		r.line(words.SessionEnds(&r.c, ends))
	case left <= EndsSoon && s.Session.Warned < 1:
		s.Session.Warned = 1
		r.line(words.SessionEnds(&r.c, ends))
	}
	return false
}

// monthSpent looks after the month's cap, and tells whether it put the fire out.
func (r *reaction) monthSpent() bool {
	r.month()
	s, b := &r.s, &r.s.Bill
	most := s.Cap(&r.c, r.now)
	if most == 0 {
		b.StopAt = time.Time{} // there was a cap when people were warned
		return false
	}
	spent := b.OfMonth(r.now)
	switch left := most - spent; {
	case !b.StopAt.IsZero() && left > b.PerHour.For(2*CapAhead):
		b.StopAt = time.Time{} // it was raised in the configuration
	case !b.StopAt.IsZero():
		if left > 0 || r.now.Before(b.StopAt) || r.putsOff(b.StopAt) {
			return false
		}
		r.line(words.MonthSpent(&r.c, s, r.now))
		r.putOut(world.Person{}, nil)
		r.cardIfAny()
		return true
	case left <= b.PerHour.For(min(CapAhead, world.NextMonth(r.now).Sub(r.now))):
		b.StopAt = r.now.Add(CapAhead)
		b.Neared = true
		r.line(words.MonthEnds(&r.c, s, r.now))
		r.keeper(words.MonthEndsForKeeper(&r.c, s, r.now))
	case !b.Neared && spent >= most/5*4:
		b.Neared = true
		r.keeper(words.MonthNeared(&r.c, s, r.now))
	}
	return false
}

// spent: the month's money is spent, and nothing more is lit for it.
func (r *reaction) spent() bool {
	most := r.s.Cap(&r.c, r.now)
	return most > 0 && r.s.Bill.OfMonth(r.now) >= most
}

// tooDear refuses a start because the month's money is spent. The keeper is told
// once, until the cap is raised.
func (r *reaction) tooDear(id string, reply *world.Reply, keeper bool) {
	r.month()
	r.chat(world.ChatDo{Kind: world.ChatAnswer, Say: words.TooDear(&r.c, &r.s, keeper, r.now), Reply: reply, Key: "answer:" + id})
	if b := &r.s.Bill; !b.Reached {
		b.Neared, b.Reached = true, true
		r.keeper(words.MonthReached(&r.c, &r.s, r.now))
	}
}

// raiseCap lets this month cost more.
func (r *reaction) raiseCap(c *world.Command) {
	s, b := &r.s, &r.s.Bill
	r.month()
	switch {
	case !c.Keeper:
		r.answer(c, words.Denied(world.DenyButton, nil))
		return
	case r.c.MonthlyDollars == 0 || c.Operation != b.RaiseID():
		r.answer(c, words.StaleRaise(&r.c, s, r.now))
		return
	}
	b.Raised += r.c.RaiseBy()
	b.Raises++
	b.Reached = false
	r.answer(c, words.Raised(&r.c, s, c.By, r.now))
	announced := !b.StopAt.IsZero()
	b.StopAt = time.Time{}
	if announced && r.awake() && s.Status != world.Stopping {
		r.line(words.RaisedInTime(&r.c, s, c.By, r.now))
	}
	r.cardIfAny()
}
