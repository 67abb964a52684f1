package compute

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"hearth/internal/world"
)

// longestWait bounds what Azure may ask for: its buckets refill within minutes
// ("Understand how Azure Resource Manager throttles requests").
const longestWait = time.Hour

// gate lets no call through while Azure has asked for none, and no more of them
// than this process's share. Once a wait is over, one call goes first: what Azure
// answers to it is known before another leaves.
type gate struct {
	clock world.Clock
	host  string // Azure Resource Manager's: a token goes nowhere else

	mu     sync.Mutex // guards what follows
	until  time.Time  // zero: Azure asked for nothing since its last good answer
	asking bool       // the first call after until is under way
	reads  bucket
	writes bucket
}

// waitError: the call was not made.
type waitError struct{ why string }

func (e *waitError) Error() string { return e.why }

// NonRetriable tells azcore so.
func (*waitError) NonRetriable() {}

// Do implements policy.Policy.
func (g *gate) Do(req *policy.Request) (*http.Response, error) {
	// An answer names the next page of a list.
	if u := req.Raw().URL; u.Scheme != "https" || !strings.EqualFold(u.Host, g.host) {
		return nil, &url.Error{Op: req.Raw().Method, URL: g.host, Err: fmt.Errorf("an answer of Azure's leads to another host, %s", u.Host)}
	}
	if err := g.await(req.Raw().Context(), req.Raw().Method); err != nil {
		return nil, err
	}
	first, err := g.enter()
	if err != nil {
		return nil, err
	}
	resp, err := req.Next()
	g.answered(first, resp)
	return resp, err
}

// await takes the call's turn, and waits for it.
func (g *gate) await(ctx context.Context, method string) error {
	wait, err := g.turn(method)
	if err != nil || wait <= 0 {
		return err
	}
	select {
	case <-g.clock.After(wait):
		return nil
	case <-ctx.Done():
		return held()
	}
}

func (g *gate) turn(method string) (time.Duration, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.clock.Now()
	if err := g.closed(now); err != nil {
		return 0, err
	}
	b := &g.reads
	if method != http.MethodGet {
		b = &g.writes
	}
	wait, ok := b.take(now)
	if !ok {
		return 0, held()
	}
	return wait, nil
}

// held is for a call that would wait for its turn for too long.
func held() error {
	return &waitError{"So many calls wait already that this one would be too late: they are spread over time to stay below Azure's limits"}
}

// closed tells whether Azure has asked for no call now. g.mu is held.
func (g *gate) closed(now time.Time) error {
	if now.Before(g.until) || g.asking {
		return &waitError{fmt.Sprintf("Azure asked for no call before %s", g.until.UTC().Format(time.TimeOnly))}
	}
	return nil
}

// enter lets a call through; first if it is the one that the others wait for.
func (g *gate) enter() (first bool, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if err := g.closed(g.clock.Now()); err != nil {
		return false, err
	}
	g.asking = !g.until.IsZero()
	return g.asking, nil
}

// answered learns from what came back; nil: nothing did.
func (g *gate) answered(first bool, resp *http.Response) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if first {
		g.asking = false
	}
	if resp == nil {
		return
	}
	if resp.StatusCode != http.StatusTooManyRequests && resp.StatusCode < http.StatusInternalServerError {
		if first {
			g.until = time.Time{}
		}
		return
	}
	now := g.clock.Now()
	if d := min(retryAfter(resp.Header, now), longestWait); d > 0 {
		if at := now.Add(d); at.After(g.until) {
			g.until = at
		}
	}
}

// retryAfter is how long an answer asks to wait; 0 if it does not say.
func retryAfter(h http.Header, now time.Time) time.Duration {
	for _, name := range []string{"Retry-After-Ms", "X-Ms-Retry-After-Ms"} {
		if ms, err := strconv.Atoi(h.Get(name)); err == nil && ms > 0 {
			return time.Duration(min(ms, int(longestWait/time.Millisecond))) * time.Millisecond
		}
	}
	v := h.Get("Retry-After")
	if s, err := strconv.Atoi(v); err == nil {
		return time.Duration(min(max(s, 0), int(longestWait/time.Second))) * time.Second
	}
	if at, err := http.ParseTime(v); err == nil {
		return max(at.Sub(now), 0)
	}
	return 0
}

// bounded reads no more of an answer than maxAnswer.
type bounded struct{ next policy.Transporter }

// Do implements policy.Transporter.
func (b bounded) Do(req *http.Request) (*http.Response, error) {
	resp, err := b.next.Do(req)
	if err != nil {
		return nil, err
	}
	if resp.Body != nil {
		resp.Body = struct {
			io.Reader
			io.Closer
		}{&limited{r: resp.Body, left: maxAnswer}, resp.Body}
	}
	return resp, nil
}

// limited fails where io.LimitReader would end.
type limited struct {
	r    io.Reader
	left int
}

func (l *limited) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	n, err := l.r.Read(p[:min(len(p), l.left+1)])
	if l.left -= n; l.left < 0 {
		return 0, fmt.Errorf("the answer has more than %d bytes", maxAnswer)
	}
	return n, err
}
