package chaos

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"hearth/internal/sim/chaos/oracle"
	"hearth/internal/sim/chaos/replay"
	"hearth/internal/sim/simcloud"
	"hearth/internal/sim/simdiscord"
	"hearth/internal/sim/simgame"
	"hearth/internal/world"
	"hearth/internal/world/price"
)

// EvictionsAnHour is how likely the cloud takes a machine within an hour. Azure
// publishes a rate an hour of each size and region, in the bands 0–5, 5–10, 10–15,
// 15–20 and 20+ %; this is the upper end of the first. One in four goes without
// notice.
const EvictionsAnHour = 0.05

// MonthOptions say which month to simulate.
type MonthOptions struct {
	Seed  uint64
	Days  int
	Dir   string    // an empty folder for the games' files
	Trace io.Writer // what everybody logs; nil: nobody reads it
}

// Month is what came of one.
type Month struct {
	Violations []oracle.Violation
	Hash       string
	Days       int
	Evenings   int           // of single players
	Played     time.Duration // of all players together
	On         time.Duration // in which somebody was on
	Billed     time.Duration // of machines
	Waited     time.Duration // of players, from /start until the game opened
	Lost       time.Duration // of players, without a game for evictions and what they caused
	Money      world.Money   // for the machines and their addresses
	Told       world.Money   // the same, as the bot counts it
	Machines   int
	Evictions  int // with notice
	Vanished   int // without
	Saves      int
	Sessions   int
	Endings    map[string]int // of sessions, by why
	Unguarded  []time.Duration
	Spot, Full world.Money // what an hour of the first placement's machine costs
}

// RunMonth simulates how a group of four plays for some weeks, with the real bot
// and agents. It must run inside a testing/synctest bubble, as Run.
func RunMonth(ctx context.Context, o MonthOptions) (Month, error) {
	p := plan{Workers: 1, Form: simgame.Steam10, SaveEvery: 5 * time.Minute, AgentDiesEvery: 24 * time.Hour, Mild: true}
	c := world.Config{
		ID: worldID, Name: "Midgard", Port: world.DefaultPort, IdleMinutes: world.DefaultIdleMin,
		Placements: []world.Placement{
			{ID: "vmss-a", Region: "eastus2", Size: "Standard_D2ads_v5"},
			{ID: "vmss-b", Region: "westus2", Size: "Standard_D2ads_v5"},
		},
	}
	s, err := newSimulation(Options{Seed: o.Seed, Dir: o.Dir, Trace: o.Trace}, p, c) //nolint:contextcheck // what it makes lives until the end, not of ctx
	if err != nil {
		return Month{}, fmt.Errorf("simulate month %d: %w", o.Seed, err)
	}
	s.month = &ledger{s: s, rented: map[string]simcloud.VMView{}}
	ctx, stop := context.WithCancel(ctx)
	s.chaotic.Store(true)
	s.startWorkers(ctx)
	s.watchAlways(ctx)
	s.startMonth(ctx)
	_ = s.clock.Sleep(ctx, time.Duration(o.Days)*24*time.Hour)
	s.beCalm()
	if _, err := s.finish(ctx, stop); err != nil {
		return Month{}, fmt.Errorf("simulate month %d: %w", o.Seed, err)
	}
	return s.monthResult(o.Days), nil
}

// member is one of the group, and what they are like.
type member struct {
	name    string
	weekday float64       // how likely they play on one, and on a day of the weekend
	weekend float64       //
	from    time.Duration // of the day, about
	stays   time.Duration // about
	stops   float64       // how likely they put the fire out if they are the last to leave
	away    float64       // how likely they light it and are called away
}

// group are four that play in the evenings: two of them after work, a night owl,
// and one who forgets to put the fire out.
func group() []member {
	return []member{
		{"Astrid", 0.5, 0.8, 19*time.Hour + 30*time.Minute, 150 * time.Minute, 0.9, 0},
		{"Bjorn", 0.45, 0.7, 20 * time.Hour, 2 * time.Hour, 0.6, 0.04},
		{"Cnut", 0.3, 0.4, 22*time.Hour + 30*time.Minute, 3 * time.Hour, 0.8, 0},
		{"Dagny", 0.25, 0.6, 18*time.Hour + 30*time.Minute, 2 * time.Hour, 0, 0.08},
	}
}

// lookEvery is how often a member looks whether the game is open, and how often
// the ledger is written.
const lookEvery = 30 * time.Second

