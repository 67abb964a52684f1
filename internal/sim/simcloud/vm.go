package simcloud

import (
	"context"
	"errors"
	"fmt"
	"time"

	"hearth/internal/world"
)

var _ world.Metadata = (*VM)(nil)

// VM is a machine as the programs on it see it: the instance metadata. When
// the machine is off, its methods fail with ErrPowerOff or ErrFrozen.
type VM struct {
	ID        string          // its name, such as vmss-midgard_0a1b2c3d
	Placement world.Placement // the scale set it was created in, with the size it has
	cloud     *Cloud
}

// Machine implements world.Metadata. Options.HideAddress leaves the address
// out.
func (v *VM) Machine(ctx context.Context) (world.Machine, error) {
	m, err := v.look(ctx)
	if err != nil {
		return world.Machine{}, fmt.Errorf("read metadata of %s: %w", v.ID, err)
	}
	out := world.Machine{Name: m.ID, Size: m.Size, Address: m.Address}
	if v.cloud.hideAddr {
		out.Address = ""
	}
	return out, nil
}

// Notices implements world.Metadata. NotBefore is zero once the notice was
// acknowledged, as the real one's is empty once the event has started.
func (v *VM) Notices(ctx context.Context) ([]world.Notice, error) {
	m, err := v.look(ctx)
	if err != nil {
		return nil, fmt.Errorf("read scheduled events of %s: %w", v.ID, err)
	}
	if m.Notice == nil {
		return nil, nil
	}
	return []world.Notice{m.Notice.public()}, nil
}

// Acknowledge implements world.Metadata. The machine is gone a second later, or
// at the notice's NotBefore if that is sooner. Repeating it changes nothing; an
// id that names no notice of this machine is an error.
func (v *VM) Acknowledge(ctx context.Context, noticeID string) error {
	if err := v.acknowledge(ctx, noticeID); err != nil {
		return fmt.Errorf("acknowledge notice %s of %s: %w", noticeID, v.ID, err)
	}
	return nil
}

func (v *VM) acknowledge(ctx context.Context, noticeID string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	now := v.cloud.enter()
	defer v.cloud.leave()
	m, err := v.cloud.powered(v.ID)
	if err != nil {
		return err
	}
	switch n := m.Notice; {
	case n == nil || n.ID != noticeID:
		return errors.New("no such scheduled event: take the id from Notices")
	case v.cloud.closed:
		return ErrShutdown
	case !n.Acked:
		n.Acked = true
		if at := now.Add(leaveTime); at.Before(n.GoneAt) {
			n.GoneAt = at
		}
		v.cloud.changed = true
	}
	return nil
}

// look is a copy of the machine, if it is on.
func (v *VM) look(ctx context.Context) (machine, error) {
	if err := ctx.Err(); err != nil {
		return machine{}, err
	}
	v.cloud.enter()
	defer v.cloud.leave()
	m, err := v.cloud.powered(v.ID)
	if err != nil {
		return machine{}, err
	}
	out := *m
	if m.Notice != nil {
		n := *m.Notice
		out.Notice = &n
	}
	return out, nil
}

// powered is a machine on which programs run. c.mu is held.
func (c *Cloud) powered(id string) (*machine, error) {
	s := c.st.setOf(id)
	switch {
	case s == nil || s.VM.State != VMRunning:
		return nil, ErrPowerOff
	case s.VM.Frozen:
		return nil, ErrFrozen
	}
	return s.VM, nil
}

// public is the notice as the metadata tells it.
func (n *notice) public() world.Notice {
	out := world.Notice{ID: n.ID, Kind: "Preempt", NotBefore: n.NotBefore}
	if n.Acked {
		out.NotBefore = time.Time{}
	}
	return out
}
