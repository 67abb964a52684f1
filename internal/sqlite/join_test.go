package sqlite_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"hearth/internal/sqlite"
	"hearth/internal/world"
	"hearth/internal/world/worldtest"
)

// pair is one file, opened and joined.
func pair(t *testing.T, clock world.Clock) (owner, joined *sqlite.DB) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "hearth.db")
	owner = openAt(t, path, clock)
	return owner, joinAt(t, path, clock)
}

func joinAt(t *testing.T, path string, clock world.Clock) *sqlite.DB {
	t.Helper()
	db, err := sqlite.Join(t.Context(), path, clock)
	if err != nil {
		t.Fatalf("Join: %v", err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("Close of the joined: %v", err)
		}
	})
	return db
}

// sides sends on one side and receives on the other.
type sides struct{ sends, receives world.Queue }

func (s sides) Send(ctx context.Context, body []byte, delay time.Duration) error {
	return s.sends.Send(ctx, body, delay)
}

func (s sides) Receive(ctx context.Context, limit int, visibility time.Duration) ([]world.Message, error) {
	return s.receives.Receive(ctx, limit, visibility)
}

func (s sides) Delete(ctx context.Context, m world.Message) error { return s.sends.Delete(ctx, m) }

func TestQueueContractAcross(t *testing.T) {
	for _, c := range []struct {
		name string
		open func(owner, joined world.Queue) world.Queue
	}{
		{"joined alone", func(_, joined world.Queue) world.Queue { return joined }},
		{"owner sends", func(owner, joined world.Queue) world.Queue { return sides{owner, joined} }},
		{"joined sends", func(owner, joined world.Queue) world.Queue { return sides{joined, owner} }},
	} {
		t.Run(c.name, func(t *testing.T) {
			worldtest.Queue(t,
				func(t *testing.T, clock world.Clock) world.Queue {
					owner, joined := pair(t, clock)
					return c.open(owner.Queue(world.EventsQueue), joined.Queue(world.EventsQueue))
				},
				worldtest.MovesPoison(func(t *testing.T, clock world.Clock) (world.Queue, world.Queue) {
					owner, joined := pair(t, clock)
					return c.open(owner.Queue("events"), joined.Queue("events")), c.open(owner.Queue("events-poison"), joined.Queue("events-poison"))
				}))
		})
	}
}

// turns takes the next of its leases for every call.
type turns struct {
	mu     sync.Mutex // guards next
	next   int
	leases []world.Lease
}

func (l *turns) turn() world.Lease {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.next++
	return l.leases[l.next%len(l.leases)]
}

func (l *turns) Acquire(ctx context.Context, id string) (world.Holding, error) {
	return l.turn().Acquire(ctx, id)
}
func (l *turns) Renew(ctx context.Context, h world.Holding) error   { return l.turn().Renew(ctx, h) }
func (l *turns) Release(ctx context.Context, h world.Holding) error { return l.turn().Release(ctx, h) }

func TestLeaseContractAcross(t *testing.T) {
	t.Run("joined alone", func(t *testing.T) {
		worldtest.Lease(t, func(t *testing.T, clock world.Clock) world.Lease {
			_, joined := pair(t, clock)
			return joined.Lease()
		})
	})
	// No jumps of the clock below: after one, each of the two has to look once
	// before they agree on the time.
	var clocks sync.Map // by test; the suite's run beside each other
	pass := worldtest.PassTime(func(t *testing.T, d time.Duration) {
		clock, _ := clocks.Load(t)
		clock.(*worldtest.Clock).Advance(d)
	})
	t.Run("two joined", func(t *testing.T) {
		worldtest.Lease(t, func(t *testing.T, clock world.Clock) world.Lease {
			clocks.Store(t, clock)
			path := filepath.Join(t.TempDir(), "hearth.db")
			openAt(t, path, clock)
			return &turns{leases: []world.Lease{joinAt(t, path, clock).Lease(), joinAt(t, path, clock).Lease()}}
		}, pass)
	})
	t.Run("owner and joined", func(t *testing.T) {
		worldtest.Lease(t, func(t *testing.T, clock world.Clock) world.Lease {
			clocks.Store(t, clock)
			owner, joined := pair(t, clock)
			return &turns{leases: []world.Lease{owner.Lease(), joined.Lease()}}
		}, pass)
	})
}

