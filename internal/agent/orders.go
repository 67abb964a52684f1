package agent

import (
	"context"
	"errors"
	"slices"
	"time"

	"hearth/internal/agent/backoff"
	"hearth/internal/valheim"
	"hearth/internal/world"
)

const (
	ordersAtOnce = 8
	// ordersHidden is how long a received order is hidden from the next look.
	// The agent is its queue's only reader.
	ordersHidden  = 30 * time.Second
	ordersTimeout = 10 * time.Second
	// rememberOrders bounds what is remembered of past orders.
	rememberOrders = 64
)

// delivery is an order that came.
type delivery struct {
	message world.Message
	order   world.Order
}

// saveWaiting is an order to save that waits for an autosave.
type saveWaiting struct {
	operation string
	kind      world.OrderKind
	proof     valheim.Proof
}

// watchOrders hands every order to the loop, which deletes it when it was
// acted on or answered: what it did not get to comes again, to this process or
// the next.
func (b *boot) watchOrders(ctx context.Context) {
	wait := backoff.New(ordersEvery, 10*time.Second, b.World, "orders")
	for {
		messages, err := b.receive(ctx)
		switch {
		case err == nil:
			wait.Reset()
		case ctx.Err() != nil:
			return
		case wait.Tries() == 0:
			b.Log.Warn("orders can't be read, trying again", "world", b.World, "error", err)
		}
		for _, m := range messages {
			o, err := world.DecodeOrder(m.Body)
			if err != nil || o.World != b.World {
				// No version of Hearth that speaks to this agent wrote it, and
				// it would not get better by coming again.
				b.Log.Error("order can't be understood, deleted", "world", b.World, "message", m.ID, "for", o.World, "error", err)
				b.remove(ctx, m)
				continue
			}
			select {
			case b.deliveries <- delivery{message: m, order: o}:
			case <-ctx.Done():
				return
			}
		}
		pause := ordersEvery
		if err != nil {
			pause = wait.Next()
		}
		if !backoff.Pause(ctx, b.Clock, pause) {
			return
		}
	}
}

func (b *boot) receive(ctx context.Context) ([]world.Message, error) {
	ctx, cancel := context.WithTimeout(ctx, ordersTimeout)
	defer cancel()
	return b.Orders.Receive(ctx, ordersAtOnce, ordersHidden)
}

// remove deletes an order; one that can't be deleted comes again and is known.
func (b *boot) remove(ctx context.Context, m world.Message) {
	ctx, cancel := context.WithTimeout(ctx, ordersTimeout)
	defer cancel()
	err := b.Orders.Delete(ctx, m)
	if err != nil && !errors.Is(err, world.ErrStaleReceipt) && ctx.Err() == nil {
		b.Log.Warn("order could not be deleted", "world", b.World, "message", m.ID, "error", err)
	}
}

// obey acts on an order or answers why not.
func (b *boot) obey(work context.Context, d delivery) {
	if sent, ok := b.answering[d.message.ID]; ok {
		// The same message again: its answer is on its way, or was sent and
		// only the deletion failed.
		if isClosed(sent) {
			b.deleteAfter(work, d, nil)
		}
		return
	}
	o := d.order
	age := b.Clock.Now().Sub(o.Issued)
	switch {
	case o.Epoch != b.holding.Epoch:
		b.refuse(work, d, world.OrderRefused{Reason: world.OrderStale})
	case age > world.OrderLifetime:
		b.refuse(work, d, world.OrderRefused{Reason: world.OrderExpired, Age: age})
	case o.Kind == world.OrderStop, o.Kind == world.OrderStopIfEmpty:
		b.obeyStop(work, d)
	case o.Kind == world.OrderSave, o.Kind == world.OrderSnapshot:
		b.obeySave(work, d)
	default:
		b.Log.Error("order of an unknown kind, deleted", "world", b.World, "kind", string(o.Kind), "operation", o.Operation)
		b.deleteAfter(work, d, nil)
	}
	b.checkGone(work) // a drain may have read the last line
}

