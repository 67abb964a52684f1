package functions_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"hearth/internal/functions"
)

// rig is an App with a function of each kind, which note what they were given.
type rig struct {
	app      *functions.App
	log      bytes.Buffer
	requests []functions.Request
	messages []functions.Message
	ticks    []functions.Tick

	response functions.Response
	handle   func(context.Context) error // of all functions; nil: success
}

func newRig() *rig {
	r := &rig{response: functions.Response{Status: http.StatusOK}}
	r.app = functions.New(functions.Options{Log: slog.New(slog.NewTextHandler(&r.log, nil)), Within: time.Minute})
	fate := func(ctx context.Context) error {
		if r.handle == nil {
			return nil
		}
		return r.handle(ctx)
	}
	r.app.HTTP("ask", functions.HTTPBindings{Trigger: "req", Response: "res", Queues: []string{"events"}},
		func(ctx context.Context, req functions.Request) (functions.Response, error) {
			r.requests = append(r.requests, req)
			return r.response, fate(ctx)
		})
	r.app.Queue("take", "event", func(ctx context.Context, m functions.Message) error {
		r.messages = append(r.messages, m)
		return fate(ctx)
	})
	r.app.Timer("tick", "timer", func(ctx context.Context, t functions.Tick) error {
		r.ticks = append(r.ticks, t)
		return fate(ctx)
	})
	return r
}

// invoke sends an envelope as the host does: in chunks, without a length.
func (r *rig) invoke(t testing.TB, function string, body []byte) *httptest.ResponseRecorder {
	t.Helper()
	return r.send(t, http.MethodPost, "/"+function, struct{ io.Reader }{bytes.NewReader(body)})
}

// send makes a request and checks what is true of every answer.
func (r *rig) send(t testing.TB, method, path string, body io.Reader) *httptest.ResponseRecorder {
	t.Helper()
	req := httptest.NewRequestWithContext(t.Context(), method, path, body)
	req.Header.Set("Content-Type", "application/json; charset=utf-8")
	req.Header.Set("X-Azure-Functions-InvocationId", "invocation-7")
	w := httptest.NewRecorder()
	r.app.ServeHTTP(w, req)
	if got := w.Header().Get("Content-Type"); got != "application/json" {
		t.Errorf("%s %s: content type %q, want application/json", method, path, got)
	}
	var object map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &object); err != nil || object == nil {
		t.Errorf("%s %s: body %q is no JSON object: the host would wait for ever", method, path, w.Body)
	}
	return w
}

