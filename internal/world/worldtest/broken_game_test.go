package worldtest_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"hearth/internal/world"
	"hearth/internal/world/worldtest"
)

func brokenGames() []brokenCopy {
	on := func(name, fails string, breaks func(*toy)) brokenCopy {
		return brokenCopy{name: name, fails: fails, run: func(t *testing.T) {
			worldtest.Game(t, func(t *testing.T) worldtest.GameMachine { return toyMachine(t, breaks) })
		}}
	}
	return []brokenCopy{
		on(honest, "", func(*toy) {}),
		on("is done at once", "started server runs", func(m *toy) {
			m.onStart = func(_ context.Context, l *life) { close(l.done) }
		}),
		on("starts one beside the other", "second start is refused while one runs", func(m *toy) { m.many = true }),
		on("names all alike", "server that ended is forgotten by the next start", func(m *toy) { m.name = "server" }),
		on("ends with the context of its start", "context bounds the start only", func(m *toy) {
			m.onStart = func(ctx context.Context, l *life) { context.AfterFunc(ctx, func() { m.end(l, false) }) }
		}),
		on("tells its steps too late", "steps begin before the start returns", func(m *toy) { m.late = true }),
		on("counts lines from one", "lines are whole and numbered and each comes once", func(m *toy) { m.offset = 1 }),
		on("closes its log too early", "log has its last line before it is closed", func(m *toy) { m.hasty = true }),
		on("waits for its reader", "reader that takes its time holds nobody up", func(m *toy) { m.waits = true }),
		on("stops until it is done", "stop asks and returns", func(m *toy) { m.blocks = true }),
		on("is done before it has saved", "stopped server has saved when it is done", func(m *toy) { m.soon = true }),
		on("saves with every stop", "stop twice saves once", func(m *toy) { m.twice = true }),
		on("saves when it is killed", "killed server has not saved", func(m *toy) { m.tough = true }),
		on("does not notice a death", "server that dies is done", func(m *toy) { m.blind = true }),
		on("complains of what is gone", "what has ended is stopped and killed without error", func(m *toy) { m.strict = true }),
		on("stops for whoever is gone", "canceled stop is honored", func(m *toy) { m.deaf = true }),
		on("tells no memory", "memory is told", func(m *toy) { m.memory = 0 }),
		on("finds what was never started", "nothing is found where nothing was started", func(m *toy) { m.dreams = true }),
		on("finds from the beginning only", "running server is found behind a line", func(m *toy) { m.anew = true }),
		on("finds no server that ended", "ended server is found with its log", func(m *toy) { m.forgets = true }),
		on("finds what has ended and looks later", "ended server is done as soon as it is found", func(m *toy) { m.sleepy = true }),
		on("finds to look at only", "found server can be stopped", func(m *toy) { m.shy = true }),
	}
}

// toy is a machine whose game is no more than its promises, with a switch for
// each of them.
type toy struct {
	name    string
	offset  int
	memory  int64
	onStart func(context.Context, *life)

	many, late, hasty, waits, blocks, soon, twice, tough, blind, strict, deaf, dreams, anew, forgets, shy, sleepy bool

	closing chan struct{}
	work    sync.WaitGroup

	mu    sync.Mutex // guards what follows, and the lives
	last  *life
	lives int
	saves int
}

// life is one server.
type life struct {
	id    string
	lines []world.Line
	at    world.Place
	grown chan struct{} // closed with every line, and the end
	over  bool
	asked bool
	done  chan struct{}
}

const toySave = 4 * time.Millisecond

func toyMachine(t *testing.T, breaks func(*toy)) worldtest.GameMachine {
	m := &toy{memory: 1 << 20, closing: make(chan struct{}), onStart: func(context.Context, *life) {}}
	breaks(m)
	t.Cleanup(func() { close(m.closing); m.work.Wait() })
	return worldtest.GameMachine{
		Game: m, Again: func(*testing.T) world.Game { return m },
		Flood: func(_ *testing.T, n int) {
			lines := make([]string, n)
			for i := range lines {
				lines[i] = fmt.Sprintf("flood-%d", i)
			}
			m.say(m.last, lines...)
		},
		Die: func(*testing.T) {
			m.mu.Lock()
			defer m.mu.Unlock()
			if !m.blind {
				m.finish(m.last)
			}
		},
		Saves: func(*testing.T) int { m.mu.Lock(); defer m.mu.Unlock(); return m.saves },
		Ready: "ready", Patience: 300 * time.Millisecond,
	}
}

// wait is what takes a real game its time.
func (m *toy) wait(d time.Duration) {
	select {
	case <-time.After(d):
	case <-m.closing:
	}
}

func (m *toy) say(l *life, texts ...string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if l.over {
		return
	}
	for _, text := range texts {
		now := time.Now().Truncate(time.Millisecond) // so that several have the same
		l.at = l.at.Next(now)
		l.lines = append(l.lines, world.Line{At: now, N: l.at.N + m.offset, Text: text})
	}
	close(l.grown)
	l.grown = make(chan struct{})
}

