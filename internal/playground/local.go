package playground

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"hearth/internal/bot"
	"hearth/internal/clock"
	"hearth/internal/discord"
	"hearth/internal/playground/points"
	"hearth/internal/sqlite"
	"hearth/internal/world"
)

// local is queue, state and lease in one file.
type local struct {
	*sqlite.DB
	store *sqlite.Store
}

var _ storage = (*local)(nil)

func openLocal(ctx context.Context, dir string, clk world.Clock) (*local, error) {
	db, err := sqlite.Open(ctx, filepath.Join(dir, "hearth.db"), clk)
	if err != nil {
		return nil, err
	}
	return &local{DB: db, store: db.Store()}, nil
}

func (l *local) Store() world.Store            { return l.store }
func (l *local) Queue(name string) world.Queue { return l.DB.Queue(name) }
func (l *local) Lease() lease                  { return l.DB.Lease() }

func (l *local) Count(ctx context.Context, queue string) (visible, hidden int, err error) {
	st, err := l.DB.Queue(queue).Stats(ctx)
	return st.Visible, st.Hidden, err
}

// worker is the bot in this process.
type worker struct {
	interactions *bot.Interactions
	reactions    *bot.Reactions
	reconcile    *bot.Reconcile
	events       *sqlite.Queue
	clock        *clock.Scaled
	at           points.At
	notes        *notes
	log          *slog.Logger

	idle atomic.Bool // the pump waits for a message
	stop context.CancelFunc
	work sync.WaitGroup
}

var _ control = (*worker)(nil)

// startWorker makes the bot's handlers around the local storage and lets them
// work.
func (r *run) startWorker(ctx context.Context, l *local) (*worker, error) {
	verifier, err := discord.NewVerifier(r.discord.PublicKey())
	if err != nil {
		return nil, err
	}
	at := r.o.At
	w := &worker{events: l.DB.Queue(world.EventsQueue), clock: r.clock, at: at, notes: r.notes, log: r.log}
	w.interactions = &bot.Interactions{
		Verifier: verifier, Guild: r.guild, Worlds: r.worlds, Clock: r.clock, Log: r.log.With("part", "interactions"),
	}
	w.reactions = &bot.Reactions{
		Verifier: verifier, Log: r.log.With("part", "reactions"),
		KeyOf: r.key, Poison: l.Queue(world.PoisonQueue(world.EventsQueue)), Archive: l.Archive(),
		Runner: &bot.Runner{
			Guild: r.guild, Worlds: r.worlds, Store: at.Store(l.store), Compute: at.Compute(r.cloud), Console: r.cloud, Estate: r.cloud, Chat: at.Chat(r.chat),
			Events: at.Queue(w.events, "delay", "acknowledge"),
			Orders: func(id string) world.Queue {
				return at.Queue(l.Queue(world.OrdersQueue(id)), "order", "obey")
			},
			Key: r.secrets.botKey(), Clock: r.clock, Log: r.log.With("part", "runner"),
		},
	}
	w.reconcile = &bot.Reconcile{Guild: r.guild, Worlds: r.worlds, Estate: r.cloud, Store: l.store, Events: w.events, Key: r.secrets.botKey(), Clock: r.clock, Log: r.log.With("part", "reconcile")}
	ctx, w.stop = context.WithCancel(context.WithoutCancel(ctx))
	w.work.Go(func() { w.pump(ctx) })
	w.work.Go(func() { w.sweep(ctx) })
	return w, nil
}

// Close lets the worker finish what it has in hand.
func (w *worker) Close(context.Context) error {
	w.stop()
	w.work.Wait()
	return nil
}

// What follows is the local end of what the Functions host does: an HTTP request in, its
// output into the queue before the answer goes out; messages one by one to
// the handler, deleted after it.

