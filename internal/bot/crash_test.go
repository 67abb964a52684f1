package bot_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"hearth/internal/bot"
	"hearth/internal/sqlite"
	"hearth/internal/world"
	"hearth/internal/world/rules"
)

// claimTime is how long a worker's hold on effects lasts.
const claimTime = 60 * time.Second

// continuation is who goes on after a crash.
type continuation int

const (
	sameAtOnce    continuation = iota // the same worker gets the event again, at once and after the claim
	otherEarly                        // another gets it while the claim lasts, and again after
	otherLate                         // another gets it after the claim expired
	anotherEvents                     // after the claim another event of the world comes first
)

func (c continuation) String() string {
	return [...]string{"same worker at once", "other worker before expiry", "other worker after expiry", "another event after expiry"}[c]
}

// scenario is one event in the state that makes it ask for much.
type scenario struct {
	name  string
	setup func(r *rig)
	event func(r *rig) []byte
	asks  []string // calls that it must come to, so that the table covers what it says
}

func scenarios() []scenario {
	heard := func(p func(h world.Heard) world.Payload) func(r *rig) []byte {
		return func(r *rig) []byte { return r.agent(p) }
	}
	return []scenario{
		{"first start", func(*rig) {}, func(r *rig) []byte { return r.command("Bo", "start") }, []string{"scale", "delay", "reply"}},
		{"start by button", (*rig).asleep, func(r *rig) []byte { return r.press("Bo", world.CmdStart) }, []string{"scale", "delay", "post", "reply"}},
		{"status asleep", (*rig).asleep, func(r *rig) []byte { return r.command("Bo", "status") }, []string{"reply"}},
		{"start without quota", func(r *rig) {
			for _, p := range r.worlds[0].Placements {
				if err := r.cloud.Quota(p.ID, true); err != nil {
					r.t.Fatal(err)
				}
			}
		}, func(r *rig) []byte { return r.command("Bo", "start") }, []string{"scale", "post", "reply"}},
		{"look that finds a machine", func(r *rig) {
			r.handle(r.command("Ana", "start"))
			r.clock.Advance(rules.LookEvery)
			r.events.Clear()
		}, func(r *rig) []byte {
			return r.bot("look", &world.Timer{Kind: world.TimerLook, Number: r.state().LookNo})
		}, []string{"poll", "instances", "edit", "delay"}},
		{"listening", func(r *rig) {
			r.lit()
			r.handle(r.agent(func(h world.Heard) world.Payload { return &world.HostUp{Heard: h} }))
		}, heard(func(h world.Heard) world.Payload { return &world.Listening{Heard: h} }), []string{"post", "edit"}},
		{"player comes", (*rig).burning, func(r *rig) []byte { return spawn(r, "1", "Astrid") }, []string{"post", "edit"}},
		{"stop of an empty world", (*rig).burning, func(r *rig) []byte { return r.command("Bo", "stop") }, []string{"order", "delay", "reply", "edit"}},
		{"stop asks back", (*rig).inhabited, func(r *rig) []byte { return r.command("Bo", "stop") }, []string{"reply"}},
		{"keeper stops at once", func(r *rig) {
			r.inhabited()
			r.handle(r.command("Ana", "stop"))
		}, func(r *rig) []byte { return r.press("Ana", world.CmdStopNow) }, []string{"order", "delay", "reply", "edit"}},
		{"save is proven", func(r *rig) {
			r.burning()
			r.handle(r.command("Bo", "stop"))
		}, heard(func(h world.Heard) world.Payload {
			return &world.SaveProven{Heard: h, Why: world.StopOrdered, Confirmed: true, Size: 5 << 20}
		}), []string{"scale", "delay", "post", "edit"}},
		{"second crash", func(r *rig) {
			r.burning()
			r.handle(r.agent(func(h world.Heard) world.Payload { return &world.Crashed{Heard: h, Restarting: true} }))
		}, heard(func(h world.Heard) world.Payload { return &world.Crashed{Heard: h, Restarting: true} }), []string{"order", "delay", "post", "edit"}},
		{"notice of eviction", (*rig).burning, heard(func(h world.Heard) world.Payload {
			return &world.Noticed{Heard: h, Kind: "Preempt"}
		}), []string{"delay", "post", "edit"}},
		{"stray machine", func(r *rig) {
			r.asleep()
			if _, err := r.cloud.Scale(context.Background(), r.worlds[0].Placements[1], 1); err != nil {
				r.t.Fatal(err)
			}
			r.clock.Advance(2 * time.Minute)
		}, func(r *rig) []byte {
			found, err := r.cloud.Instances(context.Background(), r.worlds[0].Placements[1])
			if err != nil || len(found) != 1 {
				r.t.Fatalf("stray machine: %v, %v", found, err)
			}
			return r.bot("sweep", &world.Sweep{Placement: "vmss-b", Instances: found})
		}, []string{"scale", "delay", "post"}},
	}
}

