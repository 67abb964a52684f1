package playground

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"hearth/internal/world"
)

// The local end of what the Functions host does: an HTTP request in, its
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

func (r *run) serveInteraction(w http.ResponseWriter, req *http.Request) {
	a := r.interactions.Read(w, req)
	if a.Enqueue != nil {
		ctx, cancel := context.WithTimeout(req.Context(), enqueueWithin)
		defer cancel()
		// "Accepted" is never said of a command that is not in the queue.
		if err := r.o.At.Around("enqueue", func() error { return r.events.Send(ctx, a.Enqueue, 0) }); err != nil {
			r.log.Error("command not enqueued", "error", err)
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
	}
	if len(a.Body) > 0 {
		w.Header().Set("Content-Type", "application/json")
	}
	w.WriteHeader(a.Status)
	if _, err := w.Write(a.Body); err != nil {
		r.log.Warn("answer not written", "error", err)
	}
}

// pump hands events to the worker until ctx ends.
func (r *run) pump(ctx context.Context) {
	for ctx.Err() == nil {
		msgs, err := r.events.Receive(ctx, 1, time.Duration(float64(visibility)*r.clock.Speed()))
		if err != nil {
			if ctx.Err() != nil {
				return
			}
			r.log.Error("events not received", "error", err)
			select {
			case <-ctx.Done():
			case <-time.After(time.Second):
			}
			continue
		}
		for _, m := range msgs {
			r.handle(ctx, m)
		}
		if len(msgs) == 0 {
			r.idle.Store(true)
			err := r.events.Wait(ctx)
			r.idle.Store(false)
			if err != nil && ctx.Err() == nil {
				r.log.Error("events not awaited", "error", err)
			}
		}
	}
}

func (r *run) handle(ctx context.Context, m world.Message) {
	// A message in hand is finished even when the run ends meanwhile.
	ctx = context.WithoutCancel(ctx)
	if err := r.reactions.Handle(ctx, m.Body, m.DequeueCount); err != nil {
		r.log.Warn("event not handled", "delivery", m.DequeueCount, "error", err)
		r.notes.add("event comes again: delivery " + itoa(m.DequeueCount))
		if err := r.events.Return(ctx, m, againAfter); err != nil {
			r.log.Warn("event not given back", "error", err)
		}
		return
	}
	if err := r.o.At.Around("acknowledge", func() error { return r.events.Delete(ctx, m) }); err != nil {
		r.log.Warn("event not deleted", "error", err)
	}
	r.notes.add(describe(m.Body))
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

// drain waits until the worker has seen to what the agents said last.
func (r *run) drain(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, drainWithin)
	defer cancel()
	for {
		st, err := r.events.Stats(ctx)
		// In this order: a message that is no longer visible is in hand until
		// the pump is idle again.
		if err != nil || st.Visible == 0 && r.idle.Load() {
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
func (r *run) sweep(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-r.clock.After(sweepEvery):
		}
		if err := r.reconcile.Run(ctx); err != nil {
			r.log.Error("reconcile incomplete", "error", err)
		}
		r.reactions.Drain(ctx)
	}
}
