package playground

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"hearth/internal/playground/functionapp"
	"hearth/internal/sim/simdiscord"
	"hearth/internal/sim/simhost"
	"hearth/internal/sqlite"
	"hearth/internal/world"
)

// Azure says that the bot runs as its package does on Azure: see package
// functionapp. It has the system's clock, so everything else has to.
type Azure struct {
	Package string // of the bot for this machine
	// Connection leads to a storage account; empty: an Azurite is started.
	Connection string
	HostSpeed  float64                                    // as of functionapp.Options
	Instances  int                                        // as of functionapp.Options
	Observe    func(functionapp.Instance, simhost.Moment) // may be nil
}

// account is a storage account as storage. Its folder is locked: two Azurites on
// one would each write over what the other keeps.
type account struct {
	*functionapp.Storage
	unlock func() error
}

var _ storage = account{}

func (a account) Lease() lease { return a.Storage.Lease() }

func (a account) Close() error { return errors.Join(a.Storage.Close(), a.unlock()) }

func (r *run) openAccount(ctx context.Context) (account, error) {
	ids := make([]string, len(r.worlds))
	for i, w := range r.worlds {
		ids[i] = w.ID
	}
	unlock, err := sqlite.Lock(r.path("lock"))
	if err != nil {
		return account{}, fmt.Errorf("use folder %s: %w", r.o.Dir, err)
	}
	s, err := functionapp.OpenStorage(ctx, r.path("azurite"), r.o.Azure.Connection, ids, r.log.With("part", "azurite"))
	if err != nil {
		return account{}, errors.Join(err, unlock())
	}
	return account{s, unlock}, nil
}

// startApp runs the packaged bot.
func (r *run) startApp(ctx context.Context, a account, address string) (*functionapp.App, error) {
	settings, err := r.settings(address)
	if err != nil {
		return nil, err
	}
	return functionapp.Start(ctx, functionapp.Options{
		Dir: r.path("app"), Package: r.o.Azure.Package, Settings: settings, Storage: a.Storage,
		Cloud: r.cloud, Clock: r.clock, HostSpeed: r.o.Azure.HostSpeed, Instances: r.o.Azure.Instances, Log: r.log,
		Observe: func(in functionapp.Instance, m simhost.Moment) {
			r.note(m)
			if r.o.Azure.Observe != nil {
				r.o.Azure.Observe(in, m)
			}
		},
	})
}

// note tells the drawer what became of an event.
func (r *run) note(m simhost.Moment) {
	switch m.Phase {
	case simhost.Deleted:
		r.notes.add(describe([]byte(m.Body)))
	case simhost.Released:
		r.notes.add("event comes again: delivery " + strconv.FormatInt(m.DequeueCount, 10))
	case simhost.Poisoned:
		r.notes.add("event set aside: delivery " + strconv.FormatInt(m.DequeueCount, 10))
	default:
	}
}

// Files for the keeper's commands, in the playground's folder.
const (
	settingsFile = "settings"
	tokenFile    = "arm.token"
)

// keepSettings writes what the bot was given, for the keeper's commands: its
// settings, a line each, and a token for the pretend cloud, such as somebody has
// who is logged in.
func (r *run) keepSettings(address string) error {
	settings, err := r.settings(address)
	if err != nil {
		return err
	}
	if app, ok := r.control.(*functionapp.App); ok {
		settings = app.Settings()
		if err := writeFile(r.path(tokenFile), []byte(app.ARM().Login()+"\n")); err != nil {
			return fmt.Errorf("write the pretend cloud's token: %w", err)
		}
	}
	var lines strings.Builder
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		fmt.Fprintf(&lines, "%s=%s\n", name, settings[name])
	}
	if err := writeFile(r.path(settingsFile), []byte(lines.String())); err != nil {
		return fmt.Errorf("write settings: %w", err)
	}
	return nil
}

// settings are what a deployment would put into the app's.
func (r *run) settings(address string) (map[string]string, error) {
	worlds, err := worldsText(r.worlds)
	if err != nil {
		return nil, err
	}
	s := map[string]string{
		"DISCORD_APPLICATION_ID": simdiscord.DefaultApplicationID, "DISCORD_PUBLIC_KEY": r.discord.PublicKey(),
		"DISCORD_BOT_TOKEN": r.secrets.BotToken, "DISCORD_API_URL": address + "/api/v10",
		"DISCORD_GUILD_ID": r.guild.ID, "DISCORD_CHANNEL_ID": r.guild.Channel,
		"DISCORD_KEEPER_ROLE_ID": r.guild.KeeperRole, "DISCORD_KEEPER_CHANNEL_ID": r.guild.KeeperChannel,
		"HEARTH_WORLDS": worlds, "HEARTH_BOT_KEY": string(r.secrets.botKey()),
	}
	for _, w := range r.worlds {
		s[world.AgentKeySetting(w.ID)] = string(r.secrets.agentKey(w.ID))
		s[world.PasswordSetting(w.ID)] = w.Password.Reveal()
	}
	return s, nil
}

// worldsText is what HEARTH_WORLDS would be. The passwords have settings of their
// own.
func worldsText(worlds []world.Config) (string, error) {
	worlds = slices.Clone(worlds)
	for i := range worlds {
		worlds[i].Password = ""
	}
	b, err := json.Marshal(worlds) //nolint:gosec // without the passwords
	if err != nil {
		return "", fmt.Errorf("write HEARTH_WORLDS: %w", err)
	}
	return string(b), nil
}
