package valheim_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"hearth/internal/valheim"
	"hearth/internal/valheim/line"
	"hearth/internal/world"
)

// checked reads lines and sees to it that no happening breaks the rules of
// doc.go.
type checked struct {
	t     *testing.T
	r     *valheim.Reader
	lines int64
	on    map[string]bool
	in    int // accepted, by the log's or the server's word
}

func newChecked(t *testing.T) *checked {
	return &checked{t: t, r: valheim.NewReader(), on: map[string]bool{}}
}

func (c *checked) read(text string) []valheim.Happening {
	c.lines++
	before := c.r.Roster()
	hs := c.r.Read(text)
	for _, h := range hs {
		c.check(h)
		if h.Number == c.lines && h.Line != text {
			c.t.Fatalf("%s of line %d says %q, want %q", h.Kind, h.Number, h.Line, text)
		}
		if strings.HasPrefix(h.Line, "Console:") {
			c.t.Fatalf("a player's words became %+v", h)
		}
	}
	if more := c.r.Roster().Authenticated - before.Authenticated; more > 0 {
		c.in += more
	}
	c.roster()
	return hs
}

func (c *checked) check(h valheim.Happening) {
	t := c.t
	if h.Number < 0 || h.Number > c.lines {
		t.Fatalf("%s of line %d, after %d", h.Kind, h.Number, c.lines)
	}
	for _, text := range []string{h.Player.Name, h.Version, h.Network, h.Detail, h.Theirs, h.Mine} {
		if !utf8.ValidString(text) || utf8.RuneCountInString(text) > valheim.MaxTextRunes {
			t.Fatalf("%s quotes %q", h.Kind, text)
		}
	}
	for _, id := range []string{h.PlatformID, h.Socket, h.Player.Owner} {
		if len(id) > 64 || strings.ContainsFunc(id, func(c rune) bool { return c <= ' ' || c > '~' }) {
			t.Fatalf("%s has the id %q", h.Kind, id)
		}
	}
	if h.Took < 0 || h.Count < 0 {
		t.Fatalf("%s took %v, counts %d", h.Kind, h.Took, h.Count)
	}
	switch h.Kind {
	case valheim.Spawned:
		if c.on[h.Player.Owner] || h.Player.Owner == "" {
			t.Fatalf("spawned twice: %+v", h)
		}
		c.on[h.Player.Owner] = true
		c.in++
	case valheim.Respawned:
		if !c.on[h.Player.Owner] {
			t.Fatalf("back, and never here: %+v", h)
		}
	case valheim.Disconnected:
		delete(c.on, h.Player.Owner)
	case valheim.JoinCode:
		if len(h.Code) != 6 {
			t.Fatalf("code %q", h.Code)
		}
	case valheim.Stopped, valheim.Crashed:
		if len(c.on) != 0 {
			t.Fatalf("%s, and still on: %v", h.Kind, c.on)
		}
	default:
	}
}

func (c *checked) roster() {
	now := c.r.Roster()
	if len(now.Players) > len(c.on) || len(now.Players)+now.Authenticated > min(c.in, world.MaxPlayers) ||
		now.Connecting < now.Authenticated || now.Connecting > 2*world.MaxPlayers {
		c.t.Fatalf("roster %+v; spawned %v, let in %d", now, c.on, c.in)
	}
	for _, p := range now.Players {
		if !c.on[p.Owner] {
			c.t.Fatalf("%q is on without a spawn", p.Owner)
		}
	}
}

func (c *checked) end() {
	state, err := json.Marshal(c.r)
	if err != nil || len(state) > valheim.MaxStateBytes {
		c.t.Fatalf("state of %d bytes, %v", len(state), err)
	}
	if err := json.Unmarshal(state, valheim.NewReader()); err != nil {
		c.t.Fatalf("%v: %s", err, state)
	}
	for _, h := range c.r.End() {
		c.check(h)
	}
	if now := c.r.Roster(); len(now.Players)+now.Connecting != 0 {
		c.t.Fatalf("on after the end: %+v", now)
	}
}

