package agent

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"

	"hearth/internal/agent/spool"
	"hearth/internal/world"
)

// ErrKilled as the cause of Run's context (context.WithCancelCause) says that
// the agent's process dies: no save, no word to anybody, and the game goes on.
var ErrKilled = errors.New("the agent was killed")

// ErrPowerOff as the cause of Run's context (context.WithCancelCause) says
// that the machine is gone: no save, no word to anybody.
var ErrPowerOff = errors.New("the machine is gone")

// MinKeyBytes is the shortest key that events may be sealed with.
const MinKeyBytes = world.MinKeyBytes

// Options is everything an Agent needs. All of it but Snapshots is required.
type Options struct {
	World string      // the world's id
	Key   []byte      // HMAC key of the world's events, at least MinKeyBytes
	Clock world.Clock // measures every wait and every age
	Game  world.Game  // started once the lease is held
	Files world.Files // what it plays on
	// Snapshots keep the files as the last session left them; nil: nobody does.
	Snapshots world.Snapshots
	// Metadata is asked for the machine once and for notices every second.
	Metadata world.Metadata
	Lease    world.Lease
	Events   world.Queue // where events go: world.EventsQueue
	Orders   world.Queue // where orders come from: world.OrdersQueue(World)
	// Disk keeps what the agent must not forget when its process dies. It need
	// not outlive the machine. Nobody else uses it.
	Disk spool.Disk
	// Boot names this life of the machine, as /proc/sys/kernel/random/boot_id
	// does: with another one a new boot begins, with the same one the last goes
	// on.
	Boot string
	Log  *slog.Logger
}

// Agent runs one world's game on one machine, once.
type Agent struct {
	options Options
	ran     atomic.Bool
}

// New checks the options. The error names everything that is missing.
func New(o Options) (*Agent, error) {
	var problems []error
	need := func(ok bool, what string) {
		if !ok {
			problems = append(problems, errors.New(what))
		}
	}
	need(o.World != "" && !strings.Contains(o.World, "/"), "World must be the world's id as in HEARTH_WORLDS, without a slash")
	need(len(o.Key) >= MinKeyBytes, fmt.Sprintf("Key must have at least %d bytes: use the world's key of the deployment", MinKeyBytes))
	need(o.Clock != nil, "Clock is missing")
	need(o.Game != nil, "Game is missing")
	need(o.Files != nil, "Files is missing: the world's")
	need(o.Metadata != nil, "Metadata is missing")
	need(o.Lease != nil, "Lease is missing")
	need(o.Events != nil, "Events is missing: the queue that events are sent to")
	need(o.Orders != nil, "Orders is missing: the world's own queue of orders")
	need(o.Disk != nil, "Disk is missing: a folder on the machine")
	need(o.Boot != "", "Boot is missing: name this life of the machine")
	need(o.Log != nil, "Log is missing")
	if err := errors.Join(problems...); err != nil {
		return nil, fmt.Errorf("agent options: %w", err)
	}
	return &Agent{options: o}, nil
}

// Run lives one boot, or goes on with the one in which an earlier process of the
// agent died: see doc.go. It returns nil after a clean stop, which the end of
// ctx asks for: the game is saved, the proof and all events before it are sent
// (for at most FlushFor), the lease is released. With the cause ErrPowerOff it
// kills the game, with ErrKilled it leaves it alone; with either it sends
// nothing and returns the cause at once. A cause can't change any more once ctx
// has ended.
//
// After a stop that something else asked for, Run goes on reporting until ctx
// ends. A second call is an error: every process of the agent is a new Agent.
func (a *Agent) Run(ctx context.Context) error {
	if !a.ran.CompareAndSwap(false, true) {
		return errors.New("run agent: it ran before; make a new one for every boot")
	}
	// A clean stop still has to make calls after ctx ended; only the loss of
	// the machine or of the process ends them.
	work, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	unhook := context.AfterFunc(ctx, func() {
		if abrupt(ctx) {
			cancel(context.Cause(ctx))
		}
	})
	b := newBoot(a.options)
	b.wake(work)
	err := b.loop(ctx, work)
	if err == nil {
		b.depart(work)
	}
	unhook()
	cancel(err)
	b.errands.Wait()
	b.feeders.Wait()
	return err
}

// abrupt: ctx's end asks for no clean one.
func abrupt(ctx context.Context) bool {
	cause := context.Cause(ctx)
	return errors.Is(cause, ErrPowerOff) || errors.Is(cause, ErrKilled)
}
