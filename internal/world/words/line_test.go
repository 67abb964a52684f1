package words_test

import (
	"strings"
	"testing"

	"hearth/internal/world"
	"hearth/internal/world/words"
)

func TestRaid(t *testing.T) {
	c := &world.Config{ID: "midgard", Name: "Mid*gard"}
	for event, want := range map[string]string{
		"army_bonemass":         `⚔️ **Mid\*gard** is under attack by Bonemass's army of draugr and skeletons. To arms!`,
		"blobs":                 `⚔️ **Mid\*gard** is under attack by blobs. To arms!`,
		"ARMY_BONEMASS":         "⚔️ Something comes over **Mid\\*gard**; the game calls it `ARMY_BONEMASS`. To arms!",
		"a`b @everyone":         "⚔️ Something comes over **Mid\\*gard**; the game calls it `a'b @everyone`. To arms!",
		"two\nlines":            "⚔️ Something comes over **Mid\\*gard**; the game calls it `two lines`. To arms!",
		"":                      `⚔️ Something comes over **Mid\*gard**. To arms!`,
		"\u200b":                `⚔️ Something comes over **Mid\*gard**. To arms!`,
		strings.Repeat("x", 99): "⚔️ Something comes over **Mid\\*gard**; the game calls it `" + strings.Repeat("x", world.MaxNameRunes-1) + "…`. To arms!",
	} {
		if got := words.Raid(c, event).Text; got != want {
			t.Errorf("%q:\n got %q\nwant %q", event, got, want)
		}
	}
}