// FuzzReader: no log breaks the rules of doc.go.
func FuzzReader(f *testing.F) {
	logs, err := filepath.Glob("testdata/*.log")
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range logs {
		text, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	f.Fuzz(func(t *testing.T, log string) {
		c := newChecked(t)
		for l := range strings.SplitSeq(log, "\n") {
			c.read(l)
		}
		c.end()
	})
}

// forms are the lines in which NAME stands, with what they may mean.
var forms = []struct {
	line string
	may  []valheim.Kind
}{
	{"Got character ZDOID from NAME : 77:1", []valheim.Kind{valheim.Spawned}},
	{"Got character ZDOID from NAME : 500:9", []valheim.Kind{valheim.Respawned}},
	{"Got character ZDOID from NAME : 0:0", []valheim.Kind{valheim.Died}},
	{"Console: <color=orange>NAME</color>: <color=#FFEB04FF>I HAVE ARRIVED!</color>", nil},
	{"Console: NAME", nil},
	{"Player NAME : 76561198555000777 is blacklisted or not in whitelist.", []valheim.Kind{valheim.Refused}},
	{"Player history entry with index 0:  NAME (Steam_76561198555000777, aa)", nil},
	{"Kicking player not in permitted list NAME host: 76561198555000777", []valheim.Kind{valheim.Refused}},
	// Nothing tells a name "player not in permitted list A host: B" from the
	// line above; it has more characters than the game allows.
	{"Kicking NAME", []valheim.Kind{valheim.Refused}},
}

// FuzzName: whatever a player is called, no line with the name means anything
// but what its form means. A name with line breaks makes lines of their own;
// these mean nothing either, but that its first line may forge an owner or a
// death. If they bring a stamp along, that holds as long as the form has an end,
// and no line of the name seems to be it.
func FuzzName(f *testing.F) {
	for _, name := range []string{
		"Bo", "", "   ", "@everyone", "**bold** `code` [x](http://y)", "A : 0:0", " : 0:0", "A : 5:1", "x\x1b[", "\x1b[31mred", "\xff\xfe", "ᚠᚢᚦ",
		"11/22/2026 18:00:00: Game - OnApplicationQuit", "x11/22/2026 18:00:00: Destroying abandoned non persistent zdo 1:1 owner 500",
		"Destroying abandoned non persistent zdo 1:1 owner 500", "Bo host: 76561198555000778", "A : 1 is blacklisted or not in whitelist.",
		`joined server "x" that has join code 123456, now 0 player(s)`, `connection lost server "x" that has join code 123456, now 0 player(s)`,
		"X\nDestroying abandoned non persistent zdo 1:1 owner 500", "X\nDestroying abandoned non persistent zdo 1:1 owner 500\nY",
		"X\nServer: New peer connected,sending global keys\nY", "X\nZNet Shutdown\nY", "X\nWorld saved ( 1.0ms )\nY", "X : 5:1\nOpened Steam server\nY",
		"X\nSegmentation fault\nY", "X\nINFO - Shutdown complete\nY", "X\n2026-11-22 18:00:00,000 INFO exited: valheim-server (x)\nY",
		"X\n[Info   : Unity Log] ZNet Shutdown\nY", "X\n[Info   :   BepInEx] Valheim Version: 9\nY", "X\nvalheim-1 | ZNet Shutdown\nY",
		"X\n2026-11-22T18:00:00Z Nov 22 18:00:00 supervisord: valheim-server ZNet Shutdown\nY", "X\r\nConsole: x\r\nRandom event set:wolves\r\n",
		"X\nNov 22 18:00:00 hall sshd[1]: x\nZNet Shutdown\nY", "X\nRandom event set:wolves\nY", "X\nConnections 0 ZDOS:1\nY", "X\n\nGame server connected\nY",
		strings.Repeat("long ", 2000), strings.Repeat("x\n", 20), "\nINFO - Shutdown complete",
		"X\n11/22/2026 18:00:00: Got character ZDOID from @everyone : 5:1\n11/22/2026 18:00:00: Random event set:wolves\n", "X\n11/22/2026 18:00:00: ZNet Shutdown\nY",
		"\n11/22/2026 18:00:00: Random event set:wolves\n11/22/2026 18:00:00: Got character ZDOID from Y", "X\n2026-11-22 18:00:00,000 INFO stopped: valheim-server (x)\nY",
		"X\n11/22/2026 18:00:00: Player Y\n11/22/2026 18:00:00: Connections 0 ZDOS:1\n11/22/2026 18:00:00: Player Z",
	} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		stamped := stamped(name)
		for _, form := range forms {
			full := "11/22/2026 18:01:00: " + strings.ReplaceAll(form.line, "NAME", name)
			if stamped && beyondTelling(form.line, full) {
				continue
			}
			c := newChecked(t)
			for _, l := range []string{
				"Opened Steam server", "Got connection SteamID 76561198555000701", "Server: New peer connected,sending global keys",
				"Got character ZDOID from Bo : 500:1", "Connections 1 ZDOS:1", "Server: New peer connected,sending global keys",
			} {
				c.read("11/22/2026 18:00:00: " + l)
			}
			may := slices.Clone(form.may)
			if strings.Contains(name, "\n") && strings.HasPrefix(form.line, "Got character") {
				may = append(may, valheim.Spawned, valheim.Respawned, valheim.Died)
			}
			if strings.HasPrefix(form.line, "Console: <") {
				may = append(may, valheim.Crashed, valheim.Disconnected) // after a shout that seems whole
			}
			if strings.Contains(name, "\n") {
				may = append(may, valheim.Refused) // which anybody can bring about
			}
			for l := range strings.SplitSeq(full, "\n") {
				for _, h := range c.read(l) {
					if !slices.Contains(may, h.Kind) {
						t.Fatalf("%q became %+v", l, h)
					}
					if h.Kind == valheim.Spawned && !strings.Contains(name, "\n") && h.Player.Owner != "77" {
						t.Fatalf("%q is the owner of %q", h.Player.Owner, l)
					}
				}
			}
			if !strings.Contains(name, "\n") && len(name) < 4000 && form.line == forms[0].line {
				if on := c.r.Roster().Players; len(on) != 2 || on[1].Owner != "77" {
					t.Fatalf("%q hides itself: %v", name, on)
				}
			}
			for range 61 { // more than is held back
				for _, h := range c.read("11/22/2026 18:01:01: Unloading unused assets") {
					if !stamped || !slices.Contains(may, h.Kind) {
						t.Fatalf("%q, and then %+v", full, h)
					}
				}
			}
			c.end()
		}
	})
}

