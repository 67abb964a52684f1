package docker_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/containerd/errdefs"
	"github.com/google/go-cmp/cmp"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"

	"hearth/internal/clock"
	"hearth/internal/docker"
	"hearth/internal/docker/dockertest"
	"hearth/internal/sim/simgame"
	"hearth/internal/sim/simgame/supervisor"
	"hearth/internal/world"
)

const patience = 30 * time.Second

// log is what a Game logs; tests read it while it is written.
type log struct {
	mu  sync.Mutex // guards buf
	buf bytes.Buffer
}

func (l *log) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(b)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// rig is an engine with the pretend server's image, and folders.
type rig struct {
	t    *testing.T
	host string
	o    docker.Options
	api  *client.Client
	log  *log
}

// fast: a game that is up at once and saves in a tenth of the time.
func fast() map[string]string { return map[string]string{supervisor.SpeedVariable: "10"} }

func newRig(t *testing.T) *rig {
	t.Helper()
	return rigAt(t, dockertest.Engine(t))
}

func rigAt(t *testing.T, host string) *rig {
	t.Helper()
	dir := t.TempDir()
	l := &log{}
	r := &rig{t: t, host: host, api: dockertest.Client(t, host), log: l, o: docker.Options{
		Host: host, Image: dockertest.Server(t, host), World: name(t), WorldName: "Midgard", ServerName: "The Hall",
		Password: "yggdrasil", Port: freePort(t), ConfigDir: filepath.Join(dir, "config"), InstallDir: filepath.Join(dir, "valheim"),
		Environment: fast(), Clock: clock.NewScaled(4, time.Now()), Log: slog.New(slog.NewTextHandler(l, nil)),
	}}
	for _, d := range []string{r.o.ConfigDir, r.o.InstallDir} {
		if err := os.Mkdir(d, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		_, _ = r.api.ContainerRemove(ctx, "hearth-"+r.o.World, client.ContainerRemoveOptions{Force: true}) // it may be gone
		if t.Failed() {
			t.Logf("the game's log:\n%s", l)
		}
	})
	return r
}

// name is a world's id for the test.
func name(t *testing.T) string {
	return fmt.Sprintf("t%x", time.Now().UnixNano()) + strings.ToLower(strings.Map(func(c rune) rune {
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' {
			return c
		}
		return -1
	}, t.Name()))[:8]
}

// freePort is a UDP port that nobody has, most likely with the one above.
func freePort(t *testing.T) int {
	t.Helper()
	conn, err := net.ListenUDP("udp", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
	}()
	return conn.LocalAddr().(*net.UDPAddr).Port &^ 1
}

// game is a Game of the rig's options. It is closed at the test's end.
func (r *rig) game() *docker.Game {
	r.t.Helper()
	g, err := docker.New(r.o)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() {
		if err := g.Close(); err != nil {
			r.t.Error(err)
		}
	})
	return g
}

func noted(world.Step) {}

// start starts the server.
func (r *rig) start(g *docker.Game) *running {
	r.t.Helper()
	s, err := g.Start(r.t.Context(), noted)
	if err != nil {
		r.t.Fatal(err)
	}
	return &running{Server: s, r: r}
}

// running is a server, line by line.
type running struct {
	world.Server
	r    *rig
	rest []world.Line
}

// next is the next line; false when the log has ended.
func (s *running) next() (world.Line, bool) {
	s.r.t.Helper()
	if len(s.rest) == 0 {
		select {
		case s.rest = <-s.Lines():
		case <-time.After(patience):
			s.r.t.Fatalf("no line in %v", patience)
		}
	}
	if len(s.rest) == 0 {
		return world.Line{}, false
	}
	l := s.rest[0]
	s.rest = s.rest[1:]
	return l, true
}

// until reads up to the first line that has the text.
func (s *running) until(text string) world.Line {
	s.r.t.Helper()
	for {
		l, ok := s.next()
		if !ok {
			s.r.t.Fatalf("the log ended before %q", text)
		}
		if strings.Contains(l.Text, text) {
			return l
		}
	}
}

// all reads to the log's end.
func (s *running) all() []string {
	s.r.t.Helper()
	var texts []string
	for l, ok := s.next(); ok; l, ok = s.next() {
		texts = append(texts, l.Text)
	}
	return texts
}

