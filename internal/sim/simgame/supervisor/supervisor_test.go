//go:build unix

package supervisor_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hearth/internal/clock"
	"hearth/internal/sim/simgame"
	"hearth/internal/sim/simgame/process"
	"hearth/internal/sim/simgame/supervisor"
	"hearth/internal/valheim"
)

// TestMain lets the test binary be the game, by the name it is started under.
func TestMain(m *testing.M) {
	if os.Args[0] == supervisor.GameProgram {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
		code := process.Main(ctx, os.Args[1:], os.Getenv, os.Stdin, os.Stdout, os.Stderr)
		stop()
		os.Exit(code)
	}
	os.Exit(m.Run())
}

const patience = 20 * time.Second

// container is a supervisor with its world.
type container struct {
	t       *testing.T
	socket  string
	worlds  string
	signals chan os.Signal
	ended   chan error

	mu   sync.Mutex // guards what follows
	log  bytes.Buffer
	news chan struct{} // closed with every write
	read int           // lines that until has read
}

func (c *container) Write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	close(c.news)
	c.news = make(chan struct{})
	return c.log.Write(b)
}

// up starts a supervisor whose clock runs ten times as fast as life.
func up(t *testing.T, variables map[string]string) *container {
	t.Helper()
	return upAt(t, 10, variables)
}

func upAt(t *testing.T, speed float64, variables map[string]string) *container {
	t.Helper()
	dir := t.TempDir()
	c := &container{
		t: t, socket: filepath.Join(dir, "sock"), worlds: filepath.Join(dir, "worlds_local"),
		signals: make(chan os.Signal, 1), ended: make(chan error, 1), news: make(chan struct{}),
	}
	getenv := func(key string) string {
		if value, ok := variables[key]; ok {
			return value
		}
		return map[string]string{
			"SERVER_NAME": "The Hall", "WORLD_NAME": "Midgard", "SERVER_PASS": "yggdrasil", "SERVER_PORT": "2456",
			"SERVER_PUBLIC": "false", "SERVER_ARGS": "-saveinterval 600", supervisor.SpeedVariable: "30",
		}[key]
	}
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		c.ended <- supervisor.Run(ctx, supervisor.Options{
			Game: os.Args[0], Socket: c.socket, Worlds: c.worlds, Getenv: getenv, Out: c, Clock: clock.NewScaled(speed, time.Now()),
		}, c.signals)
	}()
	t.Cleanup(func() {
		cancel()
		select {
		case err := <-c.ended:
			if err != nil && !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
		case <-time.After(patience):
			t.Error("the supervisor does not end")
		}
		if t.Failed() {
			t.Logf("log:\n%s", c.lines())
		}
	})
	return c
}

func (c *container) lines() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.log.String()
}

// until reads on up to the first line that has the text.
func (c *container) until(text string) string {
	c.t.Helper()
	timeout := time.After(patience)
	for {
		c.mu.Lock()
		news := c.news
		c.mu.Unlock()
		lines := strings.Split(c.lines(), "\n")
		for c.read < len(lines)-1 {
			line := lines[c.read]
			c.read++
			if strings.Contains(line, text) {
				return line
			}
		}
		select {
		case <-news:
		case <-timeout:
			c.t.Fatalf("no line with %q in %v", text, patience)
		}
	}
}

// ctl runs supervisorctl.
func (c *container) ctl(words ...string) (code int, out string) {
	c.t.Helper()
	var stdout, stderr bytes.Buffer
	ctx, cancel := context.WithTimeout(c.t.Context(), patience)
	defer cancel()
	code = supervisor.Ctl(ctx, c.socket, words, &stdout, &stderr)
	return code, stdout.String() + stderr.String()
}

func (c *container) pid() int {
	c.t.Helper()
	found := regexp.MustCompile(`Shutting down Valheim server with PID (\d+)`).FindStringSubmatch(c.lines())
	if found == nil {
		c.t.Fatal("no process was named")
	}
	n, _ := strconv.Atoi(found[1])
	return n
}

// kinds are what the log so far means.
func (c *container) kinds() []valheim.Kind {
	r := valheim.NewReader()
	var kinds []valheim.Kind
	for line := range strings.Lines(c.lines()) {
		for _, h := range r.Read(strings.TrimSuffix(line, "\n")) {
			kinds = append(kinds, h.Kind)
		}
	}
	return kinds
}

func (c *container) saves() int {
	c.t.Helper()
	w, err := simgame.ReadWorld(c.worlds, "Midgard")
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		c.t.Fatal(err)
	}
	return w.Saves
}

const opened = "Opened Steam server"

