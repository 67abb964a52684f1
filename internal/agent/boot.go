package agent

import (
	"context"
	"errors"
	"sync"
	"time"

	"hearth/internal/agent/backoff"
	"hearth/internal/agent/lease"
	"hearth/internal/agent/outbox"
	"hearth/internal/agent/watch"
	"hearth/internal/world"
)

// phase is where the boot is in its life; doc.go draws the ways between.
type phase string

const (
	acquiring phase = "acquiring" // waits for the lease
	checking  phase = "checking"  // looks at the world's files
	starting  phase = "starting"  // the game's process is being made
	loading   phase = "loading"   // the process exists
	listening phase = "listening" // players can connect
	stopping  phase = "stopping"  // the game was asked to end
	down      phase = "down"      // no game runs, and none will
)

const (
	// greetWithin is how long HostUp waits for the machine's name and for the
	// last boot's proof. The game does not wait for them.
	greetWithin = 10 * time.Second

	// powerOffGrace is how long the last lines may take when the machine is
	// gone: nobody reads them.
	powerOffGrace = time.Second

	// FlushFor is how long a clean stop waits for the last events to be sent,
	// the lease to be released and notices to be acknowledged.
	FlushFor = 10 * time.Second
)

// boot is the state of one Run. Everything below the channels belongs to the
// goroutine of loop; the others know the Options and the channels.
type boot struct {
	Options
	out     *outbox.Outbox
	keeper  *lease.Keeper
	watch   watch.Watch
	feeders sync.WaitGroup // goroutines that live as long as the boot
	errands sync.WaitGroup // goroutines that carry out one thing

	machines   chan world.Machine
	notices    chan world.Notice
	deliveries chan watch.Delivery
	proofs     chan *world.Proof
	checked    chan checkResult
	steps      chan world.Step
	started    chan startResult
	measured   chan int64
	synced     chan syncResult
	left       chan struct{} // the proof was written, or given up
	over       chan struct{} // closed when loop has ended
	hurried    chan struct{} // closed when the cloud takes the machine
	cleared    chan struct{} // closed when no game runs that nobody knows of
	met        bool          // one did; to be read once cleared is closed

	memory          // what the next process of the agent finds
	unwritten  bool // it changed
	leaving    bool // Run's ctx ended
	graceUntil time.Time

	leaseDue  <-chan time.Time
	leaseLost bool

	heard    <-chan struct{}  // closed when the queue took HostUp; nil: it did, or it was not said
	fit      time.Time        // when the world's files were found fit; zero: they were not, or the game is made
	complain <-chan time.Time // then it is said what the game waits for

	machineKnown bool
	proofKnown   bool
	greetBy      <-chan time.Time
	heartbeatDue <-chan time.Time
	memoryBytes  int64
	previous     *world.Proof // how an earlier boot ended
	continues    bool         // the game of the epoch before goes on

	game        *game  // the process that runs, or nil
	cancelStart func() // while a start is under way
	clearing    func() // hurries the end of a game that nobody knows of; nil: there is none
	finding     bool   // what an earlier process started is being looked for
	doubted     bool   // what this one started is
	cancelKeep  func() // while snapshots are taken, or given up
	tail        []string

	stop      *stop // the one stop of this boot, once begun
	answering map[string]<-chan struct{}
}

func newBoot(o Options) *boot {
	b := &boot{
		Options:    o,
		keeper:     lease.New(o.World, o.Lease, o.Clock, o.Log),
		watch:      watch.Watch{World: o.World, Clock: o.Clock, Metadata: o.Metadata, Orders: o.Orders, Log: o.Log},
		machines:   make(chan world.Machine),
		notices:    make(chan world.Notice),
		deliveries: make(chan watch.Delivery),
		proofs:     make(chan *world.Proof),
		checked:    make(chan checkResult),
		steps:      make(chan world.Step),
		started:    make(chan startResult),
		measured:   make(chan int64),
		synced:     make(chan syncResult),
		left:       make(chan struct{}),
		over:       make(chan struct{}),
		hurried:    make(chan struct{}),
		cleared:    make(chan struct{}),
		answering:  map[string]<-chan struct{}{},
	}
	b.memory = memory{Life: o.Boot, Phase: acquiring}
	return b
}

// wake opens the outbox, takes up what an earlier process left, and starts what
// watches the world outside. Notices come first: the first look at them can
// take minutes and is what switches them on.
func (b *boot) wake(work context.Context) {
	b.feeders.Go(func() { b.watch.Notices(work, b.notices) })
	b.feeders.Go(func() { b.watch.Machine(work, b.machines) })
	var state []byte
	b.out, state = outbox.Open(outbox.Options{Disk: b.Disk, Queue: b.Events, Clock: b.Clock, Log: b.Log})
	b.remember(work, state)
	b.feeders.Go(func() { b.keeper.Run(work) })
	b.feeders.Go(func() { b.out.Run(work, backoff.New(500*time.Millisecond, 10*time.Second, b.World, "outbox")) })
}

