package rules

import (
	"slices"
	"time"

	"hearth/internal/world"
	"hearth/internal/world/words"
)

func (r *reaction) command(c *world.Command) {
	if slices.Contains(r.s.Commands, r.e.ID) {
		return
	}
	own := *c
	own.By.Name = world.Visible(c.By.Name, world.MaxNameRunes)
	c = &own
	r.s.Commands = append(r.s.Commands, r.e.ID)
	if n := len(r.s.Commands) - world.MaxCommandIDs; n > 0 {
		r.s.Commands = r.s.Commands[n:]
	}
	if r.now.Sub(r.e.Time) > CommandLifetime {
		r.answer(c, words.TooOld(c))
		return
	}
	switch c.Name {
	case world.CmdStatus:
		r.answer(c, words.Status(&r.c, &r.s, c.Keeper, r.now))
		return
	case world.CmdJoin:
		r.guest(c.By)
		r.answer(c, words.Join(&r.c, &r.s))
		return
	case world.CmdLog:
		r.log(c)
		return
	case world.CmdTidy:
		r.tidy(c)
		return
	case world.CmdPayAsYouGo:
		r.allowFullPrice(c)
		return
	case world.CmdRaiseCap:
		r.raiseCap(c)
		return
	case world.CmdStart, world.CmdStop, world.CmdStopWhenEmpty, world.CmdStopNow, world.CmdKeepGoing, world.CmdKeepAwake:
	default:
		r.answer(c, words.Denied(world.DenyCommand, nil))
		return
	}
	// The queue keeps no order: what was asked later wins, whenever it comes.
	// Who wanted the same is simply answered.
	up := c.Name == world.CmdStart || c.Name == world.CmdKeepGoing || c.Name == world.CmdKeepAwake
	if r.e.Time.Before(r.s.WishAt) && up != r.s.WishUp {
		r.answer(c, words.Superseded(&r.c))
		return
	}
	counts := true
	switch c.Name {
	case world.CmdStart:
		r.start(c)
	case world.CmdStop:
		r.stop(c)
	case world.CmdKeepAwake:
		counts = r.keepAwake(c)
	default:
		counts = r.askedBack(c)
	}
	if counts && r.e.Time.After(r.s.WishAt) {
		r.s.WishAt, r.s.WishUp = r.e.Time, up
	}
}

func (r *reaction) start(c *world.Command) {
	switch r.s.Status {
	case world.Stopped, world.Failed:
		if r.spent() {
			r.tooDear(r.e.ID, &c.Reply, c.Keeper)
			return
		}
		r.light(c.By, r.e.ID, &c.Reply)
		if c.Reply.Ephemeral {
			r.answer(c, words.Lighting(&r.c))
		}
	case world.Stopping:
		if r.spent() {
			r.tooDear(r.e.ID, &c.Reply, c.Keeper)
			return
		}
		first := r.s.Again == nil
		if first {
			r.s.Again = &world.Again{By: c.By, ID: r.e.ID, Reply: &c.Reply}
		}
		r.answer(c, words.StartAfterSave(&r.c, first))
		r.cardIfAny()
	case world.Starting, world.Booting, world.Loading, world.Relocating:
		r.s.WhenEmpty = nil
		r.guest(c.By)
		r.answer(c, words.AlreadyLighting(&r.c, &r.s, r.now))
	case world.Online:
		kept := r.s.WhenEmpty != nil
		r.s.WhenEmpty = nil
		r.guest(c.By)
		r.answer(c, words.AlreadyOnline(&r.c, &r.s, kept))
		if kept {
			r.cardIfAny()
		}
	}
}

// light begins a session: a machine is wanted.
func (r *reaction) light(by world.Person, id string, reply *world.Reply) {
	s := &r.s
	s.Op = world.Operation{ID: id, By: by, Since: r.now, Reply: reply}
	s.Card, s.Recarded = nil, false
	s.Session = world.Session{ID: id, Began: r.now, Total: s.Session.Total + s.Session.Paid}
	r.newBill()
	r.leaveBoot()
	s.Boot = world.Boot{Epoch: s.Boot.Epoch, Over: true, LastSave: s.Boot.LastSave}
	s.Again, s.WhenEmpty, s.Why, s.Idle = nil, nil, "", world.Idle{}
	s.Crashes, s.Tries = nil, 0
	r.startChecks()
	r.rent()
	r.guest(by)
	r.card()
}

