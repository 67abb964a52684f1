package worldtest_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"hearth/internal/sim/simcloud"
	"hearth/internal/world"
	"hearth/internal/world/worldtest"
)

// oddMetadata does what its functions say, and what its Metadata does where it
// has none. The suite calls it from one goroutine.
type oddMetadata struct {
	world.Metadata
	machine     func(ctx context.Context) (world.Machine, error)
	notices     func(ctx context.Context) ([]world.Notice, error)
	acknowledge func(ctx context.Context, id string) error
}

func (m oddMetadata) Machine(ctx context.Context) (world.Machine, error) {
	if m.machine == nil {
		return m.Metadata.Machine(ctx)
	}
	return m.machine(ctx)
}

func (m oddMetadata) Notices(ctx context.Context) ([]world.Notice, error) {
	if m.notices == nil {
		return m.Metadata.Notices(ctx)
	}
	return m.notices(ctx)
}

func (m oddMetadata) Acknowledge(ctx context.Context, id string) error {
	if m.acknowledge == nil {
		return m.Metadata.Acknowledge(ctx, id)
	}
	return m.acknowledge(ctx, id)
}

// machineUnderTest is one of two machines of a pretend cloud; other is the
// second.
func machineUnderTest(t *testing.T) (u worldtest.MetadataUnderTest, other *simcloud.VM) {
	clock := worldtest.NewClock()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	places := []world.Placement{{ID: "vmss-midgard", Size: "Standard_D2ads_v5"}, {ID: "vmss-asgard"}}
	c, err := simcloud.New(simcloud.Options{Clock: clock, Placements: places})
	must(err)
	t.Cleanup(func() { must(c.Close(context.Background())) })
	var vms []*simcloud.VM
	for _, p := range places {
		_, err := c.Scale(t.Context(), p, 1)
		must(err)
	}
	clock.Advance(5 * time.Minute)
	for _, p := range places {
		in, err := c.Instances(t.Context(), p)
		must(err)
		vm, ok := c.VM(in[0].ID)
		if !ok {
			t.Fatalf("no machine %s", in[0].ID)
		}
		vms = append(vms, vm)
	}
	announce := func(id string) func(t *testing.T, kind string, in time.Duration) {
		return func(_ *testing.T, kind string, in time.Duration) {
			if kind == "Preempt" {
				must(c.Preempt(id, in))
			} else {
				must(c.Announce(id, kind, in))
			}
		}
	}
	own := vms[0]
	return worldtest.MetadataUnderTest{
		Metadata: own, Name: own.ID, Size: places[0].Size,
		Announce: announce(own.ID), AnnounceOther: announce(vms[1].ID),
		PowerOff: func(*testing.T) { must(c.Vanish(own.ID)) },
		Wait:     func(_ *testing.T, d time.Duration) { clock.Advance(d) }, Now: clock.Now,
	}, vms[1]
}

