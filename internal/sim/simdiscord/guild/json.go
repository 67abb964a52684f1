package guild

import (
	"slices"
	"strconv"
	"time"

	"hearth/internal/sim/simdiscord/form"
)

// UserJSON is a user as the REST API and interactions write one.
type UserJSON struct {
	ID            string  `json:"id"`
	Username      string  `json:"username"`
	GlobalName    *string `json:"global_name"`
	Discriminator string  `json:"discriminator"`
	Avatar        *string `json:"avatar"`
	Bot           bool    `json:"bot,omitempty"`
	PublicFlags   int     `json:"public_flags"`
}

// JSON writes the author as a user.
func (a Author) JSON() UserJSON {
	return UserJSON{ID: a.ID, Username: a.Name, GlobalName: &a.Name, Discriminator: "0", Bot: a.Bot}
}

// MemberJSON is a member as interactions write one.
type MemberJSON struct {
	User        UserJSON  `json:"user"`
	Nick        *string   `json:"nick"`
	Avatar      *string   `json:"avatar"`
	Roles       []string  `json:"roles"`
	JoinedAt    time.Time `json:"joined_at"`
	Premium     *string   `json:"premium_since"`
	Deaf        bool      `json:"deaf"`
	Mute        bool      `json:"mute"`
	Pending     bool      `json:"pending"`
	Flags       int       `json:"flags"`
	Permissions string    `json:"permissions"` // bits in decimal
}

// MemberJSON writes a member.
func (g *Guild) MemberJSON(p Person) MemberJSON {
	return MemberJSON{
		User:        Author{ID: p.ID, Name: p.Name}.JSON(),
		Roles:       g.RoleIDs(p),
		JoinedAt:    time.UnixMilli(epochMillis).UTC(),
		Permissions: Bits(p.Permissions()),
	}
}

// Bits writes permissions as Discord does, in decimal.
func Bits(bits uint64) string { return strconv.FormatUint(bits, 10) }

// Types of messages.
const (
	messageDefault = 0
	messageReply   = 19
	messageCommand = 20 // the answer to a slash command
)

// MessageJSON is a message as the REST API and interactions write one.
type MessageJSON struct {
	ID              string           `json:"id"`
	Type            int              `json:"type"`
	ChannelID       string           `json:"channel_id"`
	Author          UserJSON         `json:"author"`
	Content         string           `json:"content"`
	Timestamp       time.Time        `json:"timestamp"`
	EditedTimestamp *time.Time       `json:"edited_timestamp"`
	TTS             bool             `json:"tts"`
	MentionEveryone bool             `json:"mention_everyone"`
	Mentions        []UserJSON       `json:"mentions"`
	MentionRoles    []string         `json:"mention_roles"`
	Attachments     []string         `json:"attachments"` // always empty
	Embeds          []form.Embed     `json:"embeds"`
	Components      []form.Component `json:"components"`
	Pinned          bool             `json:"pinned"`
	Flags           int              `json:"flags"`
	Nonce           string           `json:"nonce,omitempty"`
	ApplicationID   string           `json:"application_id,omitempty"`
	WebhookID       string           `json:"webhook_id,omitempty"`
	Metadata        *metadataJSON    `json:"interaction_metadata,omitempty"`
}

// metadataJSON says which interaction a message answers.
type metadataJSON struct {
	ID     string            `json:"id"`
	Type   int               `json:"type"`
	User   UserJSON          `json:"user"`
	Owners map[string]string `json:"authorizing_integration_owners"`
}

