package chaos

import (
	"context"
	"time"

	"hearth/internal/sim/chaos/replay"
	"hearth/internal/sim/simcloud"
)

// startWeather begins everything that goes wrong by itself.
func (s *simulation) startWeather(ctx context.Context) {
	p := &s.plan
	s.nowAndThen(ctx, "evictions", p.EvictEvery, s.evict)
	s.nowAndThen(ctx, "vanishing", p.VanishEvery, s.vanish)
	s.nowAndThen(ctx, "hanging", p.FreezeEvery, s.freeze)
	s.nowAndThen(ctx, "capacity", p.NoCapacityEvery, s.noCapacity)
	s.nowAndThen(ctx, "scaling", p.FailScaleEvery, s.failScale)
	s.nowAndThen(ctx, "quota", p.QuotaEvery, s.quota)
	s.nowAndThen(ctx, "storage", p.StorageAwayEvery, s.takeStorage)
	s.nowAndThen(ctx, "table", p.TableAwayEvery, s.takeTable)
	s.nowAndThen(ctx, "alone", p.CutOffEvery, s.cutOff)
	s.nowAndThen(ctx, "disk", p.DiskFullEvery, s.fillDisk)
	s.nowAndThen(ctx, "chat", p.ChatTroubleEvery, s.chatTrouble)
}

// nowAndThen lets something happen until the calm, every so often on average. do
// returns when it is over.
func (s *simulation) nowAndThen(ctx context.Context, name string, every time.Duration, do func(ctx context.Context, d *replay.Dice, l *replay.Lane)) {
	if every == 0 {
		return
	}
	l, d := s.lanes.New(0), replay.NewDice(s.o.Seed, "weather", name)
	s.work.Go(func() {
		for l.Sleep(ctx, d.About(every)) == nil && s.chaotic.Load() {
			do(ctx, d, l)
		}
	})
}

// someMachine is one that can be taken, or "".
func (s *simulation) someMachine() (id string, state simcloud.VMState) {
	for _, vm := range s.cloud.Snapshot().VMs {
		return vm.ID, vm.State
	}
	return "", ""
}

func (s *simulation) evict(ctx context.Context, d *replay.Dice, _ *replay.Lane) {
	if id, _ := s.someMachine(); id != "" {
		if s.cloud.Preempt(id, d.Between(time.Second, simcloud.MaxNotice)) == nil {
			s.faults.add(Eviction)
			if v, ok := s.machines.Load(id); ok {
				s.watchNotice(ctx, v.(*machine))
			}
		}
	}
}

func (s *simulation) vanish(ctx context.Context, _ *replay.Dice, _ *replay.Lane) {
	if id, _ := s.someMachine(); id != "" {
		if v, ok := s.machines.Load(id); ok {
			s.watchTold(ctx, v.(*machine), false)
		}
		if s.cloud.Vanish(id) == nil {
			s.faults.add(Vanishing)
		}
	}
}

func (s *simulation) freeze(context.Context, *replay.Dice, *replay.Lane) {
	if id, state := s.someMachine(); state == simcloud.VMRunning {
		if s.cloud.Freeze(id) == nil {
			s.faults.add(Freezing)
		}
	}
}

// somePlace is one of the world's placements.
func (s *simulation) somePlace(d *replay.Dice) string {
	return replay.Pick(d, s.worlds[0].Placements...).ID
}

func (s *simulation) noCapacity(ctx context.Context, d *replay.Dice, l *replay.Lane) {
	places := s.worlds[0].Placements
	if d.Chance(0.6) {
		places = places[:1+d.IntN(len(places))]
	}
	s.faults.begin(NoCapacity)
	defer s.faults.end(NoCapacity)
	for _, p := range places {
		_ = s.cloud.NoCapacity(p.ID, true) // it is there
	}
	_ = l.Sleep(ctx, d.Between(time.Minute, 30*time.Minute))
	for _, p := range places {
		_ = s.cloud.NoCapacity(p.ID, false)
	}
}

func (s *simulation) failScale(_ context.Context, d *replay.Dice, _ *replay.Lane) {
	codes := []string{"SkuNotAvailable", "AllocationFailed", "ZonalAllocationFailed", "Conflict", "InternalServerError", "TooManyRequests"}
	if s.cloud.FailNext(s.somePlace(d), replay.Pick(d, codes...), d.Chance(0.5)) == nil {
		s.faults.add(ScaleFails)
	}
}

