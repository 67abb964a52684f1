//go:build linux

package vmtest_test

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"hearth/internal/saves"
	"hearth/internal/sim/simgame"
	"hearth/internal/world"
)

// How long things may take: in software, on two cores that others use too.
const (
	bootWithin = 15 * time.Minute // from power to the agent
	thenWithin = 5 * time.Minute  // each thing after that
)

// TestMachine is a world's machine in good times and bad. Each case begins with
// a new machine and the share as the last one left it.
func TestMachine(t *testing.T) {
	r := newRig(t)
	r.samba.start(t)
	for _, tc := range []struct {
		name string
		play func(*testing.T)
	}{
		{"evening", r.evening},
		{"no share", r.noShare},
		{"wrong checksum", r.wrongChecksum},
		{"refusing queue", r.refusingQueue},
		{"power cut", r.powerCut},
	} {
		t.Run(tc.name, tc.play)
		if err := os.WriteFile(filepath.Join(r.dir, "times.md"), []byte(r.times.table()), 0o644); err != nil {
			t.Error(err)
		}
	}
	t.Logf("\n%s", r.times.table())
}

// evening: a new world, a player, and the cloud takes the machine.
func (r *rig) evening(t *testing.T) {
	b := r.boot(t, "evening")
	epoch := b.up(t)
	t.Run("answers players", func(t *testing.T) { query(t) })
	t.Run("keeps containers away", func(t *testing.T) { r.fence(t) })
	t.Run("does what its roles allow", func(t *testing.T) {
		for _, asked := range r.front.overreach() {
			t.Error(asked)
		}
	})
	t.Run("keeps a snapshot", func(t *testing.T) {
		if n := len(r.shares.Snapshots()); n != 1 {
			t.Errorf("the share has %d snapshots, want one of this boot", n)
		}
	})
	t.Run("seals its events", func(t *testing.T) {
		for _, err := range r.inbox.unsealed() {
			t.Error(err)
		}
	})
	b.join(t, "Astrid")
	t.Run("eviction", func(t *testing.T) { b.evicted(t, epoch) })
	b.kill()
	t.Run("keeps secrets off its disk", func(t *testing.T) { r.unkept(t, b.disk) })
}

// powerCut: nobody was told, and the next machine goes on from the last save.
func (r *rig) powerCut(t *testing.T) {
	b := r.boot(t, "after the eviction")
	epoch := b.up(t)
	if _, up := hear[*world.HostUp](t, b, thenWithin, nil); up.Previous == nil || !up.Previous.Confirmed || up.Previous.Epoch >= epoch {
		t.Errorf("boot %d tells of %+v; want the proof of the one before", epoch, up.Previous)
	}
	if _, l := hear[*world.Listening](t, b, thenWithin, nil); l.New {
		t.Error("it made a new world where there is one")
	}
	b.join(t, "Bjorn")
	saved := r.saves(t)
	hear(t, b, thenWithin, func(*world.Saved) bool { return r.saves(t) > saved })
	saved = r.saves(t)
	r.writes(t)
	b.kill()

	files := r.files(t)
	state, err := files.Check(t.Context())
	if err != nil {
		t.Fatalf("after the power cut: %v", err)
	}
	t.Logf("the power went in a save; mended: %q", state.Mended)
	if got := r.saves(t); got < saved {
		t.Errorf("the world was saved %d times, and is of save %d now", saved, got)
	}

	next := r.boot(t, "after the power cut")
	if second := next.up(t); second <= epoch {
		t.Errorf("boot %d comes after boot %d", second, epoch)
	}
	if _, l := hear[*world.Listening](t, next, thenWithin, nil); l.New {
		t.Error("it made a new world where there is one")
	}
	next.join(t, "Astrid")
	saved = r.saves(t)
	hear(t, next, thenWithin, func(*world.Saved) bool { return r.saves(t) > saved })
	for _, name := range []string{"Astrid", "Bjorn"} {
		if _, ok := r.world(t).Players[name]; !ok {
			t.Errorf("%s is forgotten", name)
		}
	}
	next.kill()
}

