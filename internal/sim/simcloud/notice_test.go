package simcloud_test

import (
	"errors"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"hearth/internal/sim/simcloud"
	"hearth/internal/world"
)

// What each kind of event does to a machine, acknowledged after ackAfter or, if
// that is 0, when its time has come.
func TestAnnounce(t *testing.T) {
	for _, tc := range []struct {
		name     string
		kind     string
		in       time.Duration
		ackAfter time.Duration
		offAfter time.Duration // 0: it stays on
		onAfter  time.Duration // 0: it is gone for good
		disk     int
	}{
		{"terminated", "Terminate", 5 * time.Minute, 0, 5 * time.Minute, 0, 0},
		{"terminated early", "Terminate", 5 * time.Minute, time.Minute, 61 * time.Second, 0, 0},
		{"rebooted", "Reboot", 15 * time.Minute, 0, 15 * time.Minute, 15*time.Minute + 45*time.Second, 1},
		{"rebooted early", "Reboot", 15 * time.Minute, 9 * time.Second, 10 * time.Second, 55 * time.Second, 1},
		{"rebooted by failing hardware", "Reboot", 0, 0, time.Second, 46 * time.Second, 1},
		{"redeployed", "Redeploy", 10 * time.Minute, 9 * time.Second, 10 * time.Second, 90 * time.Second, 2},
		{"held", "Freeze", 15 * time.Minute, 9 * time.Second, 0, 0, 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLives()
				c := openCloud(t, simcloud.Options{Boot: l.boot})
				view := up(t, c, midgard)
				vm := l.vm(t, view.ID)
				start := time.Now()
				must(t, c.Announce(view.ID, tc.kind, tc.in))
				ns, err := vm.Notices(t.Context())
				must(t, err)
				want := world.Notice{ID: ns[0].ID, Kind: tc.kind, NotBefore: start.Add(tc.in), Started: tc.in == 0}
				if tc.in == 0 {
					want.NotBefore = time.Time{}
				}
				if ns[0] != want {
					t.Fatalf("notice %+v, want %+v", ns[0], want)
				}
				if tc.ackAfter > 0 {
					pass(tc.ackAfter)
					must(t, vm.Acknowledge(t.Context(), ns[0].ID))
				}
				if tc.offAfter == 0 {
					pass(time.Hour)
					select {
					case me := <-l.ch:
						t.Fatalf("what ran on it ended after %v: %v", me.ended.Sub(start), me.cause)
					default:
						return
					}
				}
				pass(time.Until(start.Add(tc.offAfter)))
				synctest.Wait()
				if me := l.next(t); !me.ended.Equal(start.Add(tc.offAfter)) || !errors.Is(me.cause, simcloud.ErrPowerOff) {
					t.Errorf("what ran on it ended after %v with %v, want %v, ErrPowerOff", me.ended.Sub(start), me.cause, tc.offAfter)
				}
				if _, err := vm.Machine(t.Context()); !errors.Is(err, simcloud.ErrPowerOff) {
					t.Errorf("metadata of a machine that is off: %v", err)
				}
				if tc.onAfter == 0 {
					if n := count(t, c, midgard); n != 0 {
						t.Errorf("%d machines, want none", n)
					}
					wantTrap(t, c, midgard)
					return
				}
				pass(time.Until(start.Add(tc.onAfter)) - 1)
				if vms := c.Snapshot().VMs; len(vms) != 1 || vms[0].ID != view.ID || vms[0].State != simcloud.VMBooting {
					t.Errorf("machines %+v, want %s booting", vms, view.ID)
				}
				pass(1)
				synctest.Wait()
				if vms := c.Snapshot().VMs; vms[0].State != simcloud.VMRunning || vms[0].Address != view.Address {
					t.Errorf("machine %+v, want it running at %s as before", vms[0], view.Address)
				}
				again := l.vm(t, view.ID)
				if again == vm || again.Disk != tc.disk {
					t.Errorf("boots with disk %d, want another boot with disk %d", again.Disk, tc.disk)
				}
				ns, err = again.Notices(t.Context())
				if must(t, err); len(ns) != 1 || ns[0].ID != want.ID || !ns[0].Started {
					t.Errorf("notices %+v, want the old one, started", ns)
				}
				pass(10 * time.Minute)
				if ns, err := again.Notices(t.Context()); err != nil || len(ns) != 0 {
					t.Errorf("ten minutes later: %+v, %v; want none", ns, err)
				}
			})
		})
	}
}

