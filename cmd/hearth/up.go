package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"hearth/internal/playground"
	"hearth/internal/sim/simcloud"
	"hearth/internal/world"
	"hearth/internal/world/price"
)

type upCommand struct {
	Dir      string   `help:"Folder that keeps everything (default .hearth, with --azure .hearth-azure)." type:"path" placeholder:"FOLDER"`
	Listen   string   `help:"Address of the page (default 127.0.0.1:8080; with --headless any free port)." placeholder:"HOST:PORT"`
	Speed    *float64 `help:"How many times as fast as real time (default 20; with --azure it is 1)." placeholder:"N"`
	Headless bool     `help:"No page for people: play the script and end."`
	Script   string   `help:"Journey to play: a file, or - for standard input. Needs --headless." placeholder:"FILE"`
	Verbose  bool     `help:"Write the log to standard error, too."`
	Azure    bool     `help:"Run the bot as on Azure: its package under the Functions host's stand-in, on Azurite. Needs Node."`
	Package  string   `help:"With --azure: the bot's package for this machine (default dist/hearth-bot-OS-ARCH.zip)." type:"path" placeholder:"FILE"`
}

// timing is a cloud whose waits are as long as life's.
func timing() (simcloud.Timing, time.Duration) {
	return simcloud.Timing{Jitter: 0.2}, 40 * time.Second
}

// shortTiming is one that nobody has to wait for in real time.
func shortTiming() (simcloud.Timing, time.Duration) {
	return simcloud.Timing{Create: 6 * time.Second, Boot: 6 * time.Second, Delete: 4 * time.Second, Jitter: 0.2}, 6 * time.Second
}

// settle fills in what was not said.
func (c *upCommand) settle() error {
	if !c.Azure && c.Package != "" {
		return errors.New("--package is for --azure: without it the bot runs in this program")
	}
	if c.Azure && c.Speed != nil && *c.Speed != 1 {
		return errors.New("--azure and --speed do not go together: the packaged bot has this machine's clock")
	}
	or := func(value *string, otherwise string) {
		if *value == "" {
			*value = otherwise
		}
	}
	if c.Azure {
		or(&c.Dir, ".hearth-azure")
		or(&c.Package, fmt.Sprintf("dist/hearth-bot-%s-%s.zip", runtime.GOOS, runtime.GOARCH))
	}
	or(&c.Dir, ".hearth")
	if c.Speed == nil {
		speed := 20.0
		if c.Azure {
			speed = 1
		}
		c.Speed = &speed
	}
	if c.Headless {
		or(&c.Listen, "127.0.0.1:0") // nobody looks at it
	}
	or(&c.Listen, "127.0.0.1:8080")
	var err error
	if c.Dir, err = filepath.Abs(c.Dir); err != nil {
		return fmt.Errorf("find folder: %w", err)
	}
	return nil
}

// defaultWorlds is the world of a playground that was told nothing else. The
// price is that of a spot Standard_D2ads_v5 in eastus2, $0.0141 an hour by a
// price catalogue of 2026, and a Standard IP address, $0.005 an hour; ask
// Azure's retail price API for today's.
const defaultWorlds = `[{
	"id": "midgard", "name": "Midgard", "cents_per_hour": 1.9, "idle_minutes": 60, "never_joined_minutes": 60,
	"placements": [
		{"id": "vmss-midgard-1", "size": "Standard_D2ads_v5", "region": "eastus2"},
		{"id": "vmss-midgard-2", "size": "Standard_D2ds_v5", "region": "westus2"}
	]
}]`

// closeWithin bounds the orderly end, the game's last save included.
const closeWithin = 150 * time.Second