// noShare: the machine comes up without the world's files.
func (r *rig) noShare(t *testing.T) {
	r.samba.stop()
	b := r.boot(t, "no share")
	b.measureSteps(t)
	_, cannot := hear[*world.CannotStart](t, b, bootWithin, nil)
	if cannot.Reason != world.FilesNotMounted {
		t.Errorf("the agent says %s (%s), want %s", cannot.Reason, cannot.Detail, world.FilesNotMounted)
	}
	if l := b.log(t); l.Failed || !l.Speaks || !strings.Contains(l.Said, "not fit") {
		t.Errorf("the bot reads %+v on the console, want an agent that misses the files", l)
	}
	b.idle(t)
	r.samba.start(t)
	if out, ok := r.hands.do(t, "for i in $(seq 60); do mountpoint /srv/hearth/world && exit; sleep 1; done; systemctl status hearth-share srv-hearth-world.mount; exit 1"); !ok {
		t.Errorf("the share is there again and is not mounted:\n%s", out)
	}
	b.kill()
}

// wrongChecksum: somebody else's program under the agent's name.
func (r *rig) wrongChecksum(t *testing.T) {
	r.storage.deploy(t, r.agent, append(bytes.Clone(r.program), '!'))
	defer r.storage.deploy(t, r.agent, r.program)
	b := r.boot(t, "wrong checksum")
	l := b.await(t, `hearth-boot: (FAILED|start)`, bootWithin)
	if got := b.log(t); !got.Failed || got.Step != world.BootChecksum || got.Reason == "" || got.Speaks {
		t.Errorf("the bot reads %+v on the console, want a failed checksum", got)
	}
	r.times.add(b.name, "until it is told", l.at.Sub(b.began))
	b.idle(t)
	if out, _ := r.hands.do(t, "pgrep -l hearth-agent; systemctl is-active hearth-agent"); strings.Contains(out, "hearth-agent") || strings.HasPrefix(out, "active") {
		t.Errorf("an agent runs: %s", out)
	}
	if _, ok, _ := r.inbox.find(b.from, func(world.Event) bool { return true }); ok {
		t.Errorf("something spoke:\n%s", r.inbox.told(b.from))
	}
	b.kill()
}

// refusingQueue: the bot would not hear of a game, so that there must be none.
func (r *rig) refusingQueue(t *testing.T) {
	r.front.refuseEvents.Store(true)
	defer r.front.refuseEvents.Store(false)
	b := r.boot(t, "refusing queue")
	b.measureSteps(t)
	l := b.await(t, `"level":"ERROR","msg":"game is not started`, thenWithin)
	r.times.add(b.name, "until it is told", l.at.Sub(b.began))
	if got := b.log(t); got.Failed || !got.Speaks || !strings.Contains(got.Said, "403") {
		t.Errorf("the bot reads %+v on the console, want an agent that is refused with 403", got)
	}
	b.idle(t)
	b.kill()
}

// log is what the bot reads of the machine's console.
func (b *boot) log(t *testing.T) world.BootLog {
	t.Helper()
	return world.ReadBootLog([]byte(read(t, filepath.Join(b.rig.dir, b.name+".console"))))
}

// up waits until people can play, and notes how long each part of that took. It
// returns the boot's number.
func (b *boot) up(t *testing.T) (epoch int64) {
	t.Helper()
	started := b.measureSteps(t)
	at, up := hear[*world.HostUp](t, b, thenWithin, nil)
	b.rig.times.add(b.name, "agent: heard in the queue", at.Sub(started))
	listening, l := hear[*world.Listening](t, b, thenWithin, nil)
	for _, s := range l.Steps {
		b.rig.times.add(b.name, "game: "+string(s.Step), s.Took)
	}
	b.rig.times.add(b.name, "game: listening, since the agent was heard", listening.Sub(at))
	b.rig.times.add(b.name, "all of it", listening.Sub(b.began))
	b.rig.times.add(b.name, "of start: the share's mount", b.mounting(t))
	return up.Epoch
}

// measureSteps waits until boot.sh is through and returns when the agent's
// process was there.
func (b *boot) measureSteps(t *testing.T) time.Time {
	t.Helper()
	last := b.began
	note := func(phase, pattern string, within time.Duration) {
		l := b.await(t, pattern, within)
		b.rig.times.add(b.name, phase, l.at.Sub(last))
		last = l.at
	}
	note("kernel", `systemd\[1\]: |Welcome to`, bootWithin)
	note("system, cloud-init", `hearth-boot: fence`, bootWithin)
	// The line of a step ends the one before it.
	step := "fence"
	for _, next := range []string{"identity", "agent", "checksum", "secrets", "packages", "start"} {
		l := b.await(t, `hearth-boot: (`+next+`|FAILED)`, thenWithin)
		if strings.Contains(l.text, "FAILED") {
			t.Fatalf("%s\n%s", l.text, tail(b.console(), 40))
		}
		b.rig.times.add(b.name, "boot.sh: "+step, l.at.Sub(last))
		step, last = next, l.at
	}
	note("boot.sh: start", `"msg":"agent starts"`, thenWithin)
	return last
}

