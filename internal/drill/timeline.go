package drill

import (
	"fmt"
	"strings"
	"time"

	"hearth/internal/world"
)

// Part is whose time a step is.
type Part string

// The parts. A row knows when Hearth saw what the cloud did, and it looks every
// five seconds: up to that much of the cloud's steps is Hearth's own. Before it
// asks for a new machine it brings the old one's scale set down to zero, which is
// counted as Hearth's, though the cloud has a part in it.
const (
	Cloud  Part = "the cloud"
	Game   Part = "the game"
	Hearth Part = "Hearth"
)

// Step is something that a row knows the time of.
type Step struct {
	What  string
	After time.Duration // since the first step
	Took  time.Duration // since the step before
	Whose Part          // Took is; empty for the first
}

// String is a line of the timeline.
func (s Step) String() string {
	took := ""
	if s.Whose != "" {
		took = fmt.Sprintf("%s of %s", seconds(s.Took), s.Whose)
	}
	return strings.TrimRight(fmt.Sprintf("%9s  %-42s %s", seconds(s.After), s.What, took), " ")
}

// Timeline is a move, step by step, in the order in which they came.
type Timeline struct {
	Steps []Step
	back  bool
}

// Of reads the times of a move. asked is when the eviction was asked for.
func Of(asked time.Time, m world.Move) Timeline {
	var t Timeline
	var begun, last time.Time
	add := func(at time.Time, whose Part, what string) {
		if at.IsZero() {
			return
		}
		if begun.IsZero() {
			begun, last = at, at
		}
		// Agents and bot have clocks of their own: a second between them must not
		// make time run backwards.
		if at.Before(last) {
			at = last
		}
		t.Steps = append(t.Steps, Step{What: what, After: at.Sub(begun), Took: at.Sub(last), Whose: whose})
		last = at
	}
	add(asked, "", "the eviction is asked for")
	add(m.Notice, Cloud, "the machine hears of it")
	add(m.Signal, Hearth, "the game is told to stop")
	add(m.Proof, Game, "the save is proven")
	add(m.Gone, Cloud, "the old machine is gone")
	add(m.Asked, Hearth, "a new one is asked for at "+m.To)
	there := m.Machine
	if !m.HostUp.IsZero() && (there.IsZero() || m.HostUp.Before(there)) {
		there = m.HostUp // it was heard before it was seen
	}
	add(there, Cloud, "it is there")
	add(m.HostUp, Cloud, "its agent is up")
	add(m.Online, Game, "people can be in")
	t.back = !m.Online.IsZero()
	return t
}

// Back reports whether people can be in again.
func (t Timeline) Back() bool { return t.back }

// Took is how much of it was somebody's.
func (t Timeline) Took(p Part) (d time.Duration) {
	for _, s := range t.Steps {
		if s.Whose == p {
			d += s.Took
		}
	}
	return d
}

// Sum says how long it took and whose that was.
func (t Timeline) Sum() string {
	if len(t.Steps) == 0 {
		return ""
	}
	return fmt.Sprintf("Back after %s: %s of the cloud, %s of the game, %s of Hearth.",
		seconds(t.Steps[len(t.Steps)-1].After), seconds(t.Took(Cloud)), seconds(t.Took(Game)), seconds(t.Took(Hearth)))
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.1f s", d.Seconds()) }
