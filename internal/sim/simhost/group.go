package simhost

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/google/uuid"

	"hearth/internal/sim/simhost/app"
	"hearth/internal/sim/simhost/envelope"
	"hearth/internal/sim/simhost/queues"
	"hearth/internal/sim/simhost/worker"
)

// group is the functions that share a handler.
type group struct {
	name      string
	functions []app.Function
	worker    *worker.Worker
	port      int
	client    atomic.Pointer[http.Client]      // of the present process
	listeners []*queues.Listener               // of its queue triggers
	byQueue   map[queueName][]*queues.Listener // the same
}

// queueName names a queue in an account.
type queueName struct{ connection, queue string }

// inherited are the variables that a handler has from this process, besides the
// app settings.
func inherited() []string {
	return []string{"PATH", "HOME", "TMPDIR", "TEMP", "TMP", "SystemRoot", "USERPROFILE", "LOCALAPPDATA"}
}

// build makes the groups and all that hangs on them.
func (h *Host) build() error {
	byName := map[string]*group{}
	name := func(f app.Function) string {
		switch {
		case !h.o.Flex:
			return "app"
		case f.Trigger.Type == app.HTTPTrigger:
			return "http"
		}
		return "function:" + f.Name
	}
	for _, f := range h.app.Functions {
		g := byName[name(f)]
		if g == nil {
			g = &group{name: name(f), byQueue: map[queueName][]*queues.Listener{}}
			byName[g.name] = g
			if g.name == "http" { // first: Pid tells of it
				h.groups = append([]*group{g}, h.groups...)
			} else {
				h.groups = append(h.groups, g)
			}
		}
		g.functions = append(g.functions, f)
	}
	for _, g := range h.groups {
		if err := h.prepare(g); err != nil {
			return err
		}
	}
	return nil
}

// prepare gives a group its port, its worker and its triggers.
func (h *Host) prepare(g *group) error {
	var err error
	if g.port, err = freePort(h.life); err != nil {
		return err
	}
	log := h.o.Log.With("group", g.name)
	g.worker = worker.New(worker.Options{
		Spawn: func() (worker.Process, error) { return h.spawn(g) }, Ping: g.ping,
		InitializationTimeout: h.app.Handler.InitializationTimeout, Clock: h.o.Clock, Log: log,
	})
	for _, f := range g.functions {
		for _, out := range f.Outputs {
			if out.Type == app.Queue {
				if _, err := h.account(out.Connection); err != nil {
					return fmt.Errorf("%s/function.json: %q: %w", f.Name, out.Name, err)
				}
			}
		}
		switch f.Trigger.Type {
		case app.QueueTrigger:
			if err := h.listen(g, f); err != nil {
				return fmt.Errorf("%s/function.json: %q: %w", f.Name, f.Trigger.Name, err)
			}
		case app.TimerTrigger:
			t := &timer{h: h, g: g, f: f, log: h.o.Log.With("function", f.Name)}
			if f.Trigger.Monitor {
				if t.statuses, err = openStatuses(f.Trigger.Connection, h.o.Settings); err != nil {
					return fmt.Errorf("%s/function.json: %q: %w", f.Name, f.Trigger.Name, err)
				}
			}
			h.timers[f.Name] = t
		}
	}
	return nil
}

// listen makes the listener of a queue function.
func (h *Host) listen(g *group, f app.Function) error {
	account, err := h.account(f.Trigger.Connection)
	if err != nil {
		return err
	}
	const poison = "-poison"
	at := queueName{f.Trigger.Connection, f.Trigger.Queue}
	decode := envelope.FromBase64
	if !h.app.Queues.Base64 {
		decode = func(text string) ([]byte, bool) { return []byte(text), true }
	}
	q := h.app.Queues
	l := queues.NewListener(queues.Options{
		Queue: account.Queue(at.queue), Poison: account.Queue(at.queue + poison), Decode: decode,
		BatchSize: q.BatchSize, NewBatchThreshold: q.NewBatchThreshold, MaxDequeueCount: q.MaxDequeueCount,
		VisibilityTimeout: q.VisibilityTimeout, MaxPollingInterval: q.MaxPollingInterval,
		Clock: h.o.Clock, Log: h.o.Log.With("function", f.Name, "queue", at.queue),
		Invoke: func(ctx context.Context, d queues.Delivery) error { return h.deliver(ctx, g, f, d) },
		Observe: func(s queues.Step, d queues.Delivery) {
			h.observe(Moment{
				Function: f.Name, Invocation: d.Invocation, MessageID: d.ID, DequeueCount: d.DequeueCount, Body: string(d.Body), Phase: Phase(s),
			})
		},
		Poisoned: func() { g.wake(queueName{at.connection, at.queue + poison}) },
		Fail:     func(err error) { h.fail(fmt.Errorf("function %s: %w", f.Name, err)) },
	})
	g.listeners = append(g.listeners, l)
	g.byQueue[at] = append(g.byQueue[at], l)
	return nil
}

