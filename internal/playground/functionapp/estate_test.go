package functionapp_test

import (
	"context"
	"net/http"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"hearth/internal/clock"
	"hearth/internal/sim/simcloud"
	"hearth/internal/world"
)

// What costs money and is nobody's: the six-hourly timer sees it, the keeper is
// told, and it goes, by the button at once and without it an hour later. What
// another resource group's machine has stays.
func TestEstate(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	// The machine that nobody wants boots for as long as nobody has seen it.
	r := start(t, options{worlds: sized, timing: simcloud.Timing{Boot: time.Minute}, prepare: func(dir string) {
		// A scale set that no world has any more, with its machine.
		c, err := simcloud.New(simcloud.Options{
			Clock: clock.System{}, File: filepath.Join(dir, "cloud.json"), Placements: []world.Placement{{ID: "vmss-old"}},
			Timing: simcloud.Timing{Create: time.Millisecond, Boot: time.Millisecond},
		})
		if err == nil {
			_, err = c.Scale(ctx, world.Placement{ID: "vmss-old"}, 1)
		}
		if err == nil {
			err = c.Close(context.WithoutCancel(ctx))
		}
		if err != nil {
			t.Fatal(err)
		}
	}})
	cloud := r.p.Cloud()
	for kind, name := range map[world.LeftoverKind]string{
		world.LeftoverMachine: "somebodys-vm", world.LeftoverNIC: "nic-old", world.LeftoverAddress: "ip-old", world.LeftoverDisk: "disk-old",
	} {
		r.must(cloud.Leave(kind, name))
	}
	r.must(cloud.Leave(world.LeftoverNIC, "nic-of-others"))
	r.must(cloud.Attach(world.LeftoverNIC, "nic-of-others", true))
	// Somebody scales a set of a world that is out by hand.
	_, err := cloud.Scale(ctx, world.Placement{ID: "vmss-midgard-2"}, 1)
	r.must(err)
	r.until("that is done", func() bool {
		return !slices.ContainsFunc(cloud.Snapshot().Placements, func(p simcloud.PlacementView) bool { return p.Busy })
	})

	r.sweep()
	r.until("the keeper hears of the machine", func() bool { return r.saidInKeepers("has a machine that nobody wants") == 1 })
	for _, name := range []string{"`somebodys-vm`, ", "`nic-old`, ", "`ip-old`, ", "`disk-old`, ", "`vmss-old`, "} {
		r.until("the keeper hears of "+name, func() bool { return r.saidInKeepers(name) == 1 })
	}
	if n := r.saidInKeepers("nic-of-others"); n != 0 {
		t.Errorf("the keeper hears of an interface that a machine has")
	}
	if got := r.deletions(); len(got) != 0 {
		t.Errorf("got deletions %q before anybody agreed", got)
	}
	r.play("Ana: [Remove now]")
	r.until("it is gone", func() bool { return len(r.estate()) == 0 })
	r.play("wait stopped")

	// And without the button: what is still there an hour later goes by itself.
	r.must(cloud.Leave(world.LeftoverAddress, "ip-late"))
	r.sweep()
	r.until("the keeper hears of it", func() bool { return r.saidInKeepers("`ip-late`, ") == 1 })
	r.earlier(func(s *world.State) {
		for i := range s.Leftovers {
			s.Leftovers[i].Since = s.Leftovers[i].Since.Add(-time.Hour)
		}
	})
	r.sweep()
	r.until("it is gone", func() bool { return len(r.estate()) == 0 })

	want := []string{"disks/disk-old", "networkInterfaces/nic-old", "publicIPAddresses/ip-late", "publicIPAddresses/ip-old", "virtualMachines/somebodys-vm"}
	if got := r.deletions(); !slices.Equal(got, want) {
		t.Errorf("got deletions %q, want %q", got, want)
	}
	got := r.patches()
	slices.Sort(got) // whose turn comes first is all the same, and a look may scale to zero once more
	got = slices.Compact(got)
	if want := []string{down2, "old to 0"}; !slices.Equal(got, want) {
		t.Errorf("got updates %q, want %q", got, want)
	}
}

// sweep lets the timer fire.
func (r *rig) sweep() {
	r.t.Helper()
	r.must(r.p.App().Reconcile(r.t.Context()))
}

// estate is what costs money and is not attached to anybody's machine.
func (r *rig) estate() (out []string) {
	r.t.Helper()
	s, err := r.p.Cloud().Survey(r.t.Context())
	r.must(err)
	for _, l := range s.Leftovers {
		out = append(out, string(l.Kind)+" "+l.Name)
	}
	for _, set := range s.Sets {
		if set.Capacity > 0 || len(set.Instances) > 0 {
			out = append(out, "set "+set.ID)
		}
	}
	return out
}

// deletions are what Azure was asked to delete, each once.
func (r *rig) deletions() (out []string) {
	for _, c := range r.p.App().ARM().Calls() {
		if c.Method == http.MethodDelete && c.Status/100 == 2 {
			out = append(out, c.Path)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
