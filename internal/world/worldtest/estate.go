package worldtest

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"hearth/internal/world"
)

// EstateUnderTest is an implementation of world.Estate and the hands that the
// suite needs on the cloud behind it. Every field is required.
type EstateUnderTest struct {
	Estate world.Estate
	// Compute is on the same resource group.
	Compute world.Compute
	// Placement is the group's one scale set, at capacity 0 with no machine.
	Placement world.Placement
	// Kinds are the kinds of leftovers that the cloud behind it has.
	Kinds []world.LeftoverKind
	// Belongings are what the machine with this id has, of those kinds.
	Belongings func(t *testing.T, id string) []world.Leftover
	// Leave puts something into the group that no scale set's machine has.
	Leave func(t *testing.T, l world.Leftover)
	// Attach gives a leftover to a machine outside of the group, or takes it
	// from there. It is not asked to do so with a machine.
	Attach func(t *testing.T, l world.Leftover, on bool)
	// Wait lets d pass in the cloud.
	Wait func(t *testing.T, d time.Duration)
	// Vanish makes a machine be gone at once.
	Vanish func(t *testing.T, id string)
	// FailCall makes the next call fail for a reason that passes.
	FailCall func(t *testing.T)
	// LoseReply calls Remove so that it is done and its reply lost, and returns
	// what it said.
	LoseReply func(t *testing.T, l world.Leftover) error
}

// Estate runs the contract of world.Estate. open gives a new resource group to
// each case; it cleans up by t.Cleanup.
func Estate(t *testing.T, open func(t *testing.T) EstateUnderTest) {
	t.Helper()
	for _, tc := range []struct {
		name string
		run  func(t *testing.T, u EstateUnderTest)
	}{
		{"what a machine has is no leftover", estateMachine},
		{"capacity without a machine", estateLost},
		{"leftovers go", estateLeftovers},
		{"removed again", estateAgain},
		{"attached meanwhile", estateAttached},
		{"in use", estateInUse},
		{"a machine goes with what it has", estateMachineGoes},
		{"one name, several kinds", estateNames},
		{"unknown kind", estateUnknownKind},
		{"many", estateMany},
		{"passing trouble", estatePassing},
		{"lost reply", estateLostReply},
		{"given up", estateGivenUp},
	} {
		t.Run(tc.name, func(t *testing.T) { tc.run(t, open(t)) })
	}
}

// has tells whether there are leftovers of this kind.
func (u EstateUnderTest) has(k world.LeftoverKind) bool { return slices.Contains(u.Kinds, k) }

// one is a leftover of each kind.
func (u EstateUnderTest) one(name string) (out []world.Leftover) {
	for _, k := range u.Kinds {
		out = append(out, world.Leftover{Kind: k, Name: name + "-" + string(k)})
	}
	return out
}

func estateMachine(t *testing.T, u EstateUnderTest) {
	estateWant(t, u, 0, 0)
	for _, capacity := range []int{1, 0} {
		token, err := u.Compute.Scale(t.Context(), u.Placement, capacity)
		if err != nil {
			t.Fatalf("Scale to %d: %v", capacity, err)
		}
		for second := 0; ; second++ { // while it is made and deleted
			estateWant(t, u)
			done, err := u.Compute.Poll(t.Context(), token)
			if err != nil || second == computePatience {
				t.Fatalf("Poll after %d s: %v, %v", second, done, err)
			}
			if done {
				break
			}
			u.Wait(t, time.Second)
		}
		in, err := u.Compute.Instances(t.Context(), u.Placement)
		if err != nil || len(in) != capacity {
			t.Fatalf("Instances: %v, %v; want %d", in, err, capacity)
		}
		s := estateWant(t, u, capacity, capacity)
		if capacity == 1 && s.Sets[0].Instances[0].ID != in[0].ID {
			t.Errorf("Survey has machine %q; want %q", s.Sets[0].Instances[0].ID, in[0].ID)
		}
	}
	u.Wait(t, time.Hour)
	estateWant(t, u, 0, 0)
}

