package worker_test

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"hearth/internal/clock"
	"hearth/internal/sim/simhost/worker"
)

// process is a handler that listens after a while and leaves when told.
type process struct {
	pid    int
	born   time.Time
	listen time.Duration // after its start; below 0: never
	once   sync.Once
	exited chan struct{}
	code   int
}

func (p *process) Pid() int                { return p.pid }
func (p *process) Exited() <-chan struct{} { return p.exited }
func (p *process) ExitCode() int           { return p.code }
func (p *process) Kill() error             { p.leave(-1); return nil }
func (p *process) leave(code int) {
	p.once.Do(func() {
		p.code = code
		close(p.exited)
	})
}

// bench keeps handlers in a bubble.
type bench struct {
	*worker.Worker
	stop context.CancelFunc
	err  chan error

	mu      sync.Mutex // guards what follows
	all     []*process
	pings   int
	pingErr error
}

func start(t *testing.T, made func(n int, p *process)) *bench {
	t.Helper()
	b := &bench{err: make(chan error, 1)}
	b.Worker = worker.New(worker.Options{
		Spawn: func() (worker.Process, error) {
			b.mu.Lock()
			defer b.mu.Unlock()
			p := &process{pid: 100 + len(b.all), born: time.Now(), exited: make(chan struct{})}
			b.all = append(b.all, p)
			if made != nil {
				made(len(b.all), p)
			}
			if p.pid == 0 {
				return nil, errors.New("no such program")
			}
			return p, nil
		},
		Ping: func(context.Context) error {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.pings++
			p := b.all[len(b.all)-1]
			select {
			case <-p.exited:
				return worker.ErrNotListening
			default:
			}
			if p.listen < 0 || time.Since(p.born) < p.listen {
				return worker.ErrNotListening
			}
			return b.pingErr
		},
		InitializationTimeout: 30 * time.Second, Clock: clock.System{}, Log: slog.New(slog.DiscardHandler),
	})
	ctx, stop := context.WithCancel(t.Context())
	b.stop = stop
	go func() { b.err <- b.Run(ctx) }()
	synctest.Wait()
	return b
}

func (b *bench) close(t *testing.T) {
	t.Helper()
	b.stop()
	if err := <-b.err; err != nil {
		t.Errorf("got %v, want it stopped", err)
	}
}

func (b *bench) last() *process {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.all[len(b.all)-1]
}

func (b *bench) born() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.all)
}

func pass(d time.Duration) {
	time.Sleep(d) // the bubble's
	synctest.Wait()
}

func bubble(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, f)
}

// It is asked every 25 ms, and calls wait until it answers.
func TestReady(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b := start(t, func(_ int, p *process) { p.listen = time.Second })
		defer b.close(t)
		begin := time.Now()
		p, err := b.Ready(t.Context())
		if err != nil || p.Pid() != 100 {
			t.Fatalf("got %v and %v", p, err)
		}
		if took := time.Since(begin); took != time.Second || b.pings != 41 {
			t.Errorf("ready after %v and %d pings, want 1 s and 41", took, b.pings)
		}
	})
}

// The first and second error start it anew at once, the third stops the host.
func TestThirdErrorStops(t *testing.T) {
	for name, code := range map[string]int{"code 1": 1, "killed": -1, "code 2": 2} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				b := start(t, nil)
				begin := time.Now()
				for n := 1; n <= 3; n++ {
					if b.born() != n {
						t.Fatalf("%d handlers before the %d. error", b.born(), n)
					}
					b.last().leave(code)
					synctest.Wait()
				}
				if err := <-b.err; !errors.Is(err, worker.ErrGaveUp) || time.Since(begin) > 0 {
					t.Errorf("got %v after %v, want it given up at once", err, time.Since(begin))
				}
				if b.born() != 3 {
					t.Errorf("%d handlers, want 3", b.born())
				}
				if _, err := b.Ready(t.Context()); !errors.Is(err, worker.ErrGaveUp) {
					t.Errorf("got %v, want ErrGaveUp", err)
				}
				if ok, err := b.Kill(); ok || err != nil {
					t.Errorf("killed %v, %v: there is none", ok, err)
				}
			})
		})
	}
}

// Errors that are more than 30 minutes apart begin a new count.
func TestErrorsAreForgotten(t *testing.T) {
	for _, tt := range []struct {
		apart time.Duration
		stops bool
	}{{30 * time.Minute, true}, {30*time.Minute + time.Second, false}} {
		bubble(t, func(t *testing.T) {
			b := start(t, nil)
			for n := range 8 {
				if n > 0 {
					pass(tt.apart)
				}
				b.last().leave(1)
				synctest.Wait()
				if tt.stops && n == 2 {
					if err := <-b.err; !errors.Is(err, worker.ErrGaveUp) {
						t.Errorf("got %v", err)
					}
					return
				}
			}
			if b.born() != 9 {
				t.Errorf("%d handlers, want 9", b.born())
			}
			b.close(t)
		})
	}
}