// Run brings everything up, and down again when the context ends.
func (c upCommand) Run(e *env) error {
	if c.Headless != (c.Script != "") {
		return errors.New("--headless and --script go together: hearth up --headless --script FILE")
	}
	if err := c.settle(); err != nil {
		return err
	}
	text := e.getenv("HEARTH_WORLDS")
	if text == "" {
		text = defaultWorlds
	}
	worlds, err := world.ParseWorlds(text)
	if err == nil {
		err = price.Check(worlds)
	}
	if err != nil {
		return err
	}
	script, err := c.script(e)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(c.Dir, 0o700); err != nil {
		return fmt.Errorf("make folder: %w", err)
	}
	logFile, err := os.OpenFile(filepath.Join(c.Dir, "hearth.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("open log: %w", err)
	}
	defer logFile.Close() //nolint:errcheck // the log's last line has nobody left to tell
	var out io.Writer = logFile
	if c.Verbose {
		out = io.MultiWriter(logFile, e.stderr)
	}
	self, err := ownProgram(e.self)
	if err != nil {
		return err
	}
	o := playground.Options{
		Dir: c.Dir, Listen: c.Listen, Speed: *c.Speed, Worlds: worlds, Game: []string{self, "game"}, Version: version(),
		Log: slog.New(slog.NewTextHandler(out, &slog.HandlerOptions{Level: slog.LevelInfo})),
	}
	o.Timing, o.LoadFor = timing()
	if c.Azure {
		o.Timing, o.LoadFor = shortTiming()
		o.Azure = &playground.Azure{Package: c.Package}
		say(e.stderr, "Starting Azurite (the first time npm installs it, which takes a minute) and the function app …")
	}
	p, err := playground.Start(e.ctx, o)
	if err != nil {
		return err
	}
	var failed error
	if c.Headless {
		failed = p.Play(e.ctx, script, e.stdout)
	} else {
		c.welcome(e, p, worlds)
		<-e.ctx.Done()
		say(e.stdout, "\nEnding in order: the worlds are saved first. Ctrl-C again ends at once.")
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(e.ctx), closeWithin)
	defer cancel()
	words, err := p.Close(ctx)
	for _, w := range words {
		say(e.stdout, "%s", w)
	}
	if !c.Headless && err == nil {
		say(e.stdout, "Hearth has ended. Everything stands in %s.", c.Dir)
	}
	return errors.Join(failed, err)
}

func (c upCommand) script(e *env) (string, error) {
	switch c.Script {
	case "":
		return "", nil
	case "-":
		b, err := io.ReadAll(e.stdin)
		return string(b), err
	}
	b, err := os.ReadFile(c.Script)
	if err != nil {
		return "", fmt.Errorf("read script: %w", err)
	}
	return string(b), nil
}

// ownProgram is the path of this very program, to run the game with.
func ownProgram(self string) (string, error) {
	path, err := exec.LookPath(self)
	if err != nil {
		if path, err = os.Executable(); err != nil {
			return "", fmt.Errorf("find own program: %w", err)
		}
	}
	return filepath.Abs(path)
}

func (c upCommand) welcome(e *env, p *playground.Playground, worlds []world.Config) {
	names := make([]string, len(worlds))
	for i := range worlds {
		names[i] = worlds[i].Name
	}
	bot := `    bot: interactions        %[1]s/api/interactions
    bot: worker              in this process, on the events queue
    pretend cloud, agents    in this process; each game is a process of its own
    queues, state, lease     %[2]s/hearth.db
`
	keeper := `    hearth register --settings %[2]s/settings
`
	if c.Azure {
		bot = `    bot                      its package, unpacked, under the Functions host's stand-in
    bot: interactions        %[1]s/api/interactions (also /api/health)
    pretend cloud, agents    in this process, the cloud behind ARM's API; each game is a process of its own
    queues, state, lease     Azurite, in %[2]s/azurite
`
		keeper += `    SSL_CERT_FILE=%[2]s/arm.pem AZURE_ACCESS_TOKEN=$(cat %[2]s/arm.token) hearth doctor --settings %[2]s/settings
`
	}
	say(e.stdout, `Hearth is up: a pretend Discord and a pretend cloud around the real bot and agent.

    Open   %[1]s
    Type   /start

  What runs where
    page, pretend Discord    %[1]s/ and %[1]s/api/v10
`+bot+`    saves, log               %[2]s/worlds, %[2]s/hearth.log

  The keeper's commands
`+keeper+`
  Worlds: %[3]s. Speed: %[4]v×. Ctrl-C ends it in order and says what was saved.
`, p.URL(), c.Dir, strings.Join(names, ", "), *c.Speed)
}
