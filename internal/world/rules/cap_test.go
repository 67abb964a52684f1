package rules_test

import (
	"testing"
	"time"

	"hearth/internal/world"
	"hearth/internal/world/rules"
)

// capped is a world whose machines cost a dollar an hour at a and ten at b, and
// which may cost four dollars in a month.
func capped(t testing.TB) *stage {
	g := newStage(t)
	g.c.MonthlyDollars = 4
	g.c.Placements[0].CentsPerHour, g.c.Placements[1].CentsPerHour = 100, 1000
	return g
}

// spent is how far the month's bill is, as if by earlier sessions.
func (g *stage) spent(m world.Money) {
	b := &g.s.Bill
	b.Month, b.Before = world.MonthOf(g.now), b.Before+m-b.Spent
	b.Spent = m
}

const (
	nearWords  = "has cost about $3.20 of $4.00 this month. When it reaches that it is saved and goes out"
	endsWords  = "this month. It is saved and goes out <t:"
	spentWords = "this month, which is the most. Saving it and letting the fire go out"
	dearWords  = "of $4.00 this month, which is the most, so I don't light it. The new month begins on 1 December, UTC (<t:1796083200:R>)"
)

func ana() world.Person { return by("1001", "Astrid") }

func TestCap(t *testing.T) {
	t.Run("from 80 % to the end", func(t *testing.T) {
		g := capped(t)
		g.spent(3 * world.Dollar)
		g.toOnline()
		g.join("1", "Bo")
		g.pass(g.s.Cloud.Rented.Add(12*time.Minute - time.Second).Sub(g.now))
		g.tellsNot("has cost about $3")
		g.pass(slack)
		g.tells(world.ChatKeeper, nearWords)
		g.tells(world.ChatKeeper, "[Raise by $1.00]")
		if n := g.told(world.ChatLine, "has cost"); n != 0 {
			t.Errorf("the channel was told of what is only near: %q", g.texts())
		}
		g.pass(g.s.Cloud.Rented.Add(55*time.Minute - time.Second).Sub(g.now))
		g.tellsNot(endsWords)
		g.pass(slack)
		g.tells(world.ChatLine, "**Midgard** has cost about $3.93 of $4.00 "+endsWords)
		g.tells(world.ChatKeeper, "of $4.00 this month, and burns. It is saved and goes out <t:")
		g.pass(g.s.Bill.StopAt.Sub(g.now) - time.Second)
		g.status(world.Online)
		g.pass(slack)
		g.status(world.Stopping)
		g.tells(world.ChatLine, spentWords)
		if o := g.lastOrder(); o.Kind != world.OrderStop {
			t.Errorf("order: got %s, want stop", o.Kind)
		}
		has(t, g.start(), "of $4.00 this month, which is the most, so I don't light it")
		if g.s.Again != nil {
			t.Error("a start is remembered that nobody may have")
		}
		g.proves(world.StopOrdered)
		g.untilStatus(2*time.Minute, world.Stopped)
		g.noMachine()
		if n := g.told(world.ChatKeeper, "[Raise by $1.00]"); n != 3 {
			t.Errorf("the keeper was told %d times, want when it was near, before the end, and of the start", n)
		}
	})
	t.Run("start refused", func(t *testing.T) {
		g := capped(t)
		g.spent(4*world.Dollar + 1)
		has(t, g.start(), "**Midgard** has cost about $4.01 "+dearWords)
		g.tells(world.ChatKeeper, "Somebody wanted to light it, but **Midgard** has cost about $4.01 of $4.00 this month, so I did not")
		g.tells(world.ChatKeeper, "[Raise by $1.00]")
		has(t, g.start(), dearWords)
		if n := g.told(world.ChatKeeper, ""); n != 1 {
			t.Errorf("the keeper was told %d times, want once", n)
		}
		g.status(world.Stopped)
		if len(g.asked) != 0 {
			t.Errorf("the cloud was asked %+v", g.asked)
		}
		has(t, g.say(cmd{name: world.CmdStatus}), "This month: about $4.01 of $4.00")
		has(t, g.say(cmd{name: world.CmdStart, keeper: true}), "[Raise by $1.00]")
		has(t, g.press("Raise", ana(), true), "Astrid allowed $1.00 more. **Midgard** has cost about $4.01 of $5.00 this month")
		g.start()
		g.status(world.Starting)
	})
	t.Run("start a moment before", func(t *testing.T) {
		g := capped(t)
		g.spent(4*world.Dollar - 1)
		g.start()
		g.status(world.Starting)
	})
	t.Run("a start that waits for the save", func(t *testing.T) {
		g := capped(t)
		g.spent(4*world.Dollar - 20_000)
		g.toOnline()
		g.stop()
		g.pass(time.Second)
		has(t, g.start(), "I light it again as soon as that is done") // there is some money yet
		g.pass(80 * time.Second)
		g.proves(world.StopOrdered)
		g.untilStatus(2*time.Minute, world.Stopped)
		g.tells(world.ChatAnswer, dearWords)
		g.tells(world.ChatKeeper, "Somebody wanted to light it")
		g.pass(time.Hour)
		g.status(world.Stopped)
		g.noMachine()
	})
	t.Run("no cap", func(t *testing.T) {
		g := capped(t)
		g.c.MonthlyDollars = 0
		g.spent(1000 * world.Dollar)
		g.toOnline()
		g.join("1", "Bo")
		g.pass(time.Hour)
		g.status(world.Online)
		g.tellsNot("has cost")
		has(t, g.say(cmd{name: world.CmdRaiseCap, keeper: true, operation: g.s.Bill.RaiseID()}), "That button is from earlier. **Midgard** has no limit")
	})
	t.Run("lowered below what is spent", func(t *testing.T) {
		g := capped(t)
		g.toOnline()
		g.join("1", "Bo")
		g.spent(3 * world.Dollar)
		g.c.MonthlyDollars = 1
		g.pass(slack)
		g.tells(world.ChatLine, endsWords)
		g.pass(rules.CapAhead - slack)
		g.status(world.Online)
		g.pass(2 * slack)
		g.status(world.Stopping)
	})
	t.Run("raised in the configuration", func(t *testing.T) {
		g := warnedOfCap(t)
		g.c.MonthlyDollars = 40
		g.pass(time.Hour)
		g.status(world.Online)
		g.tellsNot(spentWords)
	})
	t.Run("taken out of the configuration", func(t *testing.T) {
		g := warnedOfCap(t)
		g.c.MonthlyDollars = 0
		g.pass(time.Hour)
		g.status(world.Online)
		g.tellsNot(spentWords)
	})
}

