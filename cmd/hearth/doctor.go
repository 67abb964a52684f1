package main

import (
	"errors"

	"hearth/internal/clock"
	"hearth/internal/operator"
	"hearth/internal/probe"
)

type doctorCommand struct {
	settingsFlag
	ProbeKey string `help:"The probe's private key, to ask the app as Discord would: a file of hearth probe --new-key, or its 64 hex digits." placeholder:"FILE|HEX"`
}

// Help tells what is needed and the exit codes.
func (doctorCommand) Help() string {
	return "Changes nothing. For what is in Azure it takes the Azure CLI's login (az login), or the token in " + operator.TokenVariable + ", and that in " + operator.VaultTokenVariable + " for secrets. " +
		"Exit code: 0 nothing is wrong, 1 something is, 2 it was called wrongly. What could not be looked at is marked with ? and does not count."
}

// Run looks at the whole deployment.
func (c doctorCommand) Run(e *env) error {
	s, err := c.source(e)
	if err != nil {
		return usage(e, err)
	}
	d := &operator.Doctor{
		Getenv: s.Getenv, References: s.References, Version: version(), Clock: clock.System{}, Out: e.stdout,
		Login: login(e, s.Getenv),
	}
	if c.ProbeKey != "" {
		key, err := probe.LoadKey(c.ProbeKey)
		if err != nil {
			return usage(e, err)
		}
		d.Probe = &key
	}
	wrong, _ := d.Run(e.ctx)
	if e.ctx.Err() != nil {
		return errors.New("broken off")
	}
	if wrong > 0 {
		return exitCode(exitFailed)
	}
	return nil
}
