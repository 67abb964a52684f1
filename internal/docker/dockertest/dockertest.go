// Package dockertest gives tests what they need of a real Docker engine: the
// engine, an image of the pretend server, and engines of their own that they
// may kill. No registry is asked for anything.
package dockertest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/moby/moby/client"
)

const (
	answerWithin = 5 * time.Second
	buildWithin  = 5 * time.Minute
	pid1         = "hearth/internal/sim/simgame/supervisor/pid1"
)

// Engine is the address of the engine that the tests use: DOCKER_HOST's, or the
// system's socket. Without one the test is skipped, which in CI counts as
// failed.
func Engine(t testing.TB) string {
	t.Helper()
	api := Client(t, "")
	ctx, cancel := context.WithTimeout(t.Context(), answerWithin)
	defer cancel()
	if _, err := api.Ping(ctx, client.PingOptions{}); err != nil {
		t.Skipf("no Docker engine at %s: start one and set DOCKER_HOST if it is not the system's "+
			"(Debian: apt-get install --no-install-recommends docker.io iptables, then dockerd as root): %v", api.DaemonHost(), err)
	}
	return api.DaemonHost()
}

// Client talks to the engine at host; empty: the one that Engine finds.
func Client(t testing.TB, host string) *client.Client {
	t.Helper()
	opts := []client.Opt{client.FromEnv}
	if host != "" {
		opts = append(opts, client.WithHost(host))
	}
	api, err := client.New(opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := api.Close(); err != nil {
			t.Error(err)
		}
	})
	return api
}

// Server is the image of the pretend server, loaded into the engine at host if
// it is not there: one static program, nothing else.
func Server(t testing.TB, host string) string {
	t.Helper()
	return install(t, host, serverName, serverLinks())
}

// Mute is Server without supervisorctl: it can't be asked to stop.
func Mute(t testing.TB, host string) string {
	t.Helper()
	return install(t, host, "hearth-test/mute-server", nil)
}

// ServerArchive is the image of Server for an engine elsewhere, as `docker load`
// takes it, and its name there.
func ServerArchive() (ref string, archive []byte, err error) {
	program, err := program()
	if err != nil {
		return "", nil, fmt.Errorf("build the pretend server: %w", err)
	}
	return pack(serverName, program, serverLinks())
}

const serverName = "hearth-test/valheim-server"

func serverLinks() map[string]string {
	return map[string]string{"usr/local/bin/supervisorctl": "/pid1"}
}

// program builds the program once a process. Go's build cache makes the next
// process quick.
var program = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "hearth-pid1")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }() // in the system's own for such
	ctx, cancel := context.WithTimeout(context.Background(), buildWithin)
	defer cancel()
	out := filepath.Join(dir, "pid1")
	cmd := exec.CommandContext(ctx, "go", "build", "-ldflags", "-s -w", "-o", out, pid1) //nolint:gosec // a constant and a folder of our own
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOFLAGS=")
	if b, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%w: %s", err, b)
	}
	return os.ReadFile(out) //nolint:gosec // the folder made above
})

func install(t testing.TB, host, name string, links map[string]string) string {
	t.Helper()
	program, err := program()
	if err != nil {
		t.Fatalf("build the pretend server: %v", err)
	}
	ref, archive, err := pack(name, program, links)
	if err != nil {
		t.Fatal(err)
	}
	api := Client(t, host)
	ctx, cancel := context.WithTimeout(t.Context(), buildWithin)
	defer cancel()
	if _, err := api.ImageInspect(ctx, ref); err == nil {
		return ref
	}
	r, err := api.ImageLoad(ctx, bytes.NewReader(archive))
	if err != nil {
		t.Fatalf("load image: %v", err)
	}
	answer, err := io.ReadAll(r)
	if err := errors.Join(err, r.Close()); err != nil || !strings.Contains(string(answer), ref) {
		t.Fatalf("load image: %v %s", err, answer)
	}
	return ref
}
