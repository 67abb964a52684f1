package games

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"hearth/internal/saves"
	"hearth/internal/sim/chaos/replay"
	"hearth/internal/sim/simgame"
	"hearth/internal/world"
)

// Options say how the games of a world run. All are needed.
type Options struct {
	Seed      uint64
	ID        string // the world's
	Dir       string // of the world's files
	Form      simgame.Form
	SaveEvery time.Duration
	Clock     world.Clock                // of everybody who is not a game
	Lane      func() *replay.Lane        // a new one for a game
	Fail      func(d *replay.Dice) error // why a game does not start this time, or nil
	// Starts is told before a game runs. It returns the epoch of the boot that
	// starts it.
	Starts func(vm string) (epoch int64)
	Go     func(run func()) // runs a game to its end
}

// Hall is where the games of a world run. It is safe for concurrent use.
type Hall struct {
	o Options

	mu    sync.Mutex       // guards what follows
	games []*Game          // all there were
	found map[string]*Game // by machine: the one that Find finds
	blind bool             // for Blind
}

// New is an empty hall.
func New(o Options) *Hall { return &Hall{o: o, found: map[string]*Game{}} }

// Blind plants a bug: a game that nobody names is not found, and does not keep
// another from starting.
func (h *Hall) Blind() { h.blind = true }

// worldName is what the files are called.
const worldName = "Midgard"

// Files is the world as it was saved last. The error is simgame.ReadWorld's.
func (h *Hall) Files() (simgame.World, error) { return simgame.ReadWorld(h.o.Dir, worldName) }

// Count is how many games there were.
func (h *Hall) Count() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.games)
}

// Present is the game that runs, or nil.
func (h *Hall) Present() *Game {
	return h.youngest(func(g *Game) bool { return !g.Over() })
}

// Last is the youngest game of a machine, or nil.
func (h *Hall) Last(vm string) *Game {
	return h.youngest(func(g *Game) bool { return g.vm == vm })
}

func (h *Hall) youngest(is func(*Game) bool) *Game {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, g := range slices.Backward(h.games) {
		if is(g) {
			return g
		}
	}
	return nil
}

// PowerOff ends what runs on a machine, at once.
func (h *Hall) PowerOff(vm string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, g := range h.games {
		if g.vm == vm && !g.Over() {
			_ = g.Kill() // it never fails
		}
	}
}

// Truths are the truth of all games, the oldest first.
func (h *Hall) Truths() []Truth {
	h.mu.Lock()
	defer h.mu.Unlock()
	var all []Truth
	for _, g := range h.games {
		all = append(all, g.Truth())
	}
	return all
}

// Logs are what the logs of all games said.
func (h *Hall) Logs() []Log {
	h.mu.Lock()
	defer h.mu.Unlock()
	var all []Log
	for _, g := range h.games {
		all = append(all, g.Log())
	}
	return all
}

// On is the game on a machine, for one process of its agent, which ends with
// ctx.
func (h *Hall) On(ctx context.Context, vm string, life int, l *replay.Lane) world.Game {
	return &starter{ctx: ctx, h: h, vm: vm, life: life, lane: l, dice: replay.NewDice(h.o.Seed, vm, life, "engine")}
}

// starter is a Game of world's.
type starter struct {
	ctx  context.Context //nolint:containedctx // the life of a process, which outlives every call
	h    *Hall
	vm   string
	life int
	lane *replay.Lane // the agent's
	dice *replay.Dice
}

// Find implements world.Game.
func (s *starter) Find(ctx context.Context, after world.Place) (world.Server, error) {
	if err := s.lane.Sleep(ctx, s.dice.Between(time.Millisecond, 400*time.Millisecond)); err != nil {
		return nil, err
	}
	g := s.h.lastStarted(s.vm)
	if g == nil || s.h.blind && after.Server == "" {
		return nil, fmt.Errorf("find game on %s: %w", s.vm, world.ErrNotFound)
	}
	return g.read(s.ctx, s.h.o.Go, after), nil //nolint:contextcheck // a reader lives as long as its process
}

func (h *Hall) lastStarted(vm string) *Game {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.found[vm]
}

// ErrRunning says that a game runs on the machine already.
var ErrRunning = errors.New("a game runs already")

// Start implements world.Game. An agent may die when its game exists and it has
// not been told so.
func (s *starter) Start(ctx context.Context, _ func(world.Step)) (world.Server, error) {
	o := &s.h.o
	if g := s.h.lastStarted(s.vm); g != nil && !g.Over() && !s.h.blind {
		return nil, fmt.Errorf("start game on %s: %w", s.vm, ErrRunning)
	}
	s.h.mu.Lock()
	delete(s.h.found, s.vm)
	s.h.mu.Unlock()
	d := replay.NewDice(o.Seed, s.vm, s.life, "game", s.h.Count())
	if err := s.lane.Sleep(ctx, d.Between(time.Second, 20*time.Second)); err != nil {
		return nil, err
	}
	if err := o.Fail(d); err != nil {
		return nil, err
	}
	g := s.begin(d) //nolint:contextcheck // a game outlives who starts it
	if err := s.lane.Sleep(ctx, d.Between(time.Millisecond, time.Second)); err != nil {
		if s.ctx.Err() == nil { // else nobody is left to take it back
			_ = g.Kill() // it never fails
		}
		return nil, err
	}
	return g.read(s.ctx, o.Go, world.Place{}), nil //nolint:contextcheck // as in Find
}

// begin makes the game's process.
func (s *starter) begin(d *replay.Dice) *Game {
	o := &s.h.o
	loads := d.Between(10*time.Second, 100*time.Second)
	g := newGame(s.vm, s.life, o.Lane(), d, o.Clock.Now())
	ctx, kill := context.WithCancelCause(context.WithoutCancel(s.ctx))
	g.kill = kill
	g.truth.Epoch = o.Starts(s.vm)
	s.h.mu.Lock()
	s.h.games = append(s.h.games, g)
	s.h.found[s.vm] = g
	n := len(s.h.games)
	s.h.mu.Unlock()
	o.Go(func() {
		err := simgame.Run(ctx, simgame.Options{
			Clock: g.lane, Dir: o.Dir, World: worldName, Form: o.Form, Seed: o.Seed<<16 + uint64(n), //nolint:gosec // a count
			SaveEvery: o.SaveEvery, LoadFor: loads, Out: g,
		}, g.commands, g.interrupt)
		g.end(err, o.Clock.Now())
	})
	return g
}

// FilesOf are the world's files as an agent sees them, whose calls take time on
// its lane.
func (h *Hall) FilesOf(vm string, life int, l *replay.Lane) world.Files {
	dir, err := saves.New(saves.Options{ID: h.o.ID, World: worldName, Dir: h.o.Dir, AllowNew: true})
	if err != nil {
		panic(err) // all is named
	}
	return &files{Dir: dir, lane: l, dice: replay.NewDice(h.o.Seed, vm, life, "files")}
}

type files struct {
	*saves.Dir
	lane *replay.Lane
	dice *replay.Dice
}

// Sync implements world.Files.
func (f *files) Sync(ctx context.Context) (int64, error) {
	if err := f.lane.Sleep(ctx, f.dice.Between(10*time.Millisecond, 2*time.Second)); err != nil {
		return 0, err
	}
	return f.Dir.Sync(ctx)
}