// doneWithin waits for Done and returns how long it took.
func (s *running) doneWithin(d time.Duration) time.Duration {
	s.r.t.Helper()
	begun := time.Now()
	select {
	case <-s.Done():
	case <-time.After(d):
		s.r.t.Fatalf("not done in %v", d)
	}
	return time.Since(begun)
}

func is(ch <-chan struct{}) bool {
	select {
	case <-ch:
		return true
	default:
		return false
	}
}

// tell runs supervisorctl in the container.
func (r *rig) tell(words ...string) {
	r.t.Helper()
	made, err := r.api.ExecCreate(r.t.Context(), "hearth-"+r.o.World, client.ExecCreateOptions{
		Cmd: append([]string{"supervisorctl"}, words...), AttachStdout: true, AttachStderr: true,
	})
	if err != nil {
		r.t.Fatal(err)
	}
	at, err := r.api.ExecAttach(r.t.Context(), made.ID, client.ExecAttachOptions{})
	if err != nil {
		r.t.Fatal(err)
	}
	defer at.Close()
	out, _ := io.ReadAll(at.Reader) // to its end
	got, err := r.api.ExecInspect(r.t.Context(), made.ID, client.ExecInspectOptions{})
	if err != nil || got.ExitCode != 0 {
		r.t.Fatalf("supervisorctl %q: exit %d, %v, %q", words, got.ExitCode, err, out)
	}
}

// flood makes the game print n lines.
func (r *rig) flood(n int) {
	r.t.Helper()
	r.tell("flood", strconv.Itoa(n))
}

// state is what the engine says of the container's state; empty: gone.
func (r *rig) state() container.ContainerState {
	r.t.Helper()
	c, err := r.api.ContainerInspect(r.t.Context(), "hearth-"+r.o.World, client.ContainerInspectOptions{})
	if errdefs.IsNotFound(err) {
		return ""
	}
	if err != nil {
		r.t.Fatal(err)
	}
	return c.Container.State.Status
}

const (
	opened = "Opened Steam server"
	saved  = "World save (5/5) done"
)

// TestEvening: a game starts, saves when it is told to stop, is gone as soon as
// it has saved, and its container after it.
func TestEvening(t *testing.T) {
	r := newRig(t)
	r.o.Clock = clock.System{}
	g := r.game()
	var steps []world.Step
	srv, err := g.Start(t.Context(), func(step world.Step) { steps = append(steps, step) })
	if err != nil {
		t.Fatal(err)
	}
	s := &running{Server: srv, r: r}
	if diff := cmp.Diff([]world.Step{world.StepImage, world.StepContainer}, steps); diff != "" {
		t.Errorf("steps (-want +got):\n%s", diff)
	}
	s.until("Downloading/updating/validating")
	s.until(opened)
	if _, err := g.Start(t.Context(), noted); !errors.Is(err, docker.ErrRunning) {
		t.Errorf("second start: %v, want ErrRunning", err)
	}
	if n, err := s.Memory(t.Context()); err != nil || n < 1<<20 || n > 1<<30 {
		t.Errorf("memory: %d bytes, %v", n, err)
	}
	r.tell("tell", "join Astrid")
	s.until("Astrid")

	asked := time.Now()
	if err := s.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(asked); took > time.Second {
		t.Errorf("Stop took %v: it is to ask, not to wait", took)
	}
	s.until(saved)
	lag := s.doneWithin(2 * time.Second)
	t.Logf("done %v after the save's line, %v after the stop", lag, time.Since(asked))
	if lag > 500*time.Millisecond {
		t.Errorf("done %v after the save: the supervisor's look was waited for", lag)
	}
	s.all()
	t.Logf("log's end %v after the stop", time.Since(asked))
	if got := r.state(); got != container.StateExited {
		t.Errorf("container is %s after the log's end, want exited", got)
	}
	if w, err := simgame.ReadWorld(filepath.Join(r.o.ConfigDir, "worlds_local"), "Midgard"); err != nil || w.Saves != 1 {
		t.Errorf("got %+v, %v; want save 1", w, err)
	}
	if err := errors.Join(s.Stop(t.Context()), s.Kill()); err != nil {
		t.Errorf("stopping what is gone: %v", err)
	}
	if strings.Contains(r.log.String(), "yggdrasil") {
		t.Errorf("the password is in the log:\n%s", r.log)
	}
	again := r.start(g) // the last one is forgotten
	if again.ID() == s.ID() {
		t.Error("two starts, one id")
	}
	again.until(opened)
}
