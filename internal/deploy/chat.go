package deploy

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"hearth/internal/discord"
	"hearth/internal/operator"
	"hearth/internal/settings"
)

// Settings are those of the app that is deployed, with references to secrets as they
// are. Its error is a *Problem.
func (d *Deployment) Settings(ctx context.Context) (func(string) string, error) {
	if err := d.readWants(); err != nil {
		return nil, err
	}
	o, err := d.outputs(ctx)
	if err != nil {
		return nil, err
	}
	if o.FunctionApp == "" {
		return nil, problem("Nothing is deployed from this folder yet, or its state is elsewhere: hearth deploy, or hearth remote-state.")
	}
	values, err := d.appSettings(ctx, o)
	return func(name string) string { return values[name] }, err
}

func (d *Deployment) appSettings(ctx context.Context, o outputs) (map[string]string, error) {
	c := d.azCommand("functionapp", "config", "appsettings", "list", "--name", o.FunctionApp, "--resource-group", o.ResourceGroup, "--output", "json")
	c.Private = true
	out, err := d.Run.Run(ctx, c)
	if err != nil {
		return nil, d.explain(err)
	}
	var list []struct{ Name, Value string }
	if err := json.Unmarshal([]byte(out.Stdout), &list); err != nil {
		return nil, problem("The Azure CLI's list of the app's settings is not understood: update it (az upgrade), then run this again.")
	}
	values := map[string]string{}
	for _, s := range list {
		values[s.Name] = s.Value
	}
	return values, nil
}

// register brings the server's commands to what the app's worlds want.
func (d *Deployment) register(ctx context.Context, o outputs) (string, error) {
	values, err := d.appSettings(ctx, o)
	if err != nil {
		return "", err
	}
	values[settings.Token] = d.token.Reveal() // the list has a reference
	if d.DiscordURL != "" {
		values[settings.DiscordURL] = d.DiscordURL
	}
	r, err := operator.NewRegistration(func(name string) string { return values[name] }, d.Version)
	if err != nil {
		return "", problem("The app's settings are not as they should be: %s\nCheck that infra/ is as it was cloned (git status), then run this again.", err)
	}
	var says bytes.Buffer
	r.Out, r.Agree = &says, func() bool { return true }
	switch outcome := r.Run(ctx); outcome {
	case operator.Current:
		return "they are as they should be", nil
	case operator.Applied:
		d.note("the commands")
		return "they are there", nil
	default:
		return "", problem("%s\nThen run this again; what is done is done.", strings.TrimSpace(says.String()))
	}
}

const (
	addressTimes = 3
	addressPause = 5 * time.Second
)

// setAddress tells Discord where the bot is. Discord asks there at once and waits
// three seconds, which is little for an app that sleeps: so it is woken first.
func (d *Deployment) setAddress(ctx context.Context, o outputs) (string, error) {
	c, err := d.discord(d.token)
	if err != nil {
		return "", err
	}
	app, err := c.Application(ctx)
	if err != nil {
		return "", problem("Discord does not tell of the application: %s.", operator.Refusal(err, d.wants.application, d.wants.guild))
	}
	if app.InteractionsURL == o.InteractionsURL {
		return "Discord has it", nil
	}
	if app.InteractionsURL != "" {
		d.say("  The application's commands go to another address now: %s", app.InteractionsURL)
		if !d.Agree("Shall they come here?") {
			return "", ErrLeft
		}
	}
	for attempt := 1; ; attempt++ {
		d.health(ctx, o) // wakes it
		err := c.SetInteractionsURL(ctx, o.InteractionsURL)
		if err == nil {
			break
		}
		refused, ok := errors.AsType[*discord.Error](err)
		switch verified := !ok || refused.Code != discord.CodeForm; {
		case verified:
			return "", problem("Discord does not take the address: %s.", operator.Refusal(err, d.wants.application, d.wants.guild))
		case attempt == addressTimes:
			return "", problem("Discord asked the bot at %s, and does not take what it answered, or had to wait longer than three seconds: %s.\nRun this again in a minute; if it stays so, hearth doctor --deployed may say more.", o.InteractionsURL,
				"it wants a PING answered and a wrong signature refused")
		}
		d.say("  Discord got no good answer within its three seconds. The app may have slept: once more.")
		if err := d.pause(ctx, addressPause); err != nil {
			return "", err
		}
	}
	d.note("the address at Discord")
	return fmt.Sprintf("Discord asked %s, and took it", o.InteractionsURL), nil
}
