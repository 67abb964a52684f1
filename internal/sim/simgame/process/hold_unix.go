//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package process

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// holdDir waits until no other game has the directory, and keeps it until
// release: one whose parent was killed may still be saving, and slower than the
// next one loads. The operating system lets go when the process ends.
func holdDir(dir string) (release func() error, err error) {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, fmt.Errorf("make world directory: %w", err)
	}
	f, err := os.Open(dir) //nolint:gosec // the world's own directory
	if err != nil {
		return nil, fmt.Errorf("hold world directory: %w", err)
	}
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX)
		if errors.Is(err, syscall.EINTR) {
			continue
		}
		if err != nil {
			return nil, errors.Join(fmt.Errorf("hold world directory: %w", err), f.Close())
		}
		return f.Close, nil
	}
}
