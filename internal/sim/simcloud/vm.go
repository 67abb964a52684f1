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
	// Disk numbers its disk, from 1: a Redeploy leaves it with a new and empty
	// one, a Reboot with what it had.
	Disk  int
	cloud *Cloud
}

// VM is a machine that there is, in whatever state, as the programs on it
// would see it; false if there is none of this name.
func (c *Cloud) VM(id string) (*VM, bool) {
	c.enter()
	defer c.leave()
	s := c.st.setOf(id)
	if s == nil {
		return nil, false
	}
	return c.vm(s), true
}

// vm is the set's machine for its programs. c.mu is held.
func (c *Cloud) vm(s *scaleSet) *VM {
	p := world.Placement{ID: s.ID, Size: s.VM.Size, Region: s.Region}
	return &VM{ID: s.VM.ID, Placement: p, Disk: s.VM.Disks + 1, cloud: c}
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

// Notices implements world.Metadata.
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

// Acknowledge implements world.Metadata. What was announced happens a second
// later, or at the notice's NotBefore if that is sooner.
func (v *VM) Acknowledge(ctx context.Context, noticeID string) error {
	if err := v.acknowledge(ctx, noticeID); err != nil {
		return fmt.Errorf("acknowledge notice %s of %s: %w", noticeID, v.ID, err)
	}
	return nil
}

func (v *VM) acknowledge(ctx context.Context, noticeID string) error {
	now, m, err := v.use(ctx)
	if err != nil {
		return err
	}
	defer v.cloud.leave()
	switch n := m.Notice; {
	case n == nil || n.ID != noticeID:
		return errors.New("no such scheduled event: take the id from Notices")
	case v.cloud.closed:
		return ErrShutdown
	case !n.started():
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
	_, m, err := v.use(ctx)
	if err != nil {
		return machine{}, err
	}
	defer v.cloud.leave()
	out := *m
	if m.Notice != nil {
		n := *m.Notice
		out.Notice = &n
	}
	return out, nil
}

// use locks the cloud for a program on the machine, once that does not stand
// still. leave must follow, unless there is an error.
func (v *VM) use(ctx context.Context) (time.Time, *machine, error) {
	for {
		if err := ctx.Err(); err != nil {
			return time.Time{}, nil, err
		}
		now := v.cloud.enter()
		m, err := v.cloud.powered(v.ID)
		if err == nil && !now.Before(m.Paused) {
			return now, m, nil
		}
		var wait time.Duration
		if err == nil {
			wait = m.Paused.Sub(now)
		}
		v.cloud.leave()
		if err != nil {
			return time.Time{}, nil, err
		}
		select {
		case <-v.cloud.clock.After(wait):
		case <-ctx.Done():
		}
	}
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
