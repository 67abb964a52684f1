package probe

import (
	"errors"
	"fmt"
	"time"
)

// Bounds of a schedule.
const (
	MaxProbes = 10_000
	MaxPause  = 7 * 24 * time.Hour
)

// Schedule is how long to leave the app alone before each probe, counted from
// the end of the one before.
type Schedule []time.Duration

// Every is count probes (1 to MaxProbes), the first at once and a pause before
// each other.
func Every(pause time.Duration, count int) (Schedule, error) {
	if count < 1 || count > MaxProbes {
		return nil, fmt.Errorf("%d probes: choose 1 to %d", count, MaxProbes)
	}
	if err := check(pause); err != nil {
		return nil, err
	}
	s := make(Schedule, count)
	for i := range s[1:] {
		s[i+1] = pause
	}
	return s, nil
}

// After is one probe at once, so that it is known since when nobody asked, and
// one after each of the pauses.
func After(pauses ...time.Duration) (Schedule, error) {
	if len(pauses) == 0 || len(pauses) >= MaxProbes {
		return nil, fmt.Errorf("%d pauses: choose 1 to %d", len(pauses), MaxProbes-1)
	}
	for _, p := range pauses {
		if err := check(p); err != nil {
			return nil, err
		}
	}
	return append(Schedule{0}, pauses...), nil
}

func check(pause time.Duration) error {
	if pause < 0 {
		return errors.New("a pause is below zero: choose one like 30m")
	}
	if pause > MaxPause {
		return fmt.Errorf("a pause of %s: choose at most %s", pause, MaxPause)
	}
	return nil
}
