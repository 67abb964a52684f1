package probe_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"hearth/internal/clock"
	"hearth/internal/discord"
	"hearth/internal/probe"
	"hearth/internal/world"
)

// app is a pretend endpoint that takes its time, and forgets itself when nobody
// asks for a while.
type app struct {
	cold, warm time.Duration
	sleeps     time.Duration // idle for so long, it is cold again
	last       time.Time
}

func (a *app) RoundTrip(req *http.Request) (*http.Response, error) {
	took := a.warm
	if a.last.IsZero() || time.Since(a.last) >= a.sleeps {
		took = a.cold
	}
	select {
	case <-time.After(took):
	case <-req.Context().Done():
		return nil, req.Context().Err()
	}
	a.last = time.Now()
	return answer(200, "application/json", `{"type":1}`), nil
}

func answer(status int, kind, body string) *http.Response {
	return &http.Response{
		StatusCode: status, Header: http.Header{"Content-Type": {kind}}, Body: io.NopCloser(strings.NewReader(body)),
	}
}

func newKey(t *testing.T) (k probe.Key, public string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "probe.key")
	public, err := probe.NewKey(path)
	if err != nil {
		t.Fatal(err)
	}
	if k, err = probe.LoadKey(path); err != nil {
		t.Fatal(err)
	}
	return k, public
}

func prober(t *testing.T, address string, transport http.RoundTripper) *probe.Prober {
	t.Helper()
	u, err := probe.ParseURL(address)
	if err != nil {
		t.Fatal(err)
	}
	k, _ := newKey(t)
	p := &probe.Prober{URL: u, Key: k, Clock: clock.System{}}
	if transport != nil {
		p.Transport = func() http.RoundTripper { return transport }
	}
	return p
}

// TestColdStarts: an app that sleeps after ten minutes is found cold after each
// longer pause, and the pauses begin when the last answer was there.
func TestColdStarts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := prober(t, "https://app.example/api/interactions", &app{cold: 4 * time.Second, warm: 50 * time.Millisecond, sleeps: 10 * time.Minute})
		s, err := probe.After(5*time.Minute, 20*time.Minute, 9*time.Minute+59*time.Second, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		begun, told := time.Now(), 0
		results := p.Run(t.Context(), s, func(probe.Result) { told++ })
		var got []string
		for _, r := range results {
			got = append(got, fmt.Sprintf("%s %s %t", r.Idle, r.Took, r.InTime()))
		}
		want := []string{"0s 4s false", "5m0s 50ms true", "20m0s 4s false", "9m59s 50ms true", "1h0m0s 4s false"}
		if fmt.Sprint(got) != fmt.Sprint(want) || told != len(want) {
			t.Errorf("got %v, told %d\nwant %v", got, told, want)
		}
		if d := time.Since(begun); d != 94*time.Minute+59*time.Second+3*4*time.Second+2*50*time.Millisecond {
			t.Errorf("all took %s", d)
		}
		if got, want := fmt.Sprint(probe.Sum(results)), "5 probes, 0 failed; 2 within Discord's 3s\n"+
			"average 2.420 s, P95 4.000 s, P99 4.000 s, slowest 4.000 s (nearest rank, of the right answers)\n"; got != want {
			t.Errorf("got %q\nwant %q", got, want)
		}
	})
}

// TestInterrupted: what was measured by then is there; the probe under way is not.
func TestInterrupted(t *testing.T) {
	for name, tc := range map[string]struct {
		after time.Duration // the probes begin after 0, 30 min 4 s, and an hour and 8 s
		want  int
	}{
		"in a pause":     {50 * time.Minute, 2},
		"in a probe":     {time.Hour + 10*time.Second, 2},
		"before the end": {time.Hour + 13*time.Second, 3},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := prober(t, "https://app.example/", &app{cold: 4 * time.Second, warm: 4 * time.Second})
				s, err := probe.Every(30*time.Minute, 12)
				if err != nil {
					t.Fatal(err)
				}
				ctx, cancel := context.WithTimeout(t.Context(), tc.after)
				defer cancel()
				results := p.Run(ctx, s, func(probe.Result) {})
				if len(results) != tc.want || probe.Sum(results).Failed != 0 {
					t.Errorf("got %d results, %+v, want %d and no failure", len(results), probe.Sum(results), tc.want)
				}
			})
		})
	}
}

