package sqlite

import (
	"errors"
	"fmt"
	"sync"
	"syscall"
)

// fileLock is a lock that the operating system drops when the process dies.
type fileLock struct {
	release func() error // gives the lock up, once
}

// sharingViolation is ERROR_SHARING_VIOLATION, which package syscall lacks.
const sharingViolation syscall.Errno = 32

// lockFile takes the lock; ErrInUse if somebody has it. Windows has no
// flock: a file opened with no sharing can't be opened again, by this process
// or another, until its handle is closed.
func lockFile(path string) (*fileLock, error) {
	name, err := syscall.UTF16PtrFromString(path)
	if err != nil {
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	h, err := syscall.CreateFile(name, syscall.GENERIC_READ|syscall.GENERIC_WRITE, 0, nil,
		syscall.OPEN_ALWAYS, syscall.FILE_ATTRIBUTE_NORMAL, 0)
	switch {
	case errors.Is(err, sharingViolation):
		return nil, fmt.Errorf("%w: stop that one first", ErrInUse)
	case err != nil:
		return nil, fmt.Errorf("lock %s: %w: give Hearth's user the right to write the folder", path, err)
	}
	return &fileLock{release: sync.OnceValue(func() error { return syscall.CloseHandle(h) })}, nil
}
