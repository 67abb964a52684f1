package panel_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"hearth/internal/playground/panel"
)

// playground remembers what was asked of it.
type playground struct {
	mu      sync.Mutex // guards what follows
	snap    panel.Snapshot
	snapErr error
	fail    error // of Pull, SetSpeed, Reset
	pulled  []panel.Lever
	speeds  []float64
	resets  int
	served  int // snapshots
	changes chan struct{}
}

func newPlayground() *playground {
	return &playground{changes: make(chan struct{}, 1), snap: panel.Snapshot{Speed: 1, Status: "stopped", World: panel.World{ID: "midgard", Name: "Midgard"}}}
}

func (p *playground) Snapshot(context.Context) (panel.Snapshot, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.served++
	return p.snap, p.snapErr
}

func (p *playground) Changes(context.Context) <-chan struct{} { return p.changes }

func (p *playground) Row(_ context.Context, id string) (panel.WorldRow, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if id != p.snap.World.ID {
		return panel.WorldRow{}, panel.Refuse("There is no world %q here.", id)
	}
	return panel.WorldRow{Now: p.snap.Now, World: p.snap.World, Row: p.snap.Row}, p.fail
}

func (p *playground) Pull(_ context.Context, l panel.Lever) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.pulled = append(p.pulled, l)
	return p.fail
}

func (p *playground) SetSpeed(speed float64) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.speeds = append(p.speeds, speed)
	return p.fail
}

func (p *playground) Reset(context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.resets++
	return p.fail
}

func (p *playground) asked() (levers []panel.Lever, speeds []float64, resets int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.pulled), slices.Clone(p.speeds), p.resets
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func post(path, body string, header map[string]string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "http://hearth.test"+path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	for k, v := range header {
		r.Header.Set(k, v)
	}
	return r
}

func do(t *testing.T, p panel.Playground, r *http.Request) (status int, sentence string) {
	t.Helper()
	w := httptest.NewRecorder()
	panel.New(p, quiet()).Handler().ServeHTTP(w, r)
	if w.Code == http.StatusNoContent {
		return w.Code, ""
	}
	var said struct{ Error string }
	if err := json.Unmarshal(w.Body.Bytes(), &said); err != nil {
		t.Fatalf("answer %d %q is not JSON: %v", w.Code, w.Body, err)
	}
	return w.Code, said.Error
}

// A program reads a world's row; of one that is not there it is told so.
func TestRow(t *testing.T) {
	p := newPlayground()
	p.snap.Row = panel.Row{ETag: "7", Generation: 3, JSON: json.RawMessage(`{"status":"online"}`)}
	ask := func(id string) (*httptest.ResponseRecorder, string) {
		w := httptest.NewRecorder()
		panel.New(p, quiet()).Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "http://hearth.test/panel/rows/"+id, nil))
		return w, strings.TrimSpace(w.Body.String())
	}
	want := `{"now":"0001-01-01T00:00:00Z","world":{"id":"midgard","name":"Midgard"},"row":{"etag":"7","generation":3,"json":{"status":"online"}}}`
	if w, got := ask("midgard"); w.Code != 200 || got != want || w.Header().Get("Content-Type") != "application/json" {
		t.Errorf("got %d %s, want %s", w.Code, got, want)
	}
	if w, got := ask("asgard"); w.Code != 409 || got != `{"error":"There is no world \"asgard\" here."}` {
		t.Errorf("got %d %s, want to be told that there is no such world", w.Code, got)
	}
}

