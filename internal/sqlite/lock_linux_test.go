package sqlite_test

import (
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"

	"hearth/internal/sqlite"
)

// TestLockIsGivenUpAtOnce: whoever starts a program has, between fork and exec,
// a child with all open files, and the lock is free all the same.
func TestLockIsGivenUpAtOnce(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "lock")
	release, err := sqlite.Lock(path)
	if err != nil {
		t.Fatal(err)
	}
	child, err := syscall.Dup(descriptor(t, path))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := syscall.Close(child); err != nil {
			t.Error(err)
		}
	}()
	if err := release(); err != nil {
		t.Fatal(err)
	}
	again, err := sqlite.Lock(path)
	if err != nil {
		t.Fatalf("after the release: %v", err)
	}
	if err := again(); err != nil {
		t.Error(err)
	}
}

// descriptor finds this process's descriptor of an open file.
func descriptor(t *testing.T, path string) int {
	t.Helper()
	const all = "/proc/self/fd"
	entries, err := os.ReadDir(all)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if to, err := os.Readlink(filepath.Join(all, e.Name())); err == nil && to == path {
			fd, err := strconv.Atoi(e.Name())
			if err != nil {
				t.Fatal(err)
			}
			return fd
		}
	}
	t.Fatalf("no descriptor of %s", path)
	return -1
}
