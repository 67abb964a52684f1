package simcloud_test

import (
	"errors"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"hearth/internal/sim/simcloud"
	"hearth/internal/world"
)

func TestEvict(t *testing.T) {
	for _, tc := range []struct {
		name      string
		notice    time.Duration
		ackAfter  time.Duration // 0: never
		goneAfter time.Duration
	}{
		{"full notice", 30 * time.Second, 0, 30 * time.Second},
		{"short notice", 3 * time.Second, 0, 3 * time.Second},
		{"acknowledged", 30 * time.Second, 4 * time.Second, 5 * time.Second},
		{"acknowledged late", 30 * time.Second, 29500 * time.Millisecond, 30 * time.Second},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLives()
				c := openCloud(t, simcloud.Options{Boot: l.boot})
				view := up(t, c, midgard)
				vm := l.vm(t, view.ID)
				if ns, err := vm.Notices(t.Context()); err != nil || len(ns) != 0 {
					t.Fatalf("notices before: %v, %v", ns, err)
				}
				start := time.Now()
				must(t, c.Preempt(view.ID, tc.notice))
				ns, err := vm.Notices(t.Context())
				must(t, err)
				if len(ns) != 1 || ns[0].Kind != "Preempt" || ns[0].ID == "" || !ns[0].NotBefore.Equal(start.Add(tc.notice)) {
					t.Fatalf("notices %+v; want one Preempt, not before %v later", ns, tc.notice)
				}
				if n := c.Snapshot().VMs[0].Notice; n == nil || *n != ns[0] {
					t.Errorf("the snapshot's notice is %v; want %v", n, ns[0])
				}
				if tc.ackAfter > 0 {
					if err := vm.Acknowledge(t.Context(), "another"); err == nil {
						t.Error("a notice that does not exist was acknowledged")
					}
					pass(tc.ackAfter)
					must(t, vm.Acknowledge(t.Context(), ns[0].ID))
					must(t, vm.Acknowledge(t.Context(), ns[0].ID))
					if ns, err := vm.Notices(t.Context()); err != nil || len(ns) != 1 || !ns[0].NotBefore.IsZero() {
						t.Errorf("acknowledged: %v, %v; want it started, with no time", ns, err)
					}
				}
				pass(time.Until(start.Add(tc.goneAfter - 1)))
				if count(t, c, midgard) != 1 {
					t.Error("gone too early")
				}
				pass(1)
				if count(t, c, midgard) != 0 {
					t.Error("still there")
				}
				if me := l.next(t); !me.ended.Equal(start.Add(tc.goneAfter)) || !errors.Is(me.cause, simcloud.ErrPowerOff) {
					t.Errorf("Boot ended after %v with %v; want %v, ErrPowerOff", me.ended.Sub(start), me.cause, tc.goneAfter)
				}
				if err := vm.Acknowledge(t.Context(), ns[0].ID); !errors.Is(err, simcloud.ErrPowerOff) {
					t.Errorf("acknowledged by a machine that is gone: %v", err)
				}
				wantTrap(t, c, midgard)
			})
		})
	}
}

// wantTrap checks that a placement whose machine is gone by itself says
// capacity 1, creates nothing at 1, and creates one after 0 and 1.
func wantTrap(t *testing.T, c *simcloud.Cloud, p world.Placement) {
	t.Helper()
	if n, err := c.Capacity(p.ID); err != nil || n != 1 {
		t.Errorf("capacity %d, %v; want 1, though there is no machine", n, err)
	}
	scale(t, c, p, 1)
	if n := count(t, c, p); n != 0 {
		t.Errorf("scale from 1 to 1 made %d machines", n)
	}
	scale(t, c, p, 0)
	scale(t, c, p, 1)
	if n := count(t, c, p); n != 1 {
		t.Errorf("0 and 1 again made %d machines; want 1", n)
	}
}

func TestVanish(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLives()
		c := openCloud(t, simcloud.Options{Boot: l.boot})
		view := up(t, c, midgard)
		before := time.Now()
		must(t, c.Vanish(view.ID))
		if count(t, c, midgard) != 0 {
			t.Error("still there")
		}
		if me := l.next(t); !me.ended.Equal(before) || !errors.Is(me.cause, simcloud.ErrPowerOff) {
			t.Errorf("Boot ended at %v with %v; want at once, ErrPowerOff", me.ended, me.cause)
		}
		wantTrap(t, c, midgard)
	})
}

// Snapshot remembers the machines that there were, in another process too.
func TestGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "cloud.json")
		c := openCloud(t, simcloud.Options{File: file})
		var want []simcloud.GoneView
		for _, why := range []string{"deleted", "vanished", "evicted"} {
			vm := up(t, c, midgard)
			switch why {
			case "deleted":
				scale(t, c, midgard, 0)
			case "vanished":
				must(t, c.Vanish(vm.ID))
			case "evicted":
				must(t, c.Preempt(vm.ID, time.Second))
				pass(time.Second)
			}
			want = append(want, simcloud.GoneView{ID: vm.ID, Placement: midgard.ID, Created: vm.Created, Gone: time.Now(), Why: why})
			scale(t, c, midgard, 0)
		}
		closeCloud(t, c)
		c = openCloud(t, simcloud.Options{File: file})
		if diff := cmp.Diff(want, c.Snapshot().Gone); diff != "" {
			t.Errorf("what is gone differs (-want +got):\n%s", diff)
		}
		for range 40 {
			vm := up(t, c, midgard)
			must(t, c.Vanish(vm.ID))
			scale(t, c, midgard, 0)
		}
		if n := len(c.Snapshot().Gone); n != 32 {
			t.Errorf("%d machines are remembered, want the last 32", n)
		}
	})
}

