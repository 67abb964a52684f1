package docker

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/mount"
	"github.com/moby/moby/api/types/network"

	"hearth/internal/world"
)

// DefaultImage is the community's image of the server, pinned: what Hearth
// relies on was read in this version's scripts.
const DefaultImage = "ghcr.io/community-valheim-tools/valheim-server:1.4.0" +
	"@sha256:f3ccde9a4e292663cf5096d502ff33cc9617015f6d70b6a9ca0968543f165ef2"

// The defaults and bounds of Options.
const (
	DefaultPort         = 2456
	DefaultSaveInterval = 5 * time.Minute
	DefaultLogSize      = 20 << 20
	DefaultLogFiles     = 5

	minSaveInterval = time.Minute
	maxSaveInterval = 2 * time.Hour
	minMemory       = 64 << 20
	maxServerName   = 64 // characters
)

// stopTimeout is how long `docker stop` waits for the container, as its image
// recommends.
const stopTimeout = 120 * time.Second

// Options say which server runs in the container, and where. World, WorldName,
// ServerName, the two folders, Clock and Log are required.
type Options struct {
	// Host is the engine's address, such as unix:///run/docker.sock. Default:
	// DOCKER_HOST and its companions, then the system's socket.
	Host  string
	Image string // default DefaultImage
	Name  string // the container's; default hearth-<World>
	World string // the world's id; the container is labelled with it

	WorldName  string // names the world's files: 1 to 40 letters, digits, _ and -
	ServerName string // as players see it: one line of at most 64 characters
	// Password is asked of players: empty or at least 5 characters, and no part
	// of the server's name. A public server must have one.
	Password world.Secret
	Port     int  // UDP, with the one above it; default 2456
	Public   bool // listed among the public servers
	// Crossplay lets others than Steam's players in, by a join code.
	Crossplay    bool
	SaveInterval time.Duration // between the game's own saves, 1 min to 2 h; default 5 min
	Args         []string      // more of the game's arguments, without blanks
	// Environment is more of it for the image, such as ADMINLIST_IDS.
	Environment map[string]string

	// ConfigDir is the host's folder for /config: it outlives the machine, and
	// the world's files lie in its worlds_local. InstallDir is the one for
	// /opt/valheim, where the image installs the game: the machine's own disk.
	// Both are absolute and exist.
	ConfigDir  string
	InstallDir string

	MemoryLimit int64 // bytes, at least 64 MiB; 0: none
	LogSize     int64 // bytes of one file of the container's log; default 20 MiB
	LogFiles    int   // how many are kept; default 5

	Clock world.Clock
	Log   *slog.Logger
}

var (
	nameForm     = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,62}$`) // the engine's own
	worldForm    = regexp.MustCompile(`^[A-Za-z0-9_-]{1,40}$`)
	argForm      = regexp.MustCompile(`^[A-Za-z0-9_.:/+=,@%-]{1,100}$`) // the image's script splits and expands them
	variableForm = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,100}$`)
)

// prepare fills in the defaults and names every problem at once.
func (o Options) prepare() (Options, error) {
	o.Image = or(o.Image, DefaultImage)
	o.Name = or(o.Name, "hearth-"+o.World)
	o.Port = or(o.Port, DefaultPort)
	o.SaveInterval = or(o.SaveInterval, DefaultSaveInterval)
	o.LogSize = or(o.LogSize, DefaultLogSize)
	o.LogFiles = or(o.LogFiles, DefaultLogFiles)

	var problems []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			problems = append(problems, fmt.Errorf(format, args...))
		}
	}
	check(o.World != "", "no world: give its id")
	check(nameForm.MatchString(o.Name), "container name %q: use at most 63 letters, digits, _, . and -", o.Name)
	check(!strings.ContainsAny(o.Image, " \t\r\n"), "image %q: write it like name:tag@sha256:…", o.Image)
	check(worldForm.MatchString(o.WorldName), "world name %q names files: use 1 to 40 letters, digits, _ and -", o.WorldName)
	check(oneLine(o.ServerName) && o.ServerName != "" && utf8.RuneCountInString(o.ServerName) <= maxServerName,
		"server name %q: use one line of 1 to %d characters", o.ServerName, maxServerName)
	if err := world.CheckPassword(o.Password, o.ServerName); err != nil {
		problems = append(problems, fmt.Errorf("password: %w", err))
	}
	check(o.Password != "" || !o.Public, "password: the game lists no public server without one")
	check(o.Port >= 1 && o.Port <= 65534, "port %d: use 1 to 65534, the one above it is needed too", o.Port)
	check(o.SaveInterval >= minSaveInterval && o.SaveInterval <= maxSaveInterval && o.SaveInterval%time.Second == 0,
		"%v between saves: use whole seconds from %v to %v", o.SaveInterval, minSaveInterval, maxSaveInterval)
	for _, arg := range o.Args {
		check(argForm.MatchString(arg), "argument %q: the image splits them at blanks and expands *, ? and $", arg)
	}
	own := o.imageEnvironment()
	for _, key := range slices.Sorted(maps.Keys(o.Environment)) {
		_, taken := own[key]
		check(variableForm.MatchString(key), "environment %q: use letters, digits and _", key)
		check(!taken, "environment %s: the options set it", key)
		check(!strings.ContainsRune(o.Environment[key], 0), "environment %s: its value has a zero byte", key)
	}
	check(filepath.IsAbs(o.ConfigDir), "folder for the world %q: name an absolute one that outlives the machine", o.ConfigDir)
	check(filepath.IsAbs(o.InstallDir), "folder for the game %q: name an absolute one on the machine's own disk", o.InstallDir)
	check(o.MemoryLimit == 0 || o.MemoryLimit >= minMemory, "memory limit of %d bytes: use at least %d, or none", o.MemoryLimit, minMemory)
	check(o.LogSize >= 1<<10 && o.LogFiles >= 1, "log of %d files of %d bytes: use one at least, of 1024 at least", o.LogFiles, o.LogSize)
	check(o.Clock != nil, "no clock: give it a world.Clock")
	check(o.Log != nil, "no logger")
	if err := errors.Join(problems...); err != nil {
		return o, fmt.Errorf("game container: %w", err)
	}
	return o, nil
}

