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
// is not known. What it has is the newest there is. No game of this boot is made
// before that is over: it would be taken for one.
func (b *boot) lookForUnknown(work context.Context) {
	defer close(b.cleared)
	ctx, cancel := context.WithTimeout(work, findTimeout)
	defer cancel()
	for {
		err := b.endUnknown(work, ctx)
		if err == nil || errors.Is(err, world.ErrNotFound) || !backoff.Pause(ctx, b.Clock, time.Second) {
			return
		}
	}
}

// endUnknown saves and ends a game that nobody knows of: its agent's memory is
// gone, or it was an older boot's. The error says why it was not found. The end of
// ctx leaves it a moment to finish its save; that of work leaves it alone.
func (b *boot) endUnknown(work, ctx context.Context) error {
	s, err := b.Game.Find(ctx, world.Place{})
	if err != nil {
		return err
	}
	b.ignore(work, s.Lines())
	if gone(s) {
		return nil
	}
	b.Log.Error("a game runs that nobody knows of, saving and ending it", "world", b.World, "server", s.ID())
	b.feeders.Go(func() {
		b.insist(work, s, func() error { return b.tryStop(work, s) }, func(err error) {
			b.Log.Warn("game could not be asked to stop, asking again", "world", b.World, "error", err)
		})
	})
	patience, given := b.Clock.After(StopWithin), ctx.Done()
	for {
		select {
		case <-s.Done():
			return nil
		case <-work.Done():
			return nil
		case <-given:
			given, patience = nil, b.Clock.After(killGrace)
			continue
		case <-patience:
		}
		break
	}
	if err := s.Kill(); err != nil {
		b.Log.Error("game could not be killed", "world", b.World, "error", err)
	}
	return nil
}
