//go:build unix

package simgame

import (
	"os/signal"
	"syscall"
)

// keepWriting lets a write to a log that nobody reads fail, instead of ending
// the process: a game whose parent is gone still has its world to save.
func keepWriting() { signal.Ignore(syscall.SIGPIPE) }
