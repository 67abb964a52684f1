//go:build !linux

package docker

import "context"

// process is a process of the container as this machine sees it. Here the
// engine runs in a machine of its own, so there is none.
type process struct{}

func openProcess(int, string) (*process, error) { return nil, errNoProcess }

func findProcess(string) (*process, error) { return nil, errNoProcess }

func (*process) wait(context.Context) error { return errNoProcess }
func (*process) interrupt() error           { return errNoProcess }
func (*process) terminate() error           { return errNoProcess }
func (*process) kill() error                { return errNoProcess }
func (*process) resident() (int64, error)   { return 0, errNoProcess }
func (*process) close() error               { return nil }
