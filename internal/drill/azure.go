package drill

import (
	"context"
	"errors"
	"fmt"

	"hearth/internal/world"
)

// Azure is a world of a deployment.
type Azure struct {
	World world.Config
	Guild string // its id
	Store world.Store
	Cloud interface {
		// Evict has a spot machine of the placement evicted, with notice; the
		// error is a *world.CloudError.
		Evict(ctx context.Context, p world.Placement, vm string) error
	}
	Clock world.Clock
}

var _ Site = (*Azure)(nil)

// Look implements Site.
func (a *Azure) Look(ctx context.Context) (Look, error) {
	row, err := a.Store.Load(ctx, world.Key{Guild: a.Guild, World: a.World.ID})
	if errors.Is(err, world.ErrNotFound) {
		row.State, err = world.NewState(a.World.ID), nil
	}
	if err != nil {
		return Look{}, fmt.Errorf("the row of %s can't be read: %w", a.World.ID, err)
	}
	return Look{Now: a.Clock.Now(), World: a.World.Name, State: row.State}, nil
}

// Evict implements Site.
func (a *Azure) Evict(ctx context.Context, s world.State) error {
	p, ok := a.World.Placement(s.Cloud.Placement)
	if !ok { // the settings have changed since it was rented
		p = world.Placement{ID: s.Cloud.Placement}
	}
	err := a.Cloud.Evict(ctx, p, s.Cloud.VM)
	if err == nil {
		return nil
	}
	next := "try again in a minute"
	if ce, ok := errors.AsType[*world.CloudError](err); ok && ce.Class == world.ClassConfig {
		next = "look whether you may do Microsoft.Compute/virtualMachines/simulateEviction/action there, and whether it is a spot machine"
	}
	return fmt.Errorf("Azure does not evict %s: %s (%w)", s.Cloud.VM, next, err)
}
