package endpoint_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/hex"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"hearth/internal/clock"
	"hearth/internal/sim/simdiscord/endpoint"
	"hearth/internal/sim/simdiscord/form"
)

// bot is an application's end: it verifies, unless it is careless, and then
// answers what it is told to.
type bot struct {
	key      ed25519.PublicKey
	careless bool
	pong     string // to a PING, the body "ping"
	status   int
	media    string
	answer   string
	err      error
	takes    time.Duration

	mu       sync.Mutex // guards what follows
	verified []bool     // one for each request
	bad      []string   // the signatures that were not right
}

func (b *bot) deliver(ctx context.Context, h http.Header, body []byte) (int, string, []byte, error) {
	right := b.verify(h, body)
	if b.takes > 0 {
		select {
		case <-time.After(b.takes):
		case <-ctx.Done():
			return 0, "", nil, ctx.Err()
		}
	}
	switch {
	case b.err != nil:
		return 0, "", nil, b.err
	case !right && !b.careless:
		return http.StatusUnauthorized, "text/plain", []byte("no"), nil
	case string(body) == "ping":
		return http.StatusOK, b.media, []byte(b.pong), nil
	}
	return b.status, b.media, []byte(b.answer), nil
}

func (b *bot) verify(h http.Header, body []byte) bool {
	text := h.Get("X-Signature-Ed25519")
	sig, err := hex.DecodeString(text)
	right := err == nil && ed25519.Verify(b.key, append([]byte(h.Get("X-Signature-Timestamp")), body...), sig)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.verified = append(b.verified, right)
	if !right {
		b.bad = append(b.bad, text)
	}
	return right
}

// inBubble runs a test with a bot that does everything right, changed.
func inBubble(t *testing.T, change func(*bot), f func(t *testing.T, b *bot, e *endpoint.Endpoint)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		key := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, ed25519.SeedSize))
		b := &bot{
			key:  key.Public().(ed25519.PublicKey),
			pong: `{"type":1}`, status: http.StatusOK, media: "application/json", answer: `{"type":5}`,
		}
		change(b)
		f(t, b, endpoint.New(endpoint.Options{
			Clock: clock.System{}, Key: key, Deliver: b.deliver, Within: 3 * time.Second, Log: slog.New(slog.DiscardHandler),
		}))
	})
}

func asIs(*bot) {}

func ask(ctx context.Context, e *endpoint.Endpoint) (a form.Answer, err error) {
	e.Ask(ctx, []byte("asked"), func(got form.Answer, why error) { a, err = got, why })
	return a, err
}

func TestAsk(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*bot)
		want   string // of the error; empty: a deferred answer
	}{
		{"right", asIs, ""},
		{"another 2xx", func(b *bot) { b.status = 202 }, ""},
		{"with a charset", func(b *bot) { b.media = "application/json; charset=utf-8" }, ""},
		{"in time", func(b *bot) { b.takes = 2999 * time.Millisecond }, ""},
		{"late", func(b *bot) { b.takes = 3001 * time.Millisecond }, "no answer in time"},
		{"nobody there", func(b *bot) { b.err = errors.New("connection refused") }, "connection refused"},
		{"unauthorized", func(b *bot) { b.status = 401 }, "status 401"},
		{"no content type", func(b *bot) { b.media = "" }, "content type"},
		{"no JSON", func(b *bot) { b.answer = "hello" }, "not JSON"},
		{"no answer", func(b *bot) { b.answer = `{"typ":5}` }, "UNKNOWN_FIELD"},
		{"no type", func(b *bot) { b.answer = `{}` }, "BASE_TYPE_REQUIRED"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inBubble(t, tt.change, func(t *testing.T, b *bot, e *endpoint.Endpoint) {
				a, err := ask(t.Context(), e)
				if tt.want == "" && (err != nil || a.Type != form.AnswerDefer) || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
					t.Errorf("answer %+v, error %v, want %q", a, err, tt.want)
				}
				if !slices.Equal(b.verified, []bool{true}) || e.Disabled() != "" {
					t.Errorf("verified %v, disabled %q", b.verified, e.Disabled())
				}
			})
		})
	}
}