// outcome is what is left of a run when everything has come to rest, in a form
// that leaves out when it happened.
type outcome struct {
	State    string
	Messages []string
	Orders   []string
	Cloud    string
}

// opener opens the store of a rig.
type opener func(r *rig) world.Store

func inMemory(*rig) world.Store { return memory(wall{}).Store() }

func onFile(r *rig) world.Store {
	db, err := sqlite.Open(context.Background(), filepath.Join(r.t.TempDir(), "hearth.db"), r.clock)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() {
		if err := db.Close(); err != nil {
			r.t.Errorf("close database: %v", err)
		}
	})
	return db.Store()
}

// TestEveryCrashPoint lets a worker end, or lose an answer, at each call that
// each event comes to, with each way to go on, and compares with a run in
// which nothing happened.
func TestEveryCrashPoint(t *testing.T) {
	cases := 0
	for _, sc := range scenarios() {
		t.Run(sc.name, func(t *testing.T) { cases += crashes(t, sc, inMemory) })
		if sc.name == "first start" || sc.name == "save is proven" { // those with the most effects
			t.Run(sc.name+" on a file", func(t *testing.T) { cases += crashes(t, sc, onFile) })
		}
	}
	t.Logf("%d crash points played", cases)
}

// crashes plays a scenario with everything that can happen in it, and returns
// how many ways that were.
func crashes(t *testing.T, sc scenario, open opener) int {
	whole, cases := &life{}, 0
	want := play(t, sc, open, whole, otherLate)
	for _, name := range sc.asks {
		if whole.count(name) == 0 {
			t.Errorf("the event never comes to %q, only to %v", name, whole.calls)
		}
	}
	expectOrder(t, whole.calls)
	for at := 1; at <= len(whole.calls); at++ {
		for how := diesBefore; how <= failsAfter; how++ {
			for next := sameAtOnce; next <= anotherEvents; next++ {
				cases++
				matters := true
				name := fmt.Sprintf("%s %d %s, then %s", how, at, whole.calls[at-1], next)
				t.Run(name, func(t *testing.T) {
					l := &life{at: at, how: how}
					want.compare(t, play(t, sc, open, l, next))
					matters = !l.coped
				})
				if !matters { // nobody had to go on
					break
				}
			}
		}
	}
	return cases
}

// expectOrder: one read comes first, and between two writes come orders,
// cloud, delayed events and messages, in this order.
func expectOrder(t *testing.T, calls []string) {
	t.Helper()
	class := map[string]int{"order": 1, "scale": 2, "poll": 2, "instances": 2, "delay": 3, "reply": 4, "edit": 4, "post": 4}
	rounds, last := 0, 0
	for i, name := range calls {
		switch {
		case name == "load" && i == 0, name == "acknowledge" && i == len(calls)-1:
		case name == "write":
			rounds, last = rounds+1, 0
		case rounds > 0 && class[name] >= last && class[name] > 0:
			last = class[name]
		default:
			t.Fatalf("call %d of %v is out of order", i+1, calls)
		}
	}
	// An answer of the cloud that asks for more is a round of its own.
	if rounds > 2 && !slices.Contains(calls, "scale") && !slices.Contains(calls, "poll") || rounds > 3 {
		t.Errorf("%d writes: %v", rounds, calls)
	}
}

func (want outcome) compare(t *testing.T, got outcome) {
	t.Helper()
	if got.State != want.State {
		t.Errorf("state\n got %s\nwant %s", got.State, want.State)
	}
	if !slices.Equal(got.Messages, want.Messages) {
		t.Errorf("messages\n got %s\nwant %s", strings.Join(got.Messages, "\n     "), strings.Join(want.Messages, "\n     "))
	}
	if !slices.Equal(got.Orders, want.Orders) {
		t.Errorf("orders\n got %v\nwant %v", got.Orders, want.Orders)
	}
	if got.Cloud != want.Cloud {
		t.Errorf("cloud\n got %s\nwant %s", got.Cloud, want.Cloud)
	}
}

