package worker

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"time"
)

var _ Process = (*osProcess)(nil)

// Command is a program to start as a handler.
type Command struct {
	Path      string
	Args, Env []string // Env: all of it
	Dir       string
	// Line is called with each line that the handler writes, whole, and from
	// one goroutine each for stdout and stderr.
	Line func(stderr bool, text string)
}

// drainFor is how long the output is read on after the handler's end: a process
// that it started may hold it open.
const drainFor = time.Second

// Start starts a process. On Linux it ends with this one, however this one ends.
func Start(c Command) (Process, error) {
	cmd := exec.Command(c.Path, c.Args...) //nolint:gosec,noctx // the app's own program, which outlives every call
	cmd.Env, cmd.Dir = c.Env, c.Dir
	cmd.SysProcAttr = attributes()
	cmd.WaitDelay = drainFor
	out := &lines{say: func(s string) { c.Line(false, s) }}
	bad := &lines{say: func(s string) { c.Line(true, s) }}
	cmd.Stdout, cmd.Stderr = out, bad
	p := &osProcess{cmd: cmd, exited: make(chan struct{})}
	started := make(chan error)
	go func() {
		// Linux tells the child when the thread that started it ends
		// (golang.org/issue/27505).
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err != nil {
			return
		}
		_ = cmd.Wait() // the exit code says it
		out.flush()
		bad.flush()
		close(p.exited)
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("%s: %w", c.Path, err)
	}
	return p, nil
}

type osProcess struct {
	cmd    *exec.Cmd
	exited chan struct{}
}

func (p *osProcess) Pid() int                { return p.cmd.Process.Pid }
func (p *osProcess) Exited() <-chan struct{} { return p.exited }
func (p *osProcess) ExitCode() int           { return p.cmd.ProcessState.ExitCode() }

func (p *osProcess) Kill() error {
	if err := p.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("kill handler: %w", err)
	}
	return nil
}

// lines cuts what is written to it into lines.
type lines struct {
	say  func(string)
	rest []byte
}

// longest is the longest line that is kept together.
const longest = 1 << 20

func (l *lines) Write(b []byte) (int, error) {
	l.rest = append(l.rest, b...)
	for {
		line, rest, ok := bytes.Cut(l.rest, []byte("\n"))
		if !ok && len(l.rest) < longest {
			return len(b), nil
		}
		if !ok {
			line, rest = l.rest, nil
		}
		l.say(string(bytes.TrimSuffix(line, []byte("\r"))))
		l.rest = rest
	}
}

func (l *lines) flush() {
	if len(l.rest) > 0 {
		l.say(string(l.rest))
		l.rest = nil
	}
}
