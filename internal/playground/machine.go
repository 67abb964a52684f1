package playground

import (
	"context"
	cryptorand "crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"hearth/internal/agent"
	"hearth/internal/agent/spool"
	"hearth/internal/clock"
	"hearth/internal/saves"
	"hearth/internal/sim/simcloud"
	"hearth/internal/sim/simgame/process"
	"hearth/internal/world"
)

func itoa(n int) string { return strconv.Itoa(n) }

// boot is what happens on a machine of the pretend cloud: the agent runs, and
// the game beside it as a process of its own.
func (r *run) boot(ctx context.Context, vm *simcloud.VM) {
	log := r.log.With("part", "agent", "vm", vm.ID)
	i := slices.IndexFunc(r.worlds, func(w world.Config) bool {
		_, ok := w.Placement(vm.Placement.ID)
		return ok
	})
	if i < 0 {
		log.Error("machine without a world")
		return
	}
	w := r.worlds[i]
	game, err := r.newGame(w, log)
	if err != nil {
		log.Error("game not made", "error", err)
		return
	}
	files, err := saves.New(saves.Options{ID: w.ID, World: fileName(w), Dir: r.saves(w), AllowNew: true})
	if err != nil {
		log.Error("world's files not found", "error", err)
		return
	}
	// The machine's disk goes with it. What it holds is of use to an agent that
	// finds its game again; this one's game ends with it.
	disk, err := spool.MakeFolder(r.path("machines/" + vm.ID))
	if err != nil {
		log.Error("machine's disk not made", "error", err)
		return
	}
	r.mu.Lock()
	r.games[w.ID] = game
	r.mu.Unlock()
	a, err := agent.New(agent.Options{
		World: w.ID, Key: r.secrets.agentKey(w.ID), Clock: r.clock, Game: pacedGame{game, r.clock}, Files: files, Metadata: vm,
		Lease: r.o.At.Lease(r.storage.Lease()), Events: r.o.At.Queue(r.storage.Queue(world.EventsQueue), "report", "acknowledge"),
		Orders: r.o.At.Queue(r.storage.Queue(world.OrdersQueue(w.ID)), "order", "obey"),
		Disk:   disk, Boot: cryptorand.Text(), Log: log,
	})
	if err != nil {
		log.Error("agent not made", "error", err)
		return
	}
	// The cloud's word for a machine that is gone is not the agent's.
	actx, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	defer cancel(nil)
	defer context.AfterFunc(ctx, func() {
		if errors.Is(context.Cause(ctx), simcloud.ErrPowerOff) {
			cancel(agent.ErrPowerOff)
		} else {
			cancel(context.Cause(ctx))
		}
	})()
	err = a.Run(actx)
	if errors.Is(err, agent.ErrPowerOff) {
		err = os.RemoveAll(string(disk))
	}
	if err != nil {
		log.Error("agent ended", "error", err)
	}
}

// clearDisks removes the disks of machines that are no more: the process that
// saw them go was killed.
func (r *run) clearDisks() error {
	there := map[string]bool{}
	for _, vm := range r.cloud.Snapshot().VMs {
		there[vm.ID] = true
	}
	disks, err := os.ReadDir(r.path("machines"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, d := range disks {
		if !there[d.Name()] {
			err = errors.Join(err, os.RemoveAll(r.path("machines/"+d.Name())))
		}
	}
	return err
}

// pacedGame tells every new process how fast the playground's clock runs.
type pacedGame struct {
	*process.Game
	clock *clock.Scaled
}

// Start implements world.Game.
func (g pacedGame) Start(ctx context.Context, began func(world.Step)) (world.Server, error) {
	s, err := g.Game.Start(ctx, began)
	if err != nil {
		return nil, err
	}
	if err := g.Command(speedCommand(g.clock.Speed())); err != nil {
		return nil, errors.Join(err, s.Kill())
	}
	return s, nil
}

func speedCommand(speed float64) string {
	return "speed " + strconv.FormatFloat(speed, 'f', -1, 64)
}

func (r *run) newGame(w world.Config, log *slog.Logger) (*process.Game, error) {
	argv := slices.Concat(r.o.Game, []string{
		"--dir", r.saves(w), "--world", fileName(w), "--name", w.Name,
		"--save-every", "5m", "--load-for", r.o.LoadFor.String(),
		"--seed", strconv.FormatUint(rand.Uint64(), 10), //nolint:gosec // players' paths need no secrecy
	})
	if r.neverListens.Load() {
		argv = append(argv, "--never-listen")
	}
	env := append(os.Environ(), process.PasswordVariable+"="+w.Password.Reveal())
	return process.New(argv, env, r.clock, log)
}

// fileName is the world's name as the game's files bear it.
func fileName(w world.Config) string {
	return strings.Map(func(c rune) rune {
		if c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-' {
			return c
		}
		return '_'
	}, w.ID)
}

// setSpeed changes the clock, and that of every game.
func (r *run) setSpeed(speed float64) {
	r.clock.SetSpeed(speed)
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, g := range r.games {
		_ = g.Command(speedCommand(speed)) // one that is not running learns it at its start
	}
}

// game returns the running game of a world, for the levers.
func (r *run) game(worldID string) (*process.Game, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	g := r.games[worldID]
	if g == nil {
		return nil, fmt.Errorf("the game of %s has not been started yet", worldID)
	}
	return g, nil
}

func (r *run) saves(w world.Config) string { return filepath.Join(r.o.Dir, "worlds", w.ID) }
