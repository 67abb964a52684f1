package discord

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/disgoorg/disgo/rest"
	"github.com/hashicorp/go-retryablehttp"

	"hearth/internal/world"
)

const (
	maxTries   = 6       // of one call, early 404s not counted
	maxAnswer  = 1 << 20 // bytes of an answer; a guild's commands are the largest
	minBackoff = 250 * time.Millisecond
	maxBackoff = 8 * time.Second
	// After a 401 the token's calls are refused here for this long: each one
	// counts towards the ban of the address.
	refusedFor = time.Minute
	maxPause   = 24 * time.Hour // no answer is believed to mean more
)

// scope is what a global rate limit covers: the bot token's calls, or those
// of interaction tokens, which Discord counts apart.
type scope string

const (
	scopeBot    scope = "bot"
	scopeAnswer scope = "answer"
)

// call is one call through all its attempts. It travels in the context, since
// retryablehttp's hooks are given nothing else; one goroutine uses it.
type call struct {
	route  string // for people
	bucket string // names its rate limit: template and major parameter
	scope  scope
	once   bool              // a repeat might do it twice: retry only what was surely refused
	redact *strings.Replacer // takes the secrets of this call out of a text

	tries   int
	missing int           // early 404s
	pause   time.Duration // before the next attempt
	failure *Error        // the last attempt's answer, if it was a refusal
	lost    error         // the last attempt's error, if it had no answer
	header  http.Header   // of the last answer
	asked   time.Duration // the wait that the last answer asked for
}

type callKey struct{}

func withCall(ctx context.Context, c *call) context.Context {
	return context.WithValue(ctx, callKey{}, c)
}

var errNoCall = errors.New("request outside of a call")

func callOf(ctx context.Context) (*call, error) {
	c, ok := ctx.Value(callKey{}).(*call)
	if !ok {
		return nil, errNoCall
	}
	return c, nil
}

// retrier is the transport that alone waits and retries.
type retrier struct {
	retries *retryablehttp.Client
	gate    *gate
	clock   world.Clock
	log     *slog.Logger
	jitter  func() float64
}

func newRetrier(w *wire, g *gate, log *slog.Logger, jitter func() float64) *retrier {
	r := &retrier{gate: g, clock: g.clock, log: log, jitter: jitter}
	r.retries = &retryablehttp.Client{
		HTTPClient: &http.Client{Transport: w, CheckRedirect: noRedirect},
		RetryMax:   maxTries + len(missingPauses()),
		CheckRetry: r.judge,
		// The waiting is done in PrepareRetry, on our clock.
		Backoff:      func(time.Duration, time.Duration, int, *http.Response) time.Duration { return 0 },
		PrepareRetry: r.prepare,
	}
	return r
}

// noRedirect: Discord's API redirects nobody, and a token is not to be carried
// elsewhere.
func noRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// RoundTrip implements http.RoundTripper.
func (r *retrier) RoundTrip(req *http.Request) (*http.Response, error) {
	c, err := callOf(req.Context())
	if err != nil {
		return nil, err
	}
	if err := r.pass(req.Context(), c); err != nil {
		return nil, err
	}
	again, err := retryablehttp.FromRequest(req)
	if err != nil {
		return nil, fmt.Errorf("make request repeatable: %w", err)
	}
	return r.retries.Do(again)
}

func (r *retrier) pass(ctx context.Context, c *call) error {
	err := r.gate.pass(ctx, c)
	if refused, ok := errors.AsType[*Error](err); ok {
		c.failure = refused
	}
	return err
}

func (r *retrier) prepare(req *http.Request) error {
	c, err := callOf(req.Context())
	if err != nil {
		return err
	}
	if err := wait(req.Context(), r.clock, c.pause); err != nil {
		return err
	}
	return r.pass(req.Context(), c)
}

// judge decides after each attempt whether there is another, and after what
// pause.
func (r *retrier) judge(ctx context.Context, _ *http.Response, _ error) (bool, error) {
	c, err := callOf(ctx)
	if err != nil {
		return false, err
	}
	if c.header != nil {
		r.noteRemaining(c)
	}
	if c.failure == nil && c.lost == nil {
		return false, nil
	}
	again := r.again(c)
	if ctx.Err() != nil {
		return false, ctx.Err()
	}
	if again {
		r.log.DebugContext(ctx, "discord call is repeated", slog.String("route", c.route),
			slog.Int("status", c.status()), slog.Int("tries", c.tries+c.missing), slog.Duration("pause", c.pause))
	}
	return again, nil
}

func (c *call) status() int {
	if c.failure == nil {
		return 0
	}
	return c.failure.Status
}

// noteRemaining keeps the next call back when this one was the last that the
// bucket allows.
func (r *retrier) noteRemaining(c *call) {
	if c.header.Get("X-RateLimit-Remaining") != "0" {
		return
	}
	if d := seconds(c.header.Get("X-RateLimit-Reset-After")); d > 0 {
		r.gate.hold(c.bucket, d, nil)
	}
}

