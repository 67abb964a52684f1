// Package program runs other programs for a person who waits: each run is
// bounded, kept in a log, and ended in order when the person breaks it off.
//
// Programs are found on the path and started without a shell. What they are given
// and what they say goes to the log, unless it is marked as private. On Unix a
// program is in a process group of its own, so that Ctrl-C reaches it once, from
// here: Terraform takes a second interrupt for leave to forget what it made. On
// Windows the console's own Ctrl-C is all that reaches it.
package program

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"
)

// DefaultWithin bounds a command that says nothing else.
const DefaultWithin = 2 * time.Minute

// defaultGrace is how long a program may take to end when it is asked to.
const defaultGrace = 10 * time.Second

// Runner runs programs. It is not safe for concurrent use.
type Runner struct {
	// Look finds a program; nil: on the path.
	Look func(name string) (path string, err error)
	Log  io.Writer // nil: nowhere
}

// Command is one run of a program.
type Command struct {
	Name   string
	Args   []string
	Dir    string        // empty: this process's
	Env    []string      // NAME=VALUE, beside this process's
	Within time.Duration // 0: DefaultWithin
	// Grace is how long it may take to end when it is interrupted; 0: some
	// seconds. Then it is killed.
	Grace time.Duration
	// Private output is a secret and no matter for the log.
	Private bool
	// Line, if set, is given each line of standard output as it comes.
	Line func(string)
}

// String is what a person would type.
func (c Command) String() string { return strings.Join(append([]string{c.Name}, c.Args...), " ") }

// Output is what a program that ended well said.
type Output struct{ Stdout, Stderr string }

// Why a program did not end well, for errors.Is.
var (
	ErrMissing   = errors.New("it is not on the path")
	ErrLate      = errors.New("it takes too long")
	ErrBrokenOff = errors.New("it was broken off")
)

// Error tells of a program that did not end well.
type Error struct {
	Command Command
	Code    int // the exit code; -1: it had none
	Output  Output
	Err     error // ErrMissing, ErrLate, ErrBrokenOff, or the system's; nil: Code says it
}

// Error implements error. It holds nothing of what the program said.
func (e *Error) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("run %s: %v", e.Command.Name, e.Err)
	}
	return fmt.Sprintf("run %s: exit code %d", e.Command.Name, e.Code)
}

// Unwrap returns Err.
func (e *Error) Unwrap() error { return e.Err }

// Says is what it said, errors first.
func (e *Error) Says() string { return e.Output.Stderr + "\n" + e.Output.Stdout }

// Run runs a program to its end. Any exit code but 0 is an *Error.
func (r *Runner) Run(ctx context.Context, c Command) (Output, error) {
	look := r.Look
	if look == nil {
		look = exec.LookPath
	}
	path, err := look(c.Name)
	if err != nil {
		return Output{}, &Error{Command: c, Code: -1, Err: ErrMissing}
	}
	if c.Within <= 0 {
		c.Within = DefaultWithin
	}
	if c.Grace <= 0 {
		c.Grace = defaultGrace
	}
	bounded, cancel := context.WithTimeout(ctx, c.Within)
	defer cancel()
	cmd := exec.CommandContext(bounded, path, c.Args...) //nolint:gosec // programs and arguments of our own making
	cmd.Dir, cmd.Env, cmd.WaitDelay = c.Dir, append(os.Environ(), c.Env...), c.Grace
	apart(cmd)
	var stderr bytes.Buffer
	stdout := &lines{each: c.Line}
	cmd.Stdout, cmd.Stderr = stdout, &stderr
	r.log("$ %s\n", c)
	err = cmd.Run()
	stdout.end()
	out := Output{Stdout: stdout.all.String(), Stderr: stderr.String()}
	if !c.Private {
		r.log("%s%s", out.Stdout, out.Stderr)
	}
	exit, exited := errors.AsType[*exec.ExitError](err)
	failed := &Error{Command: c, Code: -1, Output: out, Err: err}
	switch {
	case err == nil:
		return out, nil
	case ctx.Err() != nil:
		failed.Err = ErrBrokenOff
	case bounded.Err() != nil:
		failed.Err = ErrLate
	case exited && exit.ExitCode() >= 0:
		failed.Code, failed.Err = exit.ExitCode(), nil
	}
	r.log("%s\n", failed)
	return out, failed
}

func (r *Runner) log(format string, args ...any) {
	if r.Log != nil {
		_, _ = fmt.Fprintf(r.Log, format, args...) // the work goes on without a log
	}
}

// lines keeps what is written, and hands it on by lines.
type lines struct {
	each func(string)

	mu   sync.Mutex // guards what follows
	all  bytes.Buffer
	rest []byte
}

// Write implements io.Writer.
func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all.Write(b)
	if l.each == nil {
		return len(b), nil
	}
	l.rest = append(l.rest, b...)
	for {
		line, rest, ok := bytes.Cut(l.rest, []byte("\n"))
		if !ok {
			return len(b), nil
		}
		l.rest = rest
		l.each(strings.TrimRight(string(line), "\r"))
	}
}

func (l *lines) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.each != nil && len(l.rest) > 0 {
		l.each(string(l.rest))
		l.rest = nil
	}
}