// While a machine is held, what it asks is not answered.
func TestHeldMachineWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLives()
		c := openCloud(t, simcloud.Options{Boot: l.boot})
		view := up(t, c, midgard)
		vm := l.vm(t, view.ID)
		must(t, c.Announce(view.ID, "Freeze", 0))
		pass(2 * time.Second) // held for one
		if v := c.Snapshot().VMs[0]; !v.Paused || v.Frozen {
			t.Errorf("machine %+v, want it paused", v)
		}
		asked := time.Now()
		if _, err := vm.Machine(t.Context()); err != nil || time.Since(asked) != 6*time.Second {
			t.Errorf("answered after %v, %v; want six seconds", time.Since(asked), err)
		}
		if c.Snapshot().VMs[0].Paused {
			t.Error("still paused")
		}
	})
}

// An event that happened makes way for the next one, and one that did not, not.
func TestAnnounceAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := openCloud(t, simcloud.Options{})
		view := up(t, c, midgard)
		must(t, c.Announce(view.ID, "Reboot", time.Minute))
		if err := c.Preempt(view.ID, time.Second); err == nil {
			t.Error("a second notice was given beside the first")
		}
		pass(time.Minute)
		must(t, c.Preempt(view.ID, time.Second))
		pass(time.Second)
		if n := count(t, c, midgard); n != 0 {
			t.Errorf("%d machines, want none", n)
		}
	})
}

// A restart brings a machine that hangs back, and leaves one that is being
// deleted alone.
func TestRestartsMeanwhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := openCloud(t, simcloud.Options{})
		view := up(t, c, midgard)
		must(t, c.Announce(view.ID, "Reboot", time.Minute))
		must(t, c.Freeze(view.ID))
		pass(2 * time.Minute)
		if v := c.Snapshot().VMs[0]; v.Frozen || v.State != simcloud.VMRunning {
			t.Errorf("machine %+v, want it running again", v)
		}
		pass(10 * time.Minute)
		must(t, c.Announce(view.ID, "Reboot", 10*time.Second))
		scale(t, c, midgard, 0)
		pass(time.Hour)
		if n := count(t, c, midgard); n != 0 {
			t.Errorf("%d machines, want none", n)
		}
	})
}

func TestAnnounceRefuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := openCloud(t, simcloud.Options{})
		view := up(t, c, midgard)
		for name, err := range map[string]error{
			"unknown kind":        c.Announce(view.ID, "Dance", time.Minute),
			"Preempt, see Evict":  c.Announce(view.ID, "Preempt", time.Minute),
			"unknown machine":     c.Announce("vmss-utgard_0", "Reboot", time.Minute),
			"in the past":         c.Announce(view.ID, "Reboot", -1),
			"in the far future":   c.Announce(view.ID, "Reboot", simcloud.MaxAhead+1),
			"evict with much ado": c.Preempt(view.ID, time.Minute),
		} {
			if err == nil {
				t.Errorf("%s: no error", name)
			}
		}
		if _, ok := c.VM("vmss-utgard_0"); ok {
			t.Error("there is a machine that there is not")
		}
		_, err := c.Scale(t.Context(), west, 1)
		must(t, err)
		if err := c.Announce(c.Snapshot().VMs[1].ID, "Reboot", time.Minute); err == nil {
			t.Error("what is not there yet gets a reboot")
		}
	})
}

// Notices of every kind, and what has become of them, outlive the process.
func TestFileKeepsEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "cloud.json")
		open := func() *simcloud.Cloud { return openCloud(t, simcloud.Options{File: file}) }
		c := open()
		a, b := up(t, c, midgard), up(t, c, west)
		must(t, c.Announce(a.ID, "Redeploy", 0))
		must(t, c.Announce(b.ID, "Freeze", 30*time.Second))
		pass(5 * time.Second)
		closeCloud(t, c)
		pass(time.Hour)
		c = open()
		vms := c.Snapshot().VMs
		if n := vms[0].Notice; n == nil || n.Kind != "Redeploy" || !n.Started {
			t.Errorf("notice %+v, want a Redeploy that has started", n)
		}
		if n := vms[1].Notice; n == nil || n.Kind != "Freeze" || !n.NotBefore.Equal(time.Now().Add(25*time.Second)) {
			t.Errorf("notice %+v, want a Freeze in 25 s", n)
		}
		if vm, ok := c.VM(a.ID); !ok || vm.Disk != 2 {
			t.Errorf("machine %+v, want one with its second disk", vm)
		}
		pass(25 * time.Second)
		if v := c.Snapshot().VMs[1]; !v.Paused {
			t.Errorf("machine %+v, want it paused", v)
		}
		pass(time.Hour)
		for _, v := range c.Snapshot().VMs {
			if v.Notice != nil || v.Paused || v.State != simcloud.VMRunning {
				t.Errorf("machine %+v, want it running, and nothing listed", v)
			}
		}
	})
}
