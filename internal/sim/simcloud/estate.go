package simcloud

import (
	"cmp"
	"context"
	"fmt"
	"hash/fnv"
	"slices"
	"time"

	"hearth/internal/world"
)

var _ world.Estate = (*Cloud)(nil)

// MaxLeftovers is how many things that no scale set's machine has fit in a cloud.
const MaxLeftovers = 1000

// leftover is something in the resource group that no scale set's machine has.
type leftover struct {
	Kind   world.LeftoverKind `json:"kind"`
	Name   string             `json:"name"`
	Region string             `json:"region,omitempty"`
	// Attached: a machine of another resource group has it.
	Attached bool `json:"attached,omitempty"`
	// GoneAt is when it is deleted; zero while nobody has asked for it.
	GoneAt time.Time `json:"gone_at,omitzero"`
}

func (l *leftover) is(o world.Leftover) bool { return l.Kind == o.Kind && l.Name == o.Name }

func isKind(k world.LeftoverKind) bool {
	switch k {
	case world.LeftoverMachine, world.LeftoverNIC, world.LeftoverAddress, world.LeftoverDisk:
		return true
	case world.LeftoverSet: // Compute's
	}
	return false
}

// belongings are what comes with a machine, by the names that the cloud gives
// them.
func belongings(vm string) []world.Leftover {
	h := fnv.New32a()
	_, _ = h.Write([]byte(vm)) // a hash never fails
	d := fmt.Sprintf("%08x", h.Sum32())
	return []world.Leftover{
		{Kind: world.LeftoverNIC, Name: "nic-" + d},
		{Kind: world.LeftoverAddress, Name: "ip-" + d},
		{Kind: world.LeftoverDisk, Name: "disk-" + d},
	}
}

// Survey implements world.Estate. Sets are ascending by ID, leftovers by kind
// and name. One that is being deleted is listed until it is gone.
func (c *Cloud) Survey(ctx context.Context) (world.Survey, error) {
	if err := ctx.Err(); err != nil {
		return world.Survey{}, givenUp(err)
	}
	c.enter()
	defer c.leave()
	if err := c.refusal(); err != nil {
		return world.Survey{}, err
	}
	var out world.Survey
	for _, s := range c.st.Sets {
		seen := world.SetSeen{ID: s.ID, Capacity: s.Capacity}
		if s.VM != nil {
			seen.Instances = []world.Instance{s.VM.instance()}
		}
		out.Sets = append(out.Sets, seen)
	}
	for _, l := range c.st.Leftovers {
		if !l.Attached {
			out.Leftovers = append(out.Leftovers, world.Leftover{Kind: l.Kind, Name: l.Name})
		}
	}
	return out, nil
}

// Remove implements world.Estate. A machine takes Timing.Delete to go, what else
// there is two seconds.
func (c *Cloud) Remove(ctx context.Context, l world.Leftover) error {
	if err := ctx.Err(); err != nil {
		return givenUp(err)
	}
	now := c.enter()
	defer c.leave()
	if err := c.refusal(); err != nil {
		return err
	}
	if !isKind(l.Kind) || l.Name == "" {
		return cloudError(codeInvalid, fmt.Sprintf("There is no kind of resource %q, or %q is no name: take both from Survey.", l.Kind, l.Name))
	}
	if owner := c.st.ownerOf(l); owner != "" {
		return cloudError(codeConflict, fmt.Sprintf("409: %s %s is in use by %s.", l.Kind, l.Name, owner))
	}
	found := c.st.leftover(l)
	switch {
	case found == nil || !found.GoneAt.IsZero():
		return nil
	case found.Attached:
		return cloudError(codeConflict, fmt.Sprintf("409: %s %s is attached to a machine.", l.Kind, l.Name))
	}
	takes := nothingTime
	if l.Kind == world.LeftoverMachine {
		takes = c.jitter(c.timing.Delete)
	}
	found.GoneAt = now.Add(takes)
	c.changed = true
	return nil
}

// Evict has a machine of the placement evicted as Azure does on request
// ("Simulate an eviction"): it gets a notice of MaxNotice. One that has its
// notice already keeps that. Errors are *world.CloudError.
func (c *Cloud) Evict(ctx context.Context, p world.Placement, vmID string) error {
	if err := ctx.Err(); err != nil {
		return givenUp(err)
	}
	now := c.enter()
	defer c.leave()
	if err := c.refusal(); err != nil {
		return err
	}
	s := c.st.set(p.ID)
	switch {
	case s == nil:
		return noSuchSet(p.ID)
	case s.VM == nil || s.VM.ID != vmID:
		// Not config: it may have gone a moment ago.
		return &world.CloudError{Class: world.ClassTransient, Code: codeNotFound, Message: fmt.Sprintf("The Resource 'Microsoft.Compute/virtualMachines/%s' was not found: list the instances of %s.", vmID, p.ID)}
	case s.VM.State == VMCreating || s.VM.State == VMDeleting:
		return cloudError(codeConflict, fmt.Sprintf("409: %s is %s; another operation is in progress.", vmID, s.VM.State))
	case s.VM.Notice != nil && !s.VM.Notice.Done:
		return nil
	}
	s.VM.Notice = newNotice(c, kindPreempt, now.Add(MaxNotice))
	c.changed = true
	return nil
}

