//go:build !unix

package simgame

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"
)

// interrupt asks the game to save and end. Where processes have no signals,
// the end of its input says the same.
func (s *server) interrupt() error {
	s.writing.Lock()
	defer s.writing.Unlock()
	if err := s.stdin.Close(); err != nil && !errors.Is(err, fs.ErrClosed) {
		return fmt.Errorf("close game input: %w", err)
	}
	return nil
}

func isBrokenPipe(error) bool { return false }

func childAttributes() *syscall.SysProcAttr { return nil }
