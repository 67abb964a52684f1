package playground_test

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"hearth/internal/playground/autopsy"
)

// afterwards is the folder of an evening that has ended, or was killed.
type afterwards struct{ *autopsy.Folder }

// sameText is nil if no two lines of the bot's are the same to the letter: in
// one evening each has something that names it, if only a join code.
func (f *afterwards) sameText() error {
	var errs []error
	seen := map[string]bool{}
	for _, line := range f.lines() {
		if seen[line] && !strings.Contains(line, "is saved, in") { // how long that took names nothing
			errs = append(errs, fmt.Errorf("told twice: %s", line))
		}
		seen[line] = true
	}
	return errors.Join(errs...)
}

// said counts the bot's lines that hold a text.
func (f *afterwards) said(text string) int {
	n := 0
	for _, line := range f.lines() {
		if strings.Contains(line, text) {
			n++
		}
	}
	return n
}

// told is nil if the bot has said what it had to after a kill, compared with an
// evening in which nothing happened. at is the folder at the kill.
func (f *afterwards) told(want, at *afterwards) error {
	var errs []error
	if n := f.cards(); n != 1 {
		errs = append(errs, fmt.Errorf("%d cards, want 1", n))
	}
	if at.heardOf("Bo1") && f.said("**Bo1** came in") == 0 {
		errs = append(errs, errors.New("that Bo1 came in was known at the kill, and never told"))
	}
	// Without a machine there was nothing that a kill could have disturbed,
	// and what the cloud takes from a busy machine may be told either way.
	calm := autopsy.Machines(at.Sets) == 0 && !at.Unanswered() && f.said(movedOn) == want.said(movedOn)
	if calm {
		errs = append(errs, f.same(want))
	} else {
		errs = append(errs, f.inReason(want, at))
	}
	return errors.Join(errs...)
}

const movedOn = "The old machine is gone"

// same is nil if the lines are of the same kinds, but for one more who came in
// after the kill.
func (f *afterwards) same(want *afterwards) error {
	got := f.kinds()
	for kind := range got {
		if strings.Contains(kind, "came in") {
			got[kind] = min(got[kind], 1)
		}
	}
	if !maps.Equal(got, want.kinds()) {
		return fmt.Errorf("the channel says\n%v, want\n%v", got, want.kinds())
	}
	return nil
}

// inReason is nil if the lines are those of an evening in which the machine
// started over once, and nothing else.
func (f *afterwards) inReason(want, at *afterwards) error {
	var errs []error
	known := 0
	count := func(least, most int, texts ...string) {
		n := 0
		for _, text := range texts {
			n += f.said(text)
		}
		known += n
		if n < least || n > most {
			errs = append(errs, fmt.Errorf("%d messages with %q, want %d to %d", n, texts, least, most))
		}
	}
	out, saves, moves := want.said("is out. The machine is gone"), want.said("is saved, in"), want.said(movedOn)
	count(out, out, "is out. The machine is gone")
	// One that started over in the middle of a stop may save nothing, instead
	// of the save or beside it; and the machine may be deleted, for the proof
	// of the life before, as soon as it is up again.
	unopened, unheard := f.said("was not opened"), min(f.said("Nobody could have been in yet"), 1)
	count(saves-unopened, saves+unheard, "is saved, in", "went before it could prove", "is gone without notice", "is gone before it could prove")
	count(0, 1, "was not opened")
	count(0, moves, "takes the machine")
	count(0, moves, movedOn)
	if n := f.said("takes the machine") + f.said("is gone without notice"); n != moves {
		errs = append(errs, fmt.Errorf("%d machines were taken by what was said, want %d", n, moves))
	}
	// The game runs once more, and one more may come in.
	count(want.said("is burning. Join"), want.said("is burning. Join")+1, "is burning. Join")
	count(want.said("came in"), 2, "came in")
	count(0, 2, "is a new world")
	count(0, 1, "started over without word")
	count(0, 1, "is not saved yet")
	count(0, 1, "has not spoken")
	count(0, f.said("has not spoken"), "speaks again")
	if at.Unanswered() {
		// An answer whose interaction was void is a line in the channel.
		count(0, 1, "[Midgard", "puts the fire out", "still playing", "burning already", "is already lighting", "going out already")
	}
	if all := len(f.lines()); all != known {
		errs = append(errs, fmt.Errorf("%d of %d lines are of a kind that nobody expects", all-known, all))
	}
	if errs != nil {
		errs = append(errs, fmt.Errorf("the channel says %v", f.kinds()))
	}
	return errors.Join(errs...)
}

// cards counts the session's cards, wherever they stand.
func (f *afterwards) cards() int {
	n := 0
	for _, m := range f.Messages {
		if len(m.Embeds) > 0 {
			n++
		}
	}
	return n
}

// heardOf: the control plane has been told that somebody came in.
func (f *afterwards) heardOf(name string) bool {
	return slices.Contains(f.State.Session.Played, name) || slices.ContainsFunc(f.Events, func(b []byte) bool {
		return bytes.Contains(b, []byte("agent.spawned")) && bytes.Contains(b, []byte(name))
	})
}

var (
	codes   = regexp.MustCompile("`[^`]*`")
	numbers = regexp.MustCompile(`[0-9]+`)
	spans   = regexp.MustCompile(`a moment|# h # min|# min|# s\b`)
)

// lines are the bot's messages, answers to commands apart: content and the
// titles of cards.
func (f *afterwards) lines() []string {
	var lines []string
	for _, m := range f.Messages {
		if !m.Author.Bot || m.Interaction != nil {
			continue
		}
		text := m.Content
		for _, e := range m.Embeds {
			text += "[" + e.Title + "]"
		}
		lines = append(lines, text)
	}
	return lines
}

// kinds counts the lines without what differs from evening to evening.
func (f *afterwards) kinds() map[string]int {
	n := map[string]int{}
	for _, text := range f.lines() {
		text = codes.ReplaceAllString(text, "`…`")
		n[spans.ReplaceAllString(numbers.ReplaceAllString(text, "#"), "~")]++
	}
	return n
}
