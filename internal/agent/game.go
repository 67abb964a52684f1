package agent

import (
	"context"
	"slices"
	"time"

	"hearth/internal/valheim"
	"hearth/internal/world"
)

const (
	// ListeningFor is how long the game must stay up after it opened its
	// socket before it is called up: a damaged world is printed as open and
	// quits in the same second.
	ListeningFor = 3 * time.Second

	// CodeWithin is how long a crossplay server may take from opening its
	// socket to its join code before it is called up without one. Players
	// join by code; until it is registered there is nothing to tell them.
	CodeWithin = 30 * time.Second

	// startTimeout bounds a start; a first one may fetch the game's image.
	startTimeout = 15 * time.Minute

	// tailFor is how long the last lines may take after the process is gone.
	tailFor = 5 * time.Second

	// crashWindow: a second crash within it is not answered by a restart.
	crashWindow = 10 * time.Minute

	// drainAtMost bounds how many batches of lines are read in one go before a stop.
	drainAtMost = 10_000
)

// game is one process of the game and what its log said.
type game struct {
	server world.Server
	lines  <-chan []world.Line // nil once it was closed, or given up
	done   <-chan struct{}     // nil once it was closed
	tail   <-chan time.Time    // bounds the wait for lines after done
	reader *valheim.Reader
	proof  valheim.Proof
	began  time.Time

	version  string
	joinCode string
	up       bool // it listened and stayed up
	settled  <-chan time.Time
	heard    string // the line that said it listens
	took     time.Duration
	detail   string // what the log said of its end
	fell     bool   // the log told of a crash, but the process went on
}

type startResult struct {
	server world.Server
	err    error
}

func (g *game) ended(clock world.Clock) {
	g.done = nil
	if g.lines != nil {
		g.tail = clock.After(tailFor)
	}
}

// running: there is a process, or there may be one soon.
func (b *boot) running() bool { return b.game != nil || b.cancelStart != nil }

// begin makes the game's process.
func (b *boot) begin(work context.Context) {
	b.phase = starting
	ctx, cancel := context.WithTimeout(work, startTimeout)
	b.cancelStart = cancel
	b.errands.Go(func() {
		defer cancel()
		server, err := b.Game.Start(ctx, func(world.Step) {})
		select {
		case b.started <- startResult{server: server, err: err}:
		case <-work.Done():
			if err == nil {
				b.reap(server, killGrace) // it came up on a machine that is gone
			}
		}
	})
}

// onStarted takes the new process over.
func (b *boot) onStarted(work context.Context, r startResult) {
	b.cancelStart = nil
	if b.phase == down { // given up while it was on its way
		if r.err == nil {
			b.errands.Go(func() { b.reap(r.server, killGrace) })
		}
		return
	}
	if r.err != nil {
		if b.stop != nil {
			b.stop.took = b.Clock.Now().Sub(b.stop.since)
			b.sync(work)
			return
		}
		b.Log.Error("game could not be started", "world", b.World, "boot", b.holding.Epoch, "error", r.err)
		b.crashed(work, "the game's process could not be started")
		return
	}
	b.ran = true
	b.game = &game{
		server: r.server, lines: r.server.Lines(), done: r.server.Done(),
		reader: valheim.NewReader(), began: b.Clock.Now(),
	}
	if b.stop == nil {
		b.phase = loading
		return
	}
	if b.stop.killed {
		b.kill(work)
		return
	}
	b.askToStop(work)
}

// read takes the next lines of the log.
func (b *boot) read(lines []world.Line) {
	for _, line := range lines {
		for _, h := range b.game.reader.Read(line.Text) {
			b.happened(h)
		}
	}
}

// drain reads what the log has said so far, so that what is decided next lies
// after it in the log's order.
func (b *boot) drain() {
	for range drainAtMost {
		if b.game == nil || b.game.lines == nil {
			return
		}
		select {
		case lines, ok := <-b.game.lines:
			if !ok {
				b.game.lines = nil
				return
			}
			b.read(lines)
		default:
			return
		}
	}
}

