package main

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"hearth/internal/azure/account"
	"hearth/internal/azure/compute"
	"hearth/internal/azure/identity"
	"hearth/internal/clock"
	"hearth/internal/discord"
	"hearth/internal/world"
)

// The settings, beside the key of each world (world.AgentKeySetting).
const (
	setApplication   = "DISCORD_APPLICATION_ID"
	setPublicKey     = "DISCORD_PUBLIC_KEY"
	setToken         = "DISCORD_BOT_TOKEN" //nolint:gosec // the name of a setting
	setGuild         = "DISCORD_GUILD_ID"
	setChannel       = "DISCORD_CHANNEL_ID"
	setKeeperRole    = "DISCORD_KEEPER_ROLE_ID"
	setKeeperChannel = "DISCORD_KEEPER_CHANNEL_ID"
	setDiscordURL    = "DISCORD_API_URL"
	setWorlds        = "HEARTH_WORLDS"
	setBotKey        = "HEARTH_BOT_KEY"
	setProbeKey      = "HEARTH_PROBE_KEY"
	setLogLevel      = "HEARTH_LOG_LEVEL"
	setSubscription  = "AZURE_SUBSCRIPTION_ID"
	setResourceGroup = "HEARTH_RESOURCE_GROUP"
	setARM           = "HEARTH_ARM_URL"
	setClient        = "AZURE_CLIENT_ID"
	setStorage       = "AzureWebJobsStorage"
	setAccount       = "AzureWebJobsStorage__accountName"
)

const (
	minBotKey = 32 // bytes
	// unresolved begins what the platform leaves in a setting whose Key Vault
	// reference it could not resolve.
	unresolved = "@Microsoft.KeyVault("
)

