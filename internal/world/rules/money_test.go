package rules_test

import (
	"strings"
	"testing"
	"time"

	"hearth/internal/world"
	"hearth/internal/world/rules"
)

// perHour is a price that makes a thousandth of a dollar of a minute.
const perHour = 6.0 // cents

// near: a sum of money, but for what is lost when a millionth is rounded and for
// the seconds until a machine is seen.
func near(t testing.TB, what string, got, want world.Money) {
	t.Helper()
	if d := got - want; d < -100 || d > 100 {
		t.Fatalf("%s: got %d, want about %d", what, got, want)
	}
}

func priced(t testing.TB) *stage {
	g := newStage(t)
	g.c.Placements[0].CentsPerHour, g.c.Placements[1].CentsPerHour = perHour, 10*perHour
	return g
}

// TestBillOfAMove: each machine costs what its own placement does, from when it
// is seen until it is seen to be gone.
func TestBillOfAMove(t *testing.T) {
	g := priced(t)
	g.toBooting()
	began := g.now
	g.boot()
	g.hear(&world.Listening{})
	g.join("1", "Bo")
	g.pass(10 * time.Minute)
	g.c.Placements[0].CentsPerHour = 60 * perHour // dearer from tomorrow on
	g.pass(20*time.Minute - g.now.Sub(began))
	near(t, "of the session", g.s.Bill.OfSession(g.now), 20_000)
	g.notice()
	g.proves(world.StopNotice)
	g.vanish()
	g.until(time.Minute, "the machine is missed", func() bool { return g.s.Cloud.Rented.IsZero() })
	first := world.Money(g.now.Sub(began)/time.Second) * 1000 / 60
	near(t, "once the first is gone", g.s.Bill.OfSession(g.now), first)
	g.until(3*time.Minute, "the second is there", func() bool { return !g.s.Cloud.Rented.IsZero() })
	near(t, "while there is none", g.s.Bill.OfSession(g.now), first)
	second := g.now
	g.boot()
	g.hear(&world.Listening{})
	g.join("1", "Bo")
	g.pass(30 * time.Minute)
	near(t, "of both", g.s.Bill.OfSession(g.now), first+10*world.Money(g.now.Sub(second)/time.Second)*1000/60)
	has(t, g.say(cmd{name: world.CmdStatus}), "This session: "+"about $0.33")
	g.leave("1")
	g.stop()
	g.proves(world.StopOrdered)
	g.untilStatus(5*time.Minute, world.Stopped)
	sum := g.s.Bill.OfSession(g.now)
	near(t, "of the month", g.s.Bill.OfMonth(g.now), sum)
	g.pass(time.Hour)
	if got := g.s.Bill.OfSession(g.now); got != sum {
		t.Errorf("an hour later: got %d, want %d as before", got, sum)
	}
	g.start()
	if got := g.s.Bill; got.Session != 0 || got.Before != sum || got.OfAll(g.now) != sum {
		t.Errorf("of the next session: got %+v, want 0 after %d", got, sum)
	}
}

// TestPriceComesLater: the keeper names a price, and a cap, while a machine is
// there whose price was not known. It counts from the beginning, and the cap holds.
func TestPriceComesLater(t *testing.T) {
	g := priced(t)
	g.c.Placements[0].CentsPerHour = 0
	g.toBooting()
	began := g.now
	g.boot()
	g.hear(&world.Listening{})
	g.join("1", "Bo")
	g.pass(time.Hour)
	near(t, "without a price", g.s.Bill.OfMonth(g.now), 0)
	g.c.Placements[0].CentsPerHour, g.c.MonthlyDollars = perHour, 0.10
	g.pass(rules.CheckEvery)
	near(t, "with a price", g.s.Bill.OfMonth(g.now), world.Money(g.now.Sub(began)/time.Second)*1000/60)
	g.untilStatus(time.Hour, world.Stopping)
}

