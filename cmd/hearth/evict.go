package main

import (
	"time"

	"hearth/internal/clock"
	"hearth/internal/drill"
)

type evictCommand struct {
	World  string        `arg:"" help:"The world's id."`
	At     string        `help:"Address of the page of the hearth up that has the world." default:"http://127.0.0.1:8080" placeholder:"URL"`
	Within time.Duration `help:"How long the world may take to come back." default:"15m"`
	Yes    bool          `help:"Do not ask, even if somebody plays." short:"y"`
}

// Help tells what it is, and the exit codes.
func (evictCommand) Help() string {
	return "A drill: the cloud takes the machine of a world that is online, with 30 seconds' notice, as it may do on any evening. " +
		"The world is saved and comes up elsewhere; what that took, and of whom, is printed as it happens. Ctrl-C ends the watching, not the eviction. " +
		"Exit code: 0 people can be in again, 1 that failed or was not seen, 2 it was asked in a wrong way, 3 somebody plays and nobody agreed."
}

// Run does the drill.
func (c evictCommand) Run(e *env) error {
	site, err := c.site(e)
	if err != nil {
		return usage(e, err)
	}
	d := drill.Drill{
		Site: site, Clock: clock.System{}, Within: c.Within, Out: e.stdout, Err: e.stderr,
		Agree: func() bool { return c.Yes || agree(e) },
	}
	switch d.Run(e.ctx) {
	case drill.Back:
		return nil
	case drill.Left:
		return exitCode(exitLeft)
	case drill.Failed:
	}
	return exitCode(exitFailed)
}

func (c evictCommand) site(*env) (drill.Site, error) {
	return drill.NewLocal(c.At, c.World)
}
