package words

import (
	"fmt"
	"slices"
	"time"

	"hearth/internal/world"
	"hearth/internal/world/price"
)

// about is an amount as people are told it: prices change, and the cloud's own
// bill comes a month later.
func about(m world.Money) string { return "about " + m.String() }

// sessionCost is what the session has cost so far; empty if that is nothing, or
// no price is known.
func sessionCost(s *world.State, now time.Time) string {
	cost := s.Bill.OfSession(now)
	if cost == 0 {
		return ""
	}
	return about(cost)
}

// monthCost is what the month has cost so far, and what it may cost.
func monthCost(c *world.Config, s *world.State, now time.Time) string {
	cost, most := s.Bill.OfMonth(now), s.Cap(c, now)
	switch {
	case most > 0:
		return about(cost) + " of " + most.String()
	case cost > 0:
		return about(cost)
	}
	return ""
}

// priceText is what a machine costs an hour, and of which day that price is:
// the machine that there is, or the one that a start would try first.
func priceText(c *world.Config, s *world.State) string {
	p, ok := c.Placement(s.Cloud.Placement)
	if rented := !s.Bill.Counted.IsZero(); (!ok || !rented) && len(c.Placements) > 0 {
		first := slices.IndexFunc(c.Placements, func(p world.Placement) bool { return !p.Regular })
		p = c.Placements[max(first, 0)]
	}
	perHour, on, known := price.Hourly(p)
	if !known {
		return ""
	}
	if s.Bill.PerHour > 0 {
		perHour = s.Bill.PerHour
	}
	text := "About " + perHourText(perHour) + " an hour"
	if day, err := time.Parse(time.DateOnly, on); err == nil {
		text += ", prices of " + day.Format("2 January 2006")
	}
	return text
}

// perHourText has the tenths of a cent that a spot machine's price is made of.
func perHourText(m world.Money) string {
	return fmt.Sprintf("$%.3f", float64(m)/float64(world.Dollar))
}

// billed is how long machines were paid for, and what that cost; empty if there
// were none.
func billed(s *world.State, now time.Time) string {
	d := s.MachineTime(now)
	if d == 0 {
		return ""
	}
	text := spell(d) + " of machine"
	if cost := sessionCost(s, now); cost != "" {
		text = cost + " for " + text
	}
	return text
}
