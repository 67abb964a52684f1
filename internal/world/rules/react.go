package rules

import (
	"time"

	"hearth/internal/world"
	"hearth/internal/world/words"
)

// How long things may take, and how often they are looked at.
const (
	LookEvery  = 5 * time.Second  // at a cloud operation under way
	CheckEvery = 30 * time.Second // at everything, while not stopped
	CheckAfter = 30 * time.Minute // and this long after
	CheckLost  = 4 * time.Minute  // overdue, it is taken for lost
	DeafAfter  = 10 * time.Second // overdue, nobody has listened meanwhile
	DeafMost   = 2 * time.Hour    // a phase is put off for that no longer

	CommandLifetime = 15 * time.Minute // as long as Discord's token

	MachineWithin = 10 * time.Minute // wish to machine
	HostWithin    = 8 * time.Minute  // machine to agent
	ListenWithin  = 20 * time.Minute // agent to players, beside what FetchWithin allows
	AgentWithin   = time.Minute      // a stop waits this long for an agent that never spoke
	SaveWithin    = 90 * time.Second // a save is overdue, or an agent silent, and people are told
	LostAfter     = 10 * time.Minute // then the machine is deleted and the loss stated
	SilentAfter   = 45 * time.Second // two heartbeats missed: look whether the machine is there
	DeleteWithin  = 10 * time.Minute // then the keeper is told that a machine will not go

	ConsoleAfter = 3 * time.Minute // an agent is unheard for so long, and its machine's console is read,
	ConsoleEvery = time.Minute     // and so often again

	// FetchWithin is how long server and game may take to be fetched: under two
	// gigabytes, over the 5 Mbit/s that a machine may have on a bad day.
	FetchWithin = time.Hour
	TailWithin  = 90 * time.Second // then a keeper is told that the log does not come

	// SaveAgeMost is how old the last save may be while somebody is on. The agent
	// has the game save every five minutes; two that did not come, and half of
	// one for what a save takes and for its word to come here.
	SaveAgeMost = 12*time.Minute + 30*time.Second
	// RefusedAgain is how long the same refusal is not told again.
	RefusedAgain = time.Minute

	BlockFor    = time.Hour        // a placement without capacity
	TakenFor    = 10 * time.Minute // one whose machine was taken
	SeekWithin  = 80 * time.Second // no machine yet, and people are told with the next check
	TwiceWithin = time.Hour        // two evictions in it, and the keeper is asked about the full price
	CrashWindow = 10 * time.Minute

	LeftoverStays = time.Hour // seen for so long, it is removed

	AsideEvery = time.Hour // the keeper is told at most so often what was set aside

	RaidLasts = 3 * time.Minute // about; told later, nobody could help any more
)

// retryAfter is how long to wait when every placement is without capacity,
// by how often that was so already. After the last one the start has failed.
// No pause is longer than leaves time to come up within a quarter of an hour of
// when there is capacity again.
var retryAfter = []time.Duration{2 * time.Minute, 4 * time.Minute, 6 * time.Minute, 8 * time.Minute, 10 * time.Minute}

// React decides what an event changes and what is to be done about it. It is
// pure: same configuration, state and event, same answer; e.Received is the
// time. A state that comes back unchanged with no effects need not be written.
func React(c world.Config, s world.State, e world.Event) (world.State, []world.Effect) {
	r := reaction{c: c, s: s.Clone(), e: e, now: e.Received}
	r.listens()
	r.counts()
	switch d := e.Data.(type) {
	case *world.Command:
		r.command(d)
	case world.AgentPayload:
		r.heard(d)
	case *world.CloudReport:
		r.cloudReport(d)
	case *world.Timer:
		r.timer(d)
	case *world.Sweep:
		r.sweep(d)
	case *world.LeftOver:
		r.leftOver(d)
	case *world.Carded:
		r.carded(d)
	case *world.SetAside:
		r.setAside(d)
	}
	r.tellAsides()
	r.counts()
	r.watched()
	return r.s, r.effects
}

// reaction is one call of React in the making.
type reaction struct {
	c       world.Config
	s       world.State
	e       world.Event
	now     time.Time
	effects []world.Effect
}

func (r *reaction) enter(st world.Status) {
	if r.s.Status != st {
		r.s.Status, r.s.Since, r.s.Op.Told = st, r.now, false
	}
}

func (r *reaction) order(k world.OrderKind) {
	r.effects = append(r.effects, world.Effect{Order: &world.Order{
		Schema: world.SchemaVersion, Kind: k, World: r.s.World,
		Operation: r.s.Op.ID, Epoch: r.s.Boot.Epoch, Issued: r.now,
	}})
}

