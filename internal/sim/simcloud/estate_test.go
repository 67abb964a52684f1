package simcloud_test

import (
	"fmt"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"hearth/internal/sim/simcloud"
	"hearth/internal/world"
	"hearth/internal/world/worldtest"
)

func kinds() []world.LeftoverKind {
	return []world.LeftoverKind{world.LeftoverMachine, world.LeftoverNIC, world.LeftoverAddress, world.LeftoverDisk}
}

func TestEstate(t *testing.T) {
	worldtest.Estate(t, func(t *testing.T) worldtest.EstateUnderTest {
		clock := worldtest.NewClock()
		c := openCloud(t, simcloud.Options{Clock: clock, Placements: []world.Placement{midgard}, Timing: simcloud.Timing{Jitter: 0.5}})
		return worldtest.EstateUnderTest{
			Estate: c, Compute: c, Placement: midgard, Kinds: kinds(),
			Belongings: func(_ *testing.T, id string) []world.Leftover { return (simcloud.VMView{ID: id}).Belongings() },
			Leave:      func(t *testing.T, l world.Leftover) { must(t, c.Leave(l.Kind, l.Name)) },
			Attach:     func(t *testing.T, l world.Leftover, on bool) { must(t, c.Attach(l.Kind, l.Name, on)) },
			Wait:       func(_ *testing.T, d time.Duration) { clock.Advance(d) },
			Vanish:     func(t *testing.T, id string) { must(t, c.Vanish(id)) },
			FailCall:   func(*testing.T) { c.FailCalls(1) },
			// No reply is lost within a process: it is thrown away.
			LoseReply: func(t *testing.T, l world.Leftover) error {
				must(t, c.Remove(t.Context(), l))
				return &world.CloudError{Class: world.ClassTransient, Code: "Unreachable", Message: "lost"}
			},
		}
	})
}

// surveyed is what a Survey tells.
func surveyed(t *testing.T, c *simcloud.Cloud) world.Survey {
	t.Helper()
	s, err := c.Survey(t.Context())
	must(t, err)
	return s
}

// What the real cloud now and then leaves of a machine that it lost.
func TestLeaveBehind(t *testing.T) {
	for name, lose := range map[string]func(*simcloud.Cloud, string) error{
		"evicted":    func(c *simcloud.Cloud, id string) error { return c.Preempt(id, time.Second) },
		"terminated": func(c *simcloud.Cloud, id string) error { return c.Announce(id, "Terminate", time.Second) },
		"vanished":   (*simcloud.Cloud).Vanish,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := openCloud(t, simcloud.Options{})
				for _, on := range []bool{false, true} {
					c.LeaveBehind(on)
					vm := up(t, c, midgard)
					must(t, lose(c, vm.ID))
					pass(time.Minute)
					var want []world.Leftover
					if on {
						has := vm.Belongings() // nic, address, disk
						want = []world.Leftover{has[1], has[2], has[0]}
					}
					if d := cmp.Diff(want, surveyed(t, c).Leftovers); d != "" {
						t.Errorf("on %v: leftovers (-want +got):\n%s", on, d)
					}
					scale(t, c, midgard, 0)
				}
				before := len(surveyed(t, c).Leftovers)
				up(t, c, west)
				scale(t, c, west, 0)
				if got := len(surveyed(t, c).Leftovers); got != before {
					t.Errorf("%d leftovers after a scale to 0, %d before", got, before)
				}
			})
		})
	}
}

