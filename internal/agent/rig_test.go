package agent_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"hearth/internal/agent"
	"hearth/internal/sim/simdisk"
	"hearth/internal/sim/simstorage"
	"hearth/internal/world"
)

const midgard = "midgard"

// rig is an agent with fakes around it. It is made and used inside a bubble.
type rig struct {
	t        *testing.T
	game     *gameHost
	files    *files
	disk     *simdisk.Disk
	life     string
	metadata *metadata
	lease    *lease
	events   *queue
	orders   *queue

	snapshots world.Snapshots // nil: nobody keeps any

	cancel context.CancelCauseFunc
	result chan error
	began  time.Time
	log    slog.Handler // nil: nobody reads it
}

func key() []byte { return []byte("0123456789abcdef0123456789abcdef") }

func newRig(t *testing.T) *rig {
	account := simstorage.New(simstorage.Options{Clock: bubbleClock{}})
	return &rig{
		t: t, game: &gameHost{}, files: &files{}, disk: &simdisk.Disk{}, life: "first", metadata: &metadata{machine: world.Machine{Name: "vm-1", Size: "D2ads_v5", Address: "192.0.2.7"}},
		lease:  &lease{Lease: account.Lease()},
		events: &queue{Queue: account.Queue(world.EventsQueue)}, orders: &queue{Queue: account.Queue(world.OrdersQueue(midgard))},
	}
}

func (r *rig) options() agent.Options {
	log := r.log
	if log == nil {
		log = slog.DiscardHandler
	}
	return agent.Options{
		World: midgard, Key: key(), Clock: bubbleClock{}, Game: r.game, Files: r.files, Metadata: r.metadata,
		Lease: r.lease, Events: r.events, Orders: r.orders, Disk: r.disk, Boot: r.life, Log: slog.New(log),
		Snapshots: r.snapshots,
	}
}

// start runs the agent until the test ends or cancels it.
func (r *rig) start() {
	r.t.Helper()
	a, err := agent.New(r.options())
	if err != nil {
		r.t.Fatal(err)
	}
	ctx, cancel := context.WithCancelCause(r.t.Context())
	r.cancel, r.result, r.began = cancel, make(chan error, 1), time.Now()
	result := r.result
	go func() { result <- a.Run(ctx) }()
	r.t.Cleanup(func() {
		cancel(agent.ErrPowerOff)
		select {
		case err := <-result:
			if err != nil && !errors.Is(err, agent.ErrPowerOff) && !errors.Is(err, agent.ErrKilled) {
				r.t.Errorf("Run: %v", err)
			}
		case <-time.After(time.Hour):
			r.t.Error("the agent did not end")
		}
	})
	synctest.Wait()
}

// die ends the agent's process, and nothing else.
func (r *rig) die() {
	r.t.Helper()
	r.cancel(agent.ErrKilled)
	if err := <-r.result; !errors.Is(err, agent.ErrKilled) {
		r.t.Fatalf("Run: %v, want %v", err, agent.ErrKilled)
	}
	r.result <- nil // for who waits for its end
}

// up starts the agent and lets its game listen.
func (r *rig) up() *server {
	r.t.Helper()
	r.start()
	s := r.server(0)
	s.log("Valheim version: l-1.0.16 (network version 40)", opened)
	pass(4 * time.Second)
	r.want("listening", 1)
	return s
}

// pass lets time go by.
func pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

func (r *rig) server(i int) *server {
	r.t.Helper()
	all := r.game.all()
	if len(all) <= i {
		r.t.Fatalf("got %d processes of the game, want at least %d", len(all), i+1)
	}
	return all[i]
}

// heard decodes what the events queue took, each event once.
func (r *rig) heard() []world.Event {
	r.t.Helper()
	r.events.mu.Lock()
	defer r.events.mu.Unlock()
	var out []world.Event
	seen := map[string]bool{}
	for _, s := range r.events.sent {
		e, err := world.Decode(s.body, func(string) []byte { return key() })
		if err != nil {
			r.t.Fatal(err)
		}
		if !seen[e.ID] {
			seen[e.ID] = true
			out = append(out, e)
		}
	}
	return out
}

// of lists the events of one type, given without "agent.".
func (r *rig) of(typ string) []world.Event {
	var out []world.Event
	for _, e := range r.heard() {
		if string(e.Data.Type()) == "agent."+typ {
			out = append(out, e)
		}
	}
	return out
}

// want checks how many events of a type came, and returns them.
func (r *rig) want(typ string, n int) []world.Event {
	r.t.Helper()
	got := r.of(typ)
	if len(got) != n {
		r.t.Fatalf("got %d %s, want %d; events: %s", len(got), typ, n, r.types())
	}
	return got
}

func (r *rig) types() string {
	var out []string
	for _, e := range r.heard() {
		if typ := strings.TrimPrefix(string(e.Data.Type()), "agent."); typ != "heartbeat" && typ != "step_begun" {
			out = append(out, typ)
		}
	}
	return strings.Join(out, " ")
}

// proof is the only SaveProven.
func (r *rig) proof() *world.SaveProven {
	r.t.Helper()
	return r.want("save_proven", 1)[0].Data.(*world.SaveProven)
}

// order sends an order of the present epoch, issued now.
func (r *rig) order(kind world.OrderKind, operation string) {
	r.t.Helper()
	r.send(world.Order{Kind: kind, World: midgard, Operation: operation, Epoch: r.lease.epoch(), Issued: time.Now()})
}

func (r *rig) send(o world.Order) {
	r.t.Helper()
	body, err := o.Encode()
	if err != nil {
		r.t.Fatal(err)
	}
	if err := r.orders.Queue.Send(r.t.Context(), body, 0); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) notice(id, kind string) {
	r.metadata.set(func(m *metadata) {
		m.list = append(m.list, world.Notice{ID: id, Kind: kind, NotBefore: time.Now().Add(30 * time.Second)})
	})
}

// ended checks that Run returns within d, and with what.
func (r *rig) ended(d time.Duration, want error) {
	r.t.Helper()
	select {
	case err := <-r.result:
		r.result <- err
		if !errors.Is(err, want) {
			r.t.Fatalf("Run: got %v, want %v", err, want)
		}
	case <-time.After(d):
		r.t.Fatalf("Run did not return within %v", d)
	}
}

// inOrder checks that the ids are those of one epoch, from 1 without a hole.
func (r *rig) inOrder() {
	r.t.Helper()
	for i, e := range r.heard() {
		h := e.Data.(world.AgentPayload).AsHeard()
		if h.Epoch != r.lease.epoch() || h.Seq != int64(i+1) {
			r.t.Fatalf("event %d: got %s, %d of epoch %d", i+1, e.ID, h.Seq, h.Epoch)
		}
	}
}

// inBubble runs a test in a bubble with a rig.
func inBubble(t *testing.T, name string, f func(t *testing.T, r *rig)) {
	t.Run(name, func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) { f(t, newRig(t)) })
	})
}
