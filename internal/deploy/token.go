package deploy

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"hearth/internal/azure/vault"
	"hearth/internal/deploy/program"
	"hearth/internal/discord"
	"hearth/internal/operator"
	"hearth/internal/world"
)

// tokenSecret is the vault's secret that the app's setting names.
const tokenSecret = "discord-bot-token" //nolint:gosec // the name of a secret

// askToken gets the bot's token from whoever has it, and checks it with Discord.
func (d *Deployment) askToken(ctx context.Context) (string, error) {
	token := d.Token
	if token == "" {
		var ok bool
		if token, ok = d.Secret("The bot's token (from its page Bot at discord.com/developers/applications; it is not shown)"); !ok {
			return "", problem("The bot's token is needed, and nobody is here to ask: set DISCORD_BOT_TOKEN, and run this again. Reset Token on the application's page Bot, at discord.com/developers/applications, makes one.")
		}
	}
	name, err := d.useToken(ctx, token)
	if err != nil {
		return "", err
	}
	return "it is that of " + name, nil
}

// useToken checks a token, and that it is of the application that the configuration
// names. Discord tells its id.
func (d *Deployment) useToken(ctx context.Context, token world.Secret) (application string, err error) {
	token = world.Secret(strings.TrimSpace(token.Reveal()))
	if err := discord.CheckToken(token); err != nil {
		return "", problem("That is no token of a bot: copy it as it is from the application's page Bot (Reset Token makes a new one), without quotes and without the word Bot.")
	}
	c, err := d.discord(token)
	if err != nil {
		return "", err
	}
	app, err := c.Application(ctx)
	if err != nil {
		return "", problem("The bot's token can't be checked: %s.", operator.Refusal(err, d.wants.application, d.wants.guild))
	}
	if d.wants.application != "" && app.ID != d.wants.application {
		return "", problem("This token is that of another application (%s, %s) than the one in %s (%s): give the right one's token, or run hearth init again.", world.Visible(app.Name, 40), app.ID, VariablesFile, d.wants.application)
	}
	d.token = token
	return world.Visible(app.Name, 40), nil
}

// discord is Discord as the bot of the token sees it.
func (d *Deployment) discord(token world.Secret) (*discord.Client, error) {
	application := d.wants.application
	if application == "" {
		application = "1" // not used by what is asked here
	}
	c, err := discord.NewClient(discord.ClientOptions{URL: d.DiscordURL, Application: application, Token: token, Version: d.Version, Clock: d.Clock})
	if err != nil {
		return nil, problem("Discord can't be asked with these settings: check application_id in %s (and DISCORD_API_URL, if it is set).", VariablesFile)
	}
	return c, nil
}

var noSecret = regexp.MustCompile(`(?i)SecretNotFound|was not found in this key vault`)

// keepToken sees to it that the vault has the bot's token.
func (d *Deployment) keepToken(ctx context.Context, o outputs) (string, error) {
	if !d.NewToken {
		token, err := d.vaultToken(ctx, o)
		switch {
		case err != nil:
			return "", err
		case token != "":
			if _, err := d.useToken(ctx, token); err != nil {
				return "", problem("The token in the vault does not do. %s\nhearth deploy --new-token puts another into it.", err)
			}
			return "it is in the vault " + o.Vault, nil
		}
	}
	if d.token == "" || d.NewToken && d.Token == "" {
		if _, err := d.askToken(ctx); err != nil {
			return "", err
		}
	}
	if err := d.writeToken(ctx, o); err != nil {
		return "", err
	}
	d.fresh = true
	d.note("the token in the vault")
	return "put into the vault " + o.Vault, nil
}

// vaultToken reads the token; empty: there is none, or what Terraform writes until
// there is one.
func (d *Deployment) vaultToken(ctx context.Context, o outputs) (world.Secret, error) {
	c := d.azCommand("keyvault", "secret", "show", "--vault-name", o.Vault, "--name", tokenSecret, "--query", "value", "--output", "tsv")
	c.Private = true
	out, err := d.patient(ctx, c)
	if failed, ok := errors.AsType[*program.Error](err); ok && noSecret.MatchString(failed.Output.Stderr) {
		return "", nil
	}
	if err != nil {
		return "", d.explain(err)
	}
	token := strings.TrimSpace(out.Stdout)
	if vault.IsReference(token) {
		return "", nil
	}
	return world.Secret(token), nil
}

// writeToken hands the token over in a file: arguments are for everybody on this
// machine to read.
func (d *Deployment) writeToken(ctx context.Context, o outputs) error {
	dir, err := os.MkdirTemp("", "hearth-token-") // 0700
	if err != nil {
		return problem("There is no room for temporary files: check the disk.")
	}
	defer func() { _ = os.RemoveAll(dir) }() // and if not: 0600 in a folder of the keeper's own
	file := filepath.Join(dir, "token")
	if err := os.WriteFile(file, []byte(d.token.Reveal()), 0o600); err != nil {
		return problem("There is no room for temporary files: check the disk.")
	}
	c := d.azCommand("keyvault", "secret", "set", "--vault-name", o.Vault, "--name", tokenSecret, "--file", file, "--encoding", "utf-8", "--output", "none")
	c.Private = true
	if _, err := d.patient(ctx, c); err != nil {
		return d.explain(err)
	}
	return nil
}

// patient runs a command that needs a right which may be too young to be known.
func (d *Deployment) patient(ctx context.Context, c program.Command) (program.Output, error) {
	for wait := 1; ; wait++ {
		out, err := d.Run.Run(ctx, c)
		if err == nil || !rightsPending(err) || wait > rightsTimes {
			return out, err
		}
		d.say("  Azure does not know yet of a right that was just given: that takes some minutes. Waiting %s (%d of %d).", took(rightsEvery), wait, rightsTimes)
		if err := d.pause(ctx, rightsEvery); err != nil {
			return out, err
		}
	}
}
