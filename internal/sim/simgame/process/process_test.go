//go:build unix

package process_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"hearth/internal/clock"
	"hearth/internal/sim/simgame"
	"hearth/internal/sim/simgame/process"
	"hearth/internal/valheim"
	"hearth/internal/world"
)

// TestMain lets the test binary be the game, and the game's parent.
func TestMain(m *testing.M) {
	switch os.Getenv("SIMGAME_TEST_AS") {
	case "game":
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
		code := process.Main(ctx, os.Args[1:], os.Getenv, os.Stdin, os.Stdout, os.Stderr)
		stop()
		os.Exit(code)
	case "parent": // starts the game and is killed
		p, err := process.New(append([]string{os.Args[0]}, os.Args[1:]...),
			append(os.Environ(), "SIMGAME_TEST_AS=game"), clock.System{}, slog.New(slog.DiscardHandler))
		if err != nil {
			os.Exit(3)
		}
		s, err := p.Start(context.Background(), noted)
		if err != nil {
			os.Exit(4)
		}
		for lines := range s.Lines() {
			for _, line := range lines {
				_, _ = io.WriteString(os.Stdout, line.Text+"\n")
			}
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

const patience = 20 * time.Second

func gameArgs(dir string, more ...string) []string {
	return append([]string{"--dir", dir, "--form", "steam-1.0", "--speed", "60"}, more...)
}

func newProcess(t *testing.T, dir string, more ...string) *process.Game {
	t.Helper()
	argv := append([]string{os.Args[0]}, gameArgs(dir, more...)...)
	p, err := process.New(argv, append(os.Environ(), "SIMGAME_TEST_AS=game"), clock.System{}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// noted is told of the steps of a start.
func noted(world.Step) {}

// running is a server, line by line.
type running struct {
	world.Server
	rest []world.Line
}

// next is the next line; false when the log has ended.
func (r *running) next(t *testing.T) (string, bool) {
	t.Helper()
	if len(r.rest) == 0 {
		select {
		case r.rest = <-r.Lines():
		case <-time.After(patience):
			t.Fatalf("no line in %v", patience)
		}
	}
	if len(r.rest) == 0 {
		return "", false
	}
	line := r.rest[0]
	r.rest = r.rest[1:]
	return line.Text, true
}

func start(t *testing.T, p *process.Game) *running {
	t.Helper()
	s, err := p.Start(t.Context(), noted)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Kill(); err != nil {
			t.Error(err)
		}
		for range s.Lines() {
		}
		<-s.Done()
	})
	return &running{Server: s}
}

// until reads lines up to the first happening of that kind.
func until(t *testing.T, s *running, r *valheim.Reader, kind valheim.Kind) valheim.Happening {
	t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); {
		line, ok := s.next(t)
		if !ok {
			t.Fatalf("the log ended before %s", kind)
		}
		for _, h := range r.Read(line) {
			if h.Kind == kind {
				return h
			}
		}
	}
	t.Fatalf("no %s in %v", kind, patience)
	return valheim.Happening{}
}

func command(t *testing.T, p *process.Game, line string) {
	t.Helper()
	if err := p.Command(line); err != nil {
		t.Fatal(err)
	}
}

// TestProcessStop: an interrupt saves.
func TestProcessStop(t *testing.T) {
	dir := t.TempDir()
	p := newProcess(t, dir)
	if err := p.Command("join Astrid"); !errors.Is(err, process.ErrNotRunning) {
		t.Errorf("command without a game: %v", err)
	}
	s := start(t, p)
	if _, err := p.Start(t.Context(), noted); !errors.Is(err, process.ErrRunning) {
		t.Errorf("second start: %v", err)
	}
	r := valheim.NewReader()
	until(t, s, r, valheim.Listening)
	if err := p.Command("join A\njoin B"); err == nil {
		t.Error("two lines passed for one command")
	}
	command(t, p, "speed 200")
	command(t, p, "join Astrid")
	until(t, s, r, valheim.Spawned)
	command(t, p, "save")
	until(t, s, r, valheim.Saved)
	if n, err := s.Memory(t.Context()); err != nil || runtime.GOOS == "linux" && n < 1<<20 {
		t.Errorf("memory: %d bytes, %v", n, err)
	}
	if err := s.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	until(t, s, r, valheim.Saved)
	for line, ok := s.next(t); ok; line, ok = s.next(t) {
		r.Read(line)
	}
	<-s.Done()
	if end := r.End(); len(end) != 0 {
		t.Errorf("the log did not tell its end: %v", end)
	}
	if w, err := simgame.ReadWorld(dir, simgame.DefaultWorld); err != nil || w.Saves != 2 {
		t.Errorf("got %+v, %v; want save 2", w, err)
	}
	if err := errors.Join(s.Stop(t.Context()), s.Kill()); err != nil {
		t.Errorf("stopping what is gone: %v", err)
	}
	start(t, p) // and once more
}

// TestProcessKill: the last save stays as it was.
func TestProcessKill(t *testing.T) {
	dir := t.TempDir()
	p := newProcess(t, dir)
	s := start(t, p)
	r := valheim.NewReader()
	until(t, s, r, valheim.Listening)
	command(t, p, "save")
	until(t, s, r, valheim.Saved)
	before, err := os.ReadFile(filepath.Join(dir, "Midgard.db2"))
	if err != nil {
		t.Fatal(err)
	}
	command(t, p, "speed 0.01") // the next save takes its time
	command(t, p, "save")
	until(t, s, r, valheim.SaveStarted)
	if err := s.Kill(); err != nil {
		t.Fatal(err)
	}
	<-s.Done()
	after, err := os.ReadFile(filepath.Join(dir, "Midgard.db2"))
	if err != nil || !bytes.Equal(before, after) {
		t.Errorf("the last save changed: %v", err)
	}
	if err := p.Command("save"); !errors.Is(err, process.ErrNotRunning) {
		t.Errorf("command to a killed game: %v", err)
	}
}

// TestProcessNobodyReads: the game never waits for the reader of its log.
func TestProcessNobodyReads(t *testing.T) {
	dir := t.TempDir()
	p := newProcess(t, dir)
	s := start(t, p)
	for range 4000 { // more than a pipe holds
		command(t, p, "unknown "+strings.Repeat("x", 50))
	}
	command(t, p, "crash") // in its turn, so every answer is written by then
	select {
	case <-s.Done():
	case <-time.After(patience):
		t.Fatal("the game waits for somebody to read its log")
	}
	n := 0
	for lines := range s.Lines() {
		n += len(lines)
	}
	if n < 4000 {
		t.Errorf("%d lines kept, want all", n)
	}
}

// TestProcessGroup: the child is in a process group of its own.
func TestProcessGroup(t *testing.T) {
	p := newProcess(t, t.TempDir())
	s := start(t, p)
	until(t, s, valheim.NewReader(), valheim.Listening)
	children, err := exec.CommandContext(t.Context(), "ps", "-o", "pid=,pgid=", "--ppid", itoa(os.Getpid())).Output()
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("no ps that lists children: %v", err)
		}
		t.Skipf("no ps that lists children: %v", err)
	}
	own := itoa(syscall.Getpgrp())
	groups := 0
	for line := range strings.Lines(string(children)) {
		f := strings.Fields(line)
		if len(f) == 2 && f[0] == f[1] && f[1] != own {
			groups++
		}
	}
	if groups == 0 {
		t.Errorf("no child leads a group of its own: %q", children)
	}
}

