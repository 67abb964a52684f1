package compute_test

import (
	"slices"
	"testing"
	"time"

	"hearth/internal/azure/compute"
	"hearth/internal/sim/simcloud"
	"hearth/internal/sim/simcloud/wire"
	"hearth/internal/world"
	"hearth/internal/world/worldtest"
)

// Azure Resource Manager is the pretend cloud's, over TLS.
func TestCompute(t *testing.T) {
	for name, accepted := range map[string]bool{"200": false, "202": true} {
		t.Run(name, func(t *testing.T) {
			worldtest.Compute(t, func(t *testing.T) worldtest.ComputeUnderTest {
				r := newRig(t, wire.ARMOptions{Accepted: accepted})
				return underTest(r, r.Compute, func(t *testing.T) world.Compute { return r.open(t) })
			})
		})
	}
}

func underTest(r *rig, c world.Compute, reopen func(t *testing.T) world.Compute) worldtest.ComputeUnderTest {
	return worldtest.ComputeUnderTest{
		Compute: c, Placement: midgard, Missing: utgard, Reopen: reopen,
		Wait:     func(_ *testing.T, d time.Duration) { r.clock.Advance(d) },
		Vanish:   func(t *testing.T, id string) { must(t, r.cloud.Vanish(id)) },
		Refuse:   func(t *testing.T, code string, async bool) { must(t, r.cloud.FailNext(midgard.ID, code, async)) },
		FailCall: func(*testing.T) { r.cloud.FailCalls(1) },
	}
}

// A console's blob is just as long as what is written, or longer.
func TestConsole(t *testing.T) {
	for name, pages := range map[string]int{"append blob": 0, "page blob": 1 << 20, "small page blob": 4096} {
		t.Run(name, func(t *testing.T) {
			worldtest.Console(t, func(t *testing.T) worldtest.ConsoleUnderTest {
				r := newRig(t, wire.ARMOptions{ConsolePages: pages})
				return consoleUnderTest(t, r.cloud, r.Compute, func(*testing.T) {
					r.arm.Fail(wire.Failure{Status: 500, Body: `{"error":{"code":"InternalServerError","message":"no"}}`})
				})
			})
		})
	}
}

func consoleUnderTest(t *testing.T, cloud *simcloud.Cloud, c world.Console, fail func(t *testing.T)) worldtest.ConsoleUnderTest {
	t.Helper()
	for _, p := range []world.Placement{midgard, asgard} {
		_, err := cloud.Scale(t.Context(), p, 1)
		must(t, err)
	}
	vms := cloud.Snapshot().VMs
	return worldtest.ConsoleUnderTest{
		Console: c, Machine: vms[0].ID, Other: vms[1].ID, Missing: "vmss-utgard_00000000", FailCall: fail,
		Write: func(t *testing.T, machine string, text []byte) {
			vm, _ := cloud.VM(machine)
			_, err := vm.Write(text)
			must(t, err)
		},
	}
}

func kinds() []world.LeftoverKind {
	return []world.LeftoverKind{world.LeftoverMachine, world.LeftoverNIC, world.LeftoverAddress, world.LeftoverDisk}
}

func TestEstate(t *testing.T) {
	for name, size := range map[string]int{"one page": 0, "small pages": 7} {
		t.Run(name, func(t *testing.T) {
			worldtest.Estate(t, func(t *testing.T) worldtest.EstateUnderTest {
				r := newRigOf(t, wire.ARMOptions{PageSize: size}, midgard)
				return estateUnderTest(r, r.Compute, kinds())
			})
		})
	}
}

func estateUnderTest(r *rig, c *compute.Compute, kinds []world.LeftoverKind) worldtest.EstateUnderTest {
	return worldtest.EstateUnderTest{
		Estate: c, Compute: c, Placement: midgard, Kinds: kinds,
		Belongings: func(_ *testing.T, id string) []world.Leftover {
			return slices.DeleteFunc((simcloud.VMView{ID: id}).Belongings(), func(l world.Leftover) bool { return !slices.Contains(kinds, l.Kind) })
		},
		Leave:  func(t *testing.T, l world.Leftover) { must(t, r.cloud.Leave(l.Kind, l.Name)) },
		Attach: func(t *testing.T, l world.Leftover, on bool) { must(t, r.cloud.Attach(l.Kind, l.Name, on)) },
		Wait:   func(_ *testing.T, d time.Duration) { r.clock.Advance(d) },
		Vanish: func(t *testing.T, id string) { must(t, r.cloud.Vanish(id)) },
		FailCall: func(*testing.T) {
			r.arm.Fail(wire.Failure{Status: 500, Body: `{"error":{"code":"InternalServerError","message":"no"}}`})
		},
		LoseReply: func(t *testing.T, l world.Leftover) error {
			r.lose.Store(true)
			return c.Remove(t.Context(), l)
		},
	}
}
