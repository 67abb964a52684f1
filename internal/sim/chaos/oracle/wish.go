package oracle

import (
	"regexp"
	"slices"
	"strings"
	"time"

	"hearth/internal/sim/chaos/replay"
	"hearth/internal/world"
)

// wanted is a command that was carried out: what people want from then on.
type wanted struct {
	c         *command
	up        bool
	whenEmpty bool      // down, once nobody is in
	since     time.Time // when it was handled
}

// ending is how a fire came to go out.
type ending struct {
	why string
	at  time.Time
}

// Why a fire goes out.
const (
	NeverJoined = "nobody ever came in"
	Failed      = "it failed"

	outAsked = "somebody asked for it"
	outEmpty = "somebody asked for it once nobody is in"
	outIdle  = "nobody was in"
	outMost  = "it lasted as long as it may, or the month's money is spent"
)

// Endings are why a fire goes out, as Options.Turned is told.
func Endings() []string { return []string{outAsked, outEmpty, outIdle, NeverJoined, outMost, Failed} }

// ByItself tells whether nobody had asked for it and nothing was wrong.
func ByItself(why string) bool { return why == outIdle || why == NeverJoined || why == outMost }

// refusal is why a command that wants something was not carried out; empty: it
// was.
type refusal string

// The refusals.
const (
	carriedOut refusal = ""
	superseded refusal = "something newer was said"
	tooOld     refusal = "it came too late"
	staleOne   refusal = "its button is of an earlier session"
	denied     refusal = "it is for keepers"
	askedBack  refusal = "others play"
	tooDear    refusal = "the month's money is spent"
	notIdle    refusal = "somebody is in, and its warning void"
)

// refusalOf reads it out of a command's answer.
func refusalOf(answer string) refusal {
	for _, r := range []struct {
		words string
		why   refusal
	}{
		{"has said something newer about", superseded},
		{"more than 15 minutes ago", tooOld},
		{"That button is from earlier", staleOne},
		{"Only a keeper", denied},
		{"What now?", askedBack},
		{"so it burns on", notIdle},
		{"which is the most, so I don't light it", tooDear},
	} {
		if strings.Contains(answer, r.words) {
			return r.why
		}
	}
	return carriedOut
}

// Asked notes what a command asks for, as it goes into the queue.
func (w *Witness) Asked(body []byte) {
	e, err := world.Decode(body, w.o.KeyOf)
	if err != nil {
		return // Discord's, and read before it was enqueued
	}
	if d, ok := e.Data.(*world.Command); ok {
		w.mu.Lock()
		defer w.mu.Unlock()
		c := w.command(e.ID)
		c.name, c.keeper, c.session = d.Name, d.Keeper, d.Operation
	}
}

// wished looks at a command that wants something, in the write that first knows
// it: it is carried out, or refused for a reason that is true (P15). w.mu is
// held, as for all below.
func (w *Witness) wished(before *world.State, c *command) {
	up, ok := wishOf(c.name)
	if !ok {
		return
	}
	why := refusalOf(c.answer)
	if why != carriedOut {
		if !w.rightly(why, before, c, up) {
			w.violate("P15", "/%s %s of %v was refused, as if %s", c.name, c.id, c.created.Sub(replay.Start()), why)
		}
		return
	}
	if w.newest == nil || !c.created.Before(w.newest.c.created) {
		w.newest = &wanted{c: c, up: up, whenEmpty: c.name == world.CmdStopWhenEmpty, since: w.o.Clock.Now()}
	}
}

// rightly: the reason of a refusal is true.
func (w *Witness) rightly(why refusal, before *world.State, c *command, up bool) bool {
	switch why {
	case superseded:
		return slices.ContainsFunc(w.asked, func(a wish) bool { return a.up != up && !a.at.Before(c.created) })
	case tooOld:
		return w.o.Clock.Now().Sub(c.created) > oldAfter-w.o.Skew
	case staleOne:
		return before.Status != world.Online || c.session != before.Session.ID && (c.session != before.WarningID() || !before.IdleWarned())
	case denied:
		return !c.keeper
	case tooDear:
		return up && before.Bill.Spent > 0
	case askedBack, notIdle:
		return before.Status == world.Online && before.OnlinePlayers() != 0
	case carriedOut:
	}
	return true
}

// oldAfter is how long a command may take to be handled.
const oldAfter = 15 * time.Minute

// lit: the fire burns, or is on its way to.
func lit(s world.Status) bool {
	switch s {
	case world.Starting, world.Booting, world.Loading, world.Online, world.Relocating:
		return true
	case world.Stopping, world.Stopped, world.Failed:
	}
	return false
}

