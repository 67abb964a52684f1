package docker_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"

	"hearth/internal/clock"
	"hearth/internal/docker"
	"hearth/internal/docker/dockertest"
	"hearth/internal/sim/simgame/supervisor"
	"hearth/internal/valheim"
	"hearth/internal/world"
)

// TestCrashInside: a game that falls is revived by its supervisor. The container
// lives, and the log tells.
func TestCrashInside(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	s := r.start(r.game())
	s.until(opened)
	r.tell("tell", "crash")
	s.until("exited: valheim-server (exit status 0; not expected)")
	s.until("spawned: 'valheim-server'")
	s.until(opened)
	select {
	case <-s.Done():
		t.Error("done, and the game runs")
	default:
	}
	if err := s.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.until(saved)
	s.doneWithin(2 * time.Second)
}

// TestKilledByOthers: `docker kill` ends it.
func TestKilledByOthers(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	s := r.start(r.game())
	s.until(opened)
	if _, err := r.api.ContainerKill(t.Context(), s.ID(), client.ContainerKillOptions{Signal: "KILL"}); err != nil {
		t.Fatal(err)
	}
	t.Logf("done %v after the kill", s.doneWithin(5*time.Second))
	s.all()
}

// TestKill: at once, without a save.
func TestKill(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	s := r.start(r.game())
	s.until(opened)
	if err := s.Kill(); err != nil {
		t.Fatal(err)
	}
	if took := s.doneWithin(2 * time.Second); took > time.Second {
		t.Errorf("done %v after the kill", took)
	}
	if texts := strings.Join(s.all(), "\n"); strings.Contains(texts, "World save") {
		t.Errorf("a killed game saved:\n%s", texts)
	}
	if err := errors.Join(s.Kill(), s.Stop(t.Context())); err != nil {
		t.Errorf("killing what is gone: %v", err)
	}
}

// TestOutOfMemory: the kernel's end of it is told, since no log can: by a line
// of our own, which is the last whenever the log is read.
func TestOutOfMemory(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.o.MemoryLimit = 64 << 20
	g := r.game()
	s := r.start(g)
	s.until(opened)
	r.tell("eat", "500")
	s.doneWithin(10 * time.Second)
	if !strings.Contains(r.log.String(), "killed by the kernel for its memory") {
		t.Errorf("nobody was told:\n%s", r.log)
	}
	// read reads what comes after a place: how many lines, the places behind the
	// last two, and what the last happening was.
	read := func(after world.Place) (n int, before, last world.Place, end valheim.Happening) {
		t.Helper()
		f, err := g.Find(t.Context(), after)
		if err != nil {
			t.Fatal(err)
		}
		found, reader := &running{Server: f, r: r}, valheim.NewReader()
		last = after
		for l, ok := found.next(); ok; l, ok = found.next() {
			n, before, last = n+1, last, last.Next(l.At)
			if l.N != last.N {
				t.Errorf("line %q has the number %d, want %d", l.Text, l.N, last.N)
			}
			for _, h := range reader.Read(l.Text) {
				end = h
			}
		}
		return n, before, last, end
	}
	all, before, last, end := read(world.Place{Server: s.ID()})
	if end.Kind != valheim.Crashed || end.Detail != "out of memory" {
		t.Errorf("the log ends with %s %q, want a crash out of memory", end.Kind, end.Detail)
	}
	for _, tc := range []struct {
		from  string
		after world.Place
		want  int
	}{
		{"its beginning", world.Place{Server: s.ID()}, all},
		{"before the last line", before, 1},
		{"behind it", last, 0},
	} {
		if n, _, at, _ := read(tc.after); n != tc.want || at != last {
			t.Errorf("from %s: %d lines up to %+v, want %d up to %+v", tc.from, n, at, tc.want, last)
		}
	}
	if texts := s.all(); len(texts) == 0 || !strings.HasPrefix(texts[len(texts)-1], "hearth: ") {
		t.Errorf("whoever was there when it ended read %q", texts)
	}
}

