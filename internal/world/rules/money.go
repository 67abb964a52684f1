package rules

import (
	"time"

	"hearth/internal/world"
	"hearth/internal/world/price"
)

// counts keeps the bill of the machine that is rented, whoever noticed that it
// is: it costs what its placement costs now, until it is seen to be gone.
func (r *reaction) counts() {
	s := &r.s
	if s.Cloud.Rented.IsZero() {
		return
	}
	b := &s.Bill
	if b.Counted.IsZero() {
		b.Counted = s.Cloud.Rented
	}
	if b.PerHour == 0 { // until the configuration tells
		b.PerHour = r.hourly(s.Cloud.Placement)
	}
	r.month()
}

// hourly is what a machine at a placement costs an hour; 0: not known.
func (r *reaction) hourly(placement string) world.Money {
	p, ok := r.c.Placement(placement)
	if !ok { // it is not in the configuration any more
		return 0
	}
	perHour, _, _ := price.Hourly(p)
	return perHour
}

// count puts what the machine has cost until then into the sums.
func (r *reaction) count(until time.Time) {
	b := &r.s.Bill
	if !until.After(b.Counted) {
		return
	}
	cost := b.Uncounted(b.Counted, until)
	b.Session, b.Spent, b.Counted = b.Session+cost, b.Spent+cost, until
}

// paid: the machine is gone, and costs nothing any more.
func (r *reaction) paid() {
	r.month()
	r.count(r.now)
	r.s.Bill.PerHour, r.s.Bill.Counted = 0, time.Time{}
}

// month begins the bill of a new month. What a machine cost before midnight is
// the old month's.
func (r *reaction) month() {
	b := &r.s.Bill
	month := world.MonthOf(r.now)
	if b.Month >= month { // greater: another worker's clock was ahead
		return
	}
	if !b.Counted.IsZero() {
		r.count(world.MonthBegan(r.now))
	}
	b.Month, b.Spent, b.Raised, b.Raises = month, 0, 0, 0
	b.Neared, b.Reached, b.StopAt = false, false, time.Time{}
}

// newBill: a session begins.
func (r *reaction) newBill() {
	b := &r.s.Bill
	b.Before, b.Session, b.StopAt = b.Before+b.Session, 0, time.Time{}
}