// warnedOfCap is a world with a player on that goes out in five minutes.
func warnedOfCap(t testing.TB) *stage {
	g := capped(t)
	g.toOnline()
	g.join("1", "Bo")
	g.spent(4*world.Dollar - 60_000)
	g.pass(slack)
	g.tells(world.ChatLine, endsWords)
	return g
}

func TestRaiseCap(t *testing.T) {
	t.Run("calls the stop off", func(t *testing.T) {
		g := warnedOfCap(t)
		old := g.find("Raise")
		has(t, g.press("Raise", ana(), true), "Astrid allowed $1.00 more. **Midgard** has cost about $3.95 of $5.00 this month")
		g.tells(world.ChatLine, "Astrid allowed more, so **Midgard** burns on: about $3.95 of $5.00 are spent this month")
		has(t, g.pressAt(old, by("1002", "Eve"), true), "That button is from earlier. Now **Midgard** has cost about $3.95 of $5.00") // two keepers at once
		if got := g.s.Bill.Raised; got != world.Dollar {
			t.Fatalf("raised by %s, want $1.00 once", got)
		}
		g.pass(30 * time.Minute)
		g.status(world.Online)
		g.tellsNot(spentWords)
		g.pass(30 * time.Minute) // and the next dollar is spent as well
		if n := g.told(world.ChatLine, endsWords); n != 2 {
			t.Errorf("warned %d times, want again", n)
		}
		g.pass(10 * time.Minute)
		g.tells(world.ChatLine, spentWords)
		g.status(world.Stopping)
	})
	t.Run("not by a player", func(t *testing.T) {
		g := warnedOfCap(t)
		has(t, g.press("Raise", by("1002", "Eve"), false), "That one is for keepers")
		if g.s.Bill.Raised != 0 || g.s.Bill.StopAt.IsZero() {
			t.Errorf("a player raised it: %+v", g.s.Bill)
		}
		g.pass(2 * rules.CapAhead)
		g.status(world.Stopping)
	})
	t.Run("too late", func(t *testing.T) {
		g := warnedOfCap(t)
		g.pass(2 * rules.CapAhead)
		g.status(world.Stopping)
		has(t, g.press("Raise", ana(), true), "allowed $1.00 more")
		g.status(world.Stopping) // a stop is a stop
		g.tellsNot("burns on")
		g.proves(world.StopOrdered)
		g.untilStatus(2*time.Minute, world.Stopped)
		g.start()
		g.status(world.Starting)
	})
	t.Run("after somebody stopped it", func(t *testing.T) {
		g := warnedOfCap(t)
		g.leave("1")
		g.stop()
		g.proves(world.StopOrdered)
		g.untilStatus(2*time.Minute, world.Stopped)
		has(t, g.press("Raise", ana(), true), "allowed $1.00 more")
		g.tellsNot("burns on")
		g.pass(time.Hour)
		g.status(world.Stopped)
	})
	t.Run("of last month", func(t *testing.T) {
		g := warnedOfCap(t)
		a := g.find("Raise")
		g.now = time.Date(2026, 12, 2, 0, 0, 0, 0, time.UTC)
		has(t, g.pressAt(a, ana(), true), "That button is from earlier. Now **Midgard** has cost about $24.00 of $4.00") // the clock was turned, and it burns
		if g.s.Bill.Raised != 0 {
			t.Errorf("raised: %+v", g.s.Bill)
		}
	})
	t.Run("by a quarter", func(t *testing.T) {
		g := capped(t)
		g.c.MonthlyDollars = 10.50
		g.spent(11 * world.Dollar)
		has(t, g.say(cmd{name: world.CmdStart, keeper: true}), "[Raise by $2.63]")
		has(t, g.press("Raise", ana(), true), "of $13.13 this month")
	})
	t.Run("for this month alone", func(t *testing.T) {
		g := capped(t)
		g.spent(5 * world.Dollar)
		g.start()
		g.press("Raise", ana(), true)
		has(t, g.start(), "of $5.00 this month, which is the most")
		g.now = time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
		has(t, g.say(cmd{name: world.CmdStatus}), "This month: about $0.00 of $4.00")
		g.start()
		g.status(world.Starting)
	})
}

