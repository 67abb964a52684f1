package simhost

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"

	"hearth/internal/sim/simhost/app"
	"hearth/internal/sim/simhost/envelope"
)

// timer is the trigger of one timer function.
type timer struct {
	h        *Host
	g        *group
	f        app.Function
	statuses *statuses // nil: the timer is not monitored
	log      *slog.Logger
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
	return t.invoke(ctx, t.load(ctx), false)
}

// run calls the function when its schedule says so, one call after the other. A
// monitored one that missed its time while no host ran is called at once, past
// due (TimerListener.cs).
func (t *timer) run() {
	ctx, s := t.h.life, t.f.Trigger.Schedule
	now := t.h.o.Clock.Now().UTC()
	status, pastDue := t.due(ctx, now)
	if t.f.Trigger.RunOnStartup || pastDue {
		status = t.fire(ctx, status, pastDue)
	}
	for t.h.intake.Err() == nil {
		now := t.h.o.Clock.Now().UTC()
		next := s.Next(now)
		if next.IsZero() {
			t.log.Warn("the schedule never comes again", "schedule", s.String())
			return
		}
		select {
		case <-t.h.o.Clock.After(next.Sub(now)):
			status = t.fire(ctx, status, false)
		case <-t.h.intake.Done():
		}
	}
}

// due returns the status that the timer starts with, and whether a run was
// missed (ScheduleMonitor.cs).
func (t *timer) due(ctx context.Context, now time.Time) (status *envelope.TimerStatus, missed bool) {
	if t.statuses == nil {
		return nil, false
	}
	s := t.f.Trigger.Schedule
	status = t.load(ctx)
	if status == nil {
		status = &envelope.TimerStatus{Next: s.Next(now), LastUpdated: now}
		t.save(ctx, status)
		return status, false
	}
	since := status.Last
	if since.IsZero() {
		since = status.LastUpdated
	}
	if expected := s.Next(since.UTC()); !expected.Equal(status.Next) { // the schedule is another one
		if now.After(expected) {
			expected = s.Next(now)
		}
		status = &envelope.TimerStatus{Next: expected, LastUpdated: since}
		t.save(ctx, status)
	}
	return status, now.After(status.Next)
}

// fire calls the function and returns the status it has then.
func (t *timer) fire(ctx context.Context, status *envelope.TimerStatus, pastDue bool) *envelope.TimerStatus {
	now := t.h.o.Clock.Now().UTC()
	if err := t.invoke(ctx, status, pastDue); err != nil && ctx.Err() == nil {
		t.log.Error("function failed", "error", err)
	}
	if t.statuses == nil || ctx.Err() != nil {
		return status
	}
	status = &envelope.TimerStatus{Last: now, Next: t.f.Trigger.Schedule.Next(now), LastUpdated: t.h.o.Clock.Now().UTC()}
	t.save(ctx, status)
	return status
}

// load and save go on without a status that the storage does not give or take.
func (t *timer) load(ctx context.Context) *envelope.TimerStatus {
	if t.statuses == nil {
		return nil
	}
	status, err := t.statuses.load(ctx, t.f.Name)
	if err != nil {
		t.log.Error("timer status not loaded", "error", err)
	}
	return status
}

func (t *timer) save(ctx context.Context, status *envelope.TimerStatus) {
	if err := t.statuses.save(ctx, t.f.Name, *status); err != nil {
		t.log.Error("timer status not saved", "error", err)
	}
}

// invoke calls the function once.
func (t *timer) invoke(ctx context.Context, status *envelope.TimerStatus, pastDue bool) error {
	i := &invocation{h: t.h, g: t.g, f: t.f, at: Moment{Function: t.f.Name, Invocation: uuid.NewString()}}
	i.reach(Received)
	_, err := i.envelope(ctx, envelope.Timer(t.f.Trigger.Name, status, pastDue, i.sys()))
	return err
}
