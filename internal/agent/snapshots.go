package agent

import (
	"context"
	"errors"
	"time"

	"hearth/internal/valheim"
	"hearth/internal/world"
)

const (
	// keepWithin is how long a start waits until the files are kept. What is
	// given up then may still be done, and be of the first moments of the game:
	// it is one more snapshot, and not the one that was meant.
	keepWithin = 12 * time.Second

	// pruneWithin bounds the giving up of old snapshots, which nobody waits for.
	pruneWithin = time.Minute
)

// keep has the world's files kept as the last session left them, before the first
// game of the boot and beside the look at them, and old snapshots given up. What
// comes of the first is told in at most keepWithin after no game writes any more;
// nil: there is nothing to wait for. A stop ends both.
func (b *boot) keep(work context.Context) <-chan *world.SnapshotError {
	if b.Kept || b.Snapshots == nil {
		return nil
	}
	ctx, cancel := context.WithCancel(work)
	b.cancelKeep = cancel
	epoch, kept := b.Holding.Epoch, make(chan *world.SnapshotError, 1)
	b.errands.Go(func() {
		defer cancel()
		select {
		case <-b.cleared:
		case <-ctx.Done():
		}
		err := b.tryKeep(ctx, epoch)
		kept <- err
		if err == nil || err.Reason == world.SnapshotFull {
			b.prune(ctx)
		}
	})
	return kept
}

func (b *boot) tryKeep(ctx context.Context, epoch int64) *world.SnapshotError {
	ctx, cancel := context.WithTimeout(ctx, keepWithin)
	defer cancel()
	err := b.Snapshots.Take(ctx, epoch, b.Boot)
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*world.SnapshotError](err); ok {
		return e
	}
	return &world.SnapshotError{Reason: world.SnapshotNoAnswer, Err: err}
}

func (b *boot) prune(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, pruneWithin)
	defer cancel()
	if err := b.Snapshots.Prune(ctx); err != nil && ctx.Err() == nil {
		b.Log.Warn("old snapshots could not be given up, trying again at the next boot", "world", b.World, "error", err)
	}
}

// onKept tells if the files were not kept. It is tried once in a boot.
func (b *boot) onKept(r checkResult) {
	if !r.tried {
		return
	}
	b.Kept, b.unwritten = true, true
	if e := r.notKept; e != nil {
		b.Log.Error("world's files were not kept before the start, going on", "world", b.World, "boot", b.Holding.Epoch, "error", e)
		b.emit(valheim.Happening{}, &world.NotKept{Reason: e.Reason, Code: e.Code})
	}
}