func golden(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestRequest(t *testing.T) {
	for _, c := range []struct {
		file string
		want functions.Request
	}{
		{"http.json", functions.Request{
			Method: "POST", URL: "https://hearth.azurewebsites.net/api/interactions",
			Header: http.Header{
				"Accept": {"*/*"}, "Content-Length": {"86"}, "Content-Type": {"application/json"}, "Host": {"hearth.azurewebsites.net"},
				"User-Agent":          {"Discord-Interactions/1.0 (+https://discord.com)"},
				"X-Signature-Ed25519": {"ab12", "cd34"}, "X-Signature-Timestamp": {"1767323045"}, "X-Forwarded-For": {"35.196.132.85:52964"},
			},
			Body: []byte(`{"id":"1105","application_id":"2204","type":1,"token":"aW50ZXJhY3Rpb24","version":1}`),
		}},
		{"http_without_body.json", functions.Request{
			Method: "GET", URL: "https://hearth.azurewebsites.net/api/health?full=1", Header: http.Header{"Host": {"hearth.azurewebsites.net"}},
		}},
		{"http_bytes.json", functions.Request{
			Method: "POST", URL: "https://hearth.azurewebsites.net/api/interactions", Header: http.Header{"Content-Type": {"application/octet-stream"}},
			Body: []byte{0, 255, 128},
		}},
	} {
		t.Run(c.file, func(t *testing.T) {
			r := newRig()
			if w := r.invoke(t, "ask", golden(t, "envelope/"+c.file)); w.Code != http.StatusOK {
				t.Fatalf("= %d %s", w.Code, w.Body)
			}
			if diff := cmp.Diff(r.requests, []functions.Request{c.want}); diff != "" {
				t.Errorf("request (-got +want):\n%s", diff)
			}
		})
	}
}

// A body that the host did not write as it should is none, or what it is: a check
// of its signature refuses it.
func TestAlteredBody(t *testing.T) {
	for _, c := range []struct{ body, header, want string }{
		{`{"type":1}`, `["application/json"]`, ""},
		{`"not base64"`, `["application/octet-stream"]`, "not base64"},
		{`"AP+A"`, `["multipart/form-data; boundary=x"]`, "\x00\xff\x80"},
		{`null`, `["application/json"]`, ""},
	} {
		r := newRig()
		w := r.invoke(t, "ask", []byte(`{"Data":{"req":{"Method":"POST","Headers":{"content-type":`+c.header+`},"Body":`+c.body+`}}}`))
		if w.Code != http.StatusOK || len(r.requests) != 1 || string(r.requests[0].Body) != c.want {
			t.Errorf("body %s of %s = %d, %q; want %q", c.body, c.header, w.Code, r.requests, c.want)
		}
	}
}

func TestMessage(t *testing.T) {
	const text = `{"op":"start","id":"x","text":"Björn <b> \" ☃"}`
	const id = "5f1c4f1e-0c55-4e6c-9a51-9f1c8c7f4a11"
	for _, c := range []struct {
		file string
		want functions.Message
	}{
		{"queue_binary.json", functions.Message{ID: id, Body: []byte(text), DequeueCount: 3}},
		{"queue_text.json", functions.Message{ID: "x", Body: []byte(text), DequeueCount: 1}}, // its own id lies over the queue's
		{"queue_plain_text.json", functions.Message{ID: id, Body: []byte("save"), DequeueCount: 1}},
	} {
		t.Run(c.file, func(t *testing.T) {
			r := newRig()
			w := r.invoke(t, "take", golden(t, "envelope/"+c.file))
			if diff := cmp.Diff(w.Body.String(), strings.TrimSpace(string(golden(t, "answer/nothing.json")))); w.Code != http.StatusOK || diff != "" {
				t.Fatalf("= %d (-got +want):\n%s", w.Code, diff)
			}
			if diff := cmp.Diff(r.messages, []functions.Message{c.want}); diff != "" {
				t.Errorf("message (-got +want):\n%s", diff)
			}
		})
	}
}

func TestDequeueCount(t *testing.T) {
	for _, c := range []struct {
		metadata string
		want     int // 0: refused
	}{
		{`{"DequeueCount":"2"}`, 2},
		{`{"DequeueCount":2}`, 2},
		{`{"dequeuecount":"\"2\""}`, 2},
		{`{"DequeueCount":"0"}`, 0},
		{`{"DequeueCount":"-1"}`, 0},
		{`{"DequeueCount":"many"}`, 0},
		{`{"DequeueCount":null}`, 0},
		{`{"DequeueCount":[2]}`, 0},
		{`{}`, 0},
		{`null`, 0},
		{`[]`, 0},
	} {
		r := newRig()
		w := r.invoke(t, "take", []byte(`{"Data":{"event":"aGk="},"Metadata":`+c.metadata+`}`))
		got := 0
		if len(r.messages) == 1 {
			got = r.messages[0].DequeueCount
		}
		if got != c.want || (w.Code == http.StatusOK) != (c.want > 0) {
			t.Errorf("%s: delivery %d, status %d; want delivery %d", c.metadata, got, w.Code, c.want)
		}
	}
}

func TestTick(t *testing.T) {
	r := newRig()
	for _, file := range []string{"timer.json", "timer_first.json"} {
		if w := r.invoke(t, "tick", golden(t, "envelope/"+file)); w.Code != http.StatusOK {
			t.Errorf("%s = %d %s", file, w.Code, w.Body)
		}
	}
	if diff := cmp.Diff(r.ticks, []functions.Tick{{Late: true}, {}}); diff != "" {
		t.Errorf("ticks (-got +want):\n%s", diff)
	}
}

func TestAnswer(t *testing.T) {
	for _, c := range []struct {
		file     string
		response functions.Response
	}{
		{"http_and_queue.json", functions.Response{
			Status: http.StatusOK, Header: map[string]string{"Content-Type": "application/json"}, Body: []byte(`{"type":5}`),
			Enqueue: map[string][]byte{"events": []byte(`{"id":"a", "signed":"☃"}`)},
		}},
		{"http_refused.json", functions.Response{Status: http.StatusUnauthorized}},
	} {
		r := newRig()
		r.response = c.response
		w := r.invoke(t, "ask", golden(t, "envelope/http.json"))
		if diff := cmp.Diff(w.Body.String(), strings.TrimSpace(string(golden(t, "answer/"+c.file)))); w.Code != http.StatusOK || diff != "" {
			t.Errorf("%s: %d (-got +want):\n%s", c.file, w.Code, diff)
		}
	}
}

// TestFailures: what goes wrong is a status that the host takes for a failure,
// stands in the log, and reaches no handler that would act on it.
func TestFailures(t *testing.T) {
	message := string(golden(t, "envelope/queue_binary.json"))
	for _, c := range []struct {
		name, function, body string
		change               func(*rig)
		status               int
		says                 string // in the answer
		logs                 string
		handled              bool
	}{
		{name: "unknown trigger", function: "other", body: message, status: 404, says: "no function", logs: "function=other invocation_id=invocation-7"},
		{name: "other trigger's binding", function: "take", body: string(golden(t, "envelope/timer.json")), status: 400, says: `no data for the trigger \"event\"`, logs: "level=ERROR"},
		{name: "no body", function: "take", body: "", status: 400, says: "no body", logs: "level=ERROR"},
		{name: "truncated", function: "take", body: message[:len(message)/2], status: 400, says: "not the JSON", logs: "unexpected end"},
		{name: "goes on after its end", function: "take", body: message + "}", status: 400, says: "not the JSON", logs: "level=ERROR"},
		{name: "null", function: "take", body: "null", status: 400, says: "no Data", logs: "level=ERROR"},
		{name: "no Data", function: "take", body: `{"Metadata":{}}`, status: 400, says: "no Data", logs: "level=ERROR"},
		{name: "oversize", function: "take", body: `{"Data":{"event":"` + strings.Repeat("A", functions.MaxEnvelopeBytes) + `"}}`, status: 413, says: "more than 1048576 bytes", logs: "level=ERROR"},
		{name: "message is no string", function: "take", body: `{"Data":{"event":{}},"Metadata":{"DequeueCount":"1"}}`, status: 400, says: "not a message", logs: "level=ERROR"},
		{name: "message is null", function: "take", body: `{"Data":{"event":null},"Metadata":{"DequeueCount":"1"}}`, status: 400, says: "not a message", logs: "level=ERROR"},
		{name: "message is bare text", function: "take", body: `{"Data":{"event":"hello there"},"Metadata":{"DequeueCount":"1"}}`, status: 400, says: "neither base64", logs: "level=ERROR"},
		{name: "inner string is broken", function: "take", body: `{"Data":{"event":"\"a"},"Metadata":{"DequeueCount":"1"}}`, status: 400, says: "not the JSON of a string", logs: "level=ERROR"},
		{name: "request is no object", function: "ask", body: `{"Data":{"req":"x"}}`, status: 400, says: "not an HTTP request", logs: "level=ERROR"},
		{name: "request is null", function: "ask", body: `{"Data":{"req":null}}`, status: 400, says: "not an HTTP request", logs: "level=ERROR"},
		{name: "header without values", function: "ask", body: `{"Data":{"req":{"Headers":{"A":7}}}}`, status: 400, says: "not an HTTP request", logs: "level=ERROR"},
		{name: "timer is null", function: "tick", body: `{"Data":{"timer":null}}`, status: 400, says: "not a timer", logs: "level=ERROR"},
		{name: "handler fails", function: "take", body: message, change: func(r *rig) {
			r.handle = func(context.Context) error { return errors.New("secret of the store") }
		}, status: 500, says: "log says why", logs: "secret of the store", handled: true},
		{name: "handler panics", function: "take", body: message, change: func(r *rig) {
			r.handle = func(context.Context) error { panic("out of wood") }
		}, status: 500, says: "log says why", logs: "out of wood", handled: true},
		{name: "unknown output", function: "ask", body: string(golden(t, "envelope/http.json")), change: func(r *rig) {
			r.response.Enqueue = map[string][]byte{"other": nil}
		}, status: 500, says: "log says why", logs: "no queue output binding", handled: true},
		{name: "no status", function: "ask", body: string(golden(t, "envelope/http.json")), change: func(r *rig) { r.response.Status = 0 }, status: 500, says: "log says why", logs: "status 0", handled: true},
		{name: "body of bytes", function: "ask", body: string(golden(t, "envelope/http.json")), change: func(r *rig) { r.response.Body = []byte{255} }, status: 500, says: "log says why", logs: "not UTF-8", handled: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig()
			if c.change != nil {
				c.change(r)
			}
			w := r.invoke(t, c.function, []byte(c.body))
			if w.Code != c.status || !strings.Contains(w.Body.String(), c.says) || strings.Contains(w.Body.String(), "secret") {
				t.Errorf("= %d %s; want %d and %q", w.Code, w.Body, c.status, c.says)
			}
			if !strings.Contains(r.log.String(), c.logs) {
				t.Errorf("log has no %q:\n%s", c.logs, &r.log)
			}
			if got := len(r.requests)+len(r.messages)+len(r.ticks) > 0; got != c.handled {
				t.Errorf("handled: %v, want %v", got, c.handled)
			}
			// The process lives on.
			r.handle, r.response = nil, functions.Response{Status: http.StatusOK}
			if w := r.invoke(t, "take", []byte(message)); w.Code != http.StatusOK {
				t.Errorf("next invocation = %d %s", w.Code, w.Body)
			}
		})
	}
}

