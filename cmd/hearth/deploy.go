package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/term"

	"hearth/internal/clock"
	"hearth/internal/deploy"
	"hearth/internal/deploy/program"
	"hearth/internal/settings"
	"hearth/internal/world"
)

type deployCommand struct {
	Yes      bool    `help:"Do not ask." short:"y"`
	NewToken bool    `help:"Put another token of the bot into the vault: the one in DISCORD_BOT_TOKEN, or one that is asked for."`
	Speed    float64 `hidden:"" default:"1" help:"How many times as fast as real time it waits."`
}

// Help tells what is needed and the exit codes.
func (deployCommand) Help() string {
	return "Run it in Hearth's folder, after hearth init, with Terraform, the Azure CLI (az login) and Go on the path. It shows what it would do in Azure and asks first. " +
		"It can be run again at any time: it does what is left to do, and nothing if nothing is. " +
		"Exit code: 0 all is as it should be, 1 something failed and was said, 3 there was something to do and nobody agreed to it."
}

// Run deploys.
func (c deployCommand) Run(e *env) error {
	return c.deploy(e, "")
}

func (c deployCommand) deploy(e *env, token world.Secret) error {
	d, done, err := newDeployment(e, c.Yes, c.Speed)
	if err != nil {
		return err
	}
	defer done()
	d.NewToken, d.Token = c.NewToken, token
	if d.Token == "" {
		d.Token = world.Secret(e.getenv(settings.Token))
	}
	return ended(d.Do(e.ctx))
}

type remoteStateCommand struct {
	Account string  `help:"On a machine that has nothing yet: the bot's storage account, which has what Terraform was told." placeholder:"NAME"`
	Speed   float64 `hidden:"" default:"1" help:"How many times as fast as real time it waits."`
}

// Help tells what it is for.
func (remoteStateCommand) Help() string {
	return "Terraform's state knows what belongs to Hearth. At first it is a file on the machine that ran hearth deploy; this moves it into the deployment's own storage account, " +
		"where other machines of yours find it, and says who may read it. It can be run again at any time, and on another machine."
}

// Run moves the state.
func (c remoteStateCommand) Run(e *env) error {
	d, done, err := newDeployment(e, true, c.Speed)
	if err != nil {
		return err
	}
	defer done()
	d.Account = c.Account
	return ended(d.RemoteState(e.ctx))
}

// newDeployment is that of the checkout that this is run in. done closes its log.
func newDeployment(e *env, yes bool, speed float64) (d *deploy.Deployment, done func(), err error) {
	root, log, err := checkout()
	if err != nil {
		return nil, nil, err
	}
	if speed <= 0 {
		speed = 1
	}
	return &deploy.Deployment{
		Root: root, Run: &program.Runner{Log: log}, Clock: clock.NewScaled(speed, time.Now()), Out: e.stdout, Version: version(),
		Agree:      func(question string) bool { return yes || agreeTo(e, question) },
		Secret:     person{e}.Secret,
		DiscordURL: e.getenv(settings.DiscordURL),
	}, func() { _ = log.Close() }, nil // its last line has nobody left to tell
}

// deployedSettings are those of the app that was deployed from this checkout. Where
// Discord is otherwise, it is so for the app's settings, too.
func deployedSettings(e *env) (func(string) string, error) {
	d, done, err := newDeployment(e, false, 1)
	if err != nil {
		return nil, err
	}
	defer done()
	getenv, err := d.Settings(e.ctx)
	if err != nil {
		return nil, err
	}
	return func(name string) string {
		if name == settings.DiscordURL && d.DiscordURL != "" {
			return d.DiscordURL
		}
		return getenv(name)
	}, nil
}

// checkout is the one that this is run in, and a new log in it.
func checkout() (root string, log *os.File, err error) {
	folder, err := os.Getwd()
	if err != nil {
		return "", nil, fmt.Errorf("find folder: %w", err)
	}
	if root, err = deploy.Root(folder); err != nil {
		return "", nil, err
	}
	file := filepath.Join(root, filepath.FromSlash(deploy.LogFile))
	if err := os.MkdirAll(filepath.Dir(file), 0o750); err != nil {
		return "", nil, fmt.Errorf("make folder: %w", err)
	}
	log, err = os.OpenFile(file, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600) //nolint:gosec // in the checkout
	if err != nil {
		return "", nil, fmt.Errorf("open log: %w", err)
	}
	return root, log, nil
}

// ended makes an exit code of how it ended.
func ended(err error) error {
	if errors.Is(err, deploy.ErrLeft) {
		return exitCode(exitLeft)
	}
	return err
}

// person is whoever sits at the terminal.
type person struct{ e *env }

// Line asks for a line. Nobody is there if the input is no terminal.
func (p person) Line(question string) (string, bool) {
	if !isTerminal(p.e.stdin) {
		return "", false
	}
	_, _ = fmt.Fprintf(p.e.stdout, "%s: ", question)
	// A terminal hands over one line at a time: nothing of the next is lost.
	var line string
	err := untilDone(p.e.ctx, func() (err error) {
		line, err = bufio.NewReader(p.e.stdin).ReadString('\n')
		return err
	})
	if err != nil {
		return "", false
	}
	return strings.TrimRight(line, "\r\n"), true
}

// Secret asks for a text that is not shown while it is typed. Nobody is there if the
// input is no terminal.
func (p person) Secret(question string) (world.Secret, bool) {
	f, ok := p.e.stdin.(*os.File)
	if !ok {
		return "", false
	}
	fd := int(f.Fd())
	if !term.IsTerminal(fd) {
		return "", false
	}
	_, _ = fmt.Fprintf(p.e.stdout, "%s: ", question)
	shown, err := term.GetState(fd)
	if err != nil {
		return "", false
	}
	var text []byte
	err = untilDone(p.e.ctx, func() (err error) {
		text, err = term.ReadPassword(fd)
		return err
	})
	_, _ = io.WriteString(p.e.stdout, "\n")
	if err != nil {
		_ = term.Restore(fd, shown) // whoever broke it off wants to see what they type next
		return "", false
	}
	return world.Secret(text), true
}
