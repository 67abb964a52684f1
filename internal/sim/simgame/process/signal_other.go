//go:build !unix

package process

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

// keepWriting: a write to a log that nobody reads fails without ending the
// process here.
func keepWriting() {}

func childAttributes() *syscall.SysProcAttr { return nil }