func itoa(n int) string { return slog.IntValue(n).String() }

// TestParentKilled: the game saves and ends by itself.
func TestParentKilled(t *testing.T) {
	dir := t.TempDir()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Args[0], gameArgs(dir)...)
	cmd.Env = append(os.Environ(), "SIMGAME_TEST_AS=parent")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 64<<10)
	var log strings.Builder
	for !strings.Contains(log.String(), "Opened Steam server") {
		n, err := out.Read(buf)
		log.Write(buf[:n])
		if err != nil {
			t.Fatalf("parent ended: %v after %q", err, log.String())
		}
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // killed
	timeout, again := time.After(patience), time.NewTicker(20*time.Millisecond)
	defer again.Stop()
	for {
		w, err := simgame.ReadWorld(dir, simgame.DefaultWorld)
		if err == nil && w.Saves == 1 {
			return
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatalf("after the parent's death: %v", err)
		}
		select {
		case <-again.C: // nothing but the file tells: the log died with the parent
		case <-timeout:
			t.Fatalf("no save in %v after the parent's death", patience)
		}
	}
}

// TestLogReaderGone: with its parent the game loses its log and its input,
// and saves all the same.
func TestLogReaderGone(t *testing.T) {
	dir := t.TempDir()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Args[0], gameArgs(dir)...)
	cmd.Env = append(os.Environ(), "SIMGAME_TEST_AS=game")
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := out.Read(make([]byte, 1)); err != nil { // it is up
		t.Fatal(err)
	}
	if err := errors.Join(out.Close(), stdin.Close()); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("ended with %v", err)
	}
	if w, err := simgame.ReadWorld(dir, simgame.DefaultWorld); err != nil || w.Saves != 1 {
		t.Errorf("got %+v, %v; want save 1", w, err)
	}
}

