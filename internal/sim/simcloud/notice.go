package simcloud

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"hearth/internal/world"
)

const (
	// MaxNotice is the longest notice of an eviction; the real cloud promises
	// at most this, and often gives less.
	MaxNotice = 30 * time.Second
	// MaxAhead is how long before any other event the cloud announces it, as
	// it tries to where it foresees that the hardware fails.
	MaxAhead = 7 * 24 * time.Hour
)

// The kinds of events, as "Scheduled Events for Linux VMs" names them.
const (
	kindPreempt   = "Preempt"   // a spot machine is taken
	kindTerminate = "Terminate" // a machine is deleted
	kindReboot    = "Reboot"    // off and on again
	kindRedeploy  = "Redeploy"  // on again on another host, with an empty disk
	kindFreeze    = "Freeze"    // nothing moves for some seconds, and nothing is lost
)

func noticeKinds() []string {
	return []string{kindPreempt, kindTerminate, kindReboot, kindRedeploy, kindFreeze}
}

// notice is a scheduled event of a machine.
type notice struct {
	ID        string    `json:"id"`
	Kind      string    `json:"kind,omitempty"` // empty: a Preempt, as there was no other once
	NotBefore time.Time `json:"not_before"`
	Sudden    bool      `json:"sudden,omitempty"` // started when it was announced
	Acked     bool      `json:"acked,omitempty"`
	Done      bool      `json:"done,omitempty"` // it happened, and is still listed
	// GoneAt is when it happens, and once it is Done, when it leaves the list.
	GoneAt time.Time `json:"gone_at"`
}

func (n *notice) kind() string {
	if n.Kind == "" {
		return kindPreempt
	}
	return n.Kind
}

func (n *notice) started() bool { return n.Sudden || n.Acked || n.Done }

// public is the notice as the metadata tells it.
func (n *notice) public() world.Notice {
	out := world.Notice{ID: n.ID, Kind: n.kind(), NotBefore: n.NotBefore, Started: n.started()}
	if out.Started {
		out.NotBefore = time.Time{}
	}
	return out
}

// Preempt takes a machine back with notice (above 0, at most MaxNotice): a
// Preempt notice appears in its metadata, and the machine is gone after notice,
// or a second after it was acknowledged if that is sooner. Capacity stays 1.
// For an end without notice there is Vanish.
func (c *Cloud) Preempt(vmID string, notice time.Duration) error {
	if notice <= 0 || notice > MaxNotice {
		return fmt.Errorf("preempt %s: a notice of %v cannot be had: choose more than 0 and at most %v, or let it vanish", vmID, notice, MaxNotice)
	}
	return c.announce("preempt", vmID, kindPreempt, notice)
}

// Announce gives notice of any kind, as Preempt does of an eviction: Terminate,
// Reboot, Redeploy or Freeze, which happens in the given time (0 to MaxAhead),
// or a second after it was acknowledged if that is sooner. 0 is a failure of
// the hardware: the event has started when it is first seen, and happens within
// the second.
//
// A machine that is rebooted is switched off and boots again: same name, same
// address. One that is redeployed does so for longer, and has a new disk
// (VM.Disk). Freeze holds a machine for seven seconds; programs in this process
// can't be made to stand still, but what they ask its metadata is answered when
// it is over. These three need a machine that boots or runs; they stay listed
// for ten minutes after.
func (c *Cloud) Announce(vmID, kind string, in time.Duration) error {
	if !slices.Contains(noticeKinds()[1:], kind) {
		return fmt.Errorf("announce to %s: unknown kind %q: use one of %s, or Evict", vmID, kind, strings.Join(noticeKinds()[1:], ", "))
	}
	if in < 0 || in > MaxAhead {
		return fmt.Errorf("announce %s to %s: %v ahead cannot be had: choose 0 to %v", kind, vmID, in, MaxAhead)
	}
	return c.announce("announce "+kind+" to", vmID, kind, in)
}

func (c *Cloud) announce(verb, vmID, kind string, in time.Duration) error {
	return c.touch(verb, vmID, func(now time.Time, s *scaleSet) error {
		m := s.VM
		ends := kind == kindPreempt || kind == kindTerminate
		switch {
		case m.State == VMDeleting:
			return errors.New("it is being deleted already")
		case !ends && m.State != VMBooting && m.State != VMRunning:
			return fmt.Errorf("it is %s: only what boots or runs can be held or restarted", m.State)
		case m.Notice != nil && !m.Notice.Done:
			return errors.New("it has its notice already")
		}
		m.Notice = newNotice(c, kind, now.Add(in))
		if in == 0 {
			m.Notice.Sudden, m.Notice.GoneAt = true, now.Add(leaveTime)
		}
		return nil
	})
}

// newNotice has an id in the real form, a GUID in capitals.
func newNotice(c *Cloud, kind string, at time.Time) *notice {
	r := c.draw()
	a, b := r.Uint64(), r.Uint64()
	id := fmt.Sprintf("%08X-%04X-%04X-%04X-%012X", a>>32, a>>16&0xffff, a&0xffff, b>>48, b&0xffffffffffff)
	return &notice{ID: id, Kind: kind, NotBefore: at, GoneAt: at}
}

// carryOut does what a notice announced, or strikes it off the list after it.
// c.mu is held.
func (c *Cloud) carryOut(s *scaleSet, at time.Time) {
	m, n := s.VM, s.VM.Notice
	if n.Done {
		m.Notice = nil
		return
	}
	switch n.kind() {
	case kindPreempt:
		c.remove(s, at, "evicted")
		return
	case kindTerminate:
		c.remove(s, at, "terminated")
		return
	}
	n.Done, n.GoneAt = true, at.Add(listedTime)
	if m.State != VMBooting && m.State != VMRunning { // it is being deleted meanwhile
		return
	}
	switch n.kind() {
	case kindFreeze:
		m.Paused = at.Add(pauseTime)
	case kindReboot:
		c.restart(m, at, c.jitter(c.timing.Boot))
	case kindRedeploy:
		m.Disks++
		c.restart(m, at, c.jitter(c.timing.Create)+c.jitter(c.timing.Boot))
	}
	c.log.Info("pretend machine had its event", "vm", m.ID, "kind", n.kind())
}

// restart switches a machine off, and on again so that it has booted after
// takes. c.mu is held.
func (c *Cloud) restart(m *machine, at time.Time, takes time.Duration) {
	c.powerOff(m.ID, ErrPowerOff)
	m.State, m.Since, m.BootAt = VMBooting, at, at.Add(takes)
	m.Frozen, m.Paused = false, time.Time{}
}