func TestAskEnds(t *testing.T) {
	hangs := func(b *bot) { b.takes = time.Hour }
	t.Run("with its context", func(t *testing.T) {
		inBubble(t, hangs, func(t *testing.T, _ *bot, e *endpoint.Endpoint) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			if _, err := ask(ctx, e); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("error %v", err)
			}
		})
	})
	t.Run("with Close", func(t *testing.T) {
		inBubble(t, hangs, func(t *testing.T, _ *bot, e *endpoint.Endpoint) {
			time.AfterFunc(time.Second, func() { e.Close(); e.Close() })
			if _, err := ask(t.Context(), e); !errors.Is(err, endpoint.ErrClosed) {
				t.Errorf("error %v", err)
			}
		})
	})
}

func TestValidate(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*bot)
		want   string // of the error
		judged bool   // ErrRefused, not only no answer
	}{
		{"right", asIs, "", false},
		{"does not verify", func(b *bot) { b.careless = true }, "want 401", true},
		{"no pong", func(b *bot) { b.pong = `{"type":5}` }, `want 200 {"type":1}`, true},
		{"no content type", func(b *bot) { b.media = "" }, "content type", true},
		{"nobody there", func(b *bot) { b.err = errors.New("connection refused") }, "connection refused", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inBubble(t, tt.change, func(t *testing.T, _ *bot, e *endpoint.Endpoint) {
				err := e.Validate(t.Context(), []byte("ping"))
				if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
					t.Errorf("error %v, want %q", err, tt.want)
				}
				if errors.Is(err, endpoint.ErrRefused) != tt.judged {
					t.Errorf("error %v, want ErrRefused: %v", err, tt.judged)
				}
			})
		})
	}
}

func TestProbe(t *testing.T) {
	t.Run("one that refuses stays, and each signature is another", func(t *testing.T) {
		inBubble(t, asIs, func(t *testing.T, b *bot, e *endpoint.Endpoint) {
			for range 64 {
				e.Probe(t.Context(), []byte("asked"))
			}
			slices.Sort(b.bad)
			if n := len(slices.Compact(b.bad)); n != 64 || e.Disabled() != "" {
				t.Errorf("%d different bad signatures, want 64; disabled %q", n, e.Disabled())
			}
		})
	})
	t.Run("no answer is no judgement", func(t *testing.T) {
		inBubble(t, func(b *bot) { b.err = errors.New("connection refused") }, func(t *testing.T, _ *bot, e *endpoint.Endpoint) {
			e.Probe(t.Context(), []byte("asked"))
			if why := e.Disabled(); why != "" {
				t.Errorf("disabled: %s", why)
			}
		})
	})
	t.Run("one that does not refuse is used no more, until it is mended", func(t *testing.T) {
		inBubble(t, func(b *bot) { b.careless = true }, func(t *testing.T, b *bot, e *endpoint.Endpoint) {
			e.Probe(t.Context(), []byte("asked"))
			if why := e.Disabled(); !strings.Contains(why, "want 401") {
				t.Errorf("disabled %q", why)
			}
			if _, err := ask(t.Context(), e); !errors.Is(err, endpoint.ErrRefused) || len(b.verified) != 1 {
				t.Errorf("asked: %v, %d requests", err, len(b.verified))
			}
			b.careless = false
			if err := e.Validate(t.Context(), []byte("ping")); err != nil || e.Disabled() != "" {
				t.Errorf("mended: %v, disabled %q", err, e.Disabled())
			}
			if _, err := ask(t.Context(), e); err != nil {
				t.Errorf("asked again: %v", err)
			}
		})
	})
	t.Run("a reset forgets it", func(t *testing.T) {
		inBubble(t, func(b *bot) { b.careless = true }, func(t *testing.T, _ *bot, e *endpoint.Endpoint) {
			e.Probe(t.Context(), []byte("asked"))
			e.Reset()
			if _, err := ask(t.Context(), e); err != nil {
				t.Errorf("asked: %v", err)
			}
		})
	})
}
