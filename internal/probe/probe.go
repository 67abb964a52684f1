package probe

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"sync/atomic"
	"time"

	"hearth/internal/world"
)

// Limit is how soon Discord wants its answer.
const Limit = 3 * time.Second

// DefaultTimeout is how long an answer is waited for: far longer than Discord
// waits, to see how long it takes.
const DefaultTimeout = 2 * time.Minute

const maxAnswer = 64 * 1024 // bytes of it that are read

// ping has the fields of Discord's PING.
const ping = `{"app_permissions":"0","application_id":"0","entitlements":[],"id":"0","token":"probe","type":1,` +
	`"user":{"avatar":null,"discriminator":"0","id":"0","username":"probe"},"version":1}`

// Prober measures one endpoint. URL, Key and Clock are required.
type Prober struct {
	URL     *url.URL // of ParseURL
	Key     Key
	Clock   world.Clock
	Timeout time.Duration // of one probe; 0: DefaultTimeout
	Agent   string        // User-Agent; empty: "hearth-probe"
	// Transport makes what sends one probe; nil: a connection of its own, by way
	// of the environment's proxy.
	Transport func() http.RoundTripper
}

// Result is one probe.
type Result struct {
	At      time.Time     // when it began
	Idle    time.Duration // that nobody of ours had asked before
	Took    time.Duration
	Connect time.Duration // of it, until the connection was there; 0: unknown
	Err     error         // in words for people; nil: the right answer came
}

// InTime reports whether Discord would have taken the answer.
func (r Result) InTime() bool { return r.Err == nil && r.Took <= Limit }

// ParseURL reads an endpoint's address: http or https, with a host, without a
// fragment.
func ParseURL(text string) (*url.URL, error) {
	const want = "give the whole address that Discord has, like https://NAME.azurewebsites.net/api/interactions"
	u, err := url.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("%q is no address: %s", text, want)
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.Opaque != "" {
		return nil, fmt.Errorf("%q is no address of a web server: %s", text, want)
	}
	if u.Fragment != "" || u.User != nil {
		return nil, fmt.Errorf("%q has a part that Discord would not send: %s", u.Redacted(), want)
	}
	return u, nil
}

// Run sends the probes of a schedule and hands each result to tell. When ctx ends
// it returns what was measured by then; the probe under way is not in it.
func (p *Prober) Run(ctx context.Context, s Schedule, tell func(Result)) []Result {
	var results []Result
	last := p.Clock.Now()
	for _, pause := range s {
		if pause > 0 {
			select {
			case <-ctx.Done():
				return results
			case <-p.Clock.After(pause):
			}
		}
		r := p.once(ctx)
		if ctx.Err() != nil {
			return results
		}
		r.Idle = r.At.Sub(last)
		last = p.Clock.Now()
		results = append(results, r)
		tell(r)
	}
	return results
}

// once sends one probe.
func (p *Prober) once(ctx context.Context) Result {
	timeout := p.Timeout
	if timeout <= 0 {
		timeout = DefaultTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	r := Result{At: p.Clock.Now()}
	var connected atomic.Int64 // the trace may be called from another goroutine
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) {
		connected.Store(int64(p.Clock.Now().Sub(r.At)))
	}})
	r.Err = p.ask(ctx, r.At)
	r.Took, r.Connect = p.Clock.Now().Sub(r.At), time.Duration(connected.Load())
	if errors.Is(r.Err, context.DeadlineExceeded) {
		r.Err = fmt.Errorf("no answer in %s", timeout)
	}
	return r
}

func (p *Prober) ask(ctx context.Context, now time.Time) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.URL.String(), bytes.NewReader([]byte(ping)))
	if err != nil {
		return err
	}
	stamp := strconv.FormatInt(now.Unix(), 10)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "hearth-probe")
	if p.Agent != "" {
		req.Header.Set("User-Agent", p.Agent)
	}
	req.Header.Set("X-Signature-Timestamp", stamp)
	req.Header.Set("X-Signature-Ed25519", p.Key.sign(stamp, []byte(ping)))
	transport, closeIt := p.transport()
	defer closeIt()
	// RoundTrip alone: a redirect is no answer for Discord, either.
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return withoutURL(err)
	}
	defer func() { _ = resp.Body.Close() }() // what is left of it is of no interest
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err != nil {
		return fmt.Errorf("the answer broke off: %w", err)
	}
	return judge(resp, body)
}

// transport makes a connection of its own possible: an app that has to start
// has no connection to us, either.
func (p *Prober) transport() (http.RoundTripper, func()) {
	if p.Transport != nil {
		return p.Transport(), func() {}
	}
	t := &http.Transport{Proxy: http.ProxyFromEnvironment, DisableKeepAlives: true, ForceAttemptHTTP2: true}
	return t, t.CloseIdleConnections
}

func withoutURL(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		return u.Err
	}
	return err
}

// judge says what is wrong with an answer to a PING.
func judge(resp *http.Response, body []byte) error {
	switch {
	case resp.StatusCode == http.StatusUnauthorized:
		return errors.New("status 401: the app does not take this key, or this machine's clock is more than five minutes off")
	case resp.StatusCode != http.StatusOK:
		return fmt.Errorf("status %d, not 200", resp.StatusCode)
	case len(body) > maxAnswer:
		return fmt.Errorf("wrong answer: more than %d bytes", maxAnswer)
	}
	if kind, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return fmt.Errorf("wrong answer: of type %q, not application/json", resp.Header.Get("Content-Type"))
	}
	var pong struct {
		Type int `json:"type"`
	}
	if err := json.Unmarshal(body, &pong); err != nil || pong.Type != 1 {
		return fmt.Errorf("wrong answer: %s, not {\"type\":1}", world.Visible(string(body), 80))
	}
	return nil
}
