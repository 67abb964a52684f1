//go:build unix

package program

import (
	"os"
	"os/exec"
	"syscall"
)

// apart puts the program into a process group of its own, and has it interrupted
// rather than killed.
func apart(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
}