// wake ends the waiting of the listeners to a queue, in this group only: other
// groups are other instances.
func (g *group) wake(q queueName) {
	for _, l := range g.byQueue[q] {
		l.Wake()
	}
}

// freePort finds a port as the host does: it binds one, and lets go of it
// (WorkerUtilities.cs).
func freePort(ctx context.Context) (int, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp4", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("find a port for the handler: %w", err)
	}
	_, text, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		return 0, errors.Join(fmt.Errorf("find a port for the handler: %w", err), l.Close())
	}
	if err := l.Close(); err != nil {
		return 0, fmt.Errorf("find a port for the handler: %w", err)
	}
	return strconv.Atoi(text)
}

// spawn starts a handler.
func (h *Host) spawn(g *group) (worker.Process, error) {
	id := uuid.NewString()
	port := strconv.Itoa(g.port)
	var env []string
	for _, name := range inherited() {
		if _, set := h.o.Settings[name]; set {
			continue
		}
		if v, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+v)
		}
	}
	for name, v := range h.o.Settings {
		env = append(env, name+"="+v)
	}
	// HttpWorkerProcess.cs
	env = append(env, "FUNCTIONS_CUSTOMHANDLER_PORT="+port, "FUNCTIONS_HTTPWORKER_PORT="+port,
		"FUNCTIONS_CUSTOMHANDLER_WORKER_ID="+id, "FUNCTIONS_HTTPWORKER_ID="+id, "FUNCTIONS_APP_ROOT_PATH="+h.app.Root)
	client := newClient()
	p, err := worker.Start(worker.Command{
		Path: h.app.Handler.Path, Args: h.app.Handler.Args, Env: env, Dir: h.app.Handler.Dir,
		Line: func(stderr bool, text string) { h.console(g, stderr, text) },
	})
	if err != nil {
		return nil, err
	}
	if old := g.client.Swap(client); old != nil {
		old.CloseIdleConnections()
	}
	return p, nil
}

// newClient has no proxy, no cookies and no limit of its own: the function's
// timeout is the limit. .NET's client follows redirects, and so does this one.
func newClient() *http.Client {
	return &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 100, DisableCompression: true}}
}

// console relabels a line that the handler wrote (WorkerProcess.cs).
func (h *Host) console(g *group, stderr bool, text string) {
	const system = "LanguageWorkerConsoleLog"
	log := h.o.Log.With("category", "Host.Function.Console", "group", g.name)
	switch {
	case strings.HasPrefix(text, system):
		log.Debug("handler said to the host", "line", strings.TrimPrefix(text, system))
	case !stderr:
		log.Info("handler said", "line", text)
	case strings.Contains(strings.ToLower(text), "warn"):
		log.Warn("handler said", "line", text)
	default:
		log.Error("handler said", "line", text)
	}
}

func (g *group) url(path string) string {
	return "http://" + net.JoinHostPort("127.0.0.1", strconv.Itoa(g.port)) + path
}

// ping asks whether the handler listens: any response says yes.
func (g *group) ping(ctx context.Context) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, g.url("/"), http.NoBody)
	if err != nil {
		return err
	}
	resp, err := g.client.Load().Do(req)
	if op := new(net.OpError); errors.As(err, &op) {
		return fmt.Errorf("%w: %w", worker.ErrNotListening, err)
	}
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, resp.Body)
	return errors.Join(err, resp.Body.Close())
}