// startMonth lets the group play, and the cloud take machines.
func (s *simulation) startMonth(ctx context.Context) {
	for i, m := range group() {
		l, d := s.lanes.New(0), replay.NewDice(s.o.Seed, "habits", m.name)
		s.work.Go(func() {
			for s.chaotic.Load() {
				if !s.evening(ctx, l, d, m, i) {
					return
				}
			}
		})
	}
	s.nowAndThen(ctx, "the cloud's need", time.Minute, func(ctx context.Context, d *replay.Dice, l *replay.Lane) {
		switch id, _ := s.someMachine(); {
		case id == "" || !d.Chance(EvictionsAnHour/60):
		case d.Chance(0.25):
			s.vanish(ctx, d, l)
		default:
			s.evict(ctx, d, l)
		}
	})
	l := s.lanes.New(0)
	s.work.Go(func() {
		for l.Sleep(ctx, lookEvery) == nil {
			s.month.look(lookEvery)
		}
	})
}

// evening is a member's next one; false when everything ends.
func (s *simulation) evening(ctx context.Context, l *replay.Lane, d *replay.Dice, m member, i int) bool {
	now := s.clock.Now()
	day := now.Truncate(24 * time.Hour)
	begin := day.Add(m.from + d.Between(-45*time.Minute, 45*time.Minute))
	if !begin.After(now) {
		begin = begin.Add(24 * time.Hour)
	}
	if l.Sleep(ctx, begin.Sub(now)) != nil || !s.chaotic.Load() {
		return false
	}
	plays := m.weekday
	if wd := begin.Weekday(); wd == time.Saturday || wd == time.Sunday {
		plays = m.weekend
	}
	if g := s.openGame(); g != nil && len(g.Truth().Players()) > 0 {
		plays += 0.3 // others are on already
	}
	stays := d.Between(m.stays/2, m.stays*3/2)
	leaves, called := d.Chance(m.stops), d.Chance(m.away)
	if !d.Chance(plays) {
		return l.Sleep(ctx, 3*time.Hour) == nil
	}
	s.month.count(func(r *Month) { r.Evenings++ })
	person := s.discord.People()[i%len(s.discord.People())].ID
	ask := func(command world.CommandName) {
		s.interact(ctx, simdiscord.Request{User: person, Channel: s.guild.Channel, Kind: simdiscord.KindCommand, Command: string(command)})
	}
	end, joined := begin.Add(stays), false
	for s.clock.Now().Before(end) {
		g := s.openGame()
		switch st := s.witness.Status(); {
		case st == world.Stopped || st == world.Failed:
			ask(world.CmdStart)
		case st == world.Online && g != nil && !called:
			if _, in := g.Truth().Arrived[m.name]; !in {
				g.Command("join", m.name)
				joined = true
			}
		}
		if called && s.witness.Status() == world.Online {
			return l.Sleep(ctx, 3*time.Hour) == nil // it comes up for nobody
		}
		if g == nil && joined {
			s.month.count(func(r *Month) { r.Lost += lookEvery })
		} else if g == nil {
			s.month.count(func(r *Month) { r.Waited += lookEvery })
		}
		if l.Sleep(ctx, lookEvery) != nil {
			return false
		}
	}
	g := s.openGame()
	if g == nil {
		return true
	}
	g.Command("leave", m.name)
	if len(g.Truth().Arrived) == 0 && leaves {
		if l.Sleep(ctx, time.Minute) != nil {
			return false
		}
		ask(world.CmdStop)
	}
	return true
}

// ledger is what a month comes to. It is safe for concurrent use.
type ledger struct {
	s *simulation

	mu     sync.Mutex // guards what follows
	r      Month
	rented map[string]simcloud.VMView // machines that there are
	idle   time.Time                  // since when the guard has put it out; zero: it did not
}

func (b *ledger) count(do func(*Month)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	do(&b.r)
}

// machines counts what each machine costs, when it is gone.
func (b *ledger) machines(vms []simcloud.VMView, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	there := map[string]bool{}
	for _, vm := range vms {
		there[vm.ID] = true
		if _, known := b.rented[vm.ID]; !known {
			b.rented[vm.ID] = vm
			b.r.Machines++
		}
	}
	for id, vm := range b.rented {
		if there[id] {
			continue
		}
		delete(b.rented, id)
		took := now.Sub(vm.Created)
		b.r.Billed += took
		p, _ := b.s.worlds[0].Placement(vm.Placement)
		perHour, _, _ := price.Hourly(p)
		b.r.Money += perHour.For(took)
	}
}

