package rules_test

import (
	"slices"
	"testing"
	"time"

	"hearth/internal/world"
	"hearth/internal/world/rules"
)

// newDear is a stage whose last placement has machines at the full price.
func newDear(t testing.TB) *stage {
	g := newStage(t, "a", "b", "dear")
	g.c.Placements[2].Regular, g.c.Placements[2].CentsPerHour, g.c.Placements[2].PricedOn = true, 10.8, "2026-11-30"
	return g
}

func (g *stage) full(places ...string) {
	for _, p := range places {
		g.places[p].refuses, g.places[p].code = world.ClassCapacity, "SkuNotAvailable"
	}
}

// askedAt lists where a machine was asked for.
func (g *stage) askedAt() []string {
	var at []string
	for _, do := range g.asked {
		if do.Capacity == 1 {
			at = append(at, do.Placement)
		}
	}
	return at
}

const theOffer = "[Allow the full price]"

// TestFullPriceWhenAllIsFull: the keeper is asked once, and only what they say
// makes it dearer.
func TestFullPriceWhenAllIsFull(t *testing.T) {
	g := newDear(t)
	g.full("a", "b")
	g.start()
	g.until(2*time.Minute, "the offer", func() bool { return g.told(world.ChatKeeper, theOffer) == 1 })
	g.tells(world.ChatKeeper, "The cloud has no spot machine for **Midgard** anywhere. A machine at the full price (`dear`) is not taken back, and costs about $0.11 an hour (price of 30 November 2026)")
	g.tells(world.ChatLine, "A keeper can allow one at the full price.")
	g.pass(20 * time.Minute) // through several rounds
	g.tells(world.ChatKeeper, theOffer)
	if slices.Contains(g.askedAt(), "dear") {
		t.Fatalf("asked at %q before anybody allowed it", g.askedAt())
	}
	g.until(10*time.Minute, "a pause", func() bool { return !g.s.RetryAt.IsZero() })
	before := g.s.Session
	has(t, g.button(world.CmdPayAsYouGo, false), "That one is for keepers")
	has(t, g.say(cmd{name: world.CmdPayAsYouGo, keeper: true, operation: "e0"}), "That button is from earlier")
	if g.s.Session.FullPrice != before.FullPrice || slices.Contains(g.askedAt(), "dear") {
		t.Fatal("what was refused counted")
	}
	has(t, g.button(world.CmdPayAsYouGo, true), "Astrid allows **Midgard** machines at the full price, about $0.11 an hour (price of 30 November 2026), until this session ends. I ask for one now.")
	if at := g.askedAt(); at[len(at)-1] != "dear" {
		t.Fatalf("asked at %q, want dear at once", at)
	}
	g.comesUp("dear")
	has(t, g.say(cmd{name: world.CmdStatus}), "Full price: The machine is not a spot one: it costs about $0.11 an hour")

	// It is forgotten with the session.
	g.stop()
	g.proves(world.StopOrdered)
	g.untilStatus(5*time.Minute, world.Stopped)
	g.tellsNot(theOffer + theOffer)
	g.hush()
	g.pass(rules.BlockFor)
	g.start()
	g.until(2*time.Minute, "the next offer", func() bool { return g.told(world.ChatKeeper, theOffer) == 1 })
	if slices.Contains(g.askedAt(), "dear") {
		t.Fatalf("the next session asked at %q", g.askedAt())
	}
}