// mounting is how long the share's mount took, by systemd.
func (b *boot) mounting(t *testing.T) time.Duration {
	t.Helper()
	out, _ := b.rig.hands.do(t, "systemctl show --value -p InactiveExitTimestampMonotonic -p ActiveEnterTimestampMonotonic srv-hearth-world.mount")
	var at [2]int
	for i, word := range strings.Fields(out) {
		n, err := strconv.Atoi(word)
		if err != nil || i > 1 {
			t.Fatalf("systemd says of the mount: %q", out)
		}
		at[i] = n
	}
	return time.Duration(max(at[0], at[1])-min(at[0], at[1])) * time.Microsecond
}

// join lets somebody into the game, who is told of.
func (b *boot) join(t *testing.T, name string) {
	t.Helper()
	if out, ok := b.rig.hands.do(t, "docker exec hearth-"+worldID+" supervisorctl tell 'join "+name+"'"); !ok {
		t.Fatalf("nobody joins: %s", out)
	}
	hear(t, b, thenWithin, func(s *world.Spawned) bool { return s.Player.Name == name })
}

// evicted: the save comes first, and is told.
func (b *boot) evicted(t *testing.T, epoch int64) {
	r := b.rig
	saved := r.saves(t)
	began := time.Now()
	if err := r.cloud.Preempt(b.vm, simcloudNotice); err != nil {
		t.Fatal(err)
	}
	at, _ := hear(t, b, thenWithin, func(n *world.Noticed) bool { return n.Kind == "Preempt" })
	r.times.add(b.name, "eviction: the notice in the queue", at.Sub(began))
	at, proven := hear[*world.SaveProven](t, b, thenWithin, nil)
	r.times.add(b.name, "eviction: the proof in the queue", at.Sub(began))
	if !proven.Confirmed || proven.Untouched || proven.Why != world.StopNotice {
		t.Errorf("the proof is %+v, want a confirmed save for the notice", proven)
	}
	for _, gone := r.cloud.VM(b.vm); gone; _, gone = r.cloud.VM(b.vm) {
		<-time.After(100 * time.Millisecond)
	}
	gone := time.Since(began)
	r.times.add(b.name, "eviction: the machine is given up", gone)
	if gone > simcloudNotice-time.Second {
		t.Errorf("the cloud took the machine after %v: the notice was not acknowledged", gone)
	}
	proof, err := r.files(t).LastProof(t.Context())
	if err != nil || !proof.Confirmed || proof.Epoch != epoch || proof.Why != world.StopNotice {
		t.Errorf("beside the world stands %+v, %v; want the proof of boot %d", proof, err, epoch)
	}
	if got := r.saves(t); got <= saved {
		t.Errorf("the world is of save %d, as before the notice", got)
	}
	if _, ok := r.world(t).Players["Astrid"]; !ok {
		t.Error("Astrid is not in the save")
	}
}

// simcloudNotice is the longest that Azure gives.
const simcloudNotice = 30 * time.Second

// query asks what server this is, as Steam does.
func query(t *testing.T) {
	conn, err := net.Dial("udp4", net.JoinHostPort(machineAddress, strconv.Itoa(gamePort+1)))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close() //nolint:errcheck // it was only asked
	answer := make([]byte, 1500)
	for range 20 {
		if _, err := conn.Write([]byte("\xff\xff\xff\xffTSource Engine Query\x00")); err != nil {
			t.Fatal(err)
		}
		if err := conn.SetReadDeadline(time.Now().Add(3 * time.Second)); err != nil {
			t.Fatal(err)
		}
		n, err := conn.Read(answer)
		if err != nil {
			t.Log(err)
			continue
		}
		if !bytes.Contains(answer[:n], []byte(serverName+"\x00"+worldFile)) {
			t.Errorf("it answers %q", answer[:n])
		}
		return
	}
	t.Error("nobody answers at the game's query port")
}

