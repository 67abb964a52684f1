package simcloud_test

import (
	"context"
	"errors"
	"math"
	"net/netip"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"hearth/internal/sim/simcloud"
	"hearth/internal/world"
)

func TestLife(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLives()
		c := openCloud(t, simcloud.Options{Boot: l.boot})
		start := time.Now()
		token, err := c.Scale(t.Context(), midgard, 1)
		must(t, err)
		at := func(d time.Duration, want simcloud.VMState) simcloud.VMView {
			t.Helper()
			pass(time.Until(start.Add(d)))
			vms := c.Snapshot().VMs
			if len(vms) != 1 || vms[0].State != want {
				t.Fatalf("after %v: %+v; want one that is %s", d, vms, want)
			}
			return vms[0]
		}
		if vm := at(0, simcloud.VMCreating); vm.Address != "" {
			t.Errorf("a machine in creation has address %s", vm.Address)
		}
		at(35*time.Second-1, simcloud.VMCreating)
		if done, err := c.Poll(t.Context(), token); done || err != nil {
			t.Errorf("Poll just before: %v, %v", done, err)
		}
		vm := at(35*time.Second, simcloud.VMBooting)
		if done, err := c.Poll(t.Context(), token); !done || err != nil {
			t.Errorf("Poll at the end: %v, %v", done, err)
		}
		if !netip.MustParsePrefix("203.0.113.0/24").Contains(netip.MustParseAddr(vm.Address)) {
			t.Errorf("address %s is not in 203.0.113.0/24", vm.Address)
		}
		if !regexp.MustCompile(`^vmss-midgard_[0-9a-f]{8}$`).MatchString(vm.ID) {
			t.Errorf("name %q has not the real form", vm.ID)
		}
		at(80*time.Second-1, simcloud.VMBooting)
		if vm := at(80*time.Second, simcloud.VMRunning); !vm.Since.Equal(start.Add(80*time.Second)) || !vm.Created.Equal(start) {
			t.Errorf("since %v, created %v; want 80 s after, and at, %v", vm.Since, vm.Created, start)
		}
		pass(time.Minute)
		before := time.Now()
		_, err = c.Scale(t.Context(), midgard, 0)
		must(t, err)
		me := l.next(t)
		if !me.began.Equal(start.Add(80*time.Second)) || !me.ended.Equal(before) || !errors.Is(me.cause, simcloud.ErrPowerOff) {
			t.Errorf("Boot from %v to %v with cause %v; want from 80 s after %v to %v, ErrPowerOff", me.began, me.ended, me.cause, start, before)
		}
		if me.vm.ID != vm.ID || me.vm.Placement.ID != midgard.ID || me.vm.Placement.Size != vm.Size {
			t.Errorf("Boot's machine is %s in %+v; want %s with its size %s", me.vm.ID, me.vm.Placement, vm.ID, vm.Size)
		}
		pass(20*time.Second - 1)
		if count(t, c, midgard) != 1 {
			t.Error("gone before its deletion was done")
		}
		pass(1)
		if count(t, c, midgard) != 0 {
			t.Error("still there after its deletion")
		}
		if _, err := me.vm.Machine(t.Context()); !errors.Is(err, simcloud.ErrPowerOff) {
			t.Errorf("metadata of a deleted machine: %v; want ErrPowerOff", err)
		}
	})
}

func TestSizeIsSetOnTheScaleSet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := openCloud(t, simcloud.Options{})
		p := midgard
		p.Size = "Standard_D4ads_v5"
		if vm := up(t, c, p); vm.Size != p.Size {
			t.Errorf("size %s; want %s", vm.Size, p.Size)
		}
		if got := c.Snapshot().Placements[0].Size; got != p.Size {
			t.Errorf("the set's size is %s; want %s", got, p.Size)
		}
		if vm := up(t, c, world.Placement{ID: west.ID}); vm.Size != west.Size {
			t.Errorf("size %s; want the set's own %s", vm.Size, west.Size)
		}
	})
}

func TestMetadataAddress(t *testing.T) {
	for name, hide := range map[string]bool{"told": false, "hidden": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				vms := make(chan *simcloud.VM, 1)
				c := openCloud(t, simcloud.Options{HideAddress: hide, Boot: func(_ context.Context, vm *simcloud.VM) { vms <- vm }})
				view := up(t, c, west)
				m, err := (<-vms).Machine(t.Context())
				must(t, err)
				want := world.Machine{Name: view.ID, Size: west.Size, Address: view.Address}
				if hide {
					want.Address = ""
				}
				if m != want {
					t.Errorf("machine %+v; want %+v", m, want)
				}
				pass(time.Minute) // its Boot returned by itself
				if count(t, c, west) != 1 {
					t.Error("the machine went with its programs")
				}
			})
		})
	}
}

func TestCloseEndsBoots(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		causes := make(chan error, 2)
		c := openCloud(t, simcloud.Options{Boot: func(ctx context.Context, _ *simcloud.VM) {
			<-ctx.Done()
			causes <- context.Cause(ctx)
			pass(10 * time.Second) // ends well
		}})
		up(t, c, midgard)
		up(t, c, west)
		ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
		defer cancel()
		if err := c.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Close with too little time: %v", err)
		}
		for range 2 {
			if err := <-causes; !errors.Is(err, simcloud.ErrShutdown) {
				t.Errorf("cause %v; want ErrShutdown", err)
			}
		}
		before := time.Now()
		must(t, c.Close(t.Context()))
		if got := time.Since(before); got != 6*time.Second {
			t.Errorf("second Close took %v; want the 6 s left", got)
		}
		_, err := c.Scale(t.Context(), midgard, 0)
		wantCloudError(t, err, world.ClassTransient, "ServiceUnavailable")
		if err := c.NoCapacity(midgard.ID, true); err == nil {
			t.Error("a lever moved after Close")
		}
		if err := c.Vanish(c.Snapshot().VMs[0].ID); err == nil {
			t.Error("a machine vanished after Close")
		}
	})
}

func TestEndedContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := openCloud(t, simcloud.Options{})
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := c.Scale(ctx, midgard, 1); !errors.Is(err, context.Canceled) {
			t.Errorf("Scale: %v", err)
		}
		if _, err := c.Poll(ctx, "x"); !errors.Is(err, context.Canceled) {
			t.Errorf("Poll: %v", err)
		}
		if _, err := c.Instances(ctx, midgard); !errors.Is(err, context.Canceled) {
			t.Errorf("Instances: %v", err)
		}
		if n, _ := c.Capacity(midgard.ID); n != 0 || count(t, c, midgard) != 0 {
			t.Error("a call whose context was over began something")
		}
	})
}

func TestOnChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c *simcloud.Cloud
		var calls atomic.Int64
		c = openCloud(t, simcloud.Options{OnChange: func() {
			calls.Add(1)
			c.Snapshot() // may be called from there
		}})
		saw := func(what string) {
			t.Helper()
			synctest.Wait()
			if calls.Swap(0) == 0 {
				t.Errorf("%s: nobody was told", what)
			}
		}
		_, err := c.Scale(t.Context(), midgard, 1)
		must(t, err)
		saw("scale")
		pass(35 * time.Second)
		saw("created")
		pass(45 * time.Second)
		saw("booted")
		must(t, c.Quota(midgard.ID, true))
		saw("lever")
		c.Snapshot()
		count(t, c, midgard)
		pass(time.Hour)
		if n := calls.Load(); n != 0 {
			t.Errorf("told %d times of nothing", n)
		}
	})
}

// With one seed, everything is the same again; with another, it is not.
func TestSeed(t *testing.T) {
	evening := func(t *testing.T, seed uint64) (out string) {
		synctest.Test(t, func(t *testing.T) {
			l := newLives()
			c := openCloud(t, simcloud.Options{Boot: l.boot, Seed: seed, Timing: simcloud.Timing{Jitter: 0.5}})
			for range 3 {
				token, err := c.Scale(t.Context(), midgard, 1)
				must(t, err)
				pass(3 * time.Minute)
				vm := c.Snapshot().VMs[0]
				must(t, c.Preempt(vm.ID, 20*time.Second))
				out += token + " " + vm.ID + " " + vm.Address + " " + vm.Since.String() + " " + c.Snapshot().VMs[0].Notice.ID + "\n"
				pass(time.Minute)
				l.next(t)
				scale(t, c, midgard, 0)
			}
		})
		return out
	}
	first := evening(t, 1)
	if again := evening(t, 1); again != first {
		t.Errorf("the same seed gave\n%s\nand then\n%s", first, again)
	}
	if evening(t, 2) == first {
		t.Error("another seed gave the same")
	}
}

func TestJitter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := openCloud(t, simcloud.Options{Timing: simcloud.Timing{Create: 100 * time.Second, Jitter: 0.2}})
		least, most := time.Hour, time.Duration(0)
		for range 40 {
			before := time.Now()
			scale(t, c, midgard, 1)
			took := time.Since(before)
			least, most = min(least, took), max(most, took)
			scale(t, c, midgard, 0)
		}
		if least < 80*time.Second || least > 95*time.Second || most < 105*time.Second || most > 121*time.Second {
			t.Errorf("creates took %v to %v; want some of each side of 100 s, within 20 %%", least, most)
		}
	})
}

func TestNewRefuses(t *testing.T) {
	ok := simcloud.Options{Clock: bubble{}, Placements: []world.Placement{midgard}}
	for _, tc := range []struct {
		name string
		with func(o *simcloud.Options)
		want string
	}{
		{"no clock", func(o *simcloud.Options) { o.Clock = nil }, "Options.Clock is missing"},
		{"no placement", func(o *simcloud.Options) { o.Placements = nil }, "name 1 to 254"},
		{"too many", func(o *simcloud.Options) { o.Placements = make([]world.Placement, 255) }, "has 255 scale sets"},
		{"no id", func(o *simcloud.Options) { o.Placements = []world.Placement{{}} }, "placement 1 has no id"},
		{"twice", func(o *simcloud.Options) { o.Placements = []world.Placement{midgard, midgard} }, `"vmss-midgard" appears twice`},
		{"negative", func(o *simcloud.Options) { o.Timing.Boot = -1 }, "negative duration"},
		{"jitter", func(o *simcloud.Options) { o.Timing.Jitter = 1.5 }, "choose 0 to 1"},
		{"jitter is no number", func(o *simcloud.Options) { o.Timing.Jitter = math.NaN() }, "choose 0 to 1"},
		{"file in no folder", func(o *simcloud.Options) { o.File = t.TempDir() + "/no/such/cloud.json" }, "no such file"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			o := ok
			tc.with(&o)
			c, err := simcloud.New(o)
			if err == nil {
				closeCloud(t, c)
				t.Fatal("opened")
			}
			if !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error %q; want it to say %q", err, tc.want)
			}
		})
	}
}