// finish: it does nothing any more. m.mu is held.
func (m *toy) finish(l *life) {
	if l.over {
		return
	}
	l.over = true
	close(l.grown)
	select {
	case <-l.done:
	default:
		if !m.waits {
			close(l.done)
		}
	}
}

func (m *toy) end(l *life, saved bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if l.over {
		return
	}
	if saved {
		m.saves++
	}
	m.finish(l)
}

func (m *toy) Start(ctx context.Context, began func(world.Step)) (world.Server, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m.mu.Lock()
	if m.last != nil && !m.last.over && !m.many {
		m.mu.Unlock()
		return nil, errors.New("one runs already")
	}
	m.lives++
	l := &life{id: m.name, grown: make(chan struct{}), done: make(chan struct{})}
	if l.id == "" {
		l.id = fmt.Sprint("server-", m.lives)
	}
	m.last = l
	m.mu.Unlock()
	if m.late {
		m.work.Go(func() {
			m.wait(toySave / 2)
			began(world.StepContainer)
		})
	} else {
		began(world.StepContainer)
	}
	m.onStart(ctx, l)
	m.work.Go(func() {
		m.wait(toySave) // it loads
		m.say(l, "ready")
	})
	return m.serve(l, world.Place{}, false), nil
}

func (m *toy) Find(_ context.Context, after world.Place) (world.Server, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	l := m.last
	if l == nil && m.dreams {
		l = &life{id: "dream", grown: make(chan struct{}), done: make(chan struct{})}
	}
	if l == nil || m.forgets && l.over {
		return nil, world.ErrNotFound
	}
	if after.Server != l.id || m.anew {
		after = world.Place{}
	}
	return m.serve(l, after, true), nil
}

// toyServer is one process' end of a life.
type toyServer struct {
	m     *toy
	l     *life
	found bool
	lines chan []world.Line
	done  chan struct{}
}

func (m *toy) serve(l *life, after world.Place, found bool) *toyServer {
	s := &toyServer{m: m, l: l, found: found, lines: make(chan []world.Line), done: l.done}
	if found && m.sleepy {
		s.done = make(chan struct{})
		m.work.Go(func() {
			select {
			case <-l.done:
			case <-m.closing:
			}
			m.wait(toySave)
			close(s.done)
		})
	}
	m.work.Go(func() { s.follow(after) })
	return s
}

func (s *toyServer) follow(after world.Place) {
	read := 0
	for {
		s.m.mu.Lock()
		batch, grown, over := s.l.lines[read:], s.l.grown, s.l.over
		read += len(batch)
		s.m.mu.Unlock()
		for len(batch) > 0 && !after.At.IsZero() && (batch[0].At.Before(after.At) || batch[0].At.Equal(after.At) && batch[0].N <= after.N) {
			batch = batch[1:]
		}
		if over && s.m.hasty {
			batch = nil
		}
		if len(batch) > 0 {
			select {
			case s.lines <- batch:
			case <-s.m.closing:
				return
			}
			continue
		}
		if over {
			s.m.mu.Lock()
			if s.m.waits && !s.found {
				close(s.l.done)
			}
			s.m.mu.Unlock()
			close(s.lines)
			return
		}
		select {
		case <-grown:
		case <-s.m.closing:
			return
		}
	}
}

func (s *toyServer) ID() string                 { return s.l.id }
func (s *toyServer) Lines() <-chan []world.Line { return s.lines }
func (s *toyServer) Done() <-chan struct{}      { return s.done }

func (s *toyServer) Stop(ctx context.Context) error {
	if err := ctx.Err(); err != nil && !s.m.deaf {
		return err
	}
	s.m.mu.Lock()
	over, asked := s.l.over, s.l.asked
	s.l.asked = true
	s.m.mu.Unlock()
	switch {
	case over && s.m.strict:
		return errors.New("it is gone")
	case over || s.m.shy && s.found:
		return nil
	case asked && s.m.twice:
		s.m.mu.Lock()
		s.m.saves++
		s.m.mu.Unlock()
	}
	if asked {
		return nil
	}
	save := func() {
		if s.m.soon {
			s.m.end(s.l, false)
		}
		s.m.wait(toySave)
		if s.m.soon {
			s.m.mu.Lock()
			s.m.saves++
			s.m.mu.Unlock()
		}
		s.m.end(s.l, true)
	}
	if s.m.blocks {
		save()
	} else {
		s.m.work.Go(save)
	}
	return nil
}

func (s *toyServer) Kill() error {
	s.m.mu.Lock()
	over := s.l.over
	s.m.mu.Unlock()
	if over && s.m.strict {
		return errors.New("it is gone")
	}
	s.m.end(s.l, s.m.tough)
	return nil
}

func (s *toyServer) Memory(context.Context) (int64, error) { return s.m.memory, nil }