// turned looks at a write that lights the fire or puts it out: somebody asked
// for it, or there is a reason that people are told (P15).
func (w *Witness) turned(before, after *world.State) {
	now := w.o.Clock.Now()
	switch {
	case lit(before.Status) && !lit(after.Status):
		why := w.whyOut(before, after)
		if why == "" {
			w.violate("P15", "the fire goes out (%s, then %s), and nobody asked for it", before.Status, after.Status)
		}
		w.ended = ending{why, now}
		w.tell(false, why)
	case !lit(before.Status) && lit(after.Status):
		if !w.askedFor(before, after) {
			w.violate("P15", "the fire is lit (%s, then %s), and nobody asked for it", before.Status, after.Status)
		}
		w.tell(true, "")
	}
	if n := w.newest; before.Status == world.Stopping && (after.Status == world.Stopped || after.Status == world.Failed) && n != nil && n.up && n.since.After(w.ended.at) {
		w.violate("P15", "/%s of %v was asked for during the stop, and is not done after it", n.c.name, n.c.created.Sub(replay.Start()))
	}
	if before.Status != world.Failed && after.Status == world.Failed && !hangs(before, after, regexp.QuoteMeta(after.Why)) {
		w.violate("P15", "it failed, and nobody is told why: %q", after.Why)
	}
	if hangs(before, after, `so it keeps burning|does not go out as soon as it is empty any more`) {
		w.kept = now
	}
}

func (w *Witness) tell(lit bool, why string) {
	if w.o.Turned != nil {
		w.o.Turned(lit, why)
	}
}

// whyOut is why a write puts the fire out; empty: for nothing.
func (w *Witness) whyOut(before, after *world.State) string {
	for _, id := range newCommands(before, after) {
		if c := w.command(id); refusalOf(c.answer) == carriedOut {
			if up, ok := wishOf(c.name); ok && !up {
				return outAsked
			}
		}
	}
	switch {
	case after.Why != "":
		return Failed
	case hangs(before, after, `Nobody has been in .* Saving it`) && before.IdleWarned():
		return outIdle
	case hangs(before, after, `Nobody has come into .* Saving it`) && before.IdleWarned():
		return NeverJoined
	case hangs(before, after, `which is the most\. Saving it`):
		return outMost
	case before.WhenEmpty != nil && after.Op.IfEmpty:
		return outEmpty
	}
	return ""
}

// askedFor: somebody asked for what a write lights, just now or during the stop
// before; or the stop was called off, as somebody is in.
func (w *Witness) askedFor(before, after *world.State) bool {
	if before.Again != nil && after.Op.ID == before.Again.ID {
		return true
	}
	if before.Status == world.Stopping && before.Op.IfEmpty && after.Status == world.Online && after.OnlinePlayers() != 0 {
		return hangs(before, after, `so it keeps burning`)
	}
	return slices.ContainsFunc(newCommands(before, after), func(id string) bool {
		up, ok := wishOf(w.command(id).name)
		return ok && up && after.Op.ID == id
	})
}

// newCommands are those that a write is the first to know.
func newCommands(before, after *world.State) []string {
	return slices.DeleteFunc(slices.Clone(after.Commands), func(id string) bool { return slices.Contains(before.Commands, id) })
}

// hangs: a write hangs a line, for people or the keeper, that says this.
func hangs(before, after *world.State, words string) bool {
	var texts []string
	for _, p := range newIn(after, before) {
		if p.Effect.Chat != nil && p.Effect.Chat.Say.Text != "" {
			texts = append(texts, p.Effect.Chat.Say.Text)
		}
	}
	if len(texts) == 0 { // as of most writes
		return false
	}
	return slices.ContainsFunc(texts, regexp.MustCompile(words).MatchString)
}

// asWanted compares what is with what people asked for last (P15). What it may be
// otherwise for: after they wanted it up, nobody was in or it failed, which
// turned has seen to be told; after they wanted it down, somebody is in.
func (w *Witness) asWanted() {
	st, n := &w.state, w.newest
	switch burns := lit(st.Status); {
	case n == nil && burns:
		w.violate("P15", "the world is %s, and nobody ever asked for it", st.Status)
	case n == nil, burns == n.up:
	case n.up && st.Again != nil: // it is lit again after the save
	case n.up:
		if out := w.ended; out.at.Before(n.since) || out.why != Failed && !ByItself(out.why) {
			w.violate("P15", "/%s of %v was the last wish, and the world is %s since %v: %s", n.c.name, n.c.created.Sub(replay.Start()), st.Status, out.at.Sub(replay.Start()), out.why)
		}
	case !w.kept.Before(n.since):
	case n.whenEmpty && st.WhenEmpty != nil && st.OnlinePlayers() != 0:
	default:
		w.violate("P15", "/%s of %v was the last wish, and the world is %s with %d in", n.c.name, n.c.created.Sub(replay.Start()), st.Status, st.OnlinePlayers())
	}
}
