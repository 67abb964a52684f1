//go:build linux

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/moby/moby/client"

	"hearth/internal/clock"
	"hearth/internal/docker/dockertest"
	"hearth/internal/sim/azurite"
	"hearth/internal/sim/simcloud"
	"hearth/internal/sim/simcloud/wire"
	"hearth/internal/sim/simgame/supervisor"
	"hearth/internal/sim/simshare"
	"hearth/internal/sqlite"
	"hearth/internal/world"
)

const patience = 60 * time.Second

// evening is a machine of a pretend cloud with a real engine, the bot's
// storage, and a configuration for hearth-agent as a program.
type evening struct {
	t     testing.TB
	dir   string
	world string
	// events and orders are the queues as the bot has them, and lease the
	// world's.
	events, orders world.Queue
	lease          interface {
		world.Lease
		Holder(ctx context.Context, worldID string) (h world.Holding, until time.Time, held bool, err error)
	}
	share *simshare.Share // that the world lies on, as far as the agent knows; nil: none
	api   *client.Client
	cloud *simcloud.Cloud
	vm    string
	conf  map[string]any
	log   *output

	mu    sync.Mutex // guards heard
	heard []heard
}

// heard is an event, and when it was in the queue.
type heard struct {
	world.Event
	at time.Time
}

// output is what the agents print; it is read while they write.
type output struct {
	mu  sync.Mutex // guards buf
	buf bytes.Buffer
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(b)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}

// newEvening: the game in the container runs speed times as fast as life.
func newEvening(t testing.TB, speed string) *evening {
	t.Helper()
	return newEveningOn(t, speed, sqliteStorage)
}

// newEveningOn: open sets the storage up and returns what configures it.
func newEveningOn(t testing.TB, speed string, open func(e *evening) map[string]any) *evening {
	t.Helper()
	host := dockertest.Engine(t)
	e := &evening{t: t, dir: t.TempDir(), world: fmt.Sprintf("w%x", time.Now().UnixNano()), api: dockertest.Client(t, host), log: &output{}}
	for _, d := range []string{"world/worlds_local", "valheim"} {
		if err := os.MkdirAll(e.path(d), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	storage := open(e)
	metadata := e.openCloud()
	e.conf = map[string]any{
		"world": e.world, "world_file": "Midgard", "server_name": "Our Midgard", "password": "secret-of-midgard", "crossplay": true,
		"save_interval": "5m", "mount": e.path("world"), "mount_required": false, "allow_new_world": true, "state": e.path("state"),
		"key": key, "metadata_url": metadata, "docker_host": host,
		"image": dockertest.Server(t, host), "install_folder": e.path("valheim"), "port": freePort(t), "log_level": "debug",
		"environment": map[string]string{supervisor.SpeedVariable: speed, supervisor.LoadVariable: "5s"},
	}
	maps.Copy(e.conf, storage)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		_, _ = e.api.ContainerRemove(ctx, "hearth-"+e.world, client.ContainerRemoveOptions{Force: true}) // it may be gone
		if t.Failed() {
			t.Logf("heard: %s\nthe agents' log:\n%s", e.types(), e.log)
		}
	})
	return e
}

func (e *evening) path(name string) string { return filepath.Join(e.dir, filepath.FromSlash(name)) }

// sqliteStorage is the bot's file.
func sqliteStorage(e *evening) map[string]any {
	e.t.Helper()
	db, err := sqlite.Open(e.t.Context(), e.path("hearth.db"), clock.System{})
	if err != nil {
		e.t.Fatal(err)
	}
	e.t.Cleanup(func() {
		if err := db.Close(); err != nil {
			e.t.Error(err)
		}
	})
	db.Share(20 * time.Millisecond)
	events := db.Queue(world.EventsQueue)
	e.events, e.orders, e.lease = events, db.Queue(world.OrdersQueue(e.world)), db.Lease()
	e.hearAll(events.Wait)
	return map[string]any{"storage": "sqlite:" + e.path("hearth.db")}
}

