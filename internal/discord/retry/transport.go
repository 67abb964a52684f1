package retry

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/disgoorg/disgo/rest"
	"github.com/hashicorp/go-retryablehttp"

	"hearth/internal/world"
)

const (
	maxTries   = 6 // of one call, early 404s not counted
	minBackoff = 250 * time.Millisecond
	maxBackoff = 8 * time.Second
	// After a 401 the token's calls are refused here for this long: each one
	// counts towards the ban of the address.
	refusedFor = time.Minute
)

// Options is what a client needs; all of it.
type Options struct {
	Base    http.RoundTripper // makes the single attempts
	Attempt time.Duration     // the longest that one may take
	Clock   world.Clock       // measures the waits between attempts
	Pause   time.Duration     // the longest that is waited because Discord asked for it
	Log     *slog.Logger
	Jitter  func() float64 // a number of [0, 1); called by several goroutines
}

// NewClient makes an http.Client that waits and retries; its requests carry a
// Call. It connects to nothing.
func NewClient(o Options) *http.Client {
	t := &transport{gate: newGate(o.Clock, o.Pause), clock: o.Clock, log: o.Log, jitter: o.Jitter}
	t.retries = &retryablehttp.Client{
		HTTPClient: &http.Client{Transport: &attempt{base: o.Base, timeout: o.Attempt}, CheckRedirect: noRedirect},
		RetryMax:   maxTries + len(missingPauses()),
		CheckRetry: t.judge,
		// The waiting is done in PrepareRetry, on our clock.
		Backoff:      func(time.Duration, time.Duration, int, *http.Response) time.Duration { return 0 },
		PrepareRetry: t.prepare,
	}
	return &http.Client{Transport: t, CheckRedirect: noRedirect}
}

// noRedirect: Discord's API redirects nobody, and a token is not to be carried
// elsewhere.
func noRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// transport waits and retries.
type transport struct {
	retries *retryablehttp.Client
	gate    *gate
	clock   world.Clock
	log     *slog.Logger
	jitter  func() float64
}

// RoundTrip implements http.RoundTripper.
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	c, err := callOf(req.Context())
	if err != nil {
		return nil, err
	}
	if err := t.pass(req.Context(), c); err != nil {
		return nil, err
	}
	again, err := retryablehttp.FromRequest(req)
	if err != nil {
		return nil, fmt.Errorf("make request repeatable: %w", err)
	}
	return t.retries.Do(again)
}

func (t *transport) pass(ctx context.Context, c *Call) error {
	err := t.gate.pass(ctx, c)
	if refused, ok := errors.AsType[*Error](err); ok {
		c.failure = refused
	}
	return err
}

func (t *transport) prepare(req *http.Request) error {
	c, err := callOf(req.Context())
	if err != nil {
		return err
	}
	if err := wait(req.Context(), t.clock, c.pause); err != nil {
		return err
	}
	return t.pass(req.Context(), c)
}

// judge decides after each attempt whether there is another, and after what
// pause.
func (t *transport) judge(ctx context.Context, _ *http.Response, _ error) (bool, error) {
	c, err := callOf(ctx)
	if err != nil {
		return false, err
	}
	if c.header != nil {
		t.noteRemaining(c)
	}
	if c.failure == nil && c.lost == nil {
		return false, nil
	}
	again := t.again(c)
	if ctx.Err() != nil {
		return false, ctx.Err()
	}
	if again {
		t.log.DebugContext(ctx, "discord call is repeated", slog.String("route", c.Route),
			slog.Int("status", c.status()), slog.Int("tries", c.tries+c.missing), slog.Duration("pause", c.pause))
	}
	return again, nil
}

// noteRemaining keeps the next call back when this one was the last that the
// bucket allows.
func (t *transport) noteRemaining(c *Call) {
	if c.header.Get("X-RateLimit-Remaining") != "0" {
		return
	}
	if d := seconds(c.header.Get("X-RateLimit-Reset-After")); d > 0 {
		t.gate.hold(c.Bucket, d, nil)
	}
}

// again sets the pause before another attempt, and says whether there is one.
func (t *transport) again(c *Call) bool {
	switch {
	case c.failure == nil: // no answer: it may have been done, or not
		c.tries++
		c.pause = t.backoff(c.tries)
		return c.tries < maxTries && !c.Once
	case c.failure.Status == http.StatusTooManyRequests:
		return t.limited(c)
	case c.failure.Status == http.StatusNotFound && c.Scope == Answer:
		// A valid deferred answer is not found at first now and then
		// (discord-api-docs#7220).
		pauses := missingPauses()
		if c.missing >= len(pauses) {
			return false
		}
		c.pause = pauses[c.missing]
		c.missing++
		return true
	case c.failure.Status == http.StatusUnauthorized && c.Scope == Bot:
		t.gate.hold(string(Bot), refusedFor, c.failure)
		return false
	case c.failure.Status >= 500 && c.failure.Status != http.StatusNotImplemented:
		c.tries++
		c.pause = max(t.backoff(c.tries), c.asked)
		return c.tries < maxTries && !c.Once && c.pause <= t.gate.limit
	default:
		return false
	}
}

// limited handles a 429. It must not be answered with another call before its
// time, from anywhere in this process.
func (t *transport) limited(c *Call) bool {
	switch c.failure.Code {
	case int(rest.JSONErrorCodeMaximumEditsToMessagesOlderThan1HourReached): // 30046: the next edit will do
		return false
	case int(rest.JSONErrorCodeMaximumDailyApplicationCommandCreatesReached): // 30034: tomorrow
		return false
	}
	c.tries++
	pause := c.asked
	if pause <= 0 { // not Discord's JSON, and no header: nobody said how long
		pause = t.backoff(c.tries + 1)
	}
	key := c.Bucket
	if c.header.Get("X-RateLimit-Global") != "" || c.header.Get("X-RateLimit-Scope") == "global" || c.failure.global {
		key = string(c.Scope)
	}
	t.gate.hold(key, pause, nil)
	c.failure.RetryAfter = pause
	// Others wait for the same moment.
	c.pause = pause + time.Duration(t.jitter()*float64(minBackoff))
	return c.tries < maxTries && pause <= t.gate.limit
}

// missingPauses are those between attempts at an answer that is not found.
func missingPauses() []time.Duration {
	return []time.Duration{500 * time.Millisecond, time.Second, 2 * time.Second, 4 * time.Second}
}

// backoff doubles with each try; half of it is chance.
func (t *transport) backoff(tries int) time.Duration {
	d := min(minBackoff<<min(tries-1, 10), maxBackoff)
	return d/2 + time.Duration(t.jitter()*float64(d)/2)
}
