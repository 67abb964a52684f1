package process

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"hearth/internal/clock"
	"hearth/internal/sim/simgame"
)

// PasswordVariable is the environment variable that gives Main the server's
// password, where the list of processes does not show it.
const PasswordVariable = "HEARTH_GAME_PASSWORD"

// Exit codes of Main. The real game's say nothing: it leaves with 0 after
// some failures, too.
const (
	exitOK      = 0
	exitFailed  = 1
	exitUsage   = 2
	exitCrashed = 139 // 128 + SIGSEGV, as a shell has it
)

// maxSpeed bounds --speed: above it, timers are finer than the system's.
const maxSpeed = 1000

// Main is the command `hearth game`: one life of the game as a process. The
// log goes to stdout, commands come from stdin, one a line; "speed N" among
// them changes how many times as fast as the system's clock the game's runs.
// The game saves and ends when ctx is cancelled (give it one that is
// cancelled by SIGINT) and when stdin ends, which is how it learns that its
// parent is gone. The exit code is 0 if the game ended by itself.
func Main(ctx context.Context, args []string, getenv func(string) string, stdin io.Reader, stdout, stderr io.Writer) int {
	o := simgame.Options{Out: stdout, Password: getenv(PasswordVariable)}
	speed := 1.0
	flags := flag.NewFlagSet("game", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&o.Dir, "dir", "", "`directory` of the world's files")
	flags.StringVar(&o.World, "world", simgame.DefaultWorld, "`name` of the world and its files")
	flags.StringVar(&o.ServerName, "name", "", "the server's `name` as players see it (default: the world's)")
	flags.StringVar((*string)(&o.Form), "form", string(simgame.DefaultForm), fmt.Sprintf("line `form`: one of %v", simgame.Forms()))
	flags.StringVar(&o.Version, "version", "", "the game's `version` (default: the form's)")
	flags.DurationVar(&o.SaveEvery, "save-every", simgame.DefaultSaveEvery, "time between autosaves")
	flags.DurationVar(&o.LoadFor, "load-for", 0, "time from the start to listening")
	flags.BoolVar(&o.NeverListen, "never-listen", false, "never open the server")
	flags.Uint64Var(&o.Seed, "seed", 1, "seed of everything random")
	flags.Float64Var(&speed, "speed", 1, "how many times as fast as real time, at most 1000")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return exitOK
		}
		return exitUsage // flag has said why
	}
	if flags.NArg() > 0 || !goodSpeed(speed) {
		say(stderr, "game: --speed is above 0 and at most %d, and no argument follows the flags", maxSpeed)
		return exitUsage
	}
	scaled := clock.NewScaled(speed, time.Time{})
	o.Clock = scaled
	if err := o.Check(); err != nil {
		say(stderr, "%v", err)
		return exitUsage
	}
	keepWriting()
	release, err := holdDir(o.Dir)
	if err != nil {
		say(stderr, "%v", err)
		return exitFailed
	}
	defer func() { _ = release() }() // the process ends here in any case

	commands, interrupt := make(chan string), make(chan struct{})
	runCtx, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	ended := make(chan struct{})
	// Not waited for: a read of stdin cannot be interrupted. It ends with
	// stdin, at the latest with the process, and touches nothing but its
	// channels and the clock.
	go func() {
		defer close(ended)
		listen(runCtx, stdin, scaled, commands)
	}()
	waited := make(chan struct{})
	go func() {
		defer close(waited)
		select {
		case <-ctx.Done():
		case <-ended:
		case <-runCtx.Done():
			return
		}
		close(interrupt)
	}()
	err = simgame.Run(runCtx, o, commands, interrupt)
	stop()
	<-waited
	switch {
	case errors.Is(err, simgame.ErrCrashed):
		return exitCrashed
	case err != nil:
		say(stderr, "%v", err)
		return exitFailed
	}
	return exitOK
}

func say(w io.Writer, format string, args ...any) {
	_, _ = fmt.Fprintf(w, format+"\n", args...) // nowhere else to say it
}

func goodSpeed(speed float64) bool { return speed > 0 && speed <= maxSpeed }

// listen hands the lines of stdin on until it ends.
func listen(ctx context.Context, stdin io.Reader, c *clock.Scaled, commands chan<- string) {
	lines := bufio.NewScanner(stdin)
	for lines.Scan() {
		line := lines.Text()
		if text, ok := strings.CutPrefix(line, "speed "); ok {
			if speed, err := strconv.ParseFloat(strings.TrimSpace(text), 64); err == nil && goodSpeed(speed) {
				c.SetSpeed(speed)
				continue
			}
		}
		select {
		case commands <- line:
		case <-ctx.Done():
			return
		}
	}
}
