//go:build unix && !linux

package process

import "syscall"

// childAttributes: a process group of its own, so that Ctrl-C in a terminal
// reaches only the parent. That the parent is gone the game learns from the
// end of its input.
func childAttributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
