package line

import "strings"

// stripOne takes one prefix off, and says who writes lines under it.
func stripOne(s string) (rest string, from Source, ok bool) {
	if s == "" {
		return s, Game, false
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
func stripBracket(s string) (string, Source, bool) {
	if rest, ok := strings.CutPrefix(s, "[stderr] "); ok {
		return rest, Game, true
	}
	if rest, ok := strings.CutPrefix(s, "[stdout] "); ok {
		return rest, Game, true
	}
	end := strings.Index(s, "] ")
	if end < 0 || end > 80 {
		return s, Game, false
	}
	level, name, ok := strings.Cut(s[1:end], ":")
	if !ok {
		return s, Game, false
	}
	switch strings.TrimSpace(level) {
	case "Info", "Message", "Warning", "Error", "Debug", "Fatal":
	default:
		return s, Game, false
	}
	if strings.TrimSpace(name) == "Unity Log" {
		return s[end+2:], Game, true
	}
	return s[end+2:], Mod, true
}

// stripDate takes the prefixes off that begin with YYYY-MM-DD: docker's
// timestamp, supervisord's lines, and the scripts of before mid 2021.
func stripDate(s string) (string, Source, bool) {
	if !like(s, "0000-00-00?00:00:00") {
		return s, Game, false
	}
	if s[10] == 'T' {
		end := strings.IndexByte(s, ' ')
		if end < 0 || end > 40 {
			return s, Game, false
		}
		return s[end+1:], Game, true
	}
	if like(s[19:], ",000 ") { // supervisord: 2025-03-31 12:05:35,543 INFO
		_, rest, ok := strings.Cut(s[24:], " ")
		return rest, Supervisor, ok
	}
	if strings.HasPrefix(s[19:], " [") { // 2021-03-08 00:00:02 [24] (DEBUG)
		if _, rest, ok := strings.Cut(s[19:], "] ("); ok {
			_, rest, ok = strings.Cut(rest, ") ")
			return rest, Script, ok
		}
	}
	return s, Game, false
}

// stripSyslog takes "Mar 31 12:05:35 supervisord: valheim-server " and
// journald's "Mar 07 13:19:16 host program[pid]: " off.
func stripSyslog(s string) (string, Source, bool) {
	if len(s) < 16 || s[3] != ' ' || !like(s[6:], " 00:00:00 ") ||
		!strings.Contains("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec", s[:3]) {
		return s, Game, false
	}
	first, rest, _ := strings.Cut(s[16:], " ")
	second, rest2, _ := strings.Cut(rest, " ")
	if strings.HasSuffix(first, "supervisord:") {
		if second == "valheim-server" {
			return rest2, Game, true
		}
		return rest2, Other, true
	}
	if program, ok := strings.CutSuffix(second, "]:"); ok {
		program, _, _ = strings.Cut(program, "[")
		switch program {
		case "systemd", "cron", "crond", "CRON", "kernel", "sshd", "dockerd":
			return rest2, Other, true
		}
		return rest2, Game, true
	}
	return rest, Other, true
}

// stripLevel takes the level of a container's script off, and odin's module.
func stripLevel(s string) (string, Source, bool) {
	level, rest, ok := strings.Cut(s, " ")
	if !ok {
		return s, Game, false
	}
	switch level {
	case "TRACE", "DEBUG", "INFO", "WARN", "WARNING", "ERROR":
	default:
		return s, Game, false
	}
	if after, ok := strings.CutPrefix(rest, "- "); ok {
		if strings.HasPrefix(after, "[") { // the script's process id
			if _, message, ok := strings.Cut(after, "] - "); ok {
				after = message
			}
		}
		return after, Script, true
	}
	if strings.HasPrefix(rest, "odin::") {
		if _, after, ok := strings.Cut(rest, "[valheim_server.log]: "); ok {
			return after, Game, true
		}
		return rest, Other, true
	}
	return s, Game, false
}

// stripCompose takes docker compose's "name-1  | " off.
func stripCompose(s string) (string, Source, bool) {
	n := 0
	for n < len(s) && n < 64 && isNameByte(s[n]) {
		n++
	}
	bar := n
	for bar < len(s) && s[bar] == ' ' {
		bar++
	}
	if n == 0 || bar == n || bar == len(s) || s[bar] != '|' || bar-n > 40 {
		return s, Game, false
	}
	return s[bar+1:], Game, true
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
