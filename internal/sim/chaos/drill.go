package chaos

import (
	"context"
	"time"

	"hearth/internal/sim/chaos/games"
	"hearth/internal/sim/chaos/oracle"
	"hearth/internal/sim/chaos/replay"
	"hearth/internal/sim/simcloud"
	"hearth/internal/sim/simdiscord"
	"hearth/internal/world"
)

// litWithin is how long a /start may take in the drills: the places may still be
// blocked for what was in the chaos.
const litWithin = 45 * time.Minute

// drill lets one thing happen at a time, while nothing else goes wrong and
// somebody plays: a game that does not save, an eviction, a machine that
// vanishes. What must be told in time can be timed here.
func (s *simulation) drill(ctx context.Context) {
	if s.plan.MonthlyDollars > 0 {
		return // what is left of it may not be enough
	}
	d := replay.NewDice(s.o.Seed, "drill")
	for _, vanishes := range []bool{false, true} {
		m := s.light(ctx)
		if m == nil {
			return
		}
		_ = s.clock.Sleep(ctx, d.Between(40*time.Second, 7*time.Minute))
		if s.plan.SaveEvery > oracle.SaveAgeMost && !vanishes {
			_ = s.clock.Sleep(ctx, oracle.SaveAgeMost+2*time.Minute)
			s.drilled.Add(1)
			s.witness.Unsaved(s.lastGame(m.vm.ID), s.discord.Messages())
		}
		if s.openGame() == nil {
			return // it crashed
		}
		s.take(ctx, m, vanishes, d)
	}
	if d.Chance(0.3) && s.plan.SessionHours == 0 {
		s.wantInVain(ctx, d)
	}
}

// wantInVain lets somebody light the fire while no place has a machine, and one
// has some minutes later.
func (s *simulation) wantInVain(ctx context.Context, d *replay.Dice) {
	until := func(most time.Duration, is func() bool) bool {
		for begun := s.clock.Now(); !is(); {
			if s.clock.Now().Sub(begun) > most || s.clock.Sleep(ctx, time.Second) != nil {
				return false
			}
		}
		return true
	}
	status := func(want world.Status) func() bool { return func() bool { return s.witness.Status() == want } }
	if !until(litWithin, status(world.Online)) {
		return
	}
	s.putOut(ctx)
	if !until(outFor, status(world.Stopped)) {
		return
	}
	for _, p := range s.worlds[0].Placements {
		_ = s.cloud.NoCapacity(p.ID, true) // it is there
	}
	begun := s.clock.Now()
	scarce := oracle.Scarce{Asked: begun, Places: len(s.worlds[0].Placements), Calls: -s.witness.Asks()}
	s.interact(ctx, simdiscord.Request{User: s.discord.People()[0].ID, Channel: s.guild.Channel, Kind: simdiscord.KindCommand, Command: string(world.CmdStart)})
	_ = s.clock.Sleep(ctx, d.Between(3*time.Minute, 25*time.Minute))
	for _, p := range s.worlds[0].Placements {
		_ = s.cloud.NoCapacity(p.ID, false)
	}
	scarce.Back = s.clock.Now()
	scarce.Calls += s.witness.Asks()
	_ = until(oracle.UpWithin, status(world.Online))
	scarce.Up = s.witness.Status() == world.Online
	scarce.Messages = s.discord.Messages()
	s.drilled.Add(1)
	s.witness.Scarce(scarce)
}

// take takes a machine and waits until it must have been told.
func (s *simulation) take(ctx context.Context, m *machine, vanishes bool, d *replay.Dice) {
	gone := s.goneFrom(m, !vanishes)
	if vanishes {
		if s.cloud.Vanish(m.vm.ID) != nil {
			return
		}
	} else {
		if s.cloud.Preempt(m.vm.ID, d.Between(8*time.Second, simcloud.MaxNotice)) != nil {
			return
		}
		s.watchNotice(ctx, m)
	}
	if s.awaitTold(ctx, s.clock, m, &gone) {
		s.drilled.Add(1)
		s.witness.Gone(gone)
	}
}

// goneFrom is how a machine begins to go now.
func (s *simulation) goneFrom(m *machine, noticed bool) oracle.Gone {
	return oracle.Gone{
		VM: m.vm.ID, Noticed: noticed, Announced: s.clock.Now(), Skew: s.plan.AgentSkew.Abs() + time.Duration(s.plan.Workers)*s.plan.WorkerSkew,
	}
}

