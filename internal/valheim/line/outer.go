package line

import "strings"

const months = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec"

// Outer is the time that whoever collects the log put before a line, in
// seconds; 0 without one. A text with line breaks in it gets it before each of
// its lines, so that nobody can forge it in a log that has it. Only differences
// between lines of one log mean anything.
func Outer(s string) int64 {
	s = Plain(s[:min(len(s), 256)])
	for range 3 {
		s = strings.TrimLeft(s, " \t")
		if like(s, "0000-00-00T00:00:00") {
			return stampSeconds(s[5:7] + "/" + s[8:10] + "/" + s[:4] + " " + s[11:19])
		}
		if len(s) >= 16 && s[3] == ' ' && like(s[6:], " 00:00:00 ") {
			month, day := strings.Index(months, s[:3]), strings.ReplaceAll(s[4:6], " ", "0")
			if month%4 != 0 || !like(day, "00") { // not found is -1
				return 0
			}
			return stampSeconds("010203040506070809101112"[month/2:month/2+2] + "/" + day + "/2000 " + s[7:15])
		}
		p := stripCompose(s)
		if !p.ok {
			return 0
		}
		s = p.rest
	}
	return 0
}
