package playground_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"testing"

	"hearth/internal/playground/testdir"
	"hearth/internal/sim/simgame/process"
)

// TestMain lets the test binary be other programs, too: the game, which the
// agents start as "<binary> game", and the process that the kill tests kill.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case "game":
			ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
			code := process.Main(ctx, os.Args[2:], os.Getenv, os.Stdin, os.Stdout, os.Stderr)
			stop()
			os.Exit(code)
		case "evening":
			// As main does; a shell may have told its jobs to ignore it.
			signal.Notify(make(chan os.Signal, 1), os.Interrupt)
			if err := liveEvening(os.Args[2:]); err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
			os.Exit(0)
		}
	}
	testdir.Use()
	// Who is killed, and goes on, mostly waits. A -parallel on the command
	// line counts.
	if err := flag.Set("test.parallel", "20"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}
