// Package settings reads the function app's settings: what each must be, whether
// it is, and what to do if not. The bot starts from them, and the keeper's
// program looks at the same deployment through the same eyes.
package settings

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"hearth/internal/azure/account"
	"hearth/internal/azure/compute"
	"hearth/internal/azure/identity"
	"hearth/internal/azure/vault"
	"hearth/internal/clock"
	"hearth/internal/discord"
	"hearth/internal/world"
	"hearth/internal/world/price"
)

// The settings' names, beside those of each world (world.AgentKeySetting,
// world.PasswordSetting).
const (
	Application    = "DISCORD_APPLICATION_ID"
	PublicKey      = "DISCORD_PUBLIC_KEY"
	Token          = "DISCORD_BOT_TOKEN" //nolint:gosec // the name of a setting
	Guild          = "DISCORD_GUILD_ID"
	Channel        = "DISCORD_CHANNEL_ID"
	KeeperRole     = "DISCORD_KEEPER_ROLE_ID"
	KeeperChannel  = "DISCORD_KEEPER_CHANNEL_ID"
	DiscordURL     = "DISCORD_API_URL"
	Worlds         = "HEARTH_WORLDS"
	BotKey         = "HEARTH_BOT_KEY"
	ProbeKey       = "HEARTH_PROBE_KEY"
	LogLevel       = "HEARTH_LOG_LEVEL"
	Subscription   = "AZURE_SUBSCRIPTION_ID"
	ResourceGroup  = "HEARTH_RESOURCE_GROUP"
	ARM            = "HEARTH_ARM_URL"
	Client         = "AZURE_CLIENT_ID"
	Storage        = "AzureWebJobsStorage"
	StorageAccount = "AzureWebJobsStorage__accountName"
)

const minBotKey = 32 // bytes

// Config is everything that can be configured, checked. All its fields are
// exported: of others fmt prints a Secret as it is.
type Config struct {
	Verifier *discord.Verifier
	Probe    *discord.Verifier // nil: none
	Discord  discord.ClientOptions
	Guild    world.Guild
	Worlds   []world.Config
	Token    world.Secret // empty: NoToken says why
	NoToken  error
	BotKey   world.Secret
	Agents   map[string]world.Secret // keys, by world
	Storage  account.Options
	Compute  compute.Options
	Level    slog.Level
	Set      map[string]bool // which settings there are
}

// reader reads settings and gathers what is wrong with them.
type reader struct {
	getenv   func(string) string
	set      map[string]bool
	problems []Problem
}

func (r *reader) bad(name, format string, args ...any) {
	r.check(name, fmt.Errorf(format, args...))
}

// check notes what is wrong with a setting, each thing apart.
func (r *reader) check(name string, err error) {
	if several, ok := err.(interface{ Unwrap() []error }); ok { // joined itself, not somewhere in it
		for _, e := range several.Unwrap() {
			r.check(name, e)
		}
		return
	}
	if err != nil {
		r.problems = append(r.problems, Problem{name, err})
	}
}

// value is a setting's, or empty with a problem noted if it is an unresolved
// reference; resolved is false then.
func (r *reader) value(name string) (value string, resolved bool) {
	value = r.getenv(name)
	r.set[name] = value != ""
	if err := checkResolved(name, value); err != nil {
		r.set[name] = false
		r.check(name, err)
		return "", false
	}
	return value, true
}

// checkResolved: the platform leaves a reference as it is if it can't resolve it.
func checkResolved(name, value string) error {
	if !vault.IsReference(value) {
		return nil
	}
	return fmt.Errorf("%s is a Key Vault reference that was not resolved: check that the secret exists and that the app's identity may read it (role Key Vault Secrets User), then restart the app", name)
}

// snowflake is an id of Discord's. what says where to find it.
func (r *reader) snowflake(name string, required bool, what string) string {
	v, resolved := r.value(name)
	switch {
	case !resolved || v == "" && !required:
	case v == "":
		r.bad(name, "%s is missing: %s", name, what)
	case !discord.IsSnowflake(v):
		r.bad(name, "%s is %.40q, which is no id of Discord's, a number: %s", name, v, what)
	}
	return v
}

// key is a key that seals events. A short one is a problem that does not show
// it.
func (r *reader) key(name string, least int, what string) world.Secret {
	v, resolved := r.value(name)
	switch {
	case !resolved:
	case v == "":
		r.bad(name, "%s is missing: %s", name, what)
	case len(v) < least:
		r.bad(name, "%s has %d bytes, at least %d are needed: %s", name, len(v), least, what)
	}
	return world.Secret(v)
}

// password gives a world the password of its own setting.
func (r *reader) password(w *world.Config) {
	name := world.PasswordSetting(w.ID)
	v, _ := r.value(name)
	if v == "" {
		return
	}
	if w.Password != "" {
		r.bad(name, "%s is set, and world %s has a password in %s as well: remove that one", name, w.ID, Worlds)
	}
	w.Password = world.Secret(v)
	if err := world.CheckPassword(w.Password, w.Name); err != nil {
		r.bad(name, "%s: %w", name, err)
	}
}

// Problem is one thing that is wrong, and what to do about it.
type Problem struct {
	Setting string // or one of two that belong together
	Err     error  // names the setting
}

// Error is everything that is wrong with the settings.
type Error struct{ Problems []Problem }

// Error implements error.
func (e *Error) Error() string {
	var all strings.Builder
	fmt.Fprintf(&all, "the settings have %d things to mend:", len(e.Problems))
	for _, p := range e.Problems {
		all.WriteString("\n" + p.Err.Error())
	}
	return all.String()
}

