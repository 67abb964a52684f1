package words_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode/utf16"

	"hearth/internal/world"
	"hearth/internal/world/words"
	"hearth/internal/world/worldtest"
)

func TestLogTail(t *testing.T) {
	c := &world.Config{ID: "midgard", Name: "Mid*gard"}
	many := make([]string, 100)
	for i := range many {
		many[i] = fmt.Sprintf("%02d %s", i, strings.Repeat("x", 96))
	}
	long := strings.Repeat("y", 5000)
	for name, tc := range map[string]struct {
		lines []string
		want  string // all of it
	}{
		"nothing": {nil, "📜 The log of **Mid\\*gard** is empty."},
		"two":     {[]string{"a", "b  c"}, "📜 The end of the log of **Mid\\*gard**:\n```\na\nb c\n```"},
		"hostile": {
			[]string{"```", "<@1> @everyone `x`", "\u202eob\x1b[1m\nc", ""},
			"📜 The end of the log of **Mid\\*gard**:\n```\n'''\n<@1> @everyone 'x'\nob[1m c\n\n```",
		},
		"one too many": {
			[]string{strings.Repeat("z", 299) + "z", long, long, long, long, "end"},
			"📜 The end of the log of **Mid\\*gard**:\n```\n" + strings.Repeat("z", 300) + strings.Repeat("\n"+strings.Repeat("y", 299)+"…", 4) + "\nend\n```",
		},
		"newest win": {many, "📜 The end of the log of **Mid\\*gard**; the 84 lines before it did not fit:\n```\n" + strings.Join(many[84:], "\n") + "\n```"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := words.LogTail(c, tc.lines).Text; got != tc.want {
				t.Errorf("got %q\nwant %q", got, tc.want)
			}
		})
	}
}

// TestLogTailFits: whatever stands in a log, its message is one that Discord
// takes and the row can hold, in one block of code.
func TestLogTailFits(t *testing.T) {
	c := &world.Config{ID: "midgard", Name: strings.Repeat("*", world.MaxWorldName)}
	for _, line := range append(worldtest.HostileNames(), strings.Repeat(`"\`, 400), strings.Repeat("`", 400), strings.Repeat("語", 400)) {
		lines := make([]string, world.MaxTailLines)
		for i := range lines {
			lines[i] = line
		}
		say := words.LogTail(c, lines)
		if n := len(utf16.Encode([]rune(say.Text))); n > 2000 {
			t.Errorf("%.20q: got %d characters, want at most 2000", line, n)
		}
		if b, err := json.Marshal(say); err != nil || len(b) > 3000 {
			t.Errorf("%.20q: got %d bytes, %v; want the row to hold it", line, len(b), err)
		}
		if n := strings.Count(say.Text, "`"); n != 6 || !strings.HasSuffix(say.Text, "\n```") {
			t.Errorf("%.20q: got %d backticks, want one block: %q", line, n, say.Text)
		}
	}
}
