package simgame

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"
)

// ErrCrashed says that the game died as the command crash asked.
var ErrCrashed = errors.New("the game crashed")

// Run is one life of the game. It returns nil when the game has ended by
// itself: interrupted (a signal was received on interrupt), or unable to
// start. ErrCrashed after the command crash; the cause of ctx when that is
// cancelled, which kills the game where it stands, without a save. Any other
// error says what is wrong with the options or the directory. A closed
// commands means no more commands.
func Run(ctx context.Context, o Options, commands <-chan string, interrupt <-chan struct{}) error {
	o, err := o.prepare()
	if err != nil {
		return err
	}
	g := &game{
		o: o, log: voice{out: o.Out, clock: o.Clock},
		//nolint:gosec // pretended chance must be repeatable
		rnd: rand.New(rand.NewPCG(o.Seed, 0x4865617274680001)),
	}
	if err := g.boot(); err != nil {
		return err
	}
	return g.loop(ctx, commands, interrupt)
}

// game is a running game. Only the goroutine of Run touches it.
type game struct {
	o   Options
	log voice
	rnd *rand.Rand

	agenda agenda
	phase  phase
	never  bool  // it will not listen
	ended  bool  // it is through
	err    error // what Run returns then

	world   World
	loaded  time.Time // when world.Seconds was right
	code    string    // join code, crossplay
	peers   []*peer
	sockets int // crossplay's count, stale after a timeout
	saving  bool
	owed    bool   // one more save
	after   func() // to be done when no save is under way
}

type phase int

const (
	loading phase = iota
	listening
	quitting
)

func (g *game) loop(ctx context.Context, commands <-chan string, interrupt <-chan struct{}) error {
	var timer <-chan time.Time
	var set time.Time // what timer waits for
	for !g.ended {
		if do, ok := g.agenda.due(g.o.Clock.Now()); ok {
			if ctx.Err() != nil {
				return fmt.Errorf("game killed: %w", context.Cause(ctx))
			}
			do()
			continue
		}
		if at, ok := g.agenda.next(); !ok {
			timer = nil
		} else if timer == nil || !at.Equal(set) {
			timer, set = g.o.Clock.After(at.Sub(g.o.Clock.Now())), at
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("game killed: %w", context.Cause(ctx))
		case <-timer:
			timer = nil
		case <-interrupt:
			interrupt = nil // a second one changes nothing
			g.quit()
		case line, ok := <-commands:
			if !ok {
				commands = nil
				continue
			}
			g.command(line)
		}
	}
	return g.err
}

// in does something later.
func (g *game) in(d time.Duration, do func()) { g.agenda.add(g.o.Clock.Now().Add(d), do) }

// between is a random duration.
func (g *game) between(least, most time.Duration) time.Duration {
	return least + time.Duration(g.rnd.Int64N(int64(most-least)+1))
}

func (g *game) end(err error) { g.ended, g.err = true, err }

// boot writes the first lines and begins to load. Its error is the
// directory's.
func (g *game) boot() error {
	version, network := g.o.Version, g.network()
	g.log.raw("[Subsystems] Discovering subsystems at path valheim_server_Data/UnitySubsystems")
	g.log.say("Starting to load scene:start")
	g.log.say("Valheim version: l-%s (network version %d)", version, network)
	if n := len([]rune(g.o.Password)); n > 0 && n < minPassword {
		g.log.say("Error bad password:Password is too short")
		g.end(nil)
		return nil
	}
	g.log.say("Get create world %s", g.o.World)
	w, err := load(g.o.Dir, g.o.World, g.o.Form)
	switch {
	case errors.Is(err, ErrDamaged):
		g.in(g.o.LoadFor, g.loadFailed)
		return nil
	case err != nil:
		return err
	}
	g.world, g.never = w, g.o.NeverListen
	if g.world.Saves == 0 {
		g.world.Seed = g.o.Seed
		g.log.say("Generating locations")
	}
	g.log.say("Load world: %s (%s)", g.o.World, g.o.World)
	g.in(g.o.LoadFor, g.listen)
	return nil
}

