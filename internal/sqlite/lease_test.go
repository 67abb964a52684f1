package sqlite_test

import (
	"errors"
	"testing"
	"time"

	"hearth/internal/world"
	"hearth/internal/world/worldtest"
)

func TestLeaseExpiresOnTheInstant(t *testing.T) {
	clock := worldtest.NewClock()
	l := open(t, clock).Lease()
	h, err := l.Acquire(t.Context(), "midgard")
	if err != nil {
		t.Fatalf("Acquire: %v", err)
	}
	clock.Advance(world.LeaseDuration - time.Nanosecond)
	if _, err := l.Acquire(t.Context(), "midgard"); !errors.Is(err, world.ErrLeaseHeld) {
		t.Errorf("Acquire before the end = %v, want ErrLeaseHeld", err)
	}
	clock.Advance(time.Nanosecond)
	if err := l.Renew(t.Context(), h); !errors.Is(err, world.ErrLeaseLost) {
		t.Errorf("Renew at the end = %v, want ErrLeaseLost", err)
	}
	if h, err := l.Acquire(t.Context(), "midgard"); err != nil || h.Epoch != 2 {
		t.Errorf("Acquire at the end = %+v, %v; want epoch 2", h, err)
	}
}

func TestLeaseHolder(t *testing.T) {
	clock := worldtest.NewClock()
	l := open(t, clock).Lease()
	nobody := func() {
		t.Helper()
		if h, expires, ok, err := l.Holder(t.Context(), "midgard"); err != nil || ok {
			t.Errorf("Holder = %+v, %s, %t, %v; want nobody", h, expires, ok, err)
		}
	}
	nobody()
	h, err := l.Acquire(t.Context(), "midgard")
	if err != nil {
		t.Fatalf("Acquire: %v", err)
	}
	clock.Advance(20 * time.Second)
	if err := l.Renew(t.Context(), h); err != nil {
		t.Fatalf("Renew: %v", err)
	}
	got, expires, ok, err := l.Holder(t.Context(), "midgard")
	if want := clock.Now().Add(world.LeaseDuration); err != nil || !ok || got != h || !expires.Equal(want) {
		t.Errorf("Holder = %+v, %s, %t, %v; want %+v until %s", got, expires, ok, err, h, want)
	}
	clock.Advance(world.LeaseDuration)
	nobody()

	if h, err = l.Acquire(t.Context(), "midgard"); err != nil {
		t.Fatalf("Acquire: %v", err)
	}
	if err := l.Release(t.Context(), h); err != nil {
		t.Fatalf("Release: %v", err)
	}
	nobody()
}

func TestLeaseNeedsAWorld(t *testing.T) {
	l := open(t, worldtest.NewClock()).Lease()
	if h, err := l.Acquire(t.Context(), ""); err == nil {
		t.Errorf("Acquire for no world = %+v, want an error", h)
	}
	if err := l.Renew(t.Context(), world.Holding{}); !errors.Is(err, world.ErrLeaseLost) {
		t.Errorf("Renew of nothing = %v, want ErrLeaseLost", err)
	}
}
