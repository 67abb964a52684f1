package deploy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"hearth/internal/deploy/program"
	"hearth/internal/operator"
	"hearth/internal/world"
)

// Files of a checkout, with slashes.
const (
	VariablesFile = "infra/terraform.tfvars"
	LogFile       = "bin/deploy.log"
	backendFile   = "infra/backend.tf"
	stateFile     = "infra/terraform.tfstate" // until it is kept elsewhere
	agentFile     = "bin/hearth-agent"
	packageFolder = "dist"
)

// ErrLeft tells that there was something to do, and that nobody agreed to it.
var ErrLeft = errors.New("nothing was changed")

// Problem is what went wrong, in sentences for the keeper.
type Problem struct{ Says string }

// Error implements error.
func (p *Problem) Error() string { return p.Says }

func problem(format string, args ...any) error { return &Problem{fmt.Sprintf(format, args...)} }

// Deployment is what a keeper wants to have in Azure. All fields but those that say
// so are required.
type Deployment struct {
	Root    string // the checkout
	Run     *program.Runner
	Clock   world.Clock
	Out     io.Writer
	Version string // of this program, for Discord
	// Agree asks whether to go on.
	Agree func(question string) bool
	// Secret asks for a text that is not shown; false: nobody is here to ask.
	Secret func(what string) (world.Secret, bool)
	// Token is the bot's, if it is known already.
	Token      world.Secret
	NewToken   bool   // put a token into the vault although there is one
	Account    string // RemoteState: the bot's storage account, where a copy of the variables is; may be empty
	DiscordURL string // empty: Discord's
	// HTTP asks the app; nil: as always.
	HTTP     http.RoundTripper
	wants    wants
	token    world.Secret // what Discord knows
	tenant   string       // that the subscription is of
	fresh    bool         // the vault got its token in this run
	changed  []string     // what this run changed
	platform string       // of the app, as linux-amd64
	version  string       // of the package
	exact    bool         // version names a commit and nothing else
}

// Root finds the checkout that the folder is in.
func Root(folder string) (string, error) {
	for dir := folder; ; dir = filepath.Dir(dir) {
		text, err := os.ReadFile(filepath.Join(dir, "go.mod")) //nolint:gosec // which file it is, is fixed
		if err == nil && strings.HasPrefix(string(text), "module hearth\n") {
			return dir, nil
		}
		if filepath.Dir(dir) == dir {
			return "", problem("This is not in Hearth's folder: go into the folder that you cloned (the one with README.md and infra), and run it there.")
		}
	}
}

// Do deploys. Its error is a *Problem, or ErrLeft.
func (d *Deployment) Do(ctx context.Context) error {
	defer d.sayPatience(ctx)()
	if err := d.prepare(ctx, "terraform", "az", "go"); err != nil {
		return err
	}
	if err := d.step("The agent, the program beside the game", func() (string, error) { return d.buildAgent(ctx) }); err != nil {
		return err
	}
	if err := d.step("Terraform, and what it needs", func() (string, error) { return d.terraformInit(ctx) }); err != nil {
		return err
	}
	before, err := d.outputs(ctx)
	if err != nil {
		return err
	}
	if before.Vault == "" { // nothing is there yet: better to ask now than in ten minutes
		if err := d.step("The bot's token", func() (string, error) { return d.askToken(ctx) }); err != nil {
			return err
		}
	}
	o, err := d.converge(ctx)
	if err != nil {
		return err
	}
	if _, err := os.Stat(d.path(backendFile)); err == nil { // the state is in Azure
		if err := d.step("What Terraform was told", func() (string, error) { return d.keepVariables(ctx, o.StateBackend) }); err != nil {
			return err
		}
	}
	if err := d.step("The bot's token", func() (string, error) { return d.keepToken(ctx, o) }); err != nil {
		return err
	}
	if err := d.step("The bot", func() (string, error) { return d.publish(ctx, o) }); err != nil {
		return err
	}
	if err := d.step("The bot answers", func() (string, error) { return d.awaitApp(ctx, o) }); err != nil {
		return err
	}
	if err := d.step("Commands in Discord", func() (string, error) { return d.register(ctx, o) }); err != nil {
		return err
	}
	if err := d.step("Address in Discord", func() (string, error) { return d.setAddress(ctx, o) }); err != nil {
		return err
	}
	d.farewell(o)
	return nil
}

// prepare looks for what everything needs: programs, variables, a login.
func (d *Deployment) prepare(ctx context.Context, tools ...string) error {
	if err := d.step("Tools", func() (string, error) { return d.checkTools(ctx, tools) }); err != nil {
		return err
	}
	if err := d.readWants(); err != nil {
		return err
	}
	return d.step("Azure", func() (string, error) { return d.checkLogin(ctx) })
}

// step says what is begun, does it, and says what came of it and how long it took.
func (d *Deployment) step(title string, do func() (string, error)) error {
	d.say("%s …", title)
	began := d.Clock.Now()
	result, err := do()
	if err != nil {
		return err
	}
	d.say("  %s (%s)", result, took(d.Clock.Now().Sub(began)))
	return nil
}

// sayPatience asks, when the keeper breaks off, to be let end in order.
func (d *Deployment) sayPatience(ctx context.Context) (stop func()) {
	told := context.AfterFunc(ctx, func() {
		d.say("Ending in order. What is being made in Azure is finished and written down first, which can take some minutes: please wait.")
	})
	return func() { told() }
}

// note remembers what was changed.
func (d *Deployment) note(what string) {
	if !slices.Contains(d.changed, what) {
		d.changed = append(d.changed, what)
	}
}

func took(t time.Duration) string {
	if t < time.Minute {
		return fmt.Sprintf("%.1f s", t.Seconds())
	}
	return fmt.Sprintf("%d min %02d s", int(t.Minutes()), int(t.Seconds())%60)
}

// pause waits, unless the keeper breaks it off.
func (d *Deployment) pause(ctx context.Context, t time.Duration) error {
	select {
	case <-d.Clock.After(t):
		return nil
	case <-ctx.Done():
		return errBrokenOff()
	}
}

func errBrokenOff() error {
	return problem("It was broken off. What was done stays done: run it again, and it goes on from there.")
}

func (d *Deployment) say(format string, args ...any) {
	_, _ = fmt.Fprintf(d.Out, format+"\n", args...) // a terminal that is gone is nobody's business
}

// path is a file of the checkout.
func (d *Deployment) path(name string) string { return filepath.Join(d.Root, filepath.FromSlash(name)) }

// farewell says what is there now, and what to do next.
func (d *Deployment) farewell(o outputs) {
	if len(d.changed) == 0 {
		d.say("\nEverything is as it should be: nothing was changed.")
	} else {
		d.say("\nDone. Changed: %s.", strings.Join(d.changed, ", "))
	}
	invite := o.InviteURL
	if invite == "" {
		invite = operator.Invite(d.wants.application, d.wants.guild)
	}
	d.say(`
  Interactions   %s
  Invite link    %s

Type /start in Discord. To look whether all is well, now and whenever something is odd:

  hearth doctor --deployed
`, o.InteractionsURL, invite)
	if _, err := os.Stat(d.path(backendFile)); err != nil {
		d.say("Terraform's state, which knows what belongs to Hearth and holds its keys, is in %s on this machine alone.\nTo keep it in Azure: hearth remote-state (make remote-state).", stateFile)
	}
}
