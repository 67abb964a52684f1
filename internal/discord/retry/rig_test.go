package retry_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"hearth/internal/clock"
	"hearth/internal/discord/retry"
)

// script is a Discord that answers what it is told to, the last answer for
// ever, and remembers what it was asked and when.
type script struct {
	mu      sync.Mutex // guards what follows
	answers []answer
	calls   []asked
}

type answer struct {
	status int
	body   string
	header map[string]string
	err    error         // instead of an answer
	takes  time.Duration // before it comes
	torn   bool          // the body breaks off
}

type asked struct {
	at   time.Time
	body string
}

func (s *script) RoundTrip(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		var err error
		if body, err = io.ReadAll(r.Body); err != nil {
			return nil, err
		}
		_ = r.Body.Close()
	}
	s.mu.Lock()
	s.calls = append(s.calls, asked{time.Now(), string(body)})
	a := s.answers[0]
	if len(s.answers) > 1 {
		s.answers = s.answers[1:]
	}
	s.mu.Unlock()
	if a.takes > 0 {
		select {
		case <-time.After(a.takes):
		case <-r.Context().Done():
			return nil, r.Context().Err()
		}
	}
	if a.err != nil {
		return nil, a.err
	}
	var content io.Reader = strings.NewReader(a.body)
	if a.torn {
		content = io.MultiReader(content, errReader{})
	}
	resp := &http.Response{
		StatusCode: a.status, Status: http.StatusText(a.status), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(content), Request: r,
	}
	for k, v := range a.header {
		resp.Header.Set(k, v)
	}
	return resp, nil
}

type errReader struct{}

func (errReader) Read([]byte) (int, error) { return 0, errors.New("connection reset") }

func (s *script) asked() []asked {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]asked(nil), s.calls...)
}

// pauses between the calls.
func (s *script) pauses() []time.Duration {
	var ds []time.Duration
	calls := s.asked()
	for i := 1; i < len(calls); i++ {
		ds = append(ds, calls[i].at.Sub(calls[i-1].at))
	}
	return ds
}

func fine() answer { return answer{status: 200, body: `{"id":"1"}`} }

const secret = "canary-secret"

// rig makes calls through a client that speaks to a script. All it logs is
// searched for canaries.
type rig struct {
	*script
	client *http.Client
}

func newRig(t testing.TB, answers []answer, change ...func(*retry.Options)) rig {
	t.Helper()
	log := &bytes.Buffer{}
	s := &script{answers: answers}
	o := retry.Options{
		Base: s, Attempt: 10 * time.Second, Clock: clock.System{}, Pause: 15 * time.Second,
		Log:    slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Jitter: func() float64 { return 0.5 },
	}
	for _, f := range change {
		f(&o)
	}
	t.Cleanup(func() {
		if strings.Contains(log.String(), "canary") {
			t.Errorf("log holds a secret:\n%s", log)
		}
	})
	return rig{s, retry.NewClient(o)}
}

// do makes a call that posts body.
func (r rig) do(ctx context.Context, c retry.Call, body string) error {
	c.Redact = strings.NewReplacer(secret, "REDACTED")
	return c.Do(ctx, func(ctx context.Context) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://discord.example/"+secret, strings.NewReader(body))
		if err != nil {
			return err
		}
		resp, err := r.client.Do(req)
		if err != nil {
			return err
		}
		return resp.Body.Close()
	})
}

// Three calls with limits of their own: two of the bot, one of an interaction.
func (r rig) post(ctx context.Context) error {
	return r.do(ctx, retry.Call{Route: "POST /messages", Bucket: "post 1", Scope: retry.Bot}, "said")
}

func (r rig) edit(ctx context.Context) error {
	return r.do(ctx, retry.Call{Route: "PATCH /messages", Bucket: "patch 1", Scope: retry.Bot}, "said")
}

func (r rig) reply(ctx context.Context) error {
	return r.do(ctx, retry.Call{Route: "PATCH /@original", Bucket: "original 1", Scope: retry.Answer}, "said")
}
