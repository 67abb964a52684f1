package docker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"

	"hearth/internal/world"
)

const (
	// killWithin is how long the engine may take to kill.
	killWithin = 2 * time.Second
	// restartWithin is how long a container that ended unasked may take to be
	// up again: a keeper's `docker restart` is no end.
	restartWithin = time.Second
	exitKilled    = 128 + 9 // of a process that SIGKILL ended
)

// server is a container that was started.
type server struct {
	g     *Game
	id    string
	lines chan []world.Line

	done     chan struct{} // the game's process is gone and won't come back
	doneOnce sync.Once
	ended    chan struct{} // the container has, for good; closed by close alone, once

	starved bool // the kernel ended it for its memory; set before ended is closed

	asked    chan struct{} // to stop
	askOnce  sync.Once
	told     atomic.Bool // a supervisor in the container was
	byHand   atomic.Bool // the game was, past its supervisor
	going    atomic.Bool // the game goes, by its log
	killed   chan struct{}
	killOnce sync.Once

	mu   sync.Mutex // guards init
	init *process   // the container's first process; nil if it is on no machine of ours
}

// attach begins to watch a container and to read its log. One that does not run
// has ended.
func (g *Game) attach(c container.InspectResponse, after world.Place) *server {
	s := &server{
		g: g, id: c.ID,
		lines: make(chan []world.Line), done: make(chan struct{}), ended: make(chan struct{}),
		asked: make(chan struct{}), killed: make(chan struct{}),
	}
	if running(c) {
		s.hold(c.State.Pid)
		g.spawn(s.watch)
		g.spawn(s.hearMemory)
	} else {
		s.end(c)
	}
	g.spawn(func(ctx context.Context) { s.follow(ctx, after) })
	return s
}

// hold takes hold of the container's first process, so that it can be killed
// when the engine does not answer.
func (s *server) hold(pid int) {
	p, err := openProcess(pid, s.id)
	if err != nil && !errors.Is(err, errNoProcess) {
		s.g.log.Warn("container's first process can't be held", "pid", pid, "error", err)
	}
	s.mu.Lock()
	last := s.init
	s.init = p
	s.mu.Unlock()
	s.drop(last)
}

// first is the container's first process, or nil.
func (s *server) first() *process {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.init
}

func (s *server) drop(p *process) {
	if p == nil {
		return
	}
	if err := p.close(); err != nil {
		s.g.log.Warn("process not let go", "error", err)
	}
}

// ID implements world.Server: the container's.
func (s *server) ID() string { return s.id }

// Lines implements world.Server.
func (s *server) Lines() <-chan []world.Line { return s.lines }

// Done implements world.Server.
func (s *server) Done() <-chan struct{} { return s.done }

func (s *server) closeDone() { s.doneOnce.Do(func() { close(s.done) }) }

func is(ch <-chan struct{}) bool {
	select {
	case <-ch:
		return true
	default:
		return false
	}
}

// pause waits; false when ctx ended.
func (s *server) pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-s.g.clock.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}

// watch waits for the container's end, however often the engine is away.
func (s *server) watch(ctx context.Context) {
	defer func() { s.drop(s.first()) }()
	wait := leastWait
	for ctx.Err() == nil {
		err := s.awaitExit(ctx)
		if ctx.Err() != nil {
			return
		}
		c, looked := container.InspectResponse{}, err
		if err == nil {
			c, looked = s.g.inspect(ctx, s.id)
		}
		switch {
		case errors.Is(looked, world.ErrNotFound) || errdefs.IsNotFound(looked):
			s.g.log.Warn("game's container was removed")
			s.close()
			return
		case looked != nil:
			s.g.log.Warn("engine does not answer, asking again", "wait", wait, "error", looked)
			if !s.pause(ctx, wait) {
				return
			}
			wait = min(2*wait, mostWait)
			continue
		}
		wait = leastWait
		if !running(c) && !is(s.asked) && !is(s.killed) && s.pause(ctx, restartWithin) {
			if again, err := s.g.inspect(ctx, s.id); err == nil {
				c = again
			}
		}
		if running(c) {
			s.hold(c.State.Pid) // another one, or the engine that was away
			continue
		}
		s.end(c)
		return
	}
}

// end takes note of how the container ended.
func (s *server) end(c container.InspectResponse) {
	// The engine remembers that the kernel ended *a* process; the first one's end
	// is the container's.
	s.starved = c.State.OOMKilled && c.State.ExitCode == exitKilled
	if s.starved {
		s.g.log.Error("game's container was killed by the kernel for its memory", "exit_code", c.State.ExitCode)
	}
	s.g.log.Info("game's container ended", "exit_code", c.State.ExitCode, "asked", is(s.asked), "killed", is(s.killed))
	s.close()
}

func (s *server) close() {
	close(s.ended)
	s.closeDone()
}

// awaitExit waits until the container does not run. An error says that the
// engine did not tell.
func (s *server) awaitExit(ctx context.Context) error {
	r := s.g.api.ContainerWait(ctx, s.id, client.ContainerWaitOptions{Condition: container.WaitConditionNotRunning})
	select {
	case <-r.Result:
		return nil
	case err := <-r.Error:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Kill implements world.Server. The machine kills the container's first process,
// and the kernel all others with it; the engine is asked as well, for it alone
// knows of one that was started again just now, but not waited for longer than
// two seconds.
func (s *server) Kill() error {
	if is(s.ended) {
		return nil
	}
	s.killOnce.Do(func() {
		close(s.killed)
		s.g.spawn(s.dies)
	})
	direct := errNoProcess
	if p := s.first(); p != nil {
		direct = p.kill()
	}
	ctx, cancel := context.WithTimeout(context.Background(), killWithin)
	defer cancel()
	_, err := s.g.api.ContainerKill(ctx, s.id, client.ContainerKillOptions{Signal: "KILL"})
	switch {
	case err == nil || errdefs.IsNotFound(err) || errdefs.IsConflict(err): // conflict: it does not run
		return nil
	case direct == nil:
		s.g.log.Warn("engine did not kill the game's container, the machine did", "error", err)
		return nil
	}
	return fmt.Errorf("kill game: %w", errors.Join(err, direct))
}

// dies waits for the end of a killed container on this machine, whatever the
// engine knows of it.
func (s *server) dies(ctx context.Context) {
	if p := s.first(); p != nil && p.wait(ctx) == nil {
		s.closeDone()
	}
}

// Memory implements world.Server: what the game's process holds of this
// machine's memory, or what the engine says of the container if there is none
// yet.
func (s *server) Memory(ctx context.Context) (int64, error) {
	if p, err := findProcess(s.id); err == nil {
		defer s.drop(p)
		return p.resident()
	}
	r, err := s.g.api.ContainerStats(ctx, s.id, client.ContainerStatsOptions{})
	if err != nil {
		return 0, fmt.Errorf("measure game: %w", err)
	}
	var stats container.StatsResponse
	err = json.NewDecoder(r.Body).Decode(&stats)
	if err := errors.Join(err, r.Body.Close()); err != nil {
		return 0, fmt.Errorf("measure game: %w", err)
	}
	used := stats.MemoryStats.Usage
	// The kernel takes these back at once; `docker stats` leaves them out, too.
	for _, key := range []string{"inactive_file", "total_inactive_file"} {
		if n, ok := stats.MemoryStats.Stats[key]; ok && n < used {
			used -= n
			break
		}
	}
	return int64(used), nil //nolint:gosec // a machine's memory fits
}
