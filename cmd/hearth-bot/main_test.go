package main

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"hearth/internal/functions"
	"hearth/internal/settings/settingstest"
)

func TestVersion(t *testing.T) {
	var stdout, stderr bytes.Buffer
	none := func(string) string { return "" }
	if code := run(t.Context(), []string{"hearth-bot", "--version"}, none, &stdout, &stderr); code != exitOK || !strings.HasPrefix(stdout.String(), "hearth-bot ") {
		t.Errorf("= %d %q", code, &stdout)
	}
	if code := run(t.Context(), []string{"hearth-bot", "start"}, none, &stdout, &stderr); code != exitUsage || !strings.Contains(stderr.String(), "takes no arguments") {
		t.Errorf("with an argument = %d %q", code, &stderr)
	}
}

// TestRun: it answers the host, and whatever ends it is a failure.
func TestRun(t *testing.T) {
	l, err := functions.Listen(t.Context(), "0") // a port that is free
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	_ = l.Close()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var stdout, stderr bytes.Buffer
	ended := make(chan int, 1)
	go func() {
		ended <- run(ctx, []string{"hearth-bot"}, settingstest.Lookup(settingstest.Deployment(), map[string]string{"FUNCTIONS_CUSTOMHANDLER_PORT": port, "DISCORD_BOT_TOKEN": ""}), &stdout, &stderr)
	}()
	for deadline := time.Now().Add(10 * time.Second); ; {
		resp, err := http.Get("http://127.0.0.1:" + port + "/")
		if err == nil {
			_ = resp.Body.Close()
			if resp.StatusCode != http.StatusOK {
				t.Errorf("GET / = %d", resp.StatusCode)
			}
			break
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
	stop()
	if code := <-ended; code != exitFailed {
		t.Errorf("exit code %d, want %d: the host starts nothing again that ended with 0", code, exitFailed)
	}
	for _, want := range []string{`"msg":"bot starts"`, "DISCORD_BOT_TOKEN is empty", `"msg":"bot has ended"`} {
		if !strings.Contains(stdout.String(), want) {
			t.Errorf("the log has no %s: %s", want, &stdout)
		}
	}
	if strings.Contains(stdout.String(), "canary") {
		t.Errorf("the log shows a secret: %s", &stdout)
	}
}

// TestPortTaken: the port is told with the settings.
func TestPortTaken(t *testing.T) {
	l, err := functions.Listen(t.Context(), "0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	var stdout, stderr bytes.Buffer
	code := run(t.Context(), []string{"hearth-bot"}, settingstest.Lookup(settingstest.Deployment(), map[string]string{"FUNCTIONS_CUSTOMHANDLER_PORT": port, "HEARTH_BOT_KEY": ""}), &stdout, &stderr)
	if code != exitUsage || !strings.Contains(stderr.String(), "in use") || !strings.Contains(stderr.String(), "HEARTH_BOT_KEY") {
		t.Errorf("= %d %s", code, &stderr)
	}
}
