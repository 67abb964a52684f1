package agent

import (
	"context"
	"time"

	"hearth/internal/agent/lease"
	"hearth/internal/world"
)

const (
	// staleAfter without a renewal the world is saved and the game stopped.
	staleAfter = 25 * time.Second
	// killAfter without a renewal the game is killed, before another may have
	// the lease.
	killAfter = world.LeaseDuration - 5*time.Second
	// killAgain: the age is looked at again, should the game not be gone.
	killAgain = 2 * time.Second
)

// giveLeaseBack lets the keeper release the lease, or stop asking for it.
func (b *boot) giveLeaseBack() {
	if !b.released {
		b.released, b.leaseDue = true, nil
		b.keeper.LetGo()
	}
}

// onLease takes the keeper's news.
func (b *boot) onLease(work context.Context, news lease.News) {
	switch {
	case news.Lost:
		b.loseLease(work)
	case news.Held != nil && b.phase == acquiring:
		b.holding, b.renewed = *news.Held, news.At
		b.checkLease(work)
		b.feeders.Go(func() { b.watchOrders(work) })
		b.heartbeatDue = b.Clock.After(world.HeartbeatEvery)
		b.begin(work)
		if b.machineKnown {
			b.hostUp()
		} else {
			b.greetBy = b.Clock.After(greetWithin)
		}
	case news.Held == nil:
		b.renewed = news.At
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
		next = age + killAgain
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