// TestStop: the lines of a stop in their order, which supervisorctl waits for.
func TestStop(t *testing.T) {
	t.Parallel()
	c := up(t, nil)
	c.until("supervisord: valheim-server " + time.Now().UTC().Format("01/02/2006"))
	c.until(opened)
	if code, out := c.ctl("status", "valheim-server"); code != 0 || !strings.HasPrefix(out, "valheim-server RUNNING pid ") {
		t.Errorf("status: %d, %q", code, out)
	}
	if code, out := c.ctl("start", "valheim-server"); code != 1 || !strings.Contains(out, "already started") {
		t.Errorf("start: %d, %q", code, out)
	}
	if code, out := c.ctl("tell", "join Astrid"); code != 0 {
		t.Errorf("tell: %d, %q", code, out)
	}
	c.until("Got character ZDOID from Astrid")
	code, out := c.ctl("stop", "valheim-server")
	if code != 0 || out != "valheim-server: stopped\n" {
		t.Errorf("stop: %d, %q", code, out)
	}
	for _, line := range []string{
		"INFO waiting for valheim-server to stop", "Received signal to shut down valheim-server", "Shutting down Valheim server with PID",
		"Game - OnApplicationQuit", // the script's "Waiting for" may come before or after it
		"World save (5/5) done", "Steam manager on destroy",
		"Valheim server with PID", "Shutdown complete", "INFO stopped: valheim-server (exit status 0)",
	} {
		c.until(line)
	}
	if got := c.saves(); got != 1 {
		t.Errorf("%d saves, want 1", got)
	}
	if err := syscall.Kill(c.pid(), 0); !errors.Is(err, syscall.ESRCH) {
		t.Errorf("the game is still there: %v", err)
	}
	want := []valheim.Kind{valheim.Stopping, valheim.Saved, valheim.Stopped}
	got := slices.DeleteFunc(c.kinds(), func(k valheim.Kind) bool { return !slices.Contains(want, k) })
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("what its log means (-want +got):\n%s", diff)
	}
	if code, out := c.ctl("stop", "valheim-server"); code != 1 || !strings.Contains(out, "not running") {
		t.Errorf("second stop: %d, %q", code, out)
	}
	if code, out := c.ctl("status", "valheim-server"); code != 3 || !strings.Contains(out, "STOPPED") {
		t.Errorf("status: %d, %q", code, out)
	}
	if code, _ := c.ctl("start", "valheim-server"); code != 0 {
		t.Errorf("start: %d", code)
	}
	c.until(opened)
}

// TestRevive: a game that ends unasked is started again, a killed one too.
func TestRevive(t *testing.T) {
	t.Parallel()
	c := up(t, nil)
	c.until(opened)
	if code, _ := c.ctl("tell", "crash"); code != 0 {
		t.Fatal("not told")
	}
	c.until("Valheim server with PID")
	c.until("exited: valheim-server (exit status 0; not expected)")
	c.until("spawned: 'valheim-server'")
	c.until(opened)
	if kinds := c.kinds(); !slices.Contains(kinds, valheim.Crashed) {
		t.Errorf("its log means %v, want a crash", kinds)
	}
}

// TestTerminated: the container's end is the game's, saved.
func TestTerminated(t *testing.T) {
	t.Parallel()
	c := up(t, nil)
	c.until(opened)
	c.signals <- syscall.SIGTERM
	if err := <-c.ended; err != nil {
		t.Error(err)
	}
	c.ended <- nil
	c.until("WARN received SIGTERM indicating exit request")
	c.until("INFO stopped: valheim-server")
	if got := c.saves(); got != 1 {
		t.Errorf("%d saves, want 1", got)
	}
}

// TestStuck: a game that does not save in time is sent what is worse, and does
// not save.
func TestStuck(t *testing.T) {
	t.Parallel()
	c := up(t, nil)
	c.until(opened)
	if code, _ := c.ctl("tell", "speed 0.01"); code != 0 {
		t.Fatal("not told")
	}
	if code, _ := c.ctl("stop", "valheim-server"); code != 0 {
		t.Errorf("stop: %d", code)
	}
	c.until("Timeout while waiting for server to shut down - sending SIGTERM to PGID")
	c.until("INFO stopped: valheim-server")
	if got := c.saves(); got != 0 {
		t.Errorf("%d saves, want none", got)
	}
}

// TestGivesUp: of a game that falls over and over.
func TestGivesUp(t *testing.T) {
	t.Parallel()
	// It ends at once, which on a busy machine may take a second.
	c := upAt(t, 8, map[string]string{supervisor.SpeedVariable: "nonsense"})
	c.until("gave up: valheim-server entered FATAL state")
	if n := strings.Count(c.lines(), "INFO spawned: 'valheim-server'"); n != 11 {
		t.Errorf("%d lives, want 11", n)
	}
	if code, _ := c.ctl("status", "valheim-server"); code != 3 {
		t.Errorf("status: %d, want 3", code)
	}
}

// TestStopBeforeTheGame: while the updater is at work there is none to stop,
// and it starts the game after that all the same, as the image's does.
func TestStopBeforeTheGame(t *testing.T) {
	t.Parallel()
	c := up(t, map[string]string{supervisor.UpdateVariable: "5s"})
	c.until("Downloading/updating/validating")
	if code, out := c.ctl("stop", "valheim-server"); code != 1 || !strings.Contains(out, "not running") {
		t.Errorf("stop: %d, %q", code, out)
	}
	c.until("already the latest version")
	c.until(opened)
}

// TestCrossplay: by the game's arguments.
func TestCrossplay(t *testing.T) {
	t.Parallel()
	c := up(t, map[string]string{"SERVER_ARGS": "-saveinterval 60 -crossplay"})
	c.until("Opened PlayFab server")
	c.until("registered with join code")
	c.until("World save (5/5) done") // of the minute, not of a stop
}

func TestRefuses(t *testing.T) {
	t.Parallel()
	c := up(t, nil)
	c.until(opened)
	if code, out := c.ctl("sing"); code != 2 || !strings.Contains(out, "Unknown syntax") {
		t.Errorf("got %d, %q", code, out)
	}
	for key, value := range map[string]string{supervisor.UpdateVariable: "soon", "SERVER_PORT": "x"} {
		getenv := func(k string) string { return map[string]string{key: value}[k] }
		err := supervisor.Run(t.Context(), supervisor.Options{Getenv: getenv, Out: c, Clock: clock.System{}}, nil)
		if err == nil || !strings.Contains(err.Error(), key) {
			t.Errorf("%s=%s: %v", key, value, err)
		}
	}
	if code := supervisor.Ctl(t.Context(), c.socket+"x", []string{"status"}, &bytes.Buffer{}, &bytes.Buffer{}); code != 1 {
		t.Errorf("without a supervisor: %d", code)
	}
}