func brokenMetadatas() []brokenCopy {
	odd := func(name, fails string, spoil func(m world.Metadata, other *simcloud.VM) oddMetadata) brokenCopy {
		return brokenCopy{name, fails, func(t *testing.T) {
			worldtest.Metadata(t, func(t *testing.T) worldtest.MetadataUnderTest {
				u, other := machineUnderTest(t)
				o := spoil(u.Metadata, other)
				o.Metadata = u.Metadata
				u.Metadata = o
				return u
			})
		}}
	}
	// each changes every notice that is told.
	each := func(name, fails string, change func(n *world.Notice)) brokenCopy {
		return odd(name, fails, func(m world.Metadata, _ *simcloud.VM) oddMetadata {
			return oddMetadata{notices: func(ctx context.Context) ([]world.Notice, error) {
				list, err := m.Notices(ctx)
				for i := range list {
					change(&list[i])
				}
				return list, err
			}}
		})
	}
	return []brokenCopy{
		odd(honest, "", func(world.Metadata, *simcloud.VM) oddMetadata { return oddMetadata{} }),
		odd("is called otherwise each time", "machine keeps its name", func(m world.Metadata, _ *simcloud.VM) oddMetadata {
			looks := 0
			return oddMetadata{machine: func(ctx context.Context) (world.Machine, error) {
				out, err := m.Machine(ctx)
				if looks++; looks > 1 {
					out.Name += fmt.Sprint(looks)
				}
				return out, err
			}}
		}),
		each("takes a Terminate for a Preempt", "each kind is told", func(n *world.Notice) {
			n.Kind = strings.Replace(n.Kind, "Terminate", "Preempt", 1)
		}),
		each("rounds up", "notice tells when it begins", func(n *world.Notice) {
			if !n.Started {
				n.NotBefore = n.NotBefore.Add(time.Second)
			}
		}),
		odd("counts notices anew", "notice keeps its id", func(m world.Metadata, _ *simcloud.VM) oddMetadata {
			looks := 0
			return oddMetadata{notices: func(ctx context.Context) ([]world.Notice, error) {
				list, err := m.Notices(ctx)
				for i := range list {
					looks++
					list[i].ID = fmt.Sprintf("%s %d", list[i].ID, looks)
				}
				return list, err
			}, acknowledge: func(ctx context.Context, id string) error {
				id, _, _ = strings.Cut(id, " ")
				return m.Acknowledge(ctx, id)
			}}
		}),
		odd("tells all there is", "notice of another machine is not told", func(m world.Metadata, other *simcloud.VM) oddMetadata {
			return oddMetadata{notices: func(ctx context.Context) ([]world.Notice, error) {
				list, err := m.Notices(ctx)
				if err != nil {
					return nil, err
				}
				more, err := other.Notices(ctx)
				return append(list, more...), err
			}}
		}),
		odd("tells of what has started only if it was told before", "sudden notice has started", func(m world.Metadata, _ *simcloud.VM) oddMetadata {
			seen := map[string]bool{}
			return oddMetadata{notices: func(ctx context.Context) ([]world.Notice, error) {
				list, err := m.Notices(ctx)
				var out []world.Notice
				for _, n := range list {
					if !n.Started || seen[n.ID] {
						seen[n.ID] = true
						out = append(out, n)
					}
				}
				return out, err
			}}
		}),
		odd("acknowledges nothing", "acknowledged notice has started", func(m world.Metadata, _ *simcloud.VM) oddMetadata {
			return oddMetadata{acknowledge: func(ctx context.Context, id string) error {
				list, err := m.Notices(ctx)
				if err == nil && (len(list) == 0 || list[0].ID != id) {
					return m.Acknowledge(ctx, id)
				}
				return err
			}}
		}),
		odd("starts whatever there is", "unknown id starts nothing", func(m world.Metadata, _ *simcloud.VM) oddMetadata {
			return oddMetadata{acknowledge: func(ctx context.Context, id string) error {
				list, err := m.Notices(ctx)
				if err != nil || len(list) == 0 {
					return m.Acknowledge(ctx, id)
				}
				return m.Acknowledge(ctx, list[0].ID)
			}}
		}),
		odd("forgets no notice", "notice that is over leaves the list", func(m world.Metadata, _ *simcloud.VM) oddMetadata {
			var told []world.Notice
			return oddMetadata{notices: func(ctx context.Context) ([]world.Notice, error) {
				list, err := m.Notices(ctx)
				if len(list) > 0 {
					told = list
				}
				if err != nil {
					return nil, err
				}
				return told, nil
			}}
		}),
		odd("remembers who it was", "machine that is off gives an error", func(m world.Metadata, _ *simcloud.VM) oddMetadata {
			var was world.Machine
			return oddMetadata{machine: func(ctx context.Context) (world.Machine, error) {
				out, err := m.Machine(ctx)
				if err == nil {
					was = out
				}
				if was.Name != "" && ctx.Err() == nil {
					return was, nil
				}
				return out, err
			}}
		}),
		odd("hears no cancel", "canceled context is honored", func(m world.Metadata, _ *simcloud.VM) oddMetadata {
			return oddMetadata{acknowledge: func(ctx context.Context, id string) error { return m.Acknowledge(deaf(ctx), id) }}
		}),
	}
}
