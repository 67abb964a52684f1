package oracle

import (
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"hearth/internal/sim/chaos/replay"
	"hearth/internal/world"
)

// Violation is a promise that was not kept.
type Violation struct {
	Promise string        // P2 to P23, as docs/promises.md numbers them
	At      time.Duration // since the begin
	What    string
}

func (v Violation) String() string {
	return fmt.Sprintf("%s at %v: %s", v.Promise, v.At.Round(time.Millisecond), v.What)
}

// MaxViolations bounds what is kept of one seed; the rest follows from the first.
const MaxViolations = 5

// Counts are of what was seen.
type Counts struct {
	Commands int // accepted
	Events   int // handled
	Writes   int // of the row
	Messages int // that people saw
	Poisoned int // messages that no delivery could handle
	Words    int // that a game's log said and the row counts
}

// Add sums up.
func (c *Counts) Add(o Counts) {
	c.Commands += o.Commands
	c.Events += o.Events
	c.Writes += o.Writes
	c.Messages += o.Messages
	c.Poisoned += o.Poisoned
	c.Words += o.Words
}

// Options say what a Witness watches.
type Options struct {
	World string      // its id; there is one
	Clock world.Clock // of the world outside
	// Skew is the most by which the clocks of two workers differ.
	Skew  time.Duration
	KeyOf func(id string) []byte // as world.Decode takes it
	Log   io.Writer              // takes what everybody logs; nil: nobody reads it
	// Turned is told when the fire is lit, and when it goes out, why: one of
	// Endings. It must not call the witness. nil: nobody is told.
	Turned func(lit bool, why string)
}

// Witness sees everything. It is safe for concurrent use.
type Witness struct {
	o    Options
	log  *slog.Logger
	leak *leakFinder

	mu         sync.Mutex // guards what follows
	violations []Violation
	journal    replay.Journal
	counts     Counts
	state      world.State // as last written
	commands   map[string]*command
	order      []string                   // ids of commands, as they were accepted
	told       map[string]bool            // interactions whose answer was filled in
	posted     map[string]time.Time       // when a text was last posted
	nonces     map[string]map[string]bool // nonce to the messages it made
	hung       map[string]int64           // line of an event to the write that hung it
	hungAt     map[string]time.Time       // when an effect was hung, by its id
	wishes     []wish                     // of commands that changed what is wanted
	asked      []wish                     // of all that were handled
	newest     *wanted                    // what people asked for last; nil: nothing
	ended      ending                     // how the fire went out last
	kept       time.Time                  // when a stop was last called off because somebody was in
	saves      int                        // most that the world's files ever had
	spoken     map[number]*spoken         // words that came into the queue
	came       map[place]time.Time        // when those came that were read in a log
	tallied    map[place]number           // and those of them that the row counted
	memories   map[string]*memory         // of machines' agents
	leased     map[int64]string           // machines that a lease was given to, by its epoch
	continues  map[int64]bool             // boots that go on with the game of the one before
	paid       map[string]*paid           // machines that there are
	asks       int                        // how often a machine was asked for
	doubts     doubts                     // calls without an answer
	searched   time.Time                  // when somebody has read the channel's history last
	checked    time.Time                  // when a check was handled last
	late       time.Time                  // when one was last not handled in time
}

// New is a witness of a world that was never started.
func New(o Options) *Witness {
	w := &Witness{
		o: o, leak: &leakFinder{to: o.Log}, state: world.NewState(o.World),
		commands: map[string]*command{}, told: map[string]bool{}, posted: map[string]time.Time{},
		nonces: map[string]map[string]bool{}, hung: map[string]int64{}, hungAt: map[string]time.Time{},
		spoken: map[number]*spoken{}, came: map[place]time.Time{}, tallied: map[place]number{}, memories: map[string]*memory{}, continues: map[int64]bool{}, leased: map[int64]string{}, paid: map[string]*paid{}, doubts: newDoubts(),
	}
	w.log = slog.New(slog.NewTextHandler(w.leak, &slog.HandlerOptions{ReplaceAttr: w.stamp}))
	return w
}

// Log is where everybody logs, so that no secret is in it.
func (w *Witness) Log() *slog.Logger { return w.log }

// stamp writes the simulated time into a log line, to the nanosecond.
func (w *Witness) stamp(_ []string, a slog.Attr) slog.Attr {
	if a.Key == slog.TimeKey {
		return slog.String("at", w.o.Clock.Now().Sub(replay.Start()).String())
	}
	return a
}

// violate keeps a violation. w.mu is held.
func (w *Witness) violate(promise, format string, args ...any) {
	v := Violation{Promise: promise, At: w.o.Clock.Now().Sub(replay.Start()), What: fmt.Sprintf(format, args...)}
	w.log.Error("promise not kept", "violation", v.String())
	if len(w.violations) < MaxViolations {
		w.violations = append(w.violations, v)
	}
}

// record adds to what happened. w.mu is held.
func (w *Witness) record(format string, args ...any) {
	w.journal.Add(w.o.Clock.Now(), format, args...)
}

// Note adds something to what happened that no oracle looks at.
func (w *Witness) Note(what string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.record("%s", what)
}

// Delivered notes a message that a worker has in hand.
func (w *Witness) Delivered(m world.Message) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.record("delivered %s %d", m.ID, m.DequeueCount)
}

// Epoch is the boot that the row knows.
func (w *Witness) Epoch() int64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.state.Boot.Epoch
}

// Status is the world's by the row.
func (w *Witness) Status() world.Status {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.state.Status
}

// Bill is what the bot counts that the machines have cost.
func (w *Witness) Bill() world.Bill {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.state.Bill
}

// Testimony is what came of it.
type Testimony struct {
	Violations []Violation // at most MaxViolations
	Counts     Counts
	Hash       string // of all that happened, when and in which order
}

// Testify tells it. Call it once, when everything has ended.
func (w *Witness) Testify() Testimony {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.leak.found.Load() {
		w.violate("P23", "a secret stands in the log")
	}
	return Testimony{Violations: w.violations, Counts: w.counts, Hash: w.journal.Hash()}
}
