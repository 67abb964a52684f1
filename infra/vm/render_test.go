package vm_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// need is where a program is that a test can't do without.
func need(t *testing.T, program, from string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	switch {
	case err == nil:
		return path
	case os.Getenv("CI") != "":
		t.Fatalf("%s is not installed (%s)", program, from)
	default:
		t.Skipf("%s is not installed (%s)", program, from)
	}
	return ""
}

// given are the module's inputs that have no default.
func given() map[string]any {
	return map[string]any{
		"world": "midgard", "world_file": "Midgard", "server_name": "Our Midgard",
		"storage_account": "hearthbotabc123", "client_id": "01234567-89ab-cdef-0123-456789abcdef",
		"secret_url":    "https://hearth-abc123.vault.azure.net/secrets/machine-midgard",
		"agent_url":     "https://hearthbotabc123.blob.core.windows.net/deploy/hearth-agent-" + strings.Repeat("ab", 32),
		"agent_sha256":  strings.Repeat("ab", 32),
		"share_account": "hearthabc12301234567",
	}
}

// apply lets Terraform render the module in a folder with these inputs besides.
func apply(t *testing.T, folder string, changes map[string]any) (text, complaint string, err error) {
	t.Helper()
	program := need(t, "terraform", "developer.hashicorp.com/terraform/install, 1.11 or newer")
	dir := t.TempDir()
	inputs := given()
	maps.Copy(inputs, changes)
	b, err := json.Marshal(inputs)
	if err != nil {
		t.Fatal(err)
	}
	variables := filepath.Join(dir, "variables.tfvars.json")
	if err := os.WriteFile(variables, b, 0o600); err != nil {
		t.Fatal(err)
	}
	state := "-state=" + filepath.Join(dir, "terraform.tfstate")
	run := func(args ...string) (string, string, error) {
		cmd := exec.CommandContext(t.Context(), program, args...)
		cmd.Dir = folder
		cmd.Env = append(os.Environ(), "TF_DATA_DIR="+filepath.Join(dir, "data"), "TF_IN_AUTOMATION=1", "CHECKPOINT_DISABLE=1", "TF_CLI_CONFIG_FILE="+os.DevNull)
		var out, trouble bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &trouble
		err := cmd.Run()
		return out.String(), trouble.String(), err
	}
	if _, complaint, err := run("apply", "-no-color", "-auto-approve", "-input=false", state, "-var-file="+variables); err != nil {
		return "", complaint, err
	}
	text, complaint, err = run("output", "-no-color", "-raw", state, "cloud_init")
	return text, complaint, err
}

// render is apply of this module, which must be well.
func render(t *testing.T, changes map[string]any) string {
	t.Helper()
	text, complaint, err := apply(t, ".", changes)
	if err != nil {
		t.Fatalf("terraform: %v\n%s", err, complaint)
	}
	return text
}

// file is one that cloud-init writes.
type file struct {
	Path        string `json:"path"`
	Permissions string `json:"permissions"`
	Content     string `json:"content"`
}

// machine is a cloud-init taken apart.
type machine struct {
	Files  []file     `json:"write_files"`
	RunCmd [][]string `json:"runcmd"`
}

// parse takes a cloud-init apart with the parser that cloud-init has. What it has
// besides files and commands is an error.
func parse(t *testing.T, text string) machine {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), need(t, "python3", "Debian: package python3-yaml"), "-c", "import json, sys, yaml; json.dump(yaml.safe_load(sys.stdin.buffer), sys.stdout)")
	cmd.Stdin = strings.NewReader(text)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("YAML: %v\n%s", err, text)
	}
	d := json.NewDecoder(bytes.NewReader(out))
	d.DisallowUnknownFields()
	var m machine
	if err := d.Decode(&m); err != nil {
		t.Fatalf("the cloud-init has something unforeseen: %v\n%s", err, text)
	}
	return m
}

// content is a file's.
func (m machine) content(t *testing.T, path string) string {
	t.Helper()
	for _, f := range m.Files {
		if f.Path == path {
			return f.Content
		}
	}
	t.Fatalf("there is no %s", path)
	return ""
}

const agentJSON = "/etc/hearth/agent.json"

