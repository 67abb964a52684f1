package line

import "strings"

// prefix is one that was taken off.
type prefix struct {
	ok     bool
	rest   string
	from   Source // who writes lines under it
	frame  bool   // see Line.Framed
	begins bool   // see Line.Begins
	dated  bool   // see Line.Dated
}

// stripOne takes one prefix off.
func stripOne(s string) prefix {
	if s == "" {
		return prefix{}
	}
	var p prefix
	switch c := s[0]; {
	case c == '[':
		p = stripBracket(s)
	case c >= '0' && c <= '9':
		p = stripDate(s)
	case c >= 'A' && c <= 'Z':
		if p = stripSyslog(s); !p.ok {
			p = stripLevel(s)
		}
	}
	if !p.ok {
		p = stripCompose(s)
	}
	return p
}

// stripBracket takes "[Info   : Unity Log] " of BepInEx and "[stderr] " off.
func stripBracket(s string) prefix {
	if rest, ok := strings.CutPrefix(s, "[stderr] "); ok {
		return prefix{ok: true, rest: rest}
	}
	if rest, ok := strings.CutPrefix(s, "[stdout] "); ok {
		return prefix{ok: true, rest: rest}
	}
	end := strings.Index(s, "] ")
	if end < 0 || end > 80 {
		return prefix{}
	}
	level, name, ok := strings.Cut(s[1:end], ":")
	if !ok {
		return prefix{}
	}
	switch strings.TrimSpace(level) {
	case "Info", "Message", "Warning", "Error", "Debug", "Fatal":
	default:
		return prefix{}
	}
	switch strings.TrimSpace(name) {
	case "Unity Log":
		return prefix{ok: true, rest: s[end+2:], begins: true}
	case "BepInEx":
		return prefix{ok: true, rest: s[end+2:], from: Loader}
	}
	return prefix{ok: true, rest: s[end+2:], from: Mod}
}

// stripDate takes the prefixes off that begin with YYYY-MM-DD: docker's
// timestamp, supervisord's lines, and the scripts of before mid 2021.
func stripDate(s string) prefix {
	if !like(s, "0000-00-00?00:00:00") {
		return prefix{}
	}
	if s[10] == 'T' {
		end := strings.IndexByte(s, ' ')
		if end < 0 || end > 40 {
			return prefix{}
		}
		return prefix{ok: true, rest: s[end+1:]}
	}
	if like(s[19:], ",000 ") { // supervisord: 2025-03-31 12:05:35,543 INFO
		_, rest, ok := strings.Cut(s[24:], " ")
		return prefix{ok: ok, rest: rest, from: Supervisor, dated: true}
	}
	if strings.HasPrefix(s[19:], " [") { // 2021-03-08 00:00:02 [24] (DEBUG)
		if _, rest, ok := strings.Cut(s[19:], "] ("); ok {
			_, rest, ok = strings.Cut(rest, ") ")
			return prefix{ok: ok, rest: rest, from: Script, dated: true}
		}
	}
	return prefix{}
}

// stripSyslog takes "Mar 31 12:05:35 supervisord: valheim-server " and
// journald's "Mar 07 13:19:16 host program[pid]: " off.
func stripSyslog(s string) prefix {
	if len(s) < 16 || s[3] != ' ' || !like(s[6:], " 00:00:00 ") ||
		!strings.Contains(months, s[:3]) {
		return prefix{}
	}
	first, rest, _ := strings.Cut(s[16:], " ")
	second, rest2, _ := strings.Cut(rest, " ")
	if strings.HasSuffix(first, "supervisord:") {
		if second == "valheim-server" {
			return prefix{ok: true, rest: rest2, frame: true}
		}
		return prefix{ok: true, rest: rest2, from: Other, frame: true}
	}
	if program, ok := strings.CutSuffix(second, "]:"); ok {
		program, _, _ = strings.Cut(program, "[")
		switch program {
		case "systemd", "cron", "crond", "CRON", "kernel", "sshd", "dockerd":
			return prefix{ok: true, rest: rest2, from: Other, frame: true}
		}
		// The journal may hold the whole output of a container: no frame.
		return prefix{ok: true, rest: rest2, frame: strings.HasPrefix(program, "valheim")}
	}
	return prefix{ok: true, rest: rest, from: Other, frame: true}
}

// stripLevel takes the level of a container's script off, and odin's module.
func stripLevel(s string) prefix {
	level, rest, ok := strings.Cut(s, " ")
	if !ok {
		return prefix{}
	}
	switch level {
	case "TRACE", "DEBUG", "INFO", "WARN", "WARNING", "ERROR":
	default:
		return prefix{}
	}
	if after, ok := strings.CutPrefix(rest, "- "); ok {
		if strings.HasPrefix(after, "[") { // the script's process id
			if _, message, ok := strings.Cut(after, "] - "); ok {
				after = message
			}
		}
		return prefix{ok: true, rest: after, from: Script}
	}
	if strings.HasPrefix(rest, "odin::") {
		if _, after, ok := strings.Cut(rest, "[valheim_server.log]: "); ok {
			return prefix{ok: true, rest: after, frame: true}
		}
		return prefix{ok: true, rest: rest, from: Other, frame: true}
	}
	return prefix{}
}

// stripCompose takes docker compose's "name-1  | " off.
func stripCompose(s string) prefix {
	n := 0
	for n < len(s) && n < 64 && isNameByte(s[n]) {
		n++
	}
	bar := n
	for bar < len(s) && s[bar] == ' ' {
		bar++
	}
	if n == 0 || bar == n || bar == len(s) || s[bar] != '|' || bar-n > 40 {
		return prefix{}
	}
	return prefix{ok: true, rest: s[bar+1:]}
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
