package simdiscord_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"hearth/internal/sim/simdiscord"
	"hearth/internal/sim/simdiscord/guild"
)

func TestGate(t *testing.T) {
	for _, tt := range []struct {
		name         string
		method, path string
		change       func(http.Header)
		body         string
		status, code int
	}{
		{"right", "GET", messages, nil, "", 200, 0},
		{"no user agent", "GET", messages, func(h http.Header) { h.Del("User-Agent") }, "", 403, 40333},
		{"go's user agent", "GET", messages, func(h http.Header) { h.Set("User-Agent", "Go-http-client/1.1") }, "", 403, 40333},
		{"user agent without version", "GET", messages, func(h http.Header) { h.Set("User-Agent", "DiscordBot (https://example.org)") }, "", 403, 40333},
		{"no token", "GET", messages, func(h http.Header) { h.Del("Authorization") }, "", 401, 0},
		{"wrong token", "GET", messages, func(h http.Header) { h.Set("Authorization", "Bot other") }, "", 401, 0},
		{"token without Bot", "GET", messages, func(h http.Header) { h.Set("Authorization", botToken) }, "", 401, 0},
		{"content type", "POST", messages, func(h http.Header) { h.Set("Content-Type", "text/plain") }, `{"content":"x"}`, 400, 50035},
		{"broken json", "POST", messages, nil, `{"content":`, 400, 50109},
		{"two values", "POST", messages, nil, `{"content":"x"} {}`, 400, 50109},
		{"unknown path", "GET", "/nowhere", nil, "", 404, 0},
		{"wrong method", "PUT", messages, nil, "{}", 405, 0},
		{"unknown channel", "POST", "/channels/123/messages", nil, `{"content":"x"}`, 404, 10003},
		{"unknown message", "PATCH", messages + "/123", nil, `{"content":"x"}`, 404, 10008},
		{"unknown message, delete", "DELETE", messages + "/123", nil, "", 404, 10008},
		{"empty", "POST", messages, nil, `{"content":" "}`, 400, 50006},
		{"other application", "PUT", "/applications/1/guilds/" + simdiscord.DefaultGuildID + "/commands", nil, `[]`, 403, 20012},
		{"other guild", "PUT", "/applications/" + simdiscord.DefaultApplicationID + "/guilds/1/commands", nil, `[]`, 403, 50001},
		{"unknown token", "PATCH", webhook("nonsense") + "/messages/@original", nil, `{"content":"x"}`, 401, 50027},
		{"token of another application", "PATCH", "/webhooks/1/nonsense/messages/@original", nil, `{"content":"x"}`, 404, 10015},
		{"list limit", "GET", messages + "?limit=101", nil, "", 400, 50035},
		{"own user", "GET", "/users/@me", nil, "", 200, 0},
		{"own application", "GET", "/applications/@me", nil, "", 200, 0},
		{"channel", "GET", "/channels/" + channel, nil, "", 200, 0},
		{"guild", "GET", "/guilds/" + simdiscord.DefaultGuildID, nil, "", 200, 0},
		{"other guild's roles", "GET", "/guilds/1/roles", nil, "", 404, 10004},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			h := botHeader()
			if tt.change != nil {
				tt.change(h)
			}
			a, err := w.Call(t.Context(), tt.method, simdiscord.APIPrefix+tt.path, h, []byte(tt.body))
			if err != nil {
				t.Fatal(err)
			}
			if a.Status != tt.status {
				t.Errorf("status %d, want %d: %s", a.Status, tt.status, a.Body)
			}
			if tt.status > 299 && !strings.Contains(string(a.Body), fmt.Sprintf(`"code":%d`, tt.code)) {
				t.Errorf("body %s, want code %d", a.Body, tt.code)
			}
		})
	}
}

func TestRefusedFormChangesNothing(t *testing.T) {
	w := newWorld(t)
	a, m := w.call("POST", messages, `{"content":"x","embeds":[{"titel":"x"}]}`)
	first, _ := inner(m, "errors", "embeds", "0", "titel", "_errors").([]any)
	if a.Status != 400 || code(m) != 50035 || len(first) != 1 || inner(first[0], "code") != "UNKNOWN_FIELD" {
		t.Errorf("a message: %d %s, want 400/50035 with UNKNOWN_FIELD at embeds.0.titel", a.Status, a.Body)
	}
	if n := len(w.Messages()); n != 0 {
		t.Errorf("%d messages, want none: a refused one was posted", n)
	}
	if a, m := w.call("PUT", commands, `[{"name":"start"}]`); a.Status != 400 || code(m) != 50035 {
		t.Errorf("a command: %d %s, want 400/50035", a.Status, a.Body)
	}
	if n := len(w.Commands()); n != 0 {
		t.Errorf("%d commands, want none: a refused one was registered", n)
	}
}

