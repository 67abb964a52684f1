package main

import (
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"hearth/internal/deploy/deploytest"
)

// runTown is the script command "town NAME …": a deployment to practise on, of which the
// script's hearth then takes the programs, Discord and the app.
//
//	town                  open it; the rest needs it open
//	town fault NAME [N]   NAME goes wrong the next N times; for ever without N
//	town mend NAME        and no more
//	town lose PROGRAM     it is not installed
//	town deaf, hears      the app does not refuse what is badly signed, and does
//	town expel, invite    the bot is in no server, and is
//	town token            the bot's token is in the environment
//	town calls FILE       what the programs were called with
func runTown(ts *testscript.TestScript, neg bool, args []string) {
	if neg {
		ts.Fatalf("town can't be negated")
	}
	if len(args) == 0 {
		openTown(ts)
		return
	}
	t, ok := ts.Value(townKey{}).(**deploytest.Town)
	if !ok || *t == nil {
		ts.Fatalf("there is no town: open it first")
	}
	say := args[0]
	arg := func() string {
		if len(args) < 2 {
			ts.Fatalf("town %s wants something", say)
		}
		return args[1]
	}
	switch say {
	case "fault":
		n := 1 << 30
		if len(args) > 2 {
			var err error
			n, err = strconv.Atoi(args[2])
			ts.Check(err)
		}
		ts.Check((*t).Fault(arg(), n))
	case "mend":
		ts.Check((*t).Fault(arg(), 0))
	case "lose":
		ts.Check((*t).Lose(arg()))
	case "deaf", "hears":
		(*t).Deaf(say == "deaf")
	case "expel", "invite":
		(*t).Discord.Expel(say == "expel")
	case "token":
		ts.Setenv("DISCORD_BOT_TOKEN", deploytest.Token)
	case "calls":
		calls, err := (*t).Calls()
		ts.Check(err)
		ts.Check(os.WriteFile(ts.MkAbs(arg()), []byte(calls), 0o600))
	default:
		ts.Fatalf("town knows no %s", say)
	}
}

type townKey struct{}

func openTown(ts *testscript.TestScript) {
	folder := ts.MkAbs(".town")
	ts.Check(os.Mkdir(folder, 0o700))
	t, err := deploytest.Open(folder)
	ts.Check(err)
	ts.Defer(t.Close)
	for name, value := range t.Env(ts.Getenv("PATH")) {
		ts.Setenv(name, value)
	}
	ts.Setenv("APP_URL", t.AppURL())
	ts.Setenv("TODAY", time.Now().UTC().Format(time.DateOnly))
	*ts.Value(townKey{}).(**deploytest.Town) = t
	// A checkout, as far as deploying looks at it.
	root := ts.MkAbs("hearth")
	ts.Check(os.MkdirAll(filepath.Join(root, "infra"), 0o750))
	ts.Check(os.WriteFile(filepath.Join(root, "go.mod"), []byte("module hearth\n\ngo 1.26.0\n"), 0o600))
	ts.Check(os.WriteFile(ts.MkAbs("terraform.tfvars"), []byte(variables), 0o600))
}

// variables are what hearth init writes, without its comments.
const variables = `subscription_id = "` + deploytest.Subscription + `"
region = "westeurope"
discord = {
  application_id = "1100000000000000001"
  public_key     = "00"
  guild_id       = "1100000000000000100"
  channel_id     = "1100000000000000200"
}
worlds = {
  midgard = {
    name = "Midgard"
  }
}
`
