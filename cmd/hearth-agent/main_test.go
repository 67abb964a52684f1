package main

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"hearth/internal/world"
)

func TestCommandLine(t *testing.T) {
	for _, c := range []struct {
		args           []string
		code           int
		stdout, stderr string
	}{
		{nil, exitOK, "Usage: hearth-agent <command>", ""},
		{[]string{"version"}, exitOK, "hearth-agent ", ""},
		{[]string{"run", "--help"}, exitOK, "HEARTH_AGENT_CONFIG", ""},
		{[]string{"fly"}, exitUsage, "", "unexpected argument fly"},
		{[]string{"run"}, exitUsage, "", "name the file with --config"},
		{[]string{"check", "--config", "/nowhere"}, exitUsage, "", "/nowhere"},
	} {
		var out, trouble bytes.Buffer
		code := run(t.Context(), append([]string{"hearth-agent"}, c.args...), func(string) string { return "" }, &out, &trouble)
		if code != c.code || !strings.Contains(out.String(), c.stdout) || !strings.Contains(trouble.String(), c.stderr) {
			t.Errorf("%v = %d\n%s%s\nwant %d, %q, %q", c.args, code, out.String(), trouble.String(), c.code, c.stdout, c.stderr)
		}
	}
}

// TestRun: an agent whose engine can't make a container says hello all the
// same, and goes when it is told to: the lease is free afterwards.
func TestRun(t *testing.T) {
	r := newRig(t)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	type ended struct {
		code   int
		stderr string
	}
	done := make(chan ended, 1)
	go func() {
		code, _, stderr := r.run(ctx, nil, "run")
		done <- ended{code, stderr}
	}()
	events := r.db.Queue(world.EventsQueue)
	r.db.Share(50 * time.Millisecond)
	within, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if err := events.Wait(within); err != nil {
		t.Fatalf("no word of the agent: %v: %+v", err, <-done)
	}
	ms, err := events.Receive(t.Context(), 1, time.Minute)
	if err != nil || len(ms) != 1 {
		t.Fatalf("events = %v, %v", ms, err)
	}
	e, err := world.Decode(ms[0].Body, func(string) []byte { return []byte(key) })
	if err != nil {
		t.Fatalf("Decode: %v", err)
	}
	up, ok := e.Data.(*world.HostUp)
	if !ok || up.Epoch != 1 || up.Machine.Name != "vmss-midgard_0" {
		t.Errorf("first word = %+v, want HostUp of boot 1", e.Data)
	}
	stop()
	end := <-done
	if end.code != exitOK || !strings.Contains(end.stderr, `"msg":"agent has ended"`) {
		t.Errorf("run = %d, want a clean end\n%s", end.code, end.stderr)
	}
	if strings.Contains(end.stderr, key) || strings.Contains(end.stderr, "secret-of-midgard") {
		t.Errorf("the log tells a secret:\n%s", end.stderr)
	}
	if h, _, held, err := r.db.Lease().Holder(t.Context(), "midgard"); err != nil || held {
		t.Errorf("the lease is held by %+v, %v; want it free", h, err)
	}
}
