package valheim

import (
	"slices"

	"hearth/internal/world"
)

// abandoned: the objects of a session are destroyed. The first such line of
// an owner is its leave, in both backends.
func (r *Reader) abandoned(owner string) {
	o := &r.roster
	if s := o.first(func(s *session) bool { return s.owner == owner }); s != nil {
		r.depart(s, owner, r.reason(s))
		return
	}
	if slices.ContainsFunc(o.departed, func(d departure) bool { return d.owner == owner }) {
		return
	}
	// Its spawn was not seen: somebody whom only the server counted, or one
	// who waited for a spawn that was lost with a line.
	s := o.first(isCounted)
	if s == nil && o.known {
		s = o.first(isWaiting)
	}
	if s == nil {
		s = &session{counted: true}
	}
	r.depart(s, owner, r.reason(s))
}

// reason says why a session ends, from the lines around.
func (r *Reader) reason(s *session) string {
	o := &r.roster
	switch {
	case s.kicked:
		return ReasonKicked
	case r.life.phase == stopping:
		return ReasonServerStop
	case r.near(o.timeout):
		return ReasonTimeout
	case r.near(o.hungUp):
		return ReasonLeft
	case r.near(o.closing), s.held:
		return ReasonLost // the socket ended first, and nobody said goodbye
	case s.owner == "" && !o.crossplay:
		return ReasonUnknown
	}
	return ReasonLeft
}

// depart ends a session.
func (r *Reader) depart(s *session, owner, reason string) { r.end(s, owner, reason, Happening{}) }

// end ends a session by what was read in h's line, or in the one at hand.
func (r *Reader) end(s *session, owner, reason string, h Happening) {
	o := &r.roster
	closed := false
	if s.id == "" && r.near(o.closing) {
		s.id, closed = o.closingID, true
		o.closing, o.closingWhy = mark{}, ""
		o.pool = slices.DeleteFunc(o.pool, func(id string) bool { return id == s.id })
	}
	r.confirmDeath(s)
	if s.id == "" && s.counted {
		o.unseen = o.unseen || len(o.all(isNameless)) > 0 // it may have been one of these
	}
	o.drop(s)
	o.departed = bounded(append(o.departed, departure{owner: owner, id: s.id, at: r.now, closed: closed}))
	o.settle()
	h.Kind, h.Player, h.PlatformID, h.Reason = Disconnected, world.Player{Owner: owner, Name: s.name}, s.id, reason
	r.emit(h)
}

// closing: a Steam socket ends. It is a leave only for somebody who was let
// in and is not gone yet: refused and aborted joins end so, too, and a lost
// link does it twice.
func (r *Reader) closing(id string) {
	o := &r.roster
	mine := func(s *session) bool { return s.id == id }
	knocking := slices.ContainsFunc(o.knocks, func(k knock) bool { return k.id == id })
	pooled := slices.Contains(o.pool, id)

	// The end of a refused join. Who is refused as a double is on at the same
	// time, by the same account.
	for i := range o.refused {
		if d := &o.refused[i]; d.id == id && r.near(d.at) {
			d.at = mark{}
			return
		}
	}
	// The end of a leave just read.
	for i := range o.departed {
		d := &o.departed[i]
		if d.closed || !r.near(d.at) {
			continue
		}
		unsettled := d.id == "" && o.first(mine) == nil && (pooled || !knocking || o.loose > 0)
		if d.id == id || unsettled {
			d.id, d.closed = id, true
			o.pool = slices.DeleteFunc(o.pool, func(p string) bool { return p == id })
			if unsettled && knocking && o.loose > 0 {
				o.loose--
				o.knocks = slices.DeleteFunc(o.knocks, func(k knock) bool { return k.id == id })
			}
			o.settle()
			return
		}
	}
	if s := o.first(mine); s != nil {
		reason := r.reason(s)
		if reason == ReasonLeft && !r.near(o.hungUp) || reason == ReasonUnknown {
			reason = ReasonLost
		}
		r.depart(s, s.owner, reason)
		o.departed[len(o.departed)-1].closed = true
		return
	}
	if o.unknock(func(k knock) bool { return k.id == id }) {
		r.emit(Happening{Kind: GaveUp, PlatformID: id})
		return
	}
	if slices.ContainsFunc(o.refused, func(d departure) bool { return d.id == id }) || slices.ContainsFunc(o.departed, func(d departure) bool { return d.id == id }) {
		return
	}
	// An id that belongs to nobody known: the one who waits without an id, or
	// somebody whose objects are destroyed next.
	waiting := o.all(func(s *session) bool { return isWaiting(s) && s.id == "" })
	o.closing, o.closingID, o.closingLine = r.now, id, kept(r.line)
	if len(waiting) == 0 {
		return
	}
	o.closingWhy = r.reason(waiting[0])
	if len(waiting) == 1 && len(o.all(isNameless)) == 1 {
		r.depart(waiting[0], "", o.closingWhy)
	}
}

