package chaos

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"hearth/internal/bot"
	"hearth/internal/discord"
	"hearth/internal/sim/chaos/replay"
	"hearth/internal/sim/simdiscord"
	"hearth/internal/world"
)

const (
	visibility = 60 * time.Second // of a message in hand, over bot.HandleWithin
	pollMost   = 2 * time.Second  // between two looks at an empty queue
	sweepEvery = 6 * time.Hour
)

// died is what a worker's process panics with at its end.
type died struct{}

// worker is a host's process that handles events, and is started again when it
// dies.
type worker struct {
	s    *simulation
	name string
	lane *replay.Lane
	dice *replay.Dice
	log  interface {
		Warn(msg string, args ...any)
	}
	reactions *bot.Reactions
	events    queue
}

func (s *simulation) startWorkers(ctx context.Context) {
	for i := range s.plan.Workers {
		w := &worker{
			s: s, name: string(rune('A' + i)), lane: s.lanes.New(time.Duration(i) * s.plan.WorkerSkew),
			dice: replay.NewDice(s.o.Seed, "worker", i), log: s.log.With("worker", string(rune('A'+i))),
		}
		s.work.Go(func() { w.run(ctx) })
	}
	reconcile := &bot.Reconcile{
		Worlds: s.worlds, Compute: compute{s.bystander("reconcile")}, Key: []byte(botKey), Clock: s.lanes.New(0),
		Events: queue{s.storage.Queue(world.EventsQueue), s.bystander("sweep")}, Log: s.log.With("part", "reconcile"),
	}
	clock := s.lanes.New(0)
	s.work.Go(func() {
		for clock.Sleep(ctx, sweepEvery) == nil {
			_ = reconcile.Run(ctx) // it is a backstop: the next one comes
		}
	})
}

// bystander is a user who never dies.
func (s *simulation) bystander(name string) *user {
	return &user{s: s, lane: s.lanes.New(0), dice: replay.NewDice(s.o.Seed, name), step: func(string) {}}
}

func (w *worker) run(ctx context.Context) {
	for life := 1; ctx.Err() == nil; life++ {
		if err := w.begin(life); err != nil {
			w.log.Warn("worker not made", "error", err)
			return
		}
		wait := 50 * time.Millisecond
		for w.survives(ctx, &wait) {
			if w.lane.Sleep(ctx, wait) != nil {
				return
			}
		}
		w.s.kills.Add(1)
		if w.lane.Sleep(ctx, w.dice.Between(time.Second, replay.Pick(w.dice, 5*time.Second, 2*time.Minute))) != nil {
			return
		}
	}
}

// begin makes everything that a process has in memory.
func (w *worker) begin(life int) error {
	s := w.s
	as := func(what string) *user {
		return &user{s: s, lane: w.lane, dice: replay.NewDice(s.o.Seed, w.name, life, what), step: w.step}
	}
	chat, err := s.newClient(&wire{as("chat"), s.discord.Transport()}, w.lane)
	if err != nil {
		return err
	}
	log := s.log.With("worker", w.name, "life", life)
	ordering := as("order")
	w.events = queue{s.storage.Queue(world.EventsQueue), as("host")}
	w.reactions = &bot.Reactions{
		Verifier: s.verifier, KeyOf: s.key, Log: log, Poison: queue{s.storage.Queue(world.PoisonQueue(world.EventsQueue)), as("poison")},
		Runner: &bot.Runner{
			Guild: s.guild, Worlds: s.worlds, Clock: w.lane, Log: log, Key: []byte(botKey), Draw: replay.NewDice(s.o.Seed, w.name, life, "runner").Uint64,
			Store: store{s.store, as("store")}, Compute: compute{as("compute")}, Chat: chat,
			Events: queue{s.storage.Queue(world.EventsQueue), as("delay")},
			Orders: func(id string) world.Queue {
				return orders{queue{s.storage.Queue(world.OrdersQueue(id)), ordering}}
			},
		},
	}
	return nil
}

// newClient is a bot's way to Discord.
func (s *simulation) newClient(t http.RoundTripper, l *replay.Lane) (*discord.Client, error) {
	jitter := replay.NewDice(s.o.Seed, "jitter", l.Slot())
	return discord.NewClient(discord.ClientOptions{
		URL: "http://discord.invalid" + simdiscord.APIPrefix, Application: simdiscord.DefaultApplicationID, Token: botToken,
		Clock: l, Transport: t, Jitter: func() float64 { return float64(jitter.IntN(1000)) / 1000 },
	})
}

