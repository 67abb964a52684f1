package chaos

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"hearth/internal/agent"
	"hearth/internal/sim/chaos/replay"
	"hearth/internal/sim/simcloud"
	"hearth/internal/sim/simdisk"
	"hearth/internal/world"
)

// machine is one life of a machine: what runs on it, and what outlives that.
type machine struct {
	s         *simulation
	vm        *simcloud.VM
	name      string // of this life
	lane      *replay.Lane
	watch     *replay.Lane // of who looks at it from outside
	dice      *replay.Dice
	cutOff    atomic.Bool // it does not reach the storage account
	lingering atomic.Bool // it is gone from the list and runs
	gone      atomic.Bool // the cloud has switched it off, or says so

	mu    sync.Mutex // guards what follows
	disk  *simdisk.Disk
	alive time.Time   // since when an agent runs; zero: none does
	short atomic.Bool // its disk has little room, or none
}

// boot is what happens on a machine: an agent runs, and is started again when
// it dies. Its game goes on meanwhile.
func (s *simulation) boot(ctx context.Context, vm *simcloud.VM) {
	if s.bootFails(vm) {
		return
	}
	m := &machine{
		s: s, vm: vm, name: fmt.Sprintf("%s at %d", vm.ID, s.clock.Now().UnixNano()), lane: s.lanes.New(s.plan.AgentSkew), watch: s.lanes.New(0),
		dice: replay.NewDice(s.o.Seed, "machine", vm.ID), disk: &simdisk.Disk{},
	}
	s.machines.Store(vm.ID, m)
	power, off := context.WithCancelCause(context.WithoutCancel(ctx))
	defer off(nil)
	defer context.AfterFunc(ctx, func() { m.end(context.Cause(ctx), off) })()
	for life := 1; power.Err() == nil; life++ {
		m.live(power, life)
		if m.lane.Sleep(power, m.away()) != nil {
			break
		}
		m.repair()
	}
	s.games.PowerOff(vm.ID)
}

// bootFails: the machine gives up before its agent begins, and says so on its
// console, or hangs there.
func (s *simulation) bootFails(vm *simcloud.VM) bool {
	d := replay.NewDice(s.o.Seed, "boot", vm.ID)
	if !s.fault(BootFails, d, s.plan.BootFails) {
		return false
	}
	step := replay.Pick(d, world.BootSteps()...)
	text := fmt.Sprintf("hearth-boot: %s\n", step)
	if d.Chance(0.8) {
		text += fmt.Sprintf("hearth-boot: FAILED at %s: %s\n", step, replay.Pick(d, "pretended", "403 AuthorizationFailed", "404 BlobNotFound"))
	}
	_, _ = vm.Write([]byte(text)) // it may be gone already
	return true
}

// end is the machine's end: off is told its cause. The cloud may call it gone
// before it is, and it may not know.
func (m *machine) end(cause error, off context.CancelCauseFunc) {
	s := m.s
	m.gone.Store(true)
	s.machineOff(cause, m.vm.ID)
	// One without an agent is not among those that linger: nobody on it could
	// know that its lease ran out.
	if d := replay.NewDice(s.o.Seed, m.vm.ID, "linger"); !m.aliveSince().IsZero() && s.fault(Lingering, d, s.plan.Linger) {
		m.lingering.Store(true)
		m.cutOff.Store(d.Chance(0.7))
		<-m.lane.After(d.Between(time.Second, replay.Pick(d, 40*time.Second, 8*time.Minute, 8*time.Minute)))
	}
	if errors.Is(cause, simcloud.ErrPowerOff) {
		cause = agent.ErrPowerOff
		s.games.PowerOff(m.vm.ID)
	}
	off(cause)
}

// aliveSince is since when an agent runs; zero if none does.
func (m *machine) aliveSince() time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.alive
}

// is notes whether an agent runs, and gives it the disk.
func (m *machine) is(alive bool) *simdisk.Disk {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.alive = time.Time{}
	if alive {
		m.alive = m.s.clock.Now()
	}
	return m.disk
}

// away is how long an agent stays dead.
func (m *machine) away() time.Duration {
	if !m.lingering.Load() && m.s.fault(AgentStaysDead, m.dice, m.s.plan.StayDead) {
		return m.dice.Between(time.Minute, 14*time.Minute)
	}
	return m.dice.Between(time.Second, 15*time.Second)
}

// repair makes the disk one that works, if it has to, or another one.
func (m *machine) repair() {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case m.s.fault(MemoryLost, m.dice, m.s.plan.Forget):
		m.disk = &simdisk.Disk{}
	case m.disk.Pulled():
		m.disk = m.disk.Clone()
	}
	if _, err := m.disk.Read("checkpoint"); err != nil { // lost, or given up for want of room
		m.s.witness.Forgot(m.vm.ID)
	}
}

// fill lets the disk have room for so many bytes; 0: for all.
func (m *machine) fill(room int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.short.Store(room > 0)
	m.disk.SetLimit(room)
}

// live is one life of an agent: until its machine ends, or its process dies.
func (m *machine) live(power context.Context, life int) {
	s := m.s
	log := s.log.With("part", "agent", "vm", m.vm.ID, "life", life)
	as := func(what string) *caller {
		return &caller{s: s, who: fmt.Sprintf("agent %s/%d", m.vm.ID, life), lane: m.lane, onMachine: true, cutOff: &m.cutOff, dice: replay.NewDice(s.o.Seed, m.vm.ID, life, what)}
	}
	ctx, kill := context.WithCancelCause(power)
	defer kill(nil)
	disk := m.is(true)
	defer m.is(false)
	a, err := agent.New(agent.Options{
		World: worldID, Key: []byte(agentKey), Clock: m.lane, Game: s.game(s.games.On(ctx, m.vm.ID, life, m.lane)), Files: s.games.FilesOf(m.vm.ID, life, m.lane), Metadata: metadata{m.vm, as("metadata")},
		Lease:  lease{s.storage.Lease(), as("lease"), m.vm.ID, life},
		Events: heard{queue{ears{s.storage.Queue(world.EventsQueue), s.witness, m.vm.ID}, as("events")}, m.vm.ID},
		Orders: queue{s.storage.Queue(world.OrdersQueue(worldID)), as("orders")},
		Disk:   s.spoil(disk), Boot: m.name, Log: log,
	})
	if err != nil {
		log.Error("agent not made", "error", err)
		return
	}
	ended := make(chan struct{})
	if every := s.plan.AgentDiesEvery; every > 0 {
		s.work.Go(func() {
			d := replay.NewDice(s.o.Seed, m.vm.ID, life, "death")
			select {
			case <-m.lane.After(d.About(every)):
				m.die(d, disk, func() {
					log.Warn("agent killed")
					if m.short.Load() {
						s.witness.KilledFull(m.vm.ID)
					}
					kill(agent.ErrKilled)
				})
			case <-ended:
			}
		})
	}
	err = a.Run(ctx)
	close(ended)
	if err != nil && !errors.Is(err, agent.ErrPowerOff) && !errors.Is(err, agent.ErrKilled) {
		log.Error("agent ended", "error", err)
	}
}

// die ends an agent's process, at once or in the middle of one of its next
// writes to the disk.
func (m *machine) die(d *replay.Dice, disk *simdisk.Disk, kill func()) {
	s := m.s
	switch {
	case !s.chaotic.Load():
		return
	case d.Chance(0.4):
		s.faults.add(DiskStops)
		disk.StopAt(1+d.IntN(4), kill)
	default:
		s.faults.add(AgentDies)
		kill()
	}
	s.kills.Add(1)
}
