package chaos

import (
	"bytes"
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"hearth/internal/sim/chaos/replay"
	"hearth/internal/sim/simgame"
	"hearth/internal/world"
)

// hall is where the games run: what is true of them, whatever anybody says.
type hall struct {
	s *simulation

	mu    sync.Mutex // guards what follows
	games []*game    // all there were
}

func newHall(s *simulation) *hall { return &hall{s: s} }

func (h *hall) dir() string { return filepath.Join(h.s.o.Dir, "world") }

func (h *hall) count() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.games)
}

// present is the game that runs, or nil.
func (h *hall) present() *game {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, g := range slices.Backward(h.games) {
		if !g.over() {
			return g
		}
	}
	return nil
}

// last is the youngest game of a machine, or nil.
func (h *hall) last(vm string) *game {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, g := range slices.Backward(h.games) {
		if g.vm == vm {
			return g
		}
	}
	return nil
}

// on is the world.Game of one agent.
func (h *hall) on(vm string, life int, l *replay.Lane) world.Game {
	return gameOn{h: h, vm: vm, life: life, lane: l}
}

type gameOn struct {
	h    *hall
	vm   string
	life int
	lane *replay.Lane
}

// Start implements world.Game.
func (o gameOn) Start(ctx context.Context) (world.Server, error) {
	s := o.h.s
	d := replay.NewDice(s.o.Seed, o.vm, o.life, "game", o.h.count())
	if err := o.lane.Sleep(ctx, d.Between(time.Second, 20*time.Second)); err != nil {
		return nil, err
	}
	if s.fault(d, 0.03) {
		return nil, errPretended
	}
	g := &game{
		vm: o.vm, life: o.life, lane: s.lanes.New(s.plan.AgentSkew), dice: d, began: s.clock.Now(),
		lines: make(chan string, 1<<14), done: make(chan struct{}), ended: make(chan struct{}),
		commands: make(chan string, 64), interrupt: make(chan struct{}, 1), arrived: map[string]time.Time{}, died: map[string]time.Time{},
	}
	ctx, g.kill = context.WithCancelCause(context.WithoutCancel(ctx))
	s.witness.gameStarts(g)
	o.h.mu.Lock()
	o.h.games = append(o.h.games, g)
	n := len(o.h.games)
	o.h.mu.Unlock()
	s.work.Go(func() {
		err := simgame.Run(ctx, simgame.Options{
			Clock: g.lane, Dir: o.h.dir(), World: "Midgard", Form: s.plan.Form, Seed: s.o.Seed<<16 + uint64(n), //nolint:gosec // a count
			SaveEvery: s.plan.SaveEvery, LoadFor: d.Between(10*time.Second, 100*time.Second), Out: g,
		}, g.commands, g.interrupt)
		g.mu.Lock()
		g.err, g.endedAt = err, s.clock.Now()
		g.mu.Unlock()
		close(g.ended)
		close(g.lines)
		<-g.lane.After(d.Between(time.Millisecond, 40*time.Millisecond))
		close(g.done)
	})
	return g, nil
}

// game is one process of the game, as a world.Server, and the truth about it.
type game struct {
	vm        string
	life      int // of the agent on that machine
	lane      *replay.Lane
	dice      *replay.Dice
	began     time.Time
	lines     chan string
	done      chan struct{}
	ended     chan struct{} // closed when it does nothing any more, before done
	commands  chan string
	interrupt chan struct{}
	kill      context.CancelCauseFunc

	mu      sync.Mutex // guards what follows
	rest    []byte     // of its output: a line that has no end yet
	opened  time.Time  // when players could connect
	coded   bool       // crossplay: players can join
	asked   time.Time  // when it was asked to save and end
	killed  bool
	err     error // how it ended
	endedAt time.Time
	arrived map[string]time.Time // who was told to join and not to leave, and when
	died    map[string]time.Time // who died last when
	changes []change
}

// change is something that a save must hold.
type change struct {
	name string
	what string // arrived, left or died, as the chronicle has it
	at   time.Time
}

var errKilled = errors.New("killed")

// Lines implements world.Server.
func (g *game) Lines() <-chan string { return g.lines }