// 200 asks for a restart, however often.
func TestExit200(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b := start(t, nil)
		defer b.close(t)
		for range 10 {
			b.last().leave(200)
			synctest.Wait()
		}
		if b.born() != 11 {
			t.Errorf("%d handlers, want 11", b.born())
		}
	})
}

// A handler that leaves with 0 once it was ready is not started again; calls
// find nothing that listens. Only a function that is out of time brings a new one.
func TestExit0(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b := start(t, nil)
		defer b.close(t)
		b.last().leave(0)
		pass(time.Hour)
		if b.born() != 1 || b.Pid() != 0 {
			t.Fatalf("%d handlers, pid %d: want the one that is gone", b.born(), b.Pid())
		}
		p, err := b.Ready(t.Context())
		if err != nil || p.Pid() != 100 {
			t.Errorf("got %v and %v, want a call let through", p, err)
		}
		b.Restart(p)
		synctest.Wait()
		if b.born() != 2 || b.Pid() != 101 {
			t.Errorf("%d handlers, want a second", b.born())
		}
	})
}

// Leaving with 0 before it is ready is seen when the time is up.
func TestExit0BeforeReady(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b := start(t, func(n int, p *process) {
			if n == 1 {
				p.listen = -1
			}
		})
		defer b.close(t)
		b.last().leave(0)
		pass(29 * time.Second)
		if b.born() != 1 {
			t.Error("it was started again before its time was up")
		}
		pass(2 * time.Second)
		if b.born() != 2 {
			t.Errorf("%d handlers, want a second", b.born())
		}
	})
}

// One that never listens is an error after 30 s, three of which stop the host;
// a call waits for that long.
func TestNeverListens(t *testing.T) {
	bubble(t, func(t *testing.T) {
		begin := time.Now()
		b := start(t, func(_ int, p *process) { p.listen = -1 })
		_, err := b.Ready(t.Context())
		if !errors.Is(err, worker.ErrGaveUp) || time.Since(begin) != 90*time.Second {
			t.Errorf("got %v after %v, want it given up after 90 s", err, time.Since(begin))
		}
		if err := <-b.err; !errors.Is(err, worker.ErrGaveUp) {
			t.Errorf("got %v", err)
		}
	})
}

// A call waits four times the initialization timeout, not longer.
func TestNotReady(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b := start(t, func(_ int, p *process) {
			p.listen = -1
			go func() {
				time.Sleep(29 * time.Second)
				p.leave(200) // and again, uncounted
			}()
		})
		begin := time.Now()
		if _, err := b.Ready(t.Context()); !errors.Is(err, worker.ErrNotReady) || time.Since(begin) != 2*time.Minute {
			t.Errorf("got %v after %v, want ErrNotReady after 2 min", err, time.Since(begin))
		}
		b.close(t)
		pass(time.Minute)
	})
}

// A ping that fails otherwise than for want of a listener is an error.
func TestBadPing(t *testing.T) {
	bubble(t, func(t *testing.T) {
		broken := errors.New("malformed HTTP response")
		b := start(t, nil)
		b.mu.Lock()
		b.pingErr = broken
		b.mu.Unlock()
		b.last().leave(1)
		if err := <-b.err; !errors.Is(err, broken) || !errors.Is(err, worker.ErrGaveUp) {
			t.Errorf("got %v, want what the ping said", err)
		}
	})
}

// Programs that can't be started are errors like any other.
func TestNoProgram(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b := start(t, func(_ int, p *process) { p.pid = 0 })
		if err := <-b.err; !errors.Is(err, worker.ErrGaveUp) || b.born() != 3 {
			t.Errorf("got %v after %d tries", err, b.born())
		}
	})
}

// Restart is not counted, and is for the process it was asked for.
func TestRestart(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b := start(t, nil)
		defer b.close(t)
		for n := range 6 {
			p, err := b.Ready(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			b.Restart(p)
			b.Restart(p) // a neighbour is out of time, too
			synctest.Wait()
			b.Restart(p) // late
			synctest.Wait()
			if b.born() != n+2 {
				t.Fatalf("%d handlers, want %d", b.born(), n+2)
			}
		}
	})
}

// Kill is an error like the handler's own, and calls wait for the next one.
func TestKill(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b := start(t, func(_ int, p *process) { p.listen = time.Second })
		pass(2 * time.Second)
		if ok, err := b.Kill(); !ok || err != nil {
			t.Fatalf("killed %v, %v", ok, err)
		}
		p, err := b.Ready(t.Context())
		if err != nil || p.Pid() != 101 {
			t.Errorf("got %v and %v, want the next one", p, err)
		}
		for range 2 {
			if _, err := b.Kill(); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		if err := <-b.err; !errors.Is(err, worker.ErrGaveUp) {
			t.Errorf("got %v, want it given up", err)
		}
	})
}

// The end of Run is the end of the process.
func TestStop(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b := start(t, nil)
		p := b.last()
		b.close(t)
		select {
		case <-p.exited:
		default:
			t.Error("the handler outlives Run")
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := b.Ready(ctx); err == nil {
			t.Error("a call finds a handler after the end")
		}
	})
}