func TestLever(t *testing.T) {
	tests := []struct {
		name, body string
		status     int
		sentence   string       // part of it
		want       *panel.Lever // nil: not pulled
	}{
		{"of another world", `{"name":"evict","world":"asgard"}`, 204, "", &panel.Lever{Name: panel.Evict, World: "asgard", NoticeSeconds: 30}},
		{"join", `{"name":"player_join","player":" Astrid "}`, 204, "", &panel.Lever{Name: panel.PlayerJoin, Player: "Astrid"}},
		{"hostile name is only a name", `{"name":"player_join","player":"<img src=x onerror=alert(1)>"}`, 204, "", &panel.Lever{Name: panel.PlayerJoin, Player: "<img src=x onerror=alert(1)>"}},
		{"notice by default", `{"name":"evict"}`, 204, "", &panel.Lever{Name: panel.Evict, NoticeSeconds: 30}},
		{"short notice by default", `{"name":"evict_short"}`, 204, "", &panel.Lever{Name: panel.EvictShort, NoticeSeconds: 8}},
		{"notice as asked", `{"name":"evict","notice_seconds":900}`, 204, "", &panel.Lever{Name: panel.Evict, NoticeSeconds: 900}},
		{"toggle", `{"name":"no_capacity","on":true}`, 204, "", &panel.Lever{Name: panel.NoCapacity, On: true}},
		{"vanish", `{"name":"vanish"}`, 204, "", &panel.Lever{Name: panel.Vanish}},
		{"reboot", `{"name":"reboot"}`, 204, "", &panel.Lever{Name: panel.Reboot}},
		{"no name", `{"name":"player_join","player":"  "}`, 400, "the name is empty", nil},
		{"nobody dies", `{"name":"player_die"}`, 400, "the name is empty", nil},
		{"nobody leaves", `{"name":"player_leave"}`, 400, "the name is empty", nil},
		{"long name", `{"name":"player_join","player":"` + strings.Repeat("å", 65) + `"}`, 400, "65 characters", nil},
		{"control characters", `{"name":"player_join","player":"a\u0007b"}`, 400, "cannot be typed", nil},
		{"unknown lever", `{"name":"meteor"}`, 400, `no lever "meteor"`, nil},
		{"no lever", `{}`, 400, "no lever", nil},
		{"too long a notice", `{"name":"evict","notice_seconds":901}`, 400, "1 to 900", nil},
		{"negative notice", `{"name":"evict","notice_seconds":-1}`, 400, "1 to 900", nil},
		{"notice for a lever without", `{"name":"vanish","notice_seconds":30}`, 400, "gives no notice", nil},
		{"unknown field", `{"name":"evict","seconds":1}`, 400, "unknown field", nil},
		{"no JSON", `evict`, 400, "not the JSON", nil},
		{"nothing", ``, 400, "not the JSON", nil},
		{"two values", `{"name":"evict"}{}`, 400, "after the JSON", nil},
		{"too much", `{"name":"evict","player":"` + strings.Repeat("x", 5000) + `"}`, 400, "at most 4096 bytes", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := newPlayground()
			status, sentence := do(t, p, post("/panel/lever", tt.body, nil))
			if status != tt.status || !strings.Contains(sentence, tt.sentence) {
				t.Errorf("got %d %q, want %d with %q", status, sentence, tt.status, tt.sentence)
			}
			pulled, _, _ := p.asked()
			switch {
			case tt.want == nil && len(pulled) > 0:
				t.Errorf("got %+v pulled, want nothing", pulled)
			case tt.want != nil && (len(pulled) != 1 || pulled[0] != *tt.want):
				t.Errorf("got %+v pulled, want %+v", pulled, *tt.want)
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	for _, path := range []struct{ path, body string }{
		{"/panel/lever", `{"name":"crash"}`}, {"/panel/speed", `{"speed":20}`}, {"/panel/reset", `{}`},
	} {
		t.Run(path.path, func(t *testing.T) {
			p := newPlayground()
			p.fail = panel.Refuse("Nothing runs: send %s first.", "/start")
			if status, sentence := do(t, p, post(path.path, path.body, nil)); status != http.StatusConflict || sentence != "Nothing runs: send /start first." {
				t.Errorf("refused: got %d %q, want 409 and the refusal", status, sentence)
			}
			p.fail = errors.New("dial tcp 10.0.0.1: secret")
			if status, sentence := do(t, p, post(path.path, path.body, nil)); status != http.StatusInternalServerError || strings.Contains(sentence, "secret") {
				t.Errorf("failed: got %d %q, want 500 without the cause", status, sentence)
			}
		})
	}
}

func TestSpeed(t *testing.T) {
	tests := []struct {
		body   string
		status int
	}{
		{`{"speed":1}`, 204}, {`{"speed":20}`, 204}, {`{"speed":100}`, 204},
		{`{"speed":0}`, 400}, {`{"speed":-1}`, 400}, {`{"speed":101}`, 400}, {`{}`, 400}, {`{"speed":"fast"}`, 400},
	}
	for _, tt := range tests {
		t.Run(tt.body, func(t *testing.T) {
			p := newPlayground()
			if status, sentence := do(t, p, post("/panel/speed", tt.body, nil)); status != tt.status {
				t.Errorf("got %d %q, want %d", status, sentence, tt.status)
			}
			if _, speeds, _ := p.asked(); (len(speeds) == 1) != (tt.status == 204) {
				t.Errorf("got speeds %v set", speeds)
			}
		})
	}
}

func TestOtherSitesMayNotAsk(t *testing.T) {
	tests := []struct {
		name   string
		header map[string]string
		status int
	}{
		{"our page", map[string]string{"Sec-Fetch-Site": "same-origin", "Origin": "http://hearth.test"}, 204},
		{"our page in an old browser", map[string]string{"Origin": "http://hearth.test"}, 204},
		{"a program", nil, 204},
		{"another site", map[string]string{"Sec-Fetch-Site": "cross-site", "Origin": "http://evil.test"}, 400},
		{"another port", map[string]string{"Sec-Fetch-Site": "same-site", "Origin": "http://hearth.test:81"}, 400},
		{"another site in an old browser", map[string]string{"Origin": "http://evil.test"}, 400},
		{"no origin", map[string]string{"Origin": "null"}, 400},
		{"a form", map[string]string{"Content-Type": "text/plain"}, 400},
		{"no type", map[string]string{"Content-Type": ""}, 400},
	}
	for _, tt := range tests {
		for _, ask := range []struct{ path, body string }{
			{"/panel/lever", `{"name":"vanish"}`}, {"/panel/speed", `{"speed":20}`}, {"/panel/reset", `{}`},
		} {
			t.Run(tt.name+ask.path, func(t *testing.T) {
				p := newPlayground()
				if status, sentence := do(t, p, post(ask.path, ask.body, tt.header)); status != tt.status {
					t.Errorf("got %d %q, want %d", status, sentence, tt.status)
				}
				pulled, speeds, resets := p.asked()
				if n := len(pulled) + len(speeds) + resets; (n == 1) != (tt.status == 204) {
					t.Errorf("got %d things done, answer %d", n, tt.status)
				}
			})
		}
	}
}

func TestAssets(t *testing.T) {
	h := panel.New(newPlayground(), quiet()).Handler()
	for path, mime := range map[string]string{
		"/panel/panel.css": "text/css", "/panel/panel.js": "text/javascript",
		"/panel.css": "text/css", // mounted with the prefix stripped
	} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		if got := w.Header().Get("Content-Type"); w.Code != 200 || !strings.HasPrefix(got, mime) || w.Body.Len() == 0 {
			t.Errorf("GET %s: got %d %s, %d bytes; want 200 %s", path, w.Code, got, w.Body.Len(), mime)
		}
	}
	for _, r := range []*http.Request{
		httptest.NewRequest(http.MethodGet, "/panel/lever", nil),
		httptest.NewRequest(http.MethodGet, "/panel/panel.html", nil),
		httptest.NewRequest(http.MethodGet, "/panel/panel.go", nil),
	} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != http.StatusNotFound && w.Code != http.StatusMethodNotAllowed {
			t.Errorf("%s %s: got %d, want a refusal", r.Method, r.URL.Path, w.Code)
		}
	}
}

func TestHTML(t *testing.T) {
	html := string(panel.New(newPlayground(), quiet()).HTML())
	for _, l := range []panel.LeverName{
		panel.PlayerJoin, panel.PlayerDie, panel.PlayerLeave, panel.AllLeave, panel.OldClient, panel.WrongPassword,
		panel.Evict, panel.EvictShort, panel.Vanish, panel.NoCapacity, panel.BootFails, panel.Crash,
	} {
		if n := strings.Count(html, `data-lever="`+string(l)+`"`); n != 1 {
			t.Errorf("lever %s: got %d buttons, want 1", l, n)
		}
	}
	if n := strings.Count(html, `data-done="false"`); n != 4 {
		t.Errorf("guide: got %d steps, want 4", n)
	}
	for _, id := range []string{"status", "guide", "speed", "reset", "hood", "levers-toggle"} {
		if !strings.Contains(html, `id="`+id+`"`) {
			t.Errorf("no element with id %s", id)
		}
	}
	// The page forbids both, so that nothing made of data can ever run.
	for _, inline := range []string{` style=`, ` on\w+=`, `<script>`, `<style`, `https?://`} {
		if at := regexp.MustCompile(inline).FindString(html); at != "" {
			t.Errorf("the panel's page has %q: keep it in panel.css and panel.js", at)
		}
	}
}

// TestScriptsMakeNoMarkup holds that data can only become text nodes; the
// browser test shows that it does.
func TestScriptsMakeNoMarkup(t *testing.T) {
	markup := regexp.MustCompile(`innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|createContextualFragment|\beval\(|new Function|setAttribute\("on|import\(`)
	for _, path := range []string{"panel.js", pageDir + "/channel.js", pageDir + "/composer.js", pageDir + "/markdown.js", pageDir + "/message.js"} {
		body, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if at := markup.FindString(string(body)); at != "" {
			t.Errorf("%s uses %s", path, at)
		}
	}
}
