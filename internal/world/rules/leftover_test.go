package rules_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"hearth/internal/world"
	"hearth/internal/world/rules"
)

func leftover(kind world.LeftoverKind, name string) world.Leftover {
	return world.Leftover{Kind: kind, Name: name}
}

// survey tells what is left over, as reconcile does.
func (g *stage) survey(items ...world.Leftover) {
	g.t.Helper()
	g.removed = nil
	g.bot(&world.LeftOver{Items: items})
}

// removes checks what the last event asked to be removed.
func (g *stage) removes(names ...string) {
	g.t.Helper()
	if got, want := strings.Join(g.removed, " "), strings.Join(names, " "); got != want {
		g.t.Fatalf("removes %q, want %q; said %q", got, want, g.texts())
	}
}

func TestLeftoverIsToldThenRemoved(t *testing.T) {
	g := newStage(t)
	ip, disk := leftover(world.LeftoverAddress, "ip-1"), leftover(world.LeftoverDisk, "disk-1")
	g.survey(ip)
	g.removes()
	g.tells(world.ChatKeeper, "something that no world uses:\n- `ip-1`, a public address: about $0.005 an hour\nI remove it with the next sweep")
	g.tells(world.ChatKeeper, "[Remove now]")
	g.pass(59 * time.Minute)
	g.survey(ip, disk) // too soon for the one, new for the other
	g.removes()
	g.tells(world.ChatKeeper, "`disk-1`, a disk: a price that I do not know")
	g.tells(world.ChatKeeper, "`ip-1`")
	g.hush()
	g.pass(2 * time.Minute)
	g.survey(ip, disk)
	g.removes("ip-1")
	g.tells(world.ChatKeeper, "so I remove it now:\n- `ip-1`, a public address")
	g.hush()
	g.pass(6 * time.Hour)
	g.survey(ip, disk) // the first one could not be removed
	g.removes("ip-1", "disk-1")
	g.tells(world.ChatKeeper, "so I remove it now:\n- `disk-1`")
	g.tellsNot("ip-1")
	g.hush()
	g.survey()
	g.removes()
	if len(g.chats) != 0 || len(g.s.Leftovers) != 0 {
		t.Errorf("gone: said %q, remembers %+v, want nothing", g.texts(), g.s.Leftovers)
	}
}

// TestLeftoverThatIsUsedAgain: what was not seen in between is new.
func TestLeftoverThatIsUsedAgain(t *testing.T) {
	g := newStage(t)
	nic := leftover(world.LeftoverNIC, "nic-1")
	g.survey(nic)
	g.pass(6 * time.Hour)
	g.survey()
	g.pass(6 * time.Hour)
	g.survey(nic)
	g.removes()
	if n := g.told(world.ChatKeeper, "`nic-1`, a network interface: nothing by itself"); n != 2 {
		t.Errorf("told %d times, want each time it was new", n)
	}
}

// TestLeftoverTwiceAndLate: the same survey again, and one that lay in the queue
// for hours, change nothing.
func TestLeftoverTwiceAndLate(t *testing.T) {
	g := newStage(t)
	g.survey(leftover(world.LeftoverDisk, "disk-1"))
	g.survey(leftover(world.LeftoverDisk, "disk-1"))
	g.tells(world.ChatKeeper, "disk-1")
	g.pass(2 * time.Hour)
	g.send(world.Event{Source: world.SourceBot, Time: g.now.Add(-90 * time.Minute), Data: &world.LeftOver{Items: []world.Leftover{leftover(world.LeftoverDisk, "disk-1"), leftover(world.LeftoverDisk, "disk-2")}}})
	g.removes()
	g.tellsNot("disk-2")
}

// TestLeftoversHaveABound: and names that no cloud gives are left alone.
func TestLeftoversHaveABound(t *testing.T) {
	g := newStage(t)
	items := []world.Leftover{leftover(world.LeftoverNIC, ""), leftover(world.LeftoverNIC, strings.Repeat("n", world.MaxLeftoverName+1)), leftover(world.LeftoverNIC, evil)}
	for i := range 3 * world.MaxLeftovers {
		items = append(items, leftover(world.LeftoverMachine, fmt.Sprintf("vm-%02d", i)))
	}
	g.bot(&world.LeftOver{Items: items, More: 7})
	if n := len(g.s.Leftovers); n != world.MaxLeftovers {
		t.Errorf("remembers %d, want %d", n, world.MaxLeftovers)
	}
	g.tells(world.ChatKeeper, "and 7 more, which I come to later")
}