func (s *simulation) quota(ctx context.Context, d *replay.Dice, l *replay.Lane) {
	p := s.somePlace(d)
	s.faults.begin(NoQuota)
	defer s.faults.end(NoQuota)
	_ = s.cloud.Quota(p, true)
	_ = l.Sleep(ctx, d.Between(time.Minute, 20*time.Minute))
	_ = s.cloud.Quota(p, false)
}

func (s *simulation) takeStorage(ctx context.Context, d *replay.Dice, l *replay.Lane) {
	s.faults.begin(StorageAway)
	defer s.faults.end(StorageAway)
	s.storageAway.Store(true)
	_ = l.Sleep(ctx, d.Between(5*time.Second, replay.Pick(d, time.Minute, 12*time.Minute)))
	s.storageAway.Store(false)
}

func (s *simulation) takeTable(ctx context.Context, d *replay.Dice, l *replay.Lane) {
	s.faults.begin(TableAway)
	defer s.faults.end(TableAway)
	s.tableAway.Store(true)
	_ = l.Sleep(ctx, d.Between(5*time.Second, replay.Pick(d, time.Minute, 12*time.Minute)))
	s.tableAway.Store(false)
}

func (s *simulation) cutOff(ctx context.Context, d *replay.Dice, l *replay.Lane) {
	s.faults.begin(MachinesCutOff)
	defer s.faults.end(MachinesCutOff)
	s.machinesCutOff.Store(true)
	_ = l.Sleep(ctx, d.Between(5*time.Second, replay.Pick(d, 50*time.Second, 15*time.Minute)))
	s.machinesCutOff.Store(false)
}

// fillDisk leaves an agent little room on its disk for some minutes, or none;
// often its queue is away, too, which is when it needs some.
func (s *simulation) fillDisk(ctx context.Context, d *replay.Dice, l *replay.Lane) {
	id, _ := s.someMachine()
	v, ok := s.machines.Load(id)
	if !ok {
		return
	}
	m := v.(*machine)
	s.faults.begin(DiskFull)
	defer s.faults.end(DiskFull)
	s.witness.Full(id)
	m.fill(replay.Pick(d, 1, int64(4+d.IntN(60))<<10))
	if d.Chance(0.5) && !m.lingering.Load() {
		m.cutOff.Store(true)
	}
	_ = l.Sleep(ctx, d.Between(10*time.Second, replay.Pick(d, 30*time.Second, 10*time.Minute)))
	m.fill(0)
	if !m.lingering.Load() {
		m.cutOff.Store(false)
	}
}

func (s *simulation) chatTrouble(ctx context.Context, d *replay.Dice, l *replay.Lane) {
	s.log.Warn("chat trouble")
	lasts := d.Between(10*time.Second, replay.Pick(d, time.Minute, 5*time.Minute, 20*time.Minute))
	kinds := []Fault{ChatFails, ChatLimits, ChatRepliesLost, ChatTokensLost, ChatSlow, ChatForbids, ChatAway}
	kind := replay.Pick(d, kinds...)
	s.faults.begin(kind)
	defer s.faults.end(kind)
	switch kind {
	case ChatFails:
		s.discord.Fail(1+d.IntN(20), replay.Pick(d, 500, 502, 503))
	case ChatLimits:
		s.discord.RateLimitAll(lasts)
	case ChatRepliesLost:
		s.discord.DropReplies(1 + d.IntN(5))
	case ChatTokensLost:
		s.discord.LoseWebhooks(1 + d.IntN(8))
	case ChatSlow:
		s.discord.SlowDown(d.Between(500*time.Millisecond, 15*time.Second))
		_ = l.Sleep(ctx, lasts)
		s.discord.SlowDown(0)
	case ChatForbids:
		s.discord.Forbid(true)
		_ = l.Sleep(ctx, lasts)
		s.discord.Forbid(false)
	case ChatAway:
		s.discord.Fail(1_000_000, 503)
		_ = l.Sleep(ctx, lasts)
		s.discord.Fail(0, 0)
	default:
	}
}

// beCalm ends all faults.
func (s *simulation) beCalm() {
	s.log.Warn("calm")
	s.chaotic.Store(false)
	s.storageAway.Store(false)
	s.tableAway.Store(false)
	s.machinesCutOff.Store(false)
	for _, p := range s.worlds[0].Placements {
		_ = s.cloud.NoCapacity(p.ID, false)
		_ = s.cloud.Quota(p.ID, false)
		_ = s.cloud.FailNoMore(p.ID)
	}
	s.discord.Fail(0, 0)
	s.discord.RateLimitAll(0)
	s.discord.DropReplies(0)
	s.discord.LoseWebhooks(0)
	s.discord.SlowDown(0)
	s.discord.Forbid(false)
	s.witness.Note("calm")
}
