package main

import (
	"errors"
	"fmt"
	"time"

	"hearth/internal/clock"
	"hearth/internal/probe"
)

type probeCommand struct {
	URL     string          `arg:"" optional:"" help:"Address of the app's interactions function, as Discord has it." placeholder:"URL"`
	Key     string          `help:"The probe's private key: a file of --new-key, or its 64 hex digits." placeholder:"FILE|HEX"`
	NewKey  string          `help:"Make a key pair: the private key into this new file, the public one is printed for the app's settings." placeholder:"FILE"`
	Every   time.Duration   `help:"Pause between two probes. An idle app is put to sleep after some minutes, so short ones find it awake." default:"30m"`
	Count   int             `help:"How many probes." default:"1"`
	After   []time.Duration `help:"Instead: one probe at once and one after each of these pauses, as in 5m,20m,1h." placeholder:"PAUSE"`
	Timeout time.Duration   `help:"How long to wait for an answer." default:"2m"`
}

// Run measures, or makes a key.
func (c probeCommand) Run(e *env) error {
	if c.NewKey != "" {
		return c.makeKey(e)
	}
	if c.URL == "" || c.Key == "" {
		return errors.New("which app, and which key? hearth probe --new-key FILE makes one; then hearth probe URL --key FILE")
	}
	u, err := probe.ParseURL(c.URL)
	if err != nil {
		return err
	}
	key, err := probe.LoadKey(c.Key)
	if err != nil {
		return err
	}
	schedule, err := probe.Every(c.Every, c.Count)
	if len(c.After) > 0 {
		schedule, err = probe.After(c.After...)
	}
	if err != nil {
		return err
	}
	if c.Timeout <= 0 {
		return fmt.Errorf("a timeout of %s: choose one above zero, like 2m", c.Timeout)
	}
	p := &probe.Prober{URL: u, Key: key, Clock: clock.System{}, Timeout: c.Timeout, Agent: "hearth-probe/" + version()}
	results := p.Run(e.ctx, schedule, func(r probe.Result) { say(e.stdout, "%s", r) })
	sum := probe.Sum(results)
	if e.ctx.Err() != nil {
		say(e.stdout, "Interrupted after %d of %d probes.", len(results), len(schedule))
	}
	_, _ = fmt.Fprint(e.stdout, sum)
	if sum.Failed > 0 || sum.Count == 0 {
		return exitCode(exitFailed)
	}
	return nil
}

func (c probeCommand) makeKey(e *env) error {
	if c.URL != "" || c.Key != "" {
		return errors.New("--new-key only makes a key: give the address and --key in a second call")
	}
	public, err := probe.NewKey(c.NewKey)
	if err != nil {
		return err
	}
	say(e.stdout, `The private key is in %s, for your eyes only. Give the public one to the app:

  az functionapp config appsettings set --name APP --resource-group GROUP --settings HEARTH_PROBE_KEY=%s

Whoever has the private key can ask the app whether it is there, and nothing else. Remove the setting when you have measured. Then:

  hearth probe https://APP.azurewebsites.net/api/interactions --key %s --every 30m --count 12`, c.NewKey, public, c.NewKey)
	return nil
}