func TestTidy(t *testing.T) {
	g := newStage(t)
	g.survey(leftover(world.LeftoverAddress, "ip-1"), leftover(world.LeftoverSet, "vmss-old"))
	g.tells(world.ChatKeeper, "`vmss-old`, a scale set of no world that holds or wants a machine (it is scaled to zero, and stays)")
	first := g.tidyButton()
	g.pass(time.Minute)
	g.survey(leftover(world.LeftoverAddress, "ip-1"), leftover(world.LeftoverSet, "vmss-old"), leftover(world.LeftoverDisk, "disk-1"))
	press := func(keeper bool, key string) string {
		t.Helper()
		g.removed = nil
		return g.say(cmd{name: world.CmdTidy, keeper: keeper, operation: key})
	}
	has(t, press(false, first), "That one is for keepers")
	g.removes()
	has(t, press(true, "e0"), "There is nothing left of that")
	g.removes()
	has(t, press(true, first), "Astrid had this removed:\n- `ip-1`")
	g.removes("ip-1", "vmss-old") // and not what another message told of
	has(t, press(true, first), "There is nothing left of that")
	g.removes()
	g.hush()
	g.pass(6 * time.Hour)
	g.survey(leftover(world.LeftoverAddress, "ip-1"))
	g.removes("ip-1")
	g.tellsNot("ip-1")
	has(t, press(true, first), "There is nothing left of that")
}

// tidyButton is the key of the last button that removes leftovers.
func (g *stage) tidyButton() string {
	g.t.Helper()
	for _, c := range g.chats {
		for _, b := range c.Say.Buttons {
			if a, err := world.ParseAction(b.Action); err == nil && a.Command == world.CmdTidy {
				return a.Operation
			}
		}
	}
	g.t.Fatalf("no button; said %q", g.texts())
	return ""
}

// TestSweepOfAHollowSet: a world that sleeps has a set that says one, and no
// machine. It is brought to zero, nobody is told, and the world can be lit
// meanwhile.
func TestSweepOfAHollowSet(t *testing.T) {
	asleep := func(t *testing.T) *stage {
		g := newStage(t)
		g.toStopping()
		g.proves(world.StopOrdered)
		g.untilStatus(2*time.Minute, world.Stopped)
		g.pass(rules.CheckAfter + time.Hour)
		g.hush()
		return g
	}
	for _, where := range []string{"a", "b"} {
		t.Run(where, func(t *testing.T) {
			g := asleep(t)
			g.places[where].capacity = 1
			g.bot(&world.Sweep{Placement: where, Capacity: 1})
			g.bot(&world.Sweep{Placement: where, Capacity: 1}) // again
			g.pass(2 * time.Minute)
			if g.places[where].capacity != 0 || len(g.asked) != 1 || len(g.chats) != 0 {
				t.Errorf("capacity %d, asked %+v, said %q; want one scale to zero and no word", g.places[where].capacity, g.asked, g.texts())
			}
			g.status(world.Stopped)
			g.bot(&world.Sweep{Placement: where})
			if len(g.asked) != 1 {
				t.Errorf("asked %+v for a set at zero", g.asked)
			}
		})
	}
	t.Run("two of them", func(t *testing.T) { // one after the other: an operation under way is not forgotten
		g := asleep(t)
		g.places["a"].capacity, g.places["b"].capacity = 1, 1
		g.bot(&world.Sweep{Placement: "a", Capacity: 1})
		g.bot(&world.Sweep{Placement: "b", Capacity: 1})
		if len(g.asked) != 1 || g.s.Cloud.Placement != "a" {
			t.Fatalf("asked %+v at once, and is at %s; want one operation, at a", g.asked, g.s.Cloud.Placement)
		}
		g.pass(2 * time.Minute)
		g.bot(&world.Sweep{Placement: "b", Capacity: 1})
		g.pass(2 * time.Minute)
		g.noMore("a")
		g.noMore("b")
	})
	t.Run("lit meanwhile", func(t *testing.T) {
		g := asleep(t)
		g.places["b"].capacity = 1
		g.bot(&world.Sweep{Placement: "b", Capacity: 1})
		g.pass(2 * time.Second)
		g.start()
		g.comesUp("a")
		g.noMore("b")
	})
	t.Run("awake", func(t *testing.T) {
		g := newStage(t)
		g.toOnline()
		g.bot(&world.Sweep{Placement: "b", Capacity: 1})
		g.bot(&world.Sweep{Placement: "a", Capacity: 1})
		g.pass(time.Minute)
		if len(g.asked) != 0 {
			t.Errorf("asked %+v under a world that burns", g.asked)
		}
	})
}

// noMore: the place is at zero and stays there.
func (g *stage) noMore(place string) {
	g.t.Helper()
	if p := g.places[place]; p.capacity != 0 || p.vm != "" {
		g.t.Fatalf("%s has capacity %d, machine %q", place, p.capacity, p.vm)
	}
}