// azureStorage is a storage account, of which the agent has the key in a file, and
// a share.
func azureStorage(e *evening) map[string]any {
	e.t.Helper()
	connection, queues, leases := storageAccount(e.t, e.world)
	e.events, e.orders, e.lease = queues.Queue(world.EventsQueue), queues.Queue(world.OrdersQueue(e.world)), leases
	file := e.path("connection")
	if err := os.WriteFile(file, []byte(connection.Reveal()+"\n"), 0o600); err != nil {
		e.t.Fatal(err)
	}
	e.hearAll(func(ctx context.Context) error {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(100 * time.Millisecond):
			return nil
		}
	})
	azure, conf := newShare(e.t)
	e.share = azure
	maps.Copy(conf, map[string]any{"storage": "azure", "storage_connection_file": file})
	return conf
}

// hearAll hears all events until the test ends. wait waits until there may be
// one.
func (e *evening) hearAll(wait func(ctx context.Context) error) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		e.hear(ctx, wait)
	}()
	e.t.Cleanup(func() {
		cancel()
		<-done
	})
}

func (e *evening) hear(ctx context.Context, wait func(ctx context.Context) error) {
	for wait(ctx) == nil {
		ms, err := e.events.Receive(ctx, 32, time.Minute)
		if err != nil && ctx.Err() == nil {
			e.t.Errorf("receive: %v", err)
		}
		for _, m := range ms {
			ev, err := world.Decode(m.Body, func(string) []byte { return []byte(key) })
			if err != nil {
				e.t.Errorf("decode: %v", err)
			}
			if ev.World == e.world { // a storage account is not one test's alone
				e.mu.Lock()
				e.heard = append(e.heard, heard{ev, time.Now()})
				e.mu.Unlock()
			}
			if err := e.events.Delete(ctx, m); err != nil && ctx.Err() == nil {
				e.t.Errorf("delete: %v", err)
			}
		}
	}
}

// openCloud makes one machine and returns its metadata's address.
func (e *evening) openCloud() string {
	e.t.Helper()
	place := world.Placement{ID: "vmss-" + e.world, Size: "Standard_D2ads_v5"}
	c, err := simcloud.New(simcloud.Options{
		Clock: clock.System{}, Placements: []world.Placement{place}, Timing: simcloud.Timing{Create: time.Millisecond, Boot: time.Millisecond},
		Boot: func(ctx context.Context, _ *simcloud.VM) { <-ctx.Done() },
	})
	if err != nil {
		e.t.Fatal(err)
	}
	e.cloud = c
	e.t.Cleanup(func() {
		if err := c.Close(context.Background()); err != nil {
			e.t.Error(err)
		}
	})
	if _, err := c.Scale(e.t.Context(), place, 1); err != nil {
		e.t.Fatal(err)
	}
	e.until("a machine", func() bool {
		vms := c.Snapshot().VMs
		return len(vms) == 1 && vms[0].State == simcloud.VMRunning
	})
	e.vm = c.Snapshot().VMs[0].ID
	s := httptest.NewServer(wire.New(c, e.vm, wire.Options{Clock: clock.System{}}))
	e.t.Cleanup(s.Close)
	return s.URL
}

func freePort(t testing.TB) int {
	t.Helper()
	conn, err := net.ListenUDP("udp", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }() // it was asked for its number only
	return conn.LocalAddr().(*net.UDPAddr).Port &^ 1
}

// process is one process of hearth-agent.
type process struct {
	cmd  *exec.Cmd
	done chan struct{}
}

// check is what `hearth-agent check` prints.
func (e *evening) check() string {
	e.t.Helper()
	cmd := e.command("check", nil)
	out, err := cmd.Output()
	if err != nil {
		e.t.Errorf("check: %v", err)
	}
	return string(out)
}

