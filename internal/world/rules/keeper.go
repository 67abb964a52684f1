package rules

import (
	"hash/fnv"
	"slices"
	"time"

	"hearth/internal/world"
	"hearth/internal/world/words"
)

// DefaultTail is how many lines of the log a keeper is told who names no number.
const DefaultTail = 30

// log asks the agent for the last lines of the game's log. A question that was
// not answered yet makes way for the newer one.
func (r *reaction) log(c *world.Command) {
	s := &r.s
	switch {
	case !c.Keeper:
		r.answer(c, words.Denied(world.DenyLog, nil))
		return
	case !s.Boot.Up || s.Status == world.Relocating:
		r.answer(c, words.NoLogNow(&r.c, s))
		return
	}
	n := c.Lines
	if n < 1 {
		n = DefaultTail
	}
	n = min(n, world.MaxTailLines)
	s.Tail = &world.Tail{Operation: r.e.ID, At: r.now}
	r.effects = append(r.effects, world.Effect{Order: &world.Order{
		Schema: world.SchemaVersion, Kind: world.OrderLogTail, World: s.World,
		Operation: r.e.ID, Epoch: s.Boot.Epoch, Issued: r.now, Lines: n,
	}})
	r.answer(c, words.LogAsked(&r.c, s, n))
}

func (r *reaction) logTail(d *world.LogTail) {
	if t := r.s.Tail; t == nil || t.Operation != d.Operation {
		return // told already, or asked for anew
	}
	r.s.Tail = nil
	r.chat(world.ChatDo{Kind: world.ChatKeeper, Say: words.LogTail(&r.c, d.Lines), Key: "log"})
}

// tailOverdue: nothing came of a question for the log. The machine may be gone,
// or its agent silent, of which people are told apart.
func (r *reaction) tailOverdue() {
	if t := r.s.Tail; t != nil && r.now.Sub(t.At) > TailWithin && !r.deaf() {
		r.noTail()
	}
}

func (r *reaction) noTail() {
	r.s.Tail = nil
	r.chat(world.ChatDo{Kind: world.ChatKeeper, Say: words.NoLog(&r.c), Key: "log"})
}

// wordsLost tells the sum of a boot, so that of several messages that wait the
// newest says it all.
func (r *reaction) wordsLost(d *world.WordsLost) {
	if d.Count < 1 {
		return
	}
	b := &r.s.Boot
	const most = 1_000_000_000
	b.WordsLost = min(b.WordsLost+min(d.Count, most), most)
	r.chat(world.ChatDo{Kind: world.ChatKeeper, Say: words.EventsLost(&r.c, b.WordsLost), Key: "words_lost"})
}

// lastSave notes when the game saved last. It tells whether that ends an alarm.
func (r *reaction) lastSave(at time.Time) bool {
	b := &r.s.Boot
	if !at.After(b.LastSave) {
		return false
	}
	late := b.SaveLate
	b.LastSave, b.SaveLate = at, false
	return late
}

// saveAge: while somebody is on, the game saves. Nobody but the keeper can do
// something about it if it does not.
func (r *reaction) saveAge() {
	b := &r.s.Boot
	since := b.Busy
	if since.IsZero() || b.SaveLate || r.deaf() {
		return
	}
	if b.LastSave.After(since) {
		since = b.LastSave
	}
	if r.now.Sub(since) <= SaveAgeMost {
		return
	}
	b.SaveLate = true
	if !b.LateTold {
		b.LateTold = true
		r.keeper(words.SaveLate(&r.c, r.now.Sub(since)))
	}
	r.card()
}

// refused: whoever tries again and again must not fill the channel.
func (r *reaction) refused(d *world.Refused) {
	b := &r.s.Boot
	h := fnv.New32a()
	for _, text := range []string{string(d.Reason), d.Name, d.Theirs, d.Mine} {
		_, _ = h.Write([]byte(text + "\x00")) // a hash takes everything
	}
	told := world.Refusal{Key: h.Sum32(), Said: r.now}
	more := 0
	if i := slices.IndexFunc(b.Refusals, func(q world.Refusal) bool { return q.Key == told.Key }); i >= 0 {
		if q := &b.Refusals[i]; r.now.Sub(q.Said) < RefusedAgain {
			q.More = min(q.More+1, 1_000_000)
			return
		}
		more = b.Refusals[i].More
		b.Refusals = slices.Delete(b.Refusals, i, i+1)
	}
	if b.Refusals = append(b.Refusals, told); len(b.Refusals) > world.MaxRefusals {
		b.Refusals = b.Refusals[1:]
	}
	r.line(words.Refused(&r.c, d, more))
}
