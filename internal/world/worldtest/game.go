package worldtest

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"hearth/internal/world"
)

// GameOpener returns a machine on which no server was started yet, and nobody
// else's. What runs at the test's end is the opener's to end.
type GameOpener func(t *testing.T) GameMachine

// GameMachine is a machine of a test, and hands on what its server does.
type GameMachine struct {
	Game world.Game
	// Again is another process' game on the same machine, while the first one is
	// gone or going. nil: a server does not outlive its process, and there is
	// never one to be found.
	Again func(t *testing.T) world.Game
	// Flood makes the server write n lines, "… flood-0 …", "… flood-1 …" and so
	// on, and returns when it has written them.
	Flood func(t *testing.T, n int)
	// Die ends the server without anybody's asking.
	Die func(t *testing.T)
	// Saves is how many saves the world's files have seen.
	Saves func(t *testing.T) int
	// Ready is in the line after which the server saves when it is stopped.
	Ready string
	// Patience bounds each wait for something that is to happen.
	Patience time.Duration
	// NoMemory: this system does not tell what a process uses.
	NoMemory bool
}

// Game checks that the machines that open returns do what world.Game and
// world.Server promise.
func Game(t *testing.T, open GameOpener) {
	t.Helper()
	cases := []struct {
		name string
		run  func(t *testing.T, m GameMachine)
	}{
		{"started server runs", gameRuns},
		{"second start is refused while one runs", gameSecond},
		{"server that ended is forgotten by the next start", gameForgotten},
		{"context bounds the start only", gameContext},
		{"steps begin before the start returns", gameSteps},
		{"lines are whole and numbered and each comes once", gameLines},
		{"log has its last line before it is closed", gameLastLine},
		{"reader that takes its time holds nobody up", gameSlowReader},
		{"stop asks and returns", gameStopReturns},
		{"stopped server has saved when it is done", gameSaved},
		{"stop twice saves once", gameStopTwice},
		{"killed server has not saved", gameKilled},
		{"server that dies is done", gameDies},
		{"what has ended is stopped and killed without error", gameGone},
		{"canceled stop is honored", gameCanceled},
		{"memory is told", gameMemory},
		{"nothing is found where nothing was started", gameNothing},
		{"running server is found behind a line", gameFound},
		{"ended server is found with its log", gameFoundEnded},
		{"ended server is done as soon as it is found", gameFoundDone},
		{"found server can be stopped", gameFoundStops},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) { c.run(t, open(t)) })
	}
}

// gameServer is a server of a test, read line by line.
type gameServer struct {
	world.Server
	t    *testing.T
	m    GameMachine
	rest []world.Line
	at   world.Place // behind the last line that was read
}

func (m GameMachine) start(t *testing.T) *gameServer {
	t.Helper()
	s, err := m.Game.Start(t.Context(), func(world.Step) {})
	if err != nil {
		t.Fatalf("Start: %v", err)
	}
	return &gameServer{Server: s, t: t, m: m, at: world.Place{Server: s.ID()}}
}

// ready starts a server and waits until it saves when it is stopped.
func (m GameMachine) ready(t *testing.T) *gameServer {
	t.Helper()
	s := m.start(t)
	s.until(m.Ready)
	return s
}

// find takes the server over from a place.
func (m GameMachine) find(t *testing.T, after world.Place) *gameServer {
	t.Helper()
	s, err := m.Again(t).Find(t.Context(), after)
	if err != nil {
		t.Fatalf("Find: %v", err)
	}
	if after.Server != s.ID() {
		after = world.Place{Server: s.ID()}
	}
	return &gameServer{Server: s, t: t, m: m, at: after}
}

// next is the next line; false when the log is closed.
func (s *gameServer) next() (world.Line, bool) {
	s.t.Helper()
	if len(s.rest) == 0 {
		select {
		case lines, open := <-s.Lines():
			if !open {
				return world.Line{}, false
			}
			if len(lines) == 0 {
				s.t.Fatal("a batch of no lines")
			}
			s.rest = lines
		case <-s.patience():
			s.t.Fatalf("no line in %v", s.m.Patience)
		}
	}
	l := s.rest[0]
	s.rest = s.rest[1:]
	if s.at = s.at.Next(l.At); l.N != s.at.N {
		s.t.Fatalf("line %q of %v is number %d, want %d", l.Text, l.At, l.N, s.at.N)
	}
	return l, true
}

// patience ends when what was waited for is late.
func (s *gameServer) patience() <-chan struct{} {
	ctx, cancel := context.WithTimeout(s.t.Context(), s.m.Patience)
	s.t.Cleanup(cancel)
	return ctx.Done()
}

func (s *gameServer) until(text string) {
	s.t.Helper()
	for {
		l, ok := s.next()
		if !ok {
			s.t.Fatalf("the log ended before %q", text)
		}
		if strings.Contains(l.Text, text) {
			return
		}
	}
}

