package games

import (
	"context"
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
	Starts    func(vm string)            // is told before a game runs
	Go        func(run func())           // runs a game to its end
}

// Hall is where the games of a world run. It is safe for concurrent use.
type Hall struct {
	o Options

	mu    sync.Mutex // guards games
	games []*Game    // all there were
}

// New is an empty hall.
func New(o Options) *Hall { return &Hall{o: o} }

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
	return h.youngest(func(g *Game) bool { return !g.Truth().Over() })
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

// On is the game on a machine, as one life of its agent starts it.
func (h *Hall) On(vm string, life int, l *replay.Lane) world.Game {
	return starter{h: h, vm: vm, life: life, lane: l}
}

type starter struct {
	h    *Hall
	vm   string
	life int
	lane *replay.Lane // the agent's
}

// Find implements world.Game. A game dies with its agent.
func (s starter) Find(context.Context, world.Place) (world.Server, error) {
	return nil, world.ErrNotFound
}

// Start implements world.Game.
func (s starter) Start(ctx context.Context, _ func(world.Step)) (world.Server, error) {
	o := &s.h.o
	d := replay.NewDice(o.Seed, s.vm, s.life, "game", s.h.Count())
	if err := s.lane.Sleep(ctx, d.Between(time.Second, 20*time.Second)); err != nil {
		return nil, err
	}
	if err := o.Fail(d); err != nil {
		return nil, err
	}
	g := newGame(s.vm, s.life, o.Lane(), d, o.Clock.Now())
	ctx, g.kill = context.WithCancelCause(context.WithoutCancel(ctx))
	o.Starts(s.vm)
	s.h.mu.Lock()
	s.h.games = append(s.h.games, g)
	n := len(s.h.games)
	s.h.mu.Unlock()
	o.Go(func() {
		err := simgame.Run(ctx, simgame.Options{
			Clock: g.lane, Dir: o.Dir, World: worldName, Form: o.Form, Seed: o.Seed<<16 + uint64(n), //nolint:gosec // a count
			SaveEvery: o.SaveEvery, LoadFor: d.Between(10*time.Second, 100*time.Second), Out: g,
		}, g.commands, g.interrupt)
		g.end(err, o.Clock.Now())
	})
	return g, nil
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
