package sqlite_test

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"hearth/internal/sqlite"
	"hearth/internal/world/worldtest"
)

// childFile tells the test binary that it is the process to be killed.
const childFile = "HEARTH_TEST_SQLITE_CHILD"

// TestChild is what the other process does; alone it does nothing.
func TestChild(t *testing.T) {
	path := os.Getenv(childFile)
	if path == "" {
		return // not the child of TestKilledProcess
	}
	db := openAt(t, path, worldtest.NewClock())
	for i := range 50 {
		send(t, db.Queue("events"), fmt.Sprint(i), 0)
	}
	fmt.Println("ready")
	select {} // until killed
}

func TestKilledProcess(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hearth.db")
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestChild$")
	child.Env = append(os.Environ(), childFile+"="+path)
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() && lines.Text() != "ready" {
		t.Log(lines.Text())
	}
	if lines.Text() != "ready" {
		t.Fatalf("the other process ended: %v", child.Wait())
	}

	db, err := sqlite.Open(t.Context(), path, worldtest.NewClock())
	if !errors.Is(err, sqlite.ErrInUse) {
		t.Errorf("Open while another process has the file = %v, %v; want ErrInUse", db, err)
	} else if !strings.Contains(err.Error(), fmt.Sprintf("(process %d)", child.Process.Pid)) {
		t.Errorf("error %q does not name process %d", err, child.Process.Pid)
	}

	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = child.Wait() // an error: it was killed
	wal := read(t, path+"-wal")
	if len(wal) == 0 {
		t.Error("nothing waits in the write-ahead log: this test proves less than it should")
	}
	db = openAt(t, path, worldtest.NewClock())
	if got, want := stats(t, db.Queue("events")), (sqlite.Stats{Visible: 50}); got != want {
		t.Errorf("Stats after kill -9 = %+v, want %+v", got, want)
	}
}