// TestFullPriceAfterEvictions: the second one within an hour makes the offer;
// a world that burns is not moved for it.
func TestFullPriceAfterEvictions(t *testing.T) {
	for _, tc := range []struct {
		name  string
		apart time.Duration
		offer int
	}{
		{"within an hour", 50 * time.Minute, 1},
		{"further apart", 70 * time.Minute, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			g := newDear(t)
			g.toOnline()
			g.vanish()
			g.comesUp("b")
			g.join("1", "Bo")
			g.pass(tc.apart)
			if n := g.told(world.ChatKeeper, theOffer); n != 0 {
				t.Fatalf("offered %d times after one eviction", n)
			}
			g.vanish()
			g.comesUp("a")
			if n := g.told(world.ChatKeeper, theOffer); n != tc.offer {
				t.Fatalf("offered %d times, want %d", n, tc.offer)
			}
			if tc.offer == 0 {
				return
			}
			g.tells(world.ChatKeeper, "has taken the machine of **Midgard** twice within an hour")
			g.hush()
			has(t, g.button(world.CmdPayAsYouGo, true), "It burns, so nothing is moved: I take one when it needs a machine next.")
			g.pass(time.Minute)
			g.status(world.Online)
			if len(g.asked) != 0 {
				t.Fatalf("asked %+v of a cloud that was to be left alone", g.asked)
			}
			g.vanish()
			g.comesUp("dear")
			if n := g.told(world.ChatKeeper, theOffer); n != 0 {
				t.Errorf("offered %d times what is allowed", n)
			}
		})
	}
}

// TestNoFullPriceConfigured: nothing is said of what is not there.
func TestNoFullPriceConfigured(t *testing.T) {
	g := newStage(t)
	g.full("a", "b")
	g.start()
	g.pass(30 * time.Minute)
	g.tellsNot("full price")
	has(t, g.button(world.CmdPayAsYouGo, true), "That button is from earlier")
}

// TestFullPriceIsRefusedLate: the button of a session that goes out, or is out.
func TestFullPriceIsRefusedLate(t *testing.T) {
	g := newDear(t)
	g.toOnline()
	g.stop()
	has(t, g.button(world.CmdPayAsYouGo, true), "That button is from earlier. Now: Midgard is going out")
	g.proves(world.StopOrdered)
	g.untilStatus(5*time.Minute, world.Stopped)
	has(t, g.button(world.CmdPayAsYouGo, true), "That button is from earlier. Now: Midgard is out")
}

// TestFullPriceWaitsForTheOldPlace: a machine that came up after all, where
// there was none, has to go before another is asked for.
func TestFullPriceWaitsForTheOldPlace(t *testing.T) {
	g := newDear(t)
	g.full("a", "b")
	g.start()
	g.until(2*time.Minute, "the offer", func() bool { return g.told(world.ChatKeeper, theOffer) == 1 })
	late := g.places[g.s.Cloud.Placement]
	late.vm, late.capacity = "vm-late", 1
	g.until(time.Minute, "it is seen", func() bool { return g.s.Cloud.VM == "vm-late" })
	g.button(world.CmdPayAsYouGo, true) // the stage fails if two are asked for
	g.until(5*time.Minute, "a machine at the full price", func() bool { return g.places["dear"].vm != "" })
}

// TestSeekingIsTold: places that refuse one after the other, each after a
// while. Within two minutes people know.
func TestSeekingIsTold(t *testing.T) {
	g := newStage(t, "a", "b", "c", "d", "e", "f")
	g.full("a", "b", "c", "d", "e")
	g.start()
	g.until(2*time.Minute, "it is told", func() bool { return g.told(world.ChatLine, "I go on asking elsewhere") == 1 })
	g.comesUp("f")
	g.tells(world.ChatLine, "I go on asking elsewhere")
}

// TestNextPlaceWithinSeconds: what is refused is brought back to zero, and the
// next place is asked as soon as that is done.
func TestNextPlaceWithinSeconds(t *testing.T) {
	g := newStage(t, "a", "b")
	g.full("a")
	g.start()
	g.until(time.Minute, "the set is at zero", func() bool { return g.places["a"].until.IsZero() })
	zero := g.now
	g.until(time.Minute, "the next is asked", func() bool { return slices.Contains(g.askedAt(), "b") })
	if d := g.now.Sub(zero); d > rules.LookEvery {
		t.Errorf("asked %s later, want within seconds", d)
	}
}