// Done implements world.Server.
func (g *game) Done() <-chan struct{} { return g.done }

// Stop implements world.Server.
func (g *game) Stop(ctx context.Context) error {
	if err := g.lane.Sleep(ctx, g.dice.Between(time.Millisecond, 300*time.Millisecond)); err != nil {
		return err
	}
	g.mu.Lock()
	if g.asked.IsZero() {
		g.asked = g.lane.Now()
	}
	g.mu.Unlock()
	select {
	case g.interrupt <- struct{}{}:
	default: // it was asked before
	}
	return nil
}

// Kill implements world.Server.
func (g *game) Kill() error {
	g.mu.Lock()
	g.killed = true
	g.mu.Unlock()
	g.kill(errKilled)
	return nil
}

// Sync implements world.Server.
func (g *game) Sync(ctx context.Context) (int64, error) {
	if err := g.lane.Sleep(ctx, g.dice.Between(10*time.Millisecond, 2*time.Second)); err != nil {
		return 0, err
	}
	return 4 << 20, nil
}

// Write takes the game's log.
func (g *game) Write(b []byte) (int, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.rest = append(g.rest, b...)
	for {
		line, rest, ok := bytes.Cut(g.rest, []byte("\n"))
		if !ok {
			return len(b), nil
		}
		g.rest = rest
		text := string(line)
		switch {
		case strings.Contains(text, "Opened Steam server"):
			g.opened, g.coded = g.lane.Now(), true
		case strings.Contains(text, "Opened PlayFab server"):
			g.opened = g.lane.Now()
		case strings.Contains(text, "registered with join code"):
			g.coded = true
		}
		g.lines <- text
	}
}

func (g *game) over() bool {
	select {
	case <-g.ended:
		return true
	default:
		return false
	}
}

// crashed: it ended otherwise than by being asked to.
func (g *game) crashed() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.killed || g.err != nil
}

// ready: players can join it, and it was not told to end.
func (g *game) ready() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return !g.opened.IsZero() && g.coded && g.asked.IsZero() && !g.killed && g.err == nil && g.endedAt.IsZero()
}

// spawnWithin is the longest that a player needs from the knock to the world.
const spawnWithin = 30 * time.Second

// players are those who must be in by now.
func (g *game) players() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	var names []string
	now := g.lane.Now()
	for name, at := range g.arrived {
		if now.Sub(at) > spawnWithin {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// alive: the player has a body to die with.
func (g *game) alive(name string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.lane.Now().Sub(g.died[name]) > respawnWithin
}

// respawnWithin is the longest that a player is without a body.
const respawnWithin = 15 * time.Second

// command makes a player do something.
func (g *game) command(verb, name string) {
	select {
	case g.commands <- strings.TrimSpace(verb + " " + name):
	default:
		return // it is not listening to anybody
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.lane.Now()
	switch verb {
	case "join":
		g.arrived[name] = now
	case "leave", "timeout":
		if at, ok := g.arrived[name]; ok && now.Sub(at) > spawnWithin {
			g.changes = append(g.changes, change{name, "arrived", at}, change{name, "left", now})
		}
		delete(g.arrived, name)
	case "die":
		g.died[name] = now
		g.changes = append(g.changes, change{name, "died", now})
	}
}

// missing lists what should be in the world's last save, and is not: all that
// happened before the game was asked to end.
func (g *game) missing(w simgame.World) []change {
	g.mu.Lock()
	defer g.mu.Unlock()
	must := slices.Clone(g.changes)
	for name, at := range g.arrived {
		if g.asked.Sub(at) > spawnWithin {
			must = append(must, change{name, "arrived", at})
		}
	}
	return slices.DeleteFunc(must, func(c change) bool {
		if len(w.Chronicle) == simgame.MaxChronicle && c.at.Before(w.Chronicle[0].At) {
			return true // forgotten, not lost
		}
		return slices.ContainsFunc(w.Chronicle, func(e simgame.Entry) bool {
			return e.Name == c.name && e.What == c.what && !e.At.Before(c.at.Add(-time.Second)) && e.At.Before(c.at.Add(spawnWithin))
		})
	})
}
