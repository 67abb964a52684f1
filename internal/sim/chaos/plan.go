package chaos

import (
	"fmt"
	"time"

	"hearth/internal/sim/chaos/replay"
	"hearth/internal/sim/simgame"
	"hearth/internal/world"
)

// plan is everything that a seed draws before it begins. Rates are
// probabilities of one call; means are of the time between two faults of a
// kind, 0: none.
type plan struct {
	// Mild: every call is answered, and nobody's process or network fails but
	// the machines', so that nothing excuses what is told late.
	Mild        bool
	Placements  int
	Workers     int
	IdleMinutes int
	Form        simgame.Form
	SaveEvery   time.Duration
	HideAddress bool // the metadata do not tell the public address

	// MonthlyDollars and SessionHours are caps, 0: none. Regular: there is a
	// place at the full price, too.
	MonthlyDollars, SessionHours float64
	Regular                      bool

	CommandEvery, PlayerEvery, GameCrashEvery time.Duration
	Burst                                     float64 // a command comes with several others

	Copies, Delays          float64 // a message is enqueued again; it is late
	SendErrors, LostSends   float64 // a call of a queue fails; it is done and its reply lost
	StoreErrors, LostWrites float64
	ForeignWrites           float64
	StorageAwayEvery        time.Duration
	TableAwayEvery          time.Duration
	LeaseErrors             float64

	Die, Stall float64 // of a worker, at a call

	CloudErrors, LostScales                     float64
	EvictEvery, VanishEvery, FreezeEvery        time.Duration
	NoCapacityEvery, FailScaleEvery, QuotaEvery time.Duration

	AgentDiesEvery, CutOffEvery time.Duration
	StayDead, Forget            float64 // a dead agent stays so for minutes; what it knew is lost
	DiskFullEvery               time.Duration
	BootFails                   float64 // a machine gives up before its agent begins
	Linger                      float64 // a machine that is gone from the list still runs for a while

	ChatTroubleEvery time.Duration

	AgentSkew, WorkerSkew time.Duration
}

// draw makes the plan of a seed. Of most kinds of faults some seeds have none:
// a fault that is always there hides others.
func draw(seed uint64) plan {
	d := replay.NewDice(seed, "plan")
	rate := func(most float64) float64 {
		if d.Chance(0.35) {
			return 0
		}
		return most * float64(1+d.IntN(8)) / 8
	}
	every := func(least, most time.Duration) time.Duration {
		if d.Chance(0.35) {
			return 0
		}
		return d.Between(least, most).Truncate(time.Second)
	}
	p := plan{
		Placements: 1 + d.IntN(3), Workers: 1 + d.IntN(3), IdleMinutes: 3 + d.IntN(20), Form: replay.Pick(d, simgame.Forms()...),
		SaveEvery: replay.Pick(d, 2*time.Minute, 5*time.Minute, 10*time.Minute, time.Hour), HideAddress: d.Chance(0.5),
		CommandEvery: d.Between(time.Minute, 8*time.Minute).Truncate(time.Second),
		PlayerEvery:  d.Between(20*time.Second, 3*time.Minute).Truncate(time.Second),
		Burst:        rate(0.5), GameCrashEvery: every(20*time.Minute, 3*time.Hour),
		Copies: rate(0.2), Delays: rate(0.2), SendErrors: rate(0.05), LostSends: rate(0.05),
		StoreErrors: rate(0.05), LostWrites: rate(0.05), ForeignWrites: rate(0.05), LeaseErrors: rate(0.1),
		StorageAwayEvery: every(20*time.Minute, 3*time.Hour), TableAwayEvery: every(30*time.Minute, 4*time.Hour),
		Die: rate(0.004), Stall: rate(0.001),
		CloudErrors: rate(0.08), LostScales: rate(0.2),
		EvictEvery: every(8*time.Minute, time.Hour), VanishEvery: every(8*time.Minute, time.Hour), FreezeEvery: every(time.Hour, 4*time.Hour),
		NoCapacityEvery: every(20*time.Minute, 2*time.Hour), FailScaleEvery: every(10*time.Minute, time.Hour), QuotaEvery: every(2*time.Hour, 6*time.Hour),
		Linger:         rate(0.5),
		AgentDiesEvery: every(4*time.Minute, time.Hour), CutOffEvery: every(15*time.Minute, 2*time.Hour),
		ChatTroubleEvery: every(5*time.Minute, time.Hour),
		AgentSkew:        d.Between(-2*time.Minute, 2*time.Minute).Truncate(time.Second),
		WorkerSkew:       d.Between(0, 3*time.Second).Truncate(time.Millisecond),
		StayDead:         rate(0.4), Forget: rate(0.25), DiskFullEvery: every(15*time.Minute, 2*time.Hour),
	}
	m := replay.NewDice(seed, "money")
	if p.Regular = m.Chance(0.25); m.Chance(0.2) {
		p.MonthlyDollars = float64(2+m.IntN(12)) / 100 // spent after an hour or so
	}
	if m.Chance(0.2) {
		p.SessionHours = float64(2+m.IntN(8)) / 4
	}
	if b := replay.NewDice(seed, "boots"); b.Chance(0.2) {
		p.BootFails = float64(1+b.IntN(4)) / 8
	}
	if p.Mild = replay.NewDice(seed, "mild").Chance(0.2); p.Mild {
		p.soothe()
	}
	return p
}

// soothe takes out what may be an excuse.
func (p *plan) soothe() {
	p.Delays, p.SendErrors, p.LostSends, p.StoreErrors, p.LostWrites, p.LeaseErrors, p.CloudErrors, p.LostScales = 0, 0, 0, 0, 0, 0, 0, 0
	p.Die, p.Stall, p.Linger, p.Forget = 0, 0, 0, 0
	p.StorageAwayEvery, p.TableAwayEvery, p.CutOffEvery, p.DiskFullEvery, p.ChatTroubleEvery = 0, 0, 0, 0, 0
}

// config is the world's.
func (p *plan) config() world.Config {
	c := world.Config{
		ID: worldID, Name: "Midgard", Port: world.DefaultPort, IdleMinutes: p.IdleMinutes, MonthlyDollars: p.MonthlyDollars, SessionHours: p.SessionHours,
	}
	for i := range p.Placements {
		c.Placements = append(c.Placements, world.Placement{ID: fmt.Sprintf("vmss-%c", 'a'+i), CentsPerHour: 3})
	}
	if p.Regular {
		c.Placements = append(c.Placements, world.Placement{ID: "vmss-regular", Regular: true, CentsPerHour: 10})
	}
	return c
}

// String prints every option drawn.
func (p plan) String() string { return fmt.Sprintf("%+v", p.fields()) }

// fields is the plan without its String.
func (p plan) fields() any {
	type bare plan
	return bare(p)
}
