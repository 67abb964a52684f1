//go:build linux

package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"hearth/internal/agent"
	"hearth/internal/agent/spool"
	"hearth/internal/clock"
	"hearth/internal/docker"
	"hearth/internal/saves"
	"hearth/internal/sim/simstorage"
	"hearth/internal/world"
)

var errAway = errors.New("service is away")

// awayQueue is a queue that can be away.
type awayQueue struct {
	world.Queue
	away *atomic.Bool
}

func (q awayQueue) Send(ctx context.Context, body []byte, delay time.Duration) error {
	if q.away.Load() {
		return errAway
	}
	return q.Queue.Send(ctx, body, delay)
}

// awayLease is a lease that can't be renewed for a while.
type awayLease struct {
	world.Lease
	away *atomic.Bool
}

func (l awayLease) Renew(ctx context.Context, h world.Holding) error {
	if l.away.Load() {
		return errAway
	}
	return l.Lease.Renew(ctx, h)
}

// inside is an agent in the test's process, whose time can run faster and whose
// services can be away. Its lease is in memory, because a disk takes its time
// whatever the clock says. Everything else is as in the program.
type inside struct {
	queue, lease atomic.Bool // are they away?
}

// start runs the agent until the test ends. speed is how many times as fast as
// life its clock runs, state its folder.
func (in *inside) start(e *evening, speed float64, state string) {
	e.t.Helper()
	log := slog.New(slog.NewJSONHandler(e.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	c := clock.NewScaled(speed, time.Now())
	text := func(name string) string { return e.conf[name].(string) }
	game, err := docker.New(docker.Options{
		Host: text("docker_host"), Image: text("image"), World: e.world, WorldName: "Midgard", ServerName: "Our Midgard",
		Password: "secret-of-midgard", Port: e.conf["port"].(int), Crossplay: true, Environment: e.conf["environment"].(map[string]string),
		ConfigDir: e.path("world"), InstallDir: e.path("valheim"), Clock: clock.System{}, Log: log,
	})
	if err != nil {
		e.t.Fatal(err)
	}
	files, err := saves.New(saves.Options{ID: e.world, World: "Midgard", Dir: e.path("world/worlds_local"), Home: e.path("world"), AllowNew: true})
	if err != nil {
		e.t.Fatal(err)
	}
	disk, err := spool.MakeFolder(state)
	if err != nil {
		e.t.Fatal(err)
	}
	vm, ok := e.cloud.VM(e.vm)
	if !ok {
		e.t.Fatal("no machine")
	}
	a, err := agent.New(agent.Options{
		World: e.world, Key: []byte(key), Clock: c, Game: game, Files: files, Metadata: vm,
		Lease:  awayLease{simstorage.New(simstorage.Options{Clock: c}).Lease(), &in.lease},
		Events: awayQueue{e.events, &in.queue}, Orders: e.orders,
		Disk: disk, Boot: "this", Log: log,
	})
	if err != nil {
		e.t.Fatal(err)
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := a.Run(ctx); err != nil && !errors.Is(err, agent.ErrPowerOff) {
			e.t.Errorf("Run: %v", err)
		}
	}()
	e.t.Cleanup(func() {
		cancel(agent.ErrPowerOff)
		<-done
		if err := game.Close(); err != nil {
			e.t.Error(err)
		}
	})
}

// TestQueueAway: ten minutes without the events queue cost nothing but time.
func TestQueueAway(t *testing.T) {
	t.Parallel()
	e := newEvening(t, "10")
	in := &inside{}
	const speed = 10
	in.start(e, speed, e.path("state"))
	e.wait("listening", 1)
	in.queue.Store(true)
	began := time.Now()
	names := []string{"Ana", "Bo", "Cid", "Dee", "Eva"}
	for _, name := range names {
		e.tell("join", name)
		<-time.After(10 * time.Minute / speed / 5)
	}
	if away := time.Since(began) * speed; away < 10*time.Minute {
		t.Errorf("it was away for %v only", away)
	}
	before := len(e.all("spawned"))
	in.queue.Store(false)
	told := e.wait("spawned", len(names))
	if before != 0 {
		t.Errorf("%d came through while the queue was away", before)
	}
	for i, h := range told {
		if got := h.Data.(*world.Spawned).Player.Name; got != names[i] {
			t.Errorf("%d: %s came in, want %s", i, got, names[i])
		}
	}
	if n := len(e.all("words_lost")); n != 0 {
		t.Errorf("words were lost %d times", n)
	}
}

// TestDiskFull: with its own disk full and the queue away the agent loses the
// oldest words, says how many, and the game goes on.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("mounting a small file system needs root")
	}
	e := newEvening(t, "10")
	small := e.path("small")
	if err := os.Mkdir(small, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("none", small, "tmpfs", 0, "size=64k"); err != nil {
		t.Fatalf("mount a small file system: %v", err)
	}
	in := &inside{}
	in.start(e, 1, small)
	t.Cleanup(func() {
		if err := syscall.Unmount(small, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	e.wait("listening", 1)
	e.tell("join", "Ana")
	e.wait("spawned", 1)
	in.queue.Store(true)
	const raids = 120
	for range raids {
		e.tell("raid", "foresttrolls")
	}
	<-time.After(time.Second) // the last line is on its way
	in.queue.Store(false)
	lost := e.wait("words_lost", 1)[0].Data.(*world.WordsLost).Count
	told := int64(len(e.all("raid")))
	if lost == 0 || told == 0 || told+lost < raids {
		t.Errorf("%d lost and %d told of %d", lost, told, raids)
	}
	t.Logf("%d lost, %d told", lost, told)
	e.order(world.OrderStop, "op-1", 1)
	if p := e.wait("save_proven", 1)[0].Data.(*world.SaveProven); !p.Confirmed {
		t.Errorf("proof %+v", p)
	}
}

// TestLeaseNotRenewed: an agent that can't renew its lease saves and stops
// before another could have it.
func TestLeaseNotRenewed(t *testing.T) {
	t.Parallel()
	e := newEvening(t, "10")
	in := &inside{}
	const speed = 5
	in.start(e, speed, e.path("state"))
	e.wait("listening", 1)
	e.tell("join", "Ana")
	e.wait("spawned", 1)
	in.lease.Store(true)
	began := time.Now()
	p := e.wait("save_proven", 1)[0].Data.(*world.SaveProven)
	took := time.Since(began) * speed
	if !p.Confirmed || p.Why != world.StopLease {
		t.Errorf("proof %+v", p)
	}
	if took > world.LeaseDuration {
		t.Errorf("it took %v of a lease of %v", took, world.LeaseDuration)
	}
	e.until("end of the container", func() bool { return !e.runs() })
}
