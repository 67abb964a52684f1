package world

import "time"

// Bill is what a world's machines cost: sums up to Counted, to which the
// machine that is rented now adds by the hour. Nothing else is in it; docs/cost.md
// has what a deployment costs beside its machines.
type Bill struct {
	// PerHour is the price of the machine that is rented now, as it was known
	// when it was rented, or first known; 0: not known.
	PerHour Money `json:"per_hour,omitempty"`
	// Counted is up to when that machine is in the sums; zero while there is none.
	Counted time.Time `json:"counted,omitzero"`
	Session Money     `json:"session,omitempty"` // of the session
	Before  Money     `json:"before,omitempty"`  // of all sessions before it

	Month  string `json:"month,omitempty"`  // as MonthOf has it; what follows is of this month
	Spent  Money  `json:"spent,omitempty"`  // in it
	Raised Money  `json:"raised,omitempty"` // what a keeper added to its cap
	Raises int    `json:"raises,omitempty"` // how often
	// Neared: the keeper was told that most of the cap is spent. Reached: that a
	// start was refused, since it was raised last.
	Neared  bool `json:"neared,omitempty"`
	Reached bool `json:"reached,omitempty"`
	// StopAt is set while people know that the session is stopped for the cap: then.
	StopAt time.Time `json:"stop_at,omitzero"`
}

// MonthOf is the calendar month of a moment, in UTC, as 2026-11: later ones
// compare greater.
func MonthOf(t time.Time) string { return t.UTC().Format("2006-01") }

// MonthBegan is the first moment of a moment's calendar month, in UTC.
func MonthBegan(t time.Time) time.Time {
	y, m, _ := t.UTC().Date()
	return time.Date(y, m, 1, 0, 0, 0, 0, time.UTC)
}

// NextMonth is the first moment of the month after a moment's.
func NextMonth(t time.Time) time.Time { return MonthBegan(t).AddDate(0, 1, 0) }

// Uncounted is what the present machine costs from a moment to another, as far
// as it is not in the sums.
func (b *Bill) Uncounted(from, to time.Time) Money {
	if b.Counted.IsZero() {
		return 0
	}
	if from.Before(b.Counted) {
		from = b.Counted
	}
	return b.PerHour.For(to.Sub(from))
}

// OfSession is what the session has cost.
func (b *Bill) OfSession(now time.Time) Money { return b.Session + b.Uncounted(b.Counted, now) }

// OfAll is what all sessions have cost.
func (b *Bill) OfAll(now time.Time) Money { return b.Before + b.OfSession(now) }

// OfMonth is what the calendar month of now has cost.
func (b *Bill) OfMonth(now time.Time) Money {
	if b.Month < MonthOf(now) {
		return b.Uncounted(MonthBegan(now), now)
	}
	return b.Spent + b.Uncounted(b.Counted, now)
}

// Cap is what the world's machines may cost in the calendar month of now; 0: no
// limit.
func (s *State) Cap(c *Config, now time.Time) Money {
	most := Cents(c.MonthlyDollars * 100)
	if most > 0 && s.Bill.Month == MonthOf(now) {
		most += s.Bill.Raised
	}
	return most
}
