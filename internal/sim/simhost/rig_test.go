package simhost_test

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/storage/azqueue/v2"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azqueue/v2/queueerror"

	"hearth/internal/clock"
	"hearth/internal/sim/azurite/azuritetest"
	"hearth/internal/sim/simhost"
)

// patience is how long a test waits for what happens in other processes.
const patience = 30 * time.Second

// shared is the one Azurite of this package's tests.
var shared azuritetest.Shared

func storage(t *testing.T) string {
	t.Helper()
	return shared.Server(t).ConnectionString()
}

const hostFile = `{"version":"2.0","functionTimeout":"00:05:00",
 "extensions":{"queues":{"maxPollingInterval":"00:00:01","visibilityTimeout":"00:00:00","batchSize":4,"newBatchThreshold":2,"maxDequeueCount":3}},
 "customHandler":{"description":{"defaultExecutablePath":"handler"},"enableForwardingHttpRequest":false,"initializationTimeout":"00:10:00"}}`

const (
	frontFile = `{"bindings":[
 {"type":"httpTrigger","direction":"in","name":"req","authLevel":"anonymous","methods":["post","get"],"route":"front/{name?}"},
 {"type":"http","direction":"out","name":"res"},
 {"type":"queue","direction":"out","name":"out","queueName":"%JOBS%","connection":"AzureWebJobsStorage"}]}`
	workFile = `{"bindings":[{"type":"queueTrigger","direction":"in","name":"job","queueName":"%JOBS%"}]}`
	tickFile = `{"bindings":[{"type":"timerTrigger","direction":"in","name":"tick","schedule":"0 0 0 1 1 *","useMonitor":false}]}`
	okReply  = `{"Outputs":{"res":{"statusCode":200,"body":"ok"}}}`
)

// rig is a host with a handler whose answers the test makes.
type rig struct {
	t    *testing.T
	root string
	jobs string // the queue
	opts simhost.Options
	host *simhost.Host
	log  *logs

	mu      sync.Mutex // guards what follows
	calls   []call
	moments []simhost.Moment
}

// call is a request that the handler got.
type call struct {
	*http.Request
	body []byte
	n    int // from 1, of its path
}

type answer func(w http.ResponseWriter, c call)

// say answers JSON.
func say(text string) answer {
	return func(w http.ResponseWriter, _ call) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, text)
	}
}

// newRig lays an app of the functions out; start starts it.
func newRig(t *testing.T, files map[string]string, brain answer) *rig {
	t.Helper()
	r := &rig{t: t, root: t.TempDir(), log: &logs{}}
	r.jobs = "q" + strings.ToLower(strings.NewReplacer("/", "-", "_", "-").Replace(t.Name()))
	r.jobs = strings.Trim(r.jobs[:min(len(r.jobs), 40)], "-") + "-" + strings.ToLower(rand.Text()[:6])
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, err := io.ReadAll(req.Body)
		if err != nil {
			return
		}
		r.mu.Lock()
		c := call{Request: req, body: body, n: 1}
		for _, before := range r.calls {
			if before.URL.Path == req.URL.Path {
				c.n++
			}
		}
		r.calls = append(r.calls, c)
		r.mu.Unlock()
		w.Header()["Content-Type"] = nil // the brain's to set
		brain(w, c)
	}))
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(self, filepath.Join(r.root, "handler")); err != nil {
		t.Fatal(err)
	}
	all := map[string]string{"host.json": hostFile}
	maps.Copy(all, files)
	for name, text := range all {
		r.write(name, text)
	}
	r.opts = simhost.Options{
		Root: r.root, Clock: clock.System{}, Log: slog.New(r.log),
		Settings: map[string]string{"TEST_BRAIN": server.URL, "TEST_SETTING": "set", "JOBS": r.jobs},
		Observe: func(m simhost.Moment) {
			r.mu.Lock()
			r.moments = append(r.moments, m)
			r.mu.Unlock()
		},
	}
	return r
}

func (r *rig) write(name, text string) {
	r.t.Helper()
	name = filepath.Join(r.root, name)
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		r.t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		r.t.Fatal(err)
	}
}

// queued gives the rig the storage that its queues are in.
func (r *rig) queued() *rig {
	r.t.Helper()
	r.opts.Settings["AzureWebJobsStorage"] = storage(r.t)
	return r
}

func (r *rig) start() *rig {
	r.t.Helper()
	h, err := simhost.Start(r.t.Context(), r.opts)
	if err != nil {
		r.t.Fatal(err)
	}
	r.host = h
	r.t.Cleanup(func() {
		if err := h.Close(context.Background()); err != nil {
			r.t.Error(err)
		}
	})
	return r
}