// fence: what the machine reaches, and what a container in the game's network;
// then it is torn down, to see that nothing else stood there.
func (r *rig) fence(t *testing.T) {
	const identity = metadataAddress + "/metadata/instance?api-version=2021-02-01"
	places := []struct {
		address string
		fenced  bool
	}{
		{identity, true}, {platformAddress, true}, {platformAddress + ":32526", true},
		{platformAddress + ":53", false}, {wayOut, false},
	}
	ask := ""
	for _, p := range places {
		ask += "curl --silent --output /dev/null --max-time 15 --header Metadata:true 'http://" + p.address + "' && echo yes || echo no; "
	}
	// The machine's own shell and curl, in a container of the game's image.
	inside := "docker run --rm --network container:hearth-" + worldID +
		" -v /usr:/usr:ro -v /lib:/lib:ro -v /lib64:/lib64:ro -e PATH=/usr/bin --entrypoint /usr/bin/sh " + read(t, filepath.Join(r.dir, imageName)) + ` -c "` + ask + `"`
	for _, from := range []struct {
		who, command string
		behind       bool
	}{
		{"the machine", ask, false},
		{"a container", inside, true},
		{"a container without the fence", "iptables -w 30 -t raw -F PREROUTING; " + inside, false},
	} {
		out, _ := r.hands.do(t, from.command)
		answers := strings.Fields(out)
		if len(answers) != len(places) {
			t.Errorf("%s says %q", from.who, out)
			continue
		}
		for i, p := range places {
			kept := from.behind && p.fenced
			if reached := answers[i] == "yes"; reached == kept {
				t.Errorf("%s reaches %s: %v", from.who, p.address, reached)
			}
		}
	}
}

// idle: no container was ever made here.
func (b *boot) idle(t *testing.T) {
	t.Helper()
	if out, ok := b.rig.hands.do(t, "docker ps --all --quiet"); !ok || out != "" {
		t.Errorf("containers, where there should be none: %q", out)
	}
}

// unkept: a disk without the secrets, which outlives the machine for all we know.
func (r *rig) unkept(t *testing.T, disk string) {
	for name, secret := range map[string]string{"key": r.secrets.Key, "share's key": r.secrets.Share} {
		if n := count(t, disk, secret); n > 0 {
			t.Errorf("the disk has the %s, %d times", name, n)
		}
	}
	// The engine keeps a container's environment, by which the image takes the
	// password: nobody else does.
	at := r.folder(t, "disk")
	run(t, "mount", "-o", "loop", disk, at)
	defer run(t, "umount", at)
	err := filepath.WalkDir(at, func(path string, d fs.DirEntry, err error) error {
		name := strings.TrimPrefix(path, at)
		if err != nil || !d.Type().IsRegular() || strings.HasPrefix(name, "/var/lib/docker/") || strings.HasPrefix(name, "/var/lib/containerd/") {
			return err
		}
		if n := count(t, path, r.secrets.Password); n > 0 {
			t.Errorf("%s has the password", name)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// count is how often a file has a text.
func count(t *testing.T, path, text string) (n int) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close() //nolint:errcheck // it was only read
	const step = 1 << 20
	chunk := make([]byte, 0, step+len(text))
	for {
		got, err := io.ReadFull(f, chunk[len(chunk):len(chunk)+step])
		chunk = chunk[:len(chunk)+got]
		n += bytes.Count(chunk, []byte(text))
		if err != nil {
			if !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Fatal(err)
			}
			return n
		}
		kept := copy(chunk, chunk[len(chunk)-len(text)+1:])
		chunk = chunk[:kept]
	}
}

// files are the world's, as they lie on the share.
func (r *rig) files(t *testing.T) *saves.Dir {
	t.Helper()
	d, err := saves.New(saves.Options{ID: worldID, World: worldFile, Home: r.samba.share, Dir: filepath.Join(r.samba.share, "worlds_local")})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// world is the last save; the zero World before the first one.
func (r *rig) world(t *testing.T) simgame.World {
	t.Helper()
	w, err := simgame.ReadWorld(filepath.Join(r.samba.share, "worlds_local"), worldFile)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	return w
}

func (r *rig) saves(t *testing.T) int {
	t.Helper()
	return r.world(t).Saves
}

// writes returns in the middle of a save.
func (r *rig) writes(t *testing.T) {
	t.Helper()
	half := regexp.MustCompile(`\.new$`)
	for end := time.Now().Add(thenWithin); time.Now().Before(end); <-time.After(time.Millisecond) {
		entries, err := os.ReadDir(filepath.Join(r.samba.share, "worlds_local"))
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if half.MatchString(e.Name()) {
				return
			}
		}
	}
	t.Fatal("no save begins")
}