// settleClosing: a socket ended, and no objects were destroyed with it. So it
// was that of somebody without a character. That is certain when the moment has
// passed, or when there is no more of it.
func (r *Reader) settleClosing(over bool) {
	o := &r.roster
	if o.closing.line == 0 || !over && r.near(o.closing) {
		return
	}
	at, text, why := o.closing, o.closingLine, o.closingWhy
	s := o.first(func(s *session) bool { return isWaiting(s) && s.id == "" && s.since.line < at.line })
	if s != nil && why != "" {
		s.id = o.closingID
		o.pool = slices.DeleteFunc(o.pool, func(id string) bool { return id == s.id })
		r.end(s, "", why, Happening{Line: text, Number: at.line})
	}
	o.closing, o.closingID, o.closingWhy, o.closingLine = mark{}, "", "", ""
}

// connectionLost: a crossplay socket ends, nobody says whose. empty: the
// server has no socket left.
func (r *Reader) connectionLost(empty bool) {
	r.socketLost()
	if !empty {
		return
	}
	r.roster.knocks, r.roster.loose = nil, 0
	for _, s := range slices.Clone(r.roster.sessions) {
		r.depart(s, s.owner, ReasonUnknown)
	}
}

// socketLost finds out whose socket ended, if the lines before tell.
func (r *Reader) socketLost() {
	o := &r.roster
	for i := range o.departed {
		if d := &o.departed[i]; !d.closed && r.near(d.at) {
			d.closed = true
			return
		}
	}
	if r.near(o.refusedAt) {
		o.refusedAt = mark{}
		return
	}
	if r.near(o.heldAt) { // the socket is kept, the player may come back
		o.heldAt = mark{}
		return
	}
	waiting := o.all(isWaiting)
	switch {
	case len(waiting) == 1 && o.knocking() == 0:
		r.depart(waiting[0], "", r.reason(waiting[0]))
		o.departed[len(o.departed)-1].closed = true
	case len(waiting) == 0 && len(o.knocks) == 1:
		k := o.knocks[0]
		o.knocks, o.loose = nil, 0
		r.emit(Happening{Kind: GaveUp, PlatformID: k.id, Socket: k.hex})
	}
}

// counted: the server says how many are in. A difference to the roster is
// believed when two reports in a row show it, since a join or leave may lie
// between the lines; nobody at all, and the first number ever, at once.
func (r *Reader) counted(n int) {
	o := &r.roster
	r.emit(Happening{Kind: Counted, Count: n})
	o.unknock(func(k knock) bool { return k.counted })
	for i := range o.knocks {
		o.knocks[i].counted = true
	}
	diff := n - len(o.sessions)
	before := o.off
	o.off = diff
	switch {
	case diff == 0:
	case n == 0 || !o.known:
		r.correct(diff)
	case before > 0 && diff > 0:
		r.correct(min(before, diff))
	case before < 0 && diff < 0:
		r.correct(max(before, diff))
	}
	o.known = true
}

// correct adds sessions that only the server knows, or ends the ones least
// certain: the unknown first, then those whose link is lost, then the oldest.
func (r *Reader) correct(diff int) {
	o := &r.roster
	o.off = 0
	for range min(diff, maxRemember) {
		o.add(&session{counted: true})
	}
	for range -diff {
		s := o.first(isCounted)
		if s == nil {
			s = o.first(isWaiting)
		}
		if s == nil {
			s = o.first(func(s *session) bool { return s.held })
		}
		if s == nil {
			s = o.sessions[0]
		}
		r.depart(s, s.owner, ReasonUnknown)
	}
}

// flush: the game is gone, and prints no leave for anybody.
func (r *Reader) flush() {
	o := &r.roster
	for _, d := range o.deaths {
		r.tellDeath(d, "")
	}
	sessions := o.sessions
	*o = roster{crossplay: o.crossplay, known: true}
	for _, s := range sessions {
		r.emit(Happening{Kind: Disconnected, Player: s.player(), PlatformID: s.id, Reason: ReasonServerStop})
	}
}
