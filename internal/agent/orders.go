package agent

import (
	"context"
	"encoding/json"
	"slices"

	"hearth/internal/agent/watch"
	"hearth/internal/valheim"
	"hearth/internal/world"
)

const (
	// rememberOrders bounds what is remembered of past orders.
	rememberOrders = 64
	// maxTailBytes bounds the lines of the log that one event carries, as
	// JSON: an event has at most 48 KiB.
	maxTailBytes = 40 << 10
)

// saveWaiting is an order to save that waits for an autosave.
type saveWaiting struct {
	Operation string          `json:"operation"`
	Kind      world.OrderKind `json:"kind"`
	Proof     valheim.Proof   `json:"proof"`
}

// obey acts on an order or answers why not.
func (b *boot) obey(work context.Context, d watch.Delivery) {
	if sent, ok := b.answering[d.Message.ID]; ok {
		// The same message again: its answer is on its way, or was sent and
		// only the deletion failed.
		if isClosed(sent) {
			b.deleteAfter(work, d, nil)
		}
		return
	}
	o := d.Order
	age := b.Clock.Now().Sub(o.Issued)
	switch {
	case o.Epoch != b.Holding.Epoch:
		b.refuse(work, d, world.OrderRefused{Reason: world.OrderStale})
	case age > world.OrderLifetime:
		b.refuse(work, d, world.OrderRefused{Reason: world.OrderExpired, Age: age})
	case o.Kind == world.OrderStop, o.Kind == world.OrderStopIfEmpty:
		b.obeyStop(work, d)
	case o.Kind == world.OrderSave, o.Kind == world.OrderSnapshot:
		b.obeySave(work, d)
	case o.Kind == world.OrderLogTail:
		b.answer(work, d, b.emit(valheim.Happening{}, &world.LogTail{Operation: o.Operation, Lines: b.lastLines(o.Lines)}))
	default:
		b.Log.Error("order of an unknown kind, deleted", "world", b.World, "kind", string(o.Kind), "operation", o.Operation)
		b.deleteAfter(work, d, nil)
	}
	b.checkGone(work) // a drain may have read the last line
}

func (b *boot) obeyStop(work context.Context, d watch.Delivery) {
	o := d.Order
	b.drain() // who came in until now counts
	switch {
	case b.Proven != nil:
		// Down already: the answer is how it went down. To the operation that
		// brought it down it is the same answer again.
		b.answer(work, d, b.emitProof(world.StopOrdered, o.Operation))
	case b.stop != nil && b.stop.Why == world.StopOrdered && b.stop.Operation == o.Operation:
		b.deleteAfter(work, d, nil) // under way
	case b.stop != nil:
		b.refuse(work, d, world.OrderRefused{Reason: world.OrderBusy})
	case o.Kind == world.OrderStopIfEmpty && b.anybody(o.Operation):
		b.refuse(work, d, world.OrderRefused{Reason: world.OrderOccupied, Players: b.players()})
	default:
		b.beginStop(work, stopRequest{Why: world.StopOrdered, Operation: o.Operation})
		b.unwritten = false
		b.deleteAfter(work, d, b.out.Commit(b.remembered())) // the next process must know of it
	}
}

// anybody reports whether somebody is on or on the way in, or was when this
// operation asked before: a second copy of a refused order must not do later
// what nobody waits for any more.
func (b *boot) anybody(operation string) bool {
	if slices.Contains(b.Occupied, operation) {
		return true
	}
	if b.game == nil {
		return false
	}
	r := b.game.Reader.Roster()
	if len(r.Players) == 0 && r.Connecting == 0 {
		return false
	}
	b.Occupied = append(b.Occupied, operation)
	b.Occupied = b.Occupied[max(0, len(b.Occupied)-rememberOrders):]
	return true
}

// obeySave notes that somebody waits for a save; see the package's comment on
// what the game can't do.
func (b *boot) obeySave(work context.Context, d watch.Delivery) {
	o := d.Order
	b.drain()
	if b.stop != nil || b.Phase == down {
		b.refuse(work, d, world.OrderRefused{Reason: world.OrderBusy})
		return
	}
	waiting := slices.ContainsFunc(b.Saves, func(s saveWaiting) bool { return s.Operation == o.Operation && s.Kind == o.Kind })
	if !waiting && len(b.Saves) < rememberOrders {
		s := saveWaiting{Operation: o.Operation, Kind: o.Kind}
		if b.game != nil {
			s.Proof = b.game.Proof // the copy knows of a save that runs already
		}
		s.Proof.Request()
		b.Saves = append(b.Saves, s)
		b.unwritten = true
		b.Log.Info("save ordered, waiting for the next autosave", "world", b.World, "boot", b.Holding.Epoch, "operation", o.Operation, "kind", string(o.Kind))
	}
	b.deleteAfter(work, d, nil)
}

// savesAgain lets the waiting orders wait for a save of the next process.
func (b *boot) savesAgain() {
	for i := range b.Saves {
		b.Saves[i].Proof = valheim.Proof{}
		b.Saves[i].Proof.Request()
	}
}

// seeForSaves tells the waiting orders what happened; the Saved event itself
// is emitted with every save.
func (b *boot) seeForSaves(h valheim.Happening) {
	b.Saves = slices.DeleteFunc(b.Saves, func(s saveWaiting) bool { return s.Proof.Saved() })
	for i := range b.Saves {
		s := &b.Saves[i]
		s.Proof.See(h)
		if s.Proof.Saved() {
			b.Log.Info("ordered save is done", "world", b.World, "boot", b.Holding.Epoch, "operation", s.Operation, "kind", string(s.Kind))
		}
	}
}

// refuse answers an order that is not obeyed.
func (b *boot) refuse(work context.Context, d watch.Delivery, r world.OrderRefused) {
	r.Operation, r.Kind = d.Order.Operation, d.Order.Kind
	b.answer(work, d, b.emit(valheim.Happening{}, &r))
}

// answer deletes the order once its answer was sent.
func (b *boot) answer(work context.Context, d watch.Delivery, sent <-chan struct{}) {
	if len(b.answering) >= rememberOrders {
		for id, s := range b.answering {
			if isClosed(s) {
				delete(b.answering, id)
			}
		}
	}
	b.answering[d.Message.ID] = sent
	b.deleteAfter(work, d, sent)
}

// deleteAfter deletes an order when sent is closed, or at once if it is nil.
func (b *boot) deleteAfter(work context.Context, d watch.Delivery, sent <-chan struct{}) {
	b.errands.Go(func() {
		if sent != nil {
			select {
			case <-sent:
			case <-work.Done():
				return
			}
		}
		b.watch.Delete(work, d.Message)
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

// remind keeps a line for who wants to see the log's end.
func (b *boot) remind(line string) {
	if len(b.tail) >= 2*world.MaxTailLines {
		b.tail = append(b.tail[:0], b.tail[len(b.tail)-world.MaxTailLines:]...)
	}
	b.tail = append(b.tail, line)
}

// lastLines are the last n lines of the log, without account ids, as many as fit
// into an event. The newest win.
func (b *boot) lastLines(n int) []string {
	n = min(max(n, 1), world.MaxTailLines, len(b.tail))
	lines := make([]string, 0, n)
	size := 0
	for _, line := range slices.Backward(b.tail[len(b.tail)-n:]) {
		line = tidy(line, "")
		text, err := json.Marshal(line)
		if size += len(text) + 1; err != nil || size > maxTailBytes {
			break
		}
		lines = append(lines, line)
	}
	slices.Reverse(lines)
	return lines
}