// TestCapOverTheMonth: a machine that runs over midnight is the new month's.
func TestCapOverTheMonth(t *testing.T) {
	t.Run("warned, and the month ends first", func(t *testing.T) {
		g := capped(t)
		g.now = time.Date(2026, 11, 30, 23, 50, 0, 0, time.UTC)
		g.toOnline()
		g.join("1", "Bo")
		g.pass(time.Date(2026, 11, 30, 23, 57, 0, 0, time.UTC).Sub(g.now))
		g.spent(4*world.Dollar - 40_000) // three minutes' worth: it ends before
		g.s.Bill.Counted = g.now
		g.pass(2 * time.Minute)
		g.tells(world.ChatLine, endsWords)
		g.pass(30 * time.Minute)
		g.status(world.Online)
		g.tellsNot(spentWords)
		near(t, "of December", g.s.Bill.OfMonth(g.now), world.Money(g.now.Sub(time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC))/time.Second)*world.Dollar/3600)
	})
	t.Run("not even warned", func(t *testing.T) {
		g := capped(t)
		g.now = time.Date(2026, 11, 30, 23, 50, 0, 0, time.UTC)
		g.toOnline()
		g.join("1", "Bo")
		g.pass(time.Date(2026, 11, 30, 23, 58, 0, 0, time.UTC).Sub(g.now))
		g.spent(4*world.Dollar - 60_000) // enough to midnight
		g.s.Bill.Counted = g.now
		g.pass(30 * time.Minute)
		g.status(world.Online)
		g.tellsNot(endsWords)
	})
	t.Run("told of 80 % once a month", func(t *testing.T) {
		g := capped(t)
		g.c.SessionHours = 100
		g.now = time.Date(2026, 11, 30, 21, 0, 0, 0, time.UTC)
		g.spent(3 * world.Dollar)
		g.toOnline()
		g.join("1", "Bo")
		for range 7 * 60 {
			g.pass(time.Minute)
			if !g.s.Bill.StopAt.IsZero() {
				g.press("Raise", ana(), true)
			}
		}
		g.status(world.Online)
		if n := g.told(world.ChatKeeper, "When it reaches that it is saved"); n != 2 {
			t.Errorf("told %d times in two months, want twice", n)
		}
	})
}

// TestCapAnywhere: the money is spent whatever the world is doing. A stop that is
// under way goes on.
func TestCapAnywhere(t *testing.T) {
	for name, comes := range anywhere() {
		t.Run(name, func(t *testing.T) {
			g := capped(t)
			comes(g)
			status := g.s.Status
			g.spent(4 * world.Dollar)
			g.pass(slack)
			g.tells(world.ChatLine, endsWords)
			g.tells(world.ChatKeeper, "[Raise by $1.00]")
			g.pass(rules.CapAhead + slack)
			g.tells(world.ChatLine, spentWords)
			g.goesOut(status)
		})
	}
	t.Run("stopping", func(t *testing.T) {
		g := capped(t)
		g.toStopping()
		order := g.s.Op.ID
		g.spent(4 * world.Dollar)
		g.pass(time.Minute)
		g.tellsNot("has cost")
		if g.s.Op.ID != order {
			t.Errorf("another stop was begun: %+v", g.s.Op)
		}
		g.proves(world.StopOrdered)
		g.untilStatus(2*time.Minute, world.Stopped)
		has(t, g.start(), "so I don't light it")
	})
}
