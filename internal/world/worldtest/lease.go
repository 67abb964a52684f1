package worldtest

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"hearth/internal/world"
)

// LeaseOpener returns leases that nobody holds and nobody else uses. Their
// times are clock's, unless the service behind them has a clock of its own.
type LeaseOpener func(t *testing.T, clock world.Clock) world.Lease

// Lease checks that the leases open returns do what world.Lease promises.
func Lease(t *testing.T, open LeaseOpener, opts ...Option) {
	t.Helper()
	o := optionsOf(opts)
	cases := []leaseCase{
		{"held lease is refused to others", leaseHeld},
		{"of acquires at once exactly one wins", leaseRace},
		{"renewed lease stays", leaseRenewed},
		{"expired lease is taken and lost to its holder", leaseTaken},
		{"expired lease is lost or truly held", leaseExpired},
		{"released lease is free", leaseReleased},
		{"epoch rises with every acquire", leaseEpoch},
		{"worlds are apart", leaseWorlds},
		{"canceled context is honored", leaseCanceled},
	}
	if o.jumps() {
		cases = append(cases,
			leaseCase{"clock that jumps forward ends it for good", leaseForward},
			leaseCase{"clock that jumps back gives it to no second holder", leaseBack},
			leaseCase{"clock that jumps back makes none eternal", leaseBackEnds},
			leaseCase{"clock that jumps lowers no epoch", leaseJumpsEpoch})
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			o.atOnce(t)
			s := newStage(o)
			c.run(t, s, open(t, s.clock))
		})
	}
}

type leaseCase struct {
	name string
	run  func(t *testing.T, s stage, l world.Lease)
}

func leaseHeld(t *testing.T, _ stage, l world.Lease) {
	h := acquire(t, l, "midgard")
	if h.World != "midgard" || h.ID == "" || h.Epoch != 1 {
		t.Errorf("Acquire = %+v, want midgard, an id and epoch 1", h)
	}
	if h, err := l.Acquire(t.Context(), "midgard"); !errors.Is(err, world.ErrLeaseHeld) {
		t.Errorf("Acquire of a held lease = %+v, %v; want ErrLeaseHeld", h, err)
	}
	if err := l.Renew(t.Context(), h); err != nil {
		t.Errorf("Renew after the refusal: %v", err)
	}
}

func leaseRace(t *testing.T, _ stage, l world.Lease) {
	var (
		wg   sync.WaitGroup
		wins atomic.Int32
	)
	for range 8 {
		wg.Go(func() {
			_, err := l.Acquire(t.Context(), "midgard")
			switch {
			case err == nil:
				wins.Add(1)
			case !errors.Is(err, world.ErrLeaseHeld):
				t.Errorf("Acquire: %v", err)
			}
		})
	}
	wg.Wait()
	if n := wins.Load(); n != 1 {
		t.Errorf("%d of 8 acquires won, want 1", n)
	}
}

func leaseRenewed(t *testing.T, s stage, l world.Lease) {
	h := acquire(t, l, "midgard")
	renewals := 2
	if !s.moves {
		renewals = 1 // each is a wait of 36 s
	}
	for range renewals {
		s.pass(t, world.LeaseDuration*3/5)
		if err := l.Renew(t.Context(), h); err != nil {
			t.Fatalf("Renew: %v", err)
		}
	}
	s.pass(t, world.LeaseDuration*3/5)
	if h, err := l.Acquire(t.Context(), "midgard"); !errors.Is(err, world.ErrLeaseHeld) {
		t.Errorf("Acquire of a renewed lease = %+v, %v; want ErrLeaseHeld", h, err)
	}
}

func leaseTaken(t *testing.T, s stage, l world.Lease) {
	old := acquire(t, l, "midgard")
	s.pass(t, world.LeaseDuration+slack)
	current := acquire(t, l, "midgard")
	if current.Epoch != old.Epoch+1 || current.ID == old.ID {
		t.Errorf("second Acquire = %+v after %+v, want epoch one higher and another id", current, old)
	}
	if err := l.Renew(t.Context(), old); !errors.Is(err, world.ErrLeaseLost) {
		t.Errorf("Renew of a taken lease = %v, want ErrLeaseLost", err)
	}
	if err := l.Release(t.Context(), old); err != nil {
		t.Errorf("Release of a taken lease = %v, want no error", err)
	}
	if h, err := l.Acquire(t.Context(), "midgard"); !errors.Is(err, world.ErrLeaseHeld) {
		t.Errorf("Acquire after the loser's Release = %+v, %v; want ErrLeaseHeld", h, err)
	}
	if err := l.Renew(t.Context(), current); err != nil {
		t.Errorf("Renew by the holder: %v", err)
	}
}

// An Azure blob lease that expired untouched can still be renewed. Either is
// right, as long as the answer is true.
func leaseExpired(t *testing.T, s stage, l world.Lease) {
	h := acquire(t, l, "midgard")
	s.pass(t, world.LeaseDuration+slack)
	err := l.Renew(t.Context(), h)
	if err != nil && !errors.Is(err, world.ErrLeaseLost) {
		t.Fatalf("Renew = %v, want nil or ErrLeaseLost", err)
	}
	_, taken := l.Acquire(t.Context(), "midgard")
	if err == nil && !errors.Is(taken, world.ErrLeaseHeld) {
		t.Errorf("Renew succeeded, yet Acquire by another = %v, want ErrLeaseHeld", taken)
	}
	if err != nil && taken != nil {
		t.Errorf("Renew said the lease is lost, yet Acquire by another: %v", taken)
	}
}

