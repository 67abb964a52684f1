package simhost_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"

	"hearth/internal/sim/simhost"
)

func forwarding(r *rig) *rig {
	r.write("host.json", strings.Replace(hostFile, `"enableForwardingHttpRequest":false`, `"enableForwardingHttpRequest":true`, 1))
	return r
}

// A simple function's request is forwarded byte by byte, and its answer is
// passed on, whatever it is.
func TestForwarding(t *testing.T) {
	r := forwarding(plain(t, func(w http.ResponseWriter, _ call) {
		w.Header().Set("Content-Type", "text/plain")
		w.Header().Set("X-Mine", "1")
		w.Header().Set("Location", "/elsewhere")
		w.WriteHeader(http.StatusFound)
		_, _ = w.Write([]byte("as it is"))
	})).start()
	body := "\xef\xbb\xbf{\"raw\": \xff}"
	got := r.do(http.MethodPost, "/api/plain?a=1&b=2&a=3", body,
		"Content-Type", "application/json", "X-Signature-Ed25519", "ab", "Content-Encoding", "x", "User-Agent", "Discord", "X-Azure-Functions-InvocationId", "caller")
	if got.status != http.StatusFound || got.body != "as it is" || got.header.Get("X-Mine") != "1" || got.header.Get("Location") != "/elsewhere" {
		t.Errorf("got %+v", got)
	}
	c := r.called("/api/plain")[0]
	if string(c.body) != body || c.Method != http.MethodPost || c.URL.RawQuery != "a=1%2C3&b=2" {
		t.Errorf("got %s %s %q", c.Method, c.URL, c.body)
	}
	want := map[string]string{
		"X-Signature-Ed25519": "ab", "Content-Type": "application/json", "Content-Encoding": "",
		"User-Agent": "Discord Azure-Functions-Host/4.1037.0.0", "X-Test-Host": "app.example", "X-Test-Length": "13",
	}
	for name, v := range want {
		if got := c.Header.Get(name); got != v {
			t.Errorf("%s: got %q, want %q", name, got, v)
		}
	}
	if ids := c.Header.Values("X-Azure-Functions-InvocationId"); len(ids) != 2 || ids[0] != "caller" {
		t.Errorf("got the invocation ids %q, want the host's behind the caller's", ids)
	}
	if want := []simhost.Phase{"received", "invoked", "answered", "bound", "replied"}; !slices.Equal(r.phases(), want) {
		t.Errorf("got %v", r.phases())
	}
}

// A body that comes in chunks does not arrive, forwarded or not.
func TestChunkedCaller(t *testing.T) {
	for _, forward := range []bool{false, true} {
		r := plain(t, say(okReply))
		if forward {
			forwarding(r)
		}
		r.start()
		req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/api/plain", strings.NewReader("lost"))
		req.ContentLength = -1
		r.host.ServeHTTP(httptest.NewRecorder(), req)
		r.mu.Lock()
		c := r.calls[0]
		r.mu.Unlock()
		if strings.Contains(string(c.body), "lost") || strings.Contains(string(c.body), `"Body"`) {
			t.Errorf("forward %v: got %s", forward, c.body)
		}
	}
}

// A function with one more output gets the envelope, whatever the flag says.
func TestForwardingIsForSimpleFunctions(t *testing.T) {
	r := forwarding(newRig(t, map[string]string{"front/function.json": frontFile}, say(okReply))).queued().start()
	if got := r.do(http.MethodPost, "/api/front", "x"); got.status != 200 {
		t.Errorf("got %+v", got)
	}
	if len(r.called("/front")) != 1 {
		t.Error("it was not called with the envelope")
	}
}

