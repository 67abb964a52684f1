package chaos

import (
	"context"
	"errors"
	"time"

	"hearth/internal/sim/simcloud"
	"hearth/internal/world"
)

// compute is a worker's way to the cloud, and to what is left over in it.
type compute struct {
	*caller
}

// Scale implements world.Compute.
func (c compute) Scale(ctx context.Context, p world.Placement, capacity int) (token string, err error) {
	c.s.witness.Performs(c.who, world.Effect{Cloud: &world.CloudDo{Act: world.ActScale, Placement: p.ID, Capacity: capacity}})
	err = c.attempt(ctx, c.s.plan.LostScales, func() error {
		c.s.witness.Scale(p.ID, capacity, c.s.cloud.Snapshot().VMs)
		if token, err = c.s.cloud.Scale(ctx, p, capacity); err == nil {
			c.s.assume(p, token, capacity == 0)
		}
		return err
	})
	if errors.Is(err, errPretended) {
		c.s.witness.ScaleLost(p.ID)
	}
	return token, err
}

// Poll implements world.Compute.
func (c compute) Poll(ctx context.Context, token string) (done bool, err error) {
	err = c.attempt(ctx, 0, func() error {
		if done, err = c.s.cloud.Poll(ctx, token); c.s.assumed("", token) {
			done, err = true, nil
		}
		return err
	})
	return done, err
}

// Instances implements world.Compute.
func (c compute) Instances(ctx context.Context, p world.Placement) (found []world.Instance, err error) {
	err = c.attempt(ctx, 0, func() error {
		found, err = c.s.cloud.Instances(ctx, p)
		if found = c.s.recall(p.ID, found); c.s.assumed(p.ID, "") {
			found = nil
		}
		return err
	})
	if err == nil {
		c.s.witness.Listed(p.ID)
	}
	return found, err
}

// ReadConsole implements world.Console.
func (c compute) ReadConsole(ctx context.Context, machine string) (text []byte, err error) {
	err = c.attempt(ctx, 0, func() error {
		text, err = c.s.cloud.ReadConsole(ctx, machine)
		return err
	})
	return text, err
}

// Survey implements world.Estate.
func (c compute) Survey(ctx context.Context) (found world.Survey, err error) {
	err = c.attempt(ctx, 0, func() error {
		found, err = c.s.cloud.Survey(ctx)
		for i := range found.Sets {
			set := &found.Sets[i]
			if set.Instances = c.s.recall(set.ID, set.Instances); c.s.assumed(set.ID, "") {
				set.Instances = nil
			}
		}
		return err
	})
	return found, err
}

// Remove implements world.Estate.
func (c compute) Remove(ctx context.Context, l world.Leftover) error {
	return c.attempt(ctx, 0, func() error { return c.s.cloud.Remove(ctx, l) })
}

// attempt makes a call to the cloud. It may be throttled or fail, and a scale's
// reply may be lost.
func (c compute) attempt(ctx context.Context, loses float64, do func() error) error {
	c.mayDie()
	if err := c.lane.Sleep(ctx, c.dice.Between(30*time.Millisecond, 400*time.Millisecond)); err != nil {
		return err
	}
	if c.s.fault(CloudRefuses, c.dice, c.s.plan.CloudErrors) {
		return &world.CloudError{Class: world.ClassTransient, Code: "TooManyRequests", Message: "pretended"}
	}
	if err := do(); err != nil {
		return err
	}
	if c.s.fault(ScaleLost, c.dice, loses) {
		return errPretended // as a connection that breaks
	}
	c.mayDie()
	return nil
}

// metadata is a machine's view of the cloud.
type metadata struct {
	vm *simcloud.VM
	*caller
}

// Machine implements world.Metadata.
func (m metadata) Machine(ctx context.Context) (world.Machine, error) {
	if err := m.lane.Sleep(ctx, m.dice.Between(time.Millisecond, 20*time.Millisecond)); err != nil {
		return world.Machine{}, err
	}
	return m.vm.Machine(ctx)
}

// Notices implements world.Metadata.
func (m metadata) Notices(ctx context.Context) ([]world.Notice, error) {
	if err := m.lane.Sleep(ctx, m.dice.Between(time.Millisecond, 20*time.Millisecond)); err != nil {
		return nil, err
	}
	if m.s.o.Bug == NoticeIgnored {
		return nil, nil
	}
	return m.vm.Notices(ctx)
}

// Acknowledge implements world.Metadata.
func (m metadata) Acknowledge(ctx context.Context, id string) error {
	if err := m.lane.Sleep(ctx, m.dice.Between(time.Millisecond, 20*time.Millisecond)); err != nil {
		return err
	}
	return m.vm.Acknowledge(ctx, id)
}
