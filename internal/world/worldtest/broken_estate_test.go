package worldtest_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"hearth/internal/sim/simcloud"
	"hearth/internal/world"
	"hearth/internal/world/worldtest"
)

// oddEstate does what its functions say, and what its Estate does where it has
// none.
type oddEstate struct {
	world.Estate
	survey func(ctx context.Context) (world.Survey, error)
	remove func(ctx context.Context, l world.Leftover) error
}

func (e oddEstate) Survey(ctx context.Context) (world.Survey, error) {
	if e.survey == nil {
		return e.Estate.Survey(ctx)
	}
	return e.survey(ctx)
}

func (e oddEstate) Remove(ctx context.Context, l world.Leftover) error {
	if e.remove == nil {
		return e.Estate.Remove(ctx, l)
	}
	return e.remove(ctx, l)
}

// estateUnderTest is a pretend cloud, seen through what odd makes of it.
func estateUnderTest(t *testing.T, odd func(c *simcloud.Cloud) oddEstate) worldtest.EstateUnderTest {
	clock := worldtest.NewClock()
	place := world.Placement{ID: "vmss-midgard"}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	c, err := simcloud.New(simcloud.Options{Clock: clock, Placements: []world.Placement{place}})
	must(err)
	t.Cleanup(func() { must(c.Close(context.Background())) })
	e := odd(c)
	e.Estate = c
	return worldtest.EstateUnderTest{
		Estate: e, Compute: c, Placement: place,
		Kinds:      []world.LeftoverKind{world.LeftoverMachine, world.LeftoverNIC, world.LeftoverAddress, world.LeftoverDisk},
		Belongings: func(_ *testing.T, id string) []world.Leftover { return (simcloud.VMView{ID: id}).Belongings() },
		Leave:      func(_ *testing.T, l world.Leftover) { must(c.Leave(l.Kind, l.Name)) },
		Attach:     func(_ *testing.T, l world.Leftover, on bool) { must(c.Attach(l.Kind, l.Name, on)) },
		Wait:       func(_ *testing.T, d time.Duration) { clock.Advance(d) },
		Vanish:     func(_ *testing.T, id string) { must(c.Vanish(id)) },
		FailCall:   func(*testing.T) { c.FailCalls(1) },
		LoseReply: func(t *testing.T, l world.Leftover) error {
			_ = e.Remove(t.Context(), l)
			return &world.CloudError{Class: world.ClassTransient, Code: "Unreachable", Message: "lost"}
		},
	}
}

