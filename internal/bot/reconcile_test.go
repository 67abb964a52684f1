package bot_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"hearth/internal/bot"
	"hearth/internal/sim/simcloud"
	"hearth/internal/sim/simdiscord"
	"hearth/internal/world"
)

// surveyed counts the surveys; with an error they fail, the first few or all.
type surveyed struct {
	world.Estate
	surveys int
	err     error
	fail    int // so many; 0: all
}

func (c *surveyed) Survey(ctx context.Context) (world.Survey, error) {
	if c.surveys++; c.err != nil && (c.fail == 0 || c.surveys <= c.fail) {
		return world.Survey{}, c.err
	}
	return c.Estate.Survey(ctx)
}

func (r *rig) reconcile(e world.Estate) *bot.Reconcile {
	return &bot.Reconcile{Guild: r.guild, Worlds: r.worlds, Estate: e, Store: r.store, Events: r.events, Key: r.key(world.BotKey), Clock: hurried{r.clock}, Log: r.logger()}
}

// sweeps lists what reconcile has put into the queue, as "world/placement:
// machines of capacity" and "world: leftovers".
func (r *rig) sweeps() []string {
	r.t.Helper()
	var got []string
	for _, m := range r.events.Messages() {
		e, err := world.Decode(m.Body, r.key)
		if err != nil {
			r.t.Fatal(err)
		}
		switch d := e.Data.(type) {
		case *world.Sweep:
			got = append(got, fmt.Sprintf("%s/%s: %d of %d", e.World, d.Placement, len(d.Instances), d.Capacity))
		case *world.LeftOver:
			var names []string
			for _, l := range d.Items {
				names = append(names, string(l.Kind)+" "+l.Name)
			}
			got = append(got, fmt.Sprintf("%s: %s and %d", e.World, strings.Join(names, ", "), d.More))
		}
	}
	return got
}

// TestReconcile: one survey whatever the number of worlds; every world hears of
// something, and of what it has.
func TestReconcile(t *testing.T) {
	r := newRig(t, twoWorlds()...)
	r.newCloud(simcloud.Timing{}, world.Placement{ID: "vmss-old"}, world.Placement{ID: "vmss-idle"})
	if _, err := r.cloud.Scale(t.Context(), world.Placement{ID: "vmss-b"}, 1); err != nil {
		t.Fatal(err)
	}
	if _, err := r.cloud.Scale(t.Context(), world.Placement{ID: "vmss-old"}, 1); err != nil {
		t.Fatal(err)
	}
	r.leave(world.LeftoverDisk, "disk-x")
	r.leave(world.LeftoverAddress, "ip-x")
	r.clock.Advance(time.Minute)
	e := &surveyed{Estate: r.cloud}
	if err := r.reconcile(e).Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := []string{"midgard/vmss-b: 1 of 1", "niflheim/vmss-n: 0 of 0", "midgard: address ip-x, disk disk-x, set vmss-old and 0"}
	if got := r.sweeps(); !slices.Equal(got, want) {
		t.Errorf("sweeps = %q, want %q", got, want)
	}
	if e.surveys != 1 {
		t.Errorf("%d surveys, want one", e.surveys)
	}
}

// TestReconcileBlind: what could not be seen is not told of.
func TestReconcileBlind(t *testing.T) {
	r := newRig(t, twoWorlds()...)
	err := r.reconcile(&surveyed{err: errLost}).Run(t.Context())
	if !errors.Is(err, errLost) || len(r.sweeps()) != 0 {
		t.Errorf("Run = %v with %q, want the survey's error and nothing told", err, r.sweeps())
	}
}

// TestReconcileAgain: a survey that fails is not put off for six hours.
func TestReconcileAgain(t *testing.T) {
	r := newRig(t, twoWorlds()...)
	e := &surveyed{Estate: r.cloud, err: errLost, fail: 3}
	if err := r.reconcile(e).Run(t.Context()); err != nil || len(r.sweeps()) != 3 {
		t.Errorf("Run = %v with %q, want it to go on", err, r.sweeps())
	}
}