// variants are machines that there may be, and what their agent is told
// besides the usual.
func variants() map[string]struct{ inputs, agent map[string]any } {
	type both = struct{ inputs, agent map[string]any }
	hostile := "Öl & \"$(reboot)\" `id` {{ v1 }} %{ if } ${x} \\n \\ 'q' #: 雪 🔥 <b>"
	return map[string]both{
		"default":            {nil, nil},
		"crossplay":          {map[string]any{"crossplay": true}, map[string]any{"crossplay": true}},
		"public":             {map[string]any{"public": true}, map[string]any{"public": true}},
		"another port":       {map[string]any{"port": 30456}, map[string]any{"port": 30456.0}},
		"no new world":       {map[string]any{"allow_new_world": false}, map[string]any{"allow_new_world": false}},
		"saves":              {map[string]any{"save_interval": "7m30s"}, map[string]any{"save_interval": "7m30s"}},
		"a hostile name":     {map[string]any{"server_name": hostile}, map[string]any{"server_name": hostile}},
		"a name like YAML":   {map[string]any{"server_name": "- yes: !!python/object |"}, map[string]any{"server_name": "- yes: !!python/object |"}},
		"a name of template": {map[string]any{"server_name": "## template: jinja"}, map[string]any{"server_name": "## template: jinja"}},
		"arguments": {
			map[string]any{"args": []any{"-preset", "hard", "-modifier", "raids=none"}, "environment": map[string]any{"ADMINLIST_IDS": "7656 7657", "TEXT": hostile + "\nnext\tline\x7f\u2028"}},
			map[string]any{"args": []any{"-preset", "hard", "-modifier", "raids=none"}, "environment": map[string]any{"ADMINLIST_IDS": "7656 7657", "TEXT": hostile + "\nnext\tline\x7f\u2028"}},
		},
		"another user": {map[string]any{"environment": map[string]any{"PUID": "1001", "PGID": "1002"}}, map[string]any{"environment": map[string]any{"PUID": "1001", "PGID": "1002"}}},
	}
}

// most is how long a cloud-init may be: Azure takes 64 KiB of it, and this leaves
// a world some room.
const most = 48 << 10

// TestVariants: each machine's cloud-init is one, is short, and tells its agent
// what was told.
func TestVariants(t *testing.T) {
	agent := buildAgent(t)
	if code, trouble := agent.takes(t, parse(t, render(t, map[string]any{"port": 70000})).content(t, agentJSON)); code == accepted || !strings.Contains(trouble, "port 70000") {
		t.Errorf("the agent takes port 70000 (%d):\n%s", code, trouble)
	}
	for name, v := range variants() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := render(t, v.inputs)
			if len(text) > most {
				t.Errorf("it has %d bytes, want %d at most", len(text), most)
			}
			validate(t, text)
			m := parse(t, text)
			if want := [][]string{{"systemctl", "daemon-reload"}, {"systemctl", "start", "--no-block", "hearth-boot.service"}}; !reflect.DeepEqual(m.RunCmd, want) {
				t.Errorf("it runs %q, want %q", m.RunCmd, want)
			}
			want := map[string]any{
				"world": "midgard", "world_file": "Midgard", "server_name": "Our Midgard", "port": 2456.0, "public": false, "crossplay": false,
				"save_interval": "5m", "args": []any{}, "environment": map[string]any{}, "allow_new_world": true,
				"mount": "/srv/hearth/world", "password_file": "/run/hearth/password", "key_file": "/run/hearth/key",
				"storage": "azure", "storage_account": "hearthbotabc123", "storage_client_id": "01234567-89ab-cdef-0123-456789abcdef",
				"vault_secret": "https://hearth-abc123.vault.azure.net/secrets/machine-midgard", "share_account": "hearthabc12301234567", "share": "world",
			}
			maps.Copy(want, v.agent)
			var got map[string]any
			if err := json.Unmarshal([]byte(m.content(t, agentJSON)), &got); err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("agent.json: %v\n%v, want\n%v", err, got, want)
			}
			if code, trouble := agent.takes(t, m.content(t, agentJSON)); code != accepted {
				t.Errorf("the agent does not take it (%d):\n%s", code, trouble)
			}
			// Of the rest nothing depends on what players or keepers wrote.
			for _, f := range m.Files {
				if f.Path != agentJSON && strings.Contains(f.Content, "Öl") {
					t.Errorf("%s has the server's name", f.Path)
				}
			}
		})
	}
}

