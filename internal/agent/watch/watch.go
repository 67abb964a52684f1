// Package watch polls for an agent what nobody tells it: notices of the cloud,
// orders, and what machine this is. Each function runs until its context ends,
// or until it has what it asks for, and hands on what it found.
package watch

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"hearth/internal/agent/backoff"
	"hearth/internal/world"
)

const (
	noticesEvery = time.Second
	ordersEvery  = time.Second

	// firstNotices bounds the first look: it switches the service on, which
	// may take two minutes (Azure's documentation of Scheduled Events).
	firstNotices  = 3 * time.Minute
	noticeTimeout = 5 * time.Second

	machineTimeout = 10 * time.Second

	ordersAtOnce = 8
	// ordersHidden is how long a received order is hidden from the next look.
	// The agent is its queue's only reader.
	ordersHidden  = 30 * time.Second
	ordersTimeout = 10 * time.Second

	// rememberNotices bounds the ids that are remembered: one that drops out
	// of a list and comes back is not new.
	rememberNotices = 256
)

// Watch is who watches for what. All is needed.
type Watch struct {
	World    string
	Clock    world.Clock
	Metadata world.Metadata
	Orders   world.Queue
	Log      *slog.Logger
}

// Delivery is an order that came.
type Delivery struct {
	Message world.Message
	Order   world.Order
}

// Notices hands each notice on once. Notices that vanish were carried out or
// withdrawn; nothing is undone for them.
func (w Watch) Notices(ctx context.Context, out chan<- world.Notice) {
	var seen []string
	timeout := firstNotices
	failing := false
	for {
		list, err := w.askNotices(ctx, timeout)
		switch {
		case err == nil:
			timeout, failing = noticeTimeout, false
		case ctx.Err() != nil:
			return
		case !failing:
			failing = true
			w.Log.Warn("notices can't be read, trying again", "world", w.World, "error", err)
		}
		for _, n := range list {
			if slices.Contains(seen, n.ID) {
				continue
			}
			select {
			case out <- n:
			case <-ctx.Done():
				return
			}
			seen = append(seen, n.ID)
		}
		seen = seen[max(0, len(seen)-rememberNotices):]
		if !backoff.Pause(ctx, w.Clock, noticesEvery) {
			return
		}
	}
}

func (w Watch) askNotices(ctx context.Context, timeout time.Duration) ([]world.Notice, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	return w.Metadata.Notices(ctx)
}

// Machine asks what machine this is until it is told.
func (w Watch) Machine(ctx context.Context, out chan<- world.Machine) {
	wait := backoff.New(time.Second, 30*time.Second, w.World, "machine")
	for {
		m, err := w.askMachine(ctx)
		if err == nil {
			select {
			case out <- m:
			case <-ctx.Done():
			}
			return
		}
		if ctx.Err() != nil {
			return
		}
		if wait.Tries() == 0 {
			w.Log.Warn("machine is unknown, asking again", "world", w.World, "error", err)
		}
		if !backoff.Pause(ctx, w.Clock, wait.Next()) {
			return
		}
	}
}

func (w Watch) askMachine(ctx context.Context) (world.Machine, error) {
	ctx, cancel := context.WithTimeout(ctx, machineTimeout)
	defer cancel()
	return w.Metadata.Machine(ctx)
}

// Deliveries hands every order on. Whoever takes one deletes it when it was acted
// on or answered: what nobody got to comes again, to this process or the next.
func (w Watch) Deliveries(ctx context.Context, out chan<- Delivery) {
	wait := backoff.New(ordersEvery, 10*time.Second, w.World, "orders")
	for {
		messages, err := w.receive(ctx)
		switch {
		case err == nil:
			wait.Reset()
		case ctx.Err() != nil:
			return
		case wait.Tries() == 0:
			w.Log.Warn("orders can't be read, trying again", "world", w.World, "error", err)
		}
		for _, m := range messages {
			o, err := world.DecodeOrder(m.Body)
			if err != nil || o.World != w.World {
				// No version of Hearth that speaks to this agent wrote it, and
				// it would not get better by coming again.
				w.Log.Error("order can't be understood, deleted", "world", w.World, "message", m.ID, "for", o.World, "error", err)
				w.Delete(ctx, m)
				continue
			}
			select {
			case out <- Delivery{Message: m, Order: o}:
			case <-ctx.Done():
				return
			}
		}
		pause := ordersEvery
		if err != nil {
			pause = wait.Next()
		}
		if !backoff.Pause(ctx, w.Clock, pause) {
			return
		}
	}
}

func (w Watch) receive(ctx context.Context) ([]world.Message, error) {
	ctx, cancel := context.WithTimeout(ctx, ordersTimeout)
	defer cancel()
	return w.Orders.Receive(ctx, ordersAtOnce, ordersHidden)
}

// Delete deletes an order; one that can't be deleted comes again and is known.
func (w Watch) Delete(ctx context.Context, m world.Message) {
	ctx, cancel := context.WithTimeout(ctx, ordersTimeout)
	defer cancel()
	err := w.Orders.Delete(ctx, m)
	if err != nil && !errors.Is(err, world.ErrStaleReceipt) && ctx.Err() == nil {
		w.Log.Warn("order could not be deleted", "world", w.World, "message", m.ID, "error", err)
	}
}