func TestMessageLife(t *testing.T) {
	w := newWorld(t)
	id := w.must("POST", messages, `{"content":"one","nonce":"a1","enforce_nonce":true}`)
	w.must("PATCH", messages+"/"+id, `{"content":"two"}`)
	got := w.Messages()
	if len(got) != 1 || got[0].Content != "two" || got[0].Edited == nil || !got[0].Author.Bot {
		t.Fatalf("after the edit: %+v", got)
	}
	said, err := w.Say(w.id("Bo"), channel, "hello")
	if err != nil {
		t.Fatal(err)
	}
	if a, m := w.call("PATCH", messages+"/"+said.ID, `{"content":"x"}`); a.Status != 403 || code(m) != 50005 {
		t.Errorf("edit of another's message: %d %s", a.Status, a.Body)
	}
	if a, m := w.call("DELETE", messages+"/"+said.ID, ""); a.Status != 403 || code(m) != 50013 {
		t.Errorf("delete of another's message: %d %s", a.Status, a.Body)
	}
	if a, _ := w.call("GET", messages+"?limit=1", ""); !strings.Contains(string(a.Body), said.ID) || strings.Contains(string(a.Body), `"id":"`+id) {
		t.Errorf("list of one is not the newest: %s", a.Body)
	}
	w.must("DELETE", messages+"/"+id, "")
	if a, m := w.call("GET", messages+"/"+id, ""); a.Status != 404 || code(m) != 10008 {
		t.Errorf("deleted message: %d %s", a.Status, a.Body)
	}
}

func TestNonce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		body := `{"content":"one","nonce":"a1","enforce_nonce":true}`
		first := w.must("POST", messages, body)
		if again := w.must("POST", messages, body); again != first {
			t.Errorf("a repeat made message %s beside %s", again, first)
		}
		if other := w.must("POST", messages, `{"content":"one","nonce":"a1"}`); other == first {
			t.Error("without enforce_nonce a repeat must be a new message")
		}
		<-time.After(5 * time.Minute)
		if later := w.must("POST", messages, body); later == first {
			t.Error("the nonce was remembered for too long")
		}
	})
}

func TestMessagesAreBounded(t *testing.T) {
	w := newWorld(t)
	var first string
	for i := range guild.MaxMessages + 1 {
		m, err := w.Say(w.id("Bo"), channel, strconv.Itoa(i))
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			first = m.ID
		}
	}
	if n := len(w.Messages()); n != guild.MaxMessages {
		t.Errorf("%d messages are kept, want %d", n, guild.MaxMessages)
	}
	if a, _ := w.call("GET", messages+"/"+first, ""); a.Status != 404 {
		t.Errorf("the oldest message: status %d, want 404", a.Status)
	}
}

func TestRouteLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		for i := range 5 {
			a, _ := w.call("POST", messages, `{"content":"x"}`)
			if got, want := a.Header.Get("X-RateLimit-Remaining"), strconv.Itoa(4-i); got != want {
				t.Errorf("remaining %s, want %s", got, want)
			}
			for _, k := range []string{"Limit", "Reset", "Reset-After", "Bucket"} {
				if a.Header.Get("X-RateLimit-"+k) == "" {
					t.Errorf("no X-RateLimit-%s", k)
				}
			}
		}
		<-time.After(1750 * time.Millisecond)
		a, m := w.call("POST", messages, `{"content":"x"}`)
		if a.Status != 429 || m["retry_after"] != 3.25 || m["global"] != false {
			t.Fatalf("sixth in 5 s: %d %s", a.Status, a.Body)
		}
		if a.Header.Get("Retry-After") != "4" || a.Header.Get("X-RateLimit-Scope") != "user" || a.Header.Get("X-RateLimit-Bucket") == "" {
			t.Errorf("headers of the 429: %v", a.Header)
		}
		if a, _ := w.call("GET", messages, ""); a.Status != 200 {
			t.Errorf("another route: status %d, want 200", a.Status)
		}
		<-time.After(3250 * time.Millisecond)
		w.must("POST", messages, `{"content":"x"}`)
		if s := w.Stats(); s.Limited != 1 || s.Invalid != 1 || s.Calls != 8 {
			t.Errorf("stats %+v", s)
		}
	})
}

func TestGlobalLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		paths := []string{"/users/@me", "/applications/@me"}
		for i := range 50 {
			w.must("GET", paths[i/25], "")
		}
		a, m := w.call("GET", messages, "")
		if a.Status != 429 || m["global"] != true || a.Header.Get("X-RateLimit-Global") != "true" || a.Header.Get("X-RateLimit-Bucket") != "" {
			t.Fatalf("51st in a second: %d %s %v", a.Status, a.Body, a.Header)
		}
		if a, _ := w.call("GET", webhook("x")+"/messages/@original", ""); a.Status != 401 {
			t.Errorf("webhooks are outside the global limit: %d", a.Status)
		}
		<-time.After(time.Second)
		w.must("GET", messages, "")
	})
}

func TestBan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		for range 10_000 {
			if _, err := w.Call(t.Context(), "GET", simdiscord.APIPrefix+messages, http.Header{}, nil); err != nil {
				t.Fatal(err)
			}
		}
		a, _ := w.call("GET", messages, "")
		if a.Status != 429 || !strings.HasPrefix(a.Header.Get("Content-Type"), "text/html") {
			t.Fatalf("after 10,000 invalid requests: %d %v", a.Status, a.Header)
		}
		<-time.After(10 * time.Minute)
		w.must("GET", messages, "")
	})
}

func TestOldEdits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		id := w.must("POST", messages, `{"content":"x"}`)
		<-time.After(time.Hour + time.Second)
		for range 3 {
			w.must("PATCH", messages+"/"+id, `{"content":"y"}`)
		}
		a, m := w.call("PATCH", messages+"/"+id, `{"content":"z"}`)
		if a.Status != 429 || code(m) != 30046 {
			t.Fatalf("fourth edit in 6 s: %d %s", a.Status, a.Body)
		}
		<-time.After(6 * time.Second)
		w.must("PATCH", messages+"/"+id, `{"content":"z"}`)
	})
}

