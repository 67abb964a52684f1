package world_test

import (
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"hearth/internal/world"
	"hearth/internal/world/worldtest"

	"pgregory.net/rapid"
)

func TestPlain(t *testing.T) {
	for in, want := range map[string]string{
		"Astrid":                           "Astrid",
		"Æva Þóra":                         "Æva Þóra",
		"бьёрн 熊":                          "бьёрн 熊",
		"@everyone":                        "@\u200beveryone",
		"<@1001>":                          "\\<@\u200b1001\\>",
		"**x**":                            `\*\*x\*\*`,
		" : 0:0":                           `\: 0\:0`,
		"[a](http://x)":                    "\\[a\\]\\(http\\:/\u200b/\u200bx\\)",
		"# h":                              `\# h`,
		"a\nb":                             "a b",
		" a \t\n b ":                       "a b",
		"a\u202eb":                         "ab",
		"\u200b\u200d\ufeff":               "someone",
		"\u3164":                           "someone",
		"\u2800 \u2800":                    "someone",
		"\ufe0f":                           "someone",
		"\u0301":                           "someone",
		"e\u0301":                          "e\u0301",
		"":                                 "someone",
		"\xff":                             "\uFFFD",
		strings.Repeat("x", 32):            strings.Repeat("x", 32),
		strings.Repeat("x", 33):            strings.Repeat("x", 31) + "…",
		strings.Repeat("x", 31) + " ":      strings.Repeat("x", 31),
		strings.Repeat("x", 31) + " y":     strings.Repeat("x", 31) + "…",
		strings.Repeat("\u200b", 99) + "x": "x",
	} {
		if got := world.PlainName(in); got != want {
			t.Errorf("%.60q: got %q, want %q", in, got, want)
		}
	}
}

// harmless says what is wrong with a text that went through Plain, or "".
func harmless(s string) string {
	switch n := utf8.RuneCountInString(s); {
	case s == "" || strings.TrimSpace(s) != s:
		return "empty, or blanks around it"
	case !utf8.ValidString(s):
		return "not UTF-8"
	case n > 2*world.MaxNameRunes:
		return "too long"
	case strings.Contains(s, "@everyone") || strings.Contains(s, "@here"):
		return "mentions all"
	case strings.Contains(s, "<@") && !strings.Contains(s, "<@\u200b"):
		return "mentions somebody"
	}
	escaped, last := false, rune(0)
	for _, c := range s {
		switch {
		case last == '@' && c != '\u200b' || last == '/' && c != '\u200b':
			return "a mention or link that is not parted"
		case !escaped && strings.ContainsRune("*_~`|>#[]()<-+!:", c):
			return "unescaped markdown"
		case c != '\u200b' && (unicode.IsControl(c) || unicode.In(c, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Co)):
			return "a control or direction character"
		case c == '\u200b' && last != '@' && last != '/':
			return "a zero-width character of its own"
		}
		escaped = c == '\\' && !escaped
		last = c
	}
	if escaped {
		return "a backslash that escapes what follows"
	}
	return ""
}

func TestPlainIsHarmless(t *testing.T) {
	for _, name := range worldtest.HostileNames() {
		if got := world.PlainName(name); harmless(got) != "" {
			t.Errorf("%.60q became %q: %s", name, got, harmless(got))
		}
	}
	short := slices.DeleteFunc(worldtest.HostileNames(), func(name string) bool { return len(name) > 4096 })
	rapid.Check(t, func(t *rapid.T) {
		parts := rapid.SliceOfN(rapid.OneOf(
			rapid.String(), rapid.SampledFrom(short),
			rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) }),
			rapid.StringOf(rapid.RuneFrom(nil, unicode.Cf, unicode.Cc, unicode.Zs, unicode.Mn, unicode.Variation_Selector)),
		), 0, 4).Draw(t, "parts")
		name := strings.Join(parts, "")
		if got := world.PlainName(name); harmless(got) != "" {
			t.Fatalf("%q became %q: %s", name, got, harmless(got))
		}
	})
}