// survives takes one message from the queue and handles it; false when the
// process died of it. wait is set to how long to pause.
func (w *worker) survives(ctx context.Context, wait *time.Duration) (alive bool) {
	defer func() {
		if v := recover(); v != nil {
			if _, ok := v.(died); !ok {
				panic(v)
			}
			w.log.Warn("worker died")
		}
	}()
	ms, err := w.events.Receive(ctx, 1, visibility)
	if err != nil || len(ms) == 0 {
		*wait = min(2**wait, pollMost)
		return true
	}
	*wait = time.Millisecond
	m := ms[0]
	w.s.witness.delivered(m)
	body := w.s.witness.aged(m.Body)
	if w.s.o.Bug == AcknowledgeFirst {
		_ = w.events.Delete(ctx, m)
	}
	// A message in hand is finished, whatever ends.
	if err := w.reactions.Handle(context.WithoutCancel(ctx), body, m.DequeueCount); err != nil {
		w.log.Warn("event not handled", "delivery", m.DequeueCount, "error", err)
		return true
	}
	w.s.witness.handled()
	if w.s.o.Bug != AcknowledgeFirst {
		_ = w.events.Delete(ctx, m) // it comes again, and is known
	}
	return true
}

// step is where a process may die, or stand still for longer than its claims
// last.
func (w *worker) step(string) {
	if w.s.fault(w.dice, w.s.plan.Die) {
		panic(died{})
	}
	if w.s.fault(w.dice, w.s.plan.Stall) {
		<-w.lane.After(w.dice.Between(20*time.Second, 150*time.Second))
	}
}

// orders plants the bug of a stop that is not waited for.
type orders struct{ queue }

// Send implements world.Queue.
func (o orders) Send(ctx context.Context, body []byte, delay time.Duration) error {
	if err := o.queue.Send(ctx, body, delay); err != nil || o.s.o.Bug != SaveNotAwaited {
		return err
	}
	order, err := world.DecodeOrder(body)
	if err != nil {
		return err
	}
	const seq = 9_000_000 // no agent comes to it
	return o.s.forge(ctx, order.Epoch, seq, func(h world.Heard) world.Payload {
		return &world.SaveProven{Heard: h, Why: world.StopOrdered, Operation: order.Operation, Confirmed: true}
	})
}

// forge sends an event as the world's agent.
func (s *simulation) forge(ctx context.Context, epoch, seq int64, fill func(world.Heard) world.Payload) error {
	body, err := agentEvent(epoch, seq, s.clock.Now(), fill(world.Heard{Epoch: epoch, Seq: seq}))
	if err != nil {
		return err
	}
	return s.storage.Queue(world.EventsQueue).Send(ctx, body, 0)
}

// wire is a worker's connection to Discord.
type wire struct {
	*user
	base http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (t *wire) RoundTrip(req *http.Request) (*http.Response, error) {
	t.step("chat")
	if err := t.lane.Sleep(req.Context(), t.dice.Between(20*time.Millisecond, 250*time.Millisecond)); err != nil {
		return nil, err
	}
	var body []byte
	if req.Body != nil {
		var err error
		if body, err = io.ReadAll(req.Body); err != nil {
			return nil, err
		}
		req.Body = io.NopCloser(bytes.NewReader(body))
	}
	resp, err := t.base.RoundTrip(req)
	switch {
	case errors.Is(err, simdiscord.ErrReplyLost): // it was done all the same
		t.s.witness.said(req.Method, req.URL.Path, body, t.newest(readPosted(body).Content))
	case err == nil && resp.StatusCode < 300:
		answer, err := io.ReadAll(resp.Body)
		if err != nil {
			return nil, err
		}
		resp.Body = io.NopCloser(bytes.NewReader(answer))
		t.s.witness.said(req.Method, req.URL.Path, body, readPosted(answer).ID)
	}
	if err == nil {
		t.step("chat done")
	}
	return resp, err
}

// newest is the id of the last message of this content, or empty. Cards have
// none.
func (t *wire) newest(content string) string {
	if content == "" {
		return ""
	}
	for _, m := range slices.Backward(t.s.discord.Messages()) {
		if m.Content == content {
			return m.ID
		}
	}
	return ""
}

// posted is what is read of a message that is posted, and of the answer.
type posted struct {
	ID      string `json:"id"`
	Content string `json:"content"`
	Nonce   string `json:"nonce"`
}

func readPosted(body []byte) posted {
	var p posted
	_ = json.Unmarshal(body, &p) // Discord took it, so it is one
	return p
}

// isAnswer tells whether a path is that of an interaction's answer, and of
// which token.
func isAnswer(path string) (token string, ok bool) {
	rest, ok := strings.CutPrefix(path, simdiscord.APIPrefix+"/webhooks/"+simdiscord.DefaultApplicationID+"/")
	if !ok {
		return "", false
	}
	token, tail, _ := strings.Cut(rest, "/")
	return token, tail == "messages/@original"
}
