package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"hearth/internal/valheim/explain"
)

type explainCommand struct {
	JSON bool   `help:"One JSON document for programs. It has the players' accounts."`
	File string `arg:"" optional:"" help:"Log of a Valheim dedicated server, or - for standard input." placeholder:"FILE"`
}

// Run reads a log and says what it means.
func (c explainCommand) Run(e *env) error {
	tell := explain.Words
	if c.JSON {
		tell = explain.JSON
	}
	if c.File == "" && isTerminal(e.stdin) {
		return errors.New("which log? hearth explain FILE, or pipe it in: docker logs -f valheim 2>&1 | hearth explain")
	}
	if c.File == "" || c.File == "-" {
		return named("standard input", untilDone(e.ctx, func() error { return tell(e.stdin, e.stdout) }))
	}
	f, err := os.Open(c.File)
	if err != nil {
		if errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("there is no %s: name the file that holds the server's log", c.File)
		}
		return err
	}
	defer f.Close() //nolint:errcheck // only read
	if info, err := f.Stat(); err == nil && info.IsDir() {
		return named(c.File, explain.ErrDirectory)
	}
	return named(c.File, tell(f, e.stdout))
}

// named puts the log's name before what is wrong with it.
func named(log string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", log, err)
}

// untilDone does not wait for a keyboard or a pipe that stays silent when the
// program is asked to end.
func untilDone(ctx context.Context, do func() error) error {
	done := make(chan error, 1)
	go func() { done <- do() }() // ends with the program at the latest
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return errors.New("interrupted")
	}
}

func isTerminal(in io.Reader) bool {
	f, ok := in.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