// happened takes in what a line means, and tells the world what it is to know.
func (b *boot) happened(h valheim.Happening) {
	g := b.game
	g.proof.See(h)
	b.seeForSaves(h)
	switch h.Kind {
	case valheim.VersionKnown:
		g.version = h.Version
	case valheim.Listening:
		b.heardListening(h)
	case valheim.JoinCode:
		g.joinCode = h.Code
		if g.settled != nil {
			g.settled = b.Clock.After(ListeningFor)
		}
	case valheim.Connecting, valheim.Connected, valheim.Spawned:
		b.touched = true
	case valheim.Saved:
		b.saved(h)
	case valheim.SaveSkipped:
		b.Log.Error("game did not save", "world", b.World, "boot", b.holding.Epoch, "detail", h.Detail)
	case valheim.Fault:
		if h.Detail != valheim.FaultUpdate { // the others end the game
			g.detail = h.Detail
		}
		b.Log.Error("game reports a fault", "world", b.World, "boot", b.holding.Epoch, "detail", h.Detail)
	case valheim.Stopping, valheim.Stopped:
		b.closed()
	case valheim.Crashed:
		if g.detail == "" {
			g.detail = h.Detail
		}
		g.fell = true
		b.closed()
	default: // of no matter to the agent
	}
	if data := h.Payload(); data != nil {
		b.emit(h, data)
	}
}

// heardListening waits whether the game stays up.
func (b *boot) heardListening(h valheim.Happening) {
	g := b.game
	b.touched = true // from now on somebody may come in
	if b.stop != nil {
		return
	}
	if g.fell {
		// A supervisor in the game's container revived it: the process that
		// the agent sees never went away.
		g.fell = false
		b.reportCrash(g.detail, true)
		g.detail = ""
	}
	if g.settled == nil && !g.up {
		g.heard, g.took = h.Line, b.Clock.Now().Sub(g.began)
		wait := ListeningFor
		if h.Signal == valheim.SignalPlayFab && g.joinCode == "" {
			wait = CodeWithin
		}
		g.settled = b.Clock.After(wait)
	}
}

// nowListening: the game stayed up.
func (b *boot) nowListening() {
	g := b.game
	g.settled, g.up = nil, true
	b.phase = listening
	b.emit(valheim.Happening{Line: g.heard}, &world.Listening{Version: g.version, Took: g.took})
}

// closed: by its log the game no longer takes players.
func (b *boot) closed() {
	b.game.settled, b.game.up, b.game.joinCode = nil, false, ""
	if b.phase == listening {
		b.phase = loading
	}
}

// saved: the game finished a save.
func (b *boot) saved(h valheim.Happening) {
	b.lastSave = b.Clock.Now()
	if b.stop != nil {
		return // SaveProven tells whether it counts
	}
	b.emit(h, &world.Saved{Took: h.Took})
}

// checkGone goes on when the process is gone and its last line read.
func (b *boot) checkGone(work context.Context) {
	g := b.game
	if g == nil || g.lines != nil || g.done != nil {
		return
	}
	for _, h := range g.reader.End() {
		b.happened(h)
	}
	b.game = nil
	if b.stop != nil {
		b.stop.took = b.Clock.Now().Sub(b.stop.since)
		b.stop.counts = g.proof.Saved()
		b.sync(work)
		return
	}
	b.crashed(work, g.detail)
}

// crashed: the game went without being asked. It gets one more chance in
// crashWindow.
func (b *boot) crashed(work context.Context, detail string) {
	b.savesAgain()
	now := b.Clock.Now()
	b.crashes = slices.DeleteFunc(b.crashes, func(t time.Time) bool { return now.Sub(t) > crashWindow })
	again := len(b.crashes) == 0
	b.crashes = append(b.crashes, now)
	b.reportCrash(detail, again)
	if again {
		b.begin(work)
		return
	}
	b.phase = down
}

func (b *boot) reportCrash(detail string, again bool) {
	b.Log.Warn("game ended without being asked", "world", b.World, "boot", b.holding.Epoch, "detail", detail, "restarting", again)
	b.emit(valheim.Happening{}, &world.Crashed{Detail: detail, Restarting: again, LastSave: b.lastSave})
}