func estateLost(t *testing.T, u EstateUnderTest) {
	u.Vanish(t, estateUp(t, u))
	s := estateSurvey(t, u)
	if len(s.Sets) != 1 || s.Sets[0].Capacity != 1 || len(s.Sets[0].Instances) != 0 {
		t.Errorf("sets %+v; want one of capacity 1 with no machine", s.Sets)
	}
}

func estateLeftovers(t *testing.T, u EstateUnderTest) {
	id := estateUp(t, u)
	all := u.one("left")
	for _, l := range all {
		u.Leave(t, l)
	}
	estateLeft(t, u, all...)
	for i, l := range all {
		if err := u.Estate.Remove(t.Context(), l); err != nil {
			t.Fatalf("Remove %s: %v", l.Kind, err)
		}
		estateGone(t, u, l)
		estateLeft(t, u, all[i+1:]...)
	}
	if s := estateWant(t, u, 1, 1); s.Sets[0].Instances[0].ID != id {
		t.Errorf("machine %s is now %s", id, s.Sets[0].Instances[0].ID)
	}
}

func estateAgain(t *testing.T, u EstateUnderTest) {
	for _, l := range u.one("left") {
		if err := u.Estate.Remove(t.Context(), l); err != nil {
			t.Errorf("Remove %s that never was: %v; want no error", l.Kind, err)
		}
		u.Leave(t, l)
		for range 3 { // while it goes
			if err := u.Estate.Remove(t.Context(), l); err != nil {
				t.Errorf("Remove %s again: %v; want no error", l.Kind, err)
			}
		}
		estateGone(t, u, l)
		if err := u.Estate.Remove(t.Context(), l); err != nil {
			t.Errorf("Remove %s that is gone: %v; want no error", l.Kind, err)
		}
	}
}

func estateAttached(t *testing.T, u EstateUnderTest) {
	for _, l := range u.one("left") {
		if l.Kind == world.LeftoverMachine {
			continue
		}
		u.Leave(t, l)
		estateLeft(t, u, l)
		u.Attach(t, l, true)
		estateLeft(t, u)
		estateBusy(t, u, l)
		u.Wait(t, time.Hour)
		u.Attach(t, l, false)
		estateLeft(t, u, l) // it stayed
		if err := u.Estate.Remove(t.Context(), l); err != nil {
			t.Errorf("Remove %s that was attached: %v", l.Kind, err)
		}
		estateGone(t, u, l)
	}
}

func estateInUse(t *testing.T, u EstateUnderTest) {
	id := estateUp(t, u)
	has := u.Belongings(t, id)
	if u.has(world.LeftoverMachine) {
		has = append(has, world.Leftover{Kind: world.LeftoverMachine, Name: id})
	}
	for _, l := range has {
		estateBusy(t, u, l)
	}
	u.Wait(t, time.Hour)
	if s := estateWant(t, u, 1, 1); s.Sets[0].Instances[0].ID != id {
		t.Errorf("machine %s is now %s", id, s.Sets[0].Instances[0].ID)
	}
}

func estateMachineGoes(t *testing.T, u EstateUnderTest) {
	if !u.has(world.LeftoverMachine) {
		t.Skip("the cloud behind it has no machines outside of scale sets")
	}
	l := world.Leftover{Kind: world.LeftoverMachine, Name: "by-hand"}
	u.Leave(t, l)
	estateLeft(t, u, l)
	for _, o := range u.Belongings(t, l.Name) {
		estateBusy(t, u, o)
	}
	if err := u.Estate.Remove(t.Context(), l); err != nil {
		t.Fatalf("Remove: %v", err)
	}
	u.Wait(t, time.Hour)
	had := estateSurvey(t, u).Leftovers
	for _, o := range had {
		if !slices.Contains(u.Belongings(t, l.Name), o) {
			t.Errorf("%s %s is left of it", o.Kind, o.Name)
		}
		if err := u.Estate.Remove(t.Context(), o); err != nil {
			t.Errorf("Remove %s %s, which the machine had: %v", o.Kind, o.Name, err)
		}
	}
	u.Wait(t, time.Hour)
	estateWant(t, u, 0, 0)
}

