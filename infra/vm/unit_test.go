// Package vm_test tries the files of the world's machine.
package vm_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"hearth/internal/agent"
)

const unit = "hearth-agent.service"

// analyze is systemd's tool to judge units.
func analyze(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("systemd-analyze is not installed (Debian: package systemd)")
	}
	return path
}

func read(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile(unit)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// setting is what the unit says of a key, the last one.
func setting(t *testing.T, key string) string {
	t.Helper()
	all := regexp.MustCompile(`(?m)^`+key+`=(.*)$`).FindAllStringSubmatch(read(t), -1)
	if len(all) == 0 {
		t.Fatalf("%s has no %s", unit, key)
	}
	return all[len(all)-1][1]
}

// TestUnitIsSound: systemd understands every line of it. The program need not be
// installed here, so one that is stands in its place.
func TestUnitIsSound(t *testing.T) {
	tool := analyze(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(read(t), "ExecStart=/usr/local/bin/hearth-agent", "ExecStart="+self, 1)
	path := filepath.Join(t.TempDir(), unit)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), tool, "verify", "--man=no", path).CombinedOutput()
	// It tells of other units of this machine, too.
	var ours []string
	for line := range strings.Lines(string(out)) {
		if strings.Contains(line, unit) {
			ours = append(ours, line)
		}
	}
	if len(ours) > 0 || err != nil && len(out) == 0 {
		t.Errorf("systemd-analyze verify: %v\n%s", err, out)
	}
}

// mostExposed is systemd's own measure, 0 to 10, of what a service may do.
const mostExposed = 3.0

func TestUnitIsConfined(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), analyze(t), "security", "--offline=true", "--no-pager", unit).CombinedOutput()
	m := regexp.MustCompile(`Overall exposure level for \S+: ([\d.]+)`).FindStringSubmatch(string(out))
	if m == nil {
		t.Fatalf("systemd-analyze security: %v\n%s", err, out)
	}
	got, err := strconv.ParseFloat(m[1], 64)
	if err != nil || got > mostExposed {
		t.Errorf("exposure is %s, %v; want at most %v\n%s", m[1], err, mostExposed, out)
	}
}

// TestUnitLetsTheGameSave: nothing kills the agent while it saves, and nothing
// keeps it from being started again.
func TestUnitLetsTheGameSave(t *testing.T) {
	seconds, err := strconv.Atoi(setting(t, "TimeoutStopSec"))
	if needs := agent.StopWithin + agent.FlushFor; err != nil || time.Duration(seconds)*time.Second < needs+30*time.Second {
		t.Errorf("TimeoutStopSec is %d s, %v; want %s and half a minute for the disk", seconds, err, needs)
	}
	for key, want := range map[string]string{
		"KillSignal": "SIGTERM", "Restart": "always", "RestartSec": "1", "StartLimitIntervalSec": "0", "NoNewPrivileges": "yes", "StateDirectory": "hearth",
	} {
		if got := setting(t, key); got != want {
			t.Errorf("%s is %q, want %q", key, got, want)
		}
	}
	if got := setting(t, "CapabilityBoundingSet"); !strings.Contains(got, "CAP_KILL") {
		t.Errorf("CapabilityBoundingSet is %q: the game's process can't be interrupted", got)
	}
}