func (b *boot) obeyStop(work context.Context, d delivery) {
	o := d.order
	b.drain() // who came in until now counts
	switch {
	case b.proven != nil:
		// Down already: the answer is how it went down. To the operation that
		// brought it down it is the same answer again.
		b.answer(work, d, b.emitProof(world.StopOrdered, o.Operation))
	case b.stop != nil && b.stop.why == world.StopOrdered && b.stop.operation == o.Operation:
		b.deleteAfter(work, d, nil) // under way
	case b.stop != nil:
		b.refuse(work, d, world.OrderRefused{Reason: world.OrderBusy})
	case o.Kind == world.OrderStopIfEmpty && b.anybody(o.Operation):
		b.refuse(work, d, world.OrderRefused{Reason: world.OrderOccupied, Players: b.players()})
	default:
		b.beginStop(work, stopRequest{why: world.StopOrdered, operation: o.Operation})
		b.deleteAfter(work, d, nil)
	}
}

// anybody reports whether somebody is on or on the way in, or was when this
// operation asked before: a second copy of a refused order must not do later
// what nobody waits for any more.
func (b *boot) anybody(operation string) bool {
	if slices.Contains(b.occupied, operation) {
		return true
	}
	if b.game == nil {
		return false
	}
	r := b.game.reader.Roster()
	if len(r.Players) == 0 && r.Connecting == 0 {
		return false
	}
	b.occupied = append(b.occupied, operation)
	b.occupied = b.occupied[max(0, len(b.occupied)-rememberOrders):]
	return true
}

// obeySave notes that somebody waits for a save; see the package's comment on
// what the game can't do.
func (b *boot) obeySave(work context.Context, d delivery) {
	o := d.order
	b.drain()
	if b.stop != nil || b.phase == down {
		b.refuse(work, d, world.OrderRefused{Reason: world.OrderBusy})
		return
	}
	waiting := slices.ContainsFunc(b.saves, func(s saveWaiting) bool { return s.operation == o.Operation && s.kind == o.Kind })
	if !waiting && len(b.saves) < rememberOrders {
		s := saveWaiting{operation: o.Operation, kind: o.Kind}
		if b.game != nil {
			s.proof = b.game.proof // the copy knows of a save that runs already
		}
		s.proof.Request()
		b.saves = append(b.saves, s)
		b.Log.Info("save ordered, waiting for the next autosave", "world", b.World, "boot", b.holding.Epoch, "operation", o.Operation, "kind", string(o.Kind))
	}
	b.deleteAfter(work, d, nil)
}

// savesAgain lets the waiting orders wait for a save of the next process.
func (b *boot) savesAgain() {
	for i := range b.saves {
		b.saves[i].proof = valheim.Proof{}
		b.saves[i].proof.Request()
	}
}

// seeForSaves tells the waiting orders what happened; the Saved event itself
// is emitted with every save.
func (b *boot) seeForSaves(h valheim.Happening) {
	b.saves = slices.DeleteFunc(b.saves, func(s saveWaiting) bool { return s.proof.Saved() })
	for i := range b.saves {
		s := &b.saves[i]
		s.proof.See(h)
		if s.proof.Saved() {
			b.Log.Info("ordered save is done", "world", b.World, "boot", b.holding.Epoch, "operation", s.operation, "kind", string(s.kind))
		}
	}
}

// refuse answers an order that is not obeyed.
func (b *boot) refuse(work context.Context, d delivery, r world.OrderRefused) {
	r.Operation, r.Kind = d.order.Operation, d.order.Kind
	b.answer(work, d, b.emit(valheim.Happening{}, &r))
}

// answer deletes the order once its answer was sent.
func (b *boot) answer(work context.Context, d delivery, sent <-chan struct{}) {
	if len(b.answering) >= rememberOrders {
		for id, s := range b.answering {
			if isClosed(s) {
				delete(b.answering, id)
			}
		}
	}
	b.answering[d.message.ID] = sent
	b.deleteAfter(work, d, sent)
}

// deleteAfter deletes an order when sent is closed, or at once if it is nil.
func (b *boot) deleteAfter(work context.Context, d delivery, sent <-chan struct{}) {
	b.errands.Go(func() {
		if sent != nil {
			select {
			case <-sent:
			case <-work.Done():
				return
			}
		}
		b.remove(work, d.message)
	})
}

func isClosed(ch <-chan struct{}) bool {
	select {
	case <-ch:
		return true
	default:
		return false
	}
}
