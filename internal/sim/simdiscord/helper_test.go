package simdiscord_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"testing"
	"time"

	"hearth/internal/sim/simdiscord"
)

const (
	botToken = "the-bots-own-token"
	channel  = simdiscord.DefaultChannelID
	messages = "/channels/" + channel + "/messages"
	commands = "/applications/" + simdiscord.DefaultApplicationID + "/guilds/" + simdiscord.DefaultGuildID + "/commands"
)

type wallClock struct{}

func (wallClock) Now() time.Time                         { return time.Now() }
func (wallClock) After(d time.Duration) <-chan time.Time { return time.After(d) }

// world is a Discord and the endpoint that it delivers to.
type world struct {
	*simdiscord.Discord
	t   *testing.T
	log *logBuffer

	mu       sync.Mutex // guards what follows
	answer   func(ctx context.Context, h http.Header, body []byte) (int, string, string, error)
	received []delivery
}

type delivery struct {
	header http.Header
	body   []byte
}

type logBuffer struct {
	mu  sync.Mutex // guards buf
	buf bytes.Buffer
}

func (l *logBuffer) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(b)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

func newWorld(t *testing.T, change ...func(*simdiscord.Options)) *world {
	t.Helper()
	w := &world{t: t, log: &logBuffer{}}
	w.says(`{"type":5}`)
	o := simdiscord.Options{
		Clock:    wallClock{},
		Seed:     bytes.Repeat([]byte{7}, 32),
		BotToken: botToken,
		Log:      slog.New(slog.NewTextHandler(w.log, nil)),
		Deliver: func(ctx context.Context, h http.Header, body []byte) (int, string, []byte, error) {
			w.mu.Lock()
			w.received = append(w.received, delivery{h, bytes.Clone(body)})
			answer := w.answer
			w.mu.Unlock()
			status, kind, text, err := answer(ctx, h, body)
			return status, kind, []byte(text), err
		},
	}
	for _, f := range change {
		f(&o)
	}
	d, err := simdiscord.New(o)
	if err != nil {
		t.Fatal(err)
	}
	w.Discord = d
	return w
}

// says makes the endpoint answer 200 with this JSON.
func (w *world) says(text string) {
	w.does(func(context.Context, http.Header, []byte) (int, string, string, error) {
		return 200, "application/json", text, nil
	})
}

func (w *world) does(f func(context.Context, http.Header, []byte) (int, string, string, error)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.answer = f
}

func (w *world) deliveries() []delivery {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]delivery(nil), w.received...)
}

func botHeader() http.Header {
	h := http.Header{}
	h.Set("Authorization", "Bot "+botToken)
	h.Set("User-Agent", "DiscordBot (https://example.org, 1.0)")
	h.Set("Content-Type", "application/json")
	return h
}

// call makes a REST request and decodes the answer.
func (w *world) call(method, path, body string) (simdiscord.Answer, map[string]any) {
	w.t.Helper()
	a, err := w.Call(w.t.Context(), method, simdiscord.APIPrefix+path, botHeader(), []byte(body))
	if err != nil {
		w.t.Fatalf("%s %s: %v", method, path, err)
	}
	var m map[string]any
	if len(a.Body) > 0 && a.Body[0] == '{' {
		if err := json.Unmarshal(a.Body, &m); err != nil {
			w.t.Fatal(err)
		}
	}
	return a, m
}

// must makes a REST request that has to succeed, and returns the answer's id.
func (w *world) must(method, path, body string) string {
	w.t.Helper()
	a, m := w.call(method, path, body)
	if a.Status > 299 {
		w.t.Fatalf("%s %s: %d %s", method, path, a.Status, a.Body)
	}
	id, _ := m["id"].(string)
	return id
}

func (w *world) registerStart() {
	w.t.Helper()
	w.must("PUT", commands, `[{"name":"start","description":"Light the fire","options":[
		{"type":3,"name":"world","description":"which","choices":[{"name":"Midgard","value":"midgard"}]},
		{"type":4,"name":"minutes","description":"how long"}]},
		{"name":"mend","description":"For keepers","default_member_permissions":"32"},
		{"name":"nobody","description":"For administrators","default_member_permissions":"0"}]`)
}

func (w *world) id(name string) string {
	w.t.Helper()
	p, ok := w.Person(name)
	if !ok {
		w.t.Fatalf("no person %s", name)
	}
	return p.ID
}

func (w *world) start(name string) simdiscord.Request {
	return simdiscord.Request{Nonce: "n1", User: w.id(name), Channel: channel, Kind: simdiscord.KindCommand, Command: "start"}
}

func (w *world) interact(r simdiscord.Request) simdiscord.Outcome {
	w.t.Helper()
	out, err := w.Interact(w.t.Context(), r)
	if err != nil {
		w.t.Fatal(err)
	}
	return out
}

// token is the token of the last interaction that was delivered.
func (w *world) token() string {
	w.t.Helper()
	got := w.deliveries()
	var v struct{ Token string }
	if err := json.Unmarshal(got[len(got)-1].body, &v); err != nil {
		w.t.Fatal(err)
	}
	return v.Token
}

func webhook(token string) string {
	return "/webhooks/" + simdiscord.DefaultApplicationID + "/" + token
}

func code(m map[string]any) int {
	c, _ := m["code"].(float64)
	return int(c)
}

func button(i int) string {
	return fmt.Sprintf(`{"type":2,"style":1,"label":"b","custom_id":"b%d"}`, i)
}

func row(buttons string) string {
	return `{"content":"x","components":[{"type":1,"components":[` + buttons + `]}]}`
}

// inner walks a decoded JSON object.
func inner(v any, path ...string) any {
	for _, key := range path {
		m, _ := v.(map[string]any)
		v = m[key]
	}
	return v
}

// texts are the contents of all messages, oldest first.
func texts(w *world) []string {
	var out []string
	for _, m := range w.Messages() {
		out = append(out, m.Content)
	}
	return out
}

func decode(t *testing.T, b []byte, into any) {
	t.Helper()
	if err := json.Unmarshal(b, into); err != nil {
		t.Fatal(err)
	}
}
