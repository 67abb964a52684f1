package simhost

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"sync"
	"time"

	"hearth/internal/sim/simhost/app"
	"hearth/internal/sim/simhost/queues"
	"hearth/internal/world"
)

var (
	// ErrCrashed is Err after Crash.
	ErrCrashed = errors.New("the host crashed")
	// ErrNoHandler says that there is no handler to kill at the moment.
	ErrNoHandler = errors.New("no handler is running")
)

// stopWithin is how long a stop waits for the functions that triggers other than
// HTTP have called (WebJobsScriptHostService.cs).
const stopWithin = 10 * time.Second

// Options say what a Host runs. Root, Clock and Log are needed.
type Options struct {
	// Root is the unpacked folder of the function app.
	Root string
	// Settings are the app settings. The handler's environment is these, the
	// host's own variables, and of this process' what finds programs and
	// folders (PATH, HOME and the like). AzureWebJobsStorage is the connection
	// string of queues that name no other.
	Settings map[string]string
	Clock    world.Clock
	// Speed divides the times that the storage is told to wait, whose clock
	// is its own; 0 is 1. What is left is rounded up to whole seconds. Clock
	// is to run as many times as fast, or leases lapse before they are
	// renewed.
	Speed float64
	Log   *slog.Logger
	// Flex runs a handler for all HTTP functions and one for each other
	// function, and none of them wakes another's listener.
	Flex bool
	// Observe, if set, is told of each step of an invocation, in the
	// goroutine that makes it: the step is over when it returns. It may be
	// called before Start has returned, and may call KillHandler and Crash.
	Observe func(Moment)
}

// Host is a running host. Its methods are safe for concurrent use.
type Host struct {
	o        Options
	app      app.App
	groups   []*group
	accounts map[string]*queues.Account // by connection string
	timers   map[string]*timer          // by function
	limit    *limiter

	life    context.Context // until all is abandoned
	abandon context.CancelFunc
	intake  context.Context // until nothing new is taken; ends with life
	close   context.CancelFunc

	workers  sync.WaitGroup // handlers
	triggers sync.WaitGroup // queue and timer functions
	stopping sync.Once
	done     chan struct{}

	mu  sync.Mutex // guards err
	err error
}

// Start reads the app and starts it. It does not wait for the handler: early
// requests do. ctx bounds the start only.
func Start(ctx context.Context, o Options) (*Host, error) {
	switch {
	case o.Clock == nil:
		return nil, errors.New("start function host: no clock")
	case o.Log == nil:
		return nil, errors.New("start function host: no logger")
	case o.Speed < 0:
		return nil, fmt.Errorf("start function host: speed is %v, and is to be above 0", o.Speed)
	case o.Speed == 0:
		o.Speed = 1
	}
	o.Settings = maps.Clone(o.Settings)
	a, err := app.Read(o.Root, o.Settings, o.Flex)
	if err != nil {
		return nil, fmt.Errorf("start function host: %w", err)
	}
	h := &Host{
		o: o, app: a, accounts: map[string]*queues.Account{}, timers: map[string]*timer{},
		limit: newLimiter(o.Flex), done: make(chan struct{}),
	}
	h.life, h.abandon = context.WithCancel(context.WithoutCancel(ctx))
	h.intake, h.close = context.WithCancel(h.life)
	if err := h.build(); err != nil {
		h.abandon()
		return nil, fmt.Errorf("start function host: %w", err)
	}
	for _, g := range h.groups {
		h.workers.Go(func() {
			if err := g.worker.Run(h.life); err != nil {
				h.fail(err)
			}
		})
		for _, l := range g.listeners {
			h.triggers.Go(func() { l.Run(h.life, h.intake) })
		}
	}
	for _, t := range h.timers {
		h.triggers.Go(func() { t.run() })
	}
	return h, nil
}

// account opens a storage account once.
func (h *Host) account(connection string) (*queues.Account, error) {
	if a := h.accounts[connection]; a != nil {
		return a, nil
	}
	a, err := queues.Open(connection, h.o.Speed)
	if err != nil {
		return nil, err
	}
	h.accounts[connection] = a
	return a, nil
}

// Close stops the host in order and waits; nil if it has stopped already. If ctx
// is done before, what is still under way is abandoned at once.
func (h *Host) Close(ctx context.Context) error {
	h.stop(nil, true)
	select {
	case <-h.done:
	case <-ctx.Done():
		h.abandon()
		<-h.done
	}
	return nil
}

// Crash is the end of the instance without any order: the handler is killed,
// nothing is released or answered any more. Done is closed soon after.
func (h *Host) Crash() {
	h.abandon()
	for _, g := range h.groups {
		if _, err := g.worker.Kill(); err != nil {
			h.o.Log.Error("handler not killed", "error", err)
		}
	}
	h.stop(ErrCrashed, false)
}

// fail stops the host for a reason of its own.
func (h *Host) fail(err error) {
	if h.life.Err() == nil {
		h.o.Log.Error("the function host stops", "error", err)
	}
	h.stop(err, true)
}

// stop begins to stop, once, and does not wait: Done tells.
func (h *Host) stop(reason error, orderly bool) {
	h.stopping.Do(func() {
		h.mu.Lock()
		h.err = reason
		h.mu.Unlock()
		h.close()
		go func() { // waited for by Done
			finished := make(chan struct{})
			go func() {
				h.triggers.Wait()
				close(finished)
			}()
			if orderly {
				select {
				case <-finished:
				case <-h.o.Clock.After(stopWithin):
					h.o.Log.Warn("functions are abandoned that did not end in time")
				case <-h.life.Done():
				}
			}
			h.abandon()
			h.workers.Wait()
			<-finished
			close(h.done)
		}()
	})
}

// Done is closed when the host has stopped, asked or not.
func (h *Host) Done() <-chan struct{} { return h.done }

// Err is why it stopped by itself; nil while it runs, and after Close.
func (h *Host) Err() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.err
}

// KillHandler kills the handler with SIGKILL; on Flex, all of them. ErrNoHandler
// if none is running.
func (h *Host) KillHandler() error {
	killed := false
	for _, g := range h.groups {
		ok, err := g.worker.Kill()
		if err != nil {
			return err
		}
		killed = killed || ok
	}
	if !killed {
		return ErrNoHandler
	}
	return nil
}

// Pid is the handler's process id; on Flex, that of the HTTP functions' handler.
// 0 if it does not run.
func (h *Host) Pid() int { return h.groups[0].worker.Pid() }

// onAbandon calls f once everything is abandoned, unless stop is called before.
func (h *Host) onAbandon(f func()) (stop func() bool) { return context.AfterFunc(h.life, f) }

func (h *Host) observe(m Moment) {
	if h.o.Observe != nil {
		h.o.Observe(m)
	}
}
