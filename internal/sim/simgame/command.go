package simgame

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// maxName bounds a player's name, in characters; the game's own limit is 15.
const maxName = 64

// command does what one line asks for. doc.go lists the commands.
func (g *game) command(line string) {
	word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
	rest = strings.TrimSpace(rest)
	switch word {
	case "":
	case "join":
		g.commandJoin(rest)
	case "leave":
		g.withPeer(rest, g.leave)
	case "timeout":
		g.withPeer(rest, g.timeout)
	case "die":
		g.withPeer(rest, func(p *peer) {
			if p.owner == 0 || p.dead {
				g.cannot("%s has no body to die with", p.name)
				return
			}
			g.die(p)
		})
	case "leave-all":
		if !g.isOpen() {
			return
		}
		for _, p := range slices.Clone(g.peers) {
			g.leave(p)
		}
	case "save":
		if g.isOpen() {
			g.requestSave()
		}
	case "sleep":
		g.sleep()
	case "raid":
		if !g.isOpen() {
			return
		}
		if !isEvent(rest) {
			g.cannot("a raid is named like army_bonemass, not %q", rest)
			return
		}
		g.log.say("Random event set:%s", rest)
	case "crash":
		g.log.raw("Caught fatal signal - signo:11 code:1 errno:0 addr:(nil)")
		g.end(ErrCrashed)
	case "never-listen":
		if g.phase != loading || g.never {
			g.cannot("the server is past loading, or stuck already")
			return
		}
		g.never = true
	default:
		g.cannot("unknown command %q: there are join, leave, timeout, die, leave-all, save, sleep, raid, crash, never-listen", word)
	}
}

// cannot answers a command that is not done, as the game's console answers:
// no reader of the log believes those lines, whatever they quote.
func (g *game) cannot(format string, args ...any) { g.log.say("Console: Sim: "+format, args...) }

func (g *game) isOpen() bool {
	if g.phase != listening {
		g.cannot("the server is not listening")
		return false
	}
	return true
}

func (g *game) commandJoin(rest string) {
	if !g.isOpen() {
		return
	}
	name, how := rest, mannerFine
	for _, m := range []manner{mannerPassword, mannerVersion, mannerFull, mannerBanned} {
		if before, ok := strings.CutSuffix(rest, " "+string(m)); ok {
			name, how = strings.TrimSpace(before), m
		}
	}
	switch {
	case name == "" || utf8.RuneCountInString(name) > maxName || !utf8.ValidString(name):
		g.cannot("a name has 1 to %d characters", maxName)
	case how == mannerPassword && g.o.Password == "":
		g.cannot("this server asks for no password")
	case g.o.Form.crossplay() && g.code == "":
		g.cannot("there is no join code yet")
	default:
		g.join(name, how)
	}
}

func (g *game) withPeer(name string, do func(*peer)) {
	if !g.isOpen() {
		return
	}
	p := g.find(name)
	if p == nil {
		g.cannot("nobody here is called %q", name)
		return
	}
	do(p)
}

// sleep: everybody sleeps until the next morning.
func (g *game) sleep() {
	if !g.isOpen() {
		return
	}
	if len(g.peers) == 0 {
		g.cannot("nobody is there to sleep")
		return
	}
	now := g.o.Clock.Now()
	g.world.Seconds += now.Sub(g.loaded).Seconds()
	g.loaded = now
	day := g.world.Day()
	morning := (float64(day) + 1.15) * DaySeconds
	g.log.say("Time %.6f, day:%d    nextm:%.6f  skipspeed:%.6f", g.world.Seconds, day, morning, (morning-g.world.Seconds)/12)
	g.world.Seconds = morning
}

func isEvent(s string) bool {
	for _, c := range s {
		if (c < 'a' || c > 'z') && c != '_' {
			return false
		}
	}
	return s != ""
}
