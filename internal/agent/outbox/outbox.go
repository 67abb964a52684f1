// Package outbox keeps what an agent has to say until its queue took it: in
// order, one at a time, however long the queue is away, and beyond the end of
// the agent's process.
//
// # The way of an event
//
//	Put ──▶ held ──Commit──▶ being written ──▶ on the disk ──▶ being sent ──▶ settled
//
// Events are written together with what the agent knew when it made them
// (Commit's state), and sent only then. So an agent that died and came back
// makes events again that nobody heard of, with the same ids, or none.
//
// # When there is no room
//
// At most Limit events wait; a disk that is full gives up its oldest. Either
// way the oldest go, are counted (Lost), and the counting survives, too. If the
// disk takes nothing at all, events are sent all the same, and a process that
// dies then leaves no memory: the next one begins anew.
package outbox

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"hearth/internal/agent/backoff"
	"hearth/internal/agent/spool"
	"hearth/internal/world"
)

// Limit is how many events wait for their queue at most.
const Limit = 10_000

// sendTimeout bounds one attempt to send. It is short because a notice leaves
// seconds, not minutes. Deadlines of calls are on the system's clock: a call
// takes the time it takes, however fast the Clock runs.
const sendTimeout = 5 * time.Second

// Options say where an Outbox writes and sends. All are needed.
type Options struct {
	Disk  spool.Disk
	Queue world.Queue
	Clock world.Clock
	Log   *slog.Logger
}

// Outbox keeps events until the queue took them, in order. It is safe for
// concurrent use, but for Run.
type Outbox struct {
	o Options

	dirty chan struct{} // there is something to write; capacity 1
	more  chan struct{} // there is something to send; capacity 1
	hurry chan struct{} // something urgent was put; capacity 1
	spool *spool.Spool  // the writer's alone; nil: the disk can't be used

	mu       sync.Mutex // guards what follows
	waiting  []letter   // not settled, oldest first
	next     int64      // the number of the next event
	released int64      // up to this number Commit was called
	durable  int64      // up to this number events may be sent
	spooled  int64      // up to this number they were written
	sent     int64      // up to this number they are settled
	sending  bool       // the first of waiting is on its way
	taken    int64      // the last event that the queue took in this process
	awaited  []awaited  // who waits for one to be taken
	failing  error      // of the last attempt to send; nil: it was taken
	lost     int64      // dropped, and nobody was told
	state    []byte     // of the last Commit that is not written yet
	commits  []chan struct{}
	empty    chan struct{} // closed while nothing waits
}

// awaited is closed when the queue takes an event from this number on.
type awaited struct {
	number int64
	taken  chan struct{}
}

// letter is one event on its way.
type letter struct {
	spool.Letter
	settled chan struct{} // closed when it was sent or given up
}

// Open reads what the last process left. state is that of its last Commit, nil
// if there was none. A disk whose spool can't be read begins a new one, which
// is logged; one that can't be used at all, too.
func Open(o Options) (out *Outbox, state []byte) {
	empty := make(chan struct{})
	out = &Outbox{
		o:     o,
		dirty: make(chan struct{}, 1), more: make(chan struct{}, 1), hurry: make(chan struct{}, 1),
		next: 1, empty: empty,
	}
	sp, found, err := spool.Open(o.Disk)
	if err != nil {
		o.Log.Error("what the agent knew before can't be read, beginning anew", "error", err)
		if err = spool.Clear(o.Disk); err == nil {
			sp, found, err = spool.Open(o.Disk)
		}
		if err != nil {
			o.Log.Error("agent's folder can't be used: events that wait are lost if the agent ends", "error", err)
			close(empty)
			return out, nil
		}
	}
	out.spool = sp
	for _, l := range found.Letters {
		out.waiting = append(out.waiting, letter{Letter: l, settled: make(chan struct{})})
	}
	out.next, out.lost = found.Next, found.Lost
	out.released, out.durable, out.spooled = found.Next-1, found.Next-1, found.Next-1
	out.sent = found.Next - 1 - int64(len(found.Letters))
	if len(out.waiting) == 0 {
		close(empty)
	}
	return out, found.State
}

// Put adds an event, to be written by the next Commit and sent after that. The
// channel is closed when it was sent or given up. It never blocks. An urgent
// event has the oldest one tried at once, instead of waiting for a queue that is
// away.
func (o *Outbox) Put(id string, body []byte, urgent bool) <-chan struct{} {
	o.mu.Lock()
	l := letter{Letter: spool.Letter{Number: o.next, ID: id, Body: body}, settled: make(chan struct{})}
	o.next++
	if len(o.waiting) == 0 {
		o.empty = make(chan struct{})
	}
	o.waiting = append(o.waiting, l)
	if len(o.waiting) > Limit {
		o.drop(0)
	}
	o.mu.Unlock()
	if urgent {
		nudge(o.hurry)
	}
	return l.settled
}

// Commit lets all events that were put go, and has the state written with them,
// which the next process finds. The channel is closed when that is on the disk,
// or was given up. It never blocks.
func (o *Outbox) Commit(state []byte) <-chan struct{} {
	done := make(chan struct{})
	o.mu.Lock()
	o.released, o.state = o.next-1, state
	o.commits = append(o.commits, done)
	o.mu.Unlock()
	nudge(o.dirty)
	return done
}

// drop gives up the events below a number, and the oldest when there are too
// many; but not one that is being sent, which can't be called back. o.mu is
// held.
func (o *Outbox) drop(below int64) {
	at := 0
	if o.sending {
		at = 1
	}
	end := at
	for end < len(o.waiting) && (o.waiting[end].Number < below || end == at && len(o.waiting) > Limit) {
		close(o.waiting[end].settled)
		end++
	}
	if end == at {
		return
	}
	if o.lost == 0 { // one line per event would fill the disk next
		o.o.Log.Error("no room for events, the oldest is dropped", "event_id", o.waiting[at].ID)
	}
	o.lost += int64(end - at)
	o.waiting = append(o.waiting[:at], o.waiting[end:]...)
	o.settled()
}