func (r *rig) queue(name string) *azqueue.QueueClient {
	r.t.Helper()
	q, err := azqueue.NewQueueClientFromConnectionString(storage(r.t), name, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	return q
}

// send enqueues a message as somebody else would, over the storage's own API.
func (r *rig) send(text string) {
	r.t.Helper()
	r.sendStored(base64.StdEncoding.EncodeToString([]byte(text)))
}

func (r *rig) sendStored(text string) {
	r.t.Helper()
	q := r.queue(r.jobs)
	if _, err := q.Create(r.t.Context(), nil); err != nil && !queueerror.HasCode(err, queueerror.QueueAlreadyExists) {
		r.t.Fatal(err)
	}
	if _, err := q.EnqueueMessage(r.t.Context(), text, nil); err != nil {
		r.t.Fatal(err)
	}
}

// peek returns the visible messages of a queue, as they are stored.
func (r *rig) peek(name string) []string {
	r.t.Helper()
	n := int32(32)
	p, err := r.queue(name).PeekMessages(r.t.Context(), &azqueue.PeekMessagesOptions{NumberOfMessages: &n})
	if queueerror.HasCode(err, queueerror.QueueNotFound) {
		return nil
	}
	if err != nil {
		r.t.Fatal(err)
	}
	var out []string
	for _, m := range p.Messages {
		out = append(out, *m.MessageText)
	}
	return out
}

// reply is what a caller got; status 0: his connection was closed.
type reply struct {
	status int
	header http.Header
	body   string
}

// do makes a request of the app's public face.
func (r *rig) do(method, path, body string, header ...string) reply {
	r.t.Helper()
	req := httptest.NewRequestWithContext(r.t.Context(), method, "http://app.example"+path, strings.NewReader(body))
	for n := 0; n < len(header); n += 2 {
		req.Header.Set(header[n], header[n+1])
	}
	w := httptest.NewRecorder()
	func() {
		defer func() {
			if v := recover(); v == http.ErrAbortHandler { //nolint:errorlint // a panic's value
				w.Code = 0
			} else if v != nil {
				panic(v)
			}
		}()
		r.host.ServeHTTP(w, req)
	}()
	return reply{w.Code, w.Result().Header, w.Body.String()}
}

// eventually waits until what is true.
func (r *rig) eventually(what string, is func() bool) {
	r.t.Helper()
	for end := time.Now().Add(patience); !is(); {
		if time.Now().After(end) {
			r.t.Fatalf("not within %v: %s\nmoments: %v\nlog:\n%s", patience, what, r.phases(), r.log)
		}
		<-time.After(5 * time.Millisecond)
	}
}

// idle waits until a listener has begun to wait for three seconds or so.
func (r *rig) idle() {
	r.t.Helper()
	r.eventually("the listener is idle", func() bool {
		return strings.Contains(r.log.String(), "next_look_in=3.") || strings.Contains(r.log.String(), "next_look_in=2.")
	})
}

// phases are the moments so far.
func (r *rig) phases() []simhost.Phase {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []simhost.Phase
	for _, m := range r.moments {
		out = append(out, m.Phase)
	}
	return out
}

func (r *rig) count(p simhost.Phase) int {
	n := 0
	for _, q := range r.phases() {
		if p == q {
			n++
		}
	}
	return n
}

// called are the calls of a path so far.
func (r *rig) called(path string) []call {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(r.calls), func(c call) bool { return c.URL.Path != path })
}

// envelope is what the handler got.
type envelope struct {
	Data, Metadata map[string]json.RawMessage
}

func (c call) envelope(t *testing.T) envelope {
	t.Helper()
	var e envelope
	if err := json.Unmarshal(c.body, &e); err != nil {
		t.Fatalf("%v: %s", err, c.body)
	}
	return e
}

// logs keeps what was logged, a line each.
type logs struct {
	mu    sync.Mutex // guards lines
	lines []string
}

func (*logs) Enabled(context.Context, slog.Level) bool { return true }
func (l *logs) Handle(_ context.Context, rec slog.Record) error {
	line := rec.Level.String() + " " + rec.Message
	rec.Attrs(func(a slog.Attr) bool {
		line += fmt.Sprintf(" %s=%v", a.Key, a.Value)
		return true
	})
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, line)
	return nil
}
func (l *logs) WithAttrs([]slog.Attr) slog.Handler { return l }
func (l *logs) WithGroup(string) slog.Handler      { return l }
func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.lines, "\n")
}
