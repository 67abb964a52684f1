//go:build unix && !linux

package worker

import "syscall"

// attributes: a process group of its own, so that Ctrl-C in a terminal reaches
// only the host.
func attributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
