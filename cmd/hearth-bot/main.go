// Command hearth-bot is the function app: a custom handler of the Azure
// Functions host, which starts it without arguments and takes its settings from
// the environment. app/ holds the files that the host reads.
package main

import (
	"cmp"
	"context"
	"crypto/ed25519"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"sync"
	"syscall"

	"hearth/internal/clock"
	"hearth/internal/functions"
	"hearth/internal/settings"
)

// version is set by the linker: see cmd/hearth-bot/pack.
var version string

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args, os.Getenv, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// Exit codes of run. Whatever ends the serving is a failure, a signal as well:
// the host never starts a handler again that ended with 0.
const (
	exitOK     = 0 // only of --version
	exitFailed = 1
	exitUsage  = 2 // of arguments or settings
)

// run is the whole program, for main and for tests. args[0] is the program.
func run(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) int {
	if len(args) > 1 {
		if args[1] == "--version" && len(args) == 2 {
			say(stdout, "hearth-bot %s", versionText())
			return exitOK
		}
		say(stderr, "hearth-bot: it takes no arguments but --version: the Azure Functions host starts it, and its settings are in the environment")
		return exitUsage
	}
	var beside sync.WaitGroup
	defer beside.Wait()
	beside.Go(func() { warm(getenv(settings.PublicKey)) })
	level := slog.LevelInfo
	log := slog.New(slog.NewJSONHandler(stdout, &slog.HandlerOptions{Level: &level}))
	// What the host asks meanwhile waits; what is wrong with the settings is
	// told together with what is wrong with the port.
	listener, listening := functions.Listen(ctx, getenv(functions.PortVariable))
	c, configured := settings.Load(getenv)
	if err := errors.Join(configured, listening); err != nil {
		if listener != nil {
			_ = listener.Close() // nothing was served
		}
		log.Error("bot does not start", "error", err, "version", versionText())
		say(stderr, "hearth-bot: %v", err)
		return exitUsage
	}
	level = c.Level
	log.Info("bot starts", "version", versionText(), "worlds", len(c.Worlds))
	if c.Token == "" {
		log.Error("bot has no token: it answers PING, refuses commands and handles no event", "error", c.NoToken)
	}
	err := newBot(c, clock.System{}, log, func() (*ports, error) { return openPorts(c, log) }).app().Serve(ctx, listener)
	log.Error("bot has ended", "error", err)
	say(stderr, "hearth-bot: %v", err)
	return exitFailed
}

// warm checks a signature of nobody's: the first check makes tables that the
// next ones use, and takes five times as long.
func warm(hexKey string) {
	if key, err := hex.DecodeString(hexKey); err == nil && len(key) == ed25519.PublicKeySize {
		_ = ed25519.Verify(key, nil, make([]byte, ed25519.SignatureSize))
	}
}

func versionText() string { return cmp.Or(version, "dev") }

// say prints a line for people. A reader that is gone is nobody's business.
func say(w io.Writer, format string, args ...any) {
	_, _ = fmt.Fprintf(w, format+"\n", args...)
}