const (
	// visibility is how long a message is a handler's, in this machine's time:
	// longer than bot.HandleWithin.
	visibility = 60 * time.Second
	// againAfter is how long an event that could not be handled is left alone,
	// on the playground's clock: five deliveries outlast the claim of a worker
	// that died over its effects.
	againAfter    = 30 * time.Second
	sweepEvery    = 6 * time.Hour
	drainWithin   = 10 * time.Second
	enqueueWithin = 2 * time.Second
)

// ServeHTTP answers an interaction.
func (w *worker) ServeHTTP(rw http.ResponseWriter, req *http.Request) {
	a := w.interactions.Read(rw, req)
	if a.Enqueue != nil {
		ctx, cancel := context.WithTimeout(req.Context(), enqueueWithin)
		defer cancel()
		// "Accepted" is never said of a command that is not in the queue.
		if err := w.at.Around("enqueue", func() error { return w.events.Send(ctx, a.Enqueue, 0) }); err != nil {
			w.log.Error("command not enqueued", "error", err)
			rw.WriteHeader(http.StatusInternalServerError)
			return
		}
	}
	if len(a.Body) > 0 {
		rw.Header().Set("Content-Type", "application/json")
	}
	rw.WriteHeader(a.Status)
	if _, err := rw.Write(a.Body); err != nil {
		w.log.Warn("answer not written", "error", err)
	}
}

// pump hands events to the worker until ctx ends.
func (w *worker) pump(ctx context.Context) {
	for ctx.Err() == nil {
		msgs, err := w.events.Receive(ctx, 1, time.Duration(float64(visibility)*w.clock.Speed()))
		if err != nil {
			if ctx.Err() != nil {
				return
			}
			w.log.Error("events not received", "error", err)
			select {
			case <-ctx.Done():
			case <-time.After(time.Second):
			}
			continue
		}
		for _, m := range msgs {
			w.handle(ctx, m)
		}
		if len(msgs) == 0 {
			w.idle.Store(true)
			err := w.events.Wait(ctx)
			w.idle.Store(false)
			if err != nil && ctx.Err() == nil {
				w.log.Error("events not awaited", "error", err)
			}
		}
	}
}

func (w *worker) handle(ctx context.Context, m world.Message) {
	// A message in hand is finished even when the run ends meanwhile.
	ctx = context.WithoutCancel(ctx)
	if err := w.reactions.Handle(ctx, m.Body, m.DequeueCount); err != nil {
		w.log.Warn("event not handled", "delivery", m.DequeueCount, "error", err)
		w.notes.add("event comes again: delivery " + itoa(m.DequeueCount))
		if err := w.events.Return(ctx, m, againAfter); err != nil {
			w.log.Warn("event not given back", "error", err)
		}
		return
	}
	if err := w.at.Around("acknowledge", func() error { return w.events.Delete(ctx, m) }); err != nil {
		w.log.Warn("event not deleted", "error", err)
	}
	w.notes.add(describe(m.Body))
}

// describe names an event for the drawer "under the hood".
func describe(body []byte) string {
	var e struct {
		Type, Subject string
		Data          struct{ Name, Kind, Phase string }
	}
	if json.Unmarshal(body, &e) != nil {
		return "something that is no event"
	}
	words := slices.DeleteFunc([]string{e.Type, e.Data.Name, e.Data.Kind, e.Data.Phase}, func(w string) bool { return w == "" })
	return strings.Join(words, " ") + " → " + e.Subject
}

// Drain waits until the worker has seen to what the agents said last.
func (w *worker) Drain(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, drainWithin)
	defer cancel()
	for {
		st, err := w.events.Stats(ctx)
		// In this order: a message that is no longer visible is in hand until
		// the pump is idle again.
		if err != nil || st.Visible == 0 && w.idle.Load() {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// sweep runs the six-hourly reconcile.
func (w *worker) sweep(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-w.clock.After(sweepEvery):
		}
		if err := w.reconcile.Run(ctx); err != nil {
			w.log.Error("reconcile incomplete", "error", err)
		}
		w.reactions.Drain(ctx)
	}
}
