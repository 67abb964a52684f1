package chaos

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"hearth/internal/bot"
	"hearth/internal/sim/chaos/replay"
	"hearth/internal/world"
)

const (
	visibility = 60 * time.Second // of a message in hand, over bot.HandleWithin
	pollMost   = 2 * time.Second  // between two looks at an empty queue
	pollAsleep = 15 * time.Second // the same in a month, in which most hours are still
	sweepEvery = 6 * time.Hour
)

// died is what a worker's process panics with at its end.
type died struct{}

// worker is a host's process that handles events, and is started again when it
// dies.
type worker struct {
	s         *simulation
	name      string
	lane      *replay.Lane
	dice      *replay.Dice
	log       *slog.Logger
	reactions *bot.Reactions
	events    queue
	inHand    [][]byte // messages: the one that is being handled, and those of the poison queue
}

// has: the message is in hand.
func (w *worker) has(body []byte) bool {
	return slices.ContainsFunc(w.inHand, func(b []byte) bool { return bytes.Equal(b, body) })
}

func (s *simulation) startWorkers(ctx context.Context) {
	for i := range s.plan.Workers {
		w := &worker{
			s: s, name: string(rune('A' + i)), lane: s.lanes.New(time.Duration(i) * s.plan.WorkerSkew),
			dice: replay.NewDice(s.o.Seed, "worker", i), log: s.log.With("worker", string(rune('A'+i))),
		}
		s.work.Go(func() { w.run(ctx) })
	}
	sweeper := s.bystander("reconcile")
	reconcile := &bot.Reconcile{
		Guild: s.guild, Worlds: s.worlds, Estate: compute{sweeper}, Store: store{s.store, sweeper},
		Key: []byte(botKey), Clock: s.lanes.New(0),
		Events: queue{s.storage.Queue(world.EventsQueue), s.bystander("sweep")}, Log: s.log.With("part", "reconcile"),
	}
	clock := s.lanes.New(0)
	s.work.Go(func() {
		for clock.Sleep(ctx, sweepEvery) == nil {
			_ = reconcile.Run(ctx) // it is a backstop: the next one comes
		}
	})
}

func (w *worker) run(ctx context.Context) {
	for life := 1; ctx.Err() == nil; life++ {
		if err := w.begin(life); err != nil {
			w.log.Warn("worker not made", "error", err)
			return
		}
		w.s.working.Add(1)
		wait := 50 * time.Millisecond
		for w.survives(ctx, &wait) {
			if w.lane.Sleep(ctx, wait) != nil {
				return
			}
		}
		w.s.kills.Add(1)
		w.s.working.Add(-1)
		if w.lane.Sleep(ctx, w.dice.Between(time.Second, replay.Pick(w.dice, 5*time.Second, 2*time.Minute))) != nil {
			return
		}
	}
}

// begin makes everything that a process has in memory.
func (w *worker) begin(life int) error {
	s := w.s
	as := func(what string) *caller {
		return &caller{s: s, who: fmt.Sprintf("worker %s/%d", w.name, life), lane: w.lane, dice: replay.NewDice(s.o.Seed, w.name, life, what), mishap: w.mishap}
	}
	chat, err := s.newClient(&wire{as("chat"), s.discord.Transport()}, w.lane)
	if err != nil {
		return err
	}
	log := s.log.With("worker", w.name, "life", life)
	ordering := as("order")
	w.events = queue{s.storage.Queue(world.EventsQueue), as("host")}
	w.reactions = &bot.Reactions{
		Verifier: s.verifier, KeyOf: s.key, Log: log, Poison: spent{queue{s.storage.Queue(world.PoisonQueue(world.EventsQueue)), as("poison")}, w},
		Archive: archive{s.storage.Archive(), as("archive")},
		Runner: &bot.Runner{
			Guild: s.guild, Worlds: s.worlds, Clock: w.lane, Log: log, Key: []byte(botKey), Draw: replay.NewDice(s.o.Seed, w.name, life, "runner").Uint64,
			Store: store{s.store, as("store")}, Compute: compute{as("compute")}, Console: compute{as("console")}, Estate: compute{as("estate")}, Chat: chat,
			Events: delays{queue{s.storage.Queue(world.EventsQueue), as("delay")}, w},
			Orders: func(id string) world.Queue {
				return orders{queue{s.storage.Queue(world.OrdersQueue(id)), ordering}}
			},
		},
	}
	return nil
}

// survives takes one message from the queue and handles it; false when the
// process died of it. wait is set to how long to pause.
func (w *worker) survives(ctx context.Context, wait *time.Duration) (alive bool) {
	defer func() {
		if v := recover(); v != nil {
			if _, ok := v.(died); !ok {
				panic(v)
			}
			w.log.Warn("worker died")
		}
	}()
	ms, err := w.events.Receive(ctx, 1, visibility)
	if err != nil || len(ms) == 0 {
		*wait = min(2**wait, w.pollMost())
		return true
	}
	*wait = time.Millisecond
	m := ms[0]
	w.s.witness.Delivered(m)
	body := w.s.rejuvenate(m.Body)
	w.inHand = [][]byte{body}
	if w.s.o.Bug == AcknowledgeFirst {
		_ = w.events.Delete(ctx, m)
	}
	// A message in hand is finished, whatever ends.
	if err := w.reactions.Handle(context.WithoutCancel(ctx), body, m.DequeueCount); err != nil {
		w.log.Warn("event not handled", "delivery", m.DequeueCount, "error", err)
		return true
	}
	w.s.witness.Handled(body)
	if w.s.o.Bug != AcknowledgeFirst {
		_ = w.events.Delete(ctx, m) // it comes again, and is known
	}
	return true
}

func (w *worker) pollMost() time.Duration {
	if st := w.s.witness.Status(); w.s.month != nil && (st == world.Stopped || st == world.Failed) {
		return pollAsleep
	}
	return pollMost
}

// mishap is where a process may die, or stand still for longer than its claims
// last.
func (w *worker) mishap() {
	if w.s.fault(WorkerDies, w.dice, w.s.plan.Die) {
		panic(died{})
	}
	if w.s.fault(WorkerStalls, w.dice, w.s.plan.Stall) {
		w.s.working.Add(-1)
		<-w.lane.After(w.dice.Between(20*time.Second, 150*time.Second))
		w.s.working.Add(1)
	}
}
