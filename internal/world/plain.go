package world

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// PlainName is Plain for the name of a player or user, of MaxNameRunes
// characters. A name in which nothing can be seen becomes "someone".
func PlainName(name string) string {
	if s := Plain(name, MaxNameRunes); s != "" {
		return s
	}
	return "someone"
}

// Plain makes text that others chose harmless in a message: no markdown, no
// mention, no link, no line of its own, at most n characters before escaping
// (each becomes two at most). Empty if nothing can be seen.
func Plain(text string, n int) string {
	var b strings.Builder
	for _, c := range Visible(text, n) {
		switch {
		case c == '@' || c == '/':
			// A zero-width space parts what the client would join into a
			// mention or a link.
			b.WriteRune(c)
			b.WriteRune('\u200b')
		case strings.ContainsRune("\\*_~`|>#[]()<-+.!:", c):
			b.WriteByte('\\')
			b.WriteRune(c)
		default:
			b.WriteRune(c)
		}
	}
	return b.String()
}

// Visible is what of a text can be seen: one line of n characters at most, no
// control, direction or private-use character (they can forge the look of a
// line), no invisible one, single blanks inside. Empty if nothing is left.
func Visible(s string, n int) string {
	var b strings.Builder
	left, blank := n, false
	for _, c := range s {
		switch {
		case unicode.IsSpace(c):
			blank = b.Len() > 0
			continue
		case unseen(c):
			continue
		case b.Len() == 0 && unicode.IsMark(c):
			continue // it would stand on the character before the text
		}
		if need := 1 + btoi(blank); left < need {
			return cut(b.String(), n-1) + "…"
		} else if blank {
			b.WriteByte(' ')
			left--
		}
		blank = false
		b.WriteRune(c)
		left--
	}
	return b.String()
}

// shortName is a character's name as a state keeps it. The game lets nobody
// choose more than 15 characters: 45 bytes.
func shortName(name string) string {
	const most = 48
	name = Visible(name, MaxNameRunes)
	for i := range name {
		if i > most-len("…") && len(name) > most {
			_, last := utf8.DecodeLastRuneInString(name[:i])
			return name[:i-last] + "…"
		}
	}
	return name
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// unseen are the characters that show nothing by themselves. U+2800 is a
// Braille cell without dots; it counts as a symbol.
func unseen(c rune) bool {
	return unicode.IsControl(c) || c == '\u2800' ||
		unicode.In(c, unicode.Cf, unicode.Co, unicode.Cs, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}

// cut shortens s to n characters of valid UTF-8.
func cut(s string, n int) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	for i := range s {
		if n--; n < 0 {
			return s[:i]
		}
	}
	return s
}
