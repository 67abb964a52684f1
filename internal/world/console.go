package world

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"unicode"
)

// BootLog is what a machine's serial console tells of its boot. All of it is one
// line each, bounded and without control characters; it is still hostile.
type BootLog struct {
	Machine string `json:"machine"` // whose it is
	// Unread is the cloud's code for why the console could not be read; empty if
	// it was.
	Unread string   `json:"unread,omitempty"`
	Blank  bool     `json:"blank,omitempty"` // nothing is written there
	Step   BootStep `json:"step,omitempty"`  // the last that began; empty: the boot script did not come to one
	Failed bool     `json:"failed,omitempty"`
	Reason string   `json:"reason,omitempty"` // of Failed, at most MaxBootReason characters
	// Speaks: the agent runs, and has written since. Said is the last error that
	// it wrote, at most MaxBootReason characters.
	Speaks bool   `json:"speaks,omitempty"`
	Said   string `json:"said,omitempty"`
}

// BootStep is a part of what a machine does between its system's start and its
// agent's. One that is not among these is of another version of the boot script.
type BootStep string

// The steps, in their order.
const (
	BootFence    BootStep = "fence"    // the game's container is kept from the cloud's own services
	BootIdentity BootStep = "identity" // the machine's token
	BootAgent    BootStep = "agent"    // the agent's program is fetched
	BootChecksum BootStep = "checksum" // and is what it should be
	BootSecrets  BootStep = "secrets"  // the world's secrets are fetched
	BootPackages BootStep = "packages" // docker and the like are installed
	BootStart    BootStep = "start"    // the world's files are mounted, and the agent begins
)

// BootSteps are all of them, in their order.
func BootSteps() []BootStep {
	return []BootStep{BootFence, BootIdentity, BootAgent, BootChecksum, BootSecrets, BootPackages, BootStart}
}

// Bounds of a BootLog.
const (
	MaxBootStep   = 24
	MaxBootReason = 200
)

// Answer is the HTTP status with which somebody refused the step, if the reason
// has one as a word of its own: 400, 401, 403, 404 or 0. A part of an id is none.
func (b *BootLog) Answer() int {
	for word := range strings.FieldsSeq(b.Reason) {
		switch strings.Trim(word, ":;,.()") {
		case "400":
			return 400
		case "401":
			return 401
		case "403":
			return 403
		case "404":
			return 404
		}
	}
	return 0
}

// bootMark begins the boot script's lines. What else is on the console may hold
// words that players chose, so it counts only where a line begins.
const bootMark = "hearth-boot: "

// ReadBootLog finds in the end of a serial console what became of the boot. The
// last word counts: a machine may have been restarted.
func ReadBootLog(text []byte) BootLog {
	b := BootLog{Blank: true}
	for line := range bytes.FieldsFuncSeq(text, func(c rune) bool { return c == '\n' || c == '\r' }) {
		s := bare(string(line))
		if s == "" {
			continue
		}
		b.Blank = false
		if rest, ok := strings.CutPrefix(s, bootMark); ok {
			b.bootLine(strings.TrimSpace(rest))
		} else if s[0] == '{' {
			b.agentLine(s)
		}
	}
	return b
}

func (b *BootLog) bootLine(s string) {
	s, failed := strings.CutPrefix(s, "FAILED at ")
	said := b.Said
	*b = BootLog{Failed: failed}
	if failed { // what the agent said last may be why
		b.Said = said
	}
	step, rest := s, ""
	if i := strings.IndexFunc(s, func(c rune) bool { return c == ':' || unicode.IsSpace(c) }); i >= 0 {
		step, rest = s[:i], s[i:]
	}
	b.Step = BootStep(Visible(step, MaxBootStep))
	if b.Failed {
		b.Reason = Visible(strings.TrimLeft(rest, ": "), MaxBootReason)
	}
}

// agentLine reads a line of the agent's log. An agent that writes was started.
func (b *BootLog) agentLine(s string) {
	var l struct {
		Level string `json:"level"`
		Msg   string `json:"msg"`
		Error any    `json:"error"`
	}
	if json.Unmarshal([]byte(s), &l) != nil || l.Level == "" || l.Msg == "" {
		return
	}
	b.Speaks, b.Failed, b.Reason = true, false, ""
	if l.Level != "ERROR" {
		return
	}
	said := l.Msg
	if l.Error != nil {
		said = fmt.Sprintf("%s: %v", said, l.Error)
	}
	b.Said = Visible(said, MaxBootReason)
}

// bare takes from a console's line what others put before it: the codes of a
// terminal, a login's question ("midgard login: "), the kernel's time
// ("[   41.250000] "), who wrote it ("cloud-init[612]: ").
func bare(line string) string {
	line = strings.TrimSpace(plainTerminal(line))
	if host, after, ok := strings.Cut(line, " login: "); ok && !strings.ContainsFunc(host, unicode.IsSpace) {
		line = after // a getty's question has no end of its own
	}
	for range 2 { // the script tells its own time, behind whatever the system adds
		line = unprefixed(line)
	}
	return line
}

func unprefixed(line string) string {
	if rest, ok := strings.CutPrefix(line, "["); ok {
		if inside, after, ok := strings.Cut(rest, "]"); ok && strings.Trim(inside, "0123456789. ") == "" {
			line = strings.TrimSpace(after)
		}
	}
	if name, after, ok := strings.Cut(line, "]: "); ok {
		name, pid, ok := strings.Cut(name, "[")
		if ok && pid != "" && strings.Trim(pid, "0123456789") == "" && name != "" && len(name) <= 32 && !strings.ContainsFunc(name, func(c rune) bool {
			return c > unicode.MaxASCII || c != '-' && c != '_' && c != '.' && !unicode.IsLetter(c) && !unicode.IsDigit(c)
		}) {
			line = strings.TrimSpace(after)
		}
	}
	return line
}

// plainTerminal takes control characters out, with what belongs to an escape.
func plainTerminal(s string) string {
	if !strings.ContainsFunc(s, unicode.IsControl) {
		return s
	}
	var b strings.Builder
	const (
		text = iota
		escape
		sequence
	)
	in := text
	for _, c := range s {
		switch {
		case c == '\x1b':
			in = escape
		case in == escape && c == '[':
			in = sequence
		case in == escape, in == sequence && c >= '@' && c <= '~':
			in = text
		case in == text && (c == '\t' || !unicode.IsControl(c)):
			b.WriteRune(c)
		}
	}
	return b.String()
}
