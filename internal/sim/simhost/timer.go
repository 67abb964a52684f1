package simhost

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"hearth/internal/sim/simhost/app"
	"hearth/internal/sim/simhost/envelope"
)

// timer is the trigger of one timer function.
type timer struct {
	h *Host
	g *group
	f app.Function
}

// Fire calls a timer function now, beside its schedule, and returns how that
// went: what a POST to /admin/functions/<function> does, which needs the master
// key and is no part of ServeHTTP.
func (h *Host) Fire(ctx context.Context, function string) error {
	t := h.timers[function]
	if t == nil {
		return fmt.Errorf("fire timer: %q is no timer function of this app", function)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer h.onAbandon(cancel)()
	return t.invoke(ctx, false)
}

// run calls the function when its schedule says so, one call after the other.
func (t *timer) run() {
	log := t.h.o.Log.With("function", t.f.Name)
	fire := func() {
		if err := t.invoke(t.h.life, false); err != nil && t.h.life.Err() == nil {
			log.Error("function failed", "error", err)
		}
	}
	if t.f.Trigger.RunOnStartup {
		fire()
	}
	for t.h.intake.Err() == nil {
		now := t.h.o.Clock.Now().UTC()
		next := t.f.Trigger.Schedule.Next(now)
		if next.IsZero() {
			log.Warn("the schedule never comes again", "schedule", t.f.Trigger.Schedule.String())
			return
		}
		select {
		case <-t.h.o.Clock.After(next.Sub(now)):
			fire()
		case <-t.h.intake.Done():
		}
	}
}

// invoke calls the function once.
func (t *timer) invoke(ctx context.Context, pastDue bool) error {
	i := &invocation{h: t.h, g: t.g, f: t.f, at: Moment{Function: t.f.Name, Invocation: uuid.NewString()}}
	i.reach(Received)
	_, err := i.envelope(ctx, envelope.Timer(t.f.Trigger.Name, nil, pastDue, i.sys()))
	return err
}
