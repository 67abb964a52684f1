// Command hearth is the keeper's program. `hearth up` runs everything on one
// machine.
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

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/alecthomas/kong"

	"hearth/internal/sim/simgame/process"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// The first signal asks for an orderly end, a second one ends at once. But
	// the game is asked by the agent and, when that dies, by the system: it saves
	// all the same.
	if !isGame(os.Args) {
		context.AfterFunc(ctx, stop)
	}
	code := run(ctx, os.Args, os.Getenv, os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// Exit codes of run.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

type commands struct {
	Up          upCommand          `cmd:"" help:"Run everything on this machine: a pretend Discord to type in, a pretend cloud, the real bot and agent."`
	Explain     explainCommand     `cmd:"" help:"Say what the log of a Valheim dedicated server means: who came, died and left, what was saved, what went wrong."`
	Probe       probeCommand       `cmd:"" help:"Measure how soon a deployed app answers Discord, also after it has slept."`
	Init        initCommand        `cmd:"" help:"Ask what a deployment needs to know, and write infra/terraform.tfvars."`
	Deploy      deployCommand      `cmd:"" help:"Bring Hearth to Azure, or up to date there."`
	RemoteState remoteStateCommand `cmd:"" help:"Keep Terraform's state in the deployment's own storage account."`
	Register    registerCommand    `cmd:"" help:"Give the Discord server Hearth's commands, or bring them up to date."`
	Evict       evictCommand       `cmd:"" help:"A drill: have the cloud take a world's machine, and see how long it is until people can be in again."`
	Doctor      doctorCommand      `cmd:"" help:"Look whether a whole deployment is as it should be: settings, Discord, the app, storage, Azure."`
	Version     versionCommand     `cmd:"" help:"Print the version."`
	Help        helpCommand        `cmd:"" help:"Print this help."`
}

// env is what a command may know of its surroundings.
type env struct {
	ctx    context.Context //nolint:containedctx // lives as long as the one command it is handed to
	self   string
	getenv func(string) string
	stdin  io.Reader
	stdout io.Writer
	stderr io.Writer
	vaults policy.Transporter // the way to Key Vaults; nil: as always
}

// run is the whole program, for main and for tests. args[0] is the program.
func run(ctx context.Context, args []string, getenv func(string) string, stdin io.Reader, stdout, stderr io.Writer) int {
	e := &env{ctx: ctx, self: args[0], getenv: getenv, stdin: stdin, stdout: stdout, stderr: stderr}
	if isGame(args) {
		return process.Main(ctx, args[2:], getenv, stdin, stdout, stderr)
	}
	var c commands
	exited := -1
	parser, err := kong.New(&c,
		kong.Name("hearth"),
		kong.Description("Friends own a game world that costs money only while somebody plays."),
		kong.Writers(stdout, stderr),
		kong.Exit(func(code int) { exited = code }),
		kong.UsageOnError(),
	)
	if err != nil {
		say(stderr, "hearth: %v", err)
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
		say(stderr, "hearth: %v\nTry `hearth help`.", err)
		return exitUsage
	}
	if err := k.Run(e, k); err != nil {
		if code, ok := errors.AsType[exitCode](err); ok {
			return int(code)
		}
		say(stderr, "hearth: %v", err)
		return exitFailed
	}
	return exitOK
}

// isGame: this is the pretend game, which the agent starts. It is no command
// for people.
func isGame(args []string) bool { return len(args) > 1 && args[1] == "game" }

// exitCode ends the program with this code; what is to be said was said.
type exitCode int

func (c exitCode) Error() string { return fmt.Sprintf("exit code %d", int(c)) }

// say prints a line for people. A terminal that is gone is nobody's business.
func say(w io.Writer, format string, args ...any) {
	_, _ = fmt.Fprintf(w, format+"\n", args...)
}

type versionCommand struct{}

// Run prints the version.
func (versionCommand) Run(e *env) error {
	say(e.stdout, "hearth %s", version())
	return nil
}

type helpCommand struct {
	Command []string `arg:"" optional:"" help:"Command to explain."`
}

// Run prints the help of the program or of one command.
func (c helpCommand) Run(e *env) error {
	if code := run(e.ctx, append(append([]string{e.self}, c.Command...), "--help"), e.getenv, e.stdin, e.stdout, e.stderr); code != exitOK {
		return exitCode(code)
	}
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