// command is the program, with these changes to its configuration.
func (e *evening) command(name string, changes map[string]any) *exec.Cmd {
	e.t.Helper()
	conf := map[string]any{}
	for _, m := range []map[string]any{e.conf, changes} {
		maps.Copy(conf, m)
	}
	text, err := json.Marshal(conf)
	if err != nil {
		e.t.Fatal(err)
	}
	path := filepath.Join(e.t.TempDir(), "agent.json")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		e.t.Fatal(err)
	}
	cmd := exec.CommandContext(context.Background(), os.Args[0], name, "--config", path)
	cmd.Env = append(os.Environ(), asAgent+"=1")
	return cmd
}

// agent starts the program, with these changes to its configuration.
func (e *evening) agent(changes map[string]any) *process {
	e.t.Helper()
	p := &process{cmd: e.command("run", changes), done: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = e.log, e.log
	if err := p.cmd.Start(); err != nil {
		e.t.Fatal(err)
	}
	go func() {
		_ = p.cmd.Wait() // the tests ask for its state
		close(p.done)
	}()
	e.t.Cleanup(p.kill)
	return p
}

// kill ends it as nothing can prevent, and waits for that.
func (p *process) kill() {
	_ = p.cmd.Process.Kill() // or it is gone
	<-p.done
}

// until waits for something, looking often.
func (e *evening) until(what string, is func() bool) {
	e.t.Helper()
	for end := time.Now().Add(patience); !is(); {
		if time.Now().After(end) {
			e.t.Fatalf("no %s in %v; heard: %s", what, patience, e.types())
		}
		<-time.After(20 * time.Millisecond)
	}
}

// all are the events of a type, each number once.
func (e *evening) all(typ string) []heard {
	e.mu.Lock()
	defer e.mu.Unlock()
	var out []heard
	for _, h := range e.heard {
		if string(h.Data.Type()) == "agent."+typ && !slices.ContainsFunc(out, func(o heard) bool { return o.ID == h.ID }) {
			out = append(out, h)
		}
	}
	return out
}

// wait waits until there are n events of a type and returns them.
func (e *evening) wait(typ string, n int) []heard {
	e.t.Helper()
	e.until(fmt.Sprintf("%d × %s", n, typ), func() bool { return len(e.all(typ)) >= n })
	return e.all(typ)
}

// types is what was told, each number once, but for heartbeats and steps. It
// must be without holes and in order.
func (e *evening) types() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	var out []string
	next := map[int64]int64{}
	for _, h := range e.heard {
		is := h.Data.(world.AgentPayload).AsHeard()
		if is.Seq <= next[is.Epoch] {
			continue // again
		}
		if is.Seq != next[is.Epoch]+1 {
			out = append(out, fmt.Sprintf("[%d of epoch %d after %d]", is.Seq, is.Epoch, next[is.Epoch]))
		}
		next[is.Epoch] = is.Seq
		if typ := strings.TrimPrefix(string(h.Data.Type()), "agent."); typ != "heartbeat" && typ != "step_begun" {
			out = append(out, typ)
		}
	}
	return strings.Join(out, " ")
}

// order sends an order of this epoch.
func (e *evening) order(kind world.OrderKind, operation string, epoch int64) {
	e.t.Helper()
	body, err := world.Order{Kind: kind, World: e.world, Operation: operation, Epoch: epoch, Issued: time.Now()}.Encode()
	if err == nil {
		err = e.orders.Send(e.t.Context(), body, 0)
	}
	if err != nil {
		e.t.Fatal(err)
	}
}

// tell has the game do something: a command of package simgame.
func (e *evening) tell(words ...string) {
	e.t.Helper()
	e.control(append([]string{"tell"}, words...)...)
}

// control asks the supervisor in the container, which may end by it.
func (e *evening) control(words ...string) {
	e.t.Helper()
	made, err := e.api.ExecCreate(e.t.Context(), "hearth-"+e.world, client.ExecCreateOptions{
		Cmd: append([]string{"supervisorctl"}, words...), AttachStdout: true, AttachStderr: true,
	})
	if err != nil {
		e.t.Fatal(err)
	}
	at, err := e.api.ExecAttach(e.t.Context(), made.ID, client.ExecAttachOptions{})
	if err != nil {
		e.t.Fatal(err)
	}
	defer at.Close()
	_, _ = io.Copy(io.Discard, at.Reader) // to its end
}

