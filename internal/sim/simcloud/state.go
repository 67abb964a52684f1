package simcloud

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"hearth/internal/world"
)

// What the cloud takes where Timing says nothing.
const (
	// nothingTime is for an operation that finds nothing to do.
	nothingTime = 2 * time.Second
	// leaveTime is from the start of what was announced until it happens.
	leaveTime = time.Second
	// pauseTime is how long a Freeze that was announced holds the machine, and
	// listedTime how long an event that leaves the machine there is listed
	// after it happened: the usual figures of Azure's "Scheduled Events for
	// Linux VMs".
	pauseTime  = 7 * time.Second
	listedTime = 10 * time.Minute
	// defaultSize is the scale sets' own: the smallest with a local disk
	// that a game fits on.
	defaultSize = "Standard_D2ads_v5"
	// keptOps is how many operations of a set Poll can be asked about.
	keptOps = 32
	// keptGone is how many machines are remembered that there are no more.
	keptGone = 32
)

// state is everything there is, in the form of the file.
type state struct {
	Schema int `json:"schema"`
	// Born tells this cloud's tokens from those of another one.
	Born   string    `json:"born"`
	Saved  time.Time `json:"saved"`
	Serial uint64    `json:"serial"` // one more with everything that is drawn
	// FailCalls is how many calls are still to fail.
	FailCalls int `json:"fail_calls,omitempty"`
	// LeaveBehind is the lever of this name.
	LeaveBehind bool        `json:"leave_behind,omitempty"`
	Sets        []*scaleSet `json:"sets"`                // ascending by ID
	Leftovers   []*leftover `json:"leftovers,omitempty"` // ascending by kind and name
	Gone        []GoneView  `json:"gone,omitempty"`
}

type scaleSet struct {
	ID         string    `json:"id"`
	Region     string    `json:"region,omitempty"`
	Size       string    `json:"size"`
	Capacity   int       `json:"capacity"` // what was asked for
	NoCapacity bool      `json:"no_capacity,omitempty"`
	NoQuota    bool      `json:"no_quota,omitempty"`
	FailNext   []failure `json:"fail_next,omitempty"`
	// BootFails is the lever FailBoots; nil: they do not.
	BootFails *bootFailure `json:"boot_fails,omitempty"`
	Ops       []operation  `json:"ops,omitempty"` // the last is the only one that may be under way
	VM        *machine     `json:"vm,omitempty"`
}

// failure is how an operation is to fail.
type failure struct {
	Code  string `json:"code"`
	Async bool   `json:"async,omitempty"`
}

type operation struct {
	Token    string    `json:"token"`
	Capacity int       `json:"capacity"`
	Size     string    `json:"size,omitempty"` // to be set on the set first
	Begun    time.Time `json:"begun"`
	Started  bool      `json:"started,omitempty"` // its first step was taken; Ends is known
	Ends     time.Time `json:"ends,omitzero"`
	Done     bool      `json:"done,omitempty"`
	Fail     *failure  `json:"fail,omitempty"` // how it ends
}

type machine struct {
	ID      string    `json:"id"`
	Size    string    `json:"size"`
	State   VMState   `json:"state"`
	Since   time.Time `json:"since"`   // of State
	Created time.Time `json:"created"` // when its create began
	Address string    `json:"address"`
	BootAt  time.Time `json:"boot_at,omitzero"` // end of booting
	Frozen  bool      `json:"frozen,omitempty"`
	Paused  time.Time `json:"paused,omitzero"` // until then nothing on it moves
	Disks   int       `json:"disks,omitempty"` // how many empty disks it got after its first
	Notice  *notice   `json:"notice,omitempty"`
}

// on: programs run on it.
func (m *machine) on() bool { return m.State == VMRunning && !m.Frozen }

// underWay is the operation that is not done, or nil.
func (s *scaleSet) underWay() *operation {
	if n := len(s.Ops); n > 0 && !s.Ops[n-1].Done {
		return &s.Ops[n-1]
	}
	return nil
}

// addSets creates the scale sets that are not there yet.
func (st *state) addSets(ps []world.Placement) {
	for _, p := range ps {
		if s := st.set(p.ID); s != nil {
			s.Region = p.Region
			continue
		}
		st.Sets = append(st.Sets, &scaleSet{ID: p.ID, Region: p.Region, Size: cmp.Or(p.Size, defaultSize)})
	}
	slices.SortFunc(st.Sets, func(a, b *scaleSet) int { return cmp.Compare(a.ID, b.ID) })
}

func (st *state) set(id string) *scaleSet {
	for _, s := range st.Sets {
		if s.ID == id {
			return s
		}
	}
	return nil
}

// setOf is the set that has this machine, or nil.
func (st *state) setOf(vm string) *scaleSet {
	for _, s := range st.Sets {
		if s.VM != nil && s.VM.ID == vm {
			return s
		}
	}
	return nil
}

// step is something that happens by itself.
type step struct {
	at time.Time
	do func(at time.Time)
}

// next is the earliest step; of several at one time, the set first in order
// goes first. c.mu is held.
func (c *Cloud) next() (step, bool) {
	var first step
	offer := func(at time.Time, do func(at time.Time)) {
		if first.do == nil || at.Before(first.at) {
			first = step{at, do}
		}
	}
	for _, s := range c.st.Sets {
		if op := s.underWay(); op != nil {
			if op.Started {
				offer(op.Ends, func(at time.Time) { c.finish(s, op, at) })
			} else {
				offer(op.Begun, func(at time.Time) { c.start(s, op, at) })
			}
		}
		if m := s.VM; m != nil {
			if m.Notice != nil {
				offer(m.Notice.GoneAt, func(at time.Time) { c.carryOut(s, at) })
			}
			if !m.Paused.IsZero() {
				offer(m.Paused, func(time.Time) { m.Paused = time.Time{} })
			}
			if m.State == VMBooting && !m.Frozen {
				offer(m.BootAt, func(at time.Time) { c.booted(s, at) })
			}
		}
	}
	for _, l := range c.st.Leftovers {
		if !l.GoneAt.IsZero() {
			offer(l.GoneAt, func(time.Time) { c.drop(l) })
		}
	}
	return first, first.do != nil
}

