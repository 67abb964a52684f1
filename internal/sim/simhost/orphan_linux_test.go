package simhost_test

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"hearth/internal/clock"
	"hearth/internal/sim/simhost"
)

// host is another process that runs the app in TEST_HOST, and prints its
// handler's pid.
func host(root string) int {
	h, err := simhost.Start(context.Background(), simhost.Options{
		Root: root, Clock: clock.System{}, Log: slog.New(slog.DiscardHandler), Settings: map[string]string{"TEST_BRAIN": "http://127.0.0.1:1"},
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	for h.Pid() == 0 {
		<-time.After(time.Millisecond)
	}
	fmt.Println(h.Pid())
	select {}
}

// A handler does not outlive its host, not even one that is killed.
func TestHostKilled(t *testing.T) {
	r := plain(t, say(okReply))
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self)
	cmd.Env = append(os.Environ(), "TEST_HOST="+r.root)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(pid, 0); err != nil {
		t.Fatalf("handler %d is not there: %v", pid, err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // killed
	r.eventually("the handler is gone", func() bool {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		return err != nil || strings.Contains(string(stat), ") Z ")
	})
}
