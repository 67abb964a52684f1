package docker

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// process is a process of the container as this machine sees it. It stays the
// same one when its number is given to another.
type process struct {
	pid int
	fd  *os.File // pidfd: readable when the process has ended (pidfd_open(2))
}

// openProcess takes hold of a process that is in the container.
func openProcess(pid int, container string) (*process, error) {
	if pid <= 0 {
		return nil, errNoProcess
	}
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return nil, fmt.Errorf("open process %d: %w", pid, err)
	}
	// Without it the runtime would block a thread on each wait.
	if err := unix.SetNonblock(fd, true); err != nil {
		return nil, errors.Join(fmt.Errorf("open process %d: %w", pid, err), unix.Close(fd))
	}
	p := &process{pid: pid, fd: os.NewFile(uintptr(fd), "pidfd")}
	// Looked at after it is held: the number can't be another's now, unless it
	// was already, and then it is in no such group.
	if !inContainer(pid, container) {
		return nil, errors.Join(errNoProcess, p.close())
	}
	return p, nil
}

// inContainer: an engine names a container's control group after it, under
// every driver and version of them.
func inContainer(pid int, container string) bool {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/cgroup", pid))
	return err == nil && strings.Contains(string(b), container)
}

// findProcess takes hold of the game's process in the container.
// errNoProcess if there is none on this machine.
func findProcess(container string) (*process, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, fmt.Errorf("find game's process: %w", err)
	}
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil || !isGame(pid) {
			continue
		}
		if p, err := openProcess(pid, container); !errors.Is(err, errNoProcess) && !errors.Is(err, unix.ESRCH) {
			return p, err
		}
	}
	return nil, errNoProcess
}

// isGame looks at a process's first argument, which is the program's path. One
// that has ended and was not waited for has none.
func isGame(pid int) bool {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	if err != nil {
		return false
	}
	program, _, _ := strings.Cut(string(b), "\x00")
	return strings.HasPrefix(filepath.Base(program), gameProgram)
}

// wait returns when the process has ended, or with ctx's error.
func (p *process) wait(ctx context.Context) error {
	conn, err := p.fd.SyscallConn()
	if err != nil {
		return fmt.Errorf("wait for process %d: %w", p.pid, err)
	}
	stop := context.AfterFunc(ctx, func() { _ = p.fd.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	err = conn.Read(func(fd uintptr) bool {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 0) //nolint:gosec // a file descriptor fits
		return err == nil && n > 0
	})
	if ctx.Err() != nil {
		return fmt.Errorf("wait for process %d: %w", p.pid, ctx.Err())
	}
	if err != nil {
		return fmt.Errorf("wait for process %d: %w", p.pid, err)
	}
	return nil
}

func (p *process) interrupt() error { return p.signal(unix.SIGINT) }
func (p *process) terminate() error { return p.signal(unix.SIGTERM) }
func (p *process) kill() error      { return p.signal(unix.SIGKILL) }

// signal: to a process that has ended is no error.
func (p *process) signal(s unix.Signal) error {
	conn, err := p.fd.SyscallConn()
	if err != nil {
		return fmt.Errorf("signal process %d: %w", p.pid, err)
	}
	var failed error
	if err := conn.Control(func(fd uintptr) { failed = unix.PidfdSendSignal(int(fd), s, nil, 0) }); err != nil {
		return fmt.Errorf("signal process %d: %w", p.pid, err)
	}
	if failed != nil && !errors.Is(failed, unix.ESRCH) {
		return fmt.Errorf("signal process %d: %w", p.pid, failed)
	}
	return nil
}

// resident is the memory that it holds, in bytes: the second number of statm
// counts pages (proc(5)).
func (p *process) resident() (int64, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", p.pid))
	if err != nil {
		return 0, fmt.Errorf("measure process %d: %w", p.pid, err)
	}
	var total, pages int64
	if _, err := fmt.Sscan(string(b), &total, &pages); err != nil {
		return 0, fmt.Errorf("measure process %d: %w", p.pid, err)
	}
	return pages * int64(os.Getpagesize()), nil
}

func (p *process) close() error { return p.fd.Close() }