// MessageJSON writes a message for the bot.
func (g *Guild) MessageJSON(m *Stored) MessageJSON {
	w := MessageJSON{
		ID:              m.ID,
		Type:            messageDefault,
		ChannelID:       m.ChannelID,
		Author:          m.Author.JSON(),
		Content:         m.Content,
		Timestamp:       m.Timestamp,
		EditedTimestamp: m.Edited,
		MentionEveryone: m.Everyone,
		Mentions:        []UserJSON{},
		MentionRoles:    []string{},
		Attachments:     []string{},
		Embeds:          nonNil(m.Embeds),
		Components:      nonNil(m.Components),
		Flags:           m.Flags,
		Nonce:           m.Nonce,
	}
	for _, p := range g.opts.People {
		if slices.Contains(m.Mentions, p.ID) {
			w.Mentions = append(w.Mentions, Author{ID: p.ID, Name: p.Name}.JSON())
		}
	}
	if m.Via == "" {
		return w
	}
	w.Type = messageReply
	w.ApplicationID, w.WebhookID = g.opts.ApplicationID, g.opts.ApplicationID
	if m.Interaction != nil {
		w.Type = messageCommand
		w.Metadata = &metadataJSON{
			ID:     m.Via,
			Type:   2, // a command
			User:   Author{ID: m.Interaction.User.ID, Name: m.Interaction.User.Name}.JSON(),
			Owners: g.Owners(),
		}
	}
	return w
}

// Owners says that the application is installed in the guild.
func (g *Guild) Owners() map[string]string { return map[string]string{"0": g.opts.GuildID} }

// overwriteJSON changes a role's or member's bits in a channel.
type overwriteJSON struct {
	ID    string `json:"id"`
	Type  int    `json:"type"` // 0: role, 1: member
	Allow string `json:"allow"`
	Deny  string `json:"deny"`
}

// ChannelJSON writes a channel in which the bot lacks these bits.
func (g *Guild) ChannelJSON(ch Channel, taken uint64) map[string]any {
	overwrites := []overwriteJSON{}
	if taken != 0 {
		overwrites = append(overwrites, overwriteJSON{ID: g.opts.ApplicationID, Type: 1, Allow: "0", Deny: Bits(taken)})
	}
	return map[string]any{
		"id": ch.ID, "type": 0, "guild_id": g.opts.GuildID, "name": ch.Name, "position": 0,
		"permission_overwrites": overwrites, "nsfw": false, "topic": nil, "parent_id": nil,
	}
}

// CategoryJSON writes the heading that the channels stand under.
func (g *Guild) CategoryJSON() map[string]any {
	return map[string]any{
		"id": categoryID, "type": 4, "guild_id": g.opts.GuildID, "name": "Text Channels", "position": 0, "permission_overwrites": []overwriteJSON{}, "flags": 0,
	}
}

// categoryID is the id of the heading. No other id of the guild is 2.
const categoryID = "2"

// botRoleID is the role that came with the bot. No other id of the guild is 1.
const botRoleID = "1"

// RolesJSON are @everyone, whose id is the guild's, the keeper role, and the one
// that came with the bot.
func (g *Guild) RolesJSON() []map[string]any {
	role := func(id, name string, position int, bits uint64, managed bool) map[string]any {
		return map[string]any{
			"id": id, "name": name, "position": position, "permissions": Bits(bits), "color": 0,
			"hoist": false, "managed": managed, "mentionable": false, "flags": 0,
		}
	}
	return []map[string]any{
		role(g.opts.GuildID, "@everyone", 0, memberPermissions, false),
		role(g.opts.KeeperRoleID, "Keeper", 1, keeperPermissions, false),
		role(botRoleID, g.opts.BotName, 2, BotPermissions, true),
	}
}

// AnyMemberJSON writes a member as the REST API does, people or the bot, by id.
func (g *Guild) AnyMemberJSON(id string) (map[string]any, bool) {
	author, roles := Author{ID: g.opts.ApplicationID, Name: g.opts.BotName, Bot: true}, []string{botRoleID}
	if id != g.opts.ApplicationID {
		p, ok := g.Member(id)
		if !ok {
			return nil, false
		}
		author, roles = Author{ID: p.ID, Name: p.Name}, g.RoleIDs(p)
	}
	return map[string]any{
		"user": author.JSON(), "roles": roles, "nick": nil, "avatar": nil, "banner": nil, "joined_at": time.UnixMilli(epochMillis).UTC(),
		"premium_since": nil, "communication_disabled_until": nil, "deaf": false, "mute": false, "pending": false, "flags": 0,
	}, true
}
