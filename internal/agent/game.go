package agent

import (
	"context"
	"errors"
	"slices"
	"time"

	"hearth/internal/agent/backoff"
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

	// findTimeout bounds the look for a process that an earlier process of the
	// agent started: as long as a container engine takes to come back.
	findTimeout = 5 * time.Minute

	// startTimeout bounds a start; a first one may fetch the game's image.
	startTimeout = 15 * time.Minute

	// tailFor is how long the last lines may take after the process is gone.
	tailFor = 5 * time.Second

	// crashWindow: a second crash within it is not answered by a restart.
	crashWindow = 10 * time.Minute

	// reviveWithin is how long a supervisor in the game's container may take to
	// have it up again.
	reviveWithin = 10 * time.Minute

	// afterLast numbers what the end of the log means behind what its last line
	// does.
	afterLast = 1000

	// drainAtMost bounds how many batches of lines are read in one go before a stop.
	drainAtMost = 10_000
)

// game is one process of the game and what its log said.
type game struct {
	play
	server  world.Server
	lines   <-chan []world.Line // nil once it was closed, or given up
	done    <-chan struct{}     // nil once it was closed
	tail    <-chan time.Time    // bounds the wait for lines after done
	settled <-chan time.Time    // then it stayed up
	found   bool                // an earlier process of the agent had started it
	asking  time.Time           // since when a save counts, until a line of then is read
	revive  <-chan time.Time    // then it should be up again
	ending  bool                // what is left of it was told to end
}

func newGame(s world.Server, p play) *game {
	if p.Reader == nil {
		p.Reader = valheim.NewReader()
	}
	p.Place.Server = s.ID()
	return &game{play: p, server: s, lines: s.Lines(), done: s.Done()}
}

type startResult struct {
	server world.Server
	err    error
	found  bool // it was there already
}

func (g *game) ended(clock world.Clock) {
	g.done = nil
	if g.lines != nil {
		g.tail = clock.After(tailFor)
	}
}

// running: there is a process, or there may be one soon.
func (b *boot) running() bool {
	return b.game != nil || b.cancelStart != nil || b.finding || b.clearing != nil
}

// begin makes the game's process.
func (b *boot) begin(work context.Context) {
	b.Phase = starting
	known := b.out.Commit(b.remembered()) // the next process looks for a game only from now on
	ctx, cancel := context.WithTimeout(work, startTimeout)
	b.cancelStart = cancel
	b.errands.Go(func() {
		defer cancel()
		b.await(work, known)
		server, err := b.Game.Start(ctx, func(s world.Step) {
			select {
			case b.steps <- s:
			case <-b.over:
			}
		})
		b.handOver(work, startResult{server: server, err: err})
	})
}

// find takes up the process that an earlier process of the agent started.
func (b *boot) find(work context.Context) {
	place := world.Place{}
	if b.Play != nil {
		place = b.Play.Place
	}
	b.finding = true // and not to be given up: what runs must be stopped, or killed
	ctx, cancel := context.WithTimeout(work, findTimeout)
	b.errands.Go(func() {
		defer cancel()
		for failing := false; ; failing = true {
			server, err := b.Game.Find(ctx, place)
			if err == nil || errors.Is(err, world.ErrNotFound) || ctx.Err() != nil {
				b.handOver(work, startResult{server: server, err: err, found: true})
				return
			}
			if !failing {
				b.Log.Warn("game can't be found, looking again", "world", b.World, "error", err)
			}
			backoff.Pause(ctx, b.Clock, time.Second)
		}
	})
}

// handOver gives what became of a start to the loop.
func (b *boot) handOver(work context.Context, r startResult) {
	select {
	case b.started <- r:
	case <-b.over:
		if r.err == nil && !errors.Is(context.Cause(work), ErrKilled) {
			b.reap(r.server, killGrace) // it came up on a machine that is gone
		}
	}
}

// ignore takes lines that nobody reads any more, so that who writes them is not
// held.
func (b *boot) ignore(work context.Context, lines <-chan []world.Line) {
	b.feeders.Go(func() {
		for {
			select {
			case _, ok := <-lines:
				if !ok {
					return
				}
			case <-work.Done():
				return
			}
		}
	})
}

