package web_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"hearth/internal/sim/simdiscord"
	"hearth/internal/sim/simdiscord/guild"
	"hearth/internal/sim/simdiscord/web"
)

const (
	botToken = "the-bots-own-token"
	channel  = simdiscord.DefaultChannelID
	messages = simdiscord.APIPrefix + "/channels/" + channel + "/messages"
)

type wallClock struct{}

func (wallClock) Now() time.Time                         { return time.Now() }
func (wallClock) After(d time.Duration) <-chan time.Time { return time.After(d) }

// site is a Discord with its face on a server.
type site struct {
	*simdiscord.Discord
	URL    string
	answer atomic.Pointer[string] // of the endpoint; nil is a 503
}

// serve makes a site whose guild knows the command /start.
func serve(t testing.TB, panel web.Panel, change ...func(*simdiscord.Options)) *site {
	t.Helper()
	s := &site{}
	o := simdiscord.Options{
		Clock:    wallClock{},
		Seed:     bytes.Repeat([]byte{7}, 32),
		BotToken: botToken,
		Deliver: func(context.Context, http.Header, []byte) (int, string, []byte, error) {
			if text := s.answer.Load(); text != nil {
				return 200, "application/json", []byte(*text), nil
			}
			return 503, "text/plain", []byte("down"), nil
		},
	}
	for _, f := range change {
		f(&o)
	}
	d, err := simdiscord.New(o)
	if err != nil {
		t.Fatal(err)
	}
	s.Discord = d
	server := httptest.NewServer(web.Handler(d, web.Options{Clock: wallClock{}, Panel: panel}))
	s.URL = server.URL
	t.Cleanup(func() {
		d.Close()
		server.Close()
	})
	path := simdiscord.APIPrefix + "/applications/" + simdiscord.DefaultApplicationID + "/guilds/" + simdiscord.DefaultGuildID + "/commands"
	body := `[{"name":"start","description":"Light the fire","options":[{"type":4,"name":"minutes","description":"how long"}]}]`
	if status, _, text := request(t, "PUT", s.URL+path, body, botHeader()); status != 200 {
		t.Fatalf("register commands: %d %s", status, text)
	}
	return s
}

func (s *site) id(t testing.TB, name string) string {
	t.Helper()
	p, ok := s.Person(name)
	if !ok {
		t.Fatalf("no person %s", name)
	}
	return p.ID
}

func botHeader() http.Header {
	h := http.Header{}
	h.Set("Authorization", "Bot "+botToken)
	h.Set("User-Agent", "DiscordBot (https://example.org, 1.0)")
	h.Set("Content-Type", "application/json")
	return h
}

// inner walks a decoded JSON object.
func inner(v any, path ...string) any {
	for _, key := range path {
		m, _ := v.(map[string]any)
		v = m[key]
	}
	return v
}

func request(t testing.TB, method, url, body string, header http.Header) (status int, answer http.Header, text string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if header != nil {
		req.Header = header
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, res.Header, string(b)
}

// event is one server-sent event.
type event struct {
	id   int64
	name string
	raw  string
	data map[string]any
}

// listen reads the page's event stream.
func listen(t *testing.T, s *site) (next func() event) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), "GET", s.URL+"/page/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = res.Body.Close() })
	if got := res.Header.Get("Content-Type"); got != "text/event-stream" {
		t.Errorf("content type %q", got)
	}
	lines := bufio.NewScanner(res.Body)
	lines.Buffer(nil, 1<<20)
	return func() event {
		t.Helper()
		var e event
		for lines.Scan() {
			key, value, _ := strings.Cut(lines.Text(), ": ")
			switch key {
			case "id":
				if e.id, err = strconv.ParseInt(value, 10, 64); err != nil {
					t.Fatal(err)
				}
			case "event":
				e.name = value
			case "data":
				e.raw = value
				_ = json.Unmarshal([]byte(value), &e.data) // a list stays raw
			case "":
				return e
			}
		}
		t.Fatalf("the stream ended: %v", lines.Err())
		return e
	}
}

func TestPage(t *testing.T) {
	s := serve(t, web.Panel{
		HTML: template.HTML(`<b id="beside">panel</b>`),
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = fmt.Fprint(w, "panel at "+r.URL.Path)
		}),
	}, func(o *simdiscord.Options) { o.GuildName = `<script>alert("guild")</script>` })
	status, header, body := request(t, "GET", s.URL+"/", "", nil)
	if status != 200 || !strings.HasPrefix(header.Get("Content-Type"), "text/html") || header.Get("Content-Security-Policy") == "" {
		t.Errorf("page: %d %v", status, header)
	}
	if strings.Contains(body, "<script>alert") {
		t.Error("the guild's name became markup")
	}
	for _, tt := range []struct {
		method, path string
		status       int
		body         string
	}{
		{"GET", "/web/index.html", 404, ""},
		{"GET", "/web/", 404, ""},
		{"GET", "/web/nothing.js", 404, ""},
		{"GET", "/panel/x", 200, "panel at /x"},
		{"GET", "/elsewhere", 404, ""},
		{"GET", "/api/v10/users/@me", 403, "40333"},
	} {
		t.Run(tt.path, func(t *testing.T) {
			status, _, body := request(t, tt.method, s.URL+tt.path, "", nil)
			if status != tt.status || !strings.Contains(body, tt.body) {
				t.Errorf("%d %s, want %d %s", status, body, tt.status, tt.body)
			}
		})
	}
}