// again sets the pause before another attempt, and says whether there is one.
func (r *retrier) again(c *call) bool {
	switch {
	case c.failure == nil: // no answer: it may have been done, or not
		c.tries++
		c.pause = r.backoff(c.tries)
		return c.tries < maxTries && !c.once
	case c.failure.Status == http.StatusTooManyRequests:
		return r.limited(c)
	case c.failure.Status == http.StatusNotFound && c.scope == scopeAnswer:
		// A valid deferred answer is not found at first now and then
		// (discord-api-docs#7220).
		pauses := missingPauses()
		if c.missing >= len(pauses) {
			return false
		}
		c.pause = pauses[c.missing]
		c.missing++
		return true
	case c.failure.Status == http.StatusUnauthorized && c.scope == scopeBot:
		r.gate.hold(string(scopeBot), refusedFor, c.failure)
		return false
	case c.failure.Status >= 500 && c.failure.Status != http.StatusNotImplemented:
		c.tries++
		c.pause = max(r.backoff(c.tries), c.asked)
		return c.tries < maxTries && !c.once && c.pause <= r.gate.limit
	default:
		return false
	}
}

// limited handles a 429. It must not be answered with another call before its
// time, from anywhere in this process.
func (r *retrier) limited(c *call) bool {
	if c.failure.Code == int(rest.JSONErrorCodeMaximumEditsToMessagesOlderThan1HourReached) {
		return false // 30046: the next edit will do
	}
	c.tries++
	pause := c.asked
	if pause <= 0 { // not Discord's JSON, and no header: nobody said how long
		pause = r.backoff(c.tries + 1)
	}
	key := c.bucket
	if c.header.Get("X-RateLimit-Global") != "" || c.header.Get("X-RateLimit-Scope") == "global" || c.failure.global {
		key = string(c.scope)
	}
	r.gate.hold(key, pause, nil)
	c.failure.RetryAfter = pause
	// Others wait for the same moment.
	c.pause = pause + time.Duration(r.jitter()*float64(minBackoff))
	return c.tries < maxTries && pause <= r.gate.limit
}

// missingPauses are those between attempts at an answer that is not found.
func missingPauses() []time.Duration {
	return []time.Duration{500 * time.Millisecond, time.Second, 2 * time.Second, 4 * time.Second}
}

// backoff doubles with each try; half of it is chance.
func (r *retrier) backoff(tries int) time.Duration {
	d := min(minBackoff<<min(tries-1, 10), maxBackoff)
	return d/2 + time.Duration(r.jitter()*float64(d)/2)
}

// seconds reads a header's number of seconds, which may be a fraction. 0 if it
// is none.
func seconds(text string) time.Duration {
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return 0
	}
	return fromSeconds(f)
}

func fromSeconds(f float64) time.Duration {
	if math.IsNaN(f) || f <= 0 {
		return 0
	}
	return time.Duration(min(f, maxPause.Seconds()) * float64(time.Second))
}

// wire makes one attempt: it bounds its time and its answer, and notes in the
// call what became of it.
type wire struct {
	base    http.RoundTripper
	timeout time.Duration
}

// RoundTrip implements http.RoundTripper. The answer's body is read whole.
func (w *wire) RoundTrip(req *http.Request) (*http.Response, error) {
	c, err := callOf(req.Context())
	if err != nil {
		return nil, err
	}
	c.failure, c.lost, c.header, c.asked = nil, nil, nil, 0
	ctx, cancel := context.WithTimeout(req.Context(), w.timeout)
	defer cancel()
	resp, err := w.base.RoundTrip(req.WithContext(ctx))
	if err != nil {
		c.lost = err
		return nil, err
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	_ = resp.Body.Close() // read already; nothing to lose
	if err == nil && len(body) > maxAnswer {
		err = fmt.Errorf("answer has more than %d bytes", maxAnswer)
	}
	if err != nil {
		c.lost = err
		return nil, err
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	c.header = resp.Header
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		p := parseProblem(body)
		c.failure = &Error{
			Route: c.route, Status: resp.StatusCode, Code: p.Code,
			Message:     cut(c.redact.Replace(p.words()), 600),
			answerRoute: c.scope == scopeAnswer, global: p.Global,
		}
		c.asked = askedPause(p, resp.Header)
	}
	return resp, nil
}

// askedPause is how long the answer wants to be left alone. The body is exact,
// Retry-After is whole seconds, and either may be missing.
func askedPause(p problem, h http.Header) time.Duration {
	if d := fromSeconds(p.RetryAfter); d > 0 {
		return d
	}
	if d := seconds(h.Get("Retry-After")); d > 0 {
		return d
	}
	return seconds(h.Get("X-RateLimit-Reset-After"))
}
