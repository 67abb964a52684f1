//go:build unix

package process

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

// interrupt asks the game to save and end.
func (s *server) interrupt() error {
	if err := s.cmd.Process.Signal(os.Interrupt); err != nil {
		return fmt.Errorf("signal game: %w", err)
	}
	return nil
}

func isBrokenPipe(err error) bool { return errors.Is(err, syscall.EPIPE) }

// keepWriting lets a write to a log that nobody reads fail, instead of ending
// the process: a game whose parent is gone still has its world to save.
func keepWriting() { signal.Ignore(syscall.SIGPIPE) }
