package worker

import "syscall"

// attributes: a process group of its own, so that Ctrl-C in a terminal reaches
// only the host, and an end with the host's.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