// TestRealServer: each probe has a connection of its own, signed as Discord's
// verifier wants it, and the timing includes the connection.
func TestRealServer(t *testing.T) {
	k, public := newKey(t)
	verifier, err := discord.NewProbeVerifier(public)
	if err != nil {
		t.Fatal(err)
	}
	if k.Public() != public {
		t.Errorf("Public: got %s, want %s", k.Public(), public)
	}
	var connections, asked atomic.Int32
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		asked.Add(1)
		body, err := io.ReadAll(req.Body)
		if err != nil {
			t.Error(err)
		}
		s := world.Signed{Body: body, Timestamp: req.Header.Get("X-Signature-Timestamp"), Signature: req.Header.Get("X-Signature-Ed25519")}
		if err := verifier.Verify(s, time.Now()); err != nil {
			t.Error(err)
		}
		i, err := discord.ParseInteraction(body)
		if err != nil || i.Kind != discord.Ping {
			t.Errorf("interaction: %+v, %v, want a ping", i, err)
		}
		s.Body = bytes.Replace(body, []byte(`"type":1`), []byte(`"type":2`), 1)
		if verifier.Verify(s, time.Now()) == nil {
			t.Error("an altered body is taken")
		}
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		_, _ = w.Write([]byte(`{"type":1}`))
	}))
	server.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			connections.Add(1)
		}
	}
	server.Start()
	defer server.Close()
	p := prober(t, server.URL+"/api/interactions", nil)
	p.Key = k
	schedule, err := probe.Every(0, 3)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range p.Run(t.Context(), schedule, func(probe.Result) {}) {
		if r.Err != nil || r.Connect <= 0 || r.Connect > r.Took {
			t.Errorf("got %+v, want the right answer, and the connection in its time", r)
		}
	}
	if asked.Load() != 3 || connections.Load() != 3 {
		t.Errorf("%d probes over %d connections, want 3 and 3", asked.Load(), connections.Load())
	}
}

type fixed struct {
	resp func() *http.Response
	err  error
}

func (f fixed) RoundTrip(*http.Request) (*http.Response, error) {
	if f.err != nil {
		return nil, f.err
	}
	return f.resp(), nil
}

func TestFailures(t *testing.T) {
	says := func(status int, kind, body string) fixed {
		return fixed{resp: func() *http.Response { return answer(status, kind, body) }}
	}
	for name, tc := range map[string]struct {
		app  http.RoundTripper
		want string
	}{
		"refused":          {says(401, "text/plain", ""), "status 401: the app does not take this key"},
		"app is down":      {says(503, "text/html", "<html>"), "status 503"},
		"elsewhere":        {says(301, "text/html", ""), "status 301"},
		"no pong":          {says(200, "application/json", `{"type":4}`), `wrong answer: {"type":4}`},
		"no JSON":          {says(200, "application/json", "hello\nworld"), "wrong answer: hello world"},
		"a page":           {says(200, "text/html", `{"type":1}`), `of type "text/html"`},
		"without a type":   {says(200, "", `{"type":1}`), `of type ""`},
		"endless":          {says(200, "application/json", `{"type":1}`+strings.Repeat(" ", 64*1024)), "more than 65536 bytes"},
		"nobody is there":  {fixed{err: &url.Error{Op: "Post", URL: "https://app.example/?code=secret", Err: errors.New("connection refused")}}, "connection refused"},
		"never an answer":  {&app{cold: time.Hour, warm: time.Hour}, "no answer in 1m0s"},
		"right, but later": {&app{cold: 4 * time.Second, warm: 4 * time.Second}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := prober(t, "https://app.example/", tc.app)
				p.Timeout = time.Minute
				s, err := probe.Every(time.Minute, 2)
				if err != nil {
					t.Fatal(err)
				}
				results := p.Run(t.Context(), s, func(probe.Result) {})
				sum := probe.Sum(results)
				if sum.Count != 2 || sum.InTime != 0 || (sum.Failed == 2) != (tc.want != "") {
					t.Errorf("got %+v", sum)
				}
				if text := results[1].String(); !strings.Contains(text, tc.want) || strings.Contains(text, "secret") {
					t.Errorf("got %q, want %q in it", text, tc.want)
				}
			})
		})
	}
}

