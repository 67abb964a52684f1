package retry

import (
	"context"
	"maps"
	"net/http"
	"sync"
	"time"

	"hearth/internal/world"
)

// gate keeps calls back for as long as Discord has asked for, whoever of this
// process makes them. It is safe for concurrent use.
type gate struct {
	clock world.Clock
	limit time.Duration // a longer pause is not waited for

	mu    sync.Mutex // guards what follows
	holds map[string]hold
}

type hold struct {
	until   time.Time
	refused *Error // not to be waited for: what to answer until then
}

func newGate(clock world.Clock, limit time.Duration) *gate {
	return &gate{clock: clock, limit: limit, holds: map[string]hold{}}
}

// pass returns when the call may be made; an *Error if that would take longer
// than the limit, or is of no use; the context's error if it ends first.
func (g *gate) pass(ctx context.Context, c *Call) error {
	for {
		h, left := g.holding(c)
		switch {
		case left <= 0:
			return ctx.Err()
		case h.refused != nil:
			e := *h.refused
			e.Route = c.Route
			return &e
		case left > g.limit:
			return &Error{
				Route: c.Route, Status: http.StatusTooManyRequests, RetryAfter: left,
				Message: "not called: an earlier call was told to wait",
			}
		}
		if err := wait(ctx, g.clock, left); err != nil {
			return err
		}
	}
}

// holding returns the longest hold on the call, and how long it lasts yet.
func (g *gate) holding(c *Call) (hold, time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.clock.Now()
	h := g.holds[c.Bucket]
	if all := g.holds[string(c.Scope)]; all.until.After(h.until) {
		h = all
	}
	return h, h.until.Sub(now)
}

// hold keeps calls with this key back for d, or longer if they are already.
func (g *gate) hold(key string, d time.Duration, refused *Error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.clock.Now()
	maps.DeleteFunc(g.holds, func(_ string, h hold) bool { return !h.until.After(now) })
	if until := now.Add(d); until.After(g.holds[key].until) {
		g.holds[key] = hold{until: until, refused: refused}
	}
}

// wait returns when d has passed on the clock, or with the context's error.
func wait(ctx context.Context, clock world.Clock, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-clock.After(d):
		return nil
	}
}
