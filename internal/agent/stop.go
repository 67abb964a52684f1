package agent

import (
	"context"
	"time"

	"hearth/internal/valheim"
	"hearth/internal/world"
)

const (
	// StopWithin is how long the game may take to save and end before it is
	// killed.
	StopWithin = 120 * time.Second

	// killGrace is how long a killed process may take to be gone.
	killGrace = 15 * time.Second

	// knownWithin is how long a stop waits for the disk.
	knownWithin = time.Second

	askAgain    = 2 * time.Second  // after Server.Stop or Kill failed
	askTimeout  = 20 * time.Second // of one Server.Stop
	syncTimeout = 60 * time.Second
	// hurriedSync is what a sync may take of the time that the cloud leaves: a
	// share that hangs is not to keep the news from being told.
	hurriedSync = 3 * time.Second
)

// stopRequest is who wants the game to end.
type stopRequest struct {
	Why       world.StopWhy `json:"why"`
	Operation string        `json:"operation,omitempty"` // for world.StopOrdered
	ByForce   bool          `json:"by_force,omitempty"`  // no save: the world is another's
}

// end is what is remembered of a stop.
type end struct {
	stopRequest
	Since   time.Time     `json:"since"`
	Killed  bool          `json:"killed,omitempty"`
	Lost    bool          `json:"lost,omitempty"`    // killed, and still not gone
	Crashed bool          `json:"crashed,omitempty"` // nothing ran when the stop was asked for
	Counts  bool          `json:"counts,omitempty"`  // a save that counts was finished
	Took    time.Duration `json:"took,omitempty"`    // from the request to the process's end
	Notices []string      `json:"notices,omitempty"` // to acknowledge after the proof
}

// stop is the one stop of a boot.
type stop struct {
	end
	deadline <-chan time.Time // then it is killed
	abandon  <-chan time.Time // then nobody waits for it any more
}

type syncResult struct {
	size int64
	err  error
}

// beginStop is the only way into stopping; no stop was begun before.
func (b *boot) beginStop(work context.Context, r stopRequest) {
	b.drain()
	b.stop = &stop{end: end{stopRequest: r, Since: b.Clock.Now()}}
	b.Phase = stopping
	b.Saves = nil
	b.unwritten = true
	switch {
	case r.ByForce:
		b.kill(work)
	case b.game != nil:
		b.askToStop(work)
	}
	if b.cancelStart != nil {
		b.cancelStart()
	}
	if b.cancelKeep != nil {
		b.cancelKeep()
	}
	if !b.running() { // it crashed before
		b.stop.Crashed = true
		b.sync(work)
		return
	}
	if b.stop.deadline == nil && !b.stop.Killed {
		b.stop.deadline = b.Clock.After(StopWithin)
	}
	b.Log.Info("stopping the game", "world", b.World, "boot", b.Holding.Epoch, "why", string(r.Why), "operation", r.Operation)
	b.checkGone(work) // drain may have read the last line
}

// askToStop marks the place in the log and asks the game to save and end. What
// fails is asked again: without a stop there is no save. The place is that of the
// first process of the agent that asked.
func (b *boot) askToStop(work context.Context) {
	g := b.game
	g.settled, g.Opened, g.Up = nil, time.Time{}, false
	switch {
	case g.Asked:
	case g.found:
		// What it said while no agent lived may still be unread, and a save in
		// there is none that was asked for. Its lines bear this machine's time.
		g.asking = b.stop.Since
	default:
		g.request()
	}
	server := g.server
	// That it was ordered is to be known to the next process before the game
	// knows it: the log alone does not tell a stop that was asked for here.
	var known <-chan struct{}
	if b.stop.Why == world.StopOrdered {
		known = b.out.Commit(b.remembered())
	}
	b.errands.Go(func() {
		if known != nil && !b.await(work, known) {
			return
		}
		b.insist(work, server, func() error { return b.tryStop(work, server) }, func(err error) {
			b.Log.Warn("game could not be asked to stop, asking again", "world", b.World, "error", err)
		})
	})
}

// request: from here on in the log a save counts.
func (g *game) request() {
	g.Proof.Request()
	g.Asked, g.asking = true, time.Time{}
}

// await waits until something stands in the memory, for at most knownWithin;
// false if the work ended.
func (b *boot) await(work context.Context, known <-chan struct{}) bool {
	select {
	case <-known:
	case <-b.Clock.After(knownWithin):
	case <-work.Done():
		return false
	}
	return true
}

