package panel_test

import (
	"encoding/json"
	"fmt"
	"html/template"
	"maps"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"hearth/internal/playground/browsertest"
	"hearth/internal/playground/panel"
)

// pageDir holds the pretend Discord's page, which the panel stands beside.
const pageDir = "../../sim/simdiscord/web"

const hostile = `<img src=x onerror="window.pwned=1"><script>window.pwned=1</script>`

const patience = 10 * time.Second

// serve is the page with the panel, on a server that says hello with one
// message and takes interactions down.
func serve(t *testing.T, p *panel.Panel, messages []any) (url string, asked <-chan string) {
	t.Helper()
	got := make(chan string, 16)
	mux := http.NewServeMux()
	mux.Handle("/panel/", p.Handler())
	mux.Handle("/web/", http.StripPrefix("/web/", http.FileServer(http.Dir(pageDir))))
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		index := template.Must(template.ParseFiles(filepath.Join(pageDir, "index.html")))
		data := map[string]any{"GuildName": hostile, "ChannelName": "midgard", "PanelHTML": p.HTML()}
		if err := index.Execute(w, data); err != nil {
			t.Errorf("execute index.html: %v", err)
		}
	})
	mux.HandleFunc("GET /page/events", func(w http.ResponseWriter, r *http.Request) {
		hello, err := json.Marshal(map[string]any{
			"guild": map[string]any{"id": "1", "name": hostile}, "channels": []any{map[string]any{"id": "1", "name": "midgard"}, map[string]any{"id": "2", "name": hostile}},
			"bot": map[string]any{"id": "9", "name": "Hearth"}, "users": []any{
				map[string]any{"id": "101", "name": "Ana", "role": "keeper"}, map[string]any{"id": "102", "name": hostile, "role": "member"},
			},
			"commands": []any{
				map[string]any{"name": "start", "description": hostile, "options": []any{map[string]any{"type": 3, "name": "world", "description": "Which", "choices": []any{map[string]any{"name": "Midgard", "value": "midgard"}}}}},
				map[string]any{"name": "stop", "description": "Put it out"},
				map[string]any{"name": "drill", "description": "For keepers", "default_member_permissions": "32"},
			},
			"messages": messages,
		})
		if err != nil {
			t.Errorf("encode hello: %v", err)
		}
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = fmt.Fprintf(w, "id: 1\nevent: hello\ndata: %s\n\n", hello) // the page may be gone
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})
	mux.HandleFunc("POST /page/{what}", func(w http.ResponseWriter, r *http.Request) {
		var ask map[string]any
		if err := json.NewDecoder(r.Body).Decode(&ask); err != nil {
			t.Errorf("decode %s: %v", r.URL, err)
		}
		delete(ask, "nonce")
		body, err := json.Marshal(ask)
		if err != nil {
			t.Errorf("encode: %v", err)
		}
		w.WriteHeader(http.StatusAccepted)
		got <- r.PathValue("what") + " " + string(body)
	})
	server := httptest.NewServer(mux)
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	return server.URL + "/", got
}

func message(id string, fields map[string]any) map[string]any {
	m := map[string]any{
		"id": id, "channel_id": "1", "author": map[string]any{"id": "9", "name": "Hearth", "bot": true}, "timestamp": "2026-03-01T20:00:00Z",
		"edited": nil, "content": "", "embeds": []any{}, "components": []any{}, "flags": 0, "ephemeral_to": nil, "interaction": nil, "thinking": false, "mentions": []any{},
	}
	maps.Copy(m, fields)
	return m
}

func burning() *playground {
	play := newPlayground()
	play.snap = panel.Snapshot{
		Now: time.Date(2026, 3, 1, 20, 0, 0, 0, time.UTC), Speed: 1, World: panel.World{ID: "midgard", Name: hostile},
		Status: "online", StatusText: hostile, Step: panel.StepPlay, Players: []panel.Player{{Name: hostile}, {Name: "Bo"}}, PlayersKnown: true,
		Address: hostile, JoinCode: hostile, Guide: [4]bool{true},
		Machines: []panel.Machine{{Name: hostile, State: "running"}}, Placements: []panel.Placement{{ID: hostile, Active: true}},
		Lease: panel.Lease{Holder: hostile, Epoch: 3}, Queues: []panel.Queue{{Name: hostile, Visible: 1}},
		Row: panel.Row{ETag: hostile, Generation: 1, JSON: json.RawMessage(`{"name":"<img src=x onerror='window.pwned=1'>"}`)},
		Log: []panel.Line{{Text: hostile}},
		Levers: map[panel.LeverName]panel.LeverState{
			panel.PlayerJoin: {Enabled: true}, panel.PlayerDie: {Enabled: true}, panel.Crash: {Why: hostile}, panel.NoCapacity: {Enabled: true, On: true},
		},
	}
	return play
}

