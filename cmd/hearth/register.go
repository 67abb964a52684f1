package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"

	"hearth/internal/operator"
	"hearth/internal/settings"
)

// exitLeft: there is something to do, and it was left as it is.
const exitLeft = 3

// settingsFlag is where a deployment's settings are found.
type settingsFlag struct {
	Settings string `help:"File of the app's settings: NAME=VALUE lines, local.settings.json, or what az functionapp config appsettings list prints (default: the environment)." type:"path" placeholder:"FILE"`
}

func (f settingsFlag) getenv(e *env) (func(string) string, error) {
	if f.Settings == "" {
		return e.getenv, nil
	}
	return settings.FromFile(f.Settings)
}

type registerCommand struct {
	settingsFlag
	Prune bool `help:"Take away the application's commands that are not Hearth's, too."`
	Yes   bool `help:"Do not ask." short:"y"`
}

// Help tells the exit codes.
func (registerCommand) Help() string {
	return "Shows the difference first, and asks. Exit code: 0 the commands are as they should be, 1 that failed, " +
		"2 the settings are wrong, 3 there is something to do and nothing was changed."
}

// Run registers the commands.
func (c registerCommand) Run(e *env) error {
	getenv, err := c.getenv(e)
	if err != nil {
		return usage(e, err)
	}
	r, err := operator.NewRegistration(getenv, version())
	if err != nil {
		return usage(e, err)
	}
	r.Prune, r.Out = c.Prune, e.stdout
	r.Agree = func() bool { return c.Yes || agree(e) }
	switch r.Run(e.ctx) {
	case operator.Current, operator.Applied:
		return nil
	case operator.Left:
		return exitCode(exitLeft)
	default:
		return exitCode(exitFailed)
	}
}

// usage ends the program for what is wrong with what it was given.
func usage(e *env, err error) error {
	say(e.stderr, "hearth: %v", err)
	return exitCode(exitUsage)
}

// agree asks whoever sits there. Nobody does if the input is no terminal.
func agree(e *env) bool {
	if !isTerminal(e.stdin) {
		say(e.stdout, "Nobody is here to agree: --yes does it.")
		return false
	}
	_, _ = fmt.Fprint(e.stdout, "Do it? [y/N] ")
	answer, err := bufio.NewReader(e.stdin).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return false
	}
	answer = strings.ToLower(strings.TrimSpace(answer))
	return answer == "y" || answer == "yes"
}
