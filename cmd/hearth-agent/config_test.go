package main

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"hearth/internal/docker"
)

func TestConfig(t *testing.T) {
	r := newRig(t)
	path := r.writeConfig(map[string]any{"args": []string{"-preset", "hard"}, "environment": map[string]string{"ADMINLIST_IDS": "7656"}, "memory_mb": 6000})
	c, err := load("", func(name string) string { return map[string]string{pathVariable: path}[name] })
	if err != nil {
		t.Fatalf("load: %v", err)
	}
	want := config{
		path: path, World: "midgard", WorldFile: "Midgard", ServerName: "Our Midgard", Password: "secret-of-midgard", Port: 2456, Crossplay: true,
		SaveInterval: span(5 * time.Minute), Args: []string{"-preset", "hard"}, Image: docker.DefaultImage,
		Environment: map[string]string{"ADMINLIST_IDS": "7656"}, InstallFolder: r.path("state/valheim"), MemoryMB: 6000,
		DockerHost: r.config["docker_host"].(string), Mount: r.path("world"), Folder: "worlds_local", State: r.path("state"), Key: key,
		KeyFile: r.path("run/key"), Storage: "sqlite:" + r.path("hearth.db"), Share: "world", MetadataURL: r.metadata.URL, LogLevel: "info", level: slog.LevelInfo,
	}
	if !reflect.DeepEqual(*c, want) {
		t.Errorf("load = %+v\nwant %+v", *c, want)
	}
	if text := fmt.Sprintf("%+v", *c); strings.Contains(text, key) || strings.Contains(text, "secret-of-midgard") {
		t.Errorf("the configuration prints its secrets: %s", text)
	}
}

