package playground_test

import (
	"context"
	"os"
	"os/signal"
	"testing"

	"hearth/internal/sim/simgame/process"
)

// TestMain lets the test binary be the game, too: the agents start it as
// "<binary> game".
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "game" {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
		code := process.Main(ctx, os.Args[2:], os.Getenv, os.Stdin, os.Stdout, os.Stderr)
		stop()
		os.Exit(code)
	}
	os.Exit(m.Run())
}
