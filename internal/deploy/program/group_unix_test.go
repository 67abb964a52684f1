//go:build unix

package program_test

import "syscall"

// leadsItsGroup tells whether this process is in a group of its own.
func leadsItsGroup() bool { return syscall.Getpgrp() == syscall.Getpid() }