// settled notes how far everything is settled. o.mu is held.
func (o *Outbox) settled() {
	if len(o.waiting) > 0 {
		o.sent = o.waiting[0].Number - 1
		return
	}
	o.sent = o.next - 1
	o.waiting = nil
	close(o.empty)
}

// Lost is how many events were dropped since Told last took them off.
func (o *Outbox) Lost() int64 {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.lost
}

// Told takes dropped events off that somebody was told of.
func (o *Outbox) Told(n int64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.lost -= n
}

// Next is the number that the next event will have.
func (o *Outbox) Next() int64 {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.next
}

// Taken is closed when the queue took an event with this number or a higher one, of
// this process or of an earlier one that left it. One that was given up does not
// count.
func (o *Outbox) Taken(number int64) <-chan struct{} {
	o.mu.Lock()
	defer o.mu.Unlock()
	ch := make(chan struct{})
	if o.taken >= number {
		close(ch)
		return ch
	}
	o.awaited = append(o.awaited, awaited{number, ch})
	return ch
}

// Failing is why the queue did not take what was tried last; nil: it did, or nothing
// was tried.
func (o *Outbox) Failing() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.failing
}

// Drained is closed when nothing waits at the time of the call or later.
func (o *Outbox) Drained() <-chan struct{} {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.empty
}

// Left is how many events wait.
func (o *Outbox) Left() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.waiting)
}

// Run writes and sends until ctx ends; wait is between attempts to send.
func (o *Outbox) Run(ctx context.Context, wait *backoff.Backoff) {
	var writer sync.WaitGroup
	writer.Go(func() { o.write(ctx) })
	o.send(ctx, wait)
	writer.Wait()
}

// write brings what was committed to the disk.
func (o *Outbox) write(ctx context.Context) {
	failing := false
	for {
		select {
		case <-o.dirty:
		case <-ctx.Done():
			return
		}
		e, commits := o.batch()
		var err error
		kept := int64(0)
		if o.spool != nil {
			kept, err = o.spool.Commit(e)
		}
		if err != nil && !failing {
			o.o.Log.Error("events can't be written down, sending them all the same", "error", err)
		}
		if err == nil && failing {
			o.o.Log.Info("events can be written down again")
		}
		failing = err != nil
		o.written(e, kept, err)
		for _, c := range commits {
			close(c)
		}
	}
}

// batch is what is to be written now.
func (o *Outbox) batch() (spool.Entry, []chan struct{}) {
	o.mu.Lock()
	defer o.mu.Unlock()
	e := spool.Entry{State: o.state, Sent: o.sent, Lost: o.lost}
	for _, l := range o.waiting {
		if l.Number > o.spooled && l.Number <= o.released {
			e.Letters = append(e.Letters, l.Letter)
		}
	}
	commits := o.commits
	o.commits = nil
	return e, commits
}

// written lets the events of a batch be sent, and gives up those that had to
// make room for them.
func (o *Outbox) written(e spool.Entry, kept int64, err error) {
	o.mu.Lock()
	if n := len(e.Letters); n > 0 {
		o.durable = e.Letters[n-1].Number
		if err == nil {
			o.spooled = o.durable
		}
	}
	o.drop(kept)
	o.mu.Unlock()
	nudge(o.more)
}

// first takes the oldest event in hand.
func (o *Outbox) first() (letter, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.waiting) == 0 || o.waiting[0].Number > o.durable {
		return letter{}, false
	}
	o.sending = true
	return o.waiting[0], true
}

// settle removes the event in hand, which the queue took, or will never take.
func (o *Outbox) settle(taken bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if taken {
		o.failing, o.taken = nil, o.waiting[0].Number
		o.awaited = slices.DeleteFunc(o.awaited, func(a awaited) bool {
			if a.number > o.taken {
				return false
			}
			close(a.taken)
			return true
		})
	}
	close(o.waiting[0].settled)
	o.waiting[0] = letter{} // lets the body go
	o.waiting = o.waiting[1:]
	o.sending = false
	o.settled()
}

// send sends what is on the disk. A failed attempt leaves open whether the event
// arrived; it is sent again under the same id.
func (o *Outbox) send(ctx context.Context, wait *backoff.Backoff) {
	for ctx.Err() == nil {
		l, ok := o.first()
		if !ok {
			select {
			case <-o.more:
			case <-ctx.Done():
			}
			continue
		}
		err := o.attempt(ctx, l)
		switch {
		case err == nil:
			if wait.Tries() > 0 {
				o.o.Log.Info("events queue is back", "event_id", l.ID, "tries", wait.Tries()+1)
			}
			o.settle(true)
			wait.Reset()
		case ctx.Err() != nil:
			return
		case errors.Is(err, world.ErrTooLarge): // and will be every time
			o.o.Log.Error("event is too large for its queue, dropped", "event_id", l.ID, "error", err)
			o.settle(false)
		default:
			o.fail(err)
			if wait.Tries() == 0 {
				o.o.Log.Warn("events queue does not answer, trying again", "event_id", l.ID, "error", err)
			}
			select {
			case <-o.o.Clock.After(wait.Next()):
			case <-o.hurry:
			case <-ctx.Done():
			}
		}
	}
}

func (o *Outbox) fail(err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.failing = err
}

func (o *Outbox) attempt(ctx context.Context, l letter) error {
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	return o.o.Queue.Send(ctx, l.Body, 0)
}

// nudge wakes whoever waits on a channel of capacity 1.
func nudge(ch chan struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}
