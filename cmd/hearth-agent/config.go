package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"hearth/internal/agent"
	"hearth/internal/azure"
	"hearth/internal/docker"
	"hearth/internal/world"
)

// pathVariable names the configuration file.
const pathVariable = "HEARTH_AGENT_CONFIG"

// config is everything that can be configured. The file is one JSON object;
// each field is overridden by the variable of its name, such as HEARTH_WORLD or
// HEARTH_SAVE_INTERVAL. docs/agent.md explains them.
type config struct {
	path string // of the file

	World      string
	WorldFile  string
	ServerName string
	Password   world.Secret
	Port       int
	Public     bool
	Crossplay  bool
	// SaveInterval is between the game's own saves.
	SaveInterval span
	Args         []string

	Image         string
	Container     string
	Environment   map[string]string
	InstallFolder string
	MemoryMB      int
	DockerHost    string

	Mount         string
	Folder        string
	MountRequired bool
	AllowNewWorld bool

	State       string
	Key         world.Secret
	MetadataURL string
	LogLevel    string

	// Storage says which kind of storage the deployment has; the others are
	// for Azure's.
	Storage           string
	StorageAccount    string
	StorageClientID   string
	StorageConnection world.Secret

	// Where secrets are read from instead.
	PasswordFile          string
	KeyFile               string
	StorageConnectionFile string

	// VaultSecret is where `hearth-agent secrets` gets what it writes into the
	// files of password and key, and into ShareFile, with which ShareAccount's
	// share is mounted.
	VaultSecret  string
	ShareAccount string
	ShareFile    string
	// Share is that share, and ShareURL its account's file service if it is not
	// the public cloud's: for snapshots, which there are with a ShareFile.
	Share    string
	ShareURL string

	level slog.Level
}

// span is a time.Duration that is written like 10m.
type span time.Duration

// UnmarshalText reads what time.ParseDuration does.
func (s *span) UnmarshalText(b []byte) error {
	d, err := time.ParseDuration(string(b))
	*s = span(d)
	return err
}

// field is one of the configuration's.
type field struct {
	name string
	at   any // points to its value
}

func (f field) variable() string { return "HEARTH_" + strings.ToUpper(f.name) }

func (c *config) fields() []field {
	return []field{
		{"world", &c.World}, {"world_file", &c.WorldFile}, {"server_name", &c.ServerName},
		{"password", &c.Password}, {"password_file", &c.PasswordFile}, {"port", &c.Port}, {"public", &c.Public},
		{"crossplay", &c.Crossplay}, {"save_interval", &c.SaveInterval}, {"args", &c.Args},
		{"image", &c.Image}, {"container", &c.Container}, {"environment", &c.Environment},
		{"install_folder", &c.InstallFolder}, {"memory_mb", &c.MemoryMB}, {"docker_host", &c.DockerHost},
		{"mount", &c.Mount}, {"folder", &c.Folder}, {"mount_required", &c.MountRequired}, {"allow_new_world", &c.AllowNewWorld},
		{"state", &c.State}, {"key", &c.Key}, {"key_file", &c.KeyFile}, {"storage", &c.Storage},
		{"storage_account", &c.StorageAccount}, {"storage_client_id", &c.StorageClientID},
		{"storage_connection", &c.StorageConnection}, {"storage_connection_file", &c.StorageConnectionFile},
		{"vault_secret", &c.VaultSecret}, {"share_account", &c.ShareAccount}, {"share_file", &c.ShareFile},
		{"share", &c.Share}, {"share_url", &c.ShareURL},
		{"metadata_url", &c.MetadataURL}, {"log_level", &c.LogLevel},
	}
}

// secret is a field that a file can hold instead, named by the field with _file
// behind its name.
type secret struct {
	name  string
	value *world.Secret
	file  *string
}

func (c *config) secrets() []secret {
	return []secret{
		{"password", &c.Password, &c.PasswordFile}, {"key", &c.Key, &c.KeyFile},
		{"storage_connection", &c.StorageConnection, &c.StorageConnectionFile},
	}
}

// defaults are what the file need not say.
func defaults() config {
	return config{
		Port: docker.DefaultPort, SaveInterval: span(docker.DefaultSaveInterval), Image: docker.DefaultImage,
		Folder: "worlds_local", MountRequired: true, State: "/var/lib/hearth", Share: "world", MetadataURL: azure.MetadataURL, LogLevel: "info",
	}
}

// configError is a configuration that can't be used: all that is wrong with it.
type configError struct {
	path     string
	problems []string
}

func (e *configError) Error() string {
	return fmt.Sprintf("configuration %s: %d to mend:\n  - %s", e.path, len(e.problems), strings.Join(e.problems, "\n  - "))
}

// load reads the configuration file, lets the environment override it, reads
// the files of its secrets and checks everything. The error is a *configError.
func load(path string, getenv func(string) string) (*config, error) {
	return loadChecked(path, getenv, func(c *config, bad func(string, ...any)) {
		for _, s := range c.secrets() {
			*s.value = secretFrom(s.name, *s.value, *s.file, bad)
		}
		c.check(bad)
	})
}

// loadChecked is load with this check in place of the secrets and the values.
func loadChecked(path string, getenv func(string) string, check func(*config, func(string, ...any))) (*config, error) {
	if path == "" {
		path = getenv(pathVariable)
	}
	if path == "" {
		return nil, &configError{"(none)", []string{"name the file with --config or in " + pathVariable}}
	}
	c := defaults()
	c.path = path
	var problems []string
	bad := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	text, err := os.ReadFile(path) //nolint:gosec // the keeper names it
	if err != nil {
		bad("it can't be read (%v)", err)
	} else {
		c.readFile(text, bad)
	}
	c.readEnvironment(getenv, bad)
	c.placeSecrets()
	check(&c, bad)
	if len(problems) > 0 {
		return nil, &configError{path, problems}
	}
	return &c, nil
}

