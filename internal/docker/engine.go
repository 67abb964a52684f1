package docker

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/moby/moby/client"
)

// Engine is what the container's engine says of itself.
type Engine struct {
	Version string
	// JSONFile: it can keep a container's log in files, from which Lines are
	// read.
	JSONFile bool
	// LiveRestore: containers go on while the engine is restarted.
	LiveRestore bool
	AppArmor    bool // containers are confined by it
}

// Engine asks the engine what it is.
func (g *Game) Engine(ctx context.Context) (Engine, error) {
	answer, err := g.api.Info(ctx, client.InfoOptions{})
	if err != nil {
		return Engine{}, fmt.Errorf("ask engine: %w", err)
	}
	e := Engine{
		Version: answer.Info.ServerVersion, LiveRestore: answer.Info.LiveRestoreEnabled,
		JSONFile: slices.Contains(answer.Info.Plugins.Log, "json-file"),
	}
	for _, o := range answer.Info.SecurityOptions {
		e.AppArmor = e.AppArmor || strings.Contains(o, "apparmor")
	}
	return e, nil
}

// DeliversStop tells whether a signal of the engine's reaches a process that
// AppArmor 4 confines, as Ubuntu has it since 23.10. The profile of containers
// allows it since moby/moby#47749 of May 2024, which went into 27 and, with
// #47829 to #47831, into 26.1.3, 25.0.6 and 23.0.11. A distribution may have
// mended an older one.
func (e Engine) DeliversStop() bool {
	if !e.AppArmor {
		return true
	}
	v := numbers(e.Version)
	for _, fixed := range [][3]int{{26, 1, 3}, {25, 0, 6}, {23, 0, 11}} {
		if v[0] == fixed[0] && v[1] == fixed[1] {
			return v[2] >= fixed[2]
		}
	}
	return v[0] >= 27 || v[0] == 0
}

// numbers are the three of a version such as 28.2.2 or 24.0.7-0ubuntu4; 0 where
// there is none.
func numbers(version string) (v [3]int) {
	for i, part := range strings.SplitN(version, ".", 3) {
		end := strings.IndexFunc(part, func(c rune) bool { return c < '0' || c > '9' })
		if end < 0 {
			end = len(part)
		}
		v[i], _ = strconv.Atoi(part[:end]) // 0 if there is none
	}
	return v
}
