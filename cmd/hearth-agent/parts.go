package main

import (
	"errors"
	"log/slog"
	"path/filepath"
	"time"

	"hearth/internal/azure"
	"hearth/internal/clock"
	"hearth/internal/docker"
	"hearth/internal/saves"
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