func TestPageMakesTextOfWhatPeopleChose(t *testing.T) {
	styled := "**" + hostile + "** *" + hostile + "* `" + hostile + "` [x](javascript:window.pwned=1) <@102> <#2> > " + hostile
	messages := []any{message("7", map[string]any{
		"content": styled, "author": map[string]any{"id": "102", "name": hostile, "bot": false}, "interaction": map[string]any{"user": map[string]any{"id": "102", "name": hostile}, "name": hostile},
		"embeds":     []any{map[string]any{"title": hostile, "description": styled, "color": 255, "fields": []any{map[string]any{"name": hostile, "value": styled, "inline": true}}, "footer": map[string]any{"text": hostile}, "author": map[string]any{"name": hostile}}},
		"components": []any{map[string]any{"type": 1, "components": []any{map[string]any{"type": 2, "style": 1, "label": hostile, "custom_id": hostile}, map[string]any{"type": 2, "style": 5, "label": "x", "url": "javascript:window.pwned=1"}}}},
	})}
	play := burning()
	url, _ := serve(t, panel.New(play, quiet()), messages)
	page := browsertest.Open(t, url, 1440, 1400)
	page.Until(patience, `document.querySelector("#messages .message[data-id='7'] .embed") && document.querySelector("#status").dataset.status === "online"`)
	browsertest.Eval[any](page, `document.querySelector("#hood").open = true; document.querySelector("#composer").value = ""; null`)
	page.Keys("#composer", "/")
	page.Until(patience, `document.querySelector("#row-json").textContent.includes("<img") && document.querySelectorAll("#suggestions li").length === 3`)
	if n := browsertest.Eval[int](page, `document.querySelectorAll("img, body script:not([src]), [onerror], a[href^='javascript']").length`); n != 0 {
		t.Errorf("got %d elements made of data, want 0", n)
	}
	if browsertest.Eval[bool](page, `"pwned" in window`) {
		t.Error("a script in data ran")
	}
	for _, where := range []string{".message .content", ".message .embed-title", ".message button[data-custom-id]", "#players", "#address", "#status-text", "#log", "#machines", "#lease", "#queues", "#channels", "#whoami", "#suggestions"} {
		if text := browsertest.Eval[string](page, `document.querySelector("`+where+`").textContent`); !strings.Contains(text, "<img src=x onerror=") {
			t.Errorf("%s shows %q, want the hostile text as it is", where, text)
		}
	}
}

func TestPageSendsWhatIsPressed(t *testing.T) {
	messages := []any{
		message("7", map[string]any{"components": []any{map[string]any{"type": 1, "components": []any{map[string]any{"type": 2, "style": 4, "label": "Stop now", "custom_id": "h1:stop_now:midgard:1"}}}}}),
		message("8", map[string]any{"content": "only Ana", "flags": 64, "ephemeral_to": "101"}),
	}
	play := burning()
	url, asked := serve(t, panel.New(play, quiet()), messages)
	page := browsertest.Open(t, url, 1440, 1400)
	page.Until(patience, `document.querySelector(".message[data-id='8']") && !document.querySelector("button[data-lever='player_join']").disabled`)

	t.Run("levers", func(t *testing.T) {
		browsertest.Eval[any](page, `document.querySelector("#player-name").value = "Astrid"; null`)
		page.Press(`button[data-lever="player_join"]`)
		page.Press(`button[data-lever="no_capacity"]`)
		page.Until(patience, `document.querySelector("#player-name").value !== "Astrid"`)
		want := []panel.Lever{{Name: panel.PlayerJoin, Player: "Astrid"}, {Name: panel.NoCapacity}}
		for range 100 {
			if got, _, _ := play.asked(); len(got) >= len(want) {
				break
			}
			browsertest.Eval[any](page, `new Promise((done) => setTimeout(done, 20))`)
		}
		if got, _, _ := play.asked(); len(got) != 2 || !slices.Contains(got, want[0]) || !slices.Contains(got, want[1]) {
			t.Errorf("got %+v pulled, want %+v", got, want)
		}
		if !browsertest.Eval[bool](page, `(() => { const b = document.querySelector("button[data-lever='crash']"); return b.disabled && b.title.startsWith("<img"); })()`) {
			t.Error("a lever that makes no sense is not disabled with a reason")
		}
	})
	t.Run("reset asks first", func(t *testing.T) {
		page.Press("#reset")
		if _, _, resets := play.asked(); resets != 0 {
			t.Fatal("reset was not asked about")
		}
		page.Press("#reset-confirm")
		for range 100 {
			if _, _, resets := play.asked(); resets == 1 {
				return
			}
			browsertest.Eval[any](page, `new Promise((done) => setTimeout(done, 20))`)
		}
		t.Error("reset was not sent")
	})
	t.Run("channel", func(t *testing.T) {
		wait := func(want string) {
			t.Helper()
			select {
			case got := <-asked:
				if got != want {
					t.Errorf("got %s\nwant %s", got, want)
				}
			case <-time.After(10 * time.Second):
				t.Fatalf("nothing was sent, want %s", want)
			}
		}
		page.Keys("#composer", "\r")
		wait(`interact {"channel":"1","command":"start","kind":"command","options":[],"user":"101"}`)
		page.Keys("#composer", "/start world:mid\t\r")
		wait(`interact {"channel":"1","command":"start","kind":"command","options":[{"name":"world","value":"midgard"}],"user":"101"}`)
		page.Keys("#composer", "/nonsense\r")
		page.Until(patience, `document.querySelector("#compose-problem").textContent.includes("no command /nonsense")`)
		page.Press(`.message button[data-custom-id="h1:stop_now:midgard:1"]`)
		wait(`interact {"channel":"1","custom_id":"h1:stop_now:midgard:1","kind":"button","message":"7","user":"101"}`)
		page.Until(patience, `document.querySelector(".message button[data-custom-id]").disabled`)
		browsertest.Eval[any](page, `(() => { const w = document.querySelector("#whoami"); w.value = "102"; w.dispatchEvent(new Event("change")); return null; })()`)
		page.Until(patience, `!document.querySelector(".message[data-id='8']")`)
		browsertest.Eval[any](page, `document.querySelector("#composer").value = ""; null`)
		page.Keys("#composer", "hello\r")
		wait(`say {"channel":"1","content":"hello","user":"102"}`)
		page.Keys("#composer", "/")
		page.Until(patience, `document.querySelectorAll("#suggestions li").length === 2`) // /drill is for keepers
	})
}
