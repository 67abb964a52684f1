package main

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"time"

	"hearth/internal/azure"
	"hearth/internal/clock"
	"hearth/internal/docker"
	"hearth/internal/saves"
	"hearth/internal/sqlite"
	"hearth/internal/world"
)

// parts are what the agent is made of and that needs no call to be made.
type parts struct {
	game     *docker.Game
	files    *saves.Dir
	metadata *azure.Metadata
}

// parts makes them; the error names everything that is wrong with their
// options.
func (c *config) parts(log *slog.Logger) (*parts, error) {
	game, err1 := docker.New(docker.Options{
		Host: c.DockerHost, Image: c.Image, Name: c.Container, World: c.World,
		WorldName: c.WorldFile, ServerName: c.ServerName, Password: c.Password, Port: c.Port, Public: c.Public,
		Crossplay: c.Crossplay, SaveInterval: time.Duration(c.SaveInterval), Args: c.Args, Environment: c.Environment,
		ConfigDir: c.Mount, InstallDir: c.InstallFolder, MemoryLimit: int64(c.MemoryMB) << 20,
		Clock: clock.System{}, Log: log.With("part", "docker"),
	})
	files, err2 := saves.New(saves.Options{
		ID: c.World, World: c.WorldFile, Dir: filepath.Join(c.Mount, c.Folder), Home: c.Mount,
		MustMount: c.MountRequired, AllowNew: c.AllowNewWorld,
	})
	metadata, err3 := azure.NewMetadata(c.MetadataURL)
	if err := errors.Join(err1, err2, err3); err != nil {
		if game != nil {
			err = errors.Join(err, game.Close())
		}
		return nil, err
	}
	return &parts{game: game, files: files, metadata: metadata}, nil
}

func (p *parts) close() error { return p.game.Close() }

// storage is where queues and lease are.
type storage struct {
	events, orders world.Queue
	lease          world.Lease
	// holder says who holds the lease, where that can be asked.
	holder func(ctx context.Context, worldID string) (h world.Holding, until time.Time, held bool, err error)
	close  func() error
}

// openStorage takes part in the deployment's queues and leases.
func (c *config) openStorage(ctx context.Context) (*storage, error) {
	path, err := c.sqlitePath()
	if err != nil {
		return nil, err
	}
	db, err := sqlite.Join(ctx, path, clock.System{})
	if err != nil {
		return nil, err
	}
	return &storage{
		events: db.Queue(world.EventsQueue), orders: db.Queue(world.OrdersQueue(c.World)),
		lease: db.Lease(), holder: db.Lease().Holder, close: db.Close,
	}, nil
}