func (g *game) network() int {
	_, network := g.o.Form.version()
	return network
}

// loadFailed: a damaged world. The game says so, opens all the same, and
// quits in the same second; what is on the disk stays as it is.
func (g *game) loadFailed() {
	g.log.say("World load failed mid-file. Exiting without save. Check backups!")
	g.opened()
	g.log.say("Game - OnApplicationQuit")
	g.log.say("Shutting down")
	g.log.say("ZNet Shutdown")
	g.log.say("Skipping world save")
	g.destroyed()
	g.end(nil)
}

func (g *game) opened() {
	if g.o.Form.crossplay() {
		g.log.say("Opened PlayFab server")
		return
	}
	g.log.say("Opened Steam server")
	g.log.say("Game server connected")
}

// listen: loading is through.
func (g *game) listen() {
	if g.phase != loading {
		return
	}
	if g.never {
		g.keepTrying()
		return
	}
	g.phase = listening
	g.loaded = g.o.Clock.Now()
	g.opened()
	if g.o.Form.crossplay() {
		g.log.raw("IPv4, returning 203.0.113.7:2456")
		g.log.say("New session server %s that has join code , now 0 player(s)", g.session())
		g.log.say("Register PlayFab server %s with IP 203.0.113.7:2456", g.session())
		g.in(g.between(2*time.Second, 4*time.Second), g.register)
	}
	g.in(10*time.Minute, g.report)
	g.in(g.o.SaveEvery, g.autosave)
}

// keepTrying is a start that is stuck.
func (g *game) keepTrying() {
	if g.phase != loading {
		return
	}
	if g.o.Form.crossplay() {
		g.log.say("PlayFab reconnect server")
		g.log.say("Server '%s' begin PlayFab create and join network for server", g.o.ServerName)
	} else {
		g.log.say("Game server connected failed")
	}
	g.in(30*time.Second, g.keepTrying)
}

func (g *game) register() {
	if g.phase != listening {
		return
	}
	g.code = fmt.Sprintf("%06d", g.rnd.IntN(1_000_000))
	g.log.say("Session %s registered with join code %s", g.session(), g.code)
	g.log.say("Session %s with join code %s and IP 203.0.113.7:2456 is active with %d player(s)", g.session(), g.code, g.sockets)
}

// session is the server's name as the log has it: in quotes, nothing escaped.
func (g *game) session() string { return `"` + g.o.ServerName + `"` }

// report is the line of every ten minutes.
func (g *game) report() {
	if g.phase != listening {
		return
	}
	in := 0
	for _, p := range g.peers {
		if p.accepted {
			in++
		}
	}
	g.log.raw("Unloading 0 Unused Serialized files (Serialized files now loaded: 0)")
	g.log.say(" Connections %d ZDOS:%d  sent:%d recv:%d", in, 40_000+g.world.Saves*7, in*g.rnd.IntN(700), in*g.rnd.IntN(700))
	g.in(10*time.Minute, g.report)
}

// quit is what an interrupt asks for.
func (g *game) quit() {
	switch g.phase {
	case quitting:
		return
	case loading:
		g.phase = quitting
		g.log.say("Game - OnApplicationQuit")
		g.log.say("Shutting down")
		g.destroyed()
		g.end(nil)
	case listening:
		g.phase = quitting
		g.log.say("Game - OnApplicationQuit")
		g.log.say("Shutting down")
		g.log.say("ZNet Shutdown")
		g.whenSaved(func() {
			g.save(func() {
				g.log.say("Sending disconnect msg")
				g.destroyed()
				g.end(nil)
			})
		})
	}
}

func (g *game) destroyed() {
	g.log.say("ZNet OnDestroy")
	g.log.say("Net scene destroyed")
	g.log.say("Steam manager on destroy")
}