// flood reads up to the next line of a flood, and says which it is; -1 when
// the log is closed.
func (s *gameServer) flood() int {
	s.t.Helper()
	for {
		l, ok := s.next()
		if !ok {
			return -1
		}
		_, text, is := strings.Cut(l.Text, "flood-")
		if !is {
			continue
		}
		digits := strings.IndexFunc(text+".", func(c rune) bool { return c < '0' || c > '9' })
		n, err := strconv.Atoi(text[:digits])
		if err != nil {
			s.t.Fatalf("line %q is not whole", l.Text)
		}
		return n
	}
}

// floods reads the lines from number first to before last of a flood.
func (s *gameServer) floods(first, last int) {
	s.t.Helper()
	for want := first; want < last; want++ {
		if got := s.flood(); got != want {
			s.t.Fatalf("line %d of the flood came, want %d", got, want)
		}
	}
}

// ended waits for Done and reads the log to its end.
func (s *gameServer) ended() {
	s.t.Helper()
	s.waitDone()
	for open := true; open; {
		_, open = s.next()
	}
}

func (s *gameServer) waitDone() {
	s.t.Helper()
	select {
	case <-s.Done():
	case <-s.patience():
		s.t.Fatalf("not done in %v", s.m.Patience)
	}
}

func (s *gameServer) isDone() bool {
	select {
	case <-s.Done():
		return true
	default:
		return false
	}
}

func (s *gameServer) stop() {
	s.t.Helper()
	if err := s.Stop(s.t.Context()); err != nil {
		s.t.Fatalf("Stop: %v", err)
	}
}

func (s *gameServer) kill() {
	s.t.Helper()
	if err := s.Kill(); err != nil {
		s.t.Fatalf("Kill: %v", err)
	}
}

func gameRuns(t *testing.T, m GameMachine) {
	s := m.ready(t)
	if s.ID() == "" {
		t.Error("a server without an id")
	}
	m.Flood(t, 1)
	s.floods(0, 1)
	if s.isDone() {
		t.Error("done, and it runs")
	}
}

func gameSecond(t *testing.T, m GameMachine) {
	s := m.ready(t)
	if _, err := m.Game.Start(t.Context(), func(world.Step) {}); err == nil {
		t.Error("Start beside one that runs: want an error")
	}
	m.Flood(t, 1)
	s.floods(0, 1)
}

func gameForgotten(t *testing.T, m GameMachine) {
	first := m.ready(t)
	m.Flood(t, 3)
	first.floods(0, 3)
	first.kill()
	first.ended()
	second := m.ready(t)
	if second.ID() == first.ID() {
		t.Errorf("two starts have the id %s", first.ID())
	}
	m.Flood(t, 1)
	second.floods(0, 1)
	if second.isDone() {
		t.Error("the second server is done with the first")
	}
}

func gameContext(t *testing.T, m GameMachine) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := m.Game.Start(ctx, func(world.Step) {}); !errors.Is(err, context.Canceled) {
		t.Fatalf("Start = %v, want context.Canceled", err)
	}
	ctx, cancel = context.WithCancel(t.Context())
	server, err := m.Game.Start(ctx, func(world.Step) {})
	if err != nil {
		t.Fatalf("Start after one that was canceled: %v", err)
	}
	cancel()
	s := &gameServer{Server: server, t: t, m: m}
	s.until(m.Ready)
	m.Flood(t, 1)
	s.floods(0, 1)
}

func gameSteps(t *testing.T, m GameMachine) {
	steps := make(chan world.Step, 100)
	returned := make(chan struct{})
	server, err := m.Game.Start(t.Context(), func(step world.Step) {
		select {
		case <-returned:
			t.Errorf("step %s began after Start had returned", step)
		default:
			steps <- step
		}
	})
	close(returned)
	if err != nil {
		t.Fatalf("Start: %v", err)
	}
	s := &gameServer{Server: server, t: t, m: m}
	s.until(m.Ready)
	close(steps)
	last := world.Step("")
	for step := range steps {
		if step == "" || step == last {
			t.Errorf("step %q after %q", step, last)
		}
		last = step
	}
}

func gameLines(t *testing.T, m GameMachine) {
	const n = 2000
	s := m.start(t)
	seen, asked := 0, false
	for seen < n {
		l, ok := s.next()
		if !ok {
			t.Fatalf("the log ended after %d lines of the flood", seen)
		}
		if strings.ContainsAny(l.Text, "\n") {
			t.Fatalf("line %q has its end in it", l.Text)
		}
		if !asked && strings.Contains(l.Text, m.Ready) {
			asked = true
			m.Flood(t, n)
		}
		if strings.Contains(l.Text, "flood-") {
			if !strings.Contains(l.Text, fmt.Sprintf("flood-%d", seen)) {
				t.Fatalf("line %q came, want number %d of the flood", l.Text, seen)
			}
			seen++
		}
	}
}

