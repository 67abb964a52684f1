package agent

import (
	"context"
	"errors"
	"time"

	"hearth/internal/world"
)

const (
	renewEvery   = 10 * time.Second
	renewAgain   = 2 * time.Second // after a failed renewal
	acquireAgain = 2 * time.Second // while another holds it
	leaseTimeout = 5 * time.Second // of one call

	// staleAfter without a renewal the world is saved and the game stopped.
	staleAfter = 25 * time.Second
	// killAfter without a renewal the game is killed, before another may have
	// the lease.
	killAfter = world.LeaseDuration - 5*time.Second
)

// leaseNews is what the keeper has to say.
type leaseNews struct {
	held *world.Holding // acquired
	at   time.Time      // when the successful call was begun: the lease lasts from then at least
	lost bool
}

// keepLease acquires the lease, renews it, and releases it when letGo closes.
func (b *boot) keepLease(ctx context.Context) {
	defer close(b.leaseGone)
	h, ok := b.acquire(ctx)
	if !ok {
		return
	}
	wait := renewEvery
	failing := false
	for {
		select {
		case <-b.letGo:
			b.release(ctx, h)
			return
		case <-ctx.Done():
			return
		case <-b.Clock.After(wait):
		}
		at := b.Clock.Now()
		err := b.renew(ctx, h)
		switch {
		case err == nil:
			wait, failing = renewEvery, false
			b.tell(ctx, leaseNews{at: at})
		case errors.Is(err, world.ErrLeaseLost):
			b.tell(ctx, leaseNews{lost: true})
			return
		case ctx.Err() != nil:
			return
		default:
			if !failing {
				b.Log.Warn("lease could not be renewed, trying again", "world", b.World, "boot", h.Epoch, "error", err)
			}
			wait, failing = renewAgain, true
		}
	}
}

// acquire tries until the lease is held; false when ctx ended or the lease is
// no longer wanted. An attempt is never cut short by letGo: it may have
// succeeded, and a lease nobody knows of keeps others waiting for a minute.
func (b *boot) acquire(ctx context.Context) (world.Holding, bool) {
	wait := newBackoff(time.Second, 10*time.Second, b.World, "lease")
	held := false
	for {
		at := b.Clock.Now()
		h, err := b.tryAcquire(ctx)
		if err == nil {
			select {
			case <-b.letGo:
				b.release(ctx, h)
				return h, false
			case b.leases <- leaseNews{held: &h, at: at}:
				return h, true
			case <-ctx.Done():
				return h, false
			}
		}
		pause := acquireAgain
		if errors.Is(err, world.ErrLeaseHeld) {
			if !held {
				b.Log.Info("lease is held by another, waiting", "world", b.World)
			}
			held = true
		} else {
			if wait.tries == 0 && ctx.Err() == nil {
				b.Log.Warn("lease could not be acquired, trying again", "world", b.World, "error", err)
			}
			pause = wait.next()
		}
		select {
		case <-b.Clock.After(pause):
		case <-b.letGo:
			return world.Holding{}, false
		case <-ctx.Done():
			return world.Holding{}, false
		}
	}
}

func (b *boot) tryAcquire(ctx context.Context) (world.Holding, error) {
	ctx, cancel := context.WithTimeout(ctx, leaseTimeout)
	defer cancel()
	return b.Lease.Acquire(ctx, b.World)
}

func (b *boot) renew(ctx context.Context, h world.Holding) error {
	ctx, cancel := context.WithTimeout(ctx, leaseTimeout)
	defer cancel()
	return b.Lease.Renew(ctx, h)
}

// release tries five times; what is not released expires by itself.
func (b *boot) release(ctx context.Context, h world.Holding) {
	for range 5 {
		err := b.tryRelease(ctx, h)
		if err == nil || ctx.Err() != nil {
			return
		}
		b.Log.Warn("lease could not be released", "world", b.World, "boot", h.Epoch, "error", err)
		if !b.pause(ctx, renewAgain) {
			return
		}
	}
}

func (b *boot) tryRelease(ctx context.Context, h world.Holding) error {
	ctx, cancel := context.WithTimeout(ctx, leaseTimeout)
	defer cancel()
	return b.Lease.Release(ctx, h)
}

// tell hands news to the loop, unless it has let the lease go.
func (b *boot) tell(ctx context.Context, news leaseNews) {
	select {
	case b.leases <- news:
	case <-b.letGo:
	case <-ctx.Done():
	}
}

// giveLeaseBack lets the keeper release the lease, or stop asking for it.
func (b *boot) giveLeaseBack() {
	if !b.released {
		b.released, b.leaseDue = true, nil
		close(b.letGo)
	}
}

// onLease takes the keeper's news.
func (b *boot) onLease(work context.Context, news leaseNews) {
	switch {
	case news.lost:
		b.loseLease(work)
	case news.held != nil && b.phase == acquiring:
		b.holding, b.renewed = *news.held, news.at
		b.checkLease(work)
		b.feeders.Go(func() { b.watchOrders(work) })
		b.heartbeatDue = b.Clock.After(world.HeartbeatEvery)
		b.begin(work)
		if b.machineKnown {
			b.hostUp()
		} else {
			b.greetBy = b.Clock.After(greetWithin)
		}
	case news.held == nil:
		b.renewed = news.at
	}
}

// checkLease acts on the lease's age, by the Clock's elapsed time, and looks
// again when the next limit would be reached.
func (b *boot) checkLease(work context.Context) {
	if b.released || b.leaseLost {
		b.leaseDue = nil
		return
	}
	age := b.Clock.Now().Sub(b.renewed)
	next := staleAfter
	if age >= staleAfter {
		next = killAfter
		if b.stop == nil && b.running() {
			b.Log.Error("lease was not renewed, saving and stopping", "world", b.World, "boot", b.holding.Epoch, "age", age)
			b.beginStop(work, stopRequest{why: world.StopLease})
		}
	}
	if age >= killAfter {
		next = age + renewAgain
		if b.running() && !b.stop.killed {
			b.Log.Error("lease is about to expire, killing the game", "world", b.World, "boot", b.holding.Epoch, "age", age)
			b.kill(work)
		}
	}
	b.leaseDue = b.Clock.After(next - age)
}

// loseLease: another may write to the world from now on.
func (b *boot) loseLease(work context.Context) {
	b.leaseLost, b.leaseDue = true, nil
	b.Log.Error("lease was taken by another", "world", b.World, "boot", b.holding.Epoch)
	if !b.running() {
		return
	}
	if b.stop == nil {
		b.beginStop(work, stopRequest{why: world.StopLease, byForce: true})
		return
	}
	b.kill(work)
}
