package program

import "os/exec"

// apart lets the console's Ctrl-C end the program: no other process can
// interrupt it. What does not end by itself is killed after its grace.
func apart(cmd *exec.Cmd) { cmd.Cancel = func() error { return nil } }
