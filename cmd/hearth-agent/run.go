package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"hearth/internal/agent"
	"hearth/internal/agent/spool"
	"hearth/internal/clock"
)

type runCommand struct {
	Config string `help:"The configuration file (default: the one that HEARTH_AGENT_CONFIG names)." placeholder:"FILE"`
}

// Names in the state folder.
const (
	spoolName = "agent"
	lockName  = "agent.lock"
)

// Run runs the agent until the context ends.
func (r runCommand) Run(e *env) (err error) {
	c, err := load(r.Config, e.getenv)
	if err != nil {
		return err
	}
	log := slog.New(slog.NewJSONHandler(e.stderr, &slog.HandlerOptions{Level: c.level}))
	log.Info("agent starts", "version", version(), "world", c.World, "config", c.path)
	err = errors.Join(os.MkdirAll(c.State, 0o700), os.MkdirAll(c.InstallFolder, 0o755)) //nolint:gosec // the game's user in the container reads what is installed
	if err != nil {
		return fmt.Errorf("make folders: %w", err)
	}
	unlock, err := lock(filepath.Join(c.State, lockName))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	p, err := c.parts(log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.close()) }()
	s, err := c.openStorage(e.ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	disk, err := spool.MakeFolder(filepath.Join(c.State, spoolName))
	if err != nil {
		return err
	}
	boot, err := bootID()
	if err != nil {
		return err
	}
	a, err := agent.New(agent.Options{
		World: c.World, Key: []byte(c.Key.Reveal()), Clock: clock.System{}, Game: p.game, Files: p.files, Metadata: p.metadata,
		Lease: s.lease, Events: s.events, Orders: s.orders, Snapshots: c.snapshots(), Disk: disk, Boot: boot, Log: log.With("part", "agent"),
	})
	if err != nil {
		return err
	}
	if err := a.Run(e.ctx); err != nil {
		return err
	}
	log.Info("agent has ended", "world", c.World, "cause", fmt.Sprint(context.Cause(e.ctx)))
	return nil
}
