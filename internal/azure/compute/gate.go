package compute

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"hearth/internal/world"
)

// longestWait bounds what Azure may ask for: its buckets refill within minutes
// ("Understand how Azure Resource Manager throttles requests").
const longestWait = time.Hour

// gate lets no call through while Azure has asked for none.
type gate struct {
	clock world.Clock

	mu    sync.Mutex // guards until
	until time.Time
}

// waitError: the call was not made.
type waitError struct{ until time.Time }

func (e *waitError) Error() string {
	return fmt.Sprintf("Azure asked for no call before %s", e.until.UTC().Format(time.TimeOnly))
}

// NonRetriable tells azcore so.
func (*waitError) NonRetriable() {}

// Do implements policy.Policy.
func (g *gate) Do(req *policy.Request) (*http.Response, error) {
	g.mu.Lock()
	until := g.until
	g.mu.Unlock()
	if g.clock.Now().Before(until) {
		return nil, &waitError{until}
	}
	resp, err := req.Next()
	if err != nil {
		return nil, err
	}
	if resp.StatusCode == http.StatusTooManyRequests || resp.StatusCode >= http.StatusInternalServerError {
		now := g.clock.Now()
		if d := min(retryAfter(resp.Header, now), longestWait); d > 0 {
			g.mu.Lock()
			if at := now.Add(d); at.After(g.until) {
				g.until = at
			}
			g.mu.Unlock()
		}
	}
	return resp, nil
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
