package agent

import (
	"context"
	"errors"
	"time"

	"hearth/internal/agent/backoff"
	"hearth/internal/world"
)

// lookForUnknown ends a game that nobody knows of as soon as the agent begins:
// its lease may run out any time, or has, and whether this boot comes to have one
// is not known. What it has is the newest there is. The files are not looked at,
// and no stop is through, before that is over.
func (b *boot) lookForUnknown(work context.Context) {
	ctx, cancel := context.WithTimeout(work, findTimeout)
	b.clearing = cancel
	b.feeders.Go(func() {
		defer close(b.cleared)
		defer cancel()
		for {
			err := b.endUnknown(work, ctx)
			if err == nil || errors.Is(err, world.ErrNotFound) || !backoff.Pause(ctx, b.Clock, time.Second) {
				return
			}
		}
	})
}

// endUnknown saves and ends a game that nobody knows of: its agent's memory is
// gone, or it was an older boot's. The error says why it was not found. The end of
// ctx kills it; that of work leaves it alone.
func (b *boot) endUnknown(work, ctx context.Context) error {
	s, err := b.Game.Find(ctx, world.Place{})
	if err != nil {
		return err
	}
	b.ignore(work, s.Lines())
	if gone(s) {
		return nil
	}
	b.met = true
	b.Log.Error("a game runs that nobody knows of, saving and ending it", "world", b.World, "server", s.ID())
	b.feeders.Go(func() {
		b.insist(work, s, func() error { return b.tryStop(work, s) }, func(err error) {
			b.Log.Warn("game could not be asked to stop, asking again", "world", b.World, "error", err)
		})
	})
	select {
	case <-s.Done():
		return nil
	case <-work.Done():
		return nil
	case <-b.Clock.After(StopWithin):
	case <-ctx.Done():
		if work.Err() != nil {
			return nil
		}
	}
	if err := s.Kill(); err != nil {
		b.Log.Error("game could not be killed", "world", b.World, "error", err)
		return nil
	}
	select {
	case <-s.Done():
	case <-work.Done():
	case <-b.Clock.After(killGrace):
	}
	return nil
}

// onCleared: no game runs that nobody knows of. A stop that was begun meanwhile
// goes on. Whether what ran had saved is not known, and not said.
func (b *boot) onCleared(work context.Context) {
	b.clearing = nil
	b.Cleared, b.Met = true, b.Met || b.met
	b.unwritten = b.unwritten || b.Holding.Epoch != 0
	if b.stop != nil && b.Phase == stopping && !b.running() {
		b.stop.Took = b.Clock.Now().Sub(b.stop.Since)
		b.stop.Crashed = true
		b.sync(work)
	}
}
