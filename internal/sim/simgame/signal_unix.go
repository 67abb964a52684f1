//go:build unix

package simgame

import (
	"errors"
	"fmt"
	"os"
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
