package games

import (
	"context"
	"fmt"
	"slices"
	"time"

	"hearth/internal/valheim"
	"hearth/internal/world"
)

// Log is what a game's log said, as somebody hears it who reads every line once.
type Log struct {
	ID    string // the game's
	VM    string
	Began time.Time // on the clock of the world outside
	Asked time.Time // to save and end, on the game's clock; zero: never
	Words []Word    // in their order
}

// Word is something in a log that is to be told.
type Word struct {
	Place string // as the id of the event that tells it ends: when, which line, and the which of its meanings
	Type  world.Type
	Name  string // of whom it tells, if it does
	At    time.Time
}

// afterLast numbers what the end of a log means, behind what its last line does.
const afterLast = 1000

// Log is what its log has said so far.
func (g *Game) Log() Log {
	g.mu.Lock()
	defer g.mu.Unlock()
	return Log{ID: g.id, VM: g.vm, Began: g.truth.Began, Asked: g.truth.Asked, Words: slices.Clone(g.words)}
}

// heard notes what the log's last line means; from numbers the first. g.mu is
// held.
func (g *Game) heard(hs []valheim.Happening, from int) {
	for i, h := range hs {
		p := h.Payload()
		if h.Kind == valheim.Saved { // an agent tells it with what it knows besides
			g.truth.Saved, p = g.at.At, &world.Saved{}
		}
		if p == nil {
			continue
		}
		g.words = append(g.words, Word{
			Place: fmt.Sprintf("%d/%d/%d", g.at.At.UnixNano(), g.at.N, from+i), Type: p.Type(), Name: h.Player.Name, At: g.at.At,
		})
	}
}

// server is a game as one process of an agent has it.
type server struct {
	*Game
	lines chan []world.Line
}

var _ world.Server = server{}

// read is the game with its log from a place on, until ctx ends.
func (g *Game) read(ctx context.Context, run func(func()), after world.Place) server {
	s := server{g, make(chan []world.Line)}
	wake := make(chan struct{}, 1)
	g.mu.Lock()
	next := 0
	if after.Server == g.id {
		next, _ = slices.BinarySearchFunc(g.log, after, func(l world.Line, p world.Place) int {
			if l.At.After(p.At) || l.At.Equal(p.At) && l.N > p.N {
				return 1
			}
			return -1
		})
	}
	g.readers = append(g.readers, wake)
	g.mu.Unlock()
	run(func() {
		defer g.leave(wake)
		for {
			lines, closed := g.from(next)
			switch {
			case len(lines) > 0:
				select {
				case s.lines <- lines:
					next += len(lines)
				case <-ctx.Done():
					return
				}
			case closed:
				close(s.lines)
				return
			default:
				select {
				case <-wake:
				case <-ctx.Done():
					return
				}
			}
		}
	})
	return s
}

// from are the log's lines from the nth on, from 0, and whether these are all.
func (g *Game) from(n int) (lines []world.Line, closed bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.log[n:len(g.log):len(g.log)], g.closed
}

// leave ends a reader.
func (g *Game) leave(wake chan struct{}) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.readers = slices.DeleteFunc(g.readers, func(r chan struct{}) bool { return r == wake })
}

// ID implements world.Server.
func (g server) ID() string { return g.id }

// Lines implements world.Server.
func (g server) Lines() <-chan []world.Line { return g.lines }

// Done implements world.Server.
func (g server) Done() <-chan struct{} { return g.done }

// Memory implements world.Server.
func (g server) Memory(context.Context) (int64, error) { return 2 << 30, nil }
