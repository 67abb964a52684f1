package autopsy

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"hearth/internal/sim/simdiscord"
	"hearth/internal/sim/simdiscord/guild"
	"hearth/internal/sim/simgame"
	"hearth/internal/world"
)

// Asleep is nil if the world is out, its save whole, and the cloud at zero.
func (f *Folder) Asleep() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	s := &f.State
	if s.Status != world.Stopped {
		bad("the world is %s, not stopped", s.Status)
	}
	if len(s.Pending) > 0 || s.Unsaid > 0 {
		bad("%d effects are still to be done and %d messages were dropped", len(s.Pending), s.Unsaid)
	}
	if f.Poisoned > 0 {
		bad("%d events are in the poison queue", f.Poisoned)
	}
	for _, set := range f.Sets {
		busy := len(set.Ops) > 0 && !set.Ops[len(set.Ops)-1].Done
		if set.VM != nil || set.Capacity != 0 || busy {
			bad("the cloud is not at zero: %+v", set)
		}
	}
	if _, err := simgame.ReadWorld(filepath.Join(f.Dir, "worlds", s.World), s.World); err != nil {
		bad("the save: %w", err)
	}
	return errors.Join(errs...)
}

// Answers is nil if everybody who was told to wait got an answer.
func (f *Folder) Answers() error {
	var errs []error
	for _, m := range f.Messages {
		if m.Thinking || m.Content == simdiscord.NotResponding {
			errs = append(errs, fmt.Errorf("message %s never got its answer (%q)", m.ID, m.Content))
		}
	}
	return errors.Join(errs...)
}

// SaidTwice lists messages of the bot that bear the nonce of another: each was
// to be said once.
func (f *Folder) SaidTwice() error {
	var errs []error
	seen := map[string]string{}
	for _, m := range f.Messages {
		if m.Nonce == "" {
			continue
		}
		if other, ok := seen[m.Nonce]; ok {
			errs = append(errs, fmt.Errorf("messages %s and %s have the same nonce: %s", other, m.ID, m.Content))
		}
		seen[m.Nonce] = m.ID
	}
	return errors.Join(errs...)
}

// Litter is nil if the folder holds only what a playground keeps there.
func (f *Folder) Litter() error {
	entries, err := os.ReadDir(f.Dir)
	for _, e := range entries {
		name := strings.TrimSuffix(e.Name(), ".new") // one may be half written
		if !slices.Contains([]string{
			"hearth.db", "hearth.db-wal", "hearth.db-shm", "hearth.db.lock", "cloud.json", "discord.json", "time", "secrets.json", "settings", "worlds", "hearth.log", "machines",
		}, name) {
			err = errors.Join(err, fmt.Errorf("%s lies in the folder and belongs to nobody", e.Name()))
		}
	}
	return err
}

// Since is nil if nothing is gone that an earlier look found.
func (f *Folder) Since(earlier *Folder) error {
	var errs []error
	if f.State.Generation < earlier.State.Generation {
		errs = append(errs, fmt.Errorf("generation %d fell to %d", earlier.State.Generation, f.State.Generation))
	}
	for _, m := range earlier.Messages {
		// The oldest make room when there are too many.
		if len(f.Messages) == guild.MaxMessages && older(m.ID, f.Messages[0].ID) {
			continue
		}
		if !slices.ContainsFunc(f.Messages, func(n Message) bool { return n.ID == m.ID }) {
			errs = append(errs, fmt.Errorf("message %s is gone: %s", m.ID, m.Content))
		}
	}
	return errors.Join(errs...)
}

// older compares ids, which are numbers that rise.
func older(a, b string) bool { return len(a) < len(b) || len(a) == len(b) && a < b }
