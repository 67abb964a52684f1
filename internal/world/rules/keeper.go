package rules

import (
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
	case !s.Boot.Up || s.Boot.Over || s.Status == world.Relocating:
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
		r.s.Tail = nil
		r.chat(world.ChatDo{Kind: world.ChatKeeper, Say: words.NoLog(&r.c), Key: "log"})
	}
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
	r.chat(world.ChatDo{Kind: world.ChatKeeper, Say: words.WordsLost(&r.c, b.WordsLost), Key: "words_lost"})
}
