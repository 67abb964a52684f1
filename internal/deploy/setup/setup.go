// Package setup asks a keeper what a deployment needs to know, as little as possible,
// and writes it down for Terraform. Each answer is checked at once, where it counts:
// with Discord, with Azure. What a flag gave is not asked for, and must be right.
package setup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"hearth/internal/deploy/program"
	"hearth/internal/discord"
	"hearth/internal/world"
)

// File that is written, with slashes, from the checkout's root on.
const File = "infra/terraform.tfvars"

// Problem is what went wrong, in sentences for the keeper.
type Problem struct{ Says string }

// Error implements error.
func (p *Problem) Error() string { return p.Says }

func problem(format string, args ...any) error { return &Problem{fmt.Sprintf(format, args...)} }

// ErrLeft tells that the keeper did not want the file to be replaced.
var ErrLeft = errors.New("the file was left as it is")

// Asker asks the person who sits here; false: nobody does.
type Asker interface {
	Line(question string) (string, bool)
	Secret(question string) (world.Secret, bool)
}

// Answers are what flags gave. What is empty is asked for, or has a default.
type Answers struct {
	Token                world.Secret
	Server, Channel      string // ids, or names
	KeeperRole           string // id or name; "none": those who may manage the server
	Subscription, Region string
	World, Save          string // the first world's name, and its files'
	Email                string
	Monthly              string // dollars; "0": no limit
	Name, Plan           string // of the deployment; empty: Terraform's defaults
}

// Setup is one run.
type Setup struct {
	Answers
	Ask        Asker
	Run        *program.Runner
	Path       string // of File
	Clock      world.Clock
	Out        io.Writer
	Version    string // of this program, for Discord
	DiscordURL string // empty: Discord's
	PricesURL  string // empty: Azure's price list
	HTTP       http.RoundTripper
	// Replace: the file may be written over without asking.
	Replace bool

	subs  []subscription
	chat  *discord.Client
	me    discord.User
	wants variables
}

// Do asks, and writes the file. Its error is a *Problem or ErrLeft. The token that
// was given is returned and kept nowhere.
func (s *Setup) Do(ctx context.Context) (world.Secret, error) {
	for _, part := range []func(context.Context) error{
		s.mayWrite, s.readSubscriptions, s.askToken, s.askServer, s.askChannel, s.askKeepers, s.askSubscription, s.askRegion, s.askWorld, s.askMoney,
	} {
		if err := part(ctx); err != nil {
			if ctx.Err() != nil {
				return "", problem("It was broken off; nothing was written.")
			}
			return "", err
		}
	}
	if err := os.WriteFile(s.Path, s.wants.render(), 0o600); err != nil {
		return "", problem("%s can't be written: check that this folder is yours.", File)
	}
	s.say("\n%s is written. It holds no secret; everything in it can be changed with an editor, and infra/terraform.tfvars.example shows what else there is.", File)
	return s.Token, nil
}

func (s *Setup) mayWrite(context.Context) error {
	_, err := os.Stat(s.Path)
	switch {
	case errors.Is(err, fs.ErrNotExist) || s.Replace:
		s.begin()
		return nil
	case err != nil:
		return problem("%s can't be looked at: check that this folder is yours.", File)
	}
	answer, ok := s.Ask.Line(File + " is there already. Ask for everything anew and write over it? [y/N]")
	if !ok {
		return problem("%s is there already: edit it, or give --yes to have it written over.", File)
	}
	if a := strings.ToLower(strings.TrimSpace(answer)); a != "y" && a != "yes" {
		s.say("It stays as it is.")
		return ErrLeft
	}
	s.begin()
	return nil
}

func (s *Setup) begin() {
	s.say("Hearth asks for what it can't know. Nothing is made or paid for yet; hearth deploy does that, and asks first.\n")
}

func (s *Setup) say(format string, args ...any) {
	_, _ = fmt.Fprintf(s.Out, format+"\n", args...) // a terminal that is gone is nobody's business
}

// question is one that a person answers with a line.
type question struct {
	text      string
	flag      string // that gives the answer, as --region
	given     string // by the flag
	otherwise string // the answer if nothing is typed; empty: something must be
	check     func(answer string) (wrong string, err error)
}

// ask asks until the answer is right. A flag's must be.
func (s *Setup) ask(q question) error {
	if q.given != "" {
		wrong, err := q.check(q.given)
		if wrong != "" {
			return problem("%s %s: %s", q.flag, q.given, wrong)
		}
		return err
	}
	for {
		text := q.text
		if q.otherwise != "" {
			text += " [" + q.otherwise + "]"
		}
		answer, ok := s.Ask.Line(text)
		if !ok && q.otherwise == "" {
			return problem("Nobody is here to ask: give %s.", q.flag)
		}
		if answer = strings.TrimSpace(answer); answer == "" {
			answer = q.otherwise
		}
		wrong, err := q.check(answer)
		switch {
		case err != nil:
			return err
		case wrong == "":
			return nil
		case !ok:
			return problem("%s is needed: %s", q.flag, wrong)
		}
		s.say("  %s", wrong)
	}
}

// choice is one of some things with a name and perhaps an id.
type choice struct{ id, name string }

// choose asks for one of them. The first is what Enter takes, if first says so.
func (s *Setup) choose(q question, all []choice, first bool, take func(i int) (wrong string, err error)) error {
	if q.given == "" {
		for i, c := range all {
			s.say("  %d  %s", i+1, world.Visible(c.name, 60))
		}
	}
	if first {
		q.otherwise = "1"
	}
	q.check = func(answer string) (string, error) {
		for i, c := range all {
			if answer == c.id || strings.EqualFold(strings.TrimPrefix(answer, "#"), strings.TrimPrefix(c.name, "#")) {
				return take(i)
			}
		}
		if n, err := strconv.Atoi(answer); err == nil && q.given == "" && n >= 1 && n <= len(all) {
			return take(n - 1)
		}
		return "that is none of them: type the number in front of one.", nil
	}
	return s.ask(q)
}

// az runs the Azure CLI. Its error is a *Problem.
func (s *Setup) az(ctx context.Context, args ...string) (string, error) {
	out, err := s.Run.Run(ctx, program.Command{
		Name: "az", Args: append(args, "--output", "json"), Env: []string{"AZURE_CORE_NO_COLOR=true"},
		Within: 6 * time.Minute, // a new subscription hears of machines at its first question
	})
	switch failed, ok := errors.AsType[*program.Error](err); {
	case errors.Is(err, program.ErrMissing):
		return "", problem("The Azure CLI is not there: install it from aka.ms/azure-cli (Windows: winget install Microsoft.AzureCLI; macOS: brew install azure-cli), open a new terminal, run az login, and then this again.")
	case ok && (strings.Contains(failed.Says(), "az login") || strings.Contains(failed.Says(), "AADSTS")):
		return "", problem("The Azure CLI is not logged in, or its login has ended: run az login, then this again.")
	case err != nil:
		return "", problem("The Azure CLI does not answer as it should: run az account show, which says why, then this again.")
	}
	return out.Stdout, nil
}
