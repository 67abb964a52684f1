package valheim

import "strings"

// source says who wrote a line; it is decided by the prefixes.
type source int

const (
	fromGame       source = iota
	fromScript            // a container's own scripts
	fromSupervisor        // supervisord itself
	fromMod               // a BepInEx plugin: its text may be a player's
	fromOther             // backup, cron, …: nothing of ours
)

// stripped is a line without its prefixes.
type stripped struct {
	from source
	body string // without blanks around it
	sec  int64  // the game's own time in seconds since some day; 0 without one
}

// stampLen is the length of "MM/DD/YYYY HH:MM:SS: ".
const stampLen = 21

// strip takes prefixes off until none is left, and the game's timestamp last.
// It is written by hand, because it runs on every line.
func strip(s string) stripped {
	var out stripped
	other := false
	for {
		for s != "" && (s[0] == ' ' || s[0] == '\t' || s[0] == ',') { // a comma: reports pasted out of a table
			s = s[1:]
		}
		if isStamp(s) {
			out.sec = stampSeconds(s)
			s = s[stampLen:]
			break
		}
		rest, from, ok := stripOne(s)
		if !ok {
			break
		}
		switch from {
		case fromOther:
			other = true
		case fromGame:
		default:
			out.from = from
		}
		s = rest
	}
	if other && out.from == fromGame {
		out.from = fromOther
	}
	out.body = strings.TrimSpace(s)
	return out
}

// stripOne takes one prefix off, and says who writes lines under it.
func stripOne(s string) (rest string, from source, ok bool) {
	if s == "" {
		return s, fromGame, false
	}
	switch c := s[0]; {
	case c == '[':
		if rest, from, ok = stripBracket(s); ok {
			return rest, from, true
		}
	case c >= '0' && c <= '9':
		if rest, from, ok = stripDate(s); ok {
			return rest, from, true
		}
	case c >= 'A' && c <= 'Z':
		if rest, from, ok = stripSyslog(s); ok {
			return rest, from, true
		}
		if rest, from, ok = stripLevel(s); ok {
			return rest, from, true
		}
	}
	return stripCompose(s)
}

// stripBracket takes "[Info   : Unity Log] " of BepInEx and "[stderr] " off.
func stripBracket(s string) (string, source, bool) {
	if rest, ok := strings.CutPrefix(s, "[stderr] "); ok {
		return rest, fromGame, true
	}
	if rest, ok := strings.CutPrefix(s, "[stdout] "); ok {
		return rest, fromGame, true
	}
	end := strings.Index(s, "] ")
	if end < 0 || end > 80 {
		return s, fromGame, false
	}
	level, name, ok := strings.Cut(s[1:end], ":")
	if !ok {
		return s, fromGame, false
	}
	switch strings.TrimSpace(level) {
	case "Info", "Message", "Warning", "Error", "Debug", "Fatal":
	default:
		return s, fromGame, false
	}
	if strings.TrimSpace(name) == "Unity Log" {
		return s[end+2:], fromGame, true
	}
	return s[end+2:], fromMod, true
}

// stripDate takes the prefixes off that begin with YYYY-MM-DD: docker's
// timestamp, supervisord's lines, and the scripts of before mid 2021.
func stripDate(s string) (string, source, bool) {
	if !like(s, "0000-00-00?00:00:00") {
		return s, fromGame, false
	}
	if s[10] == 'T' {
		end := strings.IndexByte(s, ' ')
		if end < 0 || end > 40 {
			return s, fromGame, false
		}
		return s[end+1:], fromGame, true
	}
	if like(s[19:], ",000 ") { // supervisord: 2025-03-31 12:05:35,543 INFO
		_, rest, ok := strings.Cut(s[24:], " ")
		return rest, fromSupervisor, ok
	}
	if strings.HasPrefix(s[19:], " [") { // 2021-03-08 00:00:02 [24] (DEBUG)
		if _, rest, ok := strings.Cut(s[19:], "] ("); ok {
			_, rest, ok = strings.Cut(rest, ") ")
			return rest, fromScript, ok
		}
	}
	return s, fromGame, false
}