func estateNames(t *testing.T, u EstateUnderTest) {
	if len(u.Kinds) < 2 {
		t.Skip("the cloud behind it has leftovers of one kind")
	}
	a, b := world.Leftover{Kind: u.Kinds[0], Name: "same"}, world.Leftover{Kind: u.Kinds[1], Name: "same"}
	u.Leave(t, a)
	u.Leave(t, b)
	estateLeft(t, u, a, b)
	if err := u.Estate.Remove(t.Context(), a); err != nil {
		t.Fatalf("Remove: %v", err)
	}
	u.Wait(t, time.Hour)
	estateLeft(t, u, b)
}

func estateUnknownKind(t *testing.T, u EstateUnderTest) {
	l := world.Leftover{Kind: u.Kinds[0], Name: "left"}
	u.Leave(t, l)
	for _, odd := range []world.Leftover{{}, {Kind: "bucket", Name: l.Name}, {Kind: l.Kind}, {Name: l.Name}} {
		err := u.Estate.Remove(t.Context(), odd)
		if err == nil {
			t.Errorf("Remove %+v: no error", odd)
			continue
		}
		if ce := computeError(t, err); ce.Class != world.ClassConfig || ce.Code == "" || ce.Message == "" {
			t.Errorf("Remove %+v: class %q, code %q, message %q; want config with both", odd, ce.Class, ce.Code, ce.Message)
		}
	}
	u.Wait(t, time.Hour)
	estateLeft(t, u, l)
}

// estateNumber is more than fits a page of the clouds that have pages in tests.
const estateNumber = 23

func estateMany(t *testing.T, u EstateUnderTest) {
	estateUp(t, u)
	var all []world.Leftover
	for i := range estateNumber {
		for _, l := range u.one(fmt.Sprintf("left-%02d", i)) {
			u.Leave(t, l)
			all = append(all, l)
		}
	}
	estateLeft(t, u, all...)
	last := all[len(all)-1]
	if err := u.Estate.Remove(t.Context(), last); err != nil {
		t.Fatalf("Remove: %v", err)
	}
	estateGone(t, u, last)
	estateLeft(t, u, all[:len(all)-1]...)
}

func estatePassing(t *testing.T, u EstateUnderTest) {
	all := u.one("left")
	for _, l := range all {
		u.Leave(t, l)
	}
	passes := func(call string, err error) {
		t.Helper()
		if ce := computeError(t, err); ce.Class != world.ClassTransient || ce.Code == "" {
			t.Errorf("%s: class %q, code %q; want transient with a code", call, ce.Class, ce.Code)
		}
	}
	u.FailCall(t)
	s, err := u.Estate.Survey(t.Context())
	passes("Survey", err)
	if s.Sets != nil || s.Leftovers != nil {
		t.Errorf("a Survey that failed tells %+v", s) // a part looks like the whole
	}
	for _, l := range all {
		u.FailCall(t)
		passes("Remove", u.Estate.Remove(t.Context(), l))
	}
	u.Wait(t, time.Hour)
	estateLeft(t, u, all...)
}

func estateLostReply(t *testing.T, u EstateUnderTest) {
	for _, l := range u.one("left") {
		u.Leave(t, l)
		if ce := computeError(t, u.LoseReply(t, l)); ce.Class != world.ClassTransient {
			t.Errorf("Remove %s whose reply is lost: class %q; want transient", l.Kind, ce.Class)
		}
		if err := u.Estate.Remove(t.Context(), l); err != nil {
			t.Errorf("Remove %s again: %v; want no error", l.Kind, err)
		}
		estateGone(t, u, l)
	}
}