func TestReady(t *testing.T) {
	r := newRig()
	if w := r.send(t, http.MethodGet, "/", nil); w.Code != http.StatusOK {
		t.Errorf("GET / = %d", w.Code)
	}
	if w := r.send(t, http.MethodGet, "/take", nil); w.Code != http.StatusMethodNotAllowed || len(r.messages) > 0 {
		t.Errorf("GET of a function = %d, handled %d; want 405 and none", w.Code, len(r.messages))
	}
	if w := r.send(t, http.MethodPost, "/", strings.NewReader("{}")); w.Code != http.StatusNotFound {
		t.Errorf("POST / = %d, want 404", w.Code)
	}
}

// TestWithin: an invocation is cancelled before the host would kill the process.
func TestWithin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig()
		r.handle = func(ctx context.Context) error { <-ctx.Done(); return context.Cause(ctx) }
		start := time.Now()
		w := r.invoke(t, "tick", golden(t, "envelope/timer.json"))
		if took := time.Since(start); w.Code != http.StatusInternalServerError || took != time.Minute {
			t.Errorf("= %d after %s, want 500 after a minute", w.Code, took)
		}
	})
}

func TestRegisteredTwice(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("a second function of the same name was taken")
		}
	}()
	newRig().app.Timer("take", "timer", nil)
}
