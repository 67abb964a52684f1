package oracle

import (
	"bytes"
	"fmt"
	"slices"
	"time"

	"hearth/internal/world"
	"hearth/internal/world/words"
)

// doubts are what is known of calls whose answer never came (P6).
type doubts struct {
	row      map[string]string    // by process: what the write was called of which it does not know whether it is done
	unsent   map[string][]byte    // by an agent's process: what it sent and has no answer for
	unlisted map[string]bool      // by place: it was scaled, and nobody has looked since
	answered map[string]time.Time // by what was performed: when it was last answered
	dropped  map[string]time.Time // by what was to be performed: when it last left the row
}

func newDoubts() doubts {
	return doubts{map[string]string{}, map[string][]byte{}, map[string]bool{}, map[string]time.Time{}, map[string]time.Time{}}
}

// Wrote notes how a process's write of the row ended for it; write names it.
func (w *Witness) Wrote(who, write string, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if delete(w.doubts.row, who); err != nil {
		w.doubts.row[who] = write
	}
}

// Read notes that a process has read the row.
func (w *Witness) Read(who string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.doubts.row, who)
}

// Acts looks at something that a process does because it believes to know the
// row: after a write without an answer it has read it again (P6).
func (w *Witness) Acts(who, does string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if write, ok := w.doubts.row[who]; ok {
		delete(w.doubts.row, who)
		w.violate("P6", "%s does not know whether its write %s is done, and has not read the row again: %s", who, write, does)
	}
}

// Performs looks at an effect that a process performs: the row asks for it (P6).
// A write that was refused asks for nothing.
func (w *Witness) Performs(who string, e world.Effect) {
	key := keyOf(e)
	w.Acts(who, key)
	w.mu.Lock()
	defer w.mu.Unlock()
	inRow := slices.ContainsFunc(w.state.Pending, func(p world.Pending) bool { return keyOf(p.Effect) == key })
	if left, ok := w.doubts.dropped[key]; !inRow && (!ok || w.o.Clock.Now().Sub(left) > performedWithin) {
		w.violate("P6", "%s performs what stands in no row: %s", who, key)
	}
}

// performedWithin is how long a process may be held up over something that
// others have seen to meanwhile.
const performedWithin = 4 * time.Minute

// Performed notes that a process got its answer: the effect is done.
func (w *Witness) Performed(e world.Effect) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.doubts.answered[keyOf(e)] = w.o.Clock.Now()
}

// keyOf names what an effect does.
func keyOf(e world.Effect) string {
	switch {
	case e.Order != nil:
		return fmt.Sprintf("order %s of %s to boot %d", e.Order.Kind, e.Order.Operation, e.Order.Epoch)
	case e.Cloud != nil:
		return fmt.Sprintf("%s %s to %d", e.Cloud.Act, e.Cloud.Placement, e.Cloud.Capacity)
	case e.Delay != nil:
		return fmt.Sprintf("timer %s %d", e.Delay.Timer.Kind, e.Delay.Timer.Number)
	case e.Chat != nil:
		return fmt.Sprintf("say %q", e.Chat.Say.Text)
	}
	return ""
}

// Posts looks at a text that a process posts. What it says of its own failures
// stands in no row.
func (w *Witness) Posts(who, text string) {
	if text == "" || text == words.Broken().Text {
		return
	}
	w.Performs(who, world.Effect{Chat: &world.ChatDo{Say: world.Say{Text: text}}})
}

// leaves looks at an effect that leaves the row: it was answered, or a newer one
// made it stale, or it expired (P6). after is the row that it left. w.mu is
// held.
func (w *Witness) leaves(before, after *world.State, p world.Pending) {
	key, now := keyOf(p.Effect), w.o.Clock.Now()
	w.doubts.dropped[key] = now
	if at, ok := w.doubts.answered[key]; ok && !at.Before(w.hungAt[p.ID]) {
		return
	}
	newer := func(is func(world.Effect) bool) bool {
		return slices.ContainsFunc(newIn(after, before), func(q world.Pending) bool { return is(q.Effect) })
	}
	switch e := p.Effect; {
	case e.Order != nil:
		stops := func(o *world.Order) bool { return o.Kind == world.OrderStop || o.Kind == world.OrderStopIfEmpty }
		if now.Add(w.o.Skew).Sub(e.Order.Issued) > world.OrderLifetime || newer(func(q world.Effect) bool {
			return q.Order != nil && (q.Order.Kind == e.Order.Kind || stops(q.Order) && stops(e.Order))
		}) {
			return
		}
	case e.Delay != nil:
		if newer(func(q world.Effect) bool { return q.Delay != nil && q.Delay.Timer.Kind == e.Delay.Timer.Kind }) {
			return
		}
	case e.Chat != nil && e.Chat.Key == "":
		if counted(before, after) || !w.searched.Before(w.hungAt[p.ID]) {
			return
		}
	default: // the cloud's answer, or that there is none, is reacted to; cards and answers are P2's
		return
	}
	w.violate("P6", "nobody knows whether it is done, and it left the row: %s of %s", key, p.Event)
}

// Searched notes that somebody has read the channel's history.
func (w *Witness) Searched() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.searched = w.o.Clock.Now()
}

// ScaleLost notes that a place was scaled, and whoever did it has no answer.
func (w *Witness) ScaleLost(place string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.doubts.unlisted[place] = true
}

// Listed notes that somebody has seen what there is at a place.
func (w *Witness) Listed(place string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.doubts.unlisted, place)
}

// unseen looks at a machine that is asked for at a place, or at none that is
// wanted any more (place is empty): no other place is in doubt (P6). w.mu is held.
func (w *Witness) unseen(place string) {
	for other := range w.doubts.unlisted {
		if other != place {
			delete(w.doubts.unlisted, other)
			w.violate("P6", "%s was scaled, nobody knows to what, and nobody has looked at it", other)
		}
	}
}

// Sends looks at what an agent's process sends: what it has no answer for comes
// again before anything else (P6).
func (w *Witness) Sends(who, vm string, body []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	old, ok := w.doubts.unsent[who]
	if delete(w.doubts.unsent, who); ok && !bytes.Equal(old, body) && !w.memoryOf(vm).full {
		w.violate("P6", "%s sends the next event, and does not know whether the one before has come", who)
	}
}

// Unsent notes that an agent's process has no answer to what it sent.
func (w *Witness) Unsent(who string, body []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.doubts.unsent[who] = bytes.Clone(body)
}