// runs reports whether the world's container runs.
func (e *evening) runs() bool {
	got, err := e.api.ContainerInspect(e.t.Context(), "hearth-"+e.world, client.ContainerInspectOptions{})
	return err == nil && got.Container.State.Running
}

// proof is the one that was left beside the world.
func (e *evening) proof() world.Proof {
	e.t.Helper()
	var p world.Proof
	b, err := os.ReadFile(e.path("world/hearth-proof.json"))
	if err == nil {
		err = json.Unmarshal(b, &p)
	}
	if err != nil {
		e.t.Fatal(err)
	}
	return p
}

// acknowledged reports whether the cloud may go on with its notice.
func (e *evening) acknowledged() bool {
	for _, vm := range e.cloud.Snapshot().VMs {
		if vm.ID == e.vm && vm.State == simcloud.VMRunning && !vm.Notice.NotBefore.IsZero() {
			return false
		}
	}
	return true
}

// held reports whether somebody has the world's lease.
func (e *evening) held() bool {
	_, _, held, err := e.lease.Holder(e.t.Context(), e.world)
	return held || err != nil
}

// storages are what a deployment can have.
func storages() map[string]func(e *evening) map[string]any {
	return map[string]func(e *evening) map[string]any{"sqlite": sqliteStorage, "azure": azureStorage}
}

// TestEvening: two players, an order, a proof, and nothing left that runs.
func TestEvening(t *testing.T) {
	for name, open := range storages() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wholeEvening(t, newEveningOn(t, "10", open))
		})
	}
}

