package compute_test

import (
	"testing"
	"time"

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