func TestJoinRefuses(t *testing.T) {
	sound := soundFile(t)
	for _, c := range []struct {
		name    string
		content []byte // nil: there is no file
		want    error
		says    string
	}{
		{"nothing", nil, fs.ErrNotExist, "start the Hearth that owns it first"},
		{"a file that is being made", []byte{}, fs.ErrNotExist, "not made it yet"},
		{"text", []byte(strings.Repeat("this is no database\n", 500)), sqlite.ErrDamaged, "no SQLite database"},
		{"another program's", edited(t, nil, "CREATE TABLE bookmarks (url TEXT)"), sqlite.ErrDamaged, "another program"},
		{"a newer schema", edited(t, sound, "PRAGMA user_version = 99"), sqlite.ErrNewer, "same version on both sides"},
		{"an older schema", edited(t, sound, "PRAGMA user_version = 0"), nil, "update the Hearth that owns it"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "hearth.db")
			if c.content != nil {
				write(t, path, c.content)
			}
			db, err := sqlite.Join(t.Context(), path, worldtest.NewClock())
			if err == nil || c.want != nil && !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), path) {
				t.Fatalf("Join = %v, %v; want %v that says %q", db, err, c.want, c.says)
			}
			entries, err := os.ReadDir(dir)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range entries {
				// SQLite's own side files are a reader's, too.
				if !strings.HasPrefix(e.Name(), "hearth.db") || c.content == nil {
					t.Errorf("Join left %s behind", e.Name())
				}
			}
			if c.content != nil && string(read(t, path)) != string(c.content) {
				t.Error("the refused file was changed")
			}
		})
	}
}

// An owner whose clock is ahead of the machine's takes who joins along: what it
// sends now is there now, and no lease lasts longer for one than for the other.
func TestJoinerFollowsTheOwnersClock(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hearth.db")
	ahead, own := worldtest.NewClock(), worldtest.NewClock()
	ahead.Advance(20 * time.Hour)
	owner := openAt(t, path, ahead)
	send(t, owner.Queue("orders"), "now", 0)
	joined := joinAt(t, path, own)
	expect(t, joined.Queue("orders"), 24*time.Hour, "now")
	send(t, owner.Queue("orders"), "in a minute", time.Minute)
	expect(t, joined.Queue("orders"), time.Minute)
	own.Advance(time.Minute)
	expect(t, joined.Queue("orders"), 24*time.Hour, "in a minute")

	ahead.Advance(time.Hour) // it runs faster
	send(t, owner.Queue("orders"), "later", 0)
	expect(t, joined.Queue("orders"), time.Minute, "later")
	send(t, joined.Queue("events"), "heard", 0)
	expect(t, owner.Queue("events"), time.Minute, "heard")
	h, err := joined.Lease().Acquire(t.Context(), "midgard")
	if err != nil {
		t.Fatalf("Acquire: %v", err)
	}
	ahead.Advance(time.Second)
	if got, until, ok, err := owner.Lease().Holder(t.Context(), "midgard"); err != nil || !ok || got != h || until.Sub(ahead.Now()) > world.LeaseDuration {
		t.Errorf("Holder = %+v, %s, %t, %v; want %+v for at most %s", got, until, ok, err, h, world.LeaseDuration)
	}
}

// An owner that opens the file anew with a clock that was set back moves its
// times; who is joined moves along, and is heard at once.
func TestJoinerFollowsARebase(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hearth.db")
	fast := worldtest.NewClock()
	fast.Advance(20 * time.Hour)
	owner := openAt(t, path, fast)
	send(t, owner.Queue("orders"), "x", 0)
	clock := worldtest.NewClock()
	joined := joinAt(t, path, clock)
	h, err := joined.Lease().Acquire(t.Context(), "midgard")
	if err != nil {
		t.Fatalf("Acquire: %v", err)
	}
	closeNow(t, owner)
	owner = openAt(t, path, clock)
	send(t, joined.Queue("events"), "heard", 0)
	expect(t, owner.Queue("events"), time.Minute, "heard")
	if err := joined.Lease().Renew(t.Context(), h); err != nil {
		t.Errorf("Renew: %v", err)
	}
	if _, until, ok, err := owner.Lease().Holder(t.Context(), "midgard"); err != nil || !ok || until.After(clock.Now().Add(world.LeaseDuration)) {
		t.Errorf("the lease lasts until %s, %t, %v; want at most %s from %s", until, ok, err, world.LeaseDuration, clock.Now())
	}
}