// TestSecretsAreElsewhere: what a machine must not show is neither asked for nor
// given.
func TestSecretsAreElsewhere(t *testing.T) {
	text := render(t, nil)
	for _, word := range []string{"ssh", "passwd", "chpasswd", "sudo", "AccountKey", "SharedAccess", "sig=", "BEGIN "} {
		if strings.Contains(text, word) {
			t.Errorf("it has %q", word)
		}
	}
	b, err := os.ReadFile("variables.tf")
	if err != nil {
		t.Fatal(err)
	}
	if m := regexp.MustCompile(`(?i)variable "[^"]*(password|secret|key|token)[^"]*"`).FindAll(b, -1); len(m) != 1 || string(m[0]) != `variable "secret_url"` {
		t.Errorf("inputs %q look like secrets, want none but the address of one", m)
	}
}

// TestFiles: what is written, where, and who may change it.
func TestFiles(t *testing.T) {
	m := parse(t, render(t, nil))
	var got []string
	for _, f := range m.Files {
		got = append(got, f.Permissions+" "+f.Path)
	}
	slices.Sort(got)
	want := []string{
		"0644 /etc/docker/daemon.json", "0644 /etc/hearth/agent.json", "0644 /etc/hearth/boot.conf",
		"0644 /etc/systemd/system/hearth-agent.service", "0644 /etc/systemd/system/hearth-agent.service.d/azure.conf",
		"0644 /etc/systemd/system/hearth-boot.service", "0644 /etc/systemd/system/hearth-fence.service",
		"0644 /etc/systemd/system/hearth-secrets.service", "0644 /etc/systemd/system/hearth-share.service",
		"0644 /etc/systemd/system/srv-hearth-world.mount", "0755 /usr/local/lib/hearth/boot.sh",
	}
	if !slices.Equal(got, want) {
		t.Errorf("it writes\n%q, want\n%q", got, want)
	}
	if text := m.content(t, "/etc/docker/daemon.json"); text != "{\"live-restore\":true}\n" {
		t.Errorf("the engine is told %q", text)
	}
	script, err := os.ReadFile("boot.sh")
	if err != nil || m.content(t, "/usr/local/lib/hearth/boot.sh") != string(script) {
		t.Errorf("boot.sh comes through changed, %v", err)
	}
}

// TestMount: what is mounted, and as whose.
func TestMount(t *testing.T) {
	for _, c := range []struct {
		environment map[string]any
		uid, gid    string
	}{
		{nil, "0", "0"},
		{map[string]any{"PUID": "1001", "PGID": "1002"}, "1001", "1002"},
		{map[string]any{"PUID": "1001"}, "1001", "0"},
	} {
		text := parse(t, render(t, map[string]any{"environment": c.environment, "share": "my-world"})).content(t, "/etc/systemd/system/srv-hearth-world.mount")
		_, options, _ := strings.Cut(text, "\nOptions=")
		options, _, _ = strings.Cut(options, "\n")
		for _, want := range []string{
			"vers=3.1.1", "seal", "credentials=/run/hearth/share", "uid=" + c.uid, "gid=" + c.gid, "file_mode=0640", "dir_mode=0750",
			"serverino", "nosharesock", "mfsymlinks", "actimeo=30", "_netdev", "nofail",
		} {
			if !slices.Contains(strings.Split(options, ","), want) {
				t.Errorf("%v: the options %q have no %s", c.environment, options, want)
			}
		}
		if !strings.Contains(text, "\nWhat=//hearthabc12301234567.file.core.windows.net/my-world\n") || !strings.Contains(text, "\nWhere=/srv/hearth/world\n") {
			t.Errorf("%v: it mounts\n%s", c.environment, text)
		}
	}
}

