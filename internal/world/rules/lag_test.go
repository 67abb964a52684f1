package rules_test

import (
	"testing"
	"time"

	"hearth/internal/world"
	"hearth/internal/world/rules"
)

// TestLaterThanLost: checks that come later each time than one is waited for are
// all made up for, and end what is to end.
func TestLaterThanLost(t *testing.T) {
	const late = rules.CheckLost + time.Minute
	for name, c := range map[string]struct {
		begin func(g *stage)
		due   time.Duration
	}{
		"idle": {func(g *stage) { g.leave("1") }, world.DefaultIdleMin*time.Minute + rules.IdleGrace},
		"a long session": {func(g *stage) {
			g.c.SessionHours = 2
		}, 2 * time.Hour},
		"the month's money": {func(g *stage) {
			g.c.Placements[0].CentsPerHour, g.c.MonthlyDollars = perHour, 0.05
		}, 50*time.Minute + rules.CapAhead},
	} {
		t.Run(name, func(t *testing.T) {
			g := priced(t)
			g.toOnline()
			g.join("1", "Bo")
			g.late = late
			c.begin(g)
			g.pass(c.due + rules.PutOffMost + 4*late)
			g.status(world.Stopping)
		})
	}
}