// config is everything that can be configured, checked. Its fields are exported:
// of others fmt prints a Secret as it is.
type config struct {
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

// settings reads settings and gathers what is wrong with them.
type settings struct {
	getenv   func(string) string
	set      map[string]bool
	problems []error
}

func (s *settings) bad(format string, args ...any) {
	s.problems = append(s.problems, fmt.Errorf(format, args...))
}

func (s *settings) check(err error) {
	if err != nil {
		s.problems = append(s.problems, err)
	}
}

// value is a setting's, or empty with a problem noted if it is an unresolved
// reference; resolved is false then.
func (s *settings) value(name string) (value string, resolved bool) {
	value = s.getenv(name)
	s.set[name] = value != ""
	if err := checkResolved(name, value); err != nil {
		s.set[name] = false
		s.check(err)
		return "", false
	}
	return value, true
}

func checkResolved(name, value string) error {
	if !strings.HasPrefix(value, unresolved) {
		return nil
	}
	return fmt.Errorf("%s is a Key Vault reference that was not resolved: check that the secret exists and that the app's identity may read it (role Key Vault Secrets User), then restart the app", name)
}

// snowflake is an id of Discord's. what says where to find it.
func (s *settings) snowflake(name string, required bool, what string) string {
	v, resolved := s.value(name)
	switch {
	case !resolved || v == "" && !required:
	case v == "":
		s.bad("%s is missing: %s", name, what)
	case !discord.IsSnowflake(v):
		s.bad("%s is %.40q, which is no id of Discord's, a number: %s", name, v, what)
	}
	return v
}

// key is a key that seals events. A short one is a problem that does not show
// it.
func (s *settings) key(name string, least int, what string) world.Secret {
	v, resolved := s.value(name)
	switch {
	case !resolved:
	case v == "":
		s.bad("%s is missing: %s", name, what)
	case len(v) < least:
		s.bad("%s has %d bytes, at least %d are needed: %s", name, len(v), least, what)
	}
	return world.Secret(v)
}

// load reads the settings. Its error names everything that is wrong with them.
func load(getenv func(string) string) (*config, error) {
	s := &settings{getenv: getenv, set: map[string]bool{}}
	c := &config{Set: s.set}
	c.loadDiscord(s)
	c.loadWorlds(s)
	c.loadAzure(s)
	if v, _ := s.value(setLogLevel); v != "" && c.Level.UnmarshalText([]byte(v)) != nil {
		s.bad("%s is %.40q: write debug, info, warn or error", setLogLevel, v)
	}
	if len(s.problems) > 0 {
		return nil, fmt.Errorf("the settings have %d things to mend:\n%w", len(s.problems), errors.Join(s.problems...))
	}
	return c, nil
}

func (c *config) loadDiscord(s *settings) {
	var err error
	if v, resolved := s.value(setPublicKey); resolved {
		c.Verifier, err = discord.NewVerifier(v)
		s.check(err)
	}
	if v, _ := s.value(setProbeKey); v != "" {
		c.Probe, err = discord.NewProbeVerifier(v)
		s.check(err)
	}
	const copyID = "switch on developer mode in Discord, then copy the id"
	c.Guild = world.Guild{
		ID:            s.snowflake(setGuild, true, copyID+" of the server"),
		Channel:       s.snowflake(setChannel, true, copyID+" of the channel that Hearth lives in"),
		KeeperRole:    s.snowflake(setKeeperRole, false, copyID+" of the keepers' role, or remove it"),
		KeeperChannel: s.snowflake(setKeeperChannel, false, copyID+" of the keepers' channel, or remove it"),
	}
	application, resolved1 := s.value(setApplication)
	url, resolved2 := s.value(setDiscordURL)
	c.Discord = discord.ClientOptions{Application: application, URL: url, Version: versionText()}
	if resolved1 && resolved2 {
		s.check(c.Discord.CheckAddress())
	}
	// Without a usable token the bot starts all the same: Discord drops the
	// address of an endpoint that does not answer its PINGs.
	token := world.Secret(s.getenv(setToken))
	if c.NoToken = errors.Join(checkResolved(setToken, token.Reveal()), discord.CheckToken(token)); c.NoToken == nil {
		c.Token, s.set[setToken] = token, true
	} else {
		s.set[setToken] = false
	}
	c.Discord.Token = c.Token
}

func (c *config) loadWorlds(s *settings) {
	const random = "set it to a long random text"
	c.BotKey = s.key(setBotKey, minBotKey, random+", such as that of `openssl rand -base64 48`")
	c.Agents = map[string]world.Secret{}
	text, resolved := s.value(setWorlds)
	if !resolved {
		return
	}
	var err error
	c.Worlds, err = world.ParseWorlds(text)
	s.check(err)
	owner := map[string]string{}
	for _, w := range c.Worlds {
		c.Agents[w.ID] = s.key(world.AgentKeySetting(w.ID), world.MinKeyBytes, "set it to the key that world "+w.ID+"'s agent has")
		if other, taken := owner[c.Agents[w.ID].Reveal()]; taken && c.Agents[w.ID] != "" {
			s.bad("%s and %s are the same: give each world a key of its own, or one's machine could speak for the other", world.AgentKeySetting(other), world.AgentKeySetting(w.ID))
		}
		owner[c.Agents[w.ID].Reveal()] = w.ID
		if c.BotKey != "" && c.Agents[w.ID] == c.BotKey {
			s.bad("%s and %s are the same: give the bot a key of its own, or a machine could speak for it", setBotKey, world.AgentKeySetting(w.ID))
		}
	}
}

func (c *config) loadAzure(s *settings) {
	var err error
	c.Storage, err = account.FromEnvironment(s.getenv)
	s.check(err)
	c.Storage.Credential = s.identity(c.Storage.ClientID)
	s.set[setStorage], s.set[setAccount] = c.Storage.ConnectionString != "", c.Storage.Account != ""
	c.Compute = compute.Options{
		Clock: clock.System{},
		Names: compute.Names{Subscription: setSubscription, ResourceGroup: setResourceGroup, URL: setARM, ClientID: setClient},
	}
	resolved := true
	for name, to := range map[string]*string{
		setSubscription: &c.Compute.Subscription, setResourceGroup: &c.Compute.ResourceGroup, setARM: &c.Compute.URL, setClient: &c.Compute.ClientID,
	} {
		v, ok := s.value(name)
		*to, resolved = v, resolved && ok
	}
	c.Compute.Credential = s.identity(c.Compute.ClientID)
	if resolved {
		_, err = compute.New(c.Compute)
		s.check(err)
	}
}

// identity is the app's, as the platform hands it over. What is missing of it is
// told when a token is needed: a deployment may go without.
func (s *settings) identity(clientID string) *identity.Credential {
	return identity.New(identity.Options{
		Endpoint: s.getenv(identity.EndpointVariable), Header: world.Secret(s.getenv(identity.HeaderVariable)),
		ClientID: clientID, Clock: clock.System{},
	})
}

// keyOf is what seals an event: of a world's agent, or of the bot for
// world.BotKey.
func (c *config) keyOf(worldID string) []byte {
	if worldID == world.BotKey {
		return []byte(c.BotKey.Reveal())
	}
	return []byte(c.Agents[worldID].Reveal()) // empty for a world that is not there: nothing fits
}
