// Command hearth-agent is Hearth beside the game: it runs on the world's
// machine, starts the game, tells the bot what happens, and saves the world
// before the machine goes.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/alecthomas/kong"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// The first signal asks for a save and an orderly end, a second one ends at
	// once: the game is left as it is then, for the next agent to find.
	context.AfterFunc(ctx, stop)
	code := run(ctx, os.Args, os.Getenv, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// Exit codes of run.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2 // of the command line or the configuration
)

type commands struct {
	Run     runCommand     `cmd:"" help:"Run the world's game on this machine, until a signal asks for a save and the end."`
	Check   checkCommand   `cmd:"" help:"Try everything that the agent needs, and say what is wrong and what to do. A running agent is not disturbed."`
	Secrets secretsCommand `cmd:"" help:"Get the machine's secrets out of the vault and write them where run looks for them."`
	Version versionCommand `cmd:"" help:"Print the version."`
}

// env is what a command may know of its surroundings.
type env struct {
	ctx    context.Context //nolint:containedctx // lives as long as the one command it is handed to
	getenv func(string) string
	stdout io.Writer
	stderr io.Writer
}

// run is the whole program, for main and for tests. args[0] is the program.
func run(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) int {
	var c commands
	exited := -1
	parser, err := kong.New(&c,
		kong.Name("hearth-agent"),
		kong.Description("Hearth beside the game: it starts it, watches it, and saves the world before the machine goes."),
		kong.Writers(stdout, stderr),
		kong.Exit(func(code int) { exited = code }),
		kong.UsageOnError(),
	)
	if err != nil {
		say(stderr, "hearth-agent: %v", err)
		return exitFailed
	}
	rest := args[1:]
	if len(rest) == 0 {
		rest = []string{"--help"}
	}
	k, err := parser.Parse(rest)
	if exited >= 0 {
		return exited
	}
	if err != nil {
		say(stderr, "hearth-agent: %v\nTry `hearth-agent --help`.", err)
		return exitUsage
	}
	if err := k.Run(&env{ctx: ctx, getenv: getenv, stdout: stdout, stderr: stderr}); err != nil {
		say(stderr, "hearth-agent: %v", err)
		if _, misconfigured := errors.AsType[*configError](err); misconfigured {
			return exitUsage
		}
		return exitFailed
	}
	return exitOK
}

// say prints a line for people. A terminal that is gone is nobody's business.
func say(w io.Writer, format string, args ...any) {
	_, _ = fmt.Fprintf(w, format+"\n", args...)
}

type versionCommand struct{}

// Run prints the version.
func (versionCommand) Run(e *env) error {
	say(e.stdout, "hearth-agent %s", version())
	return nil
}

// version is the module's, or the commit's of a build from a checkout.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	v := info.Main.Version
	if v == "" || v == "(devel)" {
		v = "dev"
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && len(s.Value) >= 12 {
			return v + " (" + s.Value[:12] + ")"
		}
	}
	return v
}
