package chaos

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"hearth/internal/sim/chaos/replay"
	"hearth/internal/sim/simdiscord"
	"hearth/internal/world"
)

// Violation is a promise that was not kept.
type Violation struct {
	Promise string        // P2 to P16 and so on, as docs/promises.md numbers them
	At      time.Duration // since the begin
	What    string
}

func (v Violation) String() string {
	return fmt.Sprintf("%s at %v: %s", v.Promise, v.At.Round(time.Millisecond), v.What)
}

// maxViolations bounds what is kept of one seed; the rest follows from the first.
const maxViolations = 5

// witness sees everything and tells what may not be. The oracles stand in
// oracles.go; here is what they know.
type witness struct {
	s *simulation

	mu         sync.Mutex // guards what follows
	violations []Violation
	journal    replay.Journal
	stats      Stats
	state      world.State // as last written
	commands   map[string]*command
	order      []string                   // ids of commands, as they were accepted
	told       map[string]bool            // interactions whose answer was filled in
	texts      map[string]bool            // posted in the channel
	nonces     map[string]map[string]bool // nonce to the messages it made
	hung       map[string]int64           // line of an event to the write that hung it
	hungAt     map[string]time.Time       // when an effect was hung, by its id
	wishes     []wish                     // of commands that changed what is wanted
	asked      []wish                     // of all that were handled
	saves      int                        // most that the world's files ever had
	forged     int64

	leaked atomic.Bool // a secret stands in the log
}

// command is one that was accepted.
type command struct {
	id      string
	name    world.CommandName
	created time.Time
	out     simdiscord.Outcome
	seen    bool   // a write has its id
	answer  string // what it was to be told
	waits   bool   // the answer is in the row and not told yet
	expired bool   // the answer was dropped and counted
}

// wish is a command that changed what is wanted.
type wish struct {
	id string
	at time.Time
	up bool
}

func newWitness(s *simulation) *witness {
	return &witness{
		s: s, state: world.NewState(worldID), commands: map[string]*command{}, told: map[string]bool{}, texts: map[string]bool{},
		nonces: map[string]map[string]bool{}, hung: map[string]int64{}, hungAt: map[string]time.Time{},
	}
}

// violate keeps a violation. w.mu is held.
func (w *witness) violate(promise, format string, args ...any) {
	v := Violation{Promise: promise, At: w.s.clock.Now().Sub(replay.Start()), What: fmt.Sprintf(format, args...)}
	w.s.log.Error("promise not kept", "violation", v.String())
	if len(w.violations) < maxViolations {
		w.violations = append(w.violations, v)
	}
}

// record adds a line to what happened. w.mu is held.
func (w *witness) record(format string, args ...any) {
	w.journal.Add(w.s.clock.Now(), format, args...)
}

func (w *witness) note(text string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.record("%s", text)
}

