package chaos

import (
	"context"
	"errors"
	"strconv"
	"sync/atomic"
	"time"

	"hearth/internal/agent"
	"hearth/internal/sim/chaos/replay"
	"hearth/internal/sim/simcloud"
	"hearth/internal/sim/simdisk"
	"hearth/internal/world"
)

// boot is what happens on a machine: an agent runs, and is started again when
// it dies.
func (s *simulation) boot(ctx context.Context, vm *simcloud.VM) {
	lane := s.lanes.New(s.plan.AgentSkew)
	d := replay.NewDice(s.o.Seed, "machine", vm.ID)
	gone := context.AfterFunc(ctx, func() { s.machineOff(context.Cause(ctx), vm.ID) })
	defer gone()
	for life := 1; ctx.Err() == nil; life++ {
		s.runAgent(ctx, vm, lane, life)
		if lane.Sleep(ctx, d.Between(time.Second, 15*time.Second)) != nil {
			return
		}
	}
}

// runAgent is one life of an agent: until its machine ends, or something kills it
// and the game with it.
func (s *simulation) runAgent(ctx context.Context, vm *simcloud.VM, lane *replay.Lane, life int) {
	log := s.log.With("part", "agent", "vm", vm.ID, "life", life)
	cutOff := new(atomic.Bool)
	as := func(what string) *caller {
		return &caller{s: s, lane: lane, onMachine: true, cutOff: cutOff, dice: replay.NewDice(s.o.Seed, vm.ID, life, what)}
	}
	a, err := agent.New(agent.Options{
		World: worldID, Key: []byte(agentKey), Clock: lane, Game: s.games.On(vm.ID, life, lane), Files: s.games.FilesOf(vm.ID, life, lane), Metadata: metadata{vm, as("metadata")},
		Lease:  lease{s.storage.Lease(), as("lease")},
		Events: heard{queue{s.storage.Queue(world.EventsQueue), as("events")}, vm.ID, life},
		Orders: queue{s.storage.Queue(world.OrdersQueue(worldID)), as("orders")},
		Disk:   &simdisk.Disk{}, Boot: vm.ID + "/" + strconv.Itoa(life), Log: log,
	})
	if err != nil {
		log.Error("agent not made", "error", err)
		return
	}
	actx, kill := context.WithCancelCause(context.WithoutCancel(ctx))
	defer kill(nil)
	defer context.AfterFunc(ctx, func() {
		// The cloud calls it gone before it is, and it may not know.
		if d := replay.NewDice(s.o.Seed, vm.ID, "linger"); s.fault(Lingering, d, s.plan.Linger) {
			cutOff.Store(d.Chance(0.7))
			<-lane.After(d.Between(time.Second, replay.Pick(d, 40*time.Second, 8*time.Minute, 8*time.Minute)))
		}
		if errors.Is(context.Cause(ctx), simcloud.ErrPowerOff) {
			kill(agent.ErrPowerOff)
		} else {
			kill(context.Cause(ctx))
		}
	})()
	ended := make(chan struct{})
	if every := s.plan.AgentDiesEvery; every > 0 {
		s.work.Go(func() {
			select {
			case <-lane.After(replay.NewDice(s.o.Seed, vm.ID, life, "death").About(every)):
				if s.chaotic.Load() {
					s.faults.add(AgentDies)
					s.kills.Add(1)
					log.Warn("agent killed")
					kill(agent.ErrPowerOff)
				}
			case <-ended:
			}
		})
	}
	err = a.Run(actx)
	close(ended)
	if err != nil && !errors.Is(err, agent.ErrPowerOff) {
		log.Error("agent ended", "error", err)
	}
}
