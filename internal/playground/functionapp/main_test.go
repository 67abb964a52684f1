package functionapp_test

import (
	"context"
	"flag"
	"os"
	"os/signal"
	"testing"

	"hearth/internal/playground/testdir"
	"hearth/internal/sim/simgame/process"
)

// TestMain lets the test binary be the game, too, which the agents start as
// "<binary> game".
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "game" {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
		code := process.Main(ctx, os.Args[2:], os.Getenv, os.Stdin, os.Stdout, os.Stderr)
		stop()
		os.Exit(code)
	}
	testdir.Use()
	// An evening in real time mostly waits. A -parallel on the command line
	// counts.
	if err := flag.Set("test.parallel", "16"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}
