package words_test

import (
	"strings"
	"testing"

	"hearth/internal/world"
	"hearth/internal/world/words"
)

// TestRefusedVersion: which side is the older one, in each way that the game
// and its mods tell their versions.
func TestRefusedVersion(t *testing.T) {
	const (
		theirs = "has an older version of Valheim than the server"
		mine   = "has a newer version of Valheim than the server"
		same   = "has the same version of Valheim as the server"
		unlike = "has a different version of Valheim"
	)
	next := map[string]string{
		theirs: "Update the game in Steam or your store, then try again.",
		mine:   "`/stop` and `/start` bring **Mid\\*gard** up to date.",
		same:   "Mods are the usual reason",
		unlike: "if it is up to date, the server is older, and `/stop` and `/start` update **Mid\\*gard**.",
	}
	c := &world.Config{ID: "midgard", Name: "Mid*gard"}
	for _, tc := range []struct{ theirs, mine, want string }{
		{"39", "40", theirs},
		{"41", "40", mine},
		{"40", "40", same},
		{" 9 ", "10", theirs}, // numbers, not texts
		{"1.0.7", "1.0.16", theirs},
		{"1.1.0", "1.0.16", mine},
		{"1.0", "1.0.1", theirs},
		{"l-1.0.16", "1.0.17", theirs},
		{"1.0.16@0.9", "1.0.17@0.9", theirs},
		{"1.0.17@0.9", "1.0.16", mine},
		{"1.0.16@0.9", "1.0.16@0.10", same},
		{"1.0.16 (network version 40)", "l-1.0.7 (network version 39)", mine},
		{"1.0.7 (network version 40)", "1.0.16 (network version 40)", theirs},
		{"39", "1.0.16 (network version 40)", theirs},
		{"0.0.1 (network version 39)", "l-1.0.16 (network version 40)", theirs},
		{"40", "1.0.16", unlike},
		{"", "40", unlike},
		{"39", "", unlike},
		{"", "", unlike},
		{"0", "40", unlike},
		{"new", "40", unlike},
		{"1..2", "1.2", unlike},
		{"99999999999999999999", "40", unlike},
		{"x (network version y)", "40", unlike},
	} {
		d := &world.Refused{Reason: world.RefusedVersion, Name: "B*o", Theirs: tc.theirs, Mine: tc.mine}
		got := words.Refused(c, d, 0).Text
		if !strings.HasPrefix(got, `🚪 **B\*o** `+tc.want) || !strings.HasSuffix(strings.TrimSuffix(got, ": have the same ones as the server, or ask a keeper which it has."), next[tc.want]) {
			t.Errorf("theirs %q, mine %q:\n got %q\nwant %q … %q", tc.theirs, tc.mine, got, tc.want, next[tc.want])
		}
		if both := tc.theirs != "" && tc.mine != ""; both != strings.Contains(got, "(theirs ") {
			t.Errorf("theirs %q, mine %q: got %q, want both versions if there are both", tc.theirs, tc.mine, got)
		}
	}
}

func TestRefusedMore(t *testing.T) {
	for more, want := range map[int]string{
		0: "right one.",
		1: "right one. It was so once more since I said it last.",
		7: "right one. It was so 7 times more since I said it last.",
	} {
		if got := words.Refused(&world.Config{}, &world.Refused{Reason: world.RefusedPassword}, more).Text; !strings.HasSuffix(got, want) {
			t.Errorf("%d more: got %q, want it to end in %q", more, got, want)
		}
	}
}
