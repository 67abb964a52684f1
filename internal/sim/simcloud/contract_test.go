package simcloud_test

import (
	"path/filepath"
	"testing"
	"time"

	"hearth/internal/sim/simcloud"
	"hearth/internal/world"
	"hearth/internal/world/worldtest"
)

func TestCompute(t *testing.T) {
	for name, jitter := range map[string]float64{"steady": 0, "jittery": 0.9} {
		t.Run(name, func(t *testing.T) {
			worldtest.Compute(t, func(t *testing.T) worldtest.ComputeUnderTest {
				return underTest(t, jitter)
			})
		})
	}
}

func TestMetadata(t *testing.T) {
	worldtest.Metadata(t, func(t *testing.T) worldtest.MetadataUnderTest {
		clock := worldtest.NewClock()
		c := openCloud(t, simcloud.Options{Clock: clock})
		announce := func(p world.Placement) (*simcloud.VM, func(t *testing.T, kind string, in time.Duration)) {
			_, err := c.Scale(t.Context(), p, 1)
			must(t, err)
			clock.Advance(2 * time.Minute)
			in, err := c.Instances(t.Context(), p)
			must(t, err)
			vm, _ := c.VM(in[0].ID)
			return vm, func(t *testing.T, kind string, in time.Duration) {
				if kind == "Preempt" {
					must(t, c.Preempt(vm.ID, in))
				} else {
					must(t, c.Announce(vm.ID, kind, in))
				}
			}
		}
		vm, own := announce(midgard)
		_, other := announce(west)
		return worldtest.MetadataUnderTest{
			Metadata: vm, Name: vm.ID, Size: "Standard_D2ads_v5", Announce: own, AnnounceOther: other,
			PowerOff: func(t *testing.T) { must(t, c.Vanish(vm.ID)) },
			Wait:     func(_ *testing.T, d time.Duration) { clock.Advance(d) }, Now: clock.Now,
		}
	})
}

func underTest(t *testing.T, jitter float64) worldtest.ComputeUnderTest {
	clock := worldtest.NewClock()
	file := filepath.Join(t.TempDir(), "cloud.json")
	place := world.Placement{ID: "vmss-midgard", Region: "eastus2"}
	open := func() *simcloud.Cloud {
		return openCloud(t, simcloud.Options{
			Clock: clock, File: file, Seed: 7, Timing: simcloud.Timing{Jitter: jitter},
			Placements: []world.Placement{place, {ID: "vmss-midgard-west"}},
		})
	}
	c := open()
	return worldtest.ComputeUnderTest{
		Compute: c, Placement: place, Missing: world.Placement{ID: "vmss-utgard"},
		Reopen: func(t *testing.T) world.Compute {
			closeCloud(t, c)
			c = open()
			return c
		},
		Wait:   func(_ *testing.T, d time.Duration) { clock.Advance(d) },
		Vanish: func(t *testing.T, id string) { must(t, c.Vanish(id)) },
		Refuse: func(t *testing.T, code string, async bool) { must(t, c.FailNext(place.ID, code, async)) },
		FailCall: func(*testing.T) {
			c.FailCalls(1)
		},
	}
}
