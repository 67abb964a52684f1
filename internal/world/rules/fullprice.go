package rules

import (
	"hearth/internal/world"
	"hearth/internal/world/words"
)

// ranked lists the placements that may be used, the best first: machines at the
// full price only when a keeper allowed them, and then before the others, for
// nobody allows them whom the others do for.
func (r *reaction) ranked() []world.Placement {
	var spot, regular []world.Placement
	for _, p := range r.c.Placements {
		if p.Regular {
			regular = append(regular, p)
		} else {
			spot = append(spot, p)
		}
	}
	if r.s.Session.FullPrice {
		return append(regular, spot...)
	}
	return spot
}

// offerFullPrice asks the keeper, once a session, whether it may have a machine
// at the full price. twice: machines were taken twice within TwiceWithin; else
// there is none.
func (r *reaction) offerFullPrice(twice bool) {
	s := &r.s
	p, ok := words.FullPrice(&r.c)
	if !ok || s.Session.FullPrice || s.Session.Offered {
		return
	}
	s.Session.Offered = true
	r.keeper(words.OfferFullPrice(&r.c, s, p, twice))
}

// allowFullPrice is the keeper's answer. Nothing is moved for it.
func (r *reaction) allowFullPrice(c *world.Command) {
	s := &r.s
	p, ok := words.FullPrice(&r.c)
	switch {
	case !c.Keeper:
		r.answer(c, words.Denied(world.DenyButton, nil))
		return
	case !ok || c.Operation != s.Session.ID || !r.awake() || s.Status == world.Stopping:
		r.answer(c, words.StaleButton(&r.c, s))
		return
	}
	s.Session.FullPrice = true
	waits := s.Status == world.Starting && !s.RetryAt.IsZero()
	r.answer(c, words.FullPriceAllowed(&r.c, s, c.By, p, waits))
	if waits {
		r.tryAgain()
	}
}

// tryAgain asks for a machine after a pause in which there was none. If one came
// up after all at the last place, it has to go first.
func (r *reaction) tryAgain() {
	if c := &r.s.Cloud; c.Acting || c.VM != "" {
		r.within(CheckEvery)
		r.lookSoon()
		return
	}
	r.rent()
	r.card()
}

// seeking: people are told when it takes long to find a place with a machine.
func (r *reaction) seeking() {
	s := &r.s
	if s.Status != world.Starting || !s.RetryAt.IsZero() || s.Op.Told || len(s.Blocked) == 0 || r.now.Sub(s.Since) < SeekWithin {
		return
	}
	s.Op.Told = true
	r.line(words.StillSeeking(&r.c))
}