func (r *reaction) stop(c *world.Command) {
	s := &r.s
	switch s.Status {
	case world.Stopped, world.Failed:
		r.answer(c, words.AlreadyOut(&r.c))
	case world.Stopping:
		dropped := s.Again != nil
		s.Again = nil
		r.answer(c, words.AlreadyStopping(&r.c, dropped))
	case world.Starting, world.Booting:
		r.putOut(c.By, &c.Reply)
		r.answer(c, words.CalledOff(&r.c, c.By))
	case world.Relocating, world.Loading:
		r.putOut(c.By, &c.Reply)
		r.answer(c, words.Stopping(&r.c, c.By))
	case world.Online:
		if s.OnlinePlayers() != 0 {
			r.answer(c, words.AskBack(&r.c, s, c.Keeper))
			return
		}
		r.beginStop(c.By, &c.Reply, true)
		r.awaitSave()
		r.answer(c, words.Stopping(&r.c, c.By))
	}
	r.cardIfAny()
}

// putOut begins a stop, whatever is under way and whoever is on.
func (r *reaction) putOut(by world.Person, reply *world.Reply) {
	s := &r.s
	was, unheard := s.Status, s.Cloud.Want == 1 && r.deaf()
	r.beginStop(by, reply, false)
	switch {
	case was == world.Booting, // a game may run by now
		unheard && was == world.Starting,
		unheard && was == world.Loading && s.Boot.Proven: // its next boot may be up by now
		r.awaitBoot()
	case was == world.Starting:
		r.release()
	default:
		r.awaitSave()
	}
}

func (r *reaction) cardIfAny() {
	if r.s.Card != nil && r.s.Status != world.Stopped && r.s.Status != world.Failed {
		r.card()
	}
}

// askedBack handles the buttons of "others are playing". It tells whether the
// button counted: one that was refused is nobody's newer wish.
func (r *reaction) askedBack(c *world.Command) bool {
	s := &r.s
	if c.Name == world.CmdStopWhenEmpty && c.Operation == s.WarningID() {
		return r.stopIdle(c)
	}
	if s.Status != world.Online || c.Operation != s.Session.ID {
		r.answer(c, words.StaleButton(&r.c, s))
		return false
	}
	switch c.Name {
	case world.CmdKeepGoing:
		s.WhenEmpty = nil
		r.answer(c, words.KeepsBurning(&r.c))
		r.cardIfAny()
	case world.CmdStopNow:
		if !c.Keeper {
			r.answer(c, words.Denied(world.DenyKeeper, nil))
			return false
		}
		r.beginStop(c.By, &c.Reply, false)
		r.awaitSave()
		r.answer(c, words.Stopping(&r.c, c.By))
		r.cardIfAny()
	default: // CmdStopWhenEmpty
		by := c.By
		s.WhenEmpty = &by
		r.answer(c, words.WhenEmpty(&r.c, s))
		if !r.stopIfAsked() {
			r.cardIfAny()
		}
	}
	return true
}

// stopIfAsked begins the stop that somebody asked for once nobody is on.
func (r *reaction) stopIfAsked() bool {
	if r.s.WhenEmpty == nil || r.s.Status != world.Online || r.s.OnlinePlayers() != 0 {
		return false
	}
	by := *r.s.WhenEmpty
	r.beginStop(by, nil, true)
	r.awaitSave()
	r.card()
	return true
}

// beginStop makes the present operation a stop. The card stays: it tells the
// whole session.
func (r *reaction) beginStop(by world.Person, reply *world.Reply, ifEmpty bool) {
	s := &r.s
	s.Op = world.Operation{ID: r.e.ID, By: by, Since: r.now, Reply: reply, IfEmpty: ifEmpty}
	s.RetryAt, s.EmptySince = time.Time{}, time.Time{}
	r.noDeadline()
	r.enter(world.Stopping)
}

// awaitBoot gives an agent that has not been heard the time to speak: its game is
// stopped then, and else the machine given back.
func (r *reaction) awaitBoot() {
	r.closeBoot()
	r.s.Cloud.Want = 1
	r.within(AgentWithin)
}

// awaitSave orders the agent to save and stop, or goes on if that is done.
func (r *reaction) awaitSave() {
	s := &r.s
	switch {
	case s.Boot.Proven || s.Boot.Over || !s.Boot.Up:
		r.release()
	case s.Op.IfEmpty:
		r.order(world.OrderStopIfEmpty)
		r.saveDue()
	default:
		r.order(world.OrderStop)
		r.saveDue()
	}
}
