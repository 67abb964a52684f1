package simhost

import (
	"bytes"
	"context"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/google/uuid"

	"hearth/internal/sim/simhost/envelope"
)

// Limits of HTTP calls on the Consumption plan (HttpOptionsSetup.cs).
const (
	maxConcurrent  = 100
	maxOutstanding = 200
)

// limiter holds HTTP calls to those limits.
type limiter struct {
	outstanding atomic.Int64
	running     chan struct{} // nil: no limit
}

func newLimiter(flex bool) *limiter {
	if flex {
		return &limiter{}
	}
	return &limiter{running: make(chan struct{}, maxConcurrent)}
}

// enter waits for a place; false: there are too many waiting already, or ctx is
// done.
func (l *limiter) enter(ctx context.Context) bool {
	if l.running == nil {
		return true
	}
	if l.outstanding.Add(1) > maxOutstanding {
		l.outstanding.Add(-1)
		return false
	}
	select {
	case l.running <- struct{}{}:
		return true
	case <-ctx.Done():
		l.outstanding.Add(-1)
		return false
	}
}

func (l *limiter) leave() {
	if l.running != nil {
		<-l.running
		l.outstanding.Add(-1)
	}
}

// ServeHTTP is the app's public face.
func (h *Host) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if h.intake.Err() != nil {
		http.Error(w, "The function host has stopped.", http.StatusServiceUnavailable)
		return
	}
	g, f, params, ok := h.route(r)
	if !ok {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	// A caller that goes away ends nothing.
	ctx, cancel := context.WithCancel(context.WithoutCancel(r.Context()))
	defer cancel()
	defer h.onAbandon(cancel)()
	if !h.limit.enter(ctx) {
		w.WriteHeader(http.StatusTooManyRequests)
		return
	}
	defer h.limit.leave()
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		status := http.StatusBadRequest
		if tooLarge := new(http.MaxBytesError); errors.As(err, &tooLarge) {
			status = http.StatusRequestEntityTooLarge
		}
		w.WriteHeader(status)
		return
	}
	i := &invocation{h: h, g: g, f: f, at: Moment{Function: f.Name, Invocation: uuid.NewString()}}
	i.reach(Received)
	var reply envelope.Reply
	if f.SimpleHTTP() && h.app.Handler.Forward {
		reply, err = i.forward(ctx, r, body)
	} else {
		reply, err = i.envelope(ctx, envelope.HTTP(f.Trigger.Name, envelope.HTTPRequest{
			Request: r, URL: absolute(r).String(), Params: params, Body: body,
		}, i.sys()))
	}
	if h.life.Err() != nil {
		panic(http.ErrAbortHandler) // the instance is gone, and its connections
	}
	if err != nil {
		h.o.Log.Error("function failed", "function", f.Name, "invocation", i.at.Invocation, "error", err)
		reply = envelope.Reply{Status: http.StatusInternalServerError}
	}
	maps.Copy(w.Header(), reply.Header)
	w.WriteHeader(reply.Status)
	_, _ = w.Write(reply.Body) // the caller may have gone
	i.reach(Replied)
}

// absolute is the address that the caller asked for.
func absolute(r *http.Request) *url.URL {
	u := *r.URL
	u.Scheme, u.Host = "http", r.Host
	if r.TLS != nil {
		u.Scheme = "https"
	}
	return &u
}

// contentHeaders are those that .NET keeps with the content, of which forwarding
// takes along none but type and length (HttpRequestExtensions.cs).
func contentHeaders() []string {
	return []string{
		"Allow", "Content-Disposition", "Content-Encoding", "Content-Language", "Content-Location", "Content-Md5", "Content-Range",
		"Expires", "Last-Modified",
	}
}

// hopHeaders belong to one connection (RFC 9110, 7.6.1).
func hopHeaders() []string {
	return []string{"Connection", "Keep-Alive", "Proxy-Connection", "Te", "Trailer", "Transfer-Encoding", "Upgrade", "Content-Length"}
}

// forward hands a request on as it came. Whatever the handler answers is the
// reply, and a success.
func (i *invocation) forward(ctx context.Context, in *http.Request, body []byte) (envelope.Reply, error) {
	i.raw = true
	var reply envelope.Reply
	if in.ContentLength < 0 {
		body = nil // one that came in chunks is lost
	}
	err := i.call(ctx, func(ctx context.Context) (*http.Request, error) {
		u := i.g.url(in.URL.EscapedPath())
		if q := in.URL.Query(); len(q) > 0 {
			u += "?" + rebuild(q)
		}
		r, err := http.NewRequestWithContext(ctx, in.Method, u, bytes.NewReader(body)) //nolint:gosec // to the handler, whatever the path
		if err != nil {
			return nil, err
		}
		r.Header = in.Header.Clone()
		for _, name := range slices.Concat(contentHeaders(), hopHeaders()) {
			r.Header.Del(name)
		}
		r.Host = in.Host
		r.Header.Set("User-Agent", strings.TrimSpace(in.UserAgent()+" Azure-Functions-Host/"+hostVersion))
		i.introduce(r.Header)
		return r, nil
	}, func(r response) error {
		for _, name := range hopHeaders() {
			r.header.Del(name)
		}
		reply = envelope.Reply{Status: r.status, Header: r.header, Body: r.body}
		return nil
	})
	if err != nil {
		return reply, err
	}
	i.reach(Answered)
	i.reach(Bound)
	return reply, nil
}

// rebuild writes a query anew, a key that comes several times once, with its
// values joined by commas.
func rebuild(q url.Values) string {
	out := url.Values{}
	for key, values := range q {
		out.Set(key, strings.Join(values, ","))
	}
	return out.Encode()
}
