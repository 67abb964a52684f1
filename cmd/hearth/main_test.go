package main

import (
	"bufio"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"hearth/internal/deploy/deploytest"
	"hearth/internal/playground/testdir"
	"hearth/internal/sim/simgame"
	"hearth/internal/world"
)

func TestMain(m *testing.M) {
	deploytest.Main() // this may be one of the programs that hearth deploy runs
	// Journeys wait for a pretend cloud and need little of the processor: one
	// a core would be a long queue. A -parallel on the command line counts.
	if err := flag.Set("test.parallel", "16"); err != nil {
		panic(err)
	}
	testdir.Use()
	testscript.Main(m, map[string]func(){"hearth": main})
}

// TestJourneys plays testdata/script/*.txtar: each is a user's evening, or a
// mistake and its answer.
func TestJourneys(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:  "testdata/script",
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"await": await, "town": runTown},
		Condition: func(cond string) (bool, error) {
			if cond != "month-ends" {
				return false, fmt.Errorf("unknown condition %q", cond)
			}
			now := time.Now()
			return world.NextMonth(now).Sub(now) < time.Hour, nil // a playground's clock runs ahead
		},
		Setup: func(e *testscript.Env) error {
			e.Values[townKey{}] = new(*deploytest.Town)
			e.Setenv("HOME", e.WorkDir)
			port, err := freePort()
			if err != nil {
				return err
			}
			e.Setenv("PORT", strconv.Itoa(port))
			script, err := readmeScript()
			if err != nil {
				return err
			}
			return os.WriteFile(filepath.Join(e.WorkDir, "readme.txt"), []byte(script), 0o600)
		},
		UpdateScripts: os.Getenv("UPDATE_SCRIPTS") != "",
	})
}

// TestGameIsAskedTwice: the agent asks the game to save and end, and is killed
// with the program around it; the system then asks the game once more. It saves
// all the same.
func TestGameIsAskedTwice(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("needs signals")
	}
	t.Parallel()
	dir := t.TempDir()
	game := exec.CommandContext(t.Context(), "hearth", "game", "--dir", dir, "--speed", "2")
	stdin, err := game.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = stdin.Close() }() // its end would ask, too
	out, err := game.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := game.Start(); err != nil {
		t.Fatal(err)
	}
	log := bufio.NewScanner(out)
	waitFor := func(text string) {
		t.Helper()
		for log.Scan() {
			if strings.Contains(log.Text(), text) {
				return
			}
		}
		t.Errorf("the log ended without %q: %v", text, log.Err())
	}
	waitFor("Opened")
	for _, text := range []string{"Save World Thread Started", "Net scene destroyed"} {
		if err := game.Process.Signal(os.Interrupt); err != nil {
			t.Error(err)
		}
		waitFor(text)
	}
	for log.Scan() { // to the end
	}
	if err := game.Wait(); err != nil {
		t.Errorf("the game ended with %v", err)
	}
	if w, err := simgame.ReadWorld(dir, simgame.DefaultWorld); err != nil || w.Saves != 1 {
		t.Errorf("got %+v, %v; want save 1", w, err)
	}
}

// await is the script command "await FILE": it returns when the file has
// content, for what a program in the background is to have done.
func await(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: await file")
	}
	for end := time.Now().Add(time.Minute); ; <-time.After(10 * time.Millisecond) {
		if info, err := os.Stat(ts.MkAbs(args[0])); err == nil && info.Size() > 0 {
			return
		}
		if time.Now().After(end) {
			ts.Fatalf("%s is still empty after a minute", args[0])
		}
	}
}

// freePort is one that nobody listens at now, and that the system does not
// soon give to somebody else.
func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	return l.Addr().(*net.TCPAddr).Port, l.Close()
}

// readmeScript is the journey that the README shows.
func readmeScript() (string, error) {
	b, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		return "", err
	}
	_, tail, ok := strings.Cut(string(b), "```\nAna: /start\n")
	script, _, ended := strings.Cut(tail, "```")
	if !ok || !ended {
		return "", errors.New("the README shows no journey that begins with \"Ana: /start\"")
	}
	return "Ana: /start\n" + script, nil
}