func gameLastLine(t *testing.T, m GameMachine) {
	const n = 500
	s := m.ready(t)
	m.Flood(t, n)
	m.Die(t)
	s.floods(0, n)
	s.ended()
}

func gameSlowReader(t *testing.T, m GameMachine) {
	const n = 20_000 // more than any pipe holds
	s := m.ready(t)
	m.Flood(t, n)
	s.stop()
	s.waitDone()
	s.floods(0, n)
	s.ended()
}

func gameStopReturns(t *testing.T, m GameMachine) {
	s := m.ready(t)
	s.stop()
	if s.isDone() {
		t.Error("Stop returned when the server was done: it is to ask, not to wait")
	}
	s.ended()
}

func gameSaved(t *testing.T, m GameMachine) {
	before := m.Saves(t)
	s := m.ready(t)
	s.stop()
	s.waitDone()
	if got := m.Saves(t); got != before+1 {
		t.Errorf("%d saves when it is done, want %d", got, before+1)
	}
	s.ended()
}

func gameStopTwice(t *testing.T, m GameMachine) {
	before := m.Saves(t)
	s := m.ready(t)
	s.stop()
	s.stop()
	s.ended()
	if got := m.Saves(t); got != before+1 {
		t.Errorf("%d saves, want %d", got, before+1)
	}
}

func gameKilled(t *testing.T, m GameMachine) {
	before := m.Saves(t)
	s := m.ready(t)
	s.kill()
	s.ended()
	if got := m.Saves(t); got != before {
		t.Errorf("%d saves after a kill, want %d", got, before)
	}
}

func gameDies(t *testing.T, m GameMachine) {
	s := m.ready(t)
	m.Die(t)
	s.ended()
}

func gameGone(t *testing.T, m GameMachine) {
	s := m.ready(t)
	s.kill()
	s.kill()
	s.ended()
	s.stop()
	s.kill()
}

func gameCanceled(t *testing.T, m GameMachine) {
	s := m.ready(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Stop(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Stop = %v, want context.Canceled", err)
	}
}

func gameMemory(t *testing.T, m GameMachine) {
	s := m.ready(t)
	n, err := s.Memory(t.Context())
	if err != nil || n <= 0 && !m.NoMemory {
		t.Errorf("Memory = %d, %v; want some", n, err)
	}
}

func gameNothing(t *testing.T, m GameMachine) {
	if s, err := m.Game.Find(t.Context(), world.Place{}); !errors.Is(err, world.ErrNotFound) {
		t.Errorf("Find = %v, %v; want ErrNotFound", s, err)
	}
}

func gameFound(t *testing.T, m GameMachine) {
	const n = 1000
	s := m.ready(t)
	m.Flood(t, n)
	s.floods(0, n/3)
	at := s.at
	if m.Again == nil {
		s.floods(n/3, n)
		return
	}
	behind := m.find(t, at)
	if behind.ID() != s.ID() {
		t.Errorf("found %s, want %s", behind.ID(), s.ID())
	}
	behind.floods(n/3, n)
	if behind.isDone() {
		t.Error("found and done, and it runs")
	}
	again := m.find(t, world.Place{})
	again.floods(0, n/3)
	if !again.at.At.Equal(at.At) || again.at.N != at.N {
		t.Errorf("the same line is at %+v for whoever comes after, was at %+v", again.at, at)
	}
	again.floods(n/3, n)
	at.Server = "another"
	m.find(t, at).floods(0, n)
}

func gameFoundEnded(t *testing.T, m GameMachine) {
	const n = 100
	s := m.ready(t)
	m.Flood(t, n)
	s.floods(0, n/2)
	at := s.at
	s.floods(n/2, n)
	s.kill()
	s.ended()
	if m.Again == nil {
		if _, err := m.Game.Find(t.Context(), at); !errors.Is(err, world.ErrNotFound) {
			t.Errorf("Find = %v, want ErrNotFound", err)
		}
		return
	}
	found := m.find(t, at)
	found.floods(n/2, n)
	found.ended()
}

func gameFoundDone(t *testing.T, m GameMachine) {
	s := m.ready(t)
	s.kill()
	s.ended()
	if m.Again == nil {
		return
	}
	found := m.find(t, s.at)
	if !found.isDone() {
		t.Error("found after its end and not done")
	}
	found.ended()
}

func gameFoundStops(t *testing.T, m GameMachine) {
	before := m.Saves(t)
	s := m.ready(t)
	if m.Again != nil {
		s = m.find(t, s.at)
	}
	s.stop()
	s.ended()
	if got := m.Saves(t); got != before+1 {
		t.Errorf("%d saves, want %d", got, before+1)
	}
}
