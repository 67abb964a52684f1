package retry

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math"
	"net/http"
	"strconv"
	"time"
)

const (
	maxAnswer = 1 << 20        // bytes of an answer; a guild's commands are the largest
	maxPause  = 24 * time.Hour // no answer is believed to mean more
)

// attempt makes one attempt: it bounds its time and its answer, and notes in
// the call what became of it.
type attempt struct {
	base    http.RoundTripper
	timeout time.Duration
}

// RoundTrip implements http.RoundTripper. The answer's body is read whole.
func (a *attempt) RoundTrip(req *http.Request) (*http.Response, error) {
	c, err := callOf(req.Context())
	if err != nil {
		return nil, err
	}
	c.failure, c.lost, c.header, c.asked = nil, nil, nil, 0
	ctx, cancel := context.WithTimeout(req.Context(), a.timeout)
	defer cancel()
	resp, err := a.base.RoundTrip(req.WithContext(ctx))
	if err != nil {
		c.lost, c.unsure = err, true
		return nil, err
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	_ = resp.Body.Close() // read already; nothing to lose
	if err == nil && len(body) > maxAnswer {
		err = fmt.Errorf("answer has more than %d bytes", maxAnswer)
	}
	if err != nil {
		c.lost, c.unsure = err, true
		return nil, err
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	c.header = resp.Header
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		// A server that broke off, or a proxy whose server did not answer it.
		c.unsure = c.unsure || resp.StatusCode >= 500
		p := parseProblem(body)
		c.failure = &Error{
			Route: c.Route, Status: resp.StatusCode, Code: p.Code,
			Message:     cut(c.Redact.Replace(p.words()), 600),
			answerRoute: c.Scope == Answer, global: p.Global,
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
