package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"

	"hearth/internal/azure/vault"
	"hearth/internal/clock"
	"hearth/internal/operator"
	"hearth/internal/settings"
	"hearth/internal/world"
)

// exitLeft: there is something to do, and it was left as it is.
const exitLeft = 3

// settingsFlag is where a deployment's settings are found.
type settingsFlag struct {
	Settings string `help:"File of the app's settings: NAME=VALUE lines, local.settings.json, or what az functionapp config appsettings list prints (default: the environment)." type:"path" placeholder:"FILE"`
	Deployed bool   `help:"The settings of the app that was deployed from this folder, as Azure has them."`
}

// source reads the settings, and the secrets that they refer to.
func (f settingsFlag) source(e *env) (settings.Source, error) {
	getenv, err := e.getenv, error(nil)
	switch {
	case f.Settings != "" && f.Deployed:
		err = errors.New("--settings and --deployed both say where the settings are: give one")
	case f.Settings != "":
		getenv, err = settings.FromFile(f.Settings)
	case f.Deployed:
		getenv, err = deployedSettings(e)
	}
	if err != nil {
		return settings.Source{}, err
	}
	secrets := vault.New(vault.Options{Credential: login(e, getenv), Transport: e.vaults})
	return settings.Resolve(e.ctx, getenv, secrets), nil
}

// login is whoever sits here.
func login(e *env, getenv func(string) string) *operator.Login {
	return &operator.Login{
		Token: world.Secret(e.getenv(operator.TokenVariable)), ARM: getenv(settings.ARM),
		Vault: world.Secret(e.getenv(operator.VaultTokenVariable)), Clock: clock.System{},
	}
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
	s, err := c.source(e)
	if err != nil {
		return usage(e, err)
	}
	r, err := operator.NewRegistration(s.Getenv, version(), s.References...)
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

// agree asks whoever sits there.
func agree(e *env) bool { return agreeTo(e, "Do it?") }

// agreeTo asks whoever sits there. Nobody does if the input is no terminal.
func agreeTo(e *env, question string) bool {
	if !isTerminal(e.stdin) {
		say(e.stdout, "Nobody is here to agree: --yes does it.")
		return false
	}
	_, _ = fmt.Fprintf(e.stdout, "%s [y/N] ", question)
	var answer string
	if err := untilDone(e.ctx, func() (err error) {
		answer, err = bufio.NewReader(e.stdin).ReadString('\n')
		return err
	}); err != nil && !errors.Is(err, io.EOF) {
		return false
	}
	answer = strings.ToLower(strings.TrimSpace(answer))
	return answer == "y" || answer == "yes"
}