// play runs a scenario with a worker of this life, goes on as next says, and
// waits until everything has come to rest.
func play(t *testing.T, sc scenario, open opener, l *life, next continuation) outcome {
	t.Helper()
	r := newRig(t)
	r.store = open(r)
	sc.setup(r)
	r.orders.Clear()
	body := sc.event(r)
	first := r.worker(l)
	acknowledged := false
	lived, err := l.survives(func() error {
		if err := first.Handle(context.Background(), body, 1); err != nil {
			return err
		}
		return l.step("acknowledge", func() error { acknowledged = true; return nil })
	})
	switch {
	case lived && err == nil:
		l.coped = true
	case acknowledged && lived:
		redeliver(t, r, first, l, body) // the queue never heard of it
	default:
		goOn(t, r, first, l, body, next)
	}
	rest(r, lived)
	return r.outcome()
}

// goOn delivers the event again as next says.
func goOn(t *testing.T, r *rig, first *bot.Reactions, l *life, body []byte, next continuation) {
	t.Helper()
	begun := r.clock.Now()
	late := func() { r.clock.Advance(begun.Add(claimTime + time.Second).Sub(r.clock.Now())) }
	switch next {
	case sameAtOnce:
		early(t, r, first, l, body)
		late()
		redeliver(t, r, first, l, body)
	case otherEarly:
		r.clock.Advance(claimTime / 2)
		other := &life{}
		early(t, r, r.worker(other), other, body)
		late()
		redeliver(t, r, r.worker(&life{}), &life{}, body)
	case otherLate:
		late()
		redeliver(t, r, r.worker(&life{}), &life{}, body)
	case anotherEvents:
		late()
		r.handle(r.bot("late", &world.Timer{Kind: world.TimerLook, Number: -1}))
		other := &life{}
		before := pendingOf(r)
		redeliver(t, r, r.worker(other), other, body)
		if landed(before, body, r) && other.count(effects()...) > 0 {
			t.Errorf("done again after another event finished it: %v", other.calls)
		}
	}
}

// landed reports whether the event's first write is in the row.
func landed(s *world.State, body []byte, r *rig) bool {
	if s == nil {
		return false
	}
	e, err := world.Decode(body, r.key)
	if err != nil {
		r.t.Fatal(err)
	}
	switch d := e.Data.(type) {
	case *world.Command:
		return slices.Contains(s.Commands, e.ID)
	case *world.Timer:
		return s.LookNo > d.Number
	case *world.Sweep:
		return s.Status == world.Stopping
	default:
		return s.Boot.Seen.Mark >= r.seq
	}
}

func pendingOf(r *rig) *world.State {
	row, err := r.store.Load(context.Background(), r.rowKey())
	if errors.Is(err, world.ErrNotFound) {
		return nil
	}
	if err != nil {
		r.t.Fatal(err)
	}
	return &row.State
}

// early delivers the event while the dead worker's claim lasts: whatever it
// holds must be left alone.
func early(t *testing.T, r *rig, w *bot.Reactions, l *life, body []byte) {
	t.Helper()
	l.at = 0
	calls := len(l.calls)
	var held []string
	if s := pendingOf(r); s != nil && landed(s, body, r) {
		for _, p := range s.Pending {
			if p.Claim != "" {
				held = append(held, p.ID)
			}
		}
	}
	err := w.Handle(context.Background(), body, 2)
	if len(held) == 0 {
		return // nobody holds anything: it may finish
	}
	if !errors.Is(err, bot.ErrClaimed) {
		t.Errorf("Handle during another's claim of %v = %v, want ErrClaimed", held, err)
	}
	done := (&life{calls: l.calls[calls:]}).count(append(effects(), "write")...)
	if done > 0 {
		t.Errorf("calls during another's claim: %v, want only a load", l.calls[calls:])
	}
}

func redeliver(t *testing.T, r *rig, w *bot.Reactions, l *life, body []byte) {
	t.Helper()
	l.at = 0
	if err := w.Handle(context.Background(), body, 3); err != nil {
		t.Errorf("Handle after the claim expired: %v", err)
	}
	if s := r.state(); len(s.Pending) > 0 {
		for _, p := range s.Pending {
			if p.Effect.Chat == nil || p.Effect.Chat.Tries == 0 {
				t.Errorf("effect %s of %s is still pending", p.ID, p.Event)
			}
		}
	}
}

// rest lets the bot's own events run until the cloud has what is wanted and
// nothing is left to do. What a living worker could not say is said with the
// next event, or the backstop's.
func rest(r *rig, lived bool) {
	r.t.Helper()
	for range 60 {
		r.drain()
		s := r.state()
		if lived && len(s.Pending) > 0 && (s.Status == world.Stopped || s.Status == world.Online) {
			r.clock.Advance(5 * time.Second)
			r.handle(r.bot("backstop", &world.Sweep{Placement: "vmss-a"}))
			continue
		}
		if atRest(&s) {
			return
		}
		r.clock.Advance(5 * time.Second)
	}
	s := r.state()
	r.t.Errorf("no rest after five minutes: %+v", s)
}

