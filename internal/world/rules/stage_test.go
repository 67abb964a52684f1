package rules_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"hearth/internal/world"
	"hearth/internal/world/rules"
)

// stage drives React by hand: scale sets that do as they are told, an agent
// that says what the test says, and a clock that moves only when asked.
type stage struct {
	t   testing.TB
	c   world.Config
	s   world.State
	now time.Time

	places map[string]*place
	timers []due
	loses  func(world.Timer) bool // timers that are never delivered
	deaf   bool                   // what is asked of the cloud is lost
	late   time.Duration          // every timer comes so much later

	epoch, seq int64
	ahead      time.Duration // of the bot's clock is the agent's
	beating    bool          // heartbeats come every 20 s
	players    []world.Player
	beat       time.Time

	looks  func(world.CloudDo)
	askers []string // ids of those who gave a command
	chats  []world.ChatDo
	orders []world.Order
	asked  []world.CloudDo

	removed []string // names of leftovers
	ids     int
}

// place is a scale set.
type place struct {
	refuses world.CloudClass // class of the failure of a scale to 1
	code    string
	never   bool // an operation toward 1 does not end
	hollow  bool // it succeeds, and there is no machine
	stays   bool // an operation toward 0 ends, and the machine stays
	address string
	console *world.BootLog // what a machine there has written; nil: the answer is lost

	capacity, toward int
	until            time.Time // end of the operation under way
	vm               string
	made             int
}

var dawn = time.Date(2026, 11, 22, 18, 0, 0, 0, time.UTC)

func newStage(t testing.TB, placements ...string) *stage {
	if len(placements) == 0 {
		placements = []string{"a", "b"}
	}
	g := &stage{t: t, now: dawn, places: map[string]*place{}, c: world.Config{
		ID: "midgard", Name: "Midgard", Port: world.DefaultPort, IdleMinutes: world.DefaultIdleMin,
	}}
	for _, p := range placements {
		g.c.Placements = append(g.c.Placements, world.Placement{ID: p, CentsPerHour: 3.1})
		g.places[p] = &place{}
	}
	g.s = world.NewState(g.c.ID)
	return g
}

func (g *stage) id() string { g.ids++; return fmt.Sprintf("e%d", g.ids) }

// send gives one event to React, checks what holds for every reaction, and
// does what it asks for.
func (g *stage) send(e world.Event) []world.Effect {
	g.t.Helper()
	e.Received, e.World = g.now, g.c.ID
	if e.ID == "" {
		e.ID = g.id()
	}
	if e.Time.IsZero() {
		e.Time = g.now
	}
	before, data := asJSON(g.t, g.s), asJSON(g.t, e.Data)
	next, effects := rules.React(g.c, g.s, e)
	if got := asJSON(g.t, g.s); got != before {
		g.t.Fatalf("React changed the state it was given:\n got %s\nwant %s", got, before)
	}
	if got := asJSON(g.t, e.Data); got != data {
		g.t.Fatalf("React changed the event it was given:\n got %s\nwant %s", got, data)
	}
	if again, same := rules.React(g.c, g.s, e); !reflect.DeepEqual(again, next) || !reflect.DeepEqual(same, effects) {
		g.t.Fatalf("React answered the same %s in two ways", e.Data.Type())
	}
	if _, err := next.Encode(); err != nil {
		g.t.Fatal(err)
	}
	g.s = next
	g.s.Generation++
	for _, eff := range effects {
		if set := []bool{eff.Order != nil, eff.Cloud != nil, eff.Delay != nil, eff.Chat != nil}; count(set) != 1 {
			g.t.Fatalf("effect with %d parts: %+v", count(set), eff)
		}
		if eff.Chat != nil {
			g.chats = append(g.chats, *eff.Chat)
			if bad := g.unfit(eff.Chat.Say); bad != "" {
				g.t.Fatalf("%s says %q: %s", e.Data.Type(), whole(eff.Chat.Say), bad)
			}
		}
	}
	for class := range 4 {
		for _, eff := range effects {
			g.perform(class, eff)
		}
	}
	return effects
}

func count(set []bool) int {
	n := 0
	for _, b := range set {
		if b {
			n++
		}
	}
	return n
}