// TestConfigFromTheEnvironment: every field has its variable, which counts more
// than the file.
func TestConfigFromTheEnvironment(t *testing.T) {
	r := newRig(t)
	if err := os.WriteFile(r.path("run/password"), []byte("other-secret\r\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	set := map[string]string{
		"HEARTH_WORLD": "asgard", "HEARTH_WORLD_FILE": "Asgard", "HEARTH_SERVER_NAME": "Their Asgard",
		"HEARTH_PASSWORD_FILE": r.path("run/password"), "HEARTH_PORT": "2466", "HEARTH_PUBLIC": "true", "HEARTH_CROSSPLAY": "false",
		"HEARTH_SAVE_INTERVAL": "7m", "HEARTH_ARGS": "-preset  easy", "HEARTH_IMAGE": "local/valheim:1", "HEARTH_CONTAINER": "game",
		"HEARTH_ENVIRONMENT": `{"A":"b"}`, "HEARTH_INSTALL_FOLDER": "/srv/game", "HEARTH_MEMORY_MB": "5000", "HEARTH_DOCKER_HOST": "tcp://127.0.0.1:1",
		"HEARTH_MOUNT": "/srv/share", "HEARTH_FOLDER": ".", "HEARTH_MOUNT_REQUIRED": "false", "HEARTH_ALLOW_NEW_WORLD": "1",
		"HEARTH_STATE": "/srv/state", "HEARTH_KEY": "another key, long enough", "HEARTH_STORAGE": "azure",
		"HEARTH_STORAGE_ACCOUNT": "hearth1", "HEARTH_STORAGE_CLIENT_ID": "01234567-89ab-cdef-0123-456789abcdef",
		"HEARTH_VAULT_SECRET": "https://hearth1.vault.azure.net/secrets/machine-asgard", "HEARTH_SHARE_ACCOUNT": "hearth1asgard", "HEARTH_SHARE_FILE": "/run/share",
		"HEARTH_SHARE": "asgard", "HEARTH_SHARE_URL": "https://hearth1.file.core.chinacloudapi.cn",
		"HEARTH_METADATA_URL": "http://127.0.0.1:2", "HEARTH_LOG_LEVEL": "DEBUG",
	}
	want := config{
		path: r.writeConfig(map[string]any{"memory_mb": 6000}), World: "asgard", WorldFile: "Asgard", ServerName: "Their Asgard", Password: "other-secret",
		PasswordFile: r.path("run/password"), Port: 2466, Public: true, SaveInterval: span(7 * time.Minute), Args: []string{"-preset", "easy"},
		Image: "local/valheim:1", Container: "game", Environment: map[string]string{"A": "b"}, InstallFolder: "/srv/game", MemoryMB: 5000,
		DockerHost: "tcp://127.0.0.1:1", Mount: "/srv/share", Folder: ".", AllowNewWorld: true, State: "/srv/state", Key: "another key, long enough",
		Storage: "azure", StorageAccount: "hearth1", StorageClientID: "01234567-89ab-cdef-0123-456789abcdef",
		VaultSecret: "https://hearth1.vault.azure.net/secrets/machine-asgard", ShareAccount: "hearth1asgard", ShareFile: "/run/share", Share: "asgard", ShareURL: "https://hearth1.file.core.chinacloudapi.cn",
		MetadataURL: "http://127.0.0.1:2", LogLevel: "DEBUG", level: slog.LevelDebug,
	}
	c, err := load(want.path, func(name string) string { return set[name] })
	if err != nil {
		t.Fatalf("load: %v", err)
	}
	if !reflect.DeepEqual(*c, want) {
		t.Errorf("load = %+v\nwant %+v", *c, want)
	}
	for _, f := range c.fields() {
		if _, ok := set[f.variable()]; !ok && !slices.Contains([]string{"password", "key_file", "storage_connection", "storage_connection_file"}, f.name) {
			t.Errorf("%s is not tried here", f.variable())
		}
	}
}

// TestStorageConnection: it comes from where the other secrets do.
func TestStorageConnection(t *testing.T) {
	r := newRig(t)
	connection := "AccountName=hearth;AccountKey=" + key
	if err := os.WriteFile(r.path("run/connection"), []byte(connection+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ changes, environ map[string]string }{
		"in the file":        {changes: map[string]string{"storage_connection": connection}},
		"in a file":          {changes: map[string]string{"storage_connection_file": r.path("run/connection")}},
		"in the environment": {environ: map[string]string{"HEARTH_STORAGE_CONNECTION": connection}, changes: map[string]string{"storage_connection_file": "/nowhere"}},
		"in a file that the environment names": {
			environ: map[string]string{"HEARTH_STORAGE_CONNECTION_FILE": r.path("run/connection")}, changes: map[string]string{"storage_connection": "x"},
		},
	} {
		conf := map[string]any{"storage": "azure"}
		for k, v := range c.changes {
			conf[k] = v
		}
		got, err := load(r.writeConfig(conf), func(name string) string { return c.environ[name] })
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got.StorageConnection.Reveal() != connection {
			t.Errorf("%s: the connection string is %d characters, want %d", name, len(got.StorageConnection.Reveal()), len(connection))
		}
		if text := fmt.Sprintf("%+v", *got); strings.Contains(text, key) {
			t.Errorf("%s: the configuration prints its secrets: %s", name, text)
		}
	}
}

func TestConfigProblems(t *testing.T) {
	for _, c := range []struct {
		name    string
		changes map[string]any
		environ map[string]string
		says    []string
	}{
		{name: "unknown fields", changes: map[string]any{"wrold": 1, "worlds": 2}, says: []string{`"wrold" is not known`, `"worlds" is not known`}},
		{
			name: "wrong kinds", changes: map[string]any{"port": "2456", "crossplay": "yes", "save_interval": 5, "args": "-a", "environment": []int{1}, "mount": 3, "key_file": []int{}},
			says: []string{
				"port must be a whole number", "crossplay must be true or false", `save_interval must be a time such as "10m"`,
				"args must be a list of texts", "environment must be an object of texts", "mount must be a text", "key_file must be a text",
			},
		},
		{
			name: "wrong variables", environ: map[string]string{"HEARTH_PORT": "x", "HEARTH_PUBLIC": "y", "HEARTH_SAVE_INTERVAL": "z", "HEARTH_ENVIRONMENT": "{"},
			says: []string{"HEARTH_PORT must be a whole number", "HEARTH_PUBLIC must be true or false", "HEARTH_SAVE_INTERVAL must be a time", "HEARTH_ENVIRONMENT must be an object"},
		},
		{
			name: "everything is missing", changes: map[string]any{"world": nil, "world_file": nil, "server_name": nil, "mount": nil, "state": "", "key_file": nil, "storage": nil},
			says: []string{`world "" is not the id`, "world_file is missing", "mount must be the absolute path", "state must be the absolute path", "key has 0 characters", `storage is ""`},
		},
		{
			name: "what the parts refuse", changes: map[string]any{"port": 70000, "password": "abc", "save_interval": "1s", "metadata_url": "https://x/y", "folder": "../elsewhere"},
			says: []string{"port 70000", "password: ", "between saves", "metadata service", "folder must be"},
		},
		{name: "names of no share", changes: map[string]any{"share": "My--Share", "share_url": "hearth1.file.core.windows.net"}, says: []string{`share "My--Share"`, `share_url "hearth1`}},
		{name: "a share that can't be one", changes: map[string]any{"mount": "world", "storage": "sqlite:hearth.db"}, says: []string{"mount must be the absolute path", "storage is"}},
		{name: "another storage", changes: map[string]any{"storage": "azure:account"}, says: []string{`storage is "azure:account"`, "or azure"}},
		{name: "Azure without an account", changes: map[string]any{"storage": "azure"}, says: []string{"storage_connection: missing", "storage_account"}},
		{
			name: "two accounts", changes: map[string]any{"storage": "azure", "storage_account": "Hearth", "storage_client_id": "me", "storage_connection": "AccountName=hearth;AccountKey=" + key},
			says: []string{"storage_connection: set beside storage_account", "storage_account: ", "storage_client_id: "},
		},
		{name: "no connection string", changes: map[string]any{"storage": "azure", "storage_connection": key}, says: []string{"storage_connection: it is no list"}},
		{name: "an unresolved reference", changes: map[string]any{"storage": "azure", "storage_connection": "@Microsoft.KeyVault(" + key + ")"}, says: []string{"storage_connection: the Key Vault reference"}},
		{
			name: "two connections", changes: map[string]any{"storage": "azure", "storage_connection": "x", "storage_connection_file": "/x"},
			says: []string{"storage_connection and storage_connection_file are both there"},
		},
		{name: "an account beside a file", changes: map[string]any{"storage_account": "hearth", "storage_connection": key}, says: []string{"storage_account is there, and storage is", "storage_connection is there, and storage is"}},
		{name: "two keys", changes: map[string]any{"key": key}, says: []string{"key and key_file are both there"}},
		{name: "two keys in the environment", environ: map[string]string{"HEARTH_KEY": key, "HEARTH_KEY_FILE": "/x"}, says: []string{"HEARTH_KEY and HEARTH_KEY_FILE are both set"}},
		{name: "no file of the key", changes: map[string]any{"key_file": "/nowhere/key"}, says: []string{"key_file can't be read", "has that which writes it run?"}},
		{name: "an empty file of the key", changes: map[string]any{"key_file": os.DevNull}, says: []string{"key_file " + os.DevNull + " is empty"}},
		{name: "a huge file of the key", changes: map[string]any{"key_file": "/proc/kallsyms"}, says: []string{"it is another file"}},
		{name: "a level", changes: map[string]any{"log_level": "loud"}, says: []string{`log_level "loud"`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t)
			maps.Copy(r.environ, c.environ)
			code, stdout, stderr := r.run(t.Context(), c.changes, "run")
			if code != exitUsage || stdout != "" {
				t.Errorf("run = %d, %q; want %d and nothing", code, stdout, exitUsage)
			}
			for _, says := range c.says {
				if !strings.Contains(stderr, says) {
					t.Errorf("it does not say %q:\n%s", says, stderr)
				}
			}
			if strings.Contains(stderr, key) || strings.Contains(stderr, "secret-of-midgard") {
				t.Errorf("it tells a secret:\n%s", stderr)
			}
		})
	}
}

func TestConfigFileProblems(t *testing.T) {
	for name, c := range map[string]struct{ text, says string }{
		"no JSON":    {"world: midgard", "not one JSON object"},
		"an array":   {"[]", "not one JSON object"},
		"two":        {"{} {}", "goes on after"},
		"an unsaved": {"", "not one JSON object"},
	} {
		path := filepath.Join(t.TempDir(), "agent.json")
		if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := load(path, func(string) string { return "" })
		if e, ok := errors.AsType[*configError](err); !ok || !strings.Contains(e.Error(), c.says) || !strings.Contains(e.Error(), path) {
			t.Errorf("%s: load = %v, want %q and the file's name", name, err, c.says)
		}
	}
	if _, err := load("/nowhere/agent.json", func(string) string { return "" }); err == nil || !strings.Contains(err.Error(), "can't be read") {
		t.Errorf("load of no file = %v", err)
	}
	if _, err := load("", func(string) string { return "" }); err == nil || !strings.Contains(err.Error(), pathVariable) {
		t.Errorf("load of nothing = %v", err)
	}
}

// manual is the keeper's page.
func manual(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "..", "docs", "agent.md"))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestManualCommands: every command that the page shows is one, with its flags.
func TestManualCommands(t *testing.T) {
	commands := regexp.MustCompile(`(?m)^hearth-agent (\w+) (--\w+)`).FindAllStringSubmatch(manual(t), -1)
	if len(commands) == 0 {
		t.Fatal("docs/agent.md shows no command")
	}
	for _, m := range commands {
		var help, trouble strings.Builder
		code := run(t.Context(), []string{"hearth-agent", m[1], "--help"}, func(string) string { return "" }, &help, &trouble)
		if code != exitOK || !strings.Contains(help.String(), m[2]+"=") {
			t.Errorf("hearth-agent %s has no %s: %d\n%s%s", m[1], m[2], code, help.String(), trouble.String())
		}
	}
}

