//go:build linux

package dockertest

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/moby/moby/client"
)

const upWithin = 60 * time.Second

// Daemon is an engine of a test's own, which the test may kill.
type Daemon struct {
	Host string

	t    testing.TB
	dir  string
	args []string
	cmd  *exec.Cmd
	out  bytes.Buffer
}

// Start starts an engine with more arguments for dockerd. It needs root and
// dockerd, else the test is skipped. At the test's end it is ended.
func Start(t testing.TB, args ...string) *Daemon {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("an engine of the test's own needs root")
	}
	if _, err := exec.LookPath("dockerd"); err != nil {
		t.Skipf("no dockerd (Debian: apt-get install --no-install-recommends docker.io iptables): %v", err)
	}
	// Not t.TempDir: its long path does not fit a socket's name.
	dir, err := os.MkdirTemp("", "hearth-engine") //nolint:usetesting // see above
	if err != nil {
		t.Fatal(err)
	}
	d := &Daemon{Host: "unix://" + filepath.Join(dir, "docker.sock"), t: t, dir: dir, args: args}
	t.Cleanup(func() {
		d.end(syscall.SIGTERM)
		d.unmount()
		if err := os.RemoveAll(dir); err != nil {
			t.Logf("engine's folder not removed: %v", err)
		}
	})
	d.Restart()
	return d
}

// Kill ends the engine at once. What it runs goes on.
func (d *Daemon) Kill() {
	d.t.Helper()
	d.end(syscall.SIGKILL)
	// Its containerd dies with it. Where nobody waits for orphans the number
	// stays taken, and the next engine would wait for a dead one.
	path := filepath.Join(d.dir, "exec", "containerd", "containerd.pid")
	b, err := os.ReadFile(path) //nolint:gosec // in the folder made above
	if err != nil {
		d.t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(b)))
	if err != nil {
		d.t.Fatal(err)
	}
	_ = syscall.Kill(pid, syscall.SIGKILL) // most likely it is gone
	if err := os.Remove(path); err != nil {
		d.t.Fatal(err)
	}
}

func (d *Daemon) end(sig syscall.Signal) {
	if d.cmd == nil {
		return
	}
	if err := d.cmd.Process.Signal(sig); err != nil {
		d.t.Errorf("end dockerd: %v", err)
	}
	_ = d.cmd.Wait() // by the signal
	d.cmd = nil
}

// unmount takes off what an engine that was killed left mounted in its folder.
func (d *Daemon) unmount() {
	b, err := os.ReadFile("/proc/mounts")
	if err != nil {
		d.t.Error(err)
		return
	}
	lines := strings.Split(string(b), "\n")
	for _, line := range slices.Backward(lines) { // the last one on top
		if f := strings.Fields(line); len(f) > 1 && strings.HasPrefix(f[1], d.dir+"/") {
			if err := syscall.Unmount(f[1], syscall.MNT_DETACH); err != nil {
				d.t.Logf("unmount %s: %v", f[1], err)
			}
		}
	}
}

// Restart starts the engine again, after a Kill.
func (d *Daemon) Restart() {
	d.t.Helper()
	args := append([]string{
		"--data-root", filepath.Join(d.dir, "data"), "--exec-root", filepath.Join(d.dir, "exec"),
		"--pidfile", filepath.Join(d.dir, "pid"), "--host", d.Host,
		"--bridge=none", "--iptables=false", "--ip6tables=false",
	}, d.args...)
	if err := os.RemoveAll(filepath.Join(d.dir, "pid")); err != nil { // of one that was killed
		d.t.Fatal(err)
	}
	d.cmd = exec.CommandContext(context.Background(), "dockerd", args...) //nolint:gosec // the test's own arguments
	// A network of its own: without a bridge dockerd deletes docker0, which is
	// another engine's.
	d.cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	d.cmd.Stdout, d.cmd.Stderr = &d.out, &d.out
	if err := d.cmd.Start(); err != nil {
		d.t.Fatal(err)
	}
	api := Client(d.t, d.Host)
	ctx, cancel := context.WithTimeout(context.Background(), upWithin)
	defer cancel()
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	for {
		if _, err := api.Ping(ctx, client.PingOptions{}); err == nil {
			return
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			d.end(syscall.SIGTERM)
			d.t.Fatalf("dockerd did not come up in %v:\n%s", upWithin, d.out.Bytes())
		}
	}
}