func wholeEvening(t *testing.T, e *evening) {
	t.Helper()
	p := e.agent(nil)
	up := e.wait("listening", 1)[0].Data.(*world.Listening)
	if !up.New || up.Version == "" || len(up.Steps) == 0 {
		t.Errorf("listening %+v", up)
	}
	e.tell("join", "Ana")
	e.tell("join", "Bo")
	e.wait("spawned", 2)
	e.order(world.OrderStopIfEmpty, "op-1", 1)
	if r := e.wait("order_refused", 1)[0].Data.(*world.OrderRefused); r.Reason != world.OrderOccupied || len(r.Players) != 2 {
		t.Errorf("refused %+v", r)
	}
	if out := e.check(); strings.Contains(out, "fail") || strings.Count(out, "\n") < 6 {
		t.Errorf("check beside an agent that runs says\n%s", out)
	}
	e.tell("leave", "Bo")
	e.wait("disconnected", 1)
	e.order(world.OrderStop, "op-2", 1)
	proven := e.wait("save_proven", 1)[0].Data.(*world.SaveProven)
	if !proven.Confirmed || proven.Operation != "op-2" || proven.Size == 0 {
		t.Errorf("proof %+v", proven)
	}
	e.until("end of the container", func() bool { return !e.runs() })
	e.until("free lease", func() bool { return !e.held() })
	if beside := e.proof(); !beside.Confirmed || beside.Epoch != 1 || beside.Size != proven.Size {
		t.Errorf("beside the world stands %+v", beside)
	}
	if got, want := e.types(), "host_up join_code listening connected spawned connected spawned order_refused disconnected disconnected save_proven"; !sameEvening(got, want) {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	// Who looks at the machine now is told what is there, and ends it cleanly.
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	<-p.done
	if code := p.cmd.ProcessState.ExitCode(); code != exitOK {
		t.Errorf("exit %d", code)
	}
	if e.share != nil {
		kept := e.share.Snapshots()
		if len(kept) != 1 || kept[0].Metadata["epoch"] != "1" || kept[0].Metadata["world"] != e.world || kept[0].ID >= e.all("listening")[0].Time.UTC().Format(time.RFC3339Nano) {
			t.Errorf("snapshots %+v, want one of boot 1, before the game listened", kept)
		}
	}
	if log := e.log.String(); strings.Contains(log, "secret-of-midgard") || strings.Contains(log, key) || strings.Contains(log, worldsKey) || strings.Contains(log, azurite.Key) {
		t.Error("a secret is in the log")
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, h := range e.heard {
		if line := h.Data.(world.AgentPayload).AsHeard().Line; strings.Contains(line, "Steam_7656") || strings.Contains(line, "Xbox_") {
			t.Errorf("an account id left the machine: %s", line)
		}
	}
}

// sameEvening compares two lists of events. Two who come in at once may do so in
// either order of steps, and saves come when they come.
func sameEvening(got, want string) bool {
	sorted := func(s string) []string {
		list := slices.DeleteFunc(strings.Fields(s), func(w string) bool { return w == "saved" })
		slices.Sort(list)
		return list
	}
	return slices.Equal(sorted(got), sorted(want))
}

// TestEviction: the notice is told, the world saved and proven, and only then
// may the cloud go on.
func TestEviction(t *testing.T) {
	e := newEvening(t, "1")
	e.conf["environment"] = map[string]string{supervisor.LoadVariable: "1s"}
	e.agent(nil)
	e.wait("listening", 1)
	e.tell("join", "Ana")
	e.wait("connected", 1)
	begun := time.Now()
	if err := e.cloud.Preempt(e.vm, 30*time.Second); err != nil {
		t.Fatal(err)
	}
	noticed := e.wait("noticed", 1)[0]
	proven := e.wait("save_proven", 1)[0]
	if p := proven.Data.(*world.SaveProven); !p.Confirmed || p.Why != world.StopNotice {
		t.Errorf("proof %+v", p)
	}
	e.until("acknowledgement", e.acknowledged)
	whole := time.Since(begun)
	if beside := e.proof(); !beside.Confirmed || beside.Why != world.StopNotice {
		t.Errorf("beside the world stands %+v", beside)
	}
	t.Logf("noticed after %v, proven after %v, acknowledged after %v", noticed.at.Sub(begun), proven.at.Sub(begun), whole)
	if whole > 8*time.Second {
		t.Errorf("acknowledged after %v, want at most 8s for a save of two", whole)
	}
}

// TestKilledInEveryPhase: a process of the agent that dies is followed by one
// that goes on, and the evening is told once.
func TestKilledInEveryPhase(t *testing.T) {
	const want = "host_up join_code listening connected spawned connected spawned disconnected disconnected disconnected save_proven"
	for _, phase := range []string{"making", "loading", "listening", "connected", "spawned", "leaving", "stopping", "down"} {
		t.Run(phase, func(t *testing.T) {
			t.Parallel()
			e := newEvening(t, "10")
			p := e.agent(nil)
			again := func(now string) {
				if now == phase {
					p.kill()
					p = e.agent(nil)
				}
			}
			e.wait("host_up", 1)
			again("making")
			e.until("container", e.runs)
			again("loading")
			e.wait("listening", 1)
			again("listening")
			e.tell("join", "Ana")
			e.tell("join", "Bo")
			e.wait("connected", 1)
			again("connected")
			e.wait("spawned", 2)
			again("spawned")
			e.tell("leave", "Bo")
			e.wait("disconnected", 1)
			again("leaving")
			e.order(world.OrderStop, "op-1", 1)
			e.until("order taken", func() bool { return strings.Contains(e.log.String(), "stopping the game") })
			again("stopping")
			e.wait("save_proven", 1)
			again("down")
			e.until("end of the container", func() bool { return !e.runs() })
			e.until("free lease", func() bool { return !e.held() })
			e.until("heartbeat after that", func() bool {
				beats := e.all("heartbeat")
				return phase != "down" || len(beats) > 0
			})
			for _, h := range e.all("save_proven") {
				if p := h.Data.(*world.SaveProven); !p.Confirmed || p.Operation != "op-1" || p.Epoch != 1 {
					t.Errorf("proof %+v", p)
				}
			}
			got := strings.TrimSuffix(strings.TrimSuffix(e.types(), " save_proven"), " save_proven") + " save_proven"
			if !sameEvening(got, strings.Replace(want, "disconnected disconnected disconnected", "disconnected disconnected", 1)) {
				t.Errorf("got  %s\nwant %s", got, want)
			}
		})
	}
}

// TestContainerDies: a game that is gone is told and started once more.
func TestContainerDies(t *testing.T) {
	t.Parallel()
	e := newEvening(t, "10")
	e.agent(nil)
	e.wait("listening", 1)
	if _, err := e.api.ContainerKill(t.Context(), "hearth-"+e.world, client.ContainerKillOptions{Signal: "SIGKILL"}); err != nil {
		t.Fatal(err)
	}
	if c := e.wait("crashed", 1)[0].Data.(*world.Crashed); !c.Restarting {
		t.Errorf("crashed %+v", c)
	}
	e.wait("listening", 2)
	e.order(world.OrderStop, "op-1", 1)
	if p := e.wait("save_proven", 1)[0].Data.(*world.SaveProven); !p.Confirmed {
		t.Errorf("proof %+v", p)
	}
}

// TestOutOfMemory: the kernel ends the container, or the game in it.
func TestOutOfMemory(t *testing.T) {
	t.Parallel()
	e := newEvening(t, "10")
	p := e.agent(map[string]any{"memory_mb": 128})
	e.wait("listening", 1)
	e.tell("join", "Ana")
	e.wait("spawned", 1)
	e.control("eat", "256")
	c := e.wait("crashed", 1)[0].Data.(*world.Crashed)
	if !c.Restarting {
		t.Errorf("crashed %+v", c)
	}
	if d := e.wait("disconnected", 1)[0].Data.(*world.Disconnected); d.Player.Name != "Ana" {
		t.Errorf("disconnected %+v", d)
	}
	e.wait("listening", 2)
	if log := e.log.String(); !strings.Contains(log, "killed by the kernel for its memory") {
		t.Error("the log does not say why")
	}
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	<-p.done
	if proof := e.proof(); !proof.Confirmed || proof.Why != world.StopAgent {
		t.Errorf("a clean end left %+v", proof)
	}
	if e.held() {
		t.Error("the lease was not given back")
	}
}

// TestSecondAgent: whoever does not hold the lease starts no game, and one whose
// lease is taken kills its own.
func TestSecondAgent(t *testing.T) {
	for name, open := range storages() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			secondAgent(t, newEveningOn(t, "10", open))
		})
	}
}

