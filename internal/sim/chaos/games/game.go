package games

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"hearth/internal/sim/chaos/replay"
	"hearth/internal/valheim"
	"hearth/internal/world"
)

// Game is one process of the game. It is safe for concurrent use.
type Game struct {
	vm        string
	lane      *replay.Lane
	dice      *replay.Dice
	id        string
	done      chan struct{}
	commands  chan string
	interrupt chan struct{}
	kill      context.CancelCauseFunc

	mu      sync.Mutex // guards what follows
	rest    []byte     // of its output: a line that has no end yet
	log     []world.Line
	closed  bool            // the log has its last line
	readers []chan struct{} // are told of new lines; each of capacity 1
	at      world.Place     // of the log's last line
	hears   *valheim.Reader // that never lost its place
	words   []Word
	truth   Truth
}

func newGame(vm string, life int, l *replay.Lane, d *replay.Dice, began time.Time) *Game {
	id := vm + "/" + strconv.Itoa(life) + "/" + began.Format(time.RFC3339Nano)
	return &Game{
		vm: vm, lane: l, dice: d, id: id,
		done: make(chan struct{}), commands: make(chan string, 64), interrupt: make(chan struct{}, 1), hears: valheim.NewReader(),
		truth: Truth{ID: id, VM: vm, Life: life, Began: began, Arrived: map[string]time.Time{}, Died: map[string]time.Time{}},
	}
}

// Truth is what is true of it now.
func (g *Game) Truth() Truth {
	g.mu.Lock()
	defer g.mu.Unlock()
	t := g.truth
	t.Now = g.lane.Now()
	t.Arrived, t.Died, t.Changes = maps.Clone(t.Arrived), maps.Clone(t.Died), slices.Clone(t.Changes)
	return t
}

// Over is that it does nothing any more.
func (g *Game) Over() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.truth.Over()
}

// Stop asks it to save and end.
func (g *Game) Stop(ctx context.Context) error {
	if err := g.lane.Sleep(ctx, g.dice.Between(time.Millisecond, 300*time.Millisecond)); err != nil {
		return err
	}
	g.mu.Lock()
	if g.truth.Asked.IsZero() {
		g.truth.Asked = g.lane.Now()
	}
	g.mu.Unlock()
	select {
	case g.interrupt <- struct{}{}:
	default: // it was asked before
	}
	return nil
}

var errKilled = errors.New("killed")

// Kill ends it without a save.
func (g *Game) Kill() error {
	g.mu.Lock()
	g.truth.Killed = true
	g.mu.Unlock()
	g.kill(errKilled)
	return nil
}

// Write takes the game's log.
func (g *Game) Write(b []byte) (int, error) {
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
			g.truth.Opened, g.truth.Coded = g.lane.Now(), true
		case strings.Contains(text, "Opened PlayFab server"):
			g.truth.Opened = g.lane.Now()
		case strings.Contains(text, "registered with join code"):
			g.truth.Coded = true
		}
		now := g.lane.Now()
		g.at = g.at.Next(now)
		g.log = append(g.log, world.Line{At: now, N: g.at.N, Text: text})
		g.heard(g.hears.Read(text), 0)
		g.tell()
	}
}

// tell wakes the log's readers. g.mu is held.
func (g *Game) tell() {
	for _, r := range g.readers {
		select {
		case r <- struct{}{}:
		default:
		}
	}
}

// end: it does nothing any more, and a moment later the agent learns of it.
func (g *Game) end(err error, at time.Time) {
	g.mu.Lock()
	g.truth.Err, g.truth.Ended, g.closed = err, at, true
	g.heard(g.hears.End(), afterLast)
	g.tell()
	g.mu.Unlock()
	<-g.lane.After(g.dice.Between(time.Millisecond, 40*time.Millisecond))
	close(g.done)
}

// Command makes a player do something: a command of simgame's and whose it is,
// "" for those that are nobody's.
func (g *Game) Command(verb, name string) {
	select {
	case g.commands <- strings.TrimSpace(verb + " " + name):
	default:
		return // it is not listening to anybody
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	now, t := g.lane.Now(), &g.truth
	switch verb {
	case "join":
		t.Arrived[name] = now
	case "leave", "timeout":
		if at, ok := t.Arrived[name]; ok && now.Sub(at) > spawnWithin {
			t.Changes = append(t.Changes, Change{name, "arrived", at}, Change{name, "left", now})
		}
		delete(t.Arrived, name)
	case "leave-all":
		clear(t.Arrived)
	case "die":
		t.Died[name] = now
		t.Changes = append(t.Changes, Change{name, "died", now})
	}
}
