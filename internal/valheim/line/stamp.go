package line

import "strings"

// stampLen is the length of "MM/DD/YYYY HH:MM:SS: ".
const stampLen = 21

func isStamp(s string) bool {
	return len(s) >= stampLen && s[2] == '/' && s[5] == '/' && s[13] == ':' && like(s, "00/00/0000 00:00:00: ")
}

// Glued finds the game's timestamp inside a text, not at its beginning: two
// writers can share a pipe and a line. It is -1 if there is none.
func Glued(s string) int {
	for from := 0; ; {
		slash := strings.IndexByte(s[from:], '/')
		if slash < 0 {
			return -1
		}
		at := from + slash - 2
		if at > 0 && isStamp(s[at:]) {
			return at
		}
		from += slash + 1
	}
}

// GluedScript finds a line of a container's script inside a text, in the form of
// before mid 2021: "2021-03-08 00:00:02 [24] (DEBUG) ". It is -1 if there is
// none.
func GluedScript(s string) int {
	const form = "0000-00-00 00:00:00 ["
	before, _, ok := strings.Cut(s, "] (")
	at := strings.LastIndex(before, " [") - len(form) + 2
	if !ok || at <= 0 || !like(s[at:], form) {
		return -1
	}
	return at
}

// stampSeconds turns the game's timestamp (US order, local time without
// offset) into seconds. Only differences between them mean anything.
func stampSeconds(s string) int64 {
	two := func(i int) int64 { return int64(s[i]-'0')*10 + int64(s[i+1]-'0') }
	month, day, year := two(0), two(3), two(6)*100+two(8)
	if month <= 2 { // count years from March, so that leap days come last
		year, month = year-1, month+12
	}
	days := year*365 + year/4 - year/100 + year/400 + (153*(month-3)+2)/5 + day
	return days*86400 + two(11)*3600 + two(14)*60 + two(17)
}

// Plain removes a terminal's colours. What only begins like them stays, but for
// the escape itself: a name must not swallow what follows it.
func Plain(s string) string {
	if strings.IndexByte(s, 0x1b) < 0 {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == 0x1b {
			i += colour(s[i:])
			continue
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// colour is how many bytes follow the escape at the beginning of s: those of
// "[31;1m" or, clearing a line, "[K"; 0 if it is something else.
func colour(s string) int {
	if len(s) < 2 || s[1] != '[' {
		return 0
	}
	for i := 2; i < len(s); i++ {
		switch c := s[i]; {
		case c >= '0' && c <= '9', c == ';':
		case c == 'm', c == 'K':
			return i
		default:
			return 0
		}
	}
	return 0
}
