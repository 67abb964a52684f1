package discord

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	disgo "github.com/disgoorg/disgo/discord"
	"github.com/disgoorg/disgo/rest"

	"hearth/internal/world"
)

// Codes of Discord's refusals that a keeper can do something about.
const (
	CodeUnknownGuild    = int(rest.JSONErrorCodeUnknownGuild)
	CodeUnknownCommand  = int(rest.JSONErrorCodeUnknownApplicationCommand)
	CodeOtherApp        = int(rest.JSONErrorCodeNotAuthorizedToPerformThisAction) // the token is another application's
	CodeTooManyCommands = int(rest.JSONErrorCodeMaximumApplicationCommandsReached)
	CodeDailyCreates    = int(rest.JSONErrorCodeMaximumDailyApplicationCommandCreatesReached)
	CodeMissingAccess   = int(rest.JSONErrorCodeMissingAccess)
)

// SlashCommand is the type of commands that are typed. The others hang in the
// menus of users and messages.
const SlashCommand = 1

// GuildCommand is a command that is registered in a guild, or is to be, so far as
// people see it. What Discord adds by itself is not in it; neither are contexts
// and kinds of installation, which it looks at in global commands only.
type GuildCommand struct {
	ID                       string            `json:"id"` // empty: not registered yet
	Type                     int               `json:"type"`
	Name                     string            `json:"name"`
	NameLocalizations        map[string]string `json:"name_localizations"`
	Description              string            `json:"description"`
	DescriptionLocalizations map[string]string `json:"description_localizations"`
	Options                  []CommandOption   `json:"options"`
	DefaultMemberPermissions *string           `json:"default_member_permissions"` // bits in decimal; nil: everybody
	NSFW                     bool              `json:"nsfw"`
}

// CommandOption is what is typed after a command's name.
type CommandOption struct {
	Type                     int               `json:"type"`
	Name                     string            `json:"name"`
	NameLocalizations        map[string]string `json:"name_localizations,omitempty"`
	Description              string            `json:"description"`
	DescriptionLocalizations map[string]string `json:"description_localizations,omitempty"`
	Required                 bool              `json:"required,omitempty"`
	Choices                  []CommandChoice   `json:"choices,omitempty"`
	Options                  []CommandOption   `json:"options,omitempty"`
	ChannelTypes             []int             `json:"channel_types,omitempty"`
	MinValue                 *float64          `json:"min_value,omitempty"`
	MaxValue                 *float64          `json:"max_value,omitempty"`
	MinLength                *int              `json:"min_length,omitempty"`
	MaxLength                *int              `json:"max_length,omitempty"`
	Autocomplete             bool              `json:"autocomplete,omitempty"`
}

// CommandChoice is one of the values that an option offers.
type CommandChoice struct {
	Name              string            `json:"name"`
	NameLocalizations map[string]string `json:"name_localizations,omitempty"`
	Value             any               `json:"value"` // a string or a float64
}

// WantedCommands are Commands in the form that they come back in.
func WantedCommands(worlds []world.Config) ([]GuildCommand, error) {
	text, err := json.Marshal(Commands(worlds))
	if err != nil {
		return nil, fmt.Errorf("write commands: %w", err)
	}
	var wanted []GuildCommand
	if err := json.Unmarshal(text, &wanted); err != nil {
		return nil, fmt.Errorf("read commands: %w", err)
	}
	return wanted, nil
}

// commandBody makes or edits a command. Every field is named, for an edit leaves
// what it does not name.
type commandBody struct {
	Type                     int               `json:"type,omitempty"` // of a new one only
	Name                     string            `json:"name"`
	NameLocalizations        map[string]string `json:"name_localizations"`
	Description              string            `json:"description"`
	DescriptionLocalizations map[string]string `json:"description_localizations"`
	Options                  []CommandOption   `json:"options"`
	DefaultMemberPermissions *string           `json:"default_member_permissions"`
	NSFW                     *bool             `json:"nsfw,omitempty"`
	// As in Commands.
	Contexts         []int `json:"contexts"`
	IntegrationTypes []int `json:"integration_types"`
}

func (c GuildCommand) body() commandBody {
	b := commandBody{
		Name: c.Name, NameLocalizations: c.NameLocalizations,
		Description: c.Description, DescriptionLocalizations: c.DescriptionLocalizations,
		Options: c.Options, DefaultMemberPermissions: c.DefaultMemberPermissions,
		Contexts: []int{0}, IntegrationTypes: []int{0},
	}
	if b.Options == nil {
		b.Options = []CommandOption{}
	}
	return b
}

// ListCommands lists the application's commands in the guild, with all their
// translations.
func (c *Client) ListCommands(ctx context.Context, guild string) ([]GuildCommand, error) {
	id, ok := snowflakeID(guild)
	if !ok {
		return nil, fmt.Errorf("list commands: guild %q is not a snowflake", guild)
	}
	var commands []GuildCommand
	endpoint := rest.GetGuildCommands.Compile(disgo.QueryValues{"with_localizations": true}, c.application, id)
	if err := c.do(ctx, endpoint, nil, &commands, callOptions{}); err != nil {
		return nil, fmt.Errorf("list commands: %w", err)
	}
	return commands, nil
}

// CreateCommand makes a command in the guild, or replaces the one of its name and
// type. Discord allows 200 new ones a day in a guild; a replaced one is not new.
func (c *Client) CreateCommand(ctx context.Context, guild string, command GuildCommand) error {
	id, ok := snowflakeID(guild)
	if !ok {
		return fmt.Errorf("create command: guild %q is not a snowflake", guild)
	}
	body := command.body()
	body.Type = command.Type
	if err := c.do(ctx, rest.CreateGuildCommand.Compile(nil, c.application, id), body, nil, callOptions{}); err != nil {
		return fmt.Errorf("create command /%s: %w", command.Name, err)
	}
	return nil
}

// EditCommand makes is, a command of the guild, what it should be. It is none of
// the 200 new ones of a day.
func (c *Client) EditCommand(ctx context.Context, guild string, is, should GuildCommand) error {
	endpoint, err := c.oneCommand(rest.UpdateGuildCommand, guild, is)
	if err != nil {
		return fmt.Errorf("edit command: %w", err)
	}
	body := should.body()
	if is.NSFW != should.NSFW {
		body.NSFW = &should.NSFW
	}
	if err := c.do(ctx, endpoint, body, nil, callOptions{}); err != nil {
		return fmt.Errorf("edit command /%s: %w", is.Name, err)
	}
	return nil
}

// DeleteCommand takes a command of the guild away. That it is gone already is no
// error.
func (c *Client) DeleteCommand(ctx context.Context, guild string, command GuildCommand) error {
	endpoint, err := c.oneCommand(rest.DeleteGuildCommand, guild, command)
	if err != nil {
		return fmt.Errorf("delete command: %w", err)
	}
	err = c.do(ctx, endpoint, nil, nil, callOptions{})
	if refused, ok := errors.AsType[*Error](err); ok && refused.Code == CodeUnknownCommand {
		return nil
	}
	if err != nil {
		return fmt.Errorf("delete command /%s: %w", command.Name, err)
	}
	return nil
}

func (c *Client) oneCommand(e *rest.Endpoint, guild string, command GuildCommand) (*rest.CompiledEndpoint, error) {
	guildID, ok1 := snowflakeID(guild)
	id, ok2 := snowflakeID(command.ID)
	if !ok1 || !ok2 {
		return nil, fmt.Errorf("%q of guild %q is no command", command.ID, guild)
	}
	return e.Compile(nil, c.application, guildID, id), nil
}