// A machine that goes while it is created or deleted leaves its operation to
// succeed.
func TestGoneUnderWay(t *testing.T) {
	for name, end := range map[string]func(*simcloud.Cloud, string) error{
		"evicted":  func(c *simcloud.Cloud, id string) error { return c.Preempt(id, time.Second) },
		"vanished": (*simcloud.Cloud).Vanish,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLives()
				c := openCloud(t, simcloud.Options{Boot: l.boot})
				token, err := c.Scale(t.Context(), midgard, 1)
				must(t, err)
				pass(10 * time.Second)
				must(t, end(c, c.Snapshot().VMs[0].ID))
				pass(25 * time.Second)
				if done, err := c.Poll(t.Context(), token); !done || err != nil {
					t.Errorf("Poll: %v, %v; want done", done, err)
				}
				if n := count(t, c, midgard); n != 0 {
					t.Errorf("%d machines; want none", n)
				}
				pass(time.Hour)
				select {
				case <-l.ch:
					t.Error("something ran on it")
				default:
				}
			})
		})
	}
	t.Run("vanished in deletion", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			c := openCloud(t, simcloud.Options{})
			view := up(t, c, midgard)
			token, err := c.Scale(t.Context(), midgard, 0)
			must(t, err)
			if err := c.Preempt(view.ID, time.Second); err == nil {
				t.Error("evicted while being deleted")
			}
			must(t, c.Vanish(view.ID))
			pass(20 * time.Second)
			if done, err := c.Poll(t.Context(), token); !done || err != nil {
				t.Errorf("Poll: %v, %v; want done", done, err)
			}
		})
	})
}

func TestFreeze(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLives()
		c := openCloud(t, simcloud.Options{Boot: l.boot})
		_, err := c.Scale(t.Context(), west, 1)
		must(t, err)
		creating := c.Snapshot().VMs[0].ID
		if err := c.Freeze(creating); err == nil {
			t.Error("froze what is not there yet")
		}
		pass(40 * time.Second)
		must(t, c.Freeze(creating)) // boots
		view := up(t, c, midgard)
		vm := l.vm(t, view.ID)
		must(t, c.Freeze(view.ID))
		if me := l.next(t); me.vm.ID != view.ID || !errors.Is(me.cause, simcloud.ErrFrozen) || !errors.Is(me.cause, simcloud.ErrPowerOff) {
			t.Errorf("Boot of %s ended with %v; want %s, ErrFrozen, which is an ErrPowerOff", me.vm.ID, me.cause, view.ID)
		}
		if _, err := vm.Notices(t.Context()); !errors.Is(err, simcloud.ErrFrozen) {
			t.Errorf("metadata of a frozen machine: %v; want ErrFrozen", err)
		}
		pass(time.Hour)
		if count(t, c, midgard) != 1 || count(t, c, west) != 1 {
			t.Error("a frozen machine is not in the list")
		}
		for _, v := range c.Snapshot().VMs {
			if !v.Frozen {
				t.Errorf("the snapshot does not show %s frozen", v.ID)
			}
			if v.ID == creating && v.State != simcloud.VMBooting {
				t.Errorf("%s froze while it booted and is %s", v.ID, v.State)
			}
		}
		select {
		case me := <-l.ch:
			t.Errorf("something ran on %s, which froze while it booted", me.vm.ID)
		default:
		}
		scale(t, c, midgard, 0)
		if count(t, c, midgard) != 0 {
			t.Error("a frozen machine can't be deleted")
		}
	})
}

func TestNoCapacityAndQuota(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := openCloud(t, simcloud.Options{})
		for _, tc := range []struct {
			name  string
			lever func(string, bool) error
			class world.CloudClass
			code  string
		}{
			{"no capacity", c.NoCapacity, world.ClassCapacity, "SkuNotAvailable"},
			{"quota", c.Quota, world.ClassQuota, "OperationNotAllowed"},
		} {
			t.Log(tc.name)
			must(t, tc.lever(midgard.ID, true))
			_, err := c.Scale(t.Context(), midgard, 1)
			wantCloudError(t, err, tc.class, tc.code)
			if n, _ := c.Capacity(midgard.ID); n != 0 || count(t, c, midgard) != 0 {
				t.Error("what was refused began all the same")
			}
			scale(t, c, midgard, 0) // needs no machine
			scale(t, c, west, 1)    // is another placement
			scale(t, c, west, 0)
			must(t, tc.lever(midgard.ID, false))
			scale(t, c, midgard, 1)
			must(t, tc.lever(midgard.ID, true))
			scale(t, c, midgard, 1) // has its machine
			scale(t, c, midgard, 0)
			must(t, tc.lever(midgard.ID, false))
		}
	})
}

func TestFailNoMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := openCloud(t, simcloud.Options{})
		must(t, c.FailNext(midgard.ID, "AllocationFailed", false))
		must(t, c.FailNext(midgard.ID, "Conflict", false))
		must(t, c.FailNoMore(midgard.ID))
		scale(t, c, midgard, 1)
		if err := c.FailNoMore("vmss-utgard"); err == nil {
			t.Error("of an unknown placement: want an error")
		}
	})
}

func TestFailNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := openCloud(t, simcloud.Options{})
		fail := func(code string, async bool) {
			t.Helper()
			must(t, c.FailNext(midgard.ID, code, async))
		}
		fail("AllocationFailed", true)
		fail("ZonalAllocationFailed", false)
		fail("LinkedAuthorizationFailed", false)
		if got := c.Snapshot().Placements[0].FailNext; len(got) != 3 {
			t.Errorf("the snapshot shows failures %v; want three", got)
		}
		// No machine is needed, so only the third strikes.
		_, err := c.Scale(t.Context(), midgard, 0)
		wantCloudError(t, err, world.ClassConfig, "LinkedAuthorizationFailed")
		scale(t, c, midgard, 0)
		token, err := c.Scale(t.Context(), midgard, 1)
		must(t, err)
		pass(17500*time.Millisecond - 1)
		if done, err := c.Poll(t.Context(), token); done || err != nil {
			t.Errorf("half-way: %v, %v; want under way", done, err)
		}
		pass(1)
		_, err = c.Poll(t.Context(), token)
		wantCloudError(t, err, world.ClassCapacity, "AllocationFailed")
		if n, _ := c.Capacity(midgard.ID); n != 1 || count(t, c, midgard) != 0 {
			t.Errorf("capacity %d, %d machines; want 1 and none", n, count(t, c, midgard))
		}
		scale(t, c, midgard, 0)
		_, err = c.Scale(t.Context(), midgard, 1)
		wantCloudError(t, err, world.ClassCapacity, "ZonalAllocationFailed")
		view := up(t, c, midgard)
		// A scale-down that fails leaves all as it was.
		fail("InternalServerError", true)
		token, err = c.Scale(t.Context(), midgard, 0)
		must(t, err)
		pass(time.Minute)
		_, err = c.Poll(t.Context(), token)
		wantCloudError(t, err, world.ClassTransient, "InternalServerError")
		if vms := c.Snapshot().VMs; len(vms) != 1 || vms[0] != view {
			t.Errorf("machines %v; want %v as before", vms, view)
		}
		scale(t, c, midgard, 0)
		if count(t, c, midgard) != 0 {
			t.Error("the next scale-down did nothing")
		}
	})
}

func TestFailCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := openCloud(t, simcloud.Options{})
		c.FailCalls(3)
		_, err := c.Scale(t.Context(), midgard, 1)
		wantCloudError(t, err, world.ClassTransient, "ServiceUnavailable")
		_, err = c.Instances(t.Context(), midgard)
		wantCloudError(t, err, world.ClassTransient, "TooManyRequests")
		_, err = c.Poll(t.Context(), "x")
		wantCloudError(t, err, world.ClassTransient, "InternalServerError")
		if count(t, c, midgard) != 0 {
			t.Error("a call that failed did something")
		}
		c.FailCalls(9)
		c.FailCalls(0)
		scale(t, c, midgard, 1)
	})
}

func TestCapacityOutOfRange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := openCloud(t, simcloud.Options{})
		for _, n := range []int{-1, 2} {
			_, err := c.Scale(t.Context(), midgard, n)
			wantCloudError(t, err, world.ClassConfig, "InvalidParameter")
		}
	})
}

func TestLeversRefuse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := openCloud(t, simcloud.Options{})
		view := up(t, c, midgard)
		must(t, c.Preempt(view.ID, simcloud.MaxNotice))
		_, capacityErr := c.Capacity("vmss-utgard")
		for name, err := range map[string]error{
			"no capacity, unknown placement": c.NoCapacity("vmss-utgard", true),
			"quota, unknown placement":       c.Quota("vmss-utgard", true),
			"fail, unknown placement":        c.FailNext("vmss-utgard", "AllocationFailed", true),
			"fail, unknown code":             c.FailNext(midgard.ID, "Oops", true),
			"capacity, unknown placement":    capacityErr,
			"preempt, unknown machine":       c.Preempt("vmss-utgard_0", time.Second),
			"preempt, no notice":             c.Preempt(view.ID, 0),
			"preempt, long notice":           c.Preempt(view.ID, simcloud.MaxNotice+1),
			"preempt twice":                  c.Preempt(view.ID, time.Second),
			"vanish, unknown machine":        c.Vanish("vmss-utgard_0"),
			"freeze, unknown machine":        c.Freeze("vmss-utgard_0"),
		} {
			if err == nil {
				t.Errorf("%s: no error", name)
			}
		}
	})
}