// TestMainWaitsForTheLast: a game that is still there, because its parent was
// killed while it saves slowly, is the only one on the world's files.
func TestMainWaitsForTheLast(t *testing.T) {
	dir := t.TempDir()
	last, err := os.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Flock(int(last.Fd()), syscall.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	ended := make(chan int, 1)
	go func() {
		none := func(string) string { return "" }
		ended <- process.Main(t.Context(), []string{"--dir", dir, "--speed", "1000"}, none, strings.NewReader(""), io.Discard, io.Discard)
	}()
	select {
	case code := <-ended:
		t.Fatalf("the game ran beside another, and ended with %d", code)
	case <-time.After(200 * time.Millisecond): // it would have been through long ago
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) > 0 {
		t.Errorf("it wrote %v, %v", entries, err)
	}
	if err := last.Close(); err != nil {
		t.Fatal(err)
	}
	if code := <-ended; code != 0 {
		t.Errorf("ended with %d after the other was gone, want 0", code)
	}
	if w, err := simgame.ReadWorld(dir, simgame.DefaultWorld); err != nil || w.Saves != 1 {
		t.Errorf("got %+v, %v; want save 1", w, err)
	}
}

// TestMainEnds: what ends the command, and its exit code.
func TestMainEnds(t *testing.T) {
	tests := []struct {
		name  string
		args  []string
		stdin string
		code  int
		says  string
		saves bool
	}{
		{"end of input", []string{"--speed", "1000"}, "", 0, "", true},
		{"crash", []string{"--speed", "1000"}, "crash\n", 139, "", false},
		{"unknown flag", []string{"--sped", "1"}, "", 2, "sped", false},
		{"argument", []string{"now"}, "", 2, "no argument", false},
		{"speed", []string{"--speed", "0"}, "", 2, "--speed is above 0", false},
		{"form", []string{"--form", "steam-9"}, "", 2, "choose one of [steam-0.22 ", false},
		{"help", []string{"--help"}, "", 0, "-save-every", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var stderr bytes.Buffer
			dir := t.TempDir()
			args := append([]string{"--dir", dir}, tt.args...)
			none := func(string) string { return "" }
			code := process.Main(t.Context(), args, none, strings.NewReader(tt.stdin), io.Discard, &stderr)
			if code != tt.code || !strings.Contains(stderr.String(), tt.says) {
				t.Errorf("got %d, %q; want %d and %q", code, stderr.String(), tt.code, tt.says)
			}
			_, err := simgame.ReadWorld(dir, simgame.DefaultWorld)
			if saved := err == nil; saved != tt.saves {
				t.Errorf("saved %v, want %v: %v", saved, tt.saves, err)
			}
		})
	}
}

func TestNew(t *testing.T) {
	log := slog.New(slog.DiscardHandler)
	for _, bad := range [][]string{nil, {""}} {
		if _, err := process.New(bad, nil, clock.System{}, log); err == nil {
			t.Errorf("a process of %q", bad)
		}
	}
	p, err := process.New([]string{filepath.Join(t.TempDir(), "none")}, nil, clock.System{}, log)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Start(t.Context(), noted); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("start of nothing: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := p.Start(ctx, noted); !errors.Is(err, context.Canceled) {
		t.Errorf("start without time: %v", err)
	}
}