func leaseReleased(t *testing.T, _ stage, l world.Lease) {
	h := acquire(t, l, "midgard")
	for range 2 { // the second Release is of a lease that is lost already
		if err := l.Release(t.Context(), h); err != nil {
			t.Fatalf("Release: %v", err)
		}
	}
	if err := l.Renew(t.Context(), h); !errors.Is(err, world.ErrLeaseLost) {
		t.Errorf("Renew after Release = %v, want ErrLeaseLost", err)
	}
	acquire(t, l, "midgard")
}

func leaseEpoch(t *testing.T, s stage, l world.Lease) {
	for want := int64(1); want <= 4; want++ {
		h := acquire(t, l, "midgard")
		if h.Epoch != want {
			t.Errorf("epoch = %d, want %d", h.Epoch, want)
		}
		if _, err := l.Acquire(t.Context(), "midgard"); err == nil {
			t.Error("Acquire of a held lease: want an error")
		}
		if want == 2 { // one way or the other
			s.pass(t, world.LeaseDuration+slack)
			continue
		}
		if err := l.Release(t.Context(), h); err != nil {
			t.Fatalf("Release: %v", err)
		}
	}
}

func leaseWorlds(t *testing.T, _ stage, l world.Lease) {
	midgard, asgard := acquire(t, l, "midgard"), acquire(t, l, "asgard")
	if asgard.Epoch != 1 {
		t.Errorf("epoch of the other world = %d, want 1", asgard.Epoch)
	}
	if err := l.Release(t.Context(), asgard); err != nil {
		t.Fatalf("Release: %v", err)
	}
	if err := l.Renew(t.Context(), midgard); err != nil {
		t.Errorf("Renew after the other world's Release: %v", err)
	}
}

func leaseCanceled(t *testing.T, _ stage, l world.Lease) {
	h := acquire(t, l, "midgard")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := l.Acquire(ctx, "asgard"); !errors.Is(err, context.Canceled) {
		t.Errorf("Acquire = %v, want context.Canceled", err)
	}
	if err := l.Renew(ctx, h); !errors.Is(err, context.Canceled) {
		t.Errorf("Renew = %v, want context.Canceled", err)
	}
	if err := l.Release(ctx, h); !errors.Is(err, context.Canceled) {
		t.Errorf("Release = %v, want context.Canceled", err)
	}
}

// jump is how far a clock jumps: further than any lease lasts.
const jump = time.Hour

// Who holds a lease can't know that the clock jumped over its end; the lease
// knows, and stays lost when the clock is set right.
func leaseForward(t *testing.T, s stage, l world.Lease) {
	old := acquire(t, l, "midgard")
	s.clock.Advance(jump)
	current := acquire(t, l, "midgard")
	s.clock.Advance(-jump)
	if err := l.Renew(t.Context(), old); !errors.Is(err, world.ErrLeaseLost) {
		t.Errorf("Renew by the first holder = %v, want ErrLeaseLost", err)
	}
	if h, err := l.Acquire(t.Context(), "midgard"); !errors.Is(err, world.ErrLeaseHeld) {
		t.Errorf("Acquire by a third = %+v, %v; want ErrLeaseHeld", h, err)
	}
	if err := l.Renew(t.Context(), current); err != nil {
		t.Errorf("Renew by the second holder: %v", err)
	}
}

func leaseBack(t *testing.T, s stage, l world.Lease) {
	h := acquire(t, l, "midgard")
	s.clock.Advance(-jump)
	for range 3 {
		if other, err := l.Acquire(t.Context(), "midgard"); !errors.Is(err, world.ErrLeaseHeld) {
			t.Fatalf("Acquire = %+v, %v; want ErrLeaseHeld", other, err)
		}
		if err := l.Renew(t.Context(), h); err != nil {
			t.Fatalf("Renew by the holder: %v", err)
		}
		s.clock.Advance(world.LeaseDuration - slack)
	}
}

// From the first look after the jump a lease lasts no longer than any other.
func leaseBackEnds(t *testing.T, s stage, l world.Lease) {
	h := acquire(t, l, "midgard")
	s.clock.Advance(-jump)
	if err := l.Renew(t.Context(), h); err != nil {
		t.Fatalf("Renew: %v", err)
	}
	s.clock.Advance(world.LeaseDuration + slack)
	acquire(t, l, "midgard") // the first holder renewed once and vanished

	s.clock.Advance(-jump)
	if other, err := l.Acquire(t.Context(), "midgard"); !errors.Is(err, world.ErrLeaseHeld) {
		t.Fatalf("Acquire = %+v, %v; want ErrLeaseHeld", other, err)
	}
	s.clock.Advance(world.LeaseDuration + slack)
	acquire(t, l, "midgard") // the second one vanished without a renewal
}

func leaseJumpsEpoch(t *testing.T, s stage, l world.Lease) {
	for want := int64(1); want <= 6; want++ {
		h := acquire(t, l, "midgard")
		if h.Epoch != want {
			t.Errorf("epoch = %d, want %d", h.Epoch, want)
		}
		if want%2 == 0 {
			s.clock.Advance(jump) // expired
			continue
		}
		if err := l.Release(t.Context(), h); err != nil {
			t.Fatalf("Release: %v", err)
		}
		s.clock.Advance(-2 * jump)
	}
}

func acquire(t *testing.T, l world.Lease, worldID string) world.Holding {
	t.Helper()
	h, err := l.Acquire(t.Context(), worldID)
	if err != nil {
		t.Fatalf("Acquire: %v", err)
	}
	return h
}
