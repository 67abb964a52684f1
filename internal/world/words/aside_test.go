package words_test

import (
	"strings"
	"testing"
	"unicode/utf16"

	"hearth/internal/world"
	"hearth/internal/world/words"
	"hearth/internal/world/worldtest"
)

func TestSetAside(t *testing.T) {
	for name, tc := range map[string]struct {
		item world.Aside
		want []string
	}{
		"one of a newer schema": {
			world.Aside{Reason: world.AsideSchema, Count: 1, Kept: "unreadable/schema/ab", What: "7"},
			[]string{"- 1 of schema (`7`)", "different versions", "It is kept in the table `archive` as `unreadable/schema/ab`."},
		},
		"many forged, none kept": {
			world.Aside{Reason: world.AsideSeal, Count: 4711},
			[]string{"- 4711 sealed by none of ours", "change the storage account's key", "None of them is kept"},
		},
		"a world that is gone": {
			world.Aside{Reason: world.AsideWorld, Count: 2, Kept: "unreadable/world/ab", What: "as`gard"},
			[]string{"(`as'gard`)", "`HEARTH_WORLDS`", "One is kept"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := words.SetAside([]world.Aside{tc.item}).Text
			for _, want := range append(tc.want, "I did nothing", "once an hour") {
				if !strings.Contains(got, want) {
					t.Errorf("got %q, want %q in it", got, want)
				}
			}
		})
	}
}

// TestSetAsideFits: whatever came, and for however many reasons, it is one
// message that Discord takes.
func TestSetAsideFits(t *testing.T) {
	for _, what := range append(worldtest.HostileNames(), strings.Repeat("語", 400)) {
		var items []world.Aside
		for _, reason := range world.AsideReasons() {
			items = append(items, world.Aside{Reason: reason, Count: 1_000_000_000, Kept: "unreadable/" + string(reason) + "/0123456789abcdef", What: what})
		}
		text := words.SetAside(items).Text
		if n := len(utf16.Encode([]rune(text))); n > 2000 {
			t.Errorf("%.20q: got %d characters, want at most 2000", what, n)
		}
		if n := strings.Count(text, "\n"); n != len(items)+1 {
			t.Errorf("%.20q: got %d line ends, want one for each reason: %q", what, n, text)
		}
	}
}