func (c *config) readFile(text []byte, bad func(string, ...any)) {
	var values map[string]json.RawMessage
	dec := json.NewDecoder(bytes.NewReader(text))
	if err := dec.Decode(&values); err != nil {
		bad("it is not one JSON object (%v)", err)
		return
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		bad("it goes on after its JSON object: remove what follows")
	}
	for _, f := range c.fields() {
		raw, ok := values[f.name]
		delete(values, f.name)
		if ok && (string(raw) == "null" || json.Unmarshal(raw, f.at) != nil) {
			bad("%s must be %s", f.name, kind(f.at))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		bad("%q is not known: remove it, or look how it is written in docs/agent.md", name)
	}
	for _, s := range c.secrets() {
		if *s.value != "" && *s.file != "" {
			bad("%s and %s_file are both there: keep one", s.name, s.name)
		}
	}
}

// kind says what a field holds.
func kind(at any) string {
	switch at.(type) {
	case *int:
		return "a whole number"
	case *bool:
		return "true or false"
	case *span:
		return "a time such as \"10m\""
	case *[]string:
		return "a list of texts"
	case *map[string]string:
		return "an object of texts"
	}
	return "a text"
}

func (c *config) readEnvironment(getenv func(string) string, bad func(string, ...any)) {
	for _, f := range c.fields() {
		text := getenv(f.variable())
		if text == "" {
			continue
		}
		var err error
		switch at := f.at.(type) {
		case *string:
			*at = text
		case *world.Secret:
			*at = world.Secret(text)
		case *int:
			*at, err = strconv.Atoi(text)
		case *bool:
			*at, err = strconv.ParseBool(text)
		case *span:
			err = at.UnmarshalText([]byte(text))
		case *[]string:
			*at = strings.Fields(text)
		default:
			err = json.Unmarshal([]byte(text), at)
		}
		if err != nil {
			bad("%s must be %s", f.variable(), kind(f.at))
		}
	}
	// What the environment says of a secret stands for all that the file does.
	for _, s := range c.secrets() {
		value := field{name: s.name}.variable()
		file := field{name: s.name + "_file"}.variable()
		switch inValue, inFile := getenv(value) != "", getenv(file) != ""; {
		case inValue && inFile:
			bad("%s and %s are both set: keep one", value, file)
		case inValue:
			*s.file = ""
		case inFile:
			*s.value = ""
		}
	}
}

// maxSecret bounds the file of a secret, in bytes.
const maxSecret = 4096

// secretFrom is the secret itself, or what its file holds without the line's
// end.
func secretFrom(name string, value world.Secret, path string, bad func(string, ...any)) world.Secret {
	if path == "" || value != "" {
		return value
	}
	f, err := os.Open(path) //nolint:gosec // the keeper names it
	if err != nil {
		bad("%s_file can't be read (%v): has that which writes it run?", name, err)
		return ""
	}
	defer func() { _ = f.Close() }() // it was only read
	b, err := io.ReadAll(io.LimitReader(f, maxSecret+1))
	text := strings.TrimRight(string(b), "\r\n")
	switch {
	case err != nil:
		bad("%s_file can't be read (%v)", name, err)
	case len(b) > maxSecret:
		bad("%s_file %s has more than %d bytes: it is another file", name, path, maxSecret)
	case text == "":
		bad("%s_file %s is empty: has that which writes it run?", name, path)
	}
	return world.Secret(text)
}

// check names what is wrong with the values, except what the parts check
// themselves.
func (c *config) check(bad func(string, ...any)) {
	if !world.IsWorldID(c.World) {
		bad("world %q is not the id of a world, as in HEARTH_WORLDS: 1 to 24 of a-z, 0-9 and single inner dashes", c.World)
	}
	if c.WorldFile == "" {
		bad("world_file is missing: the name of the world's files, such as Midgard of Midgard.db")
	}
	if c.Mount == "" || !filepath.IsAbs(c.Mount) {
		bad("mount must be the absolute path of the folder that outlives the machine, such as /srv/hearth/world; it is %q", c.Mount)
	}
	if c.Folder == "" || !filepath.IsLocal(c.Folder) {
		bad("folder must be the folder of the world's files in mount, such as worlds_local; it is %q", c.Folder)
	}
	if c.State == "" || !filepath.IsAbs(c.State) {
		bad("state must be the absolute path of a folder on the machine's own disk; it is %q", c.State)
	}
	if n := len(c.Key.Reveal()); n < agent.MinKeyBytes {
		bad("key has %d characters, at least %d are needed: give it, or key_file, the world's key of the deployment", n, agent.MinKeyBytes)
	}
	c.checkStorage(bad)
	c.checkVault(bad)
	c.checkShare(bad)
	if err := c.level.UnmarshalText([]byte(c.LogLevel)); err != nil {
		bad("log_level %q: write debug, info, warn or error", c.LogLevel)
	}
	if c.InstallFolder == "" {
		c.InstallFolder = filepath.Join(c.State, "valheim")
	}
	if c.ServerName == "" {
		c.ServerName = c.WorldFile
	}
	p, err := c.parts(slog.New(slog.DiscardHandler))
	if err != nil {
		badLines(err, bad)
		return
	}
	if err := p.close(); err != nil {
		bad("%v", err)
	}
}