func TestJoinerOfAFileThatWasReplaced(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hearth.db")
	clock := worldtest.NewClock()
	owner := openAt(t, path, clock)
	joined := joinAt(t, path, clock)
	closeNow(t, owner)
	for _, side := range []string{"", "-wal", "-shm"} {
		if err := os.Rename(path+side, path+side+".away"); err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
	}
	openAt(t, path, clock)
	err := joined.Queue("events").Send(t.Context(), []byte("into nothing"), 0)
	if err == nil || !strings.Contains(err.Error(), "join it again") {
		t.Errorf("Send = %v, want an error: the file was replaced", err)
	}
	send(t, joinAt(t, path, clock).Queue("events"), "x", 0)
}

// TestWaitAcross: whoever waits hears of what another process sent.
func TestWaitAcross(t *testing.T) {
	for _, c := range []struct {
		name string
		side func(owner, joined *sqlite.DB) (sends, waits *sqlite.DB)
	}{
		{"joined waits", func(owner, joined *sqlite.DB) (*sqlite.DB, *sqlite.DB) { return owner, joined }},
		{"owner waits", func(owner, joined *sqlite.DB) (*sqlite.DB, *sqlite.DB) {
			owner.Share(time.Second)
			return joined, owner
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			clock := worldtest.NewClock()
			sends, waits := c.side(pair(t, clock))
			done := make(chan error, 1)
			go func() { done <- waits.Queue("events").Wait(t.Context()) }()
			send(t, sends.Queue("events"), "x", 0)
			for {
				select {
				case err := <-done:
					if err != nil {
						t.Errorf("Wait: %v", err)
					}
					return
				default:
					clock.Advance(100 * time.Millisecond)
				}
			}
		})
	}
}

// joinFile tells the test binary that it is the process that joins.
const joinFile = "HEARTH_TEST_SQLITE_JOIN"

// TestJoiningChild is what the other process does; alone it does nothing.
func TestJoiningChild(t *testing.T) {
	path := os.Getenv(joinFile)
	if path == "" {
		return // not the child of TestTwoProcesses
	}
	db := joinAt(t, path, worldtest.NewClock())
	for i := range together {
		send(t, db.Queue("events"), fmt.Sprint("child ", i), 0)
		if _, err := db.Queue("work").Receive(t.Context(), 1, time.Hour); err != nil {
			t.Errorf("Receive: %v", err)
		}
		if i == 0 {
			fmt.Println("ready")
		}
	}
	fmt.Println("done")
	_, _ = bufio.NewReader(os.Stdin).ReadString('\n') // until killed
}

// together is how many writes each of two processes does.
const together = 100

// TestTwoProcesses: an owner and a joiner write at the same time, nothing is
// lost and nothing handed out twice; then the joiner is killed.
func TestTwoProcesses(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hearth.db")
	db := openAt(t, path, worldtest.NewClock())
	for i := range 2 * together {
		send(t, db.Queue("work"), fmt.Sprint(i), 0)
	}
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestJoiningChild$")
	child.Env = append(os.Environ(), joinFile+"="+path)
	if _, err := child.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	until := func(word string) {
		t.Helper()
		for lines.Scan() {
			if lines.Text() == word {
				return
			}
			t.Log(lines.Text())
		}
		t.Fatalf("the other process ended before %q: %v", word, child.Wait())
	}
	until("ready")
	for i := range together {
		send(t, db.Queue("events"), fmt.Sprint("owner ", i), 0)
		if _, err := db.Queue("work").Receive(t.Context(), 1, time.Hour); err != nil {
			t.Errorf("Receive: %v", err)
		}
	}
	until("done")
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = child.Wait() // an error: it was killed
	if got, want := stats(t, db.Queue("events")), (sqlite.Stats{Visible: 2 * together}); got != want {
		t.Errorf("events = %+v, want %+v", got, want)
	}
	if got, want := stats(t, db.Queue("work")), (sqlite.Stats{Hidden: 2 * together}); got != want {
		t.Errorf("work = %+v, want each message in one hand: %+v", got, want)
	}
	if err := db.Check(t.Context()); err != nil {
		t.Errorf("Check: %v", err)
	}
}