// onStarted takes the new process over.
func (b *boot) onStarted(work context.Context, r startResult) {
	b.cancelStart, b.finding = nil, false
	defer func() { b.doubted = b.doubted && b.finding }()
	if b.Phase == down { // given up while it was on its way
		if r.err == nil {
			b.errands.Go(func() { b.reap(r.server, killGrace) })
		}
		return
	}
	if r.found && r.err == nil && (r.server.ID() == b.Over || b.Play == nil && gone(r.server)) {
		// Another one was to come. What has ended, and was not read by this
		// boot, is most likely yesterday's.
		b.ignore(work, r.server.Lines())
		r.err = world.ErrNotFound
	}
	if r.err != nil {
		b.notStarted(work, r)
		return
	}
	b.Ran, b.unwritten = true, true
	p := play{Began: b.Clock.Now()}
	if b.Play != nil && b.Play.Place.Server == r.server.ID() {
		p = *b.Play
	}
	b.Play = nil
	b.game = newGame(r.server, p)
	b.game.found = r.found
	if !b.game.Opened.IsZero() {
		b.settle()
	}
	if !b.game.Fell.IsZero() {
		b.waitForRevival()
	}
	if b.stop == nil {
		if b.Phase != listening {
			b.Phase = loading
		}
		if !r.found {
			b.step(world.StepLoad)
		}
		return
	}
	if b.stop.Killed {
		b.kill(work)
		return
	}
	b.askToStop(work)
}

// notStarted: there is no process, or nobody knows.
func (b *boot) notStarted(work context.Context, r startResult) {
	b.Play = nil
	unknown := r.found && !errors.Is(r.err, world.ErrNotFound)
	switch {
	case errors.Is(r.err, world.ErrMaybeRunning):
		b.Log.Warn("whether the game was started is not known, looking for it", "world", b.World, "boot", b.Holding.Epoch, "error", r.err)
		b.doubted = true
		b.find(work)
	case b.stop != nil && unknown:
		b.Log.Error("whether a game runs is not known: delete the machine", "world", b.World, "boot", b.Holding.Epoch, "error", r.err)
		b.stop.Killed, b.stop.Lost = true, true
		b.stop.Took = b.Clock.Now().Sub(b.stop.Since)
		b.prove(work, syncResult{err: r.err})
	case b.stop != nil:
		b.stop.Took = b.Clock.Now().Sub(b.stop.Since)
		b.sync(work)
	case r.found && b.Phase == starting && !b.doubted:
		b.check(work) // it had not come to that
	default:
		b.Log.Error("game could not be started", "world", b.World, "boot", b.Holding.Epoch, "error", r.err)
		b.restart(work, b.crashed("the game's process could not be started"))
	}
}

