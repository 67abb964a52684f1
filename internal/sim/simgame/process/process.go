package process

import (
	"bufio"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"

	"hearth/internal/world"
)

var (
	_ world.Game   = (*Game)(nil)
	_ world.Server = (*server)(nil)
)

// Errors of a Game.
var (
	// ErrRunning: this game runs already; one world has one writer.
	ErrRunning = errors.New("the game is running already")
	// ErrNotRunning: there is no game to give a command to.
	ErrNotRunning = errors.New("no game is running: start the world first")
)

// Game runs the game as a child process, one at a time. It is safe for
// concurrent use.
type Game struct {
	argv  []string
	env   []string
	clock world.Clock
	log   *slog.Logger

	mu      sync.Mutex // guards running
	running *server
}

// New makes a game that runs argv (a program and its arguments, which
// end in Main) with the environment env ("KEY=value"; nil: this process'
// own). clock tells when a line came.
func New(argv, env []string, clock world.Clock, log *slog.Logger) (*Game, error) {
	if len(argv) == 0 || argv[0] == "" {
		return nil, errors.New("make game process: no program: name one, and its arguments")
	}
	if clock == nil {
		return nil, errors.New("make game process: no clock")
	}
	if log == nil {
		return nil, errors.New("make game process: no logger")
	}
	return &Game{argv: argv, env: env, clock: clock, log: log}, nil
}

// Find implements world.Game. A child does not outlive its parent, so there is
// never one.
func (g *Game) Find(context.Context, world.Place) (world.Server, error) {
	return nil, fmt.Errorf("find game: %w", world.ErrNotFound)
}

// Start implements world.Game. ErrRunning while the last game has not ended.
func (g *Game) Start(ctx context.Context, _ func(world.Step)) (world.Server, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("start game: %w", err)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.running != nil && !g.running.isDone() {
		return nil, fmt.Errorf("start game: %w", ErrRunning)
	}
	// ctx bounds the start only: the child outlives it.
	cmd := exec.CommandContext(context.WithoutCancel(ctx), g.argv[0], g.argv[1:]...) //nolint:gosec // the program is the caller's own
	cmd.Env = g.env
	cmd.SysProcAttr = childAttributes()
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("start game: %w", err)
	}
	// One pipe for both, so that the log keeps its order.
	out, in, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("start game: %w", err)
	}
	cmd.Stdout, cmd.Stderr = in, in
	s := &server{
		cmd: cmd, stdin: stdin, id: rand.Text(),
		lines: make(chan []world.Line), done: make(chan struct{}),
	}
	started := make(chan error)
	go s.live(started, in)
	if err := <-started; err != nil {
		return nil, errors.Join(fmt.Errorf("start game: %w", err), out.Close())
	}
	go s.read(out, g.clock, g.log)
	g.running = s
	g.log.Info("game started", "pid", cmd.Process.Pid)
	return s, nil
}

// Command gives the running game one line: see package simgame.
// ErrNotRunning if there is none.
func (g *Game) Command(line string) error {
	if strings.ContainsAny(line, "\r\n") {
		return errors.New("command game: a command is one line: leave the line end out")
	}
	g.mu.Lock()
	s := g.running
	g.mu.Unlock()
	if s == nil || s.isDone() {
		return fmt.Errorf("command game: %w", ErrNotRunning)
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	if _, err := io.WriteString(s.stdin, line+"\n"); err != nil {
		if s.isDone() || errors.Is(err, fs.ErrClosed) || isBrokenPipe(err) {
			return fmt.Errorf("command game: %w", ErrNotRunning)
		}
		return fmt.Errorf("command game: %w", err)
	}
	return nil
}

// server is one running child.
type server struct {
	cmd   *exec.Cmd
	id    string
	lines chan []world.Line
	done  chan struct{} // closed when the process is gone

	writing sync.Mutex // guards stdin
	stdin   io.WriteCloser
}

// live starts the child and waits for it. Both happen on one locked thread:
// on Linux the child is told when the thread that started it ends, not when
// the process does (golang.org/issue/27505).
func (s *server) live(started chan<- error, out *os.File) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err := s.cmd.Start()
	closeErr := out.Close() // the child has its own
	if err != nil {
		started <- errors.Join(err, closeErr)
		return
	}
	started <- nil
	_ = s.cmd.Wait() // the exit status means nothing: the log tells
	close(s.done)
}

// read takes the child's log from its pipe as fast as it comes, whatever the
// consumer of Lines does, so that the game never waits for us; what was not
// taken yet is kept. It ends when the log has ended and every line is taken.
func (s *server) read(out *os.File, clock world.Clock, log *slog.Logger) {
	incoming := make(chan string)
	go func() {
		defer close(incoming)
		lines := bufio.NewReader(out)
		for {
			line, err := lines.ReadString('\n')
			if whole, ok := strings.CutSuffix(line, "\n"); ok || whole != "" {
				incoming <- strings.TrimSuffix(whole, "\r")
			}
			if err != nil {
				break
			}
		}
		if err := out.Close(); err != nil {
			log.Warn("game log not closed", "error", err)
		}
	}()
	var waiting []world.Line
	var at world.Place
	for incoming != nil || len(waiting) > 0 {
		var take chan<- []world.Line
		if len(waiting) > 0 {
			take = s.lines
		}
		select {
		case line, ok := <-incoming:
			if !ok {
				incoming = nil
				continue
			}
			now := clock.Now()
			at = at.Next(now)
			waiting = append(waiting, world.Line{At: now, N: at.N, Text: line})
		case take <- waiting:
			waiting = nil
		}
	}
	<-s.done
	close(s.lines)
}

func (s *server) isDone() bool {
	select {
	case <-s.done:
		return true
	default:
		return false
	}
}

// ID implements world.Server.
func (s *server) ID() string { return s.id }

// Lines implements world.Server. Read it to its end.
func (s *server) Lines() <-chan []world.Line { return s.lines }

// Done implements world.Server.
func (s *server) Done() <-chan struct{} { return s.done }

// Stop implements world.Server. Stopping a game that is gone is no error.
func (s *server) Stop(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("stop game: %w", err)
	}
	if err := s.interrupt(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("stop game: %w", err)
	}
	return nil
}

// Kill implements world.Server. Killing a game that is gone is no error.
func (s *server) Kill() error {
	if err := s.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("kill game: %w", err)
	}
	return nil
}

// Memory implements world.Server.
func (s *server) Memory(context.Context) (int64, error) {
	n, err := resident(s.cmd.Process.Pid)
	if err != nil {
		return 0, fmt.Errorf("measure game: %w", err)
	}
	return n, nil
}
