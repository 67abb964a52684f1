package main

import (
	"fmt"
	"log/slog"

	"hearth/internal/azure/account"
	"hearth/internal/azure/compute"
	"hearth/internal/azure/storage"
	"hearth/internal/clock"
	"hearth/internal/discord"
	"hearth/internal/settings"
	"hearth/internal/world"
)

// ports are the ways to the world outside. Interactions need none of them.
type ports struct {
	store   world.Store
	archive world.Archive
	queue   func(name string) world.Queue
	compute world.Compute
	console world.Console
	estate  world.Estate
	chat    world.Chat
}

// openPorts makes the adapters. It makes no call.
func openPorts(c *settings.Config, log *slog.Logger) (*ports, error) {
	a, err := account.Open(c.Storage)
	if err != nil {
		return nil, fmt.Errorf("open storage: %w", err)
	}
	s, err := storage.Open(a)
	if err != nil {
		return nil, fmt.Errorf("open storage: %w", err)
	}
	cloud := c.Compute
	cloud.Log = log.With("part", "compute")
	m, err := compute.New(cloud)
	if err != nil {
		return nil, err
	}
	o := c.Discord
	o.Log, o.Clock, o.Version = log.With("part", "discord"), clock.System{}, versionText()
	chat, err := discord.NewClient(o)
	if err != nil {
		return nil, fmt.Errorf("open discord: %w", err)
	}
	return &ports{
		store: s.Store(), archive: s.Archive(), compute: m, console: m, estate: m, chat: chat,
		queue: func(name string) world.Queue { return s.Queue(name) },
	}, nil
}