func asJSON(t testing.TB, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func (g *stage) perform(class int, e world.Effect) {
	g.t.Helper()
	switch {
	case class == 0 && e.Order != nil:
		g.orders = append(g.orders, *e.Order)
	case class == 1 && e.Cloud != nil:
		g.cloud(*e.Cloud)
	case class == 2 && e.Delay != nil:
		t := e.Delay.Timer
		if g.loses == nil || !g.loses(t) {
			g.timers = append(g.timers, due{g.now.Add(e.Delay.After + g.late), &t})
		}
	case class == 3 && e.Chat != nil && e.Chat.Kind == world.ChatCard && g.s.Card == nil:
		g.bot(&world.Carded{Operation: e.Chat.Operation, Ref: world.MessageRef{Channel: "1", ID: "card"}})
	}
}

// cloud answers as a scale set would.
func (g *stage) cloud(do world.CloudDo) {
	g.t.Helper()
	if do.Act == world.ActRemove {
		for _, l := range g.s.Leftovers {
			if l.Removed {
				g.removed = append(g.removed, l.Name)
			}
		}
		return
	}
	if do.Act == world.ActScale {
		g.asked = append(g.asked, do)
	}
	if g.looks != nil && do.Act == world.ActLook {
		g.looks(do)
	}
	if g.deaf {
		return
	}
	p := g.places[do.Placement]
	if p == nil {
		g.t.Fatalf("the cloud was asked for %q, which is no placement", do.Placement)
	}
	rep := &world.CloudReport{Operation: do.Operation, Round: do.Round, Placement: do.Placement, Capacity: do.Capacity}
	switch {
	case do.Act == world.ActLook:
		rep.Phase, rep.Seen = world.CloudProgress, true
		if do.Token != "" && p.until.IsZero() {
			rep.Phase = world.CloudDone
		}
		if p.vm != "" {
			rep.Instances = []world.Instance{{ID: p.vm, Address: p.address}}
		}
		if do.Console && p.console != nil {
			boot := *p.console
			boot.Machine = g.s.Cloud.VM
			rep.Boot = &boot
		}
	case !p.until.IsZero():
		rep.Phase, rep.Class, rep.Code = world.CloudFailed, world.ClassBusy, "OperationNotAllowed"
	case do.Capacity == 1 && p.refuses != "":
		rep.Phase, rep.Class, rep.Code, rep.Detail = world.CloudFailed, p.refuses, p.code, "the cloud's own words"
	default:
		g.neverTwo(do)
		p.toward, p.until = do.Capacity, g.now.Add(30*time.Second)
		if p.never && do.Capacity == 1 {
			p.until = g.now.Add(1000 * time.Hour)
		}
		rep.Phase, rep.Token = world.CloudBegun, fmt.Sprintf("token-%d", do.Round)
	}
	g.bot(rep)
}

// neverTwo holds P8 and P9: nothing is started while another place has a
// machine or gets one.
func (g *stage) neverTwo(do world.CloudDo) {
	for name, p := range g.places {
		if do.Capacity == 1 && name != do.Placement && (p.vm != "" || !p.until.IsZero() && p.toward == 1) {
			g.t.Fatalf("a machine was asked for at %s while %s has one or gets one", do.Placement, name)
		}
	}
}

func (g *stage) bot(d world.Payload) []world.Effect {
	g.t.Helper()
	return g.send(world.Event{Source: world.SourceBot, Data: d})
}

// pass lets time go by, second by second.
func (g *stage) pass(d time.Duration) {
	g.t.Helper()
	for end := g.now.Add(d); g.now.Before(end); {
		g.now = g.now.Add(time.Second)
		for _, p := range g.c.Placements {
			g.places[p.ID].step(g.now, p.ID)
		}
		if g.beating && g.now.Sub(g.beat) >= world.HeartbeatEvery {
			g.heartbeat()
		}
		for i := 0; i < len(g.timers); {
			if g.timers[i].at.After(g.now) {
				i++
				continue
			}
			d := g.timers[i].d
			g.timers = slices.Delete(g.timers, i, i+1)
			g.bot(d)
		}
	}
}

func (p *place) step(now time.Time, name string) {
	if p.until.IsZero() || now.Before(p.until) {
		return
	}
	p.until = time.Time{}
	switch {
	case p.toward == 0 && !p.stays:
		p.vm = ""
	case p.toward == 1 && p.capacity == 0 && !p.hollow:
		p.made++
		p.vm = fmt.Sprintf("vm-%s-%d", name, p.made)
	}
	p.capacity = p.toward
}

// until lets time go by until ok, at most limit.
func (g *stage) until(limit time.Duration, what string, ok func() bool) {
	g.t.Helper()
	for end := g.now.Add(limit); !ok(); g.pass(time.Second) {
		if !g.now.Before(end) {
			g.t.Fatalf("not within %s: %s; it is %s, said %q", limit, what, g.s.Status, g.texts())
		}
	}
}

func (g *stage) untilStatus(limit time.Duration, want world.Status) {
	g.t.Helper()
	g.until(limit, string(want), func() bool { return g.s.Status == want })
}

func (g *stage) status(want world.Status) {
	g.t.Helper()
	if g.s.Status != want {
		g.t.Fatalf("status: got %s, want %s; said %q", g.s.Status, want, g.texts())
	}
}

// machines is how many there are, and how many are on their way.
func (g *stage) machines() int {
	n := 0
	for _, p := range g.places {
		if p.vm != "" || !p.until.IsZero() && p.toward == 1 {
			n++
		}
	}
	return n
}

func (g *stage) noMachine() {
	g.t.Helper()
	if n := g.machines(); n != 0 {
		g.t.Fatalf("machines left: got %d, want 0", n)
	}
}

// vanish takes the machine without a word. The set still says one: the trap.
func (g *stage) vanish() {
	for _, p := range g.places {
		p.vm = ""
	}
	g.beating = false
}

// ---- People.

func by(id, name string) world.Person { return world.Person{ID: id, Name: name} }

type cmd struct {
	name      world.CommandName
	by        world.Person
	keeper    bool
	private   bool
	operation string
	lines     int
	id        string
	at        time.Time
}

// say gives a command and returns the answer to it, or "" if the card is it.
func (g *stage) say(c cmd) string {
	g.t.Helper()
	if c.by.ID == "" {
		c.by = by("1001", "Astrid")
	}
	if c.id == "" {
		c.id = g.id()
	}
	g.askers = append(g.askers, c.by.ID)
	effects := g.send(world.Event{ID: c.id, Source: world.SourceDiscord, Time: c.at, Data: &world.Command{
		Name: c.name, By: c.by, Keeper: c.keeper, Operation: c.operation, Lines: c.lines,
		Reply: world.Reply{Application: "app", Token: world.Token("token-" + c.id), Ephemeral: c.private},
	}})
	for _, e := range effects {
		if e.Chat != nil && e.Chat.Kind == world.ChatAnswer {
			if want := "token-" + c.id; e.Chat.Reply == nil || e.Chat.Reply.Token.Reveal() != want {
				g.t.Fatalf("answer went to %+v, want %s", e.Chat.Reply, want)
			}
			return whole(e.Chat.Say)
		}
	}
	return ""
}

func (g *stage) start() string { g.t.Helper(); return g.say(cmd{name: world.CmdStart}) }
func (g *stage) stop() string  { g.t.Helper(); return g.say(cmd{name: world.CmdStop}) }

// button presses a button of the present session.
func (g *stage) button(name world.CommandName, keeper bool) string {
	g.t.Helper()
	return g.say(cmd{name: name, keeper: keeper, operation: g.s.Session.ID})
}

// whole is everything that can be read in a message.
func whole(s world.Say) string {
	parts := []string{s.Text}
	if s.Card != nil {
		parts = append(parts, s.Card.Title, s.Card.Body, s.Card.Footer)
		for _, f := range s.Card.Fields {
			parts = append(parts, f.Name+": "+f.Value)
		}
	}
	for _, b := range s.Buttons {
		parts = append(parts, "["+b.Label+"]")
	}
	return strings.Join(slices.DeleteFunc(parts, func(p string) bool { return p == "" }), "\n")
}

func (g *stage) texts() []string {
	var all []string
	for _, c := range g.chats {
		if c.Kind != world.ChatCard {
			all = append(all, string(c.Kind)+": "+whole(c.Say))
		}
	}
	return all
}

// card is the card as it was drawn last.
func (g *stage) card() world.Say {
	g.t.Helper()
	for _, c := range slices.Backward(g.chats) {
		if c.Kind == world.ChatCard {
			return c.Say
		}
	}
	g.t.Fatal("no card was drawn")
	return world.Say{}
}

// hush forgets what was said and asked so far.
func (g *stage) hush() { g.chats, g.orders, g.asked = nil, nil, nil }

func (g *stage) told(kind world.ChatKind, part string) int {
	n := 0
	for _, c := range g.chats {
		if c.Kind == kind && strings.Contains(whole(c.Say), part) {
			n++
		}
	}
	return n
}

// tells checks that a message with these words was said exactly once.
func (g *stage) tells(kind world.ChatKind, part string) {
	g.t.Helper()
	if n := g.told(kind, part); n != 1 {
		g.t.Fatalf("%s with %q: told %d times, want once; said %q", kind, part, n, g.texts())
	}
}

func (g *stage) tellsNot(part string) {
	g.t.Helper()
	for _, c := range g.chats {
		if strings.Contains(whole(c.Say), part) {
			g.t.Fatalf("told %q, and should not", whole(c.Say))
		}
	}
}

func has(t testing.TB, text, part string) {
	t.Helper()
	if !strings.Contains(text, part) {
		t.Fatalf("got %q, want it to have %q", text, part)
	}
}

func mustDecode(t testing.TB, text string, into any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), into); err != nil {
		t.Fatal(err)
	}
}
