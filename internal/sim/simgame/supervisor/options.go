//go:build unix

package supervisor

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"hearth/internal/sim/simgame/process"
	"hearth/internal/world"
)

// The environment variables beside the image's own.
const (
	SpeedVariable  = "HEARTH_SIM_SPEED"  // how many times as fast as life the game runs
	LoadVariable   = "HEARTH_SIM_LOAD"   // how long the game loads, as "3s"
	UpdateVariable = "HEARTH_SIM_UPDATE" // how long the updater takes at boot, as "3s"
	DeafVariable   = "HEARTH_SIM_DEAF"   // not empty: a stop is neither done nor answered
)

// Where things are in the image.
const (
	DefaultSocket = "/run/supervisor.sock"
	DefaultWorlds = "/config/worlds_local"
	GameProgram   = "/opt/valheim/server/valheim_server.x86_64"
)

// Options say what to supervise. All but Getenv's answers are required.
type Options struct {
	Game   string // the program that is the game; it shows up as GameProgram
	Socket string
	Worlds string // holds the world's files
	Getenv func(string) string
	Out    io.Writer // the container's log
	Clock  world.Clock
}

// plan is what the environment asks for.
type plan struct {
	args   []string // of the game
	env    []string
	update time.Duration
}

func (o Options) plan() (plan, error) {
	p := plan{env: []string{process.PasswordVariable + "=" + o.Getenv("SERVER_PASS")}}
	form, saveEvery := "steam-1.0", ""
	words := strings.Fields(o.Getenv("SERVER_ARGS"))
	for i, word := range words {
		switch {
		case word == "-crossplay":
			form = "crossplay-1.0"
		case word == "-saveinterval" && i+1 < len(words):
			saveEvery = words[i+1] + "s"
		}
	}
	if o.Getenv("CROSSPLAY") == "true" {
		form = "crossplay-1.0"
	}
	p.args = []string{
		"--dir", o.Worlds, "--form", form,
		"--world", or(o.Getenv("WORLD_NAME"), "Dedicated"), "--name", or(o.Getenv("SERVER_NAME"), "My Server"),
	}
	for flag, value := range map[string]string{
		"--save-every": saveEvery, "--speed": o.Getenv(SpeedVariable), "--load-for": o.Getenv(LoadVariable),
	} {
		if value != "" {
			p.args = append(p.args, flag, value)
		}
	}
	var problems []error
	if text := o.Getenv(UpdateVariable); text != "" {
		var err error
		if p.update, err = time.ParseDuration(text); err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", UpdateVariable, err))
		}
	}
	if port := o.Getenv("SERVER_PORT"); port != "" {
		if _, err := strconv.ParseUint(port, 10, 16); err != nil {
			problems = append(problems, fmt.Errorf("SERVER_PORT: %w", err))
		}
	}
	if err := errors.Join(problems...); err != nil {
		return p, fmt.Errorf("supervisor's environment: %w", err)
	}
	return p, nil
}

func or(value, otherwise string) string {
	if value == "" {
		return otherwise
	}
	return value
}
