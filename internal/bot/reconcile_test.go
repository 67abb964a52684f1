package bot_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"hearth/internal/bot"
	"hearth/internal/world"
)

// blind can't see some placements.
type blind struct {
	world.Compute
	places []string
}

func (b blind) Instances(ctx context.Context, p world.Placement) ([]world.Instance, error) {
	if slices.Contains(b.places, p.ID) {
		return nil, errLost
	}
	return b.Compute.Instances(ctx, p)
}

func (r *rig) reconcile(c world.Compute) *bot.Reconcile {
	return &bot.Reconcile{Worlds: r.worlds, Compute: c, Events: r.events, Key: r.key(world.BotKey), Clock: r.clock, Log: r.logger()}
}

// sweeps lists the sweeps in the queue as "world/placement: machines".
func (r *rig) sweeps() []string {
	r.t.Helper()
	var got []string
	for _, m := range r.events.Messages() {
		e, err := world.Decode(m.Body, r.key)
		if err != nil {
			r.t.Fatal(err)
		}
		if d, ok := e.Data.(*world.Sweep); ok {
			got = append(got, fmt.Sprintf("%s/%s: %d", e.World, d.Placement, len(d.Instances)))
		}
	}
	return got
}

func TestReconcile(t *testing.T) {
	all := []string{"midgard/vmss-a: 0", "midgard/vmss-b: 1", "niflheim/vmss-n: 0"}
	for _, c := range []struct {
		name  string
		blind []string
		want  []string
	}{
		{"every placement", nil, all},
		{"first can't be seen", []string{"vmss-a"}, all[1:]},
		{"last can't be seen", []string{"vmss-n"}, all[:2]},
		{"none can be seen", []string{"vmss-a", "vmss-b", "vmss-n"}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, twoWorlds()...)
			if _, err := r.cloud.Scale(t.Context(), world.Placement{ID: "vmss-b"}, 1); err != nil {
				t.Fatal(err)
			}
			r.clock.Advance(time.Minute)
			err := r.reconcile(blind{r.cloud, c.blind}).Run(t.Context())
			if (err != nil) != (len(c.blind) > 0) {
				t.Errorf("Run = %v with %d places that can't be seen", err, len(c.blind))
			}
			for _, place := range c.blind {
				if !errors.Is(err, errLost) || !strings.Contains(err.Error(), place) {
					t.Errorf("Run = %v, want it to name %s", err, place)
				}
			}
			if got := r.sweeps(); !slices.Equal(got, c.want) {
				t.Errorf("sweeps = %v, want %v", got, c.want)
			}
		})
	}
}

// refusing is a queue that takes nothing.
type refusing struct{ world.Queue }

func (refusing) Send(context.Context, []byte, time.Duration) error { return errLost }

func TestReconcileQueueDown(t *testing.T) {
	r := newRig(t)
	rec := r.reconcile(r.cloud)
	rec.Events = refusing{}
	err := rec.Run(t.Context())
	if !errors.Is(err, errLost) || strings.Count(err.Error(), "enqueue sweep") != 2 {
		t.Errorf("Run = %v, want both placements named", err)
	}
}

// A machine that somebody left behind while the world sleeps is found by the
// backstop, told to the keeper, and deleted by React's decision.
func TestReconcileStrayMachine(t *testing.T) {
	r := newRig(t)
	r.asleep()
	if _, err := r.cloud.Scale(t.Context(), world.Placement{ID: "vmss-b"}, 1); err != nil {
		t.Fatal(err)
	}
	r.clock.Advance(2 * time.Minute)
	if n := len(r.cloud.Snapshot().VMs); n != 1 {
		t.Fatalf("%d machines, want the stray", n)
	}
	if err := r.reconcile(r.cloud).Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.pass(2 * time.Minute)
	if vms := r.cloud.Snapshot().VMs; len(vms) != 0 {
		t.Errorf("machines = %+v, want none", vms)
	}
	r.expect(world.Stopped)
	if got := r.said("that nobody wants"); len(got) != 1 || got[0].ChannelID != r.guild.KeeperChannel {
		t.Errorf("told %d times, want once in the keeper's channel", len(got))
	}
	// A second look finds nothing to do.
	generation := r.state().Generation
	r.pass(time.Hour)
	if err := r.reconcile(r.cloud).Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	before := r.state().Generation
	r.drain()
	if s := r.state(); s.Generation != before || before < generation {
		t.Errorf("a sweep of an empty cloud wrote the row: generation %d, was %d", s.Generation, before)
	}
}

// A machine that is wanted is no stray.
func TestReconcileWantedMachine(t *testing.T) {
	r := newRig(t)
	r.burning()
	if err := r.reconcile(r.cloud).Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.drain()
	r.expect(world.Online)
	if n := len(r.cloud.Snapshot().VMs); n != 1 {
		t.Errorf("%d machines, want 1", n)
	}
}