// loop owns the state. ctx is Run's; work outlives it for a clean stop.
func (b *boot) loop(ctx, work context.Context) error {
	defer close(b.over)
	asked := ctx.Done()
	for !b.leaving || b.Phase != down {
		var batches <-chan []world.Line
		var done <-chan struct{}
		var settled, tail, revive <-chan time.Time
		if g := b.game; g != nil {
			batches, done, settled, tail, revive = g.lines, g.done, g.settled, g.tail, g.revive
		}
		var cleared <-chan struct{}
		if b.clearing != nil {
			cleared = b.cleared
		}
		var deadline, abandon <-chan time.Time
		if s := b.stop; s != nil {
			deadline, abandon = s.deadline, s.abandon
		}
		select {
		case <-asked:
			asked = nil
			if abrupt(ctx) {
				b.vanish(context.Cause(ctx))
				return context.Cause(ctx)
			}
			b.leave(work)
		case n := <-b.notices:
			b.heed(work, n)
		case news := <-b.keeper.News():
			b.onLease(work, news)
		case m := <-b.machines:
			b.Machine, b.machineKnown = m, true
			b.greet()
		case p := <-b.proofs:
			b.previous, b.proofKnown = p, true
			b.greet()
		case <-b.heard:
			b.onHeard(work)
		case <-b.complain:
			b.sayUnheard()
		case <-cleared:
			b.onCleared(work)
		case r := <-b.checked:
			b.onChecked(work, r)
		case s := <-b.steps:
			b.step(s)
		case d := <-b.deliveries:
			b.obey(work, d)
		case r := <-b.started:
			b.onStarted(work, r)
		case lines, ok := <-batches:
			if ok {
				b.read(lines)
			} else {
				b.game.lines = nil
			}
			b.checkGone(work)
		case <-done:
			b.game.ended(b.Clock)
			b.checkGone(work)
		case <-tail:
			b.game.lines = nil
			b.checkGone(work)
		case <-revive:
			b.game.revive = nil
			b.checkGone(work)
		case <-settled:
			b.nowListening()
		case n := <-b.measured:
			b.memoryBytes = n
		case r := <-b.synced:
			b.prove(work, r)
		case <-b.left:
			b.proofLeft()
		case <-deadline:
			b.Log.Error("game did not end in time, killing it", "world", b.World, "boot", b.Holding.Epoch)
			b.kill(work)
		case <-abandon:
			b.abandonGame(work)
		case <-b.leaseDue:
			b.checkLease(work)
		case <-b.greetBy:
			b.greetBy = nil
			b.hostUp()
		case <-b.heartbeatDue:
			b.heartbeat(work)
		}
		b.write()
	}
	return nil
}

// leave begins the clean end of the boot.
func (b *boot) leave(work context.Context) {
	b.leaving = true
	switch {
	case b.Holding.Epoch == 0: // never held the lease
		b.giveLeaseBack()
		b.Phase = down
	case b.stop == nil:
		b.beginStop(work, stopRequest{Why: world.StopAgent})
	}
}

// depart lets the last words out, for at most FlushFor.
func (b *boot) depart(work context.Context) {
	if b.stop != nil && b.stop.Why == world.StopAgent {
		b.Ended = true // whoever starts the agent again wants the game again
		b.unwritten = true
		b.write()
	}
	errands := make(chan struct{})
	b.feeders.Go(func() {
		b.errands.Wait()
		close(errands)
	})
	bound := b.Clock.After(FlushFor)
	for errands != nil {
		select {
		case <-errands:
			errands = nil
		case <-b.left:
			b.proofLeft()
		case <-bound:
			b.undone()
			return
		case <-work.Done():
			return
		}
	}
	waits := []<-chan struct{}{b.out.Drained(), b.out.Commit(b.remembered())}
	if b.Released {
		waits = append(waits, b.keeper.Done())
	}
	for _, w := range waits {
		select {
		case <-w:
		case <-bound:
			b.undone()
			return
		case <-work.Done():
			return
		}
	}
}

func (b *boot) undone() {
	b.Log.Error("ended with work undone", "world", b.World, "boot", b.Holding.Epoch, "unsent_events", b.out.Left())
}

// vanish ends as the machine does, game and all, or as the process does.
func (b *boot) vanish(why error) {
	if b.game != nil && errors.Is(why, ErrPowerOff) {
		b.reap(b.game.server, powerOffGrace)
	}
}

// reap kills a process and takes its last lines, which nobody reads, so that
// its writer is not held.
func (b *boot) reap(s world.Server, within time.Duration) {
	if err := s.Kill(); err != nil {
		b.Log.Error("game could not be killed", "world", b.World, "error", err)
	}
	bound := b.Clock.After(within)
	for {
		select {
		case _, ok := <-s.Lines():
			if !ok {
				return
			}
		case <-bound:
			return
		}
	}
}
