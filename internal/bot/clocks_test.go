package bot_test

import (
	"time"

	"hearth/internal/world/worldtest"
)

// hurried is a clock whose waits pass at once by moving the clock that
// everybody shares: for parts that wait between attempts, in tests of one
// worker at a time.
type hurried struct{ *worldtest.Clock }

func (c hurried) After(d time.Duration) <-chan time.Time {
	if d > 0 {
		c.Advance(d)
	}
	return c.Clock.After(0)
}

// patient is a clock on which nobody's patience ends: the pretend Discord
// measures how long an endpoint takes by it, and endpoints here take no time.
type patient struct{ *worldtest.Clock }

func (patient) After(time.Duration) <-chan time.Time { return nil }