func or[T comparable](value, otherwise T) T {
	var zero T
	if value == zero {
		return otherwise
	}
	return value
}

func oneLine(s string) bool { return utf8.ValidString(s) && !strings.ContainsAny(s, "\r\n\x00") }

// imageEnvironment is what the options mean to the image (its README,
// "Environment Variables", and its `defaults`). The game is brought up to date
// at boot only, nothing restarts it, and nobody but the storage keeps copies of
// the world: an empty schedule turns a cron job off.
func (o Options) imageEnvironment() map[string]string {
	args := []string{"-saveinterval", strconv.Itoa(int(o.SaveInterval / time.Second))}
	if o.Crossplay {
		args = append(args, "-crossplay")
	}
	return map[string]string{
		"SERVER_NAME":     o.ServerName,
		"WORLD_NAME":      o.WorldName,
		"SERVER_PASS":     o.Password.Reveal(),
		"SERVER_PORT":     strconv.Itoa(o.Port),
		"SERVER_PUBLIC":   strconv.FormatBool(o.Public),
		"SERVER_ARGS":     strings.Join(append(args, o.Args...), " "),
		"UPDATE_CRON":     "",
		"UPDATE_IF_IDLE":  "false", // the one check, at boot, asks nobody
		"RESTART_CRON":    "",
		"BACKUPS":         "false",
		"BACKUPS_CRON":    "",
		"STATUS_HTTP":     "false",
		"SUPERVISOR_HTTP": "false",
		"TZ":              "Etc/UTC",
	}
}

// config is the container to make.
func (o Options) config() (*container.Config, *container.HostConfig) {
	variables := o.imageEnvironment()
	maps.Copy(variables, o.Environment)
	env := make([]string, 0, len(variables))
	for _, key := range slices.Sorted(maps.Keys(variables)) {
		env = append(env, key+"="+variables[key])
	}
	ports := network.PortMap{}
	exposed := network.PortSet{}
	for _, n := range []int{o.Port, o.Port + 1} {
		port := network.MustParsePort(strconv.Itoa(n) + "/udp")
		ports[port] = []network.PortBinding{{HostPort: strconv.Itoa(n)}}
		exposed[port] = struct{}{}
	}
	timeout := int(stopTimeout / time.Second)
	return &container.Config{
			Image:        o.Image,
			Env:          env,
			ExposedPorts: exposed,
			Labels:       map[string]string{worldLabel: o.World},
			StopTimeout:  &timeout,
		}, &container.HostConfig{
			LogConfig: container.LogConfig{Type: "json-file", Config: map[string]string{
				"max-size": strconv.FormatInt(o.LogSize, 10),
				"max-file": strconv.Itoa(o.LogFiles),
			}},
			PortBindings:  ports,
			RestartPolicy: container.RestartPolicy{Name: container.RestartPolicyDisabled},
			// Optional, says the image: with it Steam's threads get their priority.
			CapAdd: []string{"SYS_NICE"},
			// The image comes down from root by setuid(2); nothing in it has to
			// come up again.
			SecurityOpt: []string{"no-new-privileges"},
			Mounts: []mount.Mount{
				{Type: mount.TypeBind, Source: o.ConfigDir, Target: "/config"},
				{Type: mount.TypeBind, Source: o.InstallDir, Target: "/opt/valheim"},
			},
			Resources: container.Resources{Memory: o.MemoryLimit, MemorySwap: o.MemoryLimit}, // equal: no swap
		}
}