func estateGivenUp(t *testing.T, u EstateUnderTest) {
	l := world.Leftover{Kind: u.Kinds[0], Name: "left"}
	u.Leave(t, l)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s, err := u.Estate.Survey(ctx)
	if ce := computeError(t, err); ce.Class != world.ClassTransient || s.Sets != nil || s.Leftovers != nil {
		t.Errorf("Survey: %+v, class %q; want nothing, and transient", s, ce.Class)
	}
	if ce := computeError(t, u.Estate.Remove(ctx, l)); ce.Class != world.ClassTransient {
		t.Errorf("Remove: class %q; want transient", ce.Class)
	}
	u.Wait(t, time.Hour)
	estateLeft(t, u, l)
}

func estateSurvey(t *testing.T, u EstateUnderTest) world.Survey {
	t.Helper()
	s, err := u.Estate.Survey(t.Context())
	if err != nil {
		t.Fatalf("Survey: %v", err)
	}
	return s
}

// estateWant checks that there is the one set with this capacity and this many
// machines, whatever they are if none are named, and no leftover.
func estateWant(t *testing.T, u EstateUnderTest, capacityAndMachines ...int) world.Survey {
	t.Helper()
	s := estateSurvey(t, u)
	if len(s.Leftovers) > 0 {
		t.Fatalf("leftovers %v; want none", s.Leftovers)
	}
	if len(s.Sets) != 1 || s.Sets[0].ID != u.Placement.ID {
		t.Fatalf("sets %+v; want %s alone", s.Sets, u.Placement.ID)
	}
	if got := s.Sets[0]; len(capacityAndMachines) == 2 && (got.Capacity != capacityAndMachines[0] || len(got.Instances) != capacityAndMachines[1]) {
		t.Fatalf("set %+v; want capacity %d and %d machines", got, capacityAndMachines[0], capacityAndMachines[1])
	}
	return s
}

// estateLeft checks which leftovers there are, in whatever order.
func estateLeft(t *testing.T, u EstateUnderTest, want ...world.Leftover) {
	t.Helper()
	sorted := func(in []world.Leftover) []world.Leftover {
		return slices.SortedFunc(slices.Values(in), func(a, b world.Leftover) int {
			return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name))
		})
	}
	if got := sorted(estateSurvey(t, u).Leftovers); !slices.Equal(got, sorted(want)) {
		t.Fatalf("leftovers %v; want %v", got, sorted(want))
	}
}

// estateGone waits until a leftover that was removed is listed no more.
func estateGone(t *testing.T, u EstateUnderTest, l world.Leftover) {
	t.Helper()
	for range computePatience {
		if !slices.Contains(estateSurvey(t, u).Leftovers, l) {
			return
		}
		u.Wait(t, time.Second)
	}
	t.Fatalf("%s %s is still there", l.Kind, l.Name)
}

func estateBusy(t *testing.T, u EstateUnderTest, l world.Leftover) {
	t.Helper()
	err := u.Estate.Remove(t.Context(), l)
	if err == nil {
		t.Errorf("Remove %s %s, which is in use: no error", l.Kind, l.Name)
		return
	}
	if ce := computeError(t, err); ce.Class != world.ClassBusy || ce.Code == "" || ce.Message == "" {
		t.Errorf("Remove %s %s, which is in use: class %q, code %q, message %q; want busy with both", l.Kind, l.Name, ce.Class, ce.Code, ce.Message)
	}
}

// estateUp brings the placement to one machine.
func estateUp(t *testing.T, u EstateUnderTest) string {
	t.Helper()
	token, err := u.Compute.Scale(t.Context(), u.Placement, 1)
	if err != nil {
		t.Fatalf("Scale to 1: %v", err)
	}
	for range computePatience {
		done, err := u.Compute.Poll(t.Context(), token)
		if err != nil {
			t.Fatalf("Poll: %v", err)
		}
		if done {
			in, err := u.Compute.Instances(t.Context(), u.Placement)
			if err != nil || len(in) != 1 {
				t.Fatalf("Instances: %v, %v; want one", in, err)
			}
			return in[0].ID
		}
		u.Wait(t, time.Second)
	}
	t.Fatal("no machine came")
	return ""
}
