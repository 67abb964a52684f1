//go:build linux

package docker_test

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/moby/moby/api/types/container"

	"hearth/internal/docker/dockertest"
	"hearth/internal/sim/simgame"
)

// gate stands between a Game and its engine, and can hold everything up or cut
// it off.
type gate struct {
	host   string
	target string

	mu    sync.Mutex // guards what follows
	conns map[net.Conn]bool
	held  chan struct{} // closed when nothing is held
}

func newGate(t *testing.T, target string) *gate {
	t.Helper()
	path := filepath.Join(t.TempDir(), "sock")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	g := &gate{host: "unix://" + path, target: strings.TrimPrefix(target, "unix://"), conns: map[net.Conn]bool{}, held: make(chan struct{})}
	close(g.held)
	var work sync.WaitGroup
	work.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			work.Go(func() { g.pass(conn) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		g.free()
		g.cut()
		work.Wait()
	})
	return g
}

func (g *gate) pass(conn net.Conn) {
	to, err := net.Dial("unix", g.target)
	if err != nil {
		_ = conn.Close()
		return
	}
	g.mu.Lock()
	g.conns[conn], g.conns[to] = true, true
	g.mu.Unlock()
	var both sync.WaitGroup
	both.Go(func() { g.copy(to, conn) })
	g.copy(conn, to)
	both.Wait()
	g.mu.Lock()
	delete(g.conns, conn)
	delete(g.conns, to)
	g.mu.Unlock()
}

func (g *gate) copy(to, from net.Conn) {
	buf := make([]byte, 1000) // so that a cut falls anywhere
	for {
		n, err := from.Read(buf)
		g.mu.Lock()
		held := g.held
		g.mu.Unlock()
		<-held
		if n > 0 {
			if _, err := to.Write(buf[:n]); err != nil {
				break
			}
		}
		if err != nil {
			break
		}
	}
	_, _ = to.Close(), from.Close()
}

// hold: the engine hangs from now on.
func (g *gate) hold() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.held = make(chan struct{})
}

func (g *gate) free() {
	g.mu.Lock()
	defer g.mu.Unlock()
	select {
	case <-g.held:
	default:
		close(g.held)
	}
}

// cut breaks every connection.
func (g *gate) cut() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for c := range g.conns {
		_ = c.Close()
	}
}

// gated is a rig whose Game comes to the engine through a gate.
func gated(t *testing.T) (*rig, *gate) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("root alone may signal the game past the engine")
	}
	r := newRig(t)
	if !strings.HasPrefix(r.host, "unix://") {
		t.Skipf("the engine at %s is another machine's", r.host)
	}
	g := newGate(t, r.host)
	r.o.Host = g.host
	return r, g
}

// TestConnectionBreaks: the log is read on, nothing is called ended.
func TestConnectionBreaks(t *testing.T) {
	t.Parallel()
	r, gate := gated(t)
	s := r.start(r.game())
	s.until(opened)
	const n = 2000
	for range 5 {
		go r.flood(n)
		s.floods(0, n/2)
		gate.cut()
		s.floods(n/2, n)
		gate.cut()
	}
	if is(s.Done()) {
		t.Fatal("done, because a connection broke")
	}
	if err := s.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	gate.cut()
	s.until(saved)
	s.doneWithin(2 * time.Second)
	s.all()
}

// TestKillPastTheEngine: an engine that hangs keeps nobody from killing.
func TestKillPastTheEngine(t *testing.T) {
	t.Parallel()
	r, gate := gated(t)
	s := r.start(r.game())
	s.until(opened)
	gate.hold()
	begun := time.Now()
	gone := make(chan time.Duration, 1)
	go func() {
		<-s.Done()
		gone <- time.Since(begun)
	}()
	if err := s.Kill(); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(begun); took > 4*time.Second {
		t.Errorf("Kill took %v", took)
	}
	s.doneWithin(time.Second)
	if took := <-gone; took > time.Second {
		t.Errorf("killed and gone after %v", took)
	}
	gate.free()
	s.all()
	if got := r.state(); got != container.StateExited {
		t.Errorf("the container is %s", got)
	}
}

// TestStopPastTheEngine: nor from saving.
func TestStopPastTheEngine(t *testing.T) {
	t.Parallel()
	r, gate := gated(t)
	s := r.start(r.game())
	s.until(opened)
	gate.hold()
	begun := time.Now()
	if err := s.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.doneWithin(20 * time.Second)
	t.Logf("stopped and gone after %v", time.Since(begun))
	if w, err := simgame.ReadWorld(filepath.Join(r.o.ConfigDir, "worlds_local"), "Midgard"); err != nil || w.Saves != 1 {
		t.Errorf("got %+v, %v; want save 1", w, err)
	}
	gate.free()
	s.until(saved)
	s.all()
}

// TestEngineRestarts: killed and started again. Where containers outlive it the
// game goes on, and the log from where it was; elsewhere the game is gone.
func TestEngineRestarts(t *testing.T) {
	t.Parallel()
	for _, live := range []bool{true, false} {
		t.Run(fmt.Sprintf("live-restore=%v", live), func(t *testing.T) {
			t.Parallel()
			d := dockertest.Start(t, fmt.Sprintf("--live-restore=%v", live))
			r := rigAt(t, d.Host)
			s := r.start(r.game())
			s.until(opened)
			r.flood(500)
			s.floods(0, 200)
			d.Kill()
			if is(s.Done()) {
				t.Fatal("done, because the engine is away")
			}
			d.Restart()
			s.floods(200, 500)
			if !live {
				s.doneWithin(patience)
				s.all()
				return
			}
			r.flood(100)
			s.floods(0, 100)
			if is(s.Done()) {
				t.Fatal("done, because the engine was away")
			}
			if err := s.Stop(t.Context()); err != nil {
				t.Fatal(err)
			}
			s.until(saved)
			s.doneWithin(2 * time.Second)
			s.all()
		})
	}
}