// TestRefused: what would break out of a shell's or systemd's file is not put
// there.
func TestRefused(t *testing.T) {
	for name, c := range map[string]struct {
		inputs map[string]any
		says   string
	}{
		"an id":              {map[string]any{"world": "Midgard"}, "world must be a world's id"},
		"a long id":          {map[string]any{"world": strings.Repeat("a", 25)}, "world must be a world's id"},
		"an account":         {map[string]any{"share_account": "hearth,sec=none"}, "share_account must be"},
		"a bot's account":    {map[string]any{"storage_account": "Hearth"}, "storage_account must be"},
		"a share":            {map[string]any{"share": "a\nOptions=x"}, "share must be"},
		"a client":           {map[string]any{"client_id": "x'; reboot; '"}, "client_id must be"},
		"a checksum":         {map[string]any{"agent_sha256": strings.Repeat("AB", 32)}, "agent_sha256 must be"},
		"another's program":  {map[string]any{"agent_url": "https://example.com/deploy/x"}, "agent_url must be"},
		"a quote in an URL":  {map[string]any{"agent_url": given()["agent_url"].(string) + "'"}, "agent_url must be"},
		"a signed URL":       {map[string]any{"agent_url": given()["agent_url"].(string) + "?sig=x"}, "agent_url must be"},
		"a plain URL":        {map[string]any{"agent_url": strings.Replace(given()["agent_url"].(string), "https", "http", 1)}, "agent_url must be"},
		"another's vault":    {map[string]any{"secret_url": "https://vault.example.com/secrets/x"}, "secret_url must be"},
		"a versioned secret": {map[string]any{"secret_url": given()["secret_url"].(string) + "/0123"}, "secret_url must be"},
		"a user":             {map[string]any{"environment": map[string]any{"PUID": "0,sec=none"}}, "PUID and PGID must be"},
		"too much":           {map[string]any{"environment": map[string]any{"A": strings.Repeat("x", 50000)}}, "too long"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text, complaint, err := apply(t, ".", c.inputs)
			if words := strings.Join(strings.Fields(strings.ReplaceAll(complaint, "│", " ")), " "); err == nil || !strings.Contains(words, c.says) {
				t.Errorf("%v, want it refused with %q:\n%s%s", err, c.says, complaint, text)
			}
		})
	}
}

// TestCarriageReturns: a checkout on Windows may have them, and no shell and no
// systemd understands them.
func TestCarriageReturns(t *testing.T) {
	dir := t.TempDir()
	names, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range names {
		if n.IsDir() || strings.HasSuffix(n.Name(), ".go") {
			continue
		}
		b, err1 := os.ReadFile(n.Name())
		err2 := os.WriteFile(filepath.Join(dir, n.Name()), bytes.ReplaceAll(b, []byte("\n"), []byte("\r\n")), 0o600)
		if err := errors.Join(err1, err2); err != nil {
			t.Fatal(err)
		}
	}
	text, complaint, err := apply(t, dir, nil)
	if err != nil {
		t.Fatalf("terraform: %v\n%s", err, complaint)
	}
	if got, want := parse(t, text), parse(t, render(t, nil)); !reflect.DeepEqual(got, want) {
		t.Errorf("it renders\n%q, want\n%q", got, want)
	}
}

func TestFormat(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), need(t, "terraform", "developer.hashicorp.com/terraform/install, 1.11 or newer"), "fmt", "-check", "-diff").Output()
	if err != nil {
		t.Errorf("terraform fmt: %v\n%s", err, out)
	}
}

// validate asks cloud-init what it thinks of it.
func validate(t *testing.T, text string) {
	t.Helper()
	program := need(t, "cloud-init", "Debian: package cloud-init")
	path := filepath.Join(t.TempDir(), "user-data")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), program, "schema", "-c", path).CombinedOutput()
	if err != nil || strings.Contains(strings.ToLower(string(out)), "deprecat") {
		t.Errorf("cloud-init schema: %v\n%s", err, out)
	}
}

// agentProgram is hearth-agent.
type agentProgram string

// buildAgent builds it, once.
func buildAgent(t *testing.T) agentProgram {
	t.Helper()
	path := filepath.Join(t.TempDir(), "hearth-agent")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", path, "hearth/cmd/hearth-agent").CombinedOutput(); err != nil {
		t.Fatalf("build the agent: %v\n%s", err, out)
	}
	return agentProgram(path)
}

// accepted is the agent's exit code if its configuration is well, and it then
// finds no place for its state; a configuration that is not ends with 2.
const accepted = 1

// takes gives the agent a configuration, with the secrets that it names files
// for.
func (a agentProgram) takes(t *testing.T, config string) (code int, trouble string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "agent.json")
	if err := os.WriteFile(path, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), string(a), "run", "--config", path)
	cmd.Env = append(os.Environ(), "HEARTH_KEY=0123456789abcdef", "HEARTH_PASSWORD=correct-horse", "HEARTH_STATE="+os.DevNull+"/state")
	out, err := cmd.CombinedOutput()
	if err == nil {
		t.Fatalf("the agent ran:\n%s", out)
	}
	return cmd.ProcessState.ExitCode(), string(out)
}
