package worker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"hearth/internal/world"
)

// The host's numbers.
const (
	pingEvery    = 25 * time.Millisecond
	maxErrors    = 3
	forgetErrors = 30 * time.Minute
	exitRestart  = 200 // the exit code that asks for a restart
	readyTimes   = 4   // an early call waits for so many times the initialization timeout
)

var (
	// ErrGaveUp says that the handler failed too often, and is not started again.
	ErrGaveUp = errors.New("the handler failed three times within 30 minutes: see its output")
	// ErrNotReady says that no handler became ready while a call waited.
	ErrNotReady = errors.New("the handler did not become ready")
	// ErrNotListening says that nothing listens on the handler's port (yet).
	ErrNotListening = errors.New("nothing listens")
)

// Process is a handler's process.
type Process interface {
	Pid() int
	// Kill ends it without a chance to do anything; again is no error. It
	// does not wait.
	Kill() error
	// Exited is closed when it has ended and all it wrote was read; ExitCode
	// is valid then, -1 for a killed one.
	Exited() <-chan struct{}
	ExitCode() int
}

// Options say how a handler is kept. All are needed.
type Options struct {
	Spawn func() (Process, error)
	// Ping asks GET / once. Any response is nil; ErrNotListening if there
	// was no connection.
	Ping                  func(ctx context.Context) error
	InitializationTimeout time.Duration
	Clock                 world.Clock
	Log                   *slog.Logger
}

// Worker keeps one handler. Its methods are safe for concurrent use.
type Worker struct {
	o    Options
	over chan struct{} // closed when Run has ended

	mu      sync.Mutex    // guards what follows
	process Process       // the present one, which may have ended; nil before the first
	ready   chan struct{} // closed when process is ready
	isReady bool
	again   chan struct{} // closed when process is to be restarted
	asked   bool          // again is closed
}

// New makes a Worker; Run starts it.
func New(o Options) *Worker {
	return &Worker{o: o, over: make(chan struct{}), ready: make(chan struct{})}
}

// Run keeps the handler until ctx is done, and kills it then: nil. ErrGaveUp
// says that it could not be kept.
func (w *Worker) Run(ctx context.Context) error {
	defer func() {
		w.mu.Lock()
		w.unready()
		w.mu.Unlock()
		close(w.over)
	}()
	var failures int
	var last time.Time
	for ctx.Err() == nil {
		err := w.live(ctx)
		if err == nil {
			continue
		}
		now := w.o.Clock.Now()
		if now.Sub(last) > forgetErrors {
			failures = 0
		}
		failures, last = failures+1, now
		w.o.Log.Error("handler failed", "error", err, "failures", failures)
		if failures >= maxErrors {
			return fmt.Errorf("%w; the last time: %w", ErrGaveUp, err)
		}
	}
	return nil
}

// live is one life of the handler. nil asks for another one, unless ctx is done;
// an error is counted.
func (w *Worker) live(ctx context.Context) error {
	p, err := w.o.Spawn()
	if err != nil {
		return fmt.Errorf("start handler: %w", err)
	}
	again := w.begin(p)
	defer w.endOf(p)
	w.o.Log.Info("handler started", "pid", p.Pid())
	if err := w.waitReady(ctx, p); err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		return nil
	case <-again:
		return nil
	case <-p.Exited():
		return w.left(ctx, p, again)
	}
}

// left handles the exit of a handler that was ready.
func (w *Worker) left(ctx context.Context, p Process, again <-chan struct{}) error {
	switch p.ExitCode() {
	case exitRestart:
		w.o.Log.Info("handler asked to be restarted", "pid", p.Pid())
		return nil
	case 0:
		w.o.Log.Warn("handler left with 0, and is not started again: leave with another code", "pid", p.Pid())
		select {
		case <-ctx.Done():
		case <-again:
		}
		return nil
	}
	return exited(p)
}

func exited(p Process) error { return fmt.Errorf("it left with code %d", p.ExitCode()) }

// waitReady pings until the handler answers. What is counted are the pauses
// between two pings, not the time.
func (w *Worker) waitReady(ctx context.Context, p Process) error {
	pinging, cancel := context.WithCancel(ctx)
	defer cancel()
	var watch sync.WaitGroup
	defer watch.Wait()
	defer cancel()
	watch.Go(func() {
		select {
		case <-p.Exited():
			cancel()
		case <-pinging.Done():
		}
	})
	for range max(1, w.o.InitializationTimeout/pingEvery) {
		err := w.o.Ping(pinging)
		if err == nil && pinging.Err() == nil {
			w.mu.Lock()
			w.isReady = true
			close(w.ready)
			w.mu.Unlock()
			w.o.Log.Info("handler ready", "pid", p.Pid())
			return nil
		}
		if err != nil && !errors.Is(err, ErrNotListening) && pinging.Err() == nil {
			return fmt.Errorf("ask whether it is ready: %w", err)
		}
		select {
		case <-w.o.Clock.After(pingEvery):
		case <-p.Exited():
			switch p.ExitCode() {
			case exitRestart:
				return nil
			case 0: // no error to the host, which goes on asking
				select {
				case <-w.o.Clock.After(pingEvery):
				case <-ctx.Done():
					return nil
				}
				continue
			}
			return exited(p)
		case <-ctx.Done():
			return nil
		}
	}
	return fmt.Errorf("it did not answer GET / within %v: listen on 127.0.0.1, on the port in FUNCTIONS_CUSTOMHANDLER_PORT", w.o.InitializationTimeout)
}

func (w *Worker) begin(p Process) (again <-chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.isReady {
		w.ready = make(chan struct{})
	}
	w.process, w.isReady, w.again, w.asked = p, false, make(chan struct{}), false
	return w.again
}

// endOf kills the process, if it has not ended, and waits.
func (w *Worker) endOf(p Process) {
	if err := p.Kill(); err != nil {
		w.o.Log.Error("handler not killed", "error", err)
	}
	<-p.Exited()
}

// Ready waits for a handler that is ready, or was and left with 0. ErrNotReady
// if there is none for four times the initialization timeout, ErrGaveUp if
// there won't be any more.
func (w *Worker) Ready(ctx context.Context) (Process, error) {
	var limit <-chan time.Time
	for {
		w.mu.Lock()
		p, ready, is := w.process, w.ready, w.isReady
		w.mu.Unlock()
		if is {
			return p, nil
		}
		if limit == nil {
			limit = w.o.Clock.After(readyTimes * w.o.InitializationTimeout)
		}
		select {
		case <-ready:
		case <-limit:
			return nil, ErrNotReady
		case <-w.over:
			return nil, ErrGaveUp
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// Restart kills p and starts the handler anew, uncounted, unless p is no longer
// the present one.
func (w *Worker) Restart(p Process) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.process == p && !w.asked {
		w.asked = true
		close(w.again)
		w.unready()
	}
}

// Kill kills the present process, which is an error to the host. False: there is
// none.
func (w *Worker) Kill() (bool, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.process == nil {
		return false, nil
	}
	select {
	case <-w.process.Exited():
		return false, nil
	default:
	}
	w.unready()
	return true, w.process.Kill()
}

// unready makes calls wait for the next process. w.mu is held.
func (w *Worker) unready() {
	if w.isReady {
		w.isReady, w.ready = false, make(chan struct{})
	}
}

// Pid is the present process's id; 0 if there is none.
func (w *Worker) Pid() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.process == nil {
		return 0
	}
	select {
	case <-w.process.Exited():
		return 0
	default:
		return w.process.Pid()
	}
}