func TestAPIOverHTTP(t *testing.T) {
	s := serve(t, web.Panel{})
	status, header, body := request(t, "POST", s.URL+messages, `{"content":"x"}`, botHeader())
	if status != 200 || header.Get("X-RateLimit-Remaining") != "4" || !strings.Contains(body, `"content":"x"`) {
		t.Errorf("%d %v %s", status, header, body)
	}
	s.DropReplies(1)
	req, err := http.NewRequestWithContext(t.Context(), "POST", s.URL+messages, strings.NewReader(`{"content":"y"}`))
	if err != nil {
		t.Fatal(err)
	}
	req.Header = botHeader()
	if res, err := http.DefaultClient.Do(req); err == nil {
		_ = res.Body.Close()
		t.Errorf("the reply was not lost: %d", res.StatusCode)
	}
	if n := len(s.Messages()); n != 2 {
		t.Errorf("%d messages, want 2: the request was carried out", n)
	}
}

func TestPageStream(t *testing.T) {
	const hostile = `</script><img src=x onerror=alert(1)>` + "\n\ndata: forged"
	s := serve(t, web.Panel{}, func(o *simdiscord.Options) {
		o.People = []simdiscord.Person{{Name: "Ana", Role: guild.RoleKeeper}, {Name: hostile}}
	})
	next := listen(t, s)

	hello := next()
	if hello.name != "hello" || len(hello.data["commands"].([]any)) != 1 || len(hello.data["messages"].([]any)) != 0 {
		t.Fatalf("hello: %+v", hello)
	}
	users := hello.data["users"].([]any)
	if inner(users[0], "role") != "keeper" || inner(users[1], "role") != "member" || inner(users[1], "name") != hostile {
		t.Errorf("users %v", users)
	}
	post := func(path string, body map[string]any, want int) string {
		t.Helper()
		b, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		status, _, text := request(t, "POST", s.URL+path, string(b), http.Header{"Content-Type": {"application/json"}})
		if status != want {
			t.Errorf("%s: %d %s, want %d", path, status, text, want)
		}
		return text
	}

	post("/page/say", map[string]any{"user": s.id(t, hostile), "channel": channel, "content": hostile}, 202)
	e := next()
	if e.name != "message" || e.data["content"] != hostile || inner(e.data["author"], "name") != hostile || e.id != hello.id+1 {
		t.Errorf("said: %+v", e)
	}
	if strings.ContainsAny(e.raw, "<>") {
		t.Errorf("markup got out unescaped: %s", e.raw)
	}

	s.answer.Store(new(`{"type":4,"data":{"content":"hi"}}`))
	post("/page/interact", map[string]any{
		"nonce": "n1", "user": s.id(t, "Ana"), "channel": channel, "kind": "command", "command": "start",
		"options": []map[string]any{{"name": "minutes", "value": 5}},
	}, 202)
	if e := next(); e.name != "interaction" || e.data["state"] != "thinking" || e.data["nonce"] != "n1" || e.data["user"] != s.id(t, "Ana") {
		t.Errorf("thinking: %+v", e)
	}
	if e := next(); e.name != "message" || inner(e.data["interaction"], "name") != "start" || e.data["thinking"] != false || e.data["edited"] != nil || e.data["ephemeral_to"] != nil {
		t.Errorf("answer: %+v", e)
	}
	if e := next(); e.data["state"] != "done" {
		t.Errorf("done: %+v", e)
	}

	s.answer.Store(nil)
	post("/page/interact", map[string]any{"nonce": "n2", "user": s.id(t, "Ana"), "channel": channel, "kind": "command", "command": "start"}, 202)
	next()
	if e := next(); e.data["state"] != "failed" || e.data["text"] != "The application did not respond" {
		t.Errorf("failed: %+v", e)
	}

	for name, body := range map[string]map[string]any{
		"nobody":        {"user": "1", "channel": channel, "kind": "command", "command": "start"},
		"unknown field": {"usr": "1"},
		"no command":    {"user": s.id(t, "Ana"), "channel": channel, "kind": "command", "command": "dance"},
	} {
		if text := post("/page/interact", body, 400); !strings.Contains(text, `{"error":"`) {
			t.Errorf("%s: %s", name, text)
		}
	}
	post("/page/say", map[string]any{"user": s.id(t, "Ana"), "channel": channel, "content": "  "}, 400)

	s.Reset()
	if e := next(); e.name != "reset" || e.raw != "{}" {
		t.Errorf("reset: %+v", e)
	}
	if again := listen(t, s)(); again.name != "hello" || len(again.data["messages"].([]any)) != 0 {
		t.Errorf("hello again: %+v", again)
	}
}

func TestOtherSitesAreRefused(t *testing.T) {
	s := serve(t, web.Panel{})
	body := `{"user":"` + s.id(t, "Ana") + `","channel":"` + channel + `","content":"x"}`
	status, _, _ := request(t, "POST", s.URL+"/page/say", body, http.Header{"Origin": {"https://evil.example"}, "Sec-Fetch-Site": {"cross-site"}})
	if status != 403 || len(s.Messages()) != 0 {
		t.Errorf("status %d, %d messages", status, len(s.Messages()))
	}
}

func TestDeliver(t *testing.T) {
	var got *http.Request
	endpoint := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r.Clone(context.Background())
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"type":5}`)
	}))
	defer endpoint.Close()
	s := serve(t, web.Panel{}, func(o *simdiscord.Options) { o.Deliver = web.Deliver(endpoint.Client(), endpoint.URL) })
	out, err := s.Interact(t.Context(), simdiscord.Request{User: s.id(t, "Bo"), Channel: channel, Kind: simdiscord.KindCommand, Command: "start"})
	if err != nil || out.State != simdiscord.StateDone || got.Header.Get("X-Signature-Ed25519") == "" {
		t.Errorf("outcome %+v (%v), headers %v", out, err, got.Header)
	}
}