// TestManualConfig: the configuration that the page shows is taken.
func TestManualConfig(t *testing.T) {
	_, tail, _ := strings.Cut(manual(t), "```json\n")
	text, _, ok := strings.Cut(tail, "```")
	path := filepath.Join(t.TempDir(), "agent.json")
	if err := os.WriteFile(path, []byte(text), 0o600); !ok || err != nil {
		t.Fatalf("docs/agent.md shows no configuration: %v", err)
	}
	// The files of its secrets are not there.
	set := map[string]string{"HEARTH_KEY": key, "HEARTH_PASSWORD": "secret", "HEARTH_MOUNT_REQUIRED": "false"}
	if _, err := load(path, func(name string) string { return set[name] }); err != nil {
		t.Errorf("load: %v", err)
	}
}

// TestManual: the keeper's page explains every field and no other.
func TestManual(t *testing.T) {
	var explained, fields []string
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z_]+)`(?:, `([a-z_]+)`)? \\|").FindAllStringSubmatch(manual(t), -1) {
		explained = append(explained, m[1])
		if m[2] != "" {
			explained = append(explained, m[2])
		}
	}
	for _, f := range new(config).fields() {
		fields = append(fields, f.name)
	}
	slices.Sort(explained)
	slices.Sort(fields)
	if !slices.Equal(explained, fields) {
		t.Errorf("docs/agent.md explains\n%v\nwant\n%v", explained, fields)
	}
}
