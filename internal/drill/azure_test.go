package drill_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"hearth/internal/clock"
	"hearth/internal/drill"
	"hearth/internal/sim/simstorage"
	"hearth/internal/world"
)

// refusing is a cloud that answers an eviction with this, and notes what of.
type refusing struct {
	err error
	of  []string
}

func (r *refusing) Evict(_ context.Context, p world.Placement, vm string) error {
	r.of = append(r.of, p.ID+" "+vm)
	return r.err
}

// What Azure refuses is told with what to do; a world that was never lit has no
// row, and is out.
func TestAzure(t *testing.T) {
	account := simstorage.New(simstorage.Options{Clock: clock.System{}})
	c := world.Config{ID: "midgard", Name: "Midgard", Placements: []world.Placement{{ID: "vmss-a"}}}
	cloud := &refusing{}
	a := &drill.Azure{World: c, Guild: "1", Store: account.Store(), Cloud: cloud, Clock: clock.System{}}
	look, err := a.Look(t.Context())
	if err != nil || look.State.Status != world.Stopped || look.World != "Midgard" || time.Since(look.Now) > time.Minute {
		t.Errorf("got %+v, %v, want a world that is out", look, err)
	}
	for _, tt := range []struct {
		err  error
		want string
	}{
		{nil, ""},
		{&world.CloudError{Class: world.ClassConfig, Code: "AuthorizationFailed", Message: "no"}, "look whether you may do Microsoft.Compute/virtualMachines/simulateEviction/action there, and whether it is a spot machine (AuthorizationFailed: no)"},
		{&world.CloudError{Class: world.ClassBusy, Code: "Conflict", Message: "busy"}, "Azure does not evict vmss-a_1: try again in a minute (Conflict: busy)"},
		{errors.New("anything"), "try again in a minute"},
	} {
		cloud.err, cloud.of = tt.err, nil
		err := a.Evict(t.Context(), burning(0))
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("got %v, want %q", err, tt.want)
		}
		if len(cloud.of) != 1 || cloud.of[0] != "vmss-a vmss-a_1" {
			t.Errorf("got evictions %q, want one of the row's machine", cloud.of)
		}
	}
}
