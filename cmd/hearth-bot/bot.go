package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"hearth/internal/bot"
	"hearth/internal/functions"
	"hearth/internal/settings"
	"hearth/internal/world"
)

// Names of the functions and their bindings, as in app/*/function.json.
const (
	fnInteractions = "interactions"
	fnReactions    = "reactions"
	fnReconcile    = "reconcile"
	fnHealth       = "health"

	bindRequest  = "request"
	bindResponse = "response"
	bindEvent    = "event"
	bindTimer    = "timer"
)

// invocationWithin bounds an invocation, under functionTimeout in
// app/host.json. A reaction ends long before.
const invocationWithin = 4 * time.Minute

var errNoToken = errors.New("the bot's token is missing, so nothing could be told: put it into the app's settings as " + settings.Token)

// theBot is what the functions do.
type theBot struct {
	c            *settings.Config
	log          *slog.Logger
	interactions *bot.Interactions
	workers      func() (*workers, error) // made at the first event or timer
	made         atomic.Pointer[workers]  // nil before that
}

// workers are what needs the world outside.
type workers struct {
	reactions *bot.Reactions
	reconcile *bot.Reconcile
}

// newBot makes no call and opens nothing: a process is asked for its first
// answer before it has done anything else.
func newBot(c *settings.Config, clk world.Clock, log *slog.Logger, open func() (*ports, error)) *theBot {
	b := &theBot{
		c: c, log: log,
		interactions: &bot.Interactions{
			Verifier: c.Verifier, Probe: c.Probe, Guild: c.Guild, Worlds: c.Worlds, Clock: clk, NoToken: c.Token == "",
			Log: log.With("part", fnInteractions),
		},
	}
	b.workers = sync.OnceValues(func() (*workers, error) {
		w, err := newWorkers(c, clk, log, open)
		b.made.Store(w)
		return w, err
	})
	return b
}

func newWorkers(c *settings.Config, clk world.Clock, log *slog.Logger, open func() (*ports, error)) (*workers, error) {
	if c.Token == "" {
		return nil, errNoToken
	}
	p, err := open()
	if err != nil {
		return nil, err
	}
	events, key := p.queue(world.EventsQueue), c.KeyOf(world.BotKey)
	return &workers{
		reactions: &bot.Reactions{
			Verifier: c.Verifier, KeyOf: c.KeyOf, Poison: p.queue(world.PoisonQueue(world.EventsQueue)), Log: log.With("part", fnReactions),
			Archive: p.archive,
			Runner: &bot.Runner{
				Guild: c.Guild, Worlds: c.Worlds, Store: p.store, Compute: p.compute, Console: p.console, Estate: p.estate, Chat: p.chat, Events: events,
				Orders: func(id string) world.Queue { return p.queue(world.OrdersQueue(id)) },
				Key:    key, Clock: clk, Log: log.With("part", "runner"),
			},
		},
		reconcile: &bot.Reconcile{
			Guild: c.Guild, Worlds: c.Worlds, Estate: p.estate, Store: p.store, Events: events, Key: key, Clock: clk, Log: log.With("part", fnReconcile),
		},
	}, nil
}

// app is the bot as the host invokes it.
func (b *theBot) app() *functions.App {
	a := functions.New(functions.Options{Log: b.log.With("part", "functions"), Within: invocationWithin})
	a.HTTP(fnInteractions, functions.HTTPBindings{Trigger: bindRequest, Response: bindResponse, Queues: []string{bindEvent}}, b.interact)
	a.Queue(fnReactions, bindEvent, b.react)
	a.Timer(fnReconcile, bindTimer, b.sweep)
	a.HTTP(fnHealth, functions.HTTPBindings{Trigger: bindRequest, Response: bindResponse}, b.health)
	return a
}

// interact answers Discord. The command that it accepts leaves by the host's
// hands, before the answer does.
func (b *theBot) interact(_ context.Context, req functions.Request) (functions.Response, error) {
	a := b.interactions.Take(req.Method, req.Header, req.Body)
	resp := functions.Response{Status: a.Status, Body: a.Body}
	if len(a.Body) > 0 {
		resp.Header = map[string]string{"Content-Type": "application/json"}
	}
	if a.Enqueue != nil {
		resp.Enqueue = map[string][]byte{bindEvent: a.Enqueue}
	}
	return resp, nil
}

// react handles one delivery of an event. An error leaves it in the queue.
func (b *theBot) react(ctx context.Context, m functions.Message) error {
	w, err := b.workers()
	if err != nil {
		return fmt.Errorf("handle event: %w", err)
	}
	return w.reactions.Handle(ctx, m.Body, m.DequeueCount)
}

// sweep looks after what nobody watches.
func (b *theBot) sweep(ctx context.Context, _ functions.Tick) error {
	w, err := b.workers()
	if err != nil {
		return fmt.Errorf("reconcile: %w", err)
	}
	// First: a cloud that hangs leaves no time for what comes after it.
	w.reactions.Drain(ctx)
	return w.reconcile.Run(ctx)
}

// health tells what runs, what it was given (names, and no values) and what it
// has done since it began.
func (b *theBot) health(context.Context, functions.Request) (functions.Response, error) {
	ids := make([]string, len(b.c.Worlds))
	for i, w := range b.c.Worlds {
		ids[i] = w.ID
	}
	var counts bot.Counts
	if w := b.made.Load(); w != nil {
		counts = w.reactions.Counts()
	}
	body, err := json.Marshal(struct {
		Version  string          `json:"version"`
		Worlds   []string        `json:"worlds"`
		Settings map[string]bool `json:"settings"` // whether each is set
		Events   bot.Counts      `json:"events"`   // of this process
	}{versionText(), ids, b.c.Set, counts})
	if err != nil {
		return functions.Response{}, fmt.Errorf("tell health: %w", err)
	}
	return functions.Response{
		Status: http.StatusOK, Body: body,
		Header: map[string]string{"Content-Type": "application/json", "Cache-Control": "no-store"},
	}, nil
}
