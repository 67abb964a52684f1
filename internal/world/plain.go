package world

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Plain makes text that a player or user chose harmless in a message: no
// markdown, no mention, no link, no line of its own, at most MaxNameRunes
// long. Empty text becomes "someone".
func Plain(name string) string {
	name = cut(name, MaxNameRunes)
	var b strings.Builder
	for _, c := range name {
		switch {
		case c == '@' || c == '/':
			// A zero-width space parts what the client would join into a
			// mention or a link.
			b.WriteRune(c)
			b.WriteRune('\u200b')
		case strings.ContainsRune("\\*_~`|>#[]()<-+.!:", c):
			b.WriteByte('\\')
			b.WriteRune(c)
		case unicode.IsControl(c) || unicode.In(c, unicode.Cf, unicode.Co, unicode.Zl, unicode.Zp):
			// Control, direction and private-use characters can forge the look
			// of a line.
		default:
			b.WriteRune(c)
		}
	}
	if s := strings.TrimSpace(b.String()); s != "" {
		return s
	}
	return "someone"
}

// cut shortens s to n runes of valid UTF-8.
func cut(s string, n int) string {
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "\uFFFD")
	}
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return string([]rune(s)[:n-1]) + "…"
}
