package process

import "syscall"

// childAttributes: a process group of its own, so that Ctrl-C in a terminal
// reaches only the parent, and an interrupt if the parent is killed, so that
// the game saves and ends instead of living on.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGINT}
}