// stripSyslog takes "Mar 31 12:05:35 supervisord: valheim-server " and
// journald's "Mar 07 13:19:16 host program[pid]: " off.
func stripSyslog(s string) (string, source, bool) {
	if len(s) < 16 || s[3] != ' ' || !like(s[6:], " 00:00:00 ") ||
		!strings.Contains("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec", s[:3]) {
		return s, fromGame, false
	}
	first, rest, _ := strings.Cut(s[16:], " ")
	second, rest2, _ := strings.Cut(rest, " ")
	if strings.HasSuffix(first, "supervisord:") {
		if second == "valheim-server" {
			return rest2, fromGame, true
		}
		return rest2, fromOther, true
	}
	if program, ok := strings.CutSuffix(second, "]:"); ok {
		program, _, _ = strings.Cut(program, "[")
		switch program {
		case "systemd", "cron", "crond", "CRON", "kernel", "sshd", "dockerd":
			return rest2, fromOther, true
		}
		return rest2, fromGame, true
	}
	return rest, fromOther, true
}

// stripLevel takes the level of a container's script off, and odin's module.
func stripLevel(s string) (string, source, bool) {
	level, rest, ok := strings.Cut(s, " ")
	if !ok {
		return s, fromGame, false
	}
	switch level {
	case "TRACE", "DEBUG", "INFO", "WARN", "WARNING", "ERROR":
	default:
		return s, fromGame, false
	}
	if after, ok := strings.CutPrefix(rest, "- "); ok {
		if strings.HasPrefix(after, "[") { // the script's process id
			if _, message, ok := strings.Cut(after, "] - "); ok {
				after = message
			}
		}
		return after, fromScript, true
	}
	if strings.HasPrefix(rest, "odin::") {
		if _, after, ok := strings.Cut(rest, "[valheim_server.log]: "); ok {
			return after, fromGame, true
		}
		return rest, fromOther, true
	}
	return s, fromGame, false
}

// stripCompose takes docker compose's "name-1  | " off.
func stripCompose(s string) (string, source, bool) {
	n := 0
	for n < len(s) && n < 64 && isNameByte(s[n]) {
		n++
	}
	bar := n
	for bar < len(s) && s[bar] == ' ' {
		bar++
	}
	if n == 0 || bar == n || bar == len(s) || s[bar] != '|' || bar-n > 40 {
		return s, fromGame, false
	}
	return s[bar+1:], fromGame, true
}

func isNameByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_' || c == '.'
}

// like compares s's beginning with a form in which 0 is any digit and ? any
// byte.
func like(s, form string) bool {
	if len(s) < len(form) {
		return false
	}
	for i := range len(form) {
		switch form[i] {
		case '0':
			if s[i] < '0' || s[i] > '9' {
				return false
			}
		case '?':
		default:
			if s[i] != form[i] {
				return false
			}
		}
	}
	return true
}

func isStamp(s string) bool {
	return len(s) >= stampLen && s[2] == '/' && s[5] == '/' && s[13] == ':' && like(s, "00/00/0000 00:00:00: ")
}

// gluedStamp finds the game's timestamp inside a text: two writers can share
// a pipe and a line. It returns -1 if there is none.
func gluedStamp(s string) int {
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

// withoutColours removes escape sequences of a terminal.
func withoutColours(s string) string {
	if strings.IndexByte(s, 0x1b) < 0 {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != 0x1b {
			b.WriteByte(s[i])
			continue
		}
		if i+1 >= len(s) || s[i+1] != '[' {
			continue
		}
		i += 2
		for i < len(s) && (s[i] < 0x40 || s[i] > 0x7e) {
			i++
		}
	}
	return b.String()
}
