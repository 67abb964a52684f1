package world

import (
	"strconv"
	"time"
)

// Idle is what was done about nobody being on.
type Idle struct {
	// Warned is when people were told that the fire goes out. It is of the
	// present idleness only if it is after State.EmptySince.
	Warned time.Time `json:"warned,omitzero"`
	// Warnings counts them in this session: it is in their buttons.
	Warnings int `json:"warnings,omitempty"`
	// Awake is until when somebody wants the fire to burn, whether anybody is on
	// or not.
	Awake time.Time `json:"awake,omitzero"`
}

// IdleWarned tells whether nobody is on and people know when the fire goes out.
func (s *State) IdleWarned() bool {
	return s.Status == Online && !s.EmptySince.IsZero() && s.Idle.Warned.After(s.EmptySince)
}

// WarningID is the Operation of the buttons under the last warning of idleness.
func (s *State) WarningID() string { return s.Session.ID + "." + strconv.Itoa(s.Idle.Warnings) }

// RaiseID is the Operation of a button that raises the present month's cap: it is
// good once.
func (b *Bill) RaiseID() string { return b.Month + "." + strconv.Itoa(b.Raises) }

// RaiseBy is by how much a keeper raises a world's monthly cap at once: a
// quarter of it, a dollar at least.
func (c *Config) RaiseBy() Money { return max(Cents(c.MonthlyDollars*100)/4, Dollar) }
