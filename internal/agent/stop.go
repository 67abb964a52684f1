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

	askAgain    = 2 * time.Second  // after Server.Stop or Kill failed
	askTimeout  = 20 * time.Second // of one Server.Stop
	syncTimeout = 60 * time.Second
)

// stopRequest is who wants the game to end.
type stopRequest struct {
	why       world.StopWhy
	operation string // for world.StopOrdered
	byForce   bool   // no save: the world is another's
}

// stop is the one stop of a boot.
type stop struct {
	stopRequest
	since    time.Time
	deadline <-chan time.Time // then it is killed
	abandon  <-chan time.Time // then nobody waits for it any more
	killed   bool
	lost     bool          // killed, and still not gone
	crashed  bool          // nothing ran when the stop was asked for
	counts   bool          // a save that counts was finished
	took     time.Duration // from the request to the process's end
	notices  []string      // to acknowledge after the proof
}

type syncResult struct {
	size int64
	err  error
}

// beginStop is the only way into stopping; no stop was begun before.
func (b *boot) beginStop(work context.Context, r stopRequest) {
	b.drain()
	b.stop = &stop{stopRequest: r, since: b.Clock.Now()}
	b.phase = stopping
	b.saves = nil
	switch {
	case r.byForce:
		b.kill(work)
	case b.game != nil:
		b.askToStop(work)
	}
	if b.cancelStart != nil {
		b.cancelStart()
	}
	if !b.running() { // it crashed before
		b.stop.crashed = true
		b.sync(work)
		return
	}
	if b.stop.deadline == nil && !b.stop.killed {
		b.stop.deadline = b.Clock.After(StopWithin)
	}
	b.Log.Info("stopping the game", "world", b.World, "boot", b.holding.Epoch, "why", string(r.why), "operation", r.operation)
	b.checkGone(work) // drain may have read the last line
}

// askToStop marks the place in the log and asks the game to save and end. What
// fails is asked again: without a stop there is no save.
func (b *boot) askToStop(work context.Context) {
	g := b.game
	g.settled, g.up = nil, false
	g.proof.Request()
	server := g.server
	b.errands.Go(func() {
		b.insist(work, server, func() error { return b.tryStop(work, server) }, func(err error) {
			b.Log.Warn("game could not be asked to stop, asking again", "world", b.World, "error", err)
		})
	})
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
	s.killed, s.deadline = true, nil
	s.abandon = b.Clock.After(killGrace)
	if b.cancelStart != nil {
		b.cancelStart()
	}
	if b.game == nil {
		return
	}
	server := b.game.server
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
	s.abandon, s.lost = nil, true
	s.took = b.Clock.Now().Sub(s.since)
	b.Log.Error("game is not gone after it was killed: delete the machine", "world", b.World, "boot", b.holding.Epoch)
	b.game = nil
	b.prove(work, syncResult{})
}

// sync flushes the world's files; the proof follows with its result, which
// comes through the loop even when there is nothing to sync.
func (b *boot) sync(work context.Context) {
	b.stop.deadline, b.stop.abandon = nil, nil
	ours := b.ran && !b.leaseLost // else the files are another's now
	b.errands.Go(func() {
		var r syncResult
		if ours {
			r.size, r.err = b.trySync(work)
		}
		select {
		case b.synced <- r:
		case <-work.Done():
		}
	})
}

func (b *boot) trySync(ctx context.Context) (int64, error) {
	ctx, cancel := context.WithTimeout(ctx, syncTimeout)
	defer cancel()
	return b.Files.Sync(ctx)
}

// prove ends the stop: it says what is known of the save, gives the lease back
// and lets the cloud go on.
func (b *boot) prove(work context.Context, r syncResult) {
	s := b.stop
	if r.err != nil {
		b.Log.Error("world's files could not be synced", "world", b.World, "boot", b.holding.Epoch, "error", r.err)
	}
	untouched := !b.touched
	b.proven = &world.SaveProven{
		Why: s.why, Operation: s.operation,
		Confirmed: !s.killed && !s.crashed && (untouched || s.counts && r.err == nil),
		Untouched: untouched,
		Took:      s.took, Size: r.size, LastSave: b.lastSave,
	}
	b.phase = down
	b.Log.Info("game is down", "world", b.World, "boot", b.holding.Epoch, "why", string(s.why), "confirmed", b.proven.Confirmed)
	sent := b.emitProof(s.why, s.operation)
	if !s.lost {
		b.giveLeaseBack()
	}
	for _, id := range s.notices {
		b.acknowledge(work, id, sent)
	}
}

// emitProof says how the stop ended, to the operation that asks.
func (b *boot) emitProof(why world.StopWhy, operation string) <-chan struct{} {
	p := *b.proven
	p.Why, p.Operation = why, operation
	return b.emit(valheim.Happening{}, &p)
}