func (r *reaction) delay(t world.Timer, after time.Duration) {
	t.Operation = r.s.Op.ID
	r.effects = append(r.effects, world.Effect{Delay: &world.Delay{Timer: t, After: after}})
}

// within sets the deadline of the present phase; the one before is void.
func (r *reaction) within(d time.Duration) {
	r.s.DeadlineNo++
	r.s.Deadline = r.now.Add(d)
	r.delay(world.Timer{Kind: world.TimerDeadline, Number: r.s.DeadlineNo}, d)
}

func (r *reaction) noDeadline() {
	r.s.DeadlineNo++
	r.s.Deadline = time.Time{}
}

func (r *reaction) chat(c world.ChatDo) {
	c.Made = r.now.Truncate(time.Second)
	r.effects = append(r.effects, world.Effect{Chat: &c})
}

func (r *reaction) answer(c *world.Command, say world.Say) {
	r.chat(world.ChatDo{Kind: world.ChatAnswer, Say: say, Reply: &c.Reply, Key: "answer:" + r.e.ID})
}

// line says something new in the channel, and how much could not be said
// before.
func (r *reaction) line(say world.Say) {
	lost := r.s.Unsaid
	if lost > 0 {
		say.Text += words.Unsaid(lost)
		r.s.Unsaid = 0
	}
	r.chat(world.ChatDo{Kind: world.ChatLine, Say: say, Unsaid: lost})
}

func (r *reaction) keeper(say world.Say) { r.chat(world.ChatDo{Kind: world.ChatKeeper, Say: say}) }

// card draws the session's card anew. The first time it becomes the answer to
// the command that began the session, if that was given in public.
func (r *reaction) card() {
	do := world.ChatDo{Kind: world.ChatCard, Say: words.Card(&r.c, &r.s, r.now), Key: "card", Operation: r.s.Session.ID}
	if r.s.Card == nil && r.s.Op.Reply != nil && !r.s.Op.Reply.Ephemeral {
		do.Reply = r.s.Op.Reply
	}
	r.chat(do)
}

func (r *reaction) carded(d *world.Carded) {
	if d.Operation != r.s.Session.ID || d.Ref.ID == "" {
		return
	}
	ref := d.Ref
	r.s.Card, r.s.Recarded = &ref, r.s.Recarded || d.Again
}

// startChecks begins a new chain of checks; an older chain ends by its number.
func (r *reaction) startChecks() {
	r.s.CheckNo++
	r.s.CheckDue = r.now.Add(CheckEvery)
	r.delay(world.Timer{Kind: world.TimerCheck, Number: r.s.CheckNo}, CheckEvery)
}

func (r *reaction) awake() bool { return r.s.Status != world.Stopped && r.s.Status != world.Failed }

// listens notes when events come again after a time in which none were
// handled: what was silent then is not known to be silent, so that time does not
// count as silence. What was before it does: a check that is late now and then
// must not keep a silent machine for ever.
func (r *reaction) listens() {
	s := &r.s
	if !r.awake() || s.CheckDue.IsZero() || r.now.Sub(s.CheckDue) <= DeafAfter {
		return
	}
	from := s.CheckDue
	if s.ListensSince.After(from) {
		from = s.ListensSince
	}
	if late := r.now.Sub(from); late > 0 && !s.Boot.Heard.IsZero() {
		s.Boot.Heard = s.Boot.Heard.Add(late)
		if s.Boot.Heard.After(r.now) {
			s.Boot.Heard = r.now
		}
	}
	s.ListensSince = r.now
}

// deaf: events have come again so lately that what is unheard may lie in the
// queue.
func (r *reaction) deaf() bool { return r.now.Sub(r.s.ListensSince) < AgentWithin }

// quiet is how long the agent has not been heard, while somebody listened.
func (r *reaction) quiet() time.Duration { return r.now.Sub(r.s.Boot.Heard) }

// quietFor: the agent has been quiet for so long. Just after a time in which
// nobody listened that is not believed, for its word may lie in the queue; but
// only for a while, as some worker may be late again and again.
func (r *reaction) quietFor(d time.Duration) bool {
	return r.quiet() > d && (!r.deaf() || r.quiet() > d+2*AgentWithin)
}

// watched: while something may run, a check is on its way. If the last one is
// long overdue its message is lost, or comes too late to count; so this event
// does its work and begins the chain anew.
func (r *reaction) watched() {
	if r.awake() && r.now.Sub(r.s.CheckDue) > CheckLost {
		r.check()
	}
}

// lookSoon begins a new chain of looks at the cloud.
func (r *reaction) lookSoon() {
	r.s.LookNo++
	r.delay(world.Timer{Kind: world.TimerLook, Number: r.s.LookNo}, LookEvery)
}