func TestLeaveAndAttachRefuse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := openCloud(t, simcloud.Options{})
		has := up(t, c, midgard).Belongings()
		must(t, c.Leave(world.LeftoverMachine, "by-hand"))
		must(t, c.Leave(world.LeftoverDisk, "left"))
		must(t, c.Leave(world.LeftoverDisk, "going"))
		must(t, c.Remove(t.Context(), world.Leftover{Kind: world.LeftoverDisk, Name: "going"}))
		for name, err := range map[string]error{
			"no such kind":        c.Leave("bucket", "x"),
			"no name":             c.Leave(world.LeftoverNIC, ""),
			"twice":               c.Leave(world.LeftoverDisk, "left"),
			"a machine's":         c.Leave(has[0].Kind, has[0].Name),
			"attach a machine":    c.Attach(world.LeftoverMachine, "by-hand", true),
			"attach nothing":      c.Attach(world.LeftoverNIC, "left", true),
			"attach what is gone": c.Attach(world.LeftoverDisk, "going", true),
		} {
			if err == nil {
				t.Errorf("%s: no error", name)
			}
		}
		for i := len(c.Snapshot().Leftovers); i < simcloud.MaxLeftovers; i++ {
			must(t, c.Leave(world.LeftoverAddress, fmt.Sprintf("ip-%d", i)))
		}
		if err := c.Leave(world.LeftoverAddress, "one-more"); err == nil {
			t.Error("one too many: no error")
		}
		c.LeaveBehind(true) // there is no room for it
		must(t, c.Vanish(c.Snapshot().VMs[0].ID))
		if n := len(c.Snapshot().Leftovers); n != simcloud.MaxLeftovers {
			t.Errorf("%d leftovers; want %d", n, simcloud.MaxLeftovers)
		}
	})
}

// What is left is left in another process, too, and goes on going.
func TestLeftoversAreKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "cloud.json")
		c := openCloud(t, simcloud.Options{File: file})
		c.LeaveBehind(true)
		for _, k := range kinds() {
			must(t, c.Leave(k, "left"))
		}
		must(t, c.Attach(world.LeftoverNIC, "left", true))
		must(t, c.Remove(t.Context(), world.Leftover{Kind: world.LeftoverMachine, Name: "left"}))
		pass(5 * time.Second)
		before := c.Snapshot().Leftovers
		closeCloud(t, c)
		pass(time.Hour)
		c = openCloud(t, simcloud.Options{File: file})
		if d := cmp.Diff(before, c.Snapshot().Leftovers); d != "" || len(before) != 4 {
			t.Errorf("leftovers (-before +after):\n%s", d)
		}
		pass(15*time.Second - 1)
		if n := len(c.Snapshot().Leftovers); n != 4 {
			t.Errorf("%d leftovers just before the machine is gone; want 4", n)
		}
		pass(1)
		if n := len(c.Snapshot().Leftovers); n != 6 {
			t.Errorf("%d leftovers after it; want 6: the others, and what the machine had", n)
		}
		must(t, c.Vanish(up(t, c, midgard).ID))
		if n := len(c.Snapshot().Leftovers); n != 9 {
			t.Errorf("%d leftovers once a machine has vanished; want 9: the lever was forgotten", n)
		}
	})
}

func TestSimulatedEviction(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := openCloud(t, simcloud.Options{})
		_, err := c.Scale(t.Context(), west, 1)
		must(t, err)
		creating := c.Snapshot().VMs[0].ID
		wantCloudError(t, c.Evict(t.Context(), west, creating), world.ClassBusy, "Conflict")
		vm := up(t, c, midgard)
		wantCloudError(t, c.Evict(t.Context(), world.Placement{ID: "vmss-utgard"}, vm.ID), world.ClassConfig, "ResourceNotFound")
		wantCloudError(t, c.Evict(t.Context(), west, vm.ID), world.ClassTransient, "ResourceNotFound")
		c.FailCalls(1)
		wantCloudError(t, c.Evict(t.Context(), midgard, vm.ID), world.ClassTransient, "InternalServerError")
		if vms := c.Snapshot().VMs; vms[0].Notice != nil || vms[1].Notice != nil {
			t.Fatalf("machines %+v; want none with a notice", vms)
		}
		start := time.Now()
		must(t, c.Evict(t.Context(), midgard, vm.ID))
		pass(10 * time.Second)
		must(t, c.Evict(t.Context(), midgard, vm.ID)) // no second notice
		if n := c.Snapshot().VMs[0].Notice; n == nil || n.Kind != "Preempt" || !n.NotBefore.Equal(start.Add(30*time.Second)) {
			t.Errorf("notice %+v; want a Preempt 30 s after it was asked for", n)
		}
		pass(20*time.Second - 1)
		if count(t, c, midgard) != 1 {
			t.Error("gone too early")
		}
		pass(1)
		if count(t, c, midgard) != 0 {
			t.Error("still there")
		}
	})
}