// advance takes every step that is due. c.mu is held.
func (c *Cloud) advance(now time.Time) {
	for {
		s, ok := c.next()
		if !ok || s.at.After(now) {
			return
		}
		s.do(s.at)
		c.changed = true
	}
}

// start is the first step of an operation.
func (c *Cloud) start(s *scaleSet, op *operation, at time.Time) {
	op.Started = true
	if op.Size != "" {
		s.Size = op.Size
	}
	took := nothingTime
	switch {
	case op.Fail != nil:
		took = c.jitter(c.timing.Create) / 2
		if op.Capacity == 1 {
			s.Capacity = 1 // and stays so: see the package's "How it fails"
		}
	case op.Capacity == 0:
		s.Capacity = 0
		if s.VM != nil {
			took = c.jitter(c.timing.Delete)
			c.powerOff(s.VM.ID, ErrPowerOff)
			s.VM.State, s.VM.Since = VMDeleting, at
		}
	case s.Capacity == 0:
		took = c.jitter(c.timing.Create)
		s.Capacity = 1
		s.VM = c.newMachine(s, at)
	}
	op.Ends = at.Add(took)
}

// finish is the last step of an operation.
func (c *Cloud) finish(s *scaleSet, op *operation, at time.Time) {
	op.Done = true
	if op.Fail == nil && s.VM != nil {
		switch s.VM.State {
		case VMCreating:
			s.VM.State, s.VM.Since = VMBooting, at
			s.VM.BootAt = at.Add(c.jitter(c.timing.Boot))
		case VMDeleting:
			c.remove(s, at, "deleted")
		case VMBooting, VMRunning: // it had nothing to do
		}
	}
	if n := len(s.Ops); n > keptOps {
		s.Ops = slices.Delete(s.Ops, 0, n-keptOps)
	}
}

// booted ends a machine's boot.
func (c *Cloud) booted(s *scaleSet, at time.Time) {
	m := s.VM
	whole := c.printBoot(s, at.Sub(m.Since))
	m.State, m.Since, m.BootAt = VMRunning, at, time.Time{}
	if !whole {
		c.log.Info("pretend machine did not boot", "vm", m.ID)
		return
	}
	c.toBoot = append(c.toBoot, m.ID)
	c.log.Info("pretend machine runs", "vm", m.ID)
}

// remove makes a machine be gone. What it had goes with it, unless it was not the
// scale set that let go of it and LeaveBehind is on.
func (c *Cloud) remove(s *scaleSet, at time.Time, why string) {
	c.powerOff(s.VM.ID, ErrPowerOff)
	delete(c.consoles, s.VM.ID)
	if why != "deleted" && c.st.LeaveBehind {
		c.leaveBehind(s.VM.ID, s.Region)
	}
	c.st.Gone = append(c.st.Gone, GoneView{ID: s.VM.ID, Placement: s.ID, Created: s.VM.Created, Gone: at, Why: why})
	if n := len(c.st.Gone); n > keptGone {
		c.st.Gone = slices.Delete(c.st.Gone, 0, n-keptGone)
	}
	c.log.Info("pretend machine gone", "vm", s.VM.ID, "why", why)
	s.VM = nil
}

func (c *Cloud) newMachine(s *scaleSet, at time.Time) *machine {
	used := map[string]bool{}
	for _, o := range c.st.Sets {
		if o.VM != nil {
			used[o.VM.Address] = true
		}
	}
	// MaxPlacements sees to it that one is free.
	host := c.draw().IntN(MaxPlacements)
	for used[address(host)] {
		host = (host + 1) % MaxPlacements
	}
	return &machine{
		ID: c.newName(s.ID), Size: s.Size, State: VMCreating, Since: at, Created: at, Address: address(host),
	}
}

// newName is like those of the real cloud. It differs from all before it, as
// an odd factor makes no two serial numbers of 32 bits alike, and by Born from
// those of an earlier cloud without a file.
func (c *Cloud) newName(set string) string {
	h := fnv.New32a()
	_, _ = h.Write([]byte(c.st.Born)) // a hash never fails
	c.st.Serial++
	return fmt.Sprintf("%s_%08x", set, uint32(c.st.Serial&math.MaxUint32)*0x9e3779b1+h.Sum32())
}

// address is one of TEST-NET-3 (RFC 5737), which nobody can reach by mistake.
func address(host int) string { return fmt.Sprintf("203.0.113.%d", host+1) }

// draw is a source of chance that depends on the seed and on how much was
// drawn before, also in earlier processes.
func (c *Cloud) draw() *rand.Rand {
	c.st.Serial++
	return rand.New(rand.NewPCG(c.seed, c.st.Serial)) //nolint:gosec // a simulation that must repeat itself
}

// jitter makes d take up to Timing.Jitter more or less.
func (c *Cloud) jitter(d time.Duration) time.Duration {
	if c.timing.Jitter == 0 {
		return d
	}
	return time.Duration(float64(d) * (1 + c.timing.Jitter*(2*c.draw().Float64()-1)))
}
