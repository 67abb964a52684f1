//go:build unix

// Command pid1 is everything in the image of the pretend server, under several
// names: the container's first process, its supervisorctl, and the game.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"hearth/internal/clock"
	"hearth/internal/sim/simgame/process"
	"hearth/internal/sim/simgame/supervisor"
)

func main() { os.Exit(run()) }

func run() int {
	switch name := filepath.Base(os.Args[0]); {
	case strings.HasPrefix(name, "valheim_server"):
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
		defer stop()
		return process.Main(ctx, os.Args[1:], os.Getenv, os.Stdin, &opener{Writer: os.Stdout, getenv: os.Getenv}, os.Stderr)
	case name == "supervisorctl":
		return supervisor.Ctl(context.Background(), supervisor.DefaultSocket, os.Args[1:], os.Stdout, os.Stderr)
	}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM)
	err := supervisor.Run(context.Background(), supervisor.Options{
		Game: "/proc/self/exe", Socket: supervisor.DefaultSocket, Worlds: supervisor.DefaultWorlds,
		Getenv: os.Getenv, Out: os.Stdout, Clock: clock.System{},
	}, signals)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}