func TestLevers(t *testing.T) {
	post := func(w *world) (simdiscord.Answer, map[string]any) {
		return w.call("POST", messages, `{"content":"x"}`)
	}
	t.Run("fail", func(t *testing.T) {
		w := newWorld(t)
		w.Fail(1, 502)
		if a, _ := post(w); a.Status != 502 || len(w.Messages()) != 0 {
			t.Errorf("status %d, %d messages", a.Status, len(w.Messages()))
		}
		if a, _ := post(w); a.Status != 200 {
			t.Errorf("after it: %d", a.Status)
		}
	})
	t.Run("rate limit all", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			w.RateLimitAll(65 * time.Second)
			if a, m := post(w); a.Status != 429 || m["retry_after"] != 65.0 || m["global"] != true {
				t.Errorf("%d %s", a.Status, a.Body)
			}
			<-time.After(65 * time.Second)
			if a, _ := post(w); a.Status != 200 {
				t.Errorf("after it: %d", a.Status)
			}
		})
	})
	for name, bare := range map[string]bool{"rate limit messages": false, "rate limit messages, bare": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				id := w.must("POST", messages, `{"content":"x"}`)
				w.RateLimitMessages(65*time.Second, bare)
				for method, path := range map[string]string{"POST": messages, "PATCH": messages + "/" + id} {
					a, m := w.call(method, path, `{"content":"y"}`)
					if a.Status != 429 || m["retry_after"] != 65.0 || m["global"] != false || a.Header.Get("Retry-After") != "65" {
						t.Errorf("%s: %d %s", method, a.Status, a.Body)
					}
					want := map[string]string{
						"Limit": "5", "Remaining": "0", "Reset-After": "65.000", "Reset": "946684865.000", "Scope": "user", "Global": "",
					}
					for k, v := range want {
						if got := a.Header.Get("X-RateLimit-" + k); got != v && !bare || got != "" && bare {
							t.Errorf("%s: X-RateLimit-%s is %q, want %q unless bare", method, k, got, v)
						}
					}
					if (a.Header.Get("X-RateLimit-Bucket") == "") != bare {
						t.Errorf("%s: bucket %q", method, a.Header.Get("X-RateLimit-Bucket"))
					}
				}
				if a, _ := w.call("GET", "/channels/"+channel, ""); a.Status != 200 {
					t.Errorf("another route: %d", a.Status)
				}
				<-time.After(65 * time.Second)
				if a, _ := post(w); a.Status != 200 {
					t.Errorf("after it: %d", a.Status)
				}
			})
		})
	}
	t.Run("forbid", func(t *testing.T) {
		w := newWorld(t)
		w.Forbid(true)
		if a, m := post(w); a.Status != 403 || code(m) != 50013 {
			t.Errorf("%d %s", a.Status, a.Body)
		}
		w.Forbid(false)
		if a, _ := post(w); a.Status != 200 {
			t.Errorf("after it: %d", a.Status)
		}
	})
	t.Run("hide", func(t *testing.T) {
		w := newWorld(t)
		w.Hide(true)
		if a, m := post(w); a.Status != 403 || code(m) != 50001 {
			t.Errorf("%d %s", a.Status, a.Body)
		}
	})
	t.Run("drop replies", func(t *testing.T) {
		w := newWorld(t)
		w.DropReplies(1)
		_, err := w.Call(t.Context(), "POST", simdiscord.APIPrefix+messages, botHeader(), []byte(`{"content":"x"}`))
		if !errors.Is(err, simdiscord.ErrReplyLost) || len(w.Messages()) != 1 {
			t.Errorf("error %v, %d messages; want ErrReplyLost and one", err, len(w.Messages()))
		}
	})
	t.Run("slow down", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			w.SlowDown(2 * time.Second)
			began := time.Now()
			post(w)
			if took := time.Since(began); took != 2*time.Second {
				t.Errorf("took %v", took)
			}
		})
	})
	t.Run("reset ends them", func(t *testing.T) {
		w := newWorld(t)
		w.Fail(9, 500)
		w.Hide(true)
		w.Reset()
		if a, _ := post(w); a.Status != 200 {
			t.Errorf("%d %s", a.Status, a.Body)
		}
	})
}

func TestTransport(t *testing.T) {
	w := newWorld(t)
	client := &http.Client{Transport: w.Transport()}
	req, err := http.NewRequestWithContext(t.Context(), "POST", "http://discord.invalid/api/v10"+messages, bytes.NewBufferString(`{"content":"x"}`))
	if err != nil {
		t.Fatal(err)
	}
	req.Header = botHeader()
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != 200 || !strings.Contains(string(b), `"content":"x"`) {
		t.Errorf("%d %s %v", res.StatusCode, b, err)
	}
}

func TestNewNamesEveryProblem(t *testing.T) {
	_, err := simdiscord.New(simdiscord.Options{Seed: []byte("short"), GuildID: "x", People: []simdiscord.Person{{Name: ""}}})
	for _, want := range []string{"Clock", "Seed has 5 bytes", "Deliver", "BotToken", `GuildID "x"`, "no name"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v does not name %q", err, want)
		}
	}
}

func FuzzCall(f *testing.F) {
	f.Add("POST", messages, `{"content":"x","embeds":[{"title":"t"}],"components":[{"type":1,"components":[{"type":2,"style":1,"label":"a","custom_id":"b"}]}]}`)
	f.Add("PUT", commands, `[{"name":"start","description":"d","options":[{"type":3,"name":"w","description":"d"}]}]`)
	f.Add("PATCH", webhook("x")+"/messages/@original", `{"content":null}`)
	f.Add("GET", messages+"?limit=5&before=9", ``)
	f.Fuzz(func(t *testing.T, method, path, body string) {
		w := newWorld(t)
		a, err := w.Call(t.Context(), method, simdiscord.APIPrefix+path, botHeader(), []byte(body))
		if err != nil {
			t.Fatal(err)
		}
		if a.Status >= 500 {
			t.Errorf("%s %s: %d", method, path, a.Status)
		}
		for _, m := range w.Messages() {
			if len([]rune(m.Content)) > 2000 || len(m.Embeds) > 10 || len(m.Buttons()) > 25 {
				t.Errorf("a message over the limits got in: %+v", m)
			}
		}
	})
}
