package chaos

import (
	"context"
	"errors"
	"slices"
	"time"

	"hearth/internal/sim/chaos/games"
	"hearth/internal/sim/chaos/oracle"
	"hearth/internal/sim/simcloud"
	"hearth/internal/world"
)

// What the witness is shown, and when.

func (s *simulation) cloudChanged() {
	if s.cloud != nil { // else it is just being made
		s.witness.Machines(s.cloud.Snapshot().VMs)
	}
}

func (s *simulation) gameStarts(vm string) {
	s.witness.GameStarts(vm, s.runningGame(), s.saved())
}

// runningGame is the truth about the game that runs, or nil.
func (s *simulation) runningGame() *games.Truth {
	g := s.games.Present()
	if g == nil {
		return nil
	}
	t := g.Truth()
	return &t
}

// lastGame is the truth about the last game of a machine; zero: it had none.
func (s *simulation) lastGame(vm string) games.Truth {
	if g := s.games.Last(vm); g != nil {
		return g.Truth()
	}
	return games.Truth{}
}

func (s *simulation) saved() oracle.Saved {
	files, err := s.games.Files()
	return oracle.Saved{World: files, Err: err}
}

// machineOff: a machine is without power. One that hangs is not off.
func (s *simulation) machineOff(cause error, vm string) {
	if !errors.Is(cause, simcloud.ErrPowerOff) || errors.Is(cause, simcloud.ErrFrozen) {
		return
	}
	deleted := slices.ContainsFunc(s.cloud.Snapshot().VMs, func(v simcloud.VMView) bool {
		return v.ID == vm && v.State == simcloud.VMDeleting
	})
	s.witness.MachineOff(oracle.Off{VM: vm, Deleted: deleted, Game: s.lastGame(vm), Messages: s.discord.Messages()})
}

// heard is an agent's way to the events, which the witness listens at.
type heard struct {
	queue
	vm   string
	life int
}

// Send implements world.Queue.
func (h heard) Send(ctx context.Context, body []byte, delay time.Duration) error {
	h.s.witness.AgentSays(h.vm, h.life, body, func() (games.Truth, oracle.Saved) { return h.s.lastGame(h.vm), h.s.saved() })
	return h.queue.Send(ctx, body, delay)
}

func (s *simulation) checkCalm() {
	s.witness.Calm(calmFor, s.cloud.Snapshot(), s.runningGame())
}

func (s *simulation) checkEnd() {
	s.witness.End(oracle.Scene{
		Lasted: outFor, Cloud: s.cloud.Snapshot(), Saved: s.saved(), Messages: s.discord.Messages(),
		Poisoned: len(s.storage.Queue(world.PoisonQueue(world.EventsQueue)).Messages()),
	})
}
