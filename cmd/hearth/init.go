package main

import (
	"errors"
	"path/filepath"
	"strings"
	"time"

	"hearth/internal/clock"
	"hearth/internal/deploy/program"
	"hearth/internal/deploy/setup"
	"hearth/internal/settings"
	"hearth/internal/world"
)

type initCommand struct {
	Yes          bool    `help:"Write over a file that is there, and do not offer to deploy." short:"y"`
	Server       string  `help:"The Discord server: its id or name." placeholder:"SERVER"`
	Channel      string  `help:"The channel that Hearth lives in: its id or name." placeholder:"CHANNEL"`
	KeeperRole   string  `help:"The keepers' role: its id or name, or none for those who may manage the server." placeholder:"ROLE"`
	Subscription string  `help:"The Azure subscription that pays: its id or name." placeholder:"SUBSCRIPTION"`
	Region       string  `help:"The Azure region, such as westeurope." placeholder:"REGION"`
	World        string  `help:"The first world's name, as people see it." placeholder:"NAME"`
	Save         string  `help:"The name of its files, without .db." placeholder:"NAME"`
	Monthly      string  `help:"What the world's machines may cost a month, in US dollars; 0 for no limit." placeholder:"DOLLARS"`
	Email        string  `help:"Who is written to when a month costs too much." placeholder:"ADDRESS"`
	Name         string  `help:"What begins every name in Azure, for a second deployment (3 to 10 small letters and digits)." placeholder:"NAME"`
	Plan         string  `help:"What the bot runs on: windows (the default) or flex." placeholder:"PLAN"`
	Prices       string  `hidden:"" help:"Another address of Azure's price list."`
	Speed        float64 `hidden:"" default:"1" help:"How many times as fast as real time a deployment waits."`
}

// Help tells what is needed.
func (initCommand) Help() string {
	return "Run it in Hearth's folder, with the Azure CLI logged in (az login). It asks for what no flag gave; the bot's token is asked for, or taken from DISCORD_BOT_TOKEN, and written nowhere. " +
		"Without a terminal every answer that has no default must be a flag. Nothing is made in Azure."
}

// Run asks, writes, and offers to go on.
func (c initCommand) Run(e *env) error {
	root, log, err := checkout()
	if err != nil {
		return err
	}
	who := person{e}
	s := &setup.Setup{
		Answers: setup.Answers{
			Token: world.Secret(e.getenv(settings.Token)), Server: c.Server, Channel: c.Channel, KeeperRole: c.KeeperRole,
			Subscription: c.Subscription, Region: c.Region, World: c.World, Save: c.Save, Email: c.Email, Monthly: c.Monthly, Name: c.Name, Plan: c.Plan,
		},
		Ask: who, Run: &program.Runner{Log: log}, Path: filepath.Join(root, filepath.FromSlash(setup.File)), Clock: clock.NewScaled(1, time.Now()), Out: e.stdout,
		Version: version(), DiscordURL: e.getenv(settings.DiscordURL), PricesURL: c.Prices, Replace: c.Yes,
	}
	token, err := s.Do(e.ctx)
	_ = log.Close() // its last line has nobody left to tell
	if errors.Is(err, setup.ErrLeft) {
		return exitCode(exitLeft)
	}
	if err != nil {
		return err
	}
	if !c.Yes {
		answer, ok := who.Line("Deploy now? It shows what it would do, and asks again [Y/n]")
		if answer = strings.ToLower(strings.TrimSpace(answer)); ok && (answer == "" || answer == "y" || answer == "yes") {
			return deployCommand{Speed: c.Speed}.deploy(e, token)
		}
	}
	say(e.stdout, "Next: hearth deploy (make deploy).")
	return nil
}