// write lets somebody write the row, and looks at what changed. Nothing else
// is written meanwhile.
func (w *witness) write(_ context.Context, row world.Row, do func(world.Row) (string, error)) (string, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	etag, err := do(row)
	if err != nil {
		return "", err
	}
	w.stats.Writes++
	before, after := w.state, row.State
	after.Pending = slices.Clone(after.Pending) // the writer goes on with its own
	w.state = after
	w.record("write %d %s %s players %d pending %d", after.Generation, after.Write, after.Status, after.OnlinePlayers(), len(after.Pending))
	if w.s.o.Trace != nil {
		w.s.log.Info("row written", "by", after.Write, "status", string(after.Status), "want", after.Cloud.Want, "acting", after.Cloud.Acting,
			"epoch", after.Boot.Epoch, "flags", flags(&after.Boot), "players", after.OnlinePlayers(), "op", after.Op.ID, "hung", w.hungNow(&before, &after))
	}
	w.compare(&before, &after)
	return etag, nil
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
func (w *witness) hungNow(before, after *world.State) (names []string) {
	for _, p := range after.Pending {
		if slices.ContainsFunc(before.Pending, func(q world.Pending) bool { return q.ID == p.ID }) {
			continue
		}
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

func (w *witness) handled() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stats.Events++
}

// accepted notes a command that Discord shows as accepted.
func (w *witness) accepted(r simdiscord.Request, out simdiscord.Outcome) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.record("accepted %s %s%s type %d", out.ID, r.Command, r.CustomID, out.Type)
	if out.Type != 5 && out.Type != 6 { // it was answered at once
		return
	}
	c := w.command(out.ID)
	c.out, c.created = out, created(out.ID)
	c.name = world.CommandName(r.Command)
	if a, err := world.ParseAction(r.CustomID); err == nil && r.Kind == simdiscord.KindButton {
		c.name = a.Command
	}
	w.order = append(w.order, out.ID)
	w.stats.Commands++
}

// command is what is known of one; it may be handled before Discord has its
// answer. w.mu is held.
func (w *witness) command(id string) *command {
	c := w.commands[id]
	if c == nil {
		c = &command{id: id, created: created(id)}
		w.commands[id] = c
	}
	return c
}

// said notes a REST call that Discord carried out.
func (w *witness) said(method, path string, body []byte, message string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.record("said %s %s %d bytes", method, path, len(body))
	if bytes.Contains(body, []byte("canary")) {
		w.violate("P23", "a secret stands in a message")
	}
	if token, ok := isAnswer(path); ok {
		w.told[interactionOf(token)] = true
		return
	}
	if method != "POST" {
		return
	}
	p := readPosted(body)
	w.texts[p.Content] = true
	if p.Nonce == "" || message == "" {
		return
	}
	made := w.nonces[p.Nonce]
	if made == nil {
		made = map[string]bool{}
		w.nonces[p.Nonce] = made
	}
	if !made[message] {
		made[message] = true
		w.stats.Messages++
	}
	if len(made) > 1 {
		w.violate("P3", "said twice: %q", p.Content)
	}
}

// interactionOf reads an interaction's id out of its token.
func interactionOf(token string) string {
	b, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		return ""
	}
	_, rest, _ := strings.Cut(string(b), ":")
	id, _, _ := strings.Cut(rest, ":")
	return id
}

// Write looks for secrets in the log.
func (w *witness) Write(b []byte) (int, error) {
	if bytes.Contains(b, []byte("canary")) {
		w.leaked.Store(true)
	}
	if w.s.o.Trace != nil {
		return w.s.o.Trace.Write(b)
	}
	return len(b), nil
}

// created is when an interaction was made, by its snowflake.
func created(id string) time.Time {
	var n int64
	if _, err := fmt.Sscan(id, &n); err != nil {
		return time.Time{}
	}
	const epochMillis = 1420070400000 // Discord's, of 2015
	return time.UnixMilli(n>>22 + epochMillis)
}

// delivered notes a message that a worker has in hand.
func (w *witness) delivered(m world.Message) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.record("delivered %s %d", m.ID, m.DequeueCount)
}

// aged plants the bug of boots that are not compared: an event of an older
// boot becomes one of the present one.
func (w *witness) aged(body []byte) []byte {
	if w.s.o.Bug != BootNotCompared {
		return body
	}
	e, err := world.Decode(body, w.s.key)
	if err != nil || e.Source != world.SourceAgent {
		return body
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	word, ok := e.Data.(world.AgentPayload)
	if !ok || word.AsHeard().Epoch >= w.state.Boot.Epoch {
		return body
	}
	w.forged++
	h := word.AsHeard()
	h.Epoch, h.Seq = w.state.Boot.Epoch, 5_000_000+w.forged
	young, err := e.EncodeSealed([]byte(agentKey))
	if err != nil {
		return body
	}
	return young
}

// agentEvent is an event as the world's agent would send it.
func agentEvent(epoch, seq int64, at time.Time, p world.Payload) ([]byte, error) {
	return world.Event{
		ID: fmt.Sprintf("%s/%d/%d", worldID, epoch, seq), Source: world.SourceAgent, World: worldID, Time: at, Data: p,
	}.EncodeSealed([]byte(agentKey))
}
