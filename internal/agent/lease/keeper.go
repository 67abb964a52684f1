// Package lease keeps a world's lease for an agent: who holds it is the only
// one whose game may write to the world.
package lease

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"hearth/internal/agent/backoff"
	"hearth/internal/world"
)

const (
	renewEvery   = 10 * time.Second
	renewAgain   = 2 * time.Second // after a failed renewal
	acquireAgain = 2 * time.Second // while another holds it
	callTimeout  = 5 * time.Second // of one call, on the system's clock
)

// News is what a Keeper has to say.
type News struct {
	Held *world.Holding // acquired just now
	At   time.Time      // when the successful call was begun: the lease lasts from then at least
	Lost bool           // taken by another: the Keeper has ended
	// Unsure: it is held, and who holds it may be this agent: a reply was lost.
	// The Keeper has ended.
	Unsure bool
}

// Keeper keeps one world's lease.
type Keeper struct {
	before *world.Holding // what an earlier process of the agent held

	world  string
	leases world.Lease
	clock  world.Clock
	log    *slog.Logger

	news  chan News
	once  func()        // closes letGo
	letGo chan struct{} // the lease is not needed any more
	gone  chan struct{} // Run has ended
}

// New makes a Keeper, which does nothing before Run.
func New(worldID string, leases world.Lease, clock world.Clock, log *slog.Logger) *Keeper {
	k := &Keeper{
		world: worldID, leases: leases, clock: clock, log: log,
		news: make(chan News), letGo: make(chan struct{}), gone: make(chan struct{}),
	}
	k.once = sync.OnceFunc(func() { close(k.letGo) })
	return k
}

// Resume takes over, before Run, what an earlier process of the agent held. If
// it is still held, the first News says so. If it expired meanwhile, it is
// acquired anew, and the first News has another Holding: with the next epoch if
// nobody else held it in between. If another holds it, it is lost.
func (k *Keeper) Resume(h world.Holding) { k.before = &h }

// News must be read until LetGo, or until it says that the lease is lost.
func (k *Keeper) News() <-chan News { return k.news }

// LetGo says that the lease is not needed any more: it is released, or no
// longer asked for. It does not wait for that, and twice does no harm.
func (k *Keeper) LetGo() { k.once() }

// Done is closed when Run has ended.
func (k *Keeper) Done() <-chan struct{} { return k.gone }

// Run acquires the lease, renews it, and releases it when it is let go. It
// ends then, when the lease is lost, and with ctx, which releases nothing.
func (k *Keeper) Run(ctx context.Context) {
	defer close(k.gone)
	acquire := k.acquire
	if k.before != nil {
		acquire = k.resume
	}
	h, ok := acquire(ctx)
	if !ok {
		return
	}
	wait := renewEvery
	failing := false
	for {
		select {
		case <-k.letGo:
			k.release(ctx, h)
			return
		case <-ctx.Done():
			return
		case <-k.clock.After(wait):
		}
		at := k.clock.Now()
		err := k.renew(ctx, h)
		switch {
		case err == nil:
			wait, failing = renewEvery, false
			k.tell(ctx, News{At: at})
		case errors.Is(err, world.ErrLeaseLost):
			k.tell(ctx, News{Lost: true})
			return
		case ctx.Err() != nil:
			return
		default:
			if !failing {
				k.log.Warn("lease could not be renewed, trying again", "world", k.world, "boot", h.Epoch, "error", err)
			}
			wait, failing = renewAgain, true
		}
	}
}

// acquire tries until the lease is held; false when ctx ended or the lease is
// no longer wanted. An attempt is never cut short by letGo: it may have
// succeeded, and a lease nobody knows of keeps others waiting for a minute.
func (k *Keeper) acquire(ctx context.Context) (world.Holding, bool) {
	wait := backoff.New(time.Second, 10*time.Second, k.world, "lease")
	held := false
	for {
		at := k.clock.Now()
		h, err := k.tryAcquire(ctx)
		if err == nil {
			select {
			case <-k.letGo:
				k.release(ctx, h)
				return h, false
			case k.news <- News{Held: &h, At: at}:
				return h, true
			case <-ctx.Done():
				return h, false
			}
		}
		pause := acquireAgain
		if errors.Is(err, world.ErrLeaseHeld) {
			if !held {
				k.log.Info("lease is held by another, waiting", "world", k.world)
			}
			held = true
		} else {
			if wait.Tries() == 0 && ctx.Err() == nil {
				k.log.Warn("lease could not be acquired, trying again", "world", k.world, "error", err)
			}
			pause = wait.Next()
		}
		select {
		case <-k.clock.After(pause):
		case <-k.letGo:
			return world.Holding{}, false
		case <-ctx.Done():
			return world.Holding{}, false
		}
	}
}

// resume finds out what became of a lease that was held before; false when it
// is another's, or not wanted any more.
func (k *Keeper) resume(ctx context.Context) (world.Holding, bool) {
	h := *k.before
	failing, unsure := false, false
	for {
		select {
		case <-k.letGo: // it need not be had to be given back
			k.release(ctx, h)
			return h, false
		default:
		}
		at := k.clock.Now()
		err := k.renew(ctx, h)
		if errors.Is(err, world.ErrLeaseLost) {
			h, err = k.tryAcquire(ctx)
			if errors.Is(err, world.ErrLeaseHeld) {
				k.tell(ctx, News{Lost: !unsure, Unsure: unsure})
				return h, false
			}
			if err != nil {
				h, unsure = *k.before, true
			}
		}
		if err == nil {
			k.tell(ctx, News{Held: &h, At: at})
			return h, ctx.Err() == nil
		}
		if !failing && ctx.Err() == nil {
			k.log.Warn("lease could not be renewed after a restart, trying again", "world", k.world, "boot", h.Epoch, "error", err)
		}
		failing = true
		select {
		case <-k.clock.After(renewAgain):
		case <-k.letGo:
		case <-ctx.Done():
			return h, false
		}
	}
}

func (k *Keeper) tryAcquire(ctx context.Context) (world.Holding, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	return k.leases.Acquire(ctx, k.world)
}

func (k *Keeper) renew(ctx context.Context, h world.Holding) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	return k.leases.Renew(ctx, h)
}

// release tries five times; what is not released expires by itself.
func (k *Keeper) release(ctx context.Context, h world.Holding) {
	for range 5 {
		err := k.tryRelease(ctx, h)
		if err == nil || ctx.Err() != nil {
			return
		}
		k.log.Warn("lease could not be released", "world", k.world, "boot", h.Epoch, "error", err)
		if !backoff.Pause(ctx, k.clock, renewAgain) {
			return
		}
	}
}

func (k *Keeper) tryRelease(ctx context.Context, h world.Holding) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	return k.leases.Release(ctx, h)
}

// tell hands news on, unless the lease was let go.
func (k *Keeper) tell(ctx context.Context, news News) {
	select {
	case k.news <- news:
	case <-k.letGo:
	case <-ctx.Done():
	}
}