func secondAgent(t *testing.T, e *evening) {
	t.Helper()
	e.agent(nil)
	e.wait("listening", 1)
	other := map[string]any{"container": "hearth-other-" + e.world, "state": e.path("other"), "port": freePort(t)}
	e.agent(other)
	e.until("second agent that waits", func() bool { return strings.Contains(e.log.String(), "lease is held by another, waiting") })
	h, _, held, err := e.lease.Holder(t.Context(), e.world)
	if err != nil || !held {
		t.Fatalf("nobody holds the lease: %v", err)
	}
	if _, err := e.api.ContainerInspect(t.Context(), "hearth-other-"+e.world, client.ContainerInspectOptions{}); err == nil {
		t.Error("the second agent made a container")
	}
	// It is taken: nobody knows how, but it is another's now.
	if err := e.lease.Release(t.Context(), h); err != nil {
		t.Fatal(err)
	}
	e.until("end of the first game", func() bool { return !e.runs() })
	p := e.wait("save_proven", 1)[0].Data.(*world.SaveProven)
	if p.Confirmed || p.Why != world.StopLease || p.Epoch != 1 {
		t.Errorf("proof %+v, want none of the first epoch", p)
	}
	e.until("the second's game", func() bool {
		got, err := e.api.ContainerInspect(t.Context(), "hearth-other-"+e.world, client.ContainerInspectOptions{})
		return err == nil && got.Container.State.Running
	})
	t.Cleanup(func() {
		_, err := e.api.ContainerRemove(context.Background(), "hearth-other-"+e.world, client.ContainerRemoveOptions{Force: true})
		if err != nil && !errors.Is(err, context.Canceled) {
			t.Log(err)
		}
	})
}