// TestReconcileUnconfigured: a world's row is at a place that is not configured
// any more. It is the world's all the same, and so is every set while its row
// can't be read.
func TestReconcileUnconfigured(t *testing.T) {
	for name, unread := range map[string]bool{"row is read": false, "row can't be read": true} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.worlds[0].Placements = append([]world.Placement{{ID: "vmss-old"}}, r.worlds[0].Placements...)
			r.newCloud(simcloud.Timing{})
			r.burning()
			r.worlds[0].Placements = r.worlds[0].Placements[1:]
			rec := r.reconcile(r.cloud)
			want := []string{"midgard/vmss-old: 1 of 1", "midgard:  and 0"}
			if unread {
				rec.Store, want[0] = unreadable{r.store}, "midgard/vmss-a: 0 of 0"
			}
			before := r.sweeps()
			if err := rec.Run(t.Context()); errors.Is(err, errLost) != unread {
				t.Fatalf("Run = %v", err)
			}
			if got := r.sweeps()[len(before):]; !slices.Equal(got, want) {
				t.Errorf("sweeps = %q, want %q", got, want)
			}
		})
	}
}

// TestReconcileGivenAway: a placement was given to another world. What is there is
// nobody's but that world's whose machine it is.
func TestReconcileGivenAway(t *testing.T) {
	for name, c := range map[string]struct {
		begin func(r *rig)
		want  []string
	}{
		"by a world that sleeps": {func(r *rig) {
			r.asleep()
			if _, err := r.cloud.Scale(t.Context(), world.Placement{ID: "vmss-a"}, 1); err != nil {
				t.Fatal(err)
			}
			r.clock.Advance(time.Minute)
		}, []string{"midgard/vmss-b: 0 of 0", "niflheim/vmss-a: 1 of 1", "midgard:  and 0"}},
		"by a world that burns there": {(*rig).burning, []string{"midgard/vmss-a: 1 of 1", "niflheim/vmss-n: 0 of 0", "midgard:  and 0"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.worlds = twoWorlds()
			r.newCloud(simcloud.Timing{})
			one := r.worlds
			r.worlds = r.worlds[:1]
			c.begin(r)
			r.worlds = one
			given := r.worlds[0].Placements[0]
			r.worlds[0].Placements = r.worlds[0].Placements[1:]
			r.worlds[1].Placements = append(r.worlds[1].Placements, given)
			before := r.sweeps()
			if err := r.reconcile(r.cloud).Run(t.Context()); err != nil {
				t.Fatal(err)
			}
			if got := r.sweeps()[len(before):]; !slices.Equal(got, c.want) {
				t.Errorf("sweeps = %q, want %q", got, c.want)
			}
		})
	}
}

// unreadable is a store whose rows can't be had.
type unreadable struct{ world.Store }

func (unreadable) Load(context.Context, world.Key) (world.Row, error) { return world.Row{}, errLost }

// refusing is a queue that takes nothing.
type refusing struct{ world.Queue }

func (refusing) Send(context.Context, []byte, time.Duration) error { return errLost }

func TestReconcileQueueDown(t *testing.T) {
	r := newRig(t, twoWorlds()...)
	rec := r.reconcile(r.cloud)
	rec.Events = refusing{}
	err := rec.Run(t.Context())
	if !errors.Is(err, errLost) || strings.Count(err.Error(), "enqueue sweep") != 2 || strings.Count(err.Error(), "enqueue left-over") != 1 {
		t.Errorf("Run = %v, want both worlds named, and the leftovers", err)
	}
}

func (r *rig) leave(kind world.LeftoverKind, name string) {
	r.t.Helper()
	if err := r.cloud.Leave(kind, name); err != nil {
		r.t.Fatal(err)
	}
}

