// Package vm_test tries the files of the world's machine.
package vm_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"hearth/internal/agent"
)

const unit = "hearth-agent.service"

func read(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// setting is what the agent's unit says of a key, the last one.
func setting(t *testing.T, key string) string {
	t.Helper()
	all := regexp.MustCompile(`(?m)^`+key+`=(.*)$`).FindAllStringSubmatch(read(t, unit), -1)
	if len(all) == 0 {
		t.Fatalf("%s has no %s", unit, key)
	}
	return all[len(all)-1][1]
}

const unitFolder = "/etc/systemd/system/"

// install puts a machine's units into a folder. The programs that they start need
// not be installed here, so one that is stands in their place.
func install(t *testing.T) (dir string, names []string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir = t.TempDir()
	programs := regexp.MustCompile(`(?m)^(Exec\w+=\+?)/\S+`)
	for _, f := range parse(t, render(t, nil)).Files {
		name, ok := strings.CutPrefix(f.Path, unitFolder)
		if !ok {
			continue
		}
		path := filepath.Join(dir, name)
		text := programs.ReplaceAllString(f.Content, "${1}"+self)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
		if filepath.Dir(name) == "." {
			names = append(names, name)
		}
	}
	return dir, names
}

// verify is what systemd says of units in a folder that the system's own do not
// give it reason for.
func verify(t *testing.T, dir string, names []string) string {
	t.Helper()
	tool := need(t, "systemd-analyze", "Debian: package systemd")
	cmd := exec.CommandContext(t.Context(), tool, append([]string{"verify", "--man=no"}, names...)...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "SYSTEMD_UNIT_PATH="+dir+":")
	out, err := cmd.CombinedOutput()
	var ours []string
	for line := range strings.Lines(string(out)) {
		if strings.Contains(line, "hearth") {
			ours = append(ours, line)
		}
	}
	if err != nil && len(out) == 0 {
		t.Fatalf("systemd-analyze verify: %v", err)
	}
	return strings.Join(ours, "")
}

// TestUnitsAreSound: systemd understands every line of them.
func TestUnitsAreSound(t *testing.T) {
	dir, names := install(t)
	if len(names) != 6 {
		t.Errorf("there are %q, want six", names)
	}
	if out := verify(t, dir, names); out != "" {
		t.Errorf("systemd-analyze verify:\n%s", out)
	}
	// It looks at what a unit has besides, too.
	path := filepath.Join(dir, unit+".d", "azure.conf")
	if err := os.WriteFile(path, []byte("[Service]\nExecStartPer=/bin/true\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if out := verify(t, dir, names); !strings.Contains(out, "ExecStartPer") {
		t.Errorf("a mistake in %s is not found:\n%s", path, out)
	}
}

// TestUnitsAreConfined: by systemd's own measure, 0 to 10, of what a service may
// do. hearth-boot.service installs packages and hearth-share.service asks systemd
// to mount: they are not.
func TestUnitsAreConfined(t *testing.T) {
	for name, most := range map[string]float64{unit: 3.0, "hearth-secrets.service": 2.5, "hearth-fence.service": 3.5} {
		out, err := exec.CommandContext(t.Context(), need(t, "systemd-analyze", "Debian: package systemd"), "security", "--offline=true", "--no-pager", name).CombinedOutput()
		m := regexp.MustCompile(`Overall exposure level for \S+: ([\d.]+)`).FindStringSubmatch(string(out))
		if m == nil {
			t.Fatalf("systemd-analyze security: %v\n%s", err, out)
		}
		got, err := strconv.ParseFloat(m[1], 64)
		if err != nil || got > most {
			t.Errorf("exposure of %s is %s, %v; want at most %v\n%s", name, m[1], err, most, out)
		}
	}
}

// TestUnitsGoOn: what a machine needs is tried until it is there, at each boot.
func TestUnitsGoOn(t *testing.T) {
	for _, name := range []string{"hearth-fence.service", "hearth-secrets.service", "hearth-share.service"} {
		text := read(t, name)
		for _, line := range []string{"Type=oneshot", "RemainAfterExit=yes", "Restart=on-failure", "StartLimitIntervalSec=0", "WantedBy=multi-user.target"} {
			if !strings.Contains(text, "\n"+line+"\n") {
				t.Errorf("%s has no %s", name, line)
			}
		}
	}
	mount := parse(t, render(t, nil)).content(t, unitFolder+"srv-hearth-world.mount")
	for _, line := range []string{"StartLimitIntervalSec=0", "After=network-online.target hearth-secrets.service"} {
		if !strings.Contains(mount, "\n"+line+"\n") {
			t.Errorf("the mount has no %s", line)
		}
	}
	if text := read(t, "hearth-boot.service"); strings.Contains(text, "WantedBy") || strings.Contains(text, "Restart=") {
		t.Errorf("boot.sh is run more than once:\n%s", text)
	}
}

// TestFence: what the unit sets keeps containers from the machine's identity, and
// lets them ask for names.
func TestFence(t *testing.T) {
	var rules []string
	for _, m := range regexp.MustCompile(`(?m)^ExecStart=/usr/sbin/iptables -w \d+ (.*)$`).FindAllStringSubmatch(read(t, "hearth-fence.service"), -1) {
		rules = append(rules, m[1])
	}
	want := []string{
		"-t raw -A PREROUTING -d 169.254.169.254/32 -j DROP",
		"-t raw -A PREROUTING -d 168.63.129.16/32 -p tcp --dport 80 -j DROP",
		"-t raw -A PREROUTING -d 168.63.129.16/32 -p tcp --dport 32526 -j DROP",
	}
	if !slices.Equal(rules, want) {
		t.Errorf("the rules are %q, want %q", rules, want)
	}
	// cloud-init's units stand between the network and sysinit.target, so an
	// ordinary service that comes before the network closes a circle, which systemd
	// breaks by leaving one of them out.
	for _, f := range parse(t, render(t, nil)).Files {
		if m := regexp.MustCompile(`(?m)^Before=.*(network|sysinit|basic).*$`).FindString(f.Content); m != "" {
			t.Errorf("%s has %s", f.Path, m)
		}
	}
	for _, line := range []string{"ExecStartPre=+/usr/bin/systemctl is-active --quiet hearth-fence.service", "After=hearth-fence.service hearth-secrets.service"} {
		if !strings.Contains(read(t, "hearth-agent.azure.conf"), "\n"+line+"\n") {
			t.Errorf("the agent goes without %s", line)
		}
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
		"StandardError": "journal+console", // a machine's last words are in its serial log
		"KillSignal":    "SIGTERM", "Restart": "always", "RestartSec": "1", "StartLimitIntervalSec": "0", "NoNewPrivileges": "yes", "StateDirectory": "hearth",
	} {
		if got := setting(t, key); got != want {
			t.Errorf("%s is %q, want %q", key, got, want)
		}
	}
	if got := setting(t, "CapabilityBoundingSet"); !strings.Contains(got, "CAP_KILL") {
		t.Errorf("CapabilityBoundingSet is %q: the game's process can't be interrupted", got)
	}
}