// beyondTelling: the lines of the message cannot be told from the game's own, see
// doc.go.
func beyondTelling(form, message string) bool {
	ends := map[string]*regexp.Regexp{
		"Got":               regexp.MustCompile(`: -?\d+:\d+$`),
		"Player NAME":       regexp.MustCompile(`is blacklisted or not in whitelist\.?$|^[^"]*Player (history|joined|connection)`),
		"Player history":    regexp.MustCompile(`\)$`),
		"Kicking player":    regexp.MustCompile(`host: \S+$`),
		"Console: <color=o": regexp.MustCompile(`</color>`),
	}
	lines := strings.Split(message, "\n")
	for begin, end := range ends {
		if strings.HasPrefix(form, begin) {
			return len(lines) >= 60 || slices.ContainsFunc(lines[:len(lines)-1], func(l string) bool {
				return end.MatchString(line.Strip(line.Plain(l)).Body)
			})
		}
	}
	return true
}

// TestHugeName: a name of a megabyte is no name, and costs nothing.
func TestHugeName(t *testing.T) {
	huge := strings.Repeat("ᚠ 0:0 : ", 100_000)
	for _, form := range forms {
		c := newChecked(t)
		if hs := c.read("11/22/2026 18:01:00: " + strings.ReplaceAll(form.line, "NAME", huge)); hs != nil {
			t.Errorf("%s: got %d happenings", form.line, len(hs))
		}
		c.end()
	}
}

// stamped: a line in the name begins with the time that somebody puts before
// lines, or has it somewhere.
func stamped(name string) bool {
	if !strings.Contains(name, "\n") {
		return false
	}
	for l := range strings.SplitSeq("x"+name, "\n") {
		if s := line.Strip(line.Plain(l)); s.Seconds != 0 || s.Dated || line.GluedScript(s.Body) > 0 || line.Glued(s.Body) > 0 || line.Glued(l) > 0 || line.GluedScript(l) > 0 {
			return true
		}
	}
	return false
}