// read takes the next lines of the log.
func (b *boot) read(lines []world.Line) {
	g := b.game
	for _, line := range lines {
		g.Place = g.Place.Next(line.At)
		if !g.asking.IsZero() && !line.At.Before(g.asking) {
			g.request()
		}
		b.remind(line.Text)
		for i, h := range g.Reader.Read(line.Text) {
			b.happened(h, i)
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

// happened takes in what a line means, and tells the world what it is to know. It
// is the nth of its line.
func (b *boot) happened(h valheim.Happening, nth int) {
	g := b.game
	g.Proof.See(h)
	b.seeForSaves(h)
	switch h.Kind {
	case valheim.VersionKnown:
		g.Version = h.Version
		b.step(world.StepLoad)
	case valheim.UpdateStarted:
		b.step(world.StepUpdate)
	case valheim.UpdateFinished:
		b.step(world.StepLoad)
	case valheim.Listening:
		b.heardListening(h)
	case valheim.JoinCode:
		g.JoinCode = h.Code
		if g.settled != nil {
			g.Opened = b.Clock.Now()
			b.settle()
		}
	case valheim.Connecting, valheim.Connected, valheim.Spawned:
		b.Touched = true
	case valheim.Saved:
		b.saved(h, nth)
	case valheim.SaveSkipped:
		b.Log.Error("game did not save", "world", b.World, "boot", b.Holding.Epoch, "detail", h.Detail)
	case valheim.Fault:
		if h.Detail != valheim.FaultUpdate { // the others end the game
			g.Detail = h.Detail
		}
		b.Log.Error("game reports a fault", "world", b.World, "boot", b.Holding.Epoch, "detail", h.Detail)
	case valheim.Escalated:
		b.escalated(h)
	case valheim.Stopping:
		b.closed()
	case valheim.Stopped:
		b.closed()
		if b.stop == nil {
			b.fell("somebody else stopped it")
		}
	case valheim.Crashed:
		b.closed()
		if b.stop == nil {
			b.fell(h.Detail)
		}
	default: // of no matter to the agent
	}
	if data := h.Payload(); data != nil {
		b.emitRead(h, nth, data)
	}
}

// escalated: who was to end the game lost patience with it. What it has saved by
// then counts, but an end by force is told as one.
func (b *boot) escalated(h valheim.Happening) {
	b.Log.Error("game did not end when it was asked to, and is ended by force", "world", b.World, "boot", b.Holding.Epoch, "signal", h.Detail)
	if b.stop != nil && h.Detail == "SIGKILL" {
		b.stop.Killed, b.unwritten = true, true
	}
}

// heardListening waits whether the game stays up.
func (b *boot) heardListening(h valheim.Happening) {
	g := b.game
	if b.stop != nil {
		b.Touched = true
		return
	}
	if h.Signal == valheim.SignalPlayFab && g.JoinCode == "" {
		b.step(world.StepCode)
	}
	b.Touched = true // from now on somebody may come in
	// If it fell, a supervisor in its container revived it: the process that
	// the agent sees never went away.
	g.Fell, g.Again, g.Detail, g.revive = time.Time{}, false, "", nil
	if g.settled == nil && !g.Up {
		g.Heard, g.Took, g.Opened = h.Line, b.Clock.Now().Sub(g.Began), b.Clock.Now()
		g.Crossplay, b.unwritten = h.Signal == valheim.SignalPlayFab, true
		b.settle()
	}
}

// settle waits for what makes the game be called up.
func (b *boot) settle() {
	g := b.game
	wait := ListeningFor
	if g.Crossplay && g.JoinCode == "" {
		wait = CodeWithin
	}
	g.settled = b.Clock.After(wait - b.Clock.Now().Sub(g.Opened))
}

// nowListening: the game stayed up.
func (b *boot) nowListening() {
	g := b.game
	g.settled, g.Opened, g.Up = nil, time.Time{}, true
	b.Phase = listening
	b.finishStep()
	b.emit(valheim.Happening{Line: g.Heard}, &world.Listening{
		Version: g.Version, Took: g.Took, Steps: b.Steps, New: b.Found.New, Mended: b.Found.Mended,
	})
	b.Steps, b.Found = nil, world.FilesState{}
}

// closed: by its log the game no longer takes players.
func (b *boot) closed() {
	g := b.game
	g.settled, g.Opened, g.Up, g.JoinCode = nil, time.Time{}, false, ""
	if b.Phase == listening {
		b.Phase = loading
	}
}

// saved: the game finished a save.
func (b *boot) saved(h valheim.Happening, nth int) {
	b.LastSave = b.game.Place.At // which may lie back, if the agent was away
	if b.stop != nil {
		return // SaveProven tells whether it counts
	}
	b.emitRead(h, nth, &world.Saved{Took: h.Took})
}

// checkGone goes on when the process is gone and its last line read. Once the
// save that counts is known, the lines after it are not waited for: an eviction
// leaves no time.
func (b *boot) checkGone(work context.Context) {
	g := b.game
	if g == nil {
		return
	}
	if g.done != nil {
		b.reviveOrEnd(work)
		return
	}
	if g.lines != nil {
		if b.stop == nil || !g.Proof.Saved() {
			return
		}
		b.ignore(work, g.lines)
	}
	for i, h := range g.Reader.End() {
		b.happened(h, afterLast+i)
	}
	if b.stop == nil && g.Fell.IsZero() {
		b.fell("")
	}
	b.game, b.Over, b.unwritten = nil, g.Place.Server, true
	if b.stop != nil {
		b.stop.Took = b.Clock.Now().Sub(b.stop.Since)
		b.stop.Counts = g.Proof.Saved()
		b.sync(work)
		return
	}
	b.restart(work, g.Again)
}

// fell: by its log, or its end, the game ended without being asked. What the log
// said of the cause before counts most. Its process may go on: that of a
// supervisor which revives it.
func (b *boot) fell(detail string) {
	g := b.game
	if g.Detail != "" {
		detail = g.Detail
	}
	g.Fell, g.Again, g.Detail = b.Clock.Now(), b.crashed(detail), ""
	b.waitForRevival()
}

func (b *boot) waitForRevival() {
	g := b.game
	g.revive = b.Clock.After(reviveWithin - b.Clock.Now().Sub(g.Fell))
}

// reviveOrEnd ends what is left of a game that fell and is to have no other
// chance, or was not revived in time.
func (b *boot) reviveOrEnd(work context.Context) {
	g := b.game
	late := !g.Fell.IsZero() && b.Clock.Now().Sub(g.Fell) >= reviveWithin
	if b.stop != nil || g.Fell.IsZero() || g.ending || g.Again && !late {
		return
	}
	b.Log.Error("game fell and is not up again, ending what is left of it", "world", b.World, "boot", b.Holding.Epoch)
	g.ending, g.revive = true, nil
	b.killServer(work, g.server)
}

// crashed notes and tells a crash, and whether the game gets one more chance:
// once in crashWindow.
func (b *boot) crashed(detail string) (again bool) {
	b.savesAgain()
	now := b.Clock.Now()
	b.Crashes = slices.DeleteFunc(b.Crashes, func(t time.Time) bool { return now.Sub(t) > crashWindow })
	again = len(b.Crashes) == 0
	b.Crashes = append(b.Crashes, now)
	b.Log.Warn("game ended without being asked", "world", b.World, "boot", b.Holding.Epoch, "detail", detail, "restarting", again)
	b.emit(valheim.Happening{}, &world.Crashed{Detail: detail, Restarting: again, LastSave: b.LastSave})
	return again
}

// restart makes the next process after a crash, on files that are looked at again.
func (b *boot) restart(work context.Context, again bool) {
	if again {
		b.check(work)
		return
	}
	b.Phase = down
	b.unwritten = true
}
