package agent

import (
	"context"
	"sync"
	"time"

	"hearth/internal/agent/backoff"
	"hearth/internal/agent/lease"
	"hearth/internal/agent/outbox"
	"hearth/internal/world"
)

// phase is where the boot is in its life; doc.go draws the ways between.
type phase string

const (
	acquiring phase = "acquiring" // waits for the lease
	starting  phase = "starting"  // the game's process is being made
	loading   phase = "loading"   // the process exists
	listening phase = "listening" // players can connect
	stopping  phase = "stopping"  // the game was asked to end
	down      phase = "down"      // no game runs, and none will
)

const (
	noticesEvery = time.Second
	ordersEvery  = time.Second

	// greetWithin is how long HostUp waits for the machine's name. The game
	// does not wait for it.
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
	feeders sync.WaitGroup // goroutines that live as long as the boot
	errands sync.WaitGroup // goroutines that carry out one thing

	machines   chan world.Machine
	notices    chan world.Notice
	deliveries chan delivery
	started    chan startResult
	synced     chan syncResult

	phase   phase
	leaving bool // Run's ctx ended

	holding   world.Holding
	renewed   time.Time // when the last successful acquire or renew was begun
	leaseDue  <-chan time.Time
	released  bool // the keeper was told to let go
	leaseLost bool

	machine      world.Machine
	machineKnown bool
	seq          int64
	greeted      bool
	greetBy      <-chan time.Time
	heartbeatDue <-chan time.Time

	game        *game         // the process that runs, or nil
	ran         bool          // there was a process: its files are synced
	cancelStart func()        // while a start is under way
	touched     bool          // some process of this boot could be joined
	crashes     []time.Time   // of the last crashWindow
	lastSave    time.Time     // end of the last finished save
	saves       []saveWaiting // orders to save that wait for an autosave

	stop      *stop             // the one stop of this boot, once begun
	proven    *world.SaveProven // its outcome
	answering map[string]<-chan struct{}
	occupied  []string // operations whose stop-if-empty was refused
}

func newBoot(o Options) *boot {
	return &boot{
		Options:    o,
		out:        outbox.New(o.Events, o.Clock, o.Log),
		keeper:     lease.New(o.World, o.Lease, o.Clock, o.Log),
		machines:   make(chan world.Machine),
		notices:    make(chan world.Notice),
		deliveries: make(chan delivery),
		started:    make(chan startResult),
		synced:     make(chan syncResult),
		phase:      acquiring,
		answering:  map[string]<-chan struct{}{},
	}
}

// feed starts what watches the world outside. Notices come first: the first
// look at them can take minutes and is what switches them on.
func (b *boot) feed(work context.Context) {
	b.feeders.Go(func() { b.watchNotices(work) })
	b.feeders.Go(func() { b.learnMachine(work) })
	b.feeders.Go(func() { b.keeper.Run(work) })
	b.feeders.Go(func() { b.out.Run(work, backoff.New(500*time.Millisecond, 10*time.Second, b.World, "outbox")) })
}

// loop owns the state. ctx is Run's; work outlives it for a clean stop.
func (b *boot) loop(ctx, work context.Context) error {
	asked := ctx.Done()
	for !b.leaving || b.phase != down {
		var batches <-chan []world.Line
		var done <-chan struct{}
		var settled, tail <-chan time.Time
		if g := b.game; g != nil {
			batches, done, settled, tail = g.lines, g.done, g.settled, g.tail
		}
		var deadline, abandon <-chan time.Time
		if s := b.stop; s != nil {
			deadline, abandon = s.deadline, s.abandon
		}
		select {
		case <-asked:
			asked = nil
			if poweredOff(ctx) {
				b.powerOff()
				return ErrPowerOff
			}
			b.leave(work)
		case n := <-b.notices:
			b.heed(work, n)
		case news := <-b.keeper.News():
			b.onLease(work, news)
		case m := <-b.machines:
			b.machine, b.machineKnown = m, true
			b.greet()
		case d := <-b.deliveries:
			b.obey(work, d)
		case r := <-b.started:
			b.onStarted(work, r)
		case lines, ok := <-batches:
			if !ok {
				b.game.lines = nil
				b.checkGone(work)
				continue
			}
			b.read(lines)
		case <-done:
			b.game.ended(b.Clock)
			b.checkGone(work)
		case <-tail:
			b.game.lines = nil
			b.checkGone(work)
		case <-settled:
			b.nowListening()
		case r := <-b.synced:
			b.prove(work, r)
		case <-deadline:
			b.Log.Error("game did not end in time, killing it", "world", b.World, "boot", b.holding.Epoch)
			b.kill(work)
		case <-abandon:
			b.abandonGame(work)
		case <-b.leaseDue:
			b.checkLease(work)
		case <-b.greetBy:
			b.greetBy = nil
			b.hostUp()
		case <-b.heartbeatDue:
			b.heartbeat()
		}
	}
	return nil
}

// leave begins the clean end of the boot.
func (b *boot) leave(work context.Context) {
	b.leaving = true
	switch {
	case b.holding.Epoch == 0: // never held the lease
		b.giveLeaseBack()
		b.phase = down
	case b.stop == nil:
		b.beginStop(work, stopRequest{why: world.StopAgent})
	}
}

// depart lets the last words out, for at most FlushFor.
func (b *boot) depart(work context.Context) {
	errands := make(chan struct{})
	b.feeders.Go(func() {
		b.errands.Wait()
		close(errands)
	})
	bound := b.Clock.After(FlushFor)
	waits := []<-chan struct{}{b.out.Drained(), errands}
	if b.released {
		waits = append(waits, b.keeper.Done())
	}
	for _, w := range waits {
		select {
		case <-w:
		case <-bound:
			b.Log.Error("ended with work undone", "world", b.World, "boot", b.holding.Epoch, "unsent_events", b.out.Left())
			return
		case <-work.Done():
			return
		}
	}
}

// powerOff ends the game as the machine does.
func (b *boot) powerOff() {
	if b.game != nil {
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

// learnMachine asks what machine this is until it is told.
func (b *boot) learnMachine(ctx context.Context) {
	wait := backoff.New(time.Second, 30*time.Second, b.World, "machine")
	for {
		m, err := b.askMachine(ctx)
		if err == nil {
			select {
			case b.machines <- m:
			case <-ctx.Done():
			}
			return
		}
		if ctx.Err() != nil {
			return
		}
		if wait.Tries() == 0 {
			b.Log.Warn("machine is unknown, asking again", "world", b.World, "error", err)
		}
		if !backoff.Pause(ctx, b.Clock, wait.Next()) {
			return
		}
	}
}

func (b *boot) askMachine(ctx context.Context) (world.Machine, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	return b.Metadata.Machine(ctx)
}