func brokenEstates() []brokenCopy {
	odd := func(name, fails string, spoil func(c *simcloud.Cloud) oddEstate) brokenCopy {
		return brokenCopy{name, fails, func(t *testing.T) {
			worldtest.Estate(t, func(t *testing.T) worldtest.EstateUnderTest { return estateUnderTest(t, spoil) })
		}}
	}
	surveys := func(name, fails string, spoil func(c *simcloud.Cloud, s world.Survey) world.Survey) brokenCopy {
		return odd(name, fails, func(c *simcloud.Cloud) oddEstate {
			return oddEstate{survey: func(ctx context.Context) (world.Survey, error) {
				s, err := c.Survey(ctx)
				if err != nil {
					return s, err
				}
				return spoil(c, s), nil
			}}
		})
	}
	removes := func(name, fails string, remove func(ctx context.Context, c *simcloud.Cloud, l world.Leftover) error) brokenCopy {
		return odd(name, fails, func(c *simcloud.Cloud) oddEstate {
			return oddEstate{remove: func(ctx context.Context, l world.Leftover) error { return remove(ctx, c, l) }}
		})
	}
	// by force: what it belongs to does not count.
	force := func(c *simcloud.Cloud, l world.Leftover) error {
		_ = c.Attach(l.Kind, l.Name, false) // it may not be attached
		return c.Remove(context.Background(), l)
	}
	return []brokenCopy{
		odd(honest, "", func(*simcloud.Cloud) oddEstate { return oddEstate{} }),
		surveys("takes what is being made for left over", "what a machine has is no leftover", func(c *simcloud.Cloud, s world.Survey) world.Survey {
			for _, vm := range c.Snapshot().VMs {
				if vm.State == simcloud.VMCreating {
					s.Leftovers = append(s.Leftovers, vm.Belongings()...)
				}
			}
			return s
		}),
		surveys("counts machines for capacity", "capacity without a machine", func(_ *simcloud.Cloud, s world.Survey) world.Survey {
			for i := range s.Sets {
				s.Sets[i].Capacity = len(s.Sets[i].Instances)
			}
			return s
		}),
		removes("deletes nothing", "leftovers go", func(context.Context, *simcloud.Cloud, world.Leftover) error { return nil }),
		removes("wants it to be there", "removed again", func(ctx context.Context, c *simcloud.Cloud, l world.Leftover) error {
			if s, err := c.Survey(ctx); err == nil && !slices.Contains(s.Leftovers, l) && len(s.Sets[0].Instances) == 0 {
				return &world.CloudError{Class: world.ClassConfig, Code: "ResourceNotFound", Message: "there is none"}
			}
			return c.Remove(ctx, l)
		}),
		removes("goes by what it has seen", "attached meanwhile", func(_ context.Context, c *simcloud.Cloud, l world.Leftover) error { return force(c, l) }),
		removes("deletes a world's machine", "in use", func(ctx context.Context, c *simcloud.Cloud, l world.Leftover) error {
			if _, ok := c.VM(l.Name); ok {
				return c.Vanish(l.Name)
			}
			return c.Remove(ctx, l)
		}),
		surveys("takes a machine apart", "a machine goes with what it has", func(_ *simcloud.Cloud, s world.Survey) world.Survey {
			for _, l := range s.Leftovers {
				if l.Kind == world.LeftoverMachine && l.Name == "by-hand" {
					s.Leftovers = append(s.Leftovers, (simcloud.VMView{ID: l.Name}).Belongings()...)
				}
			}
			return s
		}),
		removes("goes by the name alone", "one name, several kinds", func(ctx context.Context, c *simcloud.Cloud, l world.Leftover) error {
			for _, o := range c.Snapshot().Leftovers {
				if o.Name == l.Name && o.Kind != l.Kind && !o.Attached {
					_ = c.Remove(ctx, o.Leftover)
				}
			}
			return c.Remove(ctx, l)
		}),
		removes("takes an unknown kind for one that is gone", "unknown kind", func(ctx context.Context, c *simcloud.Cloud, l world.Leftover) error {
			if err := c.Remove(ctx, l); classOf(err) != world.ClassConfig {
				return err
			}
			return nil
		}),
		surveys("tells the first page", "many", func(_ *simcloud.Cloud, s world.Survey) world.Survey {
			s.Leftovers = s.Leftovers[:min(len(s.Leftovers), 20)]
			return s
		}),
		odd("sees nothing when it can't see", "passing trouble", func(c *simcloud.Cloud) oddEstate {
			return oddEstate{survey: func(ctx context.Context) (world.Survey, error) {
				s, err := c.Survey(ctx)
				if classOf(err) == world.ClassTransient {
					return world.Survey{}, nil
				}
				return s, err
			}}
		}),
		odd("removes once", "lost reply", func(c *simcloud.Cloud) oddEstate {
			asked := map[world.Leftover]bool{}
			return oddEstate{remove: func(ctx context.Context, l world.Leftover) error {
				if asked[l] {
					return &world.CloudError{Class: world.ClassBusy, Code: "Conflict", Message: "it is being deleted"}
				}
				err := c.Remove(ctx, l)
				asked[l] = err == nil
				return err
			}}
		}),
		odd("goes on without its caller", "given up", func(c *simcloud.Cloud) oddEstate {
			return oddEstate{survey: func(ctx context.Context) (world.Survey, error) {
				return c.Survey(deaf(ctx))
			}, remove: func(ctx context.Context, l world.Leftover) error {
				return c.Remove(deaf(ctx), l)
			}}
		}),
	}
}
