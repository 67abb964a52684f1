package chaos

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"time"

	"hearth/internal/sim/chaos/games"
	"hearth/internal/sim/chaos/oracle"
	"hearth/internal/sim/simcloud"
	"hearth/internal/sim/simstorage"
	"hearth/internal/world"
)

// What the witness is shown, and when.

func (s *simulation) cloudChanged() {
	if s.cloud == nil { // it is just being made
		return
	}
	vms := s.cloud.Snapshot().VMs
	s.witness.Machines(vms)
	if s.month != nil {
		s.month.machines(vms, s.clock.Now())
	}
}

// turned is told that the fire was lit, or goes out.
func (s *simulation) turned(lit bool, why string) {
	if s.month != nil {
		s.month.turned(lit, why, s.clock.Now())
	}
}

func (s *simulation) gameStarts(vm string) (epoch int64) {
	s.witness.GameStarts(vm, s.runningGame(), s.saved())
	held, _, _ := s.storage.Lease().Holder(worldID)
	return held.Epoch
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

// watchAlways looks every so often at what lasts: the game and its lease, and
// what is paid for.
func (s *simulation) watchAlways(ctx context.Context) {
	l := s.lanes.New(0)
	s.work.Go(func() {
		for l.Sleep(ctx, 10*time.Second) == nil {
			s.checkLease()
			s.witness.Paid(s.cloud.Snapshot().VMs, s.botAway())
		}
	})
}

// botAway: nobody could do anything about a machine now.
func (s *simulation) botAway() bool {
	return s.storageAway.Load() || s.tableAway.Load() || s.working.Load() == 0
}

func (s *simulation) checkLease() {
	g := s.runningGame()
	if g == nil {
		return
	}
	v, ok := s.machines.Load(g.VM)
	if !ok {
		return
	}
	since := v.(*machine).aliveSince()
	if since.IsZero() {
		return
	}
	epoch := int64(0)
	if held, _, ok := s.storage.Lease().Holder(worldID); ok {
		epoch = held.Epoch
	}
	s.witness.Fenced(*g, s.clock.Now().Sub(since), epoch)
}

// heard is an agent's way to the events, which the witness listens at.
type heard struct {
	queue
	vm string
}

// Send implements world.Queue.
func (h heard) Send(ctx context.Context, body []byte, delay time.Duration) error {
	if body = h.s.word(body); body == nil {
		return nil
	}
	h.s.witness.AgentSays(h.vm, body, func() (games.Truth, oracle.Saved) { return h.s.lastGame(h.vm), h.s.saved() })
	h.s.witness.Sends(h.who, h.vm, body)
	err := h.queue.Send(ctx, body, delay)
	if err != nil {
		h.s.witness.Unsent(h.who, body)
	}
	return err
}

// ears listen at what comes into the events' queue from a machine.
type ears struct {
	world.Queue
	witness *oracle.Witness
	vm      string
}

// Send implements world.Queue.
func (e ears) Send(ctx context.Context, body []byte, delay time.Duration) error {
	if err := e.Queue.Send(ctx, body, delay); err != nil {
		return err
	}
	e.witness.Arrived(e.vm, body)
	return nil
}

// delays is the events' queue as a worker sends to it, where the witness learns
// of words that are put off.
type delays struct {
	queue
	worker *worker
}

// Send implements world.Queue.
func (q delays) Send(ctx context.Context, body []byte, delay time.Duration) error {
	timer, isTimer := timerOf(body, q.s.key)
	isTimer = isTimer && !q.worker.has(body) // else it is put off
	if isTimer {
		q.s.witness.Performs(q.who, timer)
	}
	err := q.queue.Send(ctx, body, delay)
	if err == nil {
		q.s.witness.PutOff(body)
	}
	if err == nil && isTimer {
		q.s.witness.Performed(timer)
	}
	return q.s.believe(err)
}

// timerOf is the effect that a delayed event is of, if it is a timer.
func timerOf(body []byte, keyOf func(string) []byte) (world.Effect, bool) {
	e, err := world.Decode(body, keyOf)
	if err != nil {
		return world.Effect{}, false
	}
	t, ok := e.Data.(*world.Timer)
	if !ok {
		return world.Effect{}, false
	}
	return world.Effect{Delay: &world.Delay{Timer: *t}}, true
}

// spent is the poison queue, from which the witness learns what came into it.
type spent struct {
	queue
	worker *worker
}

// Receive implements world.Queue.
func (q spent) Receive(ctx context.Context, limit int, visibility time.Duration) ([]world.Message, error) {
	ms, err := q.queue.Receive(ctx, limit, visibility)
	for _, m := range ms {
		q.s.witness.Spent(m.Body)
		q.worker.inHand = append(q.worker.inHand, m.Body)
	}
	return ms, err
}

// Delete implements world.Queue. The witness learns what is done away with, and
// whether it is kept.
func (q spent) Delete(ctx context.Context, m world.Message) error {
	waits := slices.ContainsFunc(q.s.storage.Queue(world.EventsQueue).Messages(), func(w simstorage.Message) bool { return bytes.Equal(w.Body, m.Body) })
	q.s.witness.Buried(m.Body, waits || q.s.storage.Archive().Holds(m.Body))
	return q.queue.Delete(ctx, m)
}

func (s *simulation) checkCalm() {
	s.witness.Calm(oracle.Quiet{Lasts: calmFor, Cloud: s.cloud.Snapshot(), Game: s.runningGame(), Logs: s.games.Logs()})
}

func (s *simulation) checkEnd() {
	poisoned := s.storage.Queue(world.PoisonQueue(world.EventsQueue)).Messages()
	for _, m := range poisoned {
		s.witness.Spent(m.Body)
	}
	s.witness.End(oracle.Scene{
		Lasted: outFor, Cloud: s.cloud.Snapshot(), Saved: s.saved(), Messages: s.discord.Messages(), Logs: s.games.Logs(),
		Poisoned: len(poisoned),
	})
}
