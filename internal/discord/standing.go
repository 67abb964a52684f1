package discord

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/disgoorg/disgo/rest"
)

// CodeUnknownChannel and CodeUnknownMember: there is no such channel, or member
// of the guild. CodeForm: what was sent is not taken, for what it says.
const (
	CodeUnknownChannel = int(rest.JSONErrorCodeUnknownChannel)
	CodeUnknownMember  = int(rest.JSONErrorCodeUnknownMember)
	CodeForm           = int(rest.JSONErrorCodeInvalidFormBody)
)

// Application is what Discord knows of the token's own application.
type Application struct {
	ID        string `json:"id"`
	Name      string `json:"name"`
	VerifyKey string `json:"verify_key"` // signs interactions, in hex
	// InteractionsURL is where they go; empty: nowhere, by HTTP.
	InteractionsURL string `json:"interactions_endpoint_url"`
}

// User is a user, people and bots alike.
type User struct {
	ID   string `json:"id"`
	Name string `json:"username"`
}

// GuildInfo is a guild that the bot is in.
type GuildInfo struct {
	ID      string `json:"id"`
	Name    string `json:"name"`
	OwnerID string `json:"owner_id"`
	Roles   []Role `json:"roles"`
}

// Role is a role of a guild; the one that everybody has bears the guild's id.
type Role struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	Permissions Bits   `json:"permissions"`
	Managed     bool   `json:"managed"` // it came with a bot, or the like
}

// Member is a user in a guild.
type Member struct {
	User  User     `json:"user"`
	Roles []string `json:"roles"` // ids
}

// ChannelInfo is a channel of a guild.
type ChannelInfo struct {
	ID         string      `json:"id"`
	GuildID    string      `json:"guild_id"` // empty: it is of no guild
	Name       string      `json:"name"`
	Type       int         `json:"type"`
	Overwrites []Overwrite `json:"permission_overwrites"`
}

// TextChannel is the type of the channels that people write in.
const TextChannel = 0

// Overwrite changes a role's or member's permissions in a channel.
type Overwrite struct {
	ID    string `json:"id"`
	Allow Bits   `json:"allow"`
	Deny  Bits   `json:"deny"`
}

// Bits are permissions, which Discord writes as a decimal text.
type Bits uint64

// UnmarshalText implements encoding.TextUnmarshaler.
func (b *Bits) UnmarshalText(text []byte) error {
	n, err := strconv.ParseUint(string(text), 10, 64)
	if err != nil {
		return errors.New("permissions are no number")
	}
	*b = Bits(n)
	return nil
}

// Me is the bot's user.
func (c *Client) Me(ctx context.Context) (User, error) {
	var u User
	err := c.read(ctx, rest.GetCurrentUser, &u)
	return u, err
}

// Application is that of the bot's token.
func (c *Client) Application(ctx context.Context) (Application, error) {
	var a Application
	err := c.read(ctx, rest.GetCurrentApplication, &a)
	return a, err
}

// SetInteractionsURL gives Discord the application's address for interactions. It
// asks there at once, and refuses with CodeForm what does not answer rightly and
// within three seconds.
func (c *Client) SetInteractionsURL(ctx context.Context, address string) error {
	body := struct {
		URL string `json:"interactions_endpoint_url"`
	}{address}
	if err := c.do(ctx, rest.UpdateCurrentApplication.Compile(nil), body, nil, callOptions{}); err != nil {
		return fmt.Errorf("set interactions url: %w", err)
	}
	return nil
}

// Guilds lists those that the bot is in, 200 at most, without owner and roles.
func (c *Client) Guilds(ctx context.Context) ([]GuildInfo, error) {
	var all []GuildInfo
	err := c.read(ctx, rest.GetCurrentUserGuilds, &all)
	return all, err
}

// Channels lists those of a guild, also those that the bot does not see.
func (c *Client) Channels(ctx context.Context, guild string) ([]ChannelInfo, error) {
	var all []ChannelInfo
	err := c.read(ctx, rest.GetGuildChannels, &all, guild)
	return all, err
}

// GuildInfo reads a guild that the bot is in.
func (c *Client) GuildInfo(ctx context.Context, guild string) (GuildInfo, error) {
	var g GuildInfo
	err := c.read(ctx, rest.GetGuild, &g, guild)
	return g, err
}

// Member reads a member of a guild.
func (c *Client) Member(ctx context.Context, guild, user string) (Member, error) {
	var m Member
	err := c.read(ctx, rest.GetMember, &m, guild, user)
	return m, err
}

// ChannelInfo reads a channel that the bot sees.
func (c *Client) ChannelInfo(ctx context.Context, channel string) (ChannelInfo, error) {
	var ch ChannelInfo
	err := c.read(ctx, rest.GetChannel, &ch, channel)
	return ch, err
}

// read makes a GET whose route has these ids.
func (c *Client) read(ctx context.Context, e *rest.Endpoint, into any, ids ...string) error {
	params := make([]any, len(ids))
	for i, text := range ids {
		id, ok := snowflakeID(text)
		if !ok {
			return fmt.Errorf("%s: %q is not a snowflake", e.Route, text)
		}
		params[i] = id
	}
	return c.do(ctx, e.Compile(nil, params...), nil, into, callOptions{})
}

// administrator is the permission that has all others.
const administrator = 1 << 3

// Permissions are a member's in a channel of the guild, as Discord computes them
// ("Permission Overwrites").
func Permissions(g GuildInfo, m Member, ch ChannelInfo) Bits {
	has := map[string]bool{g.ID: true}
	for _, id := range m.Roles {
		has[id] = true
	}
	var all Bits
	for _, r := range g.Roles {
		if has[r.ID] {
			all |= r.Permissions
		}
	}
	if all&administrator != 0 || m.User.ID == g.OwnerID {
		return ^Bits(0)
	}
	var allow, deny Bits // of the member's roles, together
	for _, o := range ch.Overwrites {
		switch {
		case o.ID == g.ID:
			all = all&^o.Deny | o.Allow
		case has[o.ID]:
			allow, deny = allow|o.Allow, deny|o.Deny
		}
	}
	all = all&^deny | allow
	for _, o := range ch.Overwrites {
		if o.ID == m.User.ID {
			all = all&^o.Deny | o.Allow
		}
	}
	return all
}
