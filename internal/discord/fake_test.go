package discord_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"hearth/internal/clock"
	"hearth/internal/discord"
	"hearth/internal/world"
)

const (
	botToken   = "canary-bot-token"
	replyToken = "canary.reply+token/with=signs"
)

// script is a Discord that answers what it is told to, the last answer for
// ever, and remembers what it was asked.
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
}

type asked struct {
	method, path, escape string
	header               http.Header
	body                 string
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
	s.calls = append(s.calls, asked{r.Method, r.URL.Path, r.URL.EscapedPath(), r.Header.Clone(), string(body)})
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
	resp := &http.Response{
		StatusCode: a.status, Status: http.StatusText(a.status), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(a.body)), Request: r,
	}
	for k, v := range a.header {
		resp.Header.Set(k, v)
	}
	return resp, nil
}

func (s *script) asked() []asked {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]asked(nil), s.calls...)
}

const message = `{"id":"1400000000000000100","channel_id":"1200000000000000002","type":0,"content":"x","components":[{"type":99}]}`

func fine() answer { return answer{status: 200, body: message} }

// newClient speaks to s. All it logs and every error that passes through the
// returned check is searched for canaries.
func newClient(t testing.TB, s *script, change ...func(*discord.ClientOptions)) *discord.Client {
	t.Helper()
	log := &bytes.Buffer{}
	o := discord.ClientOptions{
		Application: appID, Token: botToken, Version: "1.2.3", Transport: s, Clock: clock.System{},
		Jitter: func() float64 { return 0.5 },
		Log:    slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	for _, f := range change {
		f(&o)
	}
	c, err := discord.NewClient(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if strings.Contains(log.String(), "canary") {
			t.Errorf("log holds a token:\n%s", log)
		}
	})
	return c
}

func say(text string) world.Say { return world.Say{Text: text} }

func reply() world.Reply { return world.Reply{Application: appID, Token: replyToken} }

// The four calls, for tests that hold for each.
func everyCall(c *discord.Client) map[string]func(context.Context) error {
	return map[string]func(context.Context) error{
		"post": func(ctx context.Context) error {
			_, err := c.Post(ctx, channelID, say("hello"), "n1")
			return err
		},
		"edit": func(ctx context.Context) error {
			return c.Edit(ctx, world.MessageRef{Channel: channelID, ID: "1400000000000000100"}, say("hello"))
		},
		"reply": func(ctx context.Context) error {
			_, err := c.Reply(ctx, reply(), say("hello"))
			return err
		},
		"register": func(ctx context.Context) error {
			return c.Register(ctx, guildID, worlds("midgard"))
		},
	}
}