// awaitTold waits until a machine is gone, and until that must have been told.
func (s *simulation) awaitTold(ctx context.Context, l *replay.Lane, m *machine, gone *oracle.Gone) bool {
	for !m.gone.Load() {
		if l.Sleep(ctx, 100*time.Millisecond) != nil {
			return false
		}
	}
	gone.At = s.clock.Now()
	if g := s.games.Last(m.vm.ID); g != nil {
		gone.Game = g.Truth()
	}
	gone.SaveAge = s.saveAge()
	if l.Sleep(ctx, gone.Within()) != nil {
		return false
	}
	gone.Messages = s.discord.Messages()
	return true
}

const (
	// backlogFor is how long somebody who was away may have work waiting, and
	// chatBacklogFor how long Discord may still fail for what was asked of it.
	backlogFor     = 5 * time.Minute
	chatBacklogFor = 30 * time.Minute
	// forgottenFor is how long an agent that forgot its game may leave a save
	// untold: it saves and ends such a game, and says nothing of it.
	forgottenFor = 3 * time.Hour
	// heardFor is how long an agent lives until what it knows is in the row.
	heardFor = time.Minute
)

// watchTold looks, in the middle of the chaos, whether it is told in time that
// the open game of a machine is gone with it, unless something excuses that.
func (s *simulation) watchTold(ctx context.Context, m *machine, noticed bool) {
	alive := m.aliveSince()
	g := s.lastGame(m.vm.ID)
	if s.witness.Status() != world.Online || !g.Ready() || alive.IsZero() || s.clock.Now().Sub(alive) < heardFor {
		return // there is nothing to tell, or nobody who could have told it
	}
	gone := s.goneFrom(m, noticed)
	s.work.Go(func() {
		if s.awaitTold(ctx, m.watch, m, &gone) && s.excuse(gone.Announced) == "" {
			s.judged.Add(1)
			s.witness.Gone(gone)
		}
	})
}

// excuse is what may have kept people from being told since then; empty:
// nothing.
func (s *simulation) excuse(since time.Time) Fault {
	if f := s.faults.since(since.Add(-backlogFor), excuses()...); f != "" {
		return f
	}
	if f := s.faults.since(since.Add(-chatBacklogFor), chatExcuses()...); f != "" {
		return f
	}
	if f := s.faults.since(since.Add(-forgottenFor), MemoryLost, DiskFull); f != "" {
		return f
	}
	return s.faults.since(since.Add(-heardFor), agentExcuses()...)
}

// saveAge is how old the world's last save is, by the clock of the game that
// made it; negative: there is none.
func (s *simulation) saveAge() time.Duration {
	age := time.Duration(-1)
	for _, t := range s.games.Truths() {
		if !t.Saved.IsZero() {
			age = t.Now.Sub(t.Saved)
		}
	}
	return age
}

// light has the world lit and somebody in it; nil if it comes to nothing.
func (s *simulation) light(ctx context.Context) *machine {
	begun := s.clock.Now()
	var g *games.Game
	for {
		if g = s.openGame(); g != nil && s.witness.Status() == world.Online {
			break
		}
		if s.clock.Now().Sub(begun) > litWithin {
			return nil
		}
		if st := s.witness.Status(); st == world.Stopped || st == world.Failed {
			s.interact(ctx, simdiscord.Request{User: s.discord.People()[0].ID, Channel: s.guild.Channel, Kind: simdiscord.KindCommand, Command: string(world.CmdStart)})
		}
		if s.clock.Sleep(ctx, 20*time.Second) != nil {
			return nil
		}
	}
	truth := g.Truth()
	if len(truth.Arrived) == 0 {
		g.Command("join", "Frida")
	}
	_ = s.clock.Sleep(ctx, time.Minute)
	if v, ok := s.machines.Load(truth.VM); ok && s.openGame() == g {
		return v.(*machine)
	}
	return nil
}

// askedWithin is how long an agent may take from a notice to asking its game to
// save.
const askedWithin = 2 * time.Second

// watchNotice looks whether the game of a machine that has notice is asked to save
// in time, by an agent that lives that long.
func (s *simulation) watchNotice(ctx context.Context, m *machine) {
	from := s.clock.Now()
	s.work.Go(func() {
		for !m.gone.Load() {
			alive := m.aliveSince()
			begun := from
			if alive.After(begun) {
				begun = alive
			}
			if alive.IsZero() {
				begun = s.clock.Now()
			}
			if m.watch.Sleep(ctx, begun.Add(askedWithin).Sub(s.clock.Now())) != nil {
				return
			}
			if alive.IsZero() || m.aliveSince() != alive {
				continue
			}
			if g := s.lastGame(m.vm.ID); !m.gone.Load() && g.VM != "" && g.Began.Before(begun) {
				s.witness.Noticed(g, s.clock.Now().Sub(begun))
			}
			return
		}
	})
}
