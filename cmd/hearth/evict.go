package main

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"hearth/internal/azure/account"
	"hearth/internal/azure/audit"
	"hearth/internal/azure/compute"
	"hearth/internal/azure/storage"
	"hearth/internal/clock"
	"hearth/internal/drill"
	"hearth/internal/operator"
	"hearth/internal/settings"
	"hearth/internal/world"
)

type evictCommand struct {
	World string `arg:"" help:"The world's id."`
	At    string `help:"Address of the page of the hearth up that has the world (default: http://127.0.0.1:8080)." placeholder:"URL"`
	settingsFlag
	Azure  bool          `help:"The world is on Azure, by the settings in the environment. --settings and --deployed mean that, too."`
	Within time.Duration `help:"How long the world may take to come back." default:"15m"`
	Yes    bool          `help:"Do not ask, even if somebody plays." short:"y"`
}

// Help tells what it is, and the exit codes.
func (evictCommand) Help() string {
	return "The cloud takes the machine of a world that is online, with 30 seconds' notice, as it may do on any evening. " +
		"The world is saved and comes up elsewhere; what that took, and of whom, is printed as it happens. Ctrl-C ends the watching, not the eviction. " +
		"On Azure it takes the Azure CLI's login (az login), or the token in " + operator.TokenVariable + ". " +
		"Exit code: 0 people can be in again, 1 that failed or was not seen, 2 it was called wrongly, 3 somebody plays and nobody agreed."
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

func (c evictCommand) site(e *env) (drill.Site, error) {
	if !c.Azure && !c.Deployed && c.Settings == "" {
		if c.At == "" {
			c.At = "http://127.0.0.1:8080"
		}
		return drill.NewLocal(c.At, c.World)
	}
	if c.At != "" {
		return nil, errors.New("--at is the page of a hearth up, and --azure, --deployed or --settings mean Azure: one of them")
	}
	s, err := c.source(e)
	if err != nil {
		return nil, err
	}
	return c.deployed(e, s)
}

// deployed is a world on Azure.
func (c evictCommand) deployed(e *env, s settings.Source) (*drill.Azure, error) {
	conf, err := s.Load()
	if wrong, ok := errors.AsType[*settings.Error](err); ok {
		// What else is wrong is the bot's trouble, not this one's.
		if of := wrong.Of(settings.Worlds, settings.Guild, settings.Storage, settings.Subscription, settings.ResourceGroup, settings.ARM, settings.Client); len(of) > 0 {
			return nil, &settings.Error{Problems: of}
		}
	}
	i := slices.IndexFunc(conf.Worlds, func(w world.Config) bool { return w.ID == c.World })
	if i < 0 {
		return nil, noWorld(c.World, conf.Worlds)
	}
	who := login(e, s.Getenv)
	if conf.Storage.ConnectionString == "" {
		conf.Storage.Credential = who
	}
	a, err := account.Open(conf.Storage)
	if err != nil {
		return nil, err
	}
	rows, err := storage.Open(a)
	if err != nil {
		return nil, err
	}
	conf.Compute.Credential = who
	// Who is not logged in shall not read it out of an answer of Azure's.
	if _, err := who.GetToken(e.ctx, policy.TokenRequestOptions{Scopes: []string{audit.Scope(cmp.Or(conf.Compute.URL, compute.PublicURL))}}); err != nil {
		return nil, err
	}
	machines, err := compute.New(conf.Compute)
	if err != nil {
		return nil, err
	}
	return &drill.Azure{World: conf.Worlds[i], Guild: conf.Guild.ID, Store: rows.Store(), Cloud: machines, Clock: clock.System{}}, nil
}

// noWorld: the settings have no world of this id.
func noWorld(id string, worlds []world.Config) error {
	ids := make([]string, len(worlds))
	for i, w := range worlds {
		ids[i] = w.ID
	}
	return fmt.Errorf("there is no world %q in %s: it has %s", id, settings.Worlds, strings.Join(ids, ", "))
}
