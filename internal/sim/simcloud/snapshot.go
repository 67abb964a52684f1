package simcloud

import (
	"slices"
	"time"

	"hearth/internal/world"
)

// VMState is where a machine is in its life; the package comment draws it.
type VMState string

// States of a machine.
const (
	VMCreating VMState = "creating"
	VMBooting  VMState = "booting"
	VMRunning  VMState = "running"
	VMDeleting VMState = "deleting"
)

// Snapshot is the whole cloud at one moment, for display.
type Snapshot struct {
	Now        time.Time       `json:"now"`
	Placements []PlacementView `json:"placements"` // ascending by ID
	VMs        []VMView        `json:"vms"`        // in the order of their placements
	// Leftovers are what no scale set's machine has, ascending by kind and name.
	Leftovers []LeftoverView `json:"leftovers,omitempty"`
	// Gone are the last machines that there were, the latest at the end, at most
	// 32.
	Gone []GoneView `json:"gone,omitempty"`
}

// GoneView is a machine that there is no more.
type GoneView struct {
	ID        string    `json:"id"`
	Placement string    `json:"placement"`
	Created   time.Time `json:"created"` // when its create began
	Gone      time.Time `json:"gone"`
	Why       string    `json:"why"` // deleted, evicted, terminated or vanished
}

// PlacementView is a scale set in a Snapshot.
type PlacementView struct {
	ID       string `json:"id"`
	Region   string `json:"region,omitempty"`
	Size     string `json:"size"`
	Capacity int    `json:"capacity"` // what was asked for, not what is there
	Busy     bool   `json:"busy"`     // an operation is under way
	Toward   int    `json:"toward"`   // the capacity it goes to; Capacity if none is under way
	// Failed is the code that the last operation failed with; empty if it did
	// not, or is under way.
	Failed string `json:"failed,omitempty"`
	// NoCapacity and NoQuota are the levers of these names.
	NoCapacity bool `json:"no_capacity"`
	NoQuota    bool `json:"no_quota"`
	// BootFails is the step at which boots fail; empty: they do not.
	BootFails world.BootStep `json:"boot_fails,omitempty"`
	// FailNext are the codes that the next operations fail with.
	FailNext []string `json:"fail_next,omitempty"`
}

// VMView is a machine in a Snapshot.
type VMView struct {
	ID        string        `json:"id"`
	Placement string        `json:"placement"`
	Size      string        `json:"size"`
	State     VMState       `json:"state"`
	Since     time.Time     `json:"since"`   // of State
	Created   time.Time     `json:"created"` // when its create began
	Address   string        `json:"address,omitempty"`
	Frozen    bool          `json:"frozen"`           // for good
	Paused    bool          `json:"paused,omitempty"` // for some seconds
	Notice    *world.Notice `json:"notice,omitempty"`
}

// Belongings are the network interface, the address and the disk of a machine.
func (v VMView) Belongings() []world.Leftover { return belongings(v.ID) }

// LeftoverView is in a Snapshot what no scale set's machine has.
type LeftoverView struct {
	world.Leftover

	Region   string `json:"region,omitempty"`
	Attached bool   `json:"attached,omitempty"` // to a machine of another resource group
	Removing bool   `json:"removing,omitempty"`
}

// Snapshot shows what there is.
func (c *Cloud) Snapshot() Snapshot {
	out := Snapshot{Now: c.enter()}
	defer c.leave()
	out.Gone = slices.Clone(c.st.Gone)
	for _, s := range c.st.Sets {
		v := PlacementView{
			ID: s.ID, Region: s.Region, Size: s.Size, Capacity: s.Capacity, Toward: s.Capacity,
			NoCapacity: s.NoCapacity, NoQuota: s.NoQuota,
		}
		if s.BootFails != nil {
			v.BootFails = s.BootFails.Step
		}
		if op := s.underWay(); op != nil {
			v.Busy, v.Toward = true, op.Capacity
		} else if n := len(s.Ops); n > 0 && s.Ops[n-1].Fail != nil {
			v.Failed = s.Ops[n-1].Fail.Code
		}
		for _, f := range s.FailNext {
			v.FailNext = append(v.FailNext, f.Code)
		}
		out.Placements = append(out.Placements, v)
		if s.VM != nil {
			out.VMs = append(out.VMs, s.VM.view(s.ID))
		}
	}
	for _, l := range c.st.Leftovers {
		out.Leftovers = append(out.Leftovers, LeftoverView{
			Leftover: world.Leftover{Kind: l.Kind, Name: l.Name}, Region: l.Region, Attached: l.Attached, Removing: !l.GoneAt.IsZero(),
		})
	}
	return out
}

func (m *machine) view(placement string) VMView {
	v := VMView{
		ID: m.ID, Placement: placement, Size: m.Size, State: m.State,
		Since: m.Since, Created: m.Created, Frozen: m.Frozen, Paused: !m.Paused.IsZero(),
	}
	if m.State != VMCreating {
		v.Address = m.Address
	}
	if m.Notice != nil {
		n := m.Notice.public()
		v.Notice = &n
	}
	return v
}

// OperationView is an operation of a placement, for display.
type OperationView struct {
	Placement string
	Capacity  int // what it leads to
	Begun     time.Time
	Ended     time.Time // zero while it is under way
	Failed    string    // the code that it failed with; empty if it did not
}

// Operation shows the operation with this token; false if it is none of the last
// of its placement. Unlike Poll it is no call that FailCalls counts.
func (c *Cloud) Operation(token string) (OperationView, bool) {
	c.enter()
	defer c.leave()
	for _, s := range c.st.Sets {
		for _, op := range s.Ops {
			if op.Token != token {
				continue
			}
			v := OperationView{Placement: s.ID, Capacity: op.Capacity, Begun: op.Begun}
			if op.Done {
				v.Ended = op.Ends
				if op.Fail != nil {
					v.Failed = op.Fail.Code
				}
			}
			return v, true
		}
	}
	return OperationView{}, false
}
