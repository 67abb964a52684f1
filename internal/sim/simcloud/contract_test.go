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