// TestOutOfMemoryInside: nor of a process in it, which somebody revives.
func TestOutOfMemoryInside(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.o.MemoryLimit = 64 << 20
	s := r.start(r.game())
	s.until(opened)
	made, err := r.api.ExecCreate(t.Context(), s.ID(), client.ExecCreateOptions{Cmd: []string{"supervisorctl", "gorge", "500"}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.api.ExecStart(t.Context(), made.ID, client.ExecStartOptions{Detach: true}); err != nil {
		t.Fatal(err)
	}
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	late := time.After(patience)
	for !strings.Contains(r.log.String(), "kernel ended a process of the game's container for its memory") {
		select {
		case <-again.C: // nothing but the log tells
		case <-late:
			t.Fatalf("nobody was told:\n%s", r.log)
		}
	}
	r.flood(1)
	s.floods(0, 1)
	if is(s.Done()) {
		t.Error("done, and the container lives")
	}
}

// TestStopUnsupervised: where the supervisor can't be asked, the game itself is,
// and not revived.
func TestStopUnsupervised(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.o.Image = dockertest.Mute(t, r.host)
	r.o.Clock = clock.System{} // as fast as the supervisor's
	s := r.start(r.game())
	s.until(opened)
	if err := s.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.until(saved)
	s.doneWithin(5 * time.Second)
	if texts := strings.Join(s.all(), "\n"); strings.Contains(texts, "Opened") {
		t.Errorf("the game was revived:\n%s", texts)
	}
	if got := r.state(); got != container.StateExited {
		t.Errorf("the log has ended, and the container is %s", got)
	}
}

// TestStopUnheard: a supervisor that takes the request and does nothing is
// waited for, and then gone round.
func TestStopUnheard(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.o.Environment[supervisor.DeafVariable] = "yes"
	r.o.Clock = clock.NewScaled(10, time.Now())
	s := r.start(r.game())
	s.until(opened)
	asked := time.Now()
	if err := s.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.until("OnApplicationQuit")
	if took := time.Since(asked); took < 2900*time.Millisecond { // 30 s of the clock's
		t.Errorf("the game was interrupted after %v: its supervisor may be at it", took)
	}
	s.until(saved)
	s.doneWithin(5 * time.Second)
	if texts := strings.Join(s.all(), "\n"); strings.Contains(texts, "Opened") {
		t.Errorf("the game was revived:\n%s", texts)
	}
}

// TestStopTakesLong: a save that takes longer than anybody waits for a
// supervisor is left alone, for the stop command blocks as long.
func TestStopTakesLong(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.o.Environment = map[string]string{supervisor.LoadVariable: "1s"} // a game in real time
	r.o.Clock = clock.NewScaled(100, time.Now())                       // 30 s are over before it has saved
	s := r.start(r.game())
	s.until(opened)
	asked := time.Now()
	if err := s.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.until(saved)
	if took := time.Since(asked); took < 500*time.Millisecond {
		t.Fatalf("saved after %v: no long save", took)
	}
	s.doneWithin(5 * time.Second)
	if strings.Contains(r.log.String(), "interrupting the game itself") {
		t.Errorf("a game that saves was interrupted again:\n%s", r.log)
	}
}

// TestStopBeforeTheGame: while the updater is at work there is nothing to save,
// and nothing to wait for.
func TestStopBeforeTheGame(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.o.Environment[supervisor.UpdateVariable] = "1h"
	s := r.start(r.game())
	s.until("Downloading/updating/validating")
	if err := s.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.doneWithin(5 * time.Second)
	if texts := strings.Join(s.all(), "\n"); strings.Contains(texts, "Opened") {
		t.Errorf("the game came up:\n%s", texts)
	}
}

// TestRestartByHand: a keeper's `docker restart` is no end.
func TestRestartByHand(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	s := r.start(r.game())
	s.until(opened)
	patience := 1 // not the six seconds of the supervisor's look
	if _, err := r.api.ContainerRestart(t.Context(), s.ID(), client.ContainerRestartOptions{Timeout: &patience}); err != nil {
		t.Fatal(err)
	}
	s.until("received SIGTERM")
	s.until(opened)
	select {
	case <-s.Done():
		t.Fatal("done, and it was restarted")
	default:
	}
	if err := s.Kill(); err != nil {
		t.Fatal(err)
	}
	s.doneWithin(2 * time.Second)
	if texts := strings.Join(s.all(), "\n"); strings.Contains(texts, opened) {
		t.Errorf("lines came twice:\n%s", texts)
	}
}

// TestStartRefuses: what is in the way, and stays where it is.
func TestStartRefuses(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	foreign, err := r.api.ContainerCreate(t.Context(), client.ContainerCreateOptions{
		Name: "hearth-" + r.o.World, Config: &container.Config{Image: r.o.Image, Labels: map[string]string{"hearth.world": "asgard"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	g := r.game()
	if _, err := g.Start(t.Context(), noted); !errors.Is(err, docker.ErrForeign) {
		t.Errorf("start beside another's container: %v, want ErrForeign", err)
	}
	if _, err := g.Find(t.Context(), world.Place{}); !errors.Is(err, world.ErrNotFound) {
		t.Errorf("find of another's container: %v, want ErrNotFound", err)
	}
	if got := r.state(); got != container.StateCreated {
		t.Errorf("another's container is %q now", got)
	}
	if _, err := r.api.ContainerRemove(t.Context(), foreign.ID, client.ContainerRemoveOptions{}); err != nil {
		t.Fatal(err)
	}

	r.o.ConfigDir += "/missing"
	if _, err := r.game().Start(t.Context(), noted); err == nil || strings.Contains(err.Error(), "yggdrasil") {
		t.Errorf("start without a folder: %v", err)
	}
	if got := r.state(); got != "" {
		t.Errorf("a start that failed left a container %s", got)
	}
	r.o.Image = "127.0.0.1:1/none:1"
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if _, err := r.game().Start(ctx, noted); err == nil || !strings.Contains(err.Error(), "127.0.0.1:1/none:1") {
		t.Errorf("start without an image: %v", err)
	}
	r.o.Host = "unix:///nowhere.sock"
	if _, err := r.game().Find(ctx, world.Place{}); err == nil || errors.Is(err, world.ErrNotFound) {
		t.Errorf("find without an engine: %v", err)
	}
}

// TestStartCancelled: one that is given up leaves nothing that runs.
func TestStartCancelled(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	g := r.game()
	for after := time.Duration(0); after < 400*time.Millisecond; after += 80 * time.Millisecond {
		ctx, cancel := context.WithCancel(t.Context())
		s, err := g.Start(ctx, func(step world.Step) {
			if step == world.StepContainer {
				time.AfterFunc(after, cancel)
			}
		})
		cancel()
		if err == nil { // it was quicker
			if err := s.Kill(); err != nil {
				t.Fatal(err)
			}
			<-s.Done()
			(&running{Server: s, r: r}).all()
			continue
		}
		if !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled after %v: %v", after, err)
		}
		if got := r.state(); got != "" && got != container.StateExited {
			t.Errorf("cancelled after %v, the container is %s", after, got)
		}
	}
}
