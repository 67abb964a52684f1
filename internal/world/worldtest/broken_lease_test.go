package worldtest_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"hearth/internal/sim/simstorage"
	"hearth/internal/world"
	"hearth/internal/world/worldtest"
)

// oddLease does what its functions say, and what its Lease does where it has
// none.
type oddLease struct {
	world.Lease
	acquire func(ctx context.Context, worldID string) (world.Holding, error)
	renew   func(ctx context.Context, h world.Holding) error
	release func(ctx context.Context, h world.Holding) error
}

func (l oddLease) Acquire(ctx context.Context, worldID string) (world.Holding, error) {
	if l.acquire == nil {
		return l.Lease.Acquire(ctx, worldID)
	}
	return l.acquire(ctx, worldID)
}

func (l oddLease) Renew(ctx context.Context, h world.Holding) error {
	if l.renew == nil {
		return l.Lease.Renew(ctx, h)
	}
	return l.renew(ctx, h)
}

func (l oddLease) Release(ctx context.Context, h world.Holding) error {
	if l.release == nil {
		return l.Lease.Release(ctx, h)
	}
	return l.release(ctx, h)
}

// onward is a clock that stands while another was set back.
type onward struct {
	world.Clock
	mu     sync.Mutex // guards latest
	latest time.Time
}

func (o *onward) Now() time.Time {
	o.mu.Lock()
	defer o.mu.Unlock()
	if now := o.Clock.Now(); now.After(o.latest) {
		o.latest = now
	}
	return o.latest
}

