package main

import (
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"hearth/internal/world"
)

// plain makes a check's output the same on every machine.
func (r *rig) plain(out string) string {
	out = strings.NewReplacer(r.dir, "DIR", r.metadata.URL, "METADATA").Replace(out)
	for pattern, with := range map[string]string{
		`\d+ MB in`: "N MB in", `until \d\d:\d\d:\d\d`: "until NOW", `(ok|warn)  clock     it is .*`: "ok    clock     it is synchronized",
		`(ok|warn)  clock     whether .*`: "ok    clock     it is synchronized",
	} {
		out = regexp.MustCompile(pattern).ReplaceAllString(out, with)
	}
	return regexp.MustCompile(`(?m)^(ok|warn|fail)  ( *)space .*\n`).ReplaceAllString(out, "")
}

const allIsWell = `ok    config    DIR/agent.json: world midgard, files Midgard, port 2456 and 2457
ok    agent     none runs on this machine
ok    docker    version 28.2.2
ok    world     Midgard is there, and its folder can be written
warn  world     mount_required is off: an empty folder in the share's place would not be noticed before a world was seen in it
ok    events    one that means nothing was sent to queue events; whether the key is the right one, the bot's log tells
ok    orders    none is waiting in queue orders-midgard
ok    lease     nobody holds it
ok    metadata  this is vmss-midgard_0 (Standard_D2ads_v5)
ok    notices   scheduled events are on, 0 now
ok    clock     it is synchronized
`

func TestCheck(t *testing.T) {
	r := newRig(t)
	code, stdout, stderr := r.run(t.Context(), nil, "check")
	if got := r.plain(stdout); code != exitOK || got != allIsWell {
		t.Errorf("check = %d\n%s%s\nwant\n%s", code, got, stderr, allIsWell)
	}
	// What it sent is believed, and means nothing.
	ms, err := r.db.Queue(world.EventsQueue).Receive(t.Context(), 32, time.Minute)
	if err != nil || len(ms) != 1 {
		t.Fatalf("events = %v, %v; want one", ms, err)
	}
	e, err := world.Decode(ms[0].Body, func(string) []byte { return []byte(key) })
	if err != nil {
		t.Fatalf("Decode: %v", err)
	}
	if h := e.Data.(world.AgentPayload).AsHeard(); h.Epoch != 0 || e.World != "midgard" {
		t.Errorf("sent %+v of boot %d, want one of boot 0", e, h.Epoch)
	}
}

// TestCheckBesideAnAgent: nothing is taken from an agent that runs.
func TestCheckBesideAnAgent(t *testing.T) {
	r := newRig(t)
	h, err := r.db.Lease().Acquire(t.Context(), "midgard")
	if err != nil {
		t.Fatal(err)
	}
	orders := r.db.Queue(world.OrdersQueue("midgard"))
	if err := orders.Send(t.Context(), []byte("stop"), 0); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(r.path("state"), 0o700); err != nil {
		t.Fatal(err)
	}
	unlock, err := lock(r.path("state/" + lockName))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unlock() }()
	// Between the two renames of a save.
	if err := os.Rename(r.path("world/worlds_local/Midgard.db"), r.path("world/worlds_local/Midgard.db.old")); err != nil {
		t.Fatal(err)
	}

	code, stdout, _ := r.run(t.Context(), nil, "check")
	if code != exitOK {
		t.Errorf("check = %d\n%s", code, stdout)
	}
	for _, says := range []string{
		"agent     one runs on this machine", "boot 1 holds it until", "one is waiting in queue orders-midgard",
		"a save was cut off: at its start the agent will make Midgard.db from Midgard.db.old",
	} {
		if !strings.Contains(stdout, says) {
			t.Errorf("it does not say %q:\n%s", says, stdout)
		}
	}
	if err := r.db.Lease().Renew(t.Context(), h); err != nil {
		t.Errorf("the lease was taken: %v", err)
	}
	if _, err := os.Stat(r.path("world/worlds_local/Midgard.db")); err == nil {
		t.Error("a game's files were touched while it saved")
	}
	at, hidden, err := orders.NextVisible(t.Context())
	if err != nil || hidden && time.Until(at) > time.Second {
		t.Errorf("the order is hidden until %s, %v; want a second at most", at, err)
	}
	if code, _, stderr := r.run(t.Context(), nil, "run"); code != exitFailed || !strings.Contains(stderr, "another agent runs") {
		t.Errorf("a second agent = %d, %q; want it refused", code, stderr)
	}
}

func TestCheckFinds(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(r *rig) map[string]any
		code   int
		says   []string
	}{
		{"no engine", func(*rig) map[string]any { return map[string]any{"docker_host": "tcp://127.0.0.1:1"} }, exitFailed, []string{"fail  docker    it does not answer", "systemctl status docker"}},
		{"an old engine", func(r *rig) map[string]any {
			r.info["ServerVersion"], r.info["LiveRestoreEnabled"] = "24.0.7", false
			return nil
		}, exitOK, []string{"warn  docker    with AppArmor 4", "warn  docker    live-restore is off"}},
		{"an engine without files", func(r *rig) map[string]any {
			r.info["Plugins"] = map[string]any{"Log": []string{"journald"}}
			return nil
		}, exitFailed, []string{"fail  docker    it knows no json-file logs"}},
		{"no world", func(*rig) map[string]any { return map[string]any{"world_file": "Asgard"} }, exitFailed, []string{"fail  world     there is no world \"Asgard\"", "Midgard"}},
		{"a new world", func(r *rig) map[string]any {
			return map[string]any{"mount": r.dir, "folder": "run", "allow_new_world": true}
		}, exitOK, []string{"warn  world     there is none in", "warn  world     allow_new_world is on"}},
		{"no share", func(*rig) map[string]any { return map[string]any{"mount_required": true} }, exitFailed, []string{"fail  world     nothing is mounted at"}},
		{"no bot", func(r *rig) map[string]any { return map[string]any{"storage": "sqlite:" + r.path("none.db")} }, exitFailed, []string{"fail  storage   join", "start the Hearth that owns it first"}},
		{"no metadata", func(r *rig) map[string]any { r.dead.Store(true); return nil }, exitFailed, []string{"fail  metadata  METADATA does not tell what machine this is"}},
		{"a key for all to read", func(r *rig) map[string]any {
			if err := os.Chmod(r.path("run/key"), 0o644); err != nil {
				r.t.Fatal(err)
			}
			return nil
		}, exitOK, []string{"warn  config    key_file DIR/run/key can be read by everybody"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t)
			code, stdout, stderr := r.run(t.Context(), c.change(r), "check")
			if code != c.code {
				t.Errorf("check = %d, want %d\n%s%s", code, c.code, stdout, stderr)
			}
			got := r.plain(stdout)
			for _, says := range c.says {
				if !strings.Contains(got, says) {
					t.Errorf("it does not say %q:\n%s", says, got)
				}
			}
			if strings.Contains(stdout+stderr, key) || strings.Contains(stdout+stderr, "secret-of-midgard") {
				t.Errorf("it tells a secret:\n%s%s", stdout, stderr)
			}
		})
	}
}
