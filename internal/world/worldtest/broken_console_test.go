package worldtest_test

import (
	"bytes"
	"context"
	"testing"

	"hearth/internal/sim/simcloud"
	"hearth/internal/world"
	"hearth/internal/world/worldtest"
)

// oddConsole reads as its function says. The suite calls it from one goroutine.
type oddConsole func(ctx context.Context, machine string) ([]byte, error)

func (c oddConsole) ReadConsole(ctx context.Context, machine string) ([]byte, error) {
	return c(ctx, machine)
}

func consoleUnderTest(t *testing.T) (worldtest.ConsoleUnderTest, *simcloud.Cloud) {
	places := []world.Placement{{ID: "vmss-asgard"}, {ID: "vmss-midgard"}}
	clock := worldtest.NewClock()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	c, err := simcloud.New(simcloud.Options{Clock: clock, Placements: places})
	must(err)
	t.Cleanup(func() { must(c.Close(context.Background())) })
	for _, p := range places {
		_, err := c.Scale(t.Context(), p, 1)
		must(err)
	}
	vms := c.Snapshot().VMs
	return worldtest.ConsoleUnderTest{
		Console: c, Machine: vms[0].ID, Other: vms[1].ID, Missing: "vmss-utgard_00000000",
		Write: func(t *testing.T, machine string, text []byte) {
			vm, ok := c.VM(machine)
			if !ok {
				t.Fatalf("no machine %s", machine)
			}
			_, err := vm.Write(text)
			must(err)
		},
		FailCall: func(*testing.T) { c.FailCalls(1) },
	}, c
}

func brokenConsoles() []brokenCopy {
	odd := func(name, fails string, spoil func(u worldtest.ConsoleUnderTest, c *simcloud.Cloud) oddConsole) brokenCopy {
		return brokenCopy{name, fails, func(t *testing.T) {
			worldtest.Console(t, func(t *testing.T) worldtest.ConsoleUnderTest {
				u, c := consoleUnderTest(t)
				u.Console = spoil(u, c)
				return u
			})
		}}
	}
	type under = worldtest.ConsoleUnderTest
	// after changes what was read.
	after := func(change func([]byte) []byte) func(under, *simcloud.Cloud) oddConsole {
		return func(_ under, c *simcloud.Cloud) oddConsole {
			return func(ctx context.Context, machine string) ([]byte, error) {
				text, err := c.ReadConsole(ctx, machine)
				if err != nil {
					return nil, err
				}
				return change(text), nil
			}
		}
	}
	return []brokenCopy{
		odd(honest, "", func(_ under, c *simcloud.Cloud) oddConsole { return c.ReadConsole }),
		odd("takes silence for trouble", "nothing written yet", func(_ under, c *simcloud.Cloud) oddConsole {
			return func(ctx context.Context, machine string) ([]byte, error) {
				text, err := c.ReadConsole(ctx, machine)
				if err == nil && len(text) == 0 {
					err = &world.CloudError{Class: world.ClassTransient, Code: "BlobNotFound", Message: "nothing there"}
				}
				return text, err
			}
		}),
		odd("makes it text", "as it was written", after(func(text []byte) []byte { return bytes.ToValidUTF8(text, []byte("?")) })),
		odd("reads once", "more of it later", func(_ under, c *simcloud.Cloud) oddConsole {
			kept := map[string][]byte{}
			return func(ctx context.Context, machine string) ([]byte, error) {
				text, err := c.ReadConsole(ctx, machine)
				if err == nil && len(kept[machine]) == 0 {
					kept[machine] = text
				}
				return kept[machine], err
			}
		}),
		odd("reads the beginning", "the end of much", func(_ under, c *simcloud.Cloud) oddConsole {
			return func(ctx context.Context, machine string) ([]byte, error) {
				text, err := c.ReadConsole(ctx, machine)
				if err != nil {
					return nil, err
				}
				all := c.Printed(machine)
				if len(all) > 2*world.MaxConsoleBytes {
					return all[:world.MaxConsoleBytes], nil
				}
				return text, nil
			}
		}),
		odd("leaves the first byte out", "just as much as is read", after(func(text []byte) []byte {
			if len(text) == world.MaxConsoleBytes {
				return text[1:]
			}
			return text
		})),
		odd("reads another machine's", "each machine its own", func(u under, c *simcloud.Cloud) oddConsole {
			return func(ctx context.Context, machine string) ([]byte, error) {
				if machine == u.Other {
					machine = u.Machine
				}
				return c.ReadConsole(ctx, machine)
			}
		}),
		odd("has an empty one for a machine that is not there", "missing machine", func(_ under, c *simcloud.Cloud) oddConsole {
			return func(ctx context.Context, machine string) ([]byte, error) {
				text, err := c.ReadConsole(ctx, machine)
				if classOf(err) == world.ClassConfig {
					return nil, nil
				}
				return text, err
			}
		}),
		odd("sees nothing when it can't see", "passing trouble", func(_ under, c *simcloud.Cloud) oddConsole {
			return func(ctx context.Context, machine string) ([]byte, error) {
				text, err := c.ReadConsole(ctx, machine)
				if classOf(err) == world.ClassTransient {
					return nil, nil
				}
				return text, err
			}
		}),
	}
}
