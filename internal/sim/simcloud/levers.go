package simcloud

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// errClosed refuses levers after Close.
var errClosed = errors.New("the pretend cloud is closed")

// NoCapacity says whether a placement has no machines to give: a Scale that
// would create one is refused at once with SkuNotAvailable.
func (c *Cloud) NoCapacity(placement string, on bool) error {
	return c.pull("set capacity", placement, func(s *scaleSet) { s.NoCapacity = on })
}

// Quota says whether a placement's quota is used up: a Scale that would create
// a machine is refused at once with OperationNotAllowed.
func (c *Cloud) Quota(placement string, on bool) error {
	return c.pull("set quota", placement, func(s *scaleSet) { s.NoQuota = on })
}

// FailNext makes the placement's next Scale fail with code: at once, or when
// async, half-way through its operation, which Poll tells. Codes of a lack of
// capacity or quota wait for a Scale that would create a machine. Several are
// used up in order. A code that the cloud does not know is an error.
func (c *Cloud) FailNext(placement, code string, async bool) error {
	if !slices.Contains(failCodes(), code) {
		return fmt.Errorf("fail next operation of %s: unknown code %q: use one of %s", placement, code, strings.Join(failCodes(), ", "))
	}
	return c.pull("fail next operation", placement, func(s *scaleSet) {
		s.FailNext = append(slices.Clone(s.FailNext), failure{Code: code, Async: async})
	})
}

// FailNoMore takes back what FailNext asked for and no Scale has met yet.
func (c *Cloud) FailNoMore(placement string) error {
	return c.pull("fail no operation", placement, func(s *scaleSet) { s.FailNext = nil })
}

// FailCalls makes the next n calls of Scale, Poll, Instances, ReadConsole, Survey, Remove and Evict fail
// with a transient error, whatever they ask, and change nothing. 0 or less ends it;
// after Close it does nothing.
func (c *Cloud) FailCalls(n int) {
	c.enter()
	defer c.leave()
	if c.closed {
		return
	}
	c.st.FailCalls = max(0, n)
	c.changed = true
}

func (c *Cloud) pull(verb, placement string, do func(*scaleSet)) error {
	c.enter()
	defer c.leave()
	s := c.st.set(placement)
	switch {
	case c.closed:
		return fmt.Errorf("%s of %s: %w", verb, placement, errClosed)
	case s == nil:
		return fmt.Errorf("%s of %s: no such placement: Snapshot lists those there are", verb, placement)
	}
	do(s)
	c.changed = true
	return nil
}

// Vanish makes a machine be gone at once, with no notice, as when its hardware
// fails. Capacity stays 1.
func (c *Cloud) Vanish(vmID string) error {
	return c.touch("let vanish", vmID, func(now time.Time, s *scaleSet) error {
		c.remove(s, now, "vanished")
		return nil
	})
}

// Freeze makes a machine that boots or runs hang for good, with no notice: it stays in the list
// and is paid for, but nothing runs on it. It ends with the machine, or with a
// new New on the File, which is like a power cut.
func (c *Cloud) Freeze(vmID string) error {
	return c.touch("freeze", vmID, func(_ time.Time, s *scaleSet) error {
		if s.VM.State != VMBooting && s.VM.State != VMRunning {
			return fmt.Errorf("it is %s: only what boots or runs can hang", s.VM.State)
		}
		s.VM.Frozen = true
		c.powerOff(s.VM.ID, ErrFrozen)
		return nil
	})
}

// Capacity is what a placement was last asked to hold, 0 or 1; the machines it
// has are another matter. An unknown placement is an error.
func (c *Cloud) Capacity(placement string) (int, error) {
	c.enter()
	defer c.leave()
	s := c.st.set(placement)
	if s == nil {
		return 0, fmt.Errorf("read capacity of %s: no such placement: Snapshot lists those there are", placement)
	}
	return s.Capacity, nil
}

func (c *Cloud) touch(verb, vmID string, do func(now time.Time, s *scaleSet) error) error {
	now := c.enter()
	defer c.leave()
	s := c.st.setOf(vmID)
	switch {
	case c.closed:
		return fmt.Errorf("%s %s: %w", verb, vmID, errClosed)
	case s == nil:
		return fmt.Errorf("%s %s: no such machine: Snapshot lists those there are", verb, vmID)
	}
	if err := do(now, s); err != nil {
		return fmt.Errorf("%s %s: %w", verb, vmID, err)
	}
	c.changed = true
	return nil
}