// Of are the problems with these settings.
func (e *Error) Of(names ...string) []Problem {
	var of []Problem
	for _, p := range e.Problems {
		if slices.Contains(names, p.Setting) {
			of = append(of, p)
		}
	}
	return of
}

// Load reads the settings; it makes no call. Its error is an *Error. What of them
// is right is in the Config all the same.
func Load(getenv func(string) string) (*Config, error) {
	r := &reader{getenv: getenv, set: map[string]bool{}}
	c := &Config{Set: r.set}
	c.loadDiscord(r)
	c.loadWorlds(r)
	c.loadAzure(r)
	if v, _ := r.value(LogLevel); v != "" && c.Level.UnmarshalText([]byte(v)) != nil {
		r.bad(LogLevel, "%s is %.40q: write debug, info, warn or error", LogLevel, v)
	}
	if len(r.problems) > 0 {
		return c, &Error{r.problems}
	}
	return c, nil
}

func (c *Config) loadDiscord(r *reader) {
	var err error
	if v, resolved := r.value(PublicKey); resolved {
		c.Verifier, err = discord.NewVerifier(v)
		r.check(PublicKey, err)
	}
	if v, _ := r.value(ProbeKey); v != "" {
		c.Probe, err = discord.NewProbeVerifier(v)
		r.check(ProbeKey, err)
	}
	const copyID = "switch on developer mode in Discord, then copy the id"
	c.Guild = world.Guild{
		ID:            r.snowflake(Guild, true, copyID+" of the server"),
		Channel:       r.snowflake(Channel, true, copyID+" of the channel that Hearth lives in"),
		KeeperRole:    r.snowflake(KeeperRole, false, copyID+" of the keepers' role, or remove it"),
		KeeperChannel: r.snowflake(KeeperChannel, false, copyID+" of the keepers' channel, or remove it"),
	}
	application, resolved1 := r.value(Application)
	url, resolved2 := r.value(DiscordURL)
	c.Discord = discord.ClientOptions{Application: application, URL: url}
	if resolved1 && resolved2 {
		r.check(Application, c.Discord.CheckAddress())
	}
	// Without a usable token the bot starts all the same: Discord drops the
	// address of an endpoint that does not answer its PINGs.
	token := world.Secret(r.getenv(Token))
	if c.NoToken = errors.Join(checkResolved(Token, token.Reveal()), discord.CheckToken(token)); c.NoToken == nil {
		c.Token, r.set[Token] = token, true
	} else {
		r.set[Token] = false
	}
	c.Discord.Token = c.Token
}

func (c *Config) loadWorlds(r *reader) {
	const random = "set it to a long random text"
	c.BotKey = r.key(BotKey, minBotKey, random+", such as that of `openssl rand -base64 48`")
	c.Agents = map[string]world.Secret{}
	text, resolved := r.value(Worlds)
	if !resolved {
		return
	}
	var err error
	c.Worlds, err = world.ParseWorlds(text)
	r.check(Worlds, err)
	r.check(Worlds, price.Check(c.Worlds))
	owner := map[string]string{}
	for i := range c.Worlds {
		w := &c.Worlds[i]
		r.password(w)
		c.Agents[w.ID] = r.key(world.AgentKeySetting(w.ID), world.MinKeyBytes, "set it to the key that world "+w.ID+"'s agent has")
		if other, taken := owner[c.Agents[w.ID].Reveal()]; taken && c.Agents[w.ID] != "" {
			r.bad(world.AgentKeySetting(w.ID), "%s and %s are the same: give each world a key of its own, or one's machine could speak for the other", world.AgentKeySetting(other), world.AgentKeySetting(w.ID))
		}
		owner[c.Agents[w.ID].Reveal()] = w.ID
		if c.BotKey != "" && c.Agents[w.ID] == c.BotKey {
			r.bad(BotKey, "%s and %s are the same: give the bot a key of its own, or a machine could speak for it", BotKey, world.AgentKeySetting(w.ID))
		}
	}
}

func (c *Config) loadAzure(r *reader) {
	var err error
	c.Storage, err = account.FromEnvironment(r.getenv)
	r.check(Storage, err)
	c.Storage.Credential = r.identity(c.Storage.ClientID)
	r.set[Storage], r.set[StorageAccount] = c.Storage.ConnectionString != "", c.Storage.Account != ""
	c.Compute = compute.Options{
		Clock: clock.System{},
		Names: compute.Names{Subscription: Subscription, ResourceGroup: ResourceGroup, URL: ARM, ClientID: Client},
	}
	resolved := true
	for name, to := range map[string]*string{
		Subscription: &c.Compute.Subscription, ResourceGroup: &c.Compute.ResourceGroup, ARM: &c.Compute.URL, Client: &c.Compute.ClientID,
	} {
		v, ok := r.value(name)
		*to, resolved = v, resolved && ok
	}
	c.Compute.Credential = r.identity(c.Compute.ClientID)
	if resolved {
		_, err = compute.New(c.Compute)
		r.check(Subscription, errors.Unwrap(err)) // each of its problems names its setting
	}
}

// identity is the app's, as the platform hands it over. What is missing of it is
// told when a token is needed: a deployment may go without.
func (r *reader) identity(clientID string) *identity.Credential {
	return identity.New(identity.Options{
		Endpoint: r.getenv(identity.EndpointVariable), Header: world.Secret(r.getenv(identity.HeaderVariable)),
		ClientID: clientID, Clock: clock.System{},
	})
}

// KeyOf is what seals an event: of a world's agent, or of the bot for
// world.BotKey.
func (c *Config) KeyOf(worldID string) []byte {
	if worldID == world.BotKey {
		return []byte(c.BotKey.Reveal())
	}
	return []byte(c.Agents[worldID].Reveal()) // empty for a world that is not there: nothing fits
}