func atRest(s *world.State) bool {
	c := &s.Cloud
	leaving := s.Status == world.Stopping && s.Boot.Over || s.Status == world.Starting && s.RetryAt.IsZero()
	return len(s.Pending) == 0 && !c.Acting && (c.Want == 1) == (c.VM != "") && !leaving
}

var (
	number   = regexp.MustCompile(`[0-9]+`)
	duration = regexp.MustCompile(`a moment|# h # min|# min|# s\b`)
	instant  = regexp.MustCompile(`"[0-9]{4}-[0-9]{2}-[0-9]{2}T[^"]*"`)
)

// outcome tells how a run ended, without its times, numbers of chains, and
// names that depend on them.
func (r *rig) outcome() outcome {
	r.t.Helper()
	var o outcome
	s := r.state()
	s.Generation, s.Write, s.LookNo, s.CheckNo, s.DeadlineNo = 0, "", 0, 0, 0
	s.Cloud.Round, s.Cloud.Token, s.Cloud.Failures = 0, "", 0
	s.Usually, s.Session.Paid, s.Session.Total, s.ListensSince = 0, 0, 0, time.Time{}
	if s.Card != nil {
		s.Card = &world.MessageRef{Channel: s.Card.Channel, ID: "card"}
	}
	if s.Cloud.VM != "" {
		s.Cloud.VM, s.Boot.Machine.Name = "vm", ""
	}
	s.Boot.Machine.Address = "" // known as soon as somebody looks again
	document, err := json.Marshal(s)
	if err != nil {
		r.t.Fatal(err)
	}
	o.State = instant.ReplaceAllString(string(document), `"T"`)
	for _, m := range r.discord.Messages() {
		line := m.ChannelID + " " + duration.ReplaceAllString(number.ReplaceAllString(text(m), "#"), "~")
		if m.Thinking {
			line += " thinking"
		}
		o.Messages = append(o.Messages, line)
	}
	slices.Sort(o.Messages)
	for _, m := range r.orders.Messages() {
		order, err := world.DecodeOrder(m.Body)
		if err != nil {
			r.t.Fatal(err)
		}
		line := fmt.Sprintf("%s %s %s %d", order.Kind, order.World, order.Operation, order.Epoch)
		if !slices.Contains(o.Orders, line) { // at least once, and with the same operation
			o.Orders = append(o.Orders, line)
		}
	}
	slices.Sort(o.Orders)
	for _, p := range r.cloud.Snapshot().Placements {
		o.Cloud += fmt.Sprintf("%s %d->%d; ", p.ID, p.Capacity, p.Toward)
	}
	return o
}

// TestDeadWishStaysDead: a worker begins a start and dies before it writes that
// down, and the fire is put out before anybody may take over what it held. It is
// waited for, in case the worker is only slow; then its request for a machine is
// nobody's wish any more.
func TestDeadWishStaysDead(t *testing.T) {
	whole := &life{}
	play(t, scenarios()[0], inMemory, whole, otherLate)
	for _, c := range []struct {
		at    string // the call before which it dies
		begun int    // machines that were asked for until then
	}{{"scale", 0}, {"reply", 1}} {
		t.Run("before "+c.at, func(t *testing.T) {
			r := newRig(t)
			r.hurryCloud()
			body := r.command("Bo", "start")
			l := &life{at: slices.Index(whole.calls, c.at) + 1, how: diesBefore}
			if lived, _ := l.survives(func() error { return r.worker(l).Handle(context.Background(), body, 1) }); lived {
				t.Fatalf("the worker lived through %v", l.calls)
			}
			r.pass(2 * time.Second)
			r.handle(r.command("Ana", "stop"))
			r.pass(claimTime * 3)
			r.expect(world.Stopped)
			for _, p := range r.cloud.Snapshot().Placements {
				if p.Capacity != 0 || p.Toward != 0 {
					t.Errorf("%s has capacity %d and goes to %d, want 0", p.ID, p.Capacity, p.Toward)
				}
			}
			if begun := strings.Count(r.log.String(), "capacity=1"); begun != c.begun {
				t.Errorf("%d machines were asked for, want %d:\n%s", begun, c.begun, r.log)
			}
			if unwanted := r.said("that nobody wants"); len(unwanted) > 0 {
				t.Errorf("a machine was made that nobody wants: %s", text(unwanted[0]))
			}
		})
	}
}