func brokenLeases() []brokenCopy {
	on := func(name, fails string, change func(world.Clock) world.Clock, spoil func(l *simstorage.Lease, clock world.Clock) oddLease) brokenCopy {
		return brokenCopy{name, fails, func(t *testing.T) {
			worldtest.Lease(t, func(_ *testing.T, clock world.Clock) world.Lease {
				l := simstorage.New(simstorage.Options{Clock: change(clock)}).Lease()
				o := spoil(l, clock)
				o.Lease = l
				return o
			})
		}}
	}
	odd := func(name, fails string, spoil func(l *simstorage.Lease, clock world.Clock) oddLease) brokenCopy {
		return on(name, fails, func(c world.Clock) world.Clock { return c }, spoil)
	}
	asItIs := func(*simstorage.Lease, world.Clock) oddLease { return oddLease{} }
	return []brokenCopy{
		odd(honest, "", asItIs),
		odd("gives it to whoever asks", "held lease is refused to others", func(l *simstorage.Lease, _ world.Clock) oddLease {
			return oddLease{acquire: func(ctx context.Context, worldID string) (world.Holding, error) {
				l.Break(worldID)
				return l.Acquire(ctx, worldID)
			}}
		}),
		odd("gives in when asked again", "of acquires at once exactly one wins", func(l *simstorage.Lease, _ world.Clock) oddLease {
			var refused atomic.Int32
			return oddLease{acquire: func(ctx context.Context, worldID string) (world.Holding, error) {
				h, err := l.Acquire(ctx, worldID)
				if errors.Is(err, world.ErrLeaseHeld) && refused.Add(1) == 2 {
					l.Break(worldID)
					return l.Acquire(ctx, worldID)
				}
				return h, err
			}}
		}),
		odd("renews nothing", "renewed lease stays", func(*simstorage.Lease, world.Clock) oddLease {
			return oddLease{renew: func(context.Context, world.Holding) error { return nil }}
		}),
		odd("tells nobody that it is lost", "expired lease is taken and lost to its holder", func(l *simstorage.Lease, _ world.Clock) oddLease {
			return oddLease{renew: func(ctx context.Context, h world.Holding) error {
				if err := l.Renew(ctx, h); !errors.Is(err, world.ErrLeaseLost) {
					return err
				}
				return nil
			}}
		}),
		odd("says that an expired one is renewed", "expired lease is lost or truly held", func(l *simstorage.Lease, _ world.Clock) oddLease {
			return oddLease{renew: func(ctx context.Context, h world.Holding) error {
				err := l.Renew(ctx, h)
				if _, _, held := l.Holder(h.World); errors.Is(err, world.ErrLeaseLost) && !held {
					return nil
				}
				return err
			}}
		}),
		odd("releases nothing", "released lease is free", func(*simstorage.Lease, world.Clock) oddLease {
			return oddLease{release: func(context.Context, world.Holding) error { return nil }}
		}),
		odd("counts no epochs", "epoch rises with every acquire", func(l *simstorage.Lease, _ world.Clock) oddLease {
			return oddLease{acquire: func(ctx context.Context, worldID string) (world.Holding, error) {
				h, err := l.Acquire(ctx, worldID)
				h.Epoch = min(h.Epoch, 1)
				return h, err
			}}
		}),
		odd("has one lease for all", "worlds are apart", func(l *simstorage.Lease, _ world.Clock) oddLease {
			return oddLease{acquire: func(ctx context.Context, worldID string) (world.Holding, error) {
				h, err := l.Acquire(ctx, "all")
				h.World = worldID
				return h, err
			}, renew: func(ctx context.Context, h world.Holding) error {
				h.World = "all"
				return l.Renew(ctx, h)
			}, release: func(ctx context.Context, h world.Holding) error {
				h.World = "all"
				return l.Release(ctx, h)
			}}
		}),
		odd("hears no cancel", "canceled context is honored", func(l *simstorage.Lease, _ world.Clock) oddLease {
			return oddLease{renew: func(ctx context.Context, h world.Holding) error { return l.Renew(deaf(ctx), h) }}
		}),
		odd("goes by each holder's own end", "clock that jumps forward ends it for good", selfish),
		odd("takes an end too far ahead for an error", "clock that jumps back gives it to no second holder", func(l *simstorage.Lease, clock world.Clock) oddLease {
			return oddLease{acquire: func(ctx context.Context, worldID string) (world.Holding, error) {
				if _, until, held := l.Holder(worldID); held && until.Sub(clock.Now()) > world.LeaseDuration {
					l.Break(worldID)
				}
				return l.Acquire(ctx, worldID)
			}}
		}),
		on("waits until the clock is where it was", "clock that jumps back makes none eternal",
			func(c world.Clock) world.Clock { return &onward{Clock: c} }, asItIs),
		odd("takes an epoch back with the clock", "clock that jumps lowers no epoch", func(l *simstorage.Lease, clock world.Clock) oddLease {
			var (
				mu   sync.Mutex // guards last
				last time.Time
			)
			return oddLease{acquire: func(ctx context.Context, worldID string) (world.Holding, error) {
				mu.Lock()
				defer mu.Unlock()
				h, err := l.Acquire(ctx, worldID)
				if err == nil && clock.Now().Before(last) {
					h.Epoch--
				}
				if err == nil {
					last = clock.Now()
				}
				return h, err
			}}
		}),
	}
}

// selfish renews for whoever once had the lease until a time that is not over
// yet.
func selfish(l *simstorage.Lease, clock world.Clock) oddLease {
	var (
		mu    sync.Mutex // guards until
		until = map[string]time.Time{}
	)
	return oddLease{acquire: func(ctx context.Context, worldID string) (world.Holding, error) {
		mu.Lock()
		defer mu.Unlock()
		h, err := l.Acquire(ctx, worldID)
		until[h.ID] = clock.Now().Add(world.LeaseDuration)
		return h, err
	}, renew: func(ctx context.Context, h world.Holding) error {
		mu.Lock()
		defer mu.Unlock()
		err := l.Renew(ctx, h)
		if errors.Is(err, world.ErrLeaseLost) && clock.Now().Before(until[h.ID]) {
			return nil
		}
		return err
	}}
}
