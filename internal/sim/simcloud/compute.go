package simcloud

import (
	"context"
	"fmt"

	"hearth/internal/world"
)

// Scale implements world.Compute. A size in p is set on the scale set for good.
// Errors are *world.CloudError, except that a ctx which is over already begins
// nothing and gives its own error.
func (c *Cloud) Scale(ctx context.Context, p world.Placement, capacity int) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", fmt.Errorf("scale %s: %w", p.ID, err)
	}
	now := c.enter()
	defer c.leave()
	if err := c.refusal(); err != nil {
		return "", err
	}
	if capacity != 0 && capacity != 1 {
		return "", cloudError(codeInvalid, fmt.Sprintf("The value %d of parameter sku.capacity is out of range: ask for 0 or 1.", capacity))
	}
	s := c.st.set(p.ID)
	if s == nil {
		return "", noSuchSet(p.ID)
	}
	if s.underWay() != nil {
		return "", cloudError(codeConflict, fmt.Sprintf("409: another operation on %s is in progress; look again when it has ended.", p.ID))
	}
	op := operation{Capacity: capacity, Size: p.Size, Begun: now}
	creates := capacity == 1 && s.Capacity == 0
	failed, left := s.nextFailure(creates)
	switch {
	case failed != nil && !failed.Async:
		s.FailNext = left
		c.changed = true
		return "", s.failed(failed.Code)
	case creates && s.NoQuota:
		return "", s.failed(codeQuota)
	case creates && s.NoCapacity:
		return "", s.failed(codeNoSku)
	}
	op.Fail = failed
	op.Token = c.newToken()
	// Kept before it is accepted: the token is promised to other processes.
	before := s.FailNext
	s.FailNext = left
	s.Ops = append(s.Ops, op)
	c.changed = true
	if err := c.save(now); err != nil {
		s.FailNext = before
		s.Ops = s.Ops[:len(s.Ops)-1]
		return "", cloudError(codeInternal, err.Error())
	}
	return op.Token, nil
}

// Poll implements world.Compute. A token that no operation has, or none of the
// set's last 32, is an OperationNotFound of class transient: look at the
// instances and scale again.
func (c *Cloud) Poll(ctx context.Context, token string) (bool, error) {
	if err := ctx.Err(); err != nil {
		return false, fmt.Errorf("poll cloud operation: %w", err)
	}
	c.enter()
	defer c.leave()
	if err := c.refusal(); err != nil {
		return false, err
	}
	for _, s := range c.st.Sets {
		for _, op := range s.Ops {
			if op.Token != token {
				continue
			}
			if op.Done && op.Fail != nil {
				return true, s.failed(op.Fail.Code)
			}
			return op.Done, nil
		}
	}
	return true, cloudError(codeNoOperation, "No operation of this cloud has this token: list the instances and scale again.")
}

// Instances implements world.Compute.
func (c *Cloud) Instances(ctx context.Context, p world.Placement) ([]world.Instance, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("list instances of %s: %w", p.ID, err)
	}
	c.enter()
	defer c.leave()
	if err := c.refusal(); err != nil {
		return nil, err
	}
	s := c.st.set(p.ID)
	if s == nil {
		return nil, noSuchSet(p.ID)
	}
	if s.VM == nil {
		return nil, nil
	}
	return []world.Instance{s.VM.instance()}, nil
}

func (m *machine) instance() world.Instance {
	in := world.Instance{ID: m.ID}
	if m.State != VMCreating {
		in.Address = m.Address
	}
	return in
}

// refusal is for calls that fail whatever they ask. c.mu is held.
func (c *Cloud) refusal() error {
	if c.closed {
		return cloudError(codeUnavailable, "The pretend cloud is closed.")
	}
	if c.st.FailCalls == 0 {
		return nil
	}
	c.st.FailCalls--
	c.changed = true
	// In turn, so that callers meet each of them.
	switch c.st.FailCalls % 3 {
	case 0:
		return cloudError(codeInternal, "500: The server encountered an internal error. Please retry the request.")
	case 1:
		return cloudError(codeThrottled, "429: The request was throttled. Please retry later.")
	default:
		return cloudError(codeUnavailable, "503: The service is unavailable. Please retry later.")
	}
}

// nextFailure is the first failure that the set keeps for a Scale like this
// one, and the others. A lack of machines strikes only where one is created.
func (s *scaleSet) nextFailure(creates bool) (*failure, []failure) {
	for i, f := range s.FailNext {
		class, _ := classOf(f.Code)
		if creates || (class != world.ClassCapacity && class != world.ClassQuota) {
			left := append([]failure{}, s.FailNext[:i]...)
			return &f, append(left, s.FailNext[i+1:]...)
		}
	}
	return nil, s.FailNext
}

// newToken is what an operation is resumed by, opaque to its reader.
func (c *Cloud) newToken() string {
	r := c.draw()
	return fmt.Sprintf("simcloud.%s.%d.%016x", c.st.Born, c.st.Serial, r.Uint64())
}