// TestBillOverTheYear: what a machine cost before midnight UTC is the old
// month's, and the session's all the same.
func TestBillOverTheYear(t *testing.T) {
	g := priced(t)
	g.now = time.Date(2026, 12, 31, 23, 0, 0, 0, time.UTC)
	g.toBooting()
	began := g.now
	g.boot()
	g.hear(&world.Listening{})
	g.join("1", "Bo")
	g.pass(time.Date(2026, 12, 31, 23, 59, 59, 0, time.UTC).Sub(g.now))
	near(t, "before midnight", g.s.Bill.OfMonth(g.now), g.s.Bill.OfSession(g.now))
	g.now = g.now.Add(time.Second) // nothing was handled in the new year yet
	near(t, "at midnight", g.s.Bill.OfMonth(g.now), 0)
	g.pass(30 * time.Minute)
	near(t, "of January", g.s.Bill.OfMonth(g.now), 30_000)
	near(t, "of the session", g.s.Bill.OfSession(g.now), world.Money(g.now.Sub(began)/time.Second)*1000/60)
	if g.s.Bill.Month != "2027-01" {
		t.Errorf("month: got %s, want 2027-01", g.s.Bill.Month)
	}
	// The clock of another worker is behind.
	old := g.s
	g.now = time.Date(2026, 12, 31, 23, 59, 59, 0, time.UTC)
	g.heartbeat()
	if g.s.Bill != old.Bill {
		t.Errorf("with a clock behind: got %+v, want %+v", g.s.Bill, old.Bill)
	}
}

// TestBillOfYesterday: a row that was written before there was a bill, with a
// machine that runs.
func TestBillOfYesterday(t *testing.T) {
	g := priced(t)
	g.toOnline()
	rented := g.s.Cloud.Rented
	b, err := g.s.Encode()
	if err != nil {
		t.Fatal(err)
	}
	i := strings.Index(string(b), `"bill":{`)
	j := i + strings.Index(string(b[i:]), "},") + 2
	s, err := world.DecodeState([]byte(string(b[:i]) + string(b[j:])))
	if err != nil {
		t.Fatal(err)
	}
	if s.Bill != (world.Bill{}) {
		t.Fatalf("bill: got %+v, want none", s.Bill)
	}
	g.s = s
	g.join("1", "Bo")
	g.pass(20 * time.Minute)
	near(t, "of the month", g.s.Bill.OfMonth(g.now), world.Money(g.now.Sub(rented)/time.Second)*1000/60)
	has(t, g.say(cmd{name: world.CmdStatus}), "This month: about $0.02")
}

// TestPriceNotKnown: nothing is said of money that is not known.
func TestPriceNotKnown(t *testing.T) {
	g := newStage(t)
	g.c.Placements = []world.Placement{{ID: "a"}}
	g.toOnline()
	g.stop()
	g.proves(world.StopOrdered)
	g.untilStatus(2*time.Minute, world.Stopped)
	g.tells(world.ChatLine, "nothing costs money. This session: 30 s of machine.")
	g.tellsNot("$")
}

// TestPriceTold: what an hour costs, and since when.
func TestPriceTold(t *testing.T) {
	for _, tc := range []struct {
		name string
		p    world.Placement
		want string
	}{
		{"the table's", world.Placement{ID: "a", Region: "eastus2", Size: "Standard_D2ads_v5"}, "About $0.019 an hour, prices of 30 November 2026"},
		{"the placement's", world.Placement{ID: "a", CentsPerHour: 2.04, PricedOn: "2027-01-02"}, "About $0.020 an hour, prices of 2 January 2027"},
		{"of no day", world.Placement{ID: "a", CentsPerHour: 1.9}, "About $0.019 an hour\n"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			g := newStage(t)
			g.c.Placements = []world.Placement{tc.p}
			has(t, g.say(cmd{name: world.CmdStatus}), tc.want)
			g.c.Placements[0].CentsPerHour = 0
			g.toOnline()
		})
	}
	g := priced(t)
	g.c.MonthlyDollars = 2.5
	g.toOnline()
	has(t, g.say(cmd{name: world.CmdStatus}), "This month: about $0.00 of $2.50")
	g.c.Placements[0].CentsPerHour = 99 // the machine is rented at the old price
	has(t, g.say(cmd{name: world.CmdStatus}), "About $0.060 an hour")
}
