package simstorage

import (
	"context"
	"errors"
	"fmt"
	"time"

	"hearth/internal/world"
)

var _ world.Lease = (*Lease)(nil)

// Lease keeps the worlds' leases.
type Lease struct{ account *Account }

// tenure is a world's lease. Its epoch outlives its holder.
type tenure struct {
	holder string // empty: nobody
	epoch  int64
	until  time.Time
}

// Acquire implements world.Lease.
func (l *Lease) Acquire(ctx context.Context, worldID string) (world.Holding, error) {
	if err := ctx.Err(); err != nil {
		return world.Holding{}, fmt.Errorf("acquire lease of %s: %w", worldID, err)
	}
	if worldID == "" {
		return world.Holding{}, errors.New("acquire lease: the world is empty: name one")
	}
	a := l.account
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.now()
	t := a.leases[worldID]
	if t.held(now) {
		// No lease lasts longer than this unless the clock was set back.
		if end := now.Add(world.LeaseDuration); t.until.After(end) {
			t.until = end
			a.leases[worldID] = t
		}
		return world.Holding{}, fmt.Errorf("acquire lease of %s: %w", worldID, world.ErrLeaseHeld)
	}
	t = tenure{holder: a.name("lease"), epoch: t.epoch + 1, until: now.Add(world.LeaseDuration)}
	a.leases[worldID] = t
	return t.holding(worldID), nil
}

// Renew implements world.Lease. An expired lease is lost even if nobody took
// it.
func (l *Lease) Renew(ctx context.Context, h world.Holding) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("renew lease of %s: %w", h.World, err)
	}
	a := l.account
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.now()
	t := a.leases[h.World]
	if t.holder != h.ID || !t.held(now) {
		return fmt.Errorf("renew lease of %s: epoch %d: %w", h.World, h.Epoch, world.ErrLeaseLost)
	}
	t.until = now.Add(world.LeaseDuration)
	a.leases[h.World] = t
	return nil
}

// Release implements world.Lease.
func (l *Lease) Release(ctx context.Context, h world.Holding) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("release lease of %s: %w", h.World, err)
	}
	l.account.mu.Lock()
	defer l.account.mu.Unlock()
	if t := l.account.leases[h.World]; t.holder == h.ID {
		l.account.leases[h.World] = tenure{epoch: t.epoch}
	}
	return nil
}

// Break ends the world's lease whoever holds it, as anybody with the account's
// key can.
func (l *Lease) Break(worldID string) {
	l.account.mu.Lock()
	defer l.account.mu.Unlock()
	l.account.leases[worldID] = tenure{epoch: l.account.leases[worldID].epoch}
}

// Holder tells who holds the world's lease and until when if it is not
// renewed. held is false if nobody does; then holding has the world and the
// epoch of who held it last, 0 if nobody did.
func (l *Lease) Holder(worldID string) (holding world.Holding, until time.Time, held bool) {
	l.account.mu.Lock()
	defer l.account.mu.Unlock()
	t := l.account.leases[worldID]
	if !t.held(l.account.now()) {
		return world.Holding{World: worldID, Epoch: t.epoch}, time.Time{}, false
	}
	return t.holding(worldID), t.until, true
}

func (t tenure) held(now time.Time) bool { return t.holder != "" && now.Before(t.until) }

func (t tenure) holding(worldID string) world.Holding {
	return world.Holding{World: worldID, ID: t.holder, Epoch: t.epoch}
}
