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
	// resumeGrace is how long a process that goes on from another waits for
	// the lease's first answer, whatever its age.
	resumeGrace  = 5 * time.Second
	leaseTimeout = 5 * time.Second
)

// giveLeaseBack lets the keeper release the lease, or stop asking for it.
func (b *boot) giveLeaseBack() {
	if !b.Released {
		b.Released, b.leaseDue, b.unwritten = true, nil, true
		b.keeper.LetGo()
	}
}

// onLease takes the keeper's news.
func (b *boot) onLease(work context.Context, news lease.News) {
	switch {
	case news.Lost:
		b.loseLease(work)
	case news.Unsure:
		b.mayHaveLost(work)
	case news.Held != nil && b.Phase == acquiring:
		b.Holding, b.Renewed = *news.Held, news.At
		b.checkLease(work)
		b.unwritten = true
		b.feeders.Go(func() { b.watch.Deliveries(work, b.deliveries) })
		b.heartbeatDue = b.Clock.After(world.HeartbeatEvery)
		b.greetBy = b.Clock.After(greetWithin)
		b.greet()
		b.check(work)
	case news.Held != nil && news.Held.ID != b.Holding.ID:
		b.leaseAnew(work, news)
	default: // renewed
		b.Renewed, b.unwritten = news.At, true
		b.beginIfHeard(work)
	}
}

// checkLease acts on the lease's age, by the Clock's elapsed time, and looks
// again when the next limit would be reached.
func (b *boot) checkLease(work context.Context) {
	if b.Released || b.leaseLost {
		b.leaseDue = nil
		return
	}
	now := b.Clock.Now()
	age := now.Sub(b.Renewed)
	if wait := b.graceUntil.Sub(now); wait > 0 {
		b.leaseDue = b.Clock.After(max(wait, staleAfter-age))
		return
	}
	next := staleAfter
	if age >= staleAfter {
		next = killAfter
		if b.stop == nil && b.running() {
			b.Log.Error("lease was not renewed, saving and stopping", "world", b.World, "boot", b.Holding.Epoch, "age", age)
			b.beginStop(work, stopRequest{Why: world.StopLease})
		}
	}
	if age >= killAfter {
		next = age + killAgain
		if b.running() && !b.stop.Killed {
			b.Log.Error("lease is about to expire, killing the game", "world", b.World, "boot", b.Holding.Epoch, "age", age)
			b.kill(work)
		}
	}
	b.leaseDue = b.Clock.After(next - age)
}

// leaseAnew: the lease ran out while no process of the agent lived, and was
// acquired again. If nobody had it in between, the game that runs is the only
// one there was, and goes on under the new epoch.
func (b *boot) leaseAnew(work context.Context, news lease.News) {
	alone := news.Held.Epoch == b.Holding.Epoch+1
	b.Log.Warn("lease ran out and was acquired anew", "world", b.World, "boot", news.Held.Epoch, "alone", alone)
	if !alone {
		b.loseLease(work)
		return
	}
	b.Holding, b.Renewed, b.Seq, b.unwritten = *news.Held, news.At, 0, true
	b.Greeted, b.Heard, b.heard, b.continues = false, false, nil, true
	b.greet()
	b.beginIfHeard(work)
}

// mayHaveLost: the lease is held, by another or by a call of this agent whose
// reply was lost. Nobody else starts a game while this machine is there, so the
// world is saved before the game ends.
func (b *boot) mayHaveLost(work context.Context) {
	b.leaseDue, b.graceUntil = nil, time.Time{}
	b.Log.Error("lease ran out, and who has it now is not known: saving and stopping", "world", b.World, "boot", b.Holding.Epoch)
	if b.stop == nil && (b.running() || b.Phase == checking) {
		b.beginStop(work, stopRequest{Why: world.StopLease})
	}
}

// loseLease: another may write to the world from now on.
func (b *boot) loseLease(work context.Context) {
	b.leaseLost, b.leaseDue = true, nil
	b.Log.Error("lease was taken by another", "world", b.World, "boot", b.Holding.Epoch)
	if !b.running() {
		if b.stop == nil && b.Phase == checking { // or a game would be made
			b.beginStop(work, stopRequest{Why: world.StopLease})
		}
		return
	}
	if b.stop == nil {
		b.beginStop(work, stopRequest{Why: world.StopLease, ByForce: true})
		return
	}
	b.kill(work)
}
