package operator

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"hearth/internal/discord"
	"hearth/internal/settings"
	"hearth/internal/world"
)

// Outcome of Register.
type Outcome int

// What became of the commands.
const (
	Failed  Outcome = iota // said why
	Current                // they are as they should be
	Left                   // they are not, and were left as they are
	Applied                // they are now
)

// Registration brings a guild's commands to what they should be. It edits,
// creates and, if told to, deletes single commands: a command that is there keeps
// its id, so that what the guild's own people allowed it stays, and counts for
// nothing among the 200 new ones of a day.
type Registration struct {
	Client      *discord.Client
	Application string
	Guild       string
	Worlds      []world.Config
	// Prune takes away what is not Hearth's. All commands of an application
	// come to its one endpoint, so nobody answers them; they are left alone all
	// the same, for the token may be another bot's by mistake.
	Prune bool
	// Agree asks whether to go on. It is not asked if there is nothing to do.
	Agree func() bool
	Out   io.Writer
}

// NewRegistration takes from the settings what it needs, and nothing else. Its
// error is a *settings.Error of what is wrong with that. refs are the settings that
// were references.
func NewRegistration(getenv func(string) string, version string, refs ...settings.Reference) (*Registration, error) {
	c, err := settings.Source{Getenv: getenv, References: refs}.Load()
	if wrong, ok := errors.AsType[*settings.Error](err); ok {
		if of := wrong.Of(settings.Application, settings.DiscordURL, settings.Guild, settings.Worlds); len(of) > 0 {
			return nil, &settings.Error{Problems: of}
		}
	}
	if c.NoToken != nil {
		return nil, &settings.Error{Problems: []settings.Problem{{Setting: settings.Token, Err: c.NoToken}}}
	}
	c.Discord.Version = version
	client, err := discord.NewClient(c.Discord)
	if err != nil {
		return nil, err
	}
	return &Registration{Client: client, Application: c.Discord.Application, Guild: c.Guild.ID, Worlds: c.Worlds}, nil
}

// Run shows the difference, asks, and brings it about. What was done before it
// failed stays done: running it again goes on from there.
func (r *Registration) Run(ctx context.Context) Outcome {
	changes, err := r.look(ctx)
	if err != nil {
		return r.fail("The commands can't be read", err)
	}
	todo := 0
	for _, c := range changes {
		text := c.String()
		switch {
		case c.Kind != Foreign:
			todo++
		case r.Prune:
			todo++
			text += ", goes"
		default:
			text += ", is left alone (--prune takes it away)"
		}
		r.say("%s", text)
	}
	if todo == 0 {
		r.say("Nothing to do: the server has Hearth's commands as they should be.")
		return Current
	}
	if !r.Agree() {
		r.say("Nothing was changed.")
		return Left
	}
	// What goes makes room for what comes.
	slices.SortStableFunc(changes, func(a, b Change) int { return cmp.Compare(b.Kind, a.Kind) })
	for _, c := range changes {
		if err := r.apply(ctx, c); err != nil {
			return r.fail(fmt.Sprintf("%s was not done", c), err)
		}
	}
	if changes, err = r.look(ctx); err != nil {
		return r.fail("The commands were changed, but can't be read again", err)
	}
	for _, c := range changes {
		if c.Kind != Foreign || r.Prune {
			r.say("Discord did not keep what it was told. Still to do: %s. Run it again; somebody else may be changing the commands.", c)
			return Failed
		}
	}
	r.say("Done: %s. People see them at once.", count(todo, "command is", "commands are")+" changed")
	return Applied
}

func (r *Registration) look(ctx context.Context) ([]Change, error) {
	wanted, err := discord.WantedCommands(r.Worlds)
	if err != nil {
		return nil, err
	}
	are, err := r.Client.ListCommands(ctx, r.Guild)
	if err != nil {
		return nil, err
	}
	return Compare(are, wanted), nil
}

func (r *Registration) apply(ctx context.Context, c Change) error {
	switch {
	case c.Kind == Create:
		return r.Client.CreateCommand(ctx, r.Guild, c.Should)
	case c.Kind == Edit:
		return r.Client.EditCommand(ctx, r.Guild, c.Is, c.Should)
	case r.Prune:
		return r.Client.DeleteCommand(ctx, r.Guild, c.Is)
	}
	return nil
}

func (r *Registration) fail(what string, err error) Outcome {
	r.say("%s: %s.", what, Refusal(err, r.Application, r.Guild))
	return Failed
}

func (r *Registration) say(format string, args ...any) {
	_, _ = fmt.Fprintf(r.Out, format+"\n", args...) // a terminal that is gone is nobody's business
}

// count is a number with its noun.
func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