func TestRoutes(t *testing.T) {
	function := func(route, methods string) string {
		return `{"bindings":[{"type":"httpTrigger","direction":"in","name":"req","authLevel":"anonymous","route":"` + route + `"` + methods + `},{"type":"http","direction":"out","name":"res"}]}`
	}
	r := newRig(t, map[string]string{
		"a/function.json": function("worlds", `,"methods":["get"]`),
		"b/function.json": function("worlds/{id}", ""),
		"c/function.json": function("worlds/new", ""),
		"d/function.json": function("files/{*path}", ""),
		"e/function.json": function("worlds", `,"methods":["POST"]`),
	}, func(w http.ResponseWriter, c call) {
		say(`{"Outputs":{"res":{"body":"`+c.URL.Path+`"}}}`)(w, c)
	}).start()
	for _, tt := range []struct {
		method, path string
		status       int
		body         string
	}{
		{"GET", "/api/worlds", 200, "/a"},
		{"GET", "/API/Worlds/", 200, "/a"},
		{"POST", "/api/worlds", 200, "/e"},
		{"DELETE", "/api/worlds", 404, ""},
		{"GET", "/api/worlds/midgard", 200, "/b"},
		{"GET", "/api/worlds/new", 200, "/c"},
		{"GET", "/api/files/x/y", 200, "/d"},
		{"GET", "/api/files", 200, "/d"},
		{"GET", "/worlds", 404, ""},
		{"GET", "/api/worlds/midgard/x", 404, ""},
		{"GET", "/api", 404, ""},
		{"GET", "/", 404, ""},
		{"POST", "/admin/functions/a", 404, ""},
	} {
		if got := r.do(tt.method, tt.path, ""); got.status != tt.status || got.body != tt.body {
			t.Errorf("%s %s: got %d %q, want %d %q", tt.method, tt.path, got.status, got.body, tt.status, tt.body)
		}
	}
}

// More than 200 calls at once are turned away; 100 run at a time.
func TestThrottle(t *testing.T) {
	release := make(chan struct{})
	r := plain(t, func(w http.ResponseWriter, c call) {
		<-release
		say(okReply)(w, c)
	}).start()
	const n = 220
	codes := make(chan int, n)
	for range n {
		go func() { codes <- r.do(http.MethodPost, "/api/plain", "").status }()
	}
	count := map[int]int{}
	for range n - 200 {
		count[<-codes]++
	}
	r.eventually("a hundred calls run", func() bool { return len(r.called("/plain")) >= 100 })
	if got := len(r.called("/plain")); count[429] != n-200 || got != 100 {
		t.Errorf("got %v at once and %d running, want 20 turned away and 100", count, got)
	}
	close(release)
	for range 200 {
		count[<-codes]++
	}
	if count[200] != 200 {
		t.Errorf("got %v", count)
	}
}

// The five variables, the app settings and the app's folder; of this process's
// environment nothing that was not asked for.
func TestEnvironment(t *testing.T) {
	t.Setenv("TEST_NOT_INHERITED", "secret")
	r := plain(t, say(okReply)).start()
	r.do(http.MethodPost, "/api/plain", "")
	h := r.called("/plain")[0].Header
	get := func(name string) string { return h.Get("X-Env-" + name) }
	if get("FUNCTIONS_CUSTOMHANDLER_PORT") == "" || get("FUNCTIONS_CUSTOMHANDLER_PORT") != get("FUNCTIONS_HTTPWORKER_PORT") {
		t.Error("the ports differ")
	}
	if id := get("FUNCTIONS_CUSTOMHANDLER_WORKER_ID"); len(id) != 36 || id != get("FUNCTIONS_HTTPWORKER_ID") {
		t.Errorf("got the id %q", id)
	}
	root, err := os.Readlink("/proc/self/cwd")
	if err == nil && root == r.root {
		t.Error("this test runs in the app's folder")
	}
	if get("FUNCTIONS_APP_ROOT_PATH") != r.root || h.Get("X-Test-Dir") != r.root {
		t.Errorf("got root %q and folder %q, want %q", get("FUNCTIONS_APP_ROOT_PATH"), h.Get("X-Test-Dir"), r.root)
	}
	if get("TEST_SETTING") != "set" || get("TEST_NOT_INHERITED") != "" {
		t.Errorf("got the setting %q, and %q of this process", get("TEST_SETTING"), get("TEST_NOT_INHERITED"))
	}
	if !strings.HasPrefix(h.Get("User-Agent"), "Azure-Functions-Host/") || h.Get("X-Azure-Functions-InvocationId") == "" {
		t.Errorf("got the headers %v", h)
	}
}