// TestReconcileMany: as many leftovers as a row remembers, the same each time.
func TestReconcileMany(t *testing.T) {
	r := newRig(t)
	for i := range world.MaxLeftovers + 3 {
		r.leave(world.LeftoverNIC, fmt.Sprintf("nic-%02d", 20-i))
	}
	if err := r.reconcile(r.cloud).Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	got := r.sweeps()
	if last := got[len(got)-1]; !strings.HasPrefix(last, "midgard: nic nic-12, nic nic-13") || !strings.HasSuffix(last, " and 3") || strings.Count(last, "nic nic-") != world.MaxLeftovers {
		t.Errorf("leftovers = %q, want the first %d by name, and 3", last, world.MaxLeftovers)
	}
}

// TestLeftoversGo: told at the first sweep, gone with the next; one that could
// not be removed goes with the one after that.
func TestLeftoversGo(t *testing.T) {
	r := newRig(t)
	r.leave(world.LeftoverNIC, "nic-x")
	r.leave(world.LeftoverAddress, "ip-x")
	sweep := func() {
		t.Helper()
		if err := r.reconcile(r.cloud).Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		r.drain()
		r.clock.Advance(6 * time.Hour)
	}
	sweep()
	if got := r.said("something that no world uses"); len(got) != 1 || got[0].ChannelID != r.guild.KeeperChannel {
		t.Fatalf("told %d times, want once in the keeper's channel", len(got))
	}
	if got := len(r.cloud.Snapshot().Leftovers); got != 2 {
		t.Fatalf("%d leftovers after the first sweep, want both", got)
	}
	if err := r.reconcile(r.cloud).Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.cloud.FailCalls(1)
	r.drain()
	r.clock.Advance(6 * time.Hour)
	if got := len(r.cloud.Snapshot().Leftovers); got != 1 {
		t.Fatalf("%d leftovers after a removal that failed, want one", got)
	}
	sweep()
	if got := r.cloud.Snapshot().Leftovers; len(got) != 0 {
		t.Errorf("leftovers = %+v, want none", got)
	}
	sweep()
	for text, want := range map[string]int{"something that no world uses": 1, "so I remove it now": 1} {
		if got := r.said(text); len(got) != want {
			t.Errorf("%q told %d times, want %d", text, len(got), want)
		}
	}
	if n := len(r.state().Leftovers); n != 0 {
		t.Errorf("%d leftovers remembered, want none", n)
	}
}

// TestSetOfNoWorldGoesToZero: with its machine.
func TestSetOfNoWorldGoesToZero(t *testing.T) {
	r := newRig(t)
	r.newCloud(simcloud.Timing{}, world.Placement{ID: "vmss-old"})
	if _, err := r.cloud.Scale(t.Context(), world.Placement{ID: "vmss-old"}, 1); err != nil {
		t.Fatal(err)
	}
	r.clock.Advance(2 * time.Minute)
	for i := range 2 {
		if n := len(r.cloud.Snapshot().VMs); n != 1 {
			t.Fatalf("sweep %d: %d machines, want the stray", i+1, n)
		}
		if err := r.reconcile(r.cloud).Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		r.drain()
		r.clock.Advance(6 * time.Hour)
	}
	if vms := r.cloud.Snapshot().VMs; len(vms) != 0 {
		t.Errorf("machines = %+v, want none", vms)
	}
}

// TestSetOfAWorldByNow: it was told of as no world's, and is one's when the button
// is pressed: its machine stays.
func TestSetOfAWorldByNow(t *testing.T) {
	r := newRig(t)
	r.newCloud(simcloud.Timing{}, world.Placement{ID: "vmss-new"})
	if _, err := r.cloud.Scale(t.Context(), world.Placement{ID: "vmss-new"}, 1); err != nil {
		t.Fatal(err)
	}
	r.clock.Advance(2 * time.Minute)
	if err := r.reconcile(r.cloud).Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.drain()
	r.worlds[0].Placements = append(r.worlds[0].Placements, world.Placement{ID: "VMSS-new"})
	r.handle(r.press("Ana", world.CmdTidy))
	r.clock.Advance(2 * time.Minute)
	if n := len(r.cloud.Snapshot().VMs); n != 1 {
		t.Errorf("%d machines, want the world's", n)
	}
}

