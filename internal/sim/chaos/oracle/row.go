package oracle

import (
	"fmt"
	"slices"
	"strings"

	"hearth/internal/world"
)

// Write lets somebody write the row, with do, and looks at what changed. Nobody
// else writes meanwhile.
func (w *Witness) Write(row world.Row, do func(world.Row) (string, error)) (etag string, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if etag, err = do(row); err != nil {
		return "", err
	}
	w.counts.Writes++
	before, after := w.state, row.State
	after.Pending = slices.Clone(after.Pending) // the writer goes on with its own
	w.state = after
	w.record("write %d %s %s players %d pending %d", after.Generation, after.Write, after.Status, after.OnlinePlayers(), len(after.Pending))
	if w.o.Log != nil {
		w.log.Info("row written", "by", after.Write, "status", string(after.Status), "want", after.Cloud.Want, "acting", after.Cloud.Acting,
			"epoch", after.Boot.Epoch, "flags", flags(&after.Boot), "players", after.OnlinePlayers(), "op", after.Op.ID, "hung", hungNow(&before, &after))
	}
	w.compare(&before, &after)
	return etag, nil
}

// compare looks at one write of the row. w.mu is held, as for all below.
func (w *Witness) compare(before, after *world.State) {
	if after.Generation != before.Generation+1 {
		w.violate("P5", "a write made generation %d of %d: an update is lost", after.Generation, before.Generation)
	}
	if after.Boot.Epoch < before.Boot.Epoch {
		w.violate("P7", "epoch fell from %d to %d", before.Boot.Epoch, after.Boot.Epoch)
	}
	w.claims(before, after)
	w.counted(before, after)
	for _, p := range newIn(after, before) {
		w.hungAt[p.ID] = w.o.Clock.Now()
		w.oldWord(before, after, p)
		w.saidAgain(after, p)
		w.answerWaits(p)
	}
	for _, p := range newIn(before, after) {
		w.answerGone(before, after, p)
		w.leaves(before, after, p)
	}
	for _, id := range after.Commands {
		if !slices.Contains(before.Commands, id) {
			w.commanded(before, after, id)
		}
	}
	w.turned(before, after)
	if asleep := after.Status == world.Stopped || after.Status == world.Failed; asleep && after.Status != before.Status {
		w.unseen("")
	}
}

// newIn are the effects that are pending in one state and not in the other.
func newIn(one, other *world.State) (ps []world.Pending) {
	for _, p := range one.Pending {
		if _, ok := pending(other, p.ID); !ok {
			ps = append(ps, p)
		}
	}
	return ps
}

func pending(s *world.State, id string) (world.Pending, bool) {
	i := slices.IndexFunc(s.Pending, func(p world.Pending) bool { return p.ID == id })
	if i < 0 {
		return world.Pending{}, false
	}
	return s.Pending[i], true
}

// claims: what a worker holds is left to it until its claim expires (P3).
func (w *Witness) claims(before, after *world.State) {
	now := w.o.Clock.Now()
	for _, p := range after.Pending {
		q, ok := pending(before, p.ID)
		if ok && q.Claim != "" && p.Claim != "" && p.Claim != q.Claim && now.Add(w.o.Skew).Before(q.Until) {
			w.violate("P3", "effect %s of %s was taken from the worker that performs it", p.ID, p.Event)
		}
	}
}

// oldWord: an event of an older boot hangs no effect (P7).
func (w *Witness) oldWord(before, after *world.State, p world.Pending) {
	var epoch, seq int64
	if n, _ := fmt.Sscanf(p.Event, w.o.World+"/%d/%d", &epoch, &seq); n != 2 || epoch >= after.Boot.Epoch {
		return
	}
	// Whatever happens, an old boot's word too, begins a lost chain of checks.
	check := p.Effect.Delay != nil && p.Effect.Delay.Timer.Kind == world.TimerCheck
	if !check && !answers(before, after) {
		w.violate("P7", "event %s of boot %d changed something in boot %d", p.Event, epoch, after.Boot.Epoch)
	}
}

// answers: this write folds in what the cloud answered, which is news of the
// present whichever event's handling brought it.
func answers(before, after *world.State) bool {
	return slices.ContainsFunc(newIn(before, after), func(p world.Pending) bool { return p.Effect.Cloud != nil })
}

// saidAgain: an event has its line said by one write only (P3).
func (w *Witness) saidAgain(after *world.State, p world.Pending) {
	c := p.Effect.Chat
	if c == nil || c.Kind != world.ChatLine {
		return
	}
	key := p.Event + "|" + c.Say.Text
	if g, ok := w.hung[key]; ok && g != after.Generation {
		w.violate("P3", "event %s says again: %q", p.Event, c.Say.Text)
	}
	w.hung[key] = after.Generation
}

// flags are what is true of a boot, for the log.
func flags(b *world.Boot) string {
	var set []string
	for _, f := range []struct {
		on   bool
		name string
	}{
		{b.Up, "up"}, {b.Opened, "opened"}, {b.Listening, "listening"}, {b.Known, "known"}, {b.Proven, "proven"},
		{b.Confirmed, "confirmed"}, {b.Noticed, "noticed"}, {b.Silent, "silent"}, {b.Over, "over"},
	} {
		if f.on {
			set = append(set, f.name)
		}
	}
	return strings.Join(set, " ")
}

// hungNow lists the effects that a write hung, for the log.
func hungNow(before, after *world.State) (names []string) {
	for _, p := range newIn(after, before) {
		name := p.ID + " of " + p.Event + ": "
		switch e := p.Effect; {
		case e.Order != nil:
			name += "order " + string(e.Order.Kind)
		case e.Cloud != nil:
			name += fmt.Sprintf("%s %s %d", e.Cloud.Act, e.Cloud.Placement, e.Cloud.Capacity)
		case e.Delay != nil:
			name += fmt.Sprintf("%s %d in %v", e.Delay.Timer.Kind, e.Delay.Timer.Number, e.Delay.After)
		default:
			name += fmt.Sprintf("%s %q", e.Chat.Kind, e.Chat.Say.Text)
		}
		names = append(names, name)
	}
	return names
}
