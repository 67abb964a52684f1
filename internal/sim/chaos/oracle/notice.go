package oracle

import (
	"fmt"
	"regexp"
	"slices"
	"time"

	"hearth/internal/sim/chaos/games"
	"hearth/internal/sim/simdiscord"
)

const (
	saidWithin   = 60 * time.Second // after a machine with notice is gone
	missedWithin = 90 * time.Second // after one without is

	// SaveAgeMost is how old the last save may be while somebody is on, before
	// the keeper is told.
	SaveAgeMost = 12*time.Minute + 30*time.Second
)

// Noticed looks at the game of a machine that has notice, with its agent alive
// for so long since: it was asked to save (P12).
func (w *Witness) Noticed(game games.Truth, since time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.record("notice to %s %v ago", game.VM, since)
	if !game.Over() && !game.Killed && game.Asked.IsZero() {
		w.violate("P12", "%s has notice, and its game was not asked to save in %v", game.VM, since)
	}
}

// Gone is a machine that the cloud took while nothing else went wrong.
type Gone struct {
	VM        string
	Noticed   bool
	Announced time.Time // or, without notice, when it went
	At        time.Time
	Game      games.Truth          // that ran on it
	SaveAge   time.Duration        // how old the world's last save was; negative: there is none
	Skew      time.Duration        // the most by which the clocks of those who tell are off
	Messages  []simdiscord.Message // that people see, Within after At
}

// Within is how long it may take until it is told.
func (g Gone) Within() time.Duration {
	if g.Noticed {
		return saidWithin
	}
	return missedWithin
}

// Gone looks at what was said of a machine that is gone: that it was saved, or how
// much is lost (P12); if it vanished, that it did, and how old the last save is
// (P13).
func (w *Witness) Gone(g Gone) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.record("machine %s gone for %v, noticed %v", g.VM, g.Within(), g.Noticed)
	promise, said := "P12", regexp.MustCompile(`is saved|was not opened|nothing is lost|The last save is .* old|There was no save`)
	if !g.Noticed {
		promise, said = "P13", regexp.MustCompile(`(?:without notice|before it could prove the save)\. (?:The last save is (.*) old;|(There was no save))`)
	}
	for _, m := range slices.Backward(g.Messages) {
		found := said.FindStringSubmatch(m.Content)
		if m.Timestamp.Before(g.Announced) || found == nil {
			continue
		}
		if !g.Noticed {
			w.ageTold(g, m.Timestamp.Sub(g.At), found[1])
		}
		return
	}
	w.violate(promise, "%s is gone for %v, and nobody was told what is saved", g.VM, g.Within())
}

// ageTold compares the age of the last save with what is true (P13). w.mu is held.
func (w *Witness) ageTold(g Gone, after time.Duration, told string) {
	const rounding = 31 * time.Second
	age := g.SaveAge + after
	switch got, err := parseAge(told); {
	case told == "" && g.SaveAge >= 0 && g.At.Add(-g.SaveAge).After(w.state.Session.Began): // "no save in this session"
		w.violate("P13", "no save is known, and the last one was %v before %s went", g.SaveAge, g.VM)
	case told == "":
	case err != nil:
		w.violate("P13", "nobody can read %q", told)
	case g.SaveAge < 0 || (got-age).Abs() > g.Skew+rounding:
		w.violate("P13", "the last save is told to be %s old, and is %v", told, age)
	}
}

// parseAge reads an age as it is told.
func parseAge(text string) (time.Duration, error) {
	var h, m, s int
	if text == "a moment" {
		return 0, nil
	}
	if n, _ := fmt.Sscanf(text, "%d h %d min", &h, &m); n == 2 {
		return time.Duration(h)*time.Hour + time.Duration(m)*time.Minute, nil
	}
	var unit string
	if _, err := fmt.Sscanf(text, "%d %s", &s, &unit); err != nil {
		return 0, err
	}
	switch unit {
	case "s":
		return time.Duration(s) * time.Second, nil
	case "min":
		return time.Duration(s) * time.Minute, nil
	}
	return 0, fmt.Errorf("unknown unit %q", unit)
}

// Unsaved looks at what was said of a game that has not saved for SaveAgeMost and
// two minutes, with somebody on and nothing else wrong: the keeper was told (P14).
func (w *Witness) Unsaved(game games.Truth, messages []simdiscord.Message) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.record("no save on %s", game.VM)
	late := regexp.MustCompile(`has not saved for`)
	told := slices.ContainsFunc(messages, func(m simdiscord.Message) bool {
		return !m.Timestamp.Before(game.Began) && late.MatchString(m.Content)
	})
	due := game.Ready() && len(game.Players()) > 0 && game.Now.Sub(game.Saved) > SaveAgeMost
	if due && !told {
		w.violate("P14", "the game of %s has not saved since %v, and the keeper was not told", game.VM, game.Saved)
	}
}
