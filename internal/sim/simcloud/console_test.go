package simcloud_test

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"hearth/internal/sim/simcloud"
	"hearth/internal/world"
	"hearth/internal/world/worldtest"
)

func TestConsole(t *testing.T) {
	worldtest.Console(t, func(t *testing.T) worldtest.ConsoleUnderTest {
		clock := worldtest.NewClock()
		c := openCloud(t, simcloud.Options{Clock: clock})
		for _, p := range []world.Placement{midgard, west} {
			_, err := c.Scale(t.Context(), p, 1)
			must(t, err)
		}
		vms := c.Snapshot().VMs
		return worldtest.ConsoleUnderTest{
			Console: c, Machine: vms[0].ID, Other: vms[1].ID, Missing: "vmss-midgard_00000000",
			Write: func(t *testing.T, machine string, text []byte) {
				vm, _ := c.VM(machine)
				_, err := vm.Write(text)
				must(t, err)
			},
			FailCall: func(*testing.T) { c.FailCalls(1) },
		}
	})
}

// bootLog is what the only machine's console says of its boot.
func bootLog(t *testing.T, c *simcloud.Cloud) world.BootLog {
	t.Helper()
	text, err := c.ReadConsole(t.Context(), c.Snapshot().VMs[0].ID)
	must(t, err)
	return world.ReadBootLog(text)
}

// TestFailBoots: the machine is there, and nothing ever runs on it.
func TestFailBoots(t *testing.T) {
	for name, tc := range map[string]struct {
		reason string
		want   world.BootLog
	}{
		"gives up": {"no mirror", world.BootLog{Step: world.BootPackages, Failed: true, Reason: "no mirror"}},
		"hangs":    {"", world.BootLog{Step: world.BootPackages}},
	} {
		t.Run(name, func(t *testing.T) {
			clock, file := worldtest.NewClock(), filepath.Join(t.TempDir(), "cloud.json")
			booted := make(chan string, 2)
			o := simcloud.Options{Clock: clock, File: file, Boot: func(ctx context.Context, vm *simcloud.VM) { booted <- vm.ID; <-ctx.Done() }}
			c := openCloud(t, o)
			must(t, c.FailBoots(midgard.ID, world.BootPackages, tc.reason))
			_, err := c.Scale(t.Context(), midgard, 1)
			must(t, err)
			clock.Advance(5 * time.Minute)
			v := c.Snapshot()
			if vm := v.VMs[0]; vm.State != simcloud.VMRunning || v.Placements[0].BootFails != world.BootPackages {
				t.Fatalf("got %+v, want a machine that runs", v)
			}
			if got := bootLog(t, c); got != tc.want {
				t.Errorf("console: got %+v, want %+v", got, tc.want)
			}
			// The lever is kept; another process boots the machine again, in vain.
			closeCloud(t, c)
			c = openCloud(t, o)
			clock.Advance(5 * time.Minute)
			if got := bootLog(t, c); got != tc.want {
				t.Errorf("console in another process: got %+v, want %+v", got, tc.want)
			}
			if n := len(booted); n > 0 {
				t.Fatalf("%d programs ran on a machine whose boot failed", n)
			}
			must(t, c.FailBoots(midgard.ID, "", ""))
			id := c.Snapshot().VMs[0].ID
			must(t, c.Announce(id, "Reboot", 0))
			clock.Advance(5 * time.Minute)
			if got := <-booted; got != id {
				t.Errorf("%s booted, want %s", got, id)
			}
			if got := bootLog(t, c); got != (world.BootLog{Step: world.BootStart}) {
				t.Errorf("console after a boot: got %+v", got)
			}
			must(t, c.Vanish(id))
			if text := c.Printed(id); len(text) > 0 {
				t.Errorf("the console outlives its machine: %q", text)
			}
		})
	}
}