// TestTidySlowly: a cloud that hangs keeps nobody from being answered.
func TestTidySlowly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		for i := range world.MaxLeftovers {
			r.leave(world.LeftoverDisk, fmt.Sprintf("disk-%d", i))
		}
		if err := r.reconcile(r.cloud).Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		r.drain()
		w := r.worker(nil)
		w.Runner.Estate = slowRemoval{r.cloud}
		if err := w.Handle(t.Context(), r.press("Ana", world.CmdTidy), 1); err != nil {
			t.Fatal(err)
		}
		if got := r.said("had this removed"); len(got) != 1 {
			t.Errorf("answered %d times, want once", len(got))
		}
	})
}

// slowRemoval is an estate that does not answer when something is to be removed.
type slowRemoval struct{ world.Estate }

func (slowRemoval) Remove(ctx context.Context, _ world.Leftover) error {
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second) // as package compute has it
	defer cancel()
	<-ctx.Done()
	return ctx.Err()
}

// TestTidyButton: pressed by a keeper, it is done at once.
func TestTidyButton(t *testing.T) {
	r := newRig(t)
	r.leave(world.LeftoverDisk, "disk-x")
	if err := r.reconcile(r.cloud).Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.drain()
	said := r.said("something that no world uses")
	if len(said) != 1 {
		t.Fatalf("told %d times, want once", len(said))
	}
	button := simdiscord.Request{
		User: r.person("Bo"), Channel: said[0].ChannelID, Kind: simdiscord.KindButton, Message: said[0].ID, CustomID: said[0].Buttons()[0].CustomID,
	}
	if body, out := r.interact(button); body != nil {
		t.Fatalf("anybody can press it: %+v", out)
	}
	r.handle(r.press("Ana", world.CmdTidy))
	r.clock.Advance(time.Minute)
	if n := len(r.cloud.Snapshot().Leftovers); n != 0 {
		t.Errorf("%d leftovers, want none", n)
	}
	if got := r.said("had this removed"); len(got) != 1 || got[0].ID != said[0].ID || len(got[0].Buttons()) != 0 {
		t.Errorf("answer = %+v, want the message in place, without its button", got)
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
	r.pass(time.Hour)
	if err := r.reconcile(r.cloud).Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	before := r.state().Generation
	r.drain()
	if s := r.state(); s.Generation != before {
		t.Errorf("a sweep of an empty cloud wrote the row: generation %d, was %d", s.Generation, before)
	}
}

// TestReconcileHollowSet: a world sleeps, its set says one and has none. Its
// machine could come any time, and nobody would want it.
func TestReconcileHollowSet(t *testing.T) {
	r := newRig(t)
	r.asleep()
	if _, err := r.cloud.Scale(t.Context(), world.Placement{ID: "vmss-b"}, 1); err != nil {
		t.Fatal(err)
	}
	r.clock.Advance(2 * time.Minute)
	if err := r.cloud.Vanish(r.cloud.Snapshot().VMs[0].ID); err != nil {
		t.Fatal(err)
	}
	posted := len(r.said(""))
	if err := r.reconcile(r.cloud).Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.pass(2 * time.Minute)
	if n, err := r.cloud.Capacity("vmss-b"); err != nil || n != 0 {
		t.Errorf("capacity = %d, %v, want 0", n, err)
	}
	r.expect(world.Stopped)
	if n := len(r.said("")); n != posted {
		t.Errorf("%d messages about it, want none: it cost nothing", n-posted)
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
