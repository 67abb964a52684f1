package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// bootID names this life of the machine.
func bootID() (string, error) {
	b, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return "", fmt.Errorf("learn this boot's id: %w", err)
	}
	return strings.TrimSpace(string(b)), nil
}

// free is how many bytes an ordinary user may still write below the folder, or
// below its nearest parent that exists.
func free(folder string) (bytes uint64, err error) {
	for {
		var s unix.Statfs_t
		err := unix.Statfs(folder, &s)
		if err == nil {
			return s.Bavail * uint64(s.Bsize), nil //nolint:gosec // a block has no negative size
		}
		parent := filepath.Dir(folder)
		if !errors.Is(err, unix.ENOENT) || parent == folder {
			return 0, fmt.Errorf("ask for free space at %s: %w", folder, err)
		}
		folder = parent
	}
}

// clockSynced tells whether the kernel's clock is kept right by NTP
// (adjtimex(2): STA_UNSYNC, and TIME_ERROR as its return value).
func clockSynced() (bool, error) {
	var t unix.Timex
	state, err := unix.Adjtimex(&t)
	if err != nil {
		return false, fmt.Errorf("ask for the clock's state: %w", err)
	}
	return state != unix.TIME_ERROR && t.Status&unix.STA_UNSYNC == 0, nil
}