// insist tries until it succeeds, the server is gone, or the work ends.
func (b *boot) insist(work context.Context, server world.Server, try func() error, failed func(error)) {
	for {
		err := try()
		if err == nil || gone(server) || work.Err() != nil {
			return
		}
		failed(err)
		select {
		case <-b.Clock.After(askAgain):
		case <-server.Done():
			return
		case <-work.Done():
			return
		}
	}
}

func (b *boot) tryStop(ctx context.Context, s world.Server) error {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	return s.Stop(ctx)
}

func gone(s world.Server) bool {
	select {
	case <-s.Done():
		return true
	default:
		return false
	}
}

// kill ends the game without a save. A stop is under way.
func (b *boot) kill(work context.Context) {
	s := b.stop
	s.Killed, s.deadline = true, nil
	b.unwritten = true
	s.abandon = b.Clock.After(killGrace)
	if b.cancelStart != nil {
		b.cancelStart()
	}
	if b.clearing != nil {
		b.clearing()
	}
	if b.game == nil {
		return
	}
	b.killServer(work, b.game.server)
}

func (b *boot) killServer(work context.Context, server world.Server) {
	b.errands.Go(func() {
		b.insist(work, server, server.Kill, func(err error) {
			b.Log.Error("game could not be killed, trying again", "world", b.World, "error", err)
		})
	})
}

// abandonGame: not even a kill ended it. It is said, and the lease is kept, so
// that no other machine writes beside it.
func (b *boot) abandonGame(work context.Context) {
	s := b.stop
	s.abandon, s.Lost = nil, true
	s.Took = b.Clock.Now().Sub(s.Since)
	b.Log.Error("game is not gone after it was killed: delete the machine", "world", b.World, "boot", b.Holding.Epoch)
	b.game = nil
	b.prove(work, syncResult{})
}

// sync flushes the world's files; the proof follows with its result, which
// comes through the loop even when there is nothing to sync.
func (b *boot) sync(work context.Context) {
	b.stop.deadline, b.stop.abandon = nil, nil
	ours := (b.Ran || b.Met) && !b.leaseLost // else the files are another's now
	ctx, cancel := context.WithTimeout(work, syncTimeout)
	b.errands.Go(func() {
		defer cancel()
		select {
		case <-b.hurried:
		case <-ctx.Done():
			return
		}
		select {
		case <-b.Clock.After(hurriedSync):
		case <-ctx.Done():
		}
	})
	b.errands.Go(func() {
		var r syncResult
		if ours {
			r.size, r.err = b.Files.Sync(ctx)
		}
		cancel()
		select {
		case b.synced <- r:
		case <-b.over:
		}
	})
}

// prove ends the stop: it says what is known of the save, gives the lease back
// and lets the cloud go on.
func (b *boot) prove(work context.Context, r syncResult) {
	s := b.stop
	if r.err != nil {
		b.Log.Error("world's files could not be synced", "world", b.World, "boot", b.Holding.Epoch, "error", r.err)
	}
	untouched := !b.Touched && !b.Met
	fine := !s.Crashed || len(b.Crashes) == 0 // it ended as it was asked to, or was never tried
	b.Proven = &world.SaveProven{
		Why: s.Why, Operation: s.Operation,
		Confirmed: !s.Killed && (untouched && fine || s.Counts && r.err == nil),
		Untouched: untouched,
		Took:      s.Took, Size: r.size, LastSave: b.LastSave,
	}
	b.Phase = down
	b.Log.Info("game is down", "world", b.World, "boot", b.Holding.Epoch, "why", string(s.Why), "confirmed", b.Proven.Confirmed)
	sent := b.emitProof(s.Why, s.Operation)
	written := b.leaveProof(work, b.Proven)
	for _, id := range s.Notices {
		b.acknowledge(work, id, sent, written)
	}
}

// emitProof says how the stop ended, to the operation that asks.
func (b *boot) emitProof(why world.StopWhy, operation string) <-chan struct{} {
	p := *b.Proven
	p.Why, p.Operation = why, operation
	return b.emit(valheim.Happening{}, &p)
}

// resumeStop goes on with a stop that an earlier process of the agent began.
// What it asked for is asked again, which does no harm.
func (b *boot) resumeStop() {
	s := b.stop
	if b.Phase == down {
		return
	}
	if s.Killed {
		s.abandon = b.Clock.After(killGrace)
		return
	}
	s.deadline = b.Clock.After(max(0, StopWithin-b.Clock.Now().Sub(s.Since)))
}
