package functions

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strconv"
	"time"
)

// MaxEnvelopeBytes bounds an invocation's envelope. A message of 48 KiB has at
// most some 700 KiB in one: as a string within a string each of its bytes may
// take seven, and Metadata may repeat them. An HTTP body of 64 KiB takes six
// each, and is repeated, too.
const MaxEnvelopeBytes = 1 << 20

// Options are what an App needs.
type Options struct {
	Log *slog.Logger
	// Within bounds each invocation: less than functionTimeout in host.json,
	// after which the host kills the whole process with all that it has in
	// hand. 0: no bound.
	Within time.Duration
}

// App answers invocations of the functions that are registered with it. They
// are registered before it serves; then it is safe for concurrent use.
type App struct {
	log       *slog.Logger
	within    time.Duration
	functions map[string]invoke
}

var _ http.Handler = (*App)(nil)

// invoke handles one invocation and returns its outputs by their bindings.
type invoke func(context.Context, envelope) (outputs map[string]any, err error)

// New returns an App without functions.
func New(o Options) *App {
	return &App{log: o.Log, within: o.Within, functions: map[string]invoke{}}
}

// register panics if the name is taken: that is the programmer's error.
func (a *App) register(name string, f invoke) {
	if _, taken := a.functions[name]; taken {
		panic("functions: function " + name + " is registered twice")
	}
	a.functions[name] = f
}

// failure is an error of the protocol, with the status that it is answered
// with. Its words may be shown: they quote no payload.
type failure struct {
	status int
	err    error
}

func (f *failure) Error() string { return f.err.Error() }
func (f *failure) Unwrap() error { return f.err }

func failed(status int, format string, args ...any) error {
	return &failure{status, fmt.Errorf(format, args...)}
}

// ServeHTTP answers the host.
func (a *App) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	// Asked every 25 ms until it answers, and from time to time after that.
	if r.URL.Path == "/" && (r.Method == http.MethodGet || r.Method == http.MethodHead) {
		write(w, http.StatusOK, []byte("{}"))
		return
	}
	name := r.URL.Path[min(1, len(r.URL.Path)):]
	log := a.log.With("function", name, "invocation_id", r.Header.Get("X-Azure-Functions-InvocationId"))
	body, err := a.answer(w, r, name, log)
	if err == nil {
		write(w, http.StatusOK, body)
		return
	}
	status, says := http.StatusInternalServerError, "the function failed: its log says why"
	if f, ok := errors.AsType[*failure](err); ok {
		status, says = f.status, f.Error()
		log.Error("invocation not understood", "status", status, "error", err)
	} else {
		log.Warn("invocation failed", "error", err)
	}
	text, err := json.Marshal(map[string]string{"error": says})
	if err != nil { // a string always has a JSON form
		text = []byte(`{}`)
	}
	write(w, status, text)
}

// answer handles an invocation and returns what the host is told.
func (a *App) answer(w http.ResponseWriter, r *http.Request, name string, log *slog.Logger) (body []byte, err error) {
	f, ok := a.functions[name]
	switch {
	case !ok:
		return nil, failed(http.StatusNotFound, "there is no function %q here: is the package whole, and of one version?", name)
	case r.Method != http.MethodPost:
		return nil, failed(http.StatusMethodNotAllowed, "an invocation of %s is a POST, not a %s", name, r.Method)
	}
	e, err := readEnvelope(w, r)
	if err != nil {
		return nil, err
	}
	ctx := r.Context()
	if a.within > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, a.within)
		defer cancel()
	}
	defer func() {
		if p := recover(); p != nil {
			log.Error("function panicked", "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			body, err = nil, errors.New("panic")
		}
	}()
	outputs, err := f(ctx, e)
	if err != nil {
		return nil, err
	}
	if outputs == nil {
		outputs = map[string]any{}
	}
	return json.Marshal(struct{ Outputs map[string]any }{outputs})
}

// readEnvelope reads a request's body, of unknown length, up to the bound.
func readEnvelope(w http.ResponseWriter, r *http.Request) (envelope, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxEnvelopeBytes))
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return nil, failed(http.StatusRequestEntityTooLarge, "the invocation has more than %d bytes", MaxEnvelopeBytes)
	}
	if err != nil {
		return nil, failed(http.StatusBadRequest, "the invocation did not arrive: %w", err)
	}
	return body, nil
}

func write(w http.ResponseWriter, status int, body []byte) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body) //nolint:gosec // JSON, and called that; a host that is gone invokes again
}