// look counts who is on.
func (b *ledger) look(since time.Duration) {
	on := 0
	if g := b.s.openGame(); g != nil {
		on = len(g.Truth().Players())
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.r.Played += time.Duration(on) * since
	if on > 0 {
		b.r.On += since
	}
}

// turned is told how a session begins or ends.
func (b *ledger) turned(lit bool, why string, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case lit:
		b.r.Sessions++
		if !b.idle.IsZero() {
			b.r.Unguarded = append(b.r.Unguarded, now.Sub(b.idle))
		}
		b.idle = time.Time{}
	default:
		if b.r.Endings == nil {
			b.r.Endings = map[string]int{}
		}
		b.r.Endings[why]++
		if oracle.ByItself(why) {
			b.idle = now
		}
	}
}

func (s *simulation) monthResult(days int) Month {
	seen := s.witness.Testify()
	s.month.mu.Lock()
	defer s.month.mu.Unlock()
	r := s.month.r
	r.Violations, r.Hash, r.Days = seen.Violations, seen.Hash, days
	faults := s.faults.all()
	r.Evictions, r.Vanished = faults[Eviction], faults[Vanishing]
	bill := s.witness.Bill()
	r.Told = bill.Before + bill.Session
	r.Saves = s.saved().World.Saves
	p := s.worlds[0].Placements[0]
	r.Spot, _, _ = price.Hourly(p)
	p.Regular = true
	r.Full, _, _ = price.Hourly(p)
	return r
}

// Tails is the most for which machines may be paid for while nobody is on: coming
// up and going out, and as long as nobody may be in.
func (m Month) Tails() time.Duration {
	const (
		boot  = 10 * time.Minute // of a machine
		stop  = 6 * time.Minute  // a save, and a deletion
		idle  = 17 * time.Minute // the last one left, and somebody else may come
		never = 37 * time.Minute
		fails = 30 * time.Minute
	)
	sessions := 0
	for _, n := range m.Endings {
		sessions += n
	}
	return time.Duration(m.Machines)*boot + time.Duration(sessions)*stop + time.Duration(m.Evenings)*idle +
		time.Duration(m.Endings[oracle.NeverJoined])*never + time.Duration(m.Endings[oracle.Failed])*fails
}

// String is the table of `make month`.
func (m Month) String() string {
	var b strings.Builder
	row := func(what, format string, args ...any) {
		fmt.Fprintf(&b, "| %s | %s |\n", what, fmt.Sprintf(format, args...))
	}
	hours := func(d time.Duration) string { return fmt.Sprintf("%.1f h", d.Hours()) }
	always := time.Duration(m.Days) * 24 * time.Hour
	fmt.Fprintf(&b, "| %d days | |\n|---|---|\n", m.Days)
	row("played, all players together", "%s in %d evenings", hours(m.Played), m.Evenings)
	row("somebody was on", "%s", hours(m.On))
	row("machines were billed for", "%s in %d machines: %.2f of what somebody was on", hours(m.Billed), m.Machines, m.Billed.Hours()/max(m.On.Hours(), 0.001))
	row("they cost, with their addresses", "%v; the bot counts %v", m.Money, m.Told)
	row("sessions", "%d", m.Sessions)
	for _, why := range oracle.Endings() {
		if n := m.Endings[why]; n > 0 {
			row("— went out because "+why, "%d", n)
		}
	}
	row("machines taken with notice, without", "%d, %d", m.Evictions, m.Vanished)
	row("players waited for the fire", "%s", minutes(m.Waited))
	row("players were without a game for what the cloud took", "%s", minutes(m.Lost))
	row("saves", "%d", m.Saves)
	row("always on, spot", "%s: %v", hours(always), m.Spot.For(always))
	row("always on, pay as you go", "%s: %v", hours(always), m.Full.For(always))
	sum, most := time.Duration(0), time.Duration(0)
	for _, d := range m.Unguarded {
		sum, most = sum+d, max(most, d)
	}
	row("no guard, forgotten once, until somebody came again", "%s: %v", hours(m.Billed+most), m.Money+m.Spot.For(most))
	row("no guard, forgotten as often as here", "%s: %v", hours(m.Billed+sum), m.Money+m.Spot.For(sum))
	const week = 7 * 24 * time.Hour
	row("no guard, forgotten once, noticed a week later", "%s: %v", hours(m.Billed+week), m.Money+m.Spot.For(week))
	row("the same, pay as you go", "%s: %v", hours(m.Billed+week), m.Full.For(m.Billed+week))
	return b.String()
}

func minutes(d time.Duration) string { return fmt.Sprintf("%.0f min", d.Minutes()) }