func givenUp(err error) *world.CloudError {
	return &world.CloudError{Class: world.ClassTransient, Code: "Timeout", Message: "The call was given up: " + err.Error() + "."}
}

// ownerOf is the machine that l is or belongs to, of a scale set or of none;
// empty if there is none. A machine of no scale set is nobody's.
func (st *state) ownerOf(l world.Leftover) string {
	for _, s := range st.Sets {
		if m := s.VM; m != nil && (l.Kind == world.LeftoverMachine && l.Name == m.ID || slices.Contains(belongings(m.ID), l)) {
			return m.ID
		}
	}
	for _, o := range st.Leftovers {
		if o.Kind == world.LeftoverMachine && slices.Contains(belongings(o.Name), l) {
			return o.Name
		}
	}
	return ""
}

func (st *state) leftover(l world.Leftover) *leftover {
	for _, o := range st.Leftovers {
		if o.is(l) {
			return o
		}
	}
	return nil
}

// add keeps the leftovers in order.
func (st *state) add(l *leftover) {
	st.Leftovers = append(st.Leftovers, l)
	slices.SortFunc(st.Leftovers, (*leftover).compare)
}

func (l *leftover) compare(o *leftover) int {
	return cmp.Or(cmp.Compare(l.Kind, o.Kind), cmp.Compare(l.Name, o.Name))
}

// drop makes a leftover be gone.
func (c *Cloud) drop(l *leftover) {
	c.st.Leftovers = slices.DeleteFunc(c.st.Leftovers, func(o *leftover) bool { return o == l })
	if l.Kind == world.LeftoverMachine && c.st.LeaveBehind {
		c.leaveBehind(l.Name, l.Region)
	}
	c.log.Info("pretend leftover gone", "kind", l.Kind, "name", l.Name)
}

// leaveBehind keeps what a machine had that is gone, as far as there is room.
func (c *Cloud) leaveBehind(vm, region string) {
	for _, l := range belongings(vm) {
		if len(c.st.Leftovers) < MaxLeftovers && c.st.leftover(l) == nil {
			c.st.add(&leftover{Kind: l.Kind, Name: l.Name, Region: region})
		}
	}
}

// Leave puts something into the resource group that no scale set's machine has.
// A machine has a network interface, an address and a disk of its own. The name
// must be free.
func (c *Cloud) Leave(kind world.LeftoverKind, name string) error {
	l := world.Leftover{Kind: kind, Name: name}
	fail := func(why string) error { return fmt.Errorf("leave %s %q behind: %s", kind, name, why) }
	c.enter()
	defer c.leave()
	switch {
	case c.closed:
		return fmt.Errorf("leave %s %q behind: %w", kind, name, errClosed)
	case !isKind(kind):
		return fail("no such kind: it is a machine, a nic, an address or a disk")
	case name == "":
		return fail("it needs a name")
	case c.st.leftover(l) != nil || c.st.ownerOf(l) != "":
		return fail("there is one of this name")
	case len(c.st.Leftovers) >= MaxLeftovers:
		return fail(fmt.Sprintf("there are %d already", MaxLeftovers))
	}
	c.st.add(&leftover{Kind: kind, Name: name})
	c.changed = true
	return nil
}

// LeaveBehind says whether machines that are evicted, terminated or vanish, and
// those of no scale set that are deleted, leave their network interface, address
// and disk behind, as happens in the real cloud. At first they do not.
func (c *Cloud) LeaveBehind(on bool) {
	c.enter()
	defer c.leave()
	if c.closed {
		return
	}
	c.st.LeaveBehind = on
	c.changed = true
}

// Attach gives a leftover to a machine of another resource group, or takes it
// from there again. A machine belongs to none.
func (c *Cloud) Attach(kind world.LeftoverKind, name string, on bool) error {
	c.enter()
	defer c.leave()
	l := c.st.leftover(world.Leftover{Kind: kind, Name: name})
	switch {
	case c.closed:
		return fmt.Errorf("attach %s %q: %w", kind, name, errClosed)
	case l == nil:
		return fmt.Errorf("attach %s %q: there is no such leftover: Snapshot lists those there are", kind, name)
	case kind == world.LeftoverMachine:
		return fmt.Errorf("attach %s %q: a machine can't be attached", kind, name)
	case !l.GoneAt.IsZero():
		return fmt.Errorf("attach %s %q: it is being deleted", kind, name)
	}
	l.Attached = on
	c.changed = true
	return nil
}
