package queues

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/google/uuid"

	"hearth/internal/world"
)

// Lease is how long a received message is hidden; it is renewed at half of it,
// and sooner, but not below minRenewal, after the storage failed.
const (
	Lease      = 10 * time.Minute
	minRenewal = time.Minute
)

// Step is what happened to a message.
type Step string

// The steps a Listener tells of.
const (
	Received Step = "received"
	Deleted  Step = "deleted"
	Released Step = "released"
	Poisoned Step = "poisoned"
)

// Delivery is a message to call the function for.
type Delivery struct {
	Message
	Body       []byte
	Invocation string // its id
}

// Options say what a Listener listens to, and how. All are needed.
type Options struct {
	Queue, Poison      Queue
	Decode             func(text string) ([]byte, bool)
	BatchSize          int // 1 to 32
	NewBatchThreshold  int
	MaxDequeueCount    int
	VisibilityTimeout  time.Duration // until a failed message comes again
	MaxPollingInterval time.Duration
	Clock              world.Clock
	Log                *slog.Logger
	// Invoke calls the function; nil is success. It returns soon once ctx is
	// done.
	Invoke func(ctx context.Context, d Delivery) error
	// Observe is told of each step, in the goroutine that makes it.
	Observe func(Step, Delivery)
	// Poisoned is called after a message went to the poison queue.
	Poisoned func()
	// Fail is told what the host has to stop for.
	Fail func(error)
}

// Listener is the trigger of one function.
type Listener struct {
	o    Options
	wake chan struct{}
}

// NewListener makes a Listener; Run starts it.
func NewListener(o Options) *Listener { return &Listener{o: o, wake: make(chan struct{}, 1)} }

// Wake ends a wait for messages, as the output binding does in the same host.
func (l *Listener) Wake() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// Run listens until intake is done, or something fails that the host has to stop
// for, and then waits for the messages that are being handled. When ctx is done
// they are abandoned: nothing more is done to them, they stay leased.
func (l *Listener) Run(ctx, intake context.Context) {
	var running sync.WaitGroup
	defer running.Wait()
	ended := make(chan struct{}, l.o.BatchSize+l.o.NewBatchThreshold)
	wait := backoff{most: l.o.MaxPollingInterval}
	n, found := 0, false
	for intake.Err() == nil {
		select { // what woke us, or came while we looked, is seen by this look
		case <-l.wake:
		default:
		}
		batch, err := l.o.Queue.Receive(intake, l.o.BatchSize, Lease)
		switch {
		case intake.Err() != nil:
			return
		case errors.Is(err, ErrNoQueue) || errors.Is(err, ErrServer):
			l.o.Log.Warn("queue not read, trying again", "error", err)
		case err != nil:
			l.o.Fail(err)
			return
		}
		if len(batch) == 0 {
			d := wait.next(found)
			l.o.Log.Debug("no message", "next_look_in", d)
			select {
			case <-l.o.Clock.After(d):
			case <-l.wake:
			case <-intake.Done():
			}
			found = false
			continue
		}
		found = true
		for _, m := range batch {
			n++
			running.Go(func() {
				defer func() { ended <- struct{}{} }() // has room for all that run
				l.handle(ctx, m)
			})
		}
		for n > l.o.NewBatchThreshold {
			select {
			case <-ended:
				n--
			case <-intake.Done():
				return
			}
		}
	}
}

// handle brings one message to its end.
func (l *Listener) handle(ctx context.Context, m Message) {
	d := Delivery{Message: m, Invocation: uuid.NewString()}
	l.o.Observe(Received, d)
	if ctx.Err() != nil {
		return
	}
	body, ok := l.o.Decode(m.Text)
	if !ok {
		l.o.Log.Error("message is no base64, and goes to the poison queue", "message_id", m.ID)
		l.poison(ctx, d)
		return
	}
	if m.DequeueCount > int64(l.o.MaxDequeueCount) {
		l.o.Log.Warn("message was received too often, and goes to the poison queue", "message_id", m.ID, "dequeue_count", m.DequeueCount)
		l.poison(ctx, d)
		return
	}
	d.Body = body

	renewing, stop := context.WithCancel(ctx)
	renewed := make(chan Message, 1)
	var renewal sync.WaitGroup
	renewal.Go(func() { renewed <- l.renew(renewing, ctx, m) })
	err := l.o.Invoke(ctx, d)
	stop()
	renewal.Wait()
	d.Message = <-renewed
	if ctx.Err() != nil {
		return
	}
	switch {
	case err == nil:
		if l.settled(ctx, l.o.Queue.Delete(ctx, d.Message), "delete") {
			l.o.Observe(Deleted, d)
		}
	case m.DequeueCount >= int64(l.o.MaxDequeueCount):
		l.o.Log.Error("function failed for the last time", "message_id", m.ID, "dequeue_count", m.DequeueCount, "error", err)
		l.poison(ctx, d)
	default:
		l.o.Log.Error("function failed", "message_id", m.ID, "dequeue_count", m.DequeueCount, "error", err)
		_, err := l.o.Queue.Hide(ctx, d.Message, l.o.VisibilityTimeout)
		if l.settled(ctx, err, "release") {
			l.o.Observe(Released, d)
		}
	}
}

// poison copies the message to the poison queue, as it is stored, and deletes
// it.
func (l *Listener) poison(ctx context.Context, d Delivery) {
	if !l.settled(ctx, l.o.Poison.Send(ctx, d.Text), "poison") {
		return
	}
	l.o.Poisoned()
	if l.settled(ctx, l.o.Queue.Delete(ctx, d.Message), "delete") {
		l.o.Observe(Poisoned, d)
	}
}

// settled says whether an operation on a message was done. A message that is no
// longer ours is let go; any other error is one the host stops for.
func (l *Listener) settled(ctx context.Context, err error, what string) bool {
	switch {
	case ctx.Err() != nil:
		return false
	case errors.Is(err, ErrGone):
		l.o.Log.Warn("message was received by somebody else meanwhile", "operation", what, "error", err)
		return false
	case err != nil:
		l.o.Fail(fmt.Errorf("%s message: %w", what, err))
		return false
	}
	return true
}

// renew keeps the lease of m until renewing is done, and returns m with its last
// receipt. A renewal that has begun is not broken off.
func (l *Listener) renew(renewing, ctx context.Context, m Message) Message {
	const normal = Lease / 2
	every := normal
	for {
		select {
		case <-renewing.Done():
			return m
		case <-l.o.Clock.After(every):
		}
		next, err := l.o.Queue.Hide(ctx, m, Lease)
		switch {
		case err == nil:
			m, every = next, normal
		case ctx.Err() != nil || errors.Is(err, ErrGone) || errors.Is(err, ErrNoQueue):
			return m
		case errors.Is(err, ErrServer):
			l.o.Log.Warn("lease not renewed, trying again", "message_id", m.ID, "error", err)
			every = max(every/2, minRenewal)
		default:
			l.o.Fail(fmt.Errorf("renew lease of message: %w", err))
			return m
		}
	}
}