func TestPercentile(t *testing.T) {
	var times []time.Duration
	for i := range 200 {
		times = append(times, time.Duration(i+1))
	}
	for _, tc := range []struct{ n, p, want int }{
		{1, 95, 1}, {1, 1, 1}, {2, 50, 1}, {19, 95, 19}, {20, 95, 19}, {21, 95, 20}, {99, 99, 99}, {100, 99, 99}, {101, 99, 100}, {200, 95, 190}, {200, 100, 200},
	} {
		if got := probe.Percentile(times[:tc.n], tc.p); int(got) != tc.want {
			t.Errorf("P%d of 1 to %d: got %d, want %d", tc.p, tc.n, got, tc.want)
		}
	}
	if s := probe.Sum(nil).String(); s != "0 probes, 0 failed; 0 within Discord's 3s\n" {
		t.Errorf("of nothing: got %q", s)
	}
}

func TestParseURL(t *testing.T) {
	for text, ok := range map[string]bool{
		"https://app.azurewebsites.net/api/interactions": true, "http://127.0.0.1:7071/api/interactions": true, "https://app.example/?code=x": true,
		"": false, "app.azurewebsites.net": false, "ftp://app.example/": false, "https:///api": false, "https:app": false, "https://a:b@app.example/": false,
		"https://app.example/#x": false, "://": false, "http://[": false,
	} {
		if _, err := probe.ParseURL(text); (err == nil) != ok || err != nil && !strings.Contains(err.Error(), "give the whole address") {
			t.Errorf("%q: got %v, want ok %t", text, err, ok)
		}
	}
}

func TestScheduleBounds(t *testing.T) {
	for name, err := range map[string]error{
		"none":          second(probe.Every(time.Minute, 0)),
		"too many":      second(probe.Every(time.Minute, probe.MaxProbes+1)),
		"below zero":    second(probe.Every(-1, 2)),
		"too long":      second(probe.Every(probe.MaxPause+1, 2)),
		"no pause":      second(probe.After()),
		"one below":     second(probe.After(time.Minute, -1)),
		"one too long":  second(probe.After(time.Minute, probe.MaxPause+1)),
		"many too long": second(probe.After(make([]time.Duration, probe.MaxProbes)...)),
	} {
		if err == nil || !strings.Contains(err.Error(), "choose") {
			t.Errorf("%s: got %v, want an error that says what to choose", name, err)
		}
	}
}

func second(_ probe.Schedule, err error) error { return err }

func TestKeys(t *testing.T) {
	path := filepath.Join(t.TempDir(), "probe.key")
	public, err := probe.NewKey(path)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if mode := info.Mode().Perm(); runtime.GOOS != "windows" && mode != 0o600 {
		t.Errorf("mode: got %o, want 600", mode)
	}
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := probe.NewKey(path); err == nil || !strings.Contains(err.Error(), "is there already") {
		t.Errorf("a second key into the same file: got %v", err)
	}
	if after, err := os.ReadFile(path); err != nil || !bytes.Equal(after, before) {
		t.Errorf("the first key was changed: %v", err)
	}
	text := strings.TrimSpace(string(before))
	k, err := probe.LoadKey(text)
	if err != nil || k.Public() != public {
		t.Errorf("from hex: got %v, %v, want the same key", k.Public(), err)
	}
	if s := fmt.Sprintf("%v %+v %#v", k, k, k); strings.Contains(s, text[:8]) {
		t.Errorf("a key prints itself: %s", s)
	}
	for name, from := range map[string]string{"missing": path + ".none", "half a key": text[:40], "no key": "internal"} {
		if _, err := probe.LoadKey(from); err == nil || !strings.Contains(err.Error(), "--new-key") || strings.Contains(err.Error(), text[:40]) {
			t.Errorf("%s: got %v, want what to do, and no key in it", name, err)
		}
	}
	bad := filepath.Join(t.TempDir(), "bad.key")
	if err := os.WriteFile(bad, []byte("xyz"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := probe.LoadKey(bad); err == nil || !strings.Contains(err.Error(), "this has 3 characters") {
		t.Errorf("a file of something else: got %v", err)
	}
}
