package simdiscord

import (
	"slices"
	"strconv"
	"time"

	"hearth/internal/sim/simdiscord/form"
)

// wireUser is a user as the REST API and interactions write one.
type wireUser struct {
	ID            string  `json:"id"`
	Username      string  `json:"username"`
	GlobalName    *string `json:"global_name"`
	Discriminator string  `json:"discriminator"`
	Avatar        *string `json:"avatar"`
	Bot           bool    `json:"bot,omitempty"`
	PublicFlags   int     `json:"public_flags"`
}

func userJSON(a Author) wireUser {
	return wireUser{ID: a.ID, Username: a.Name, GlobalName: &a.Name, Discriminator: "0", Bot: a.Bot}
}

// wireMember is a member as interactions write one.
type wireMember struct {
	User        wireUser  `json:"user"`
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

func (d *Discord) memberJSON(p Person) wireMember {
	return wireMember{
		User:        userJSON(Author{ID: p.ID, Name: p.Name}),
		Roles:       d.roleIDs(p),
		JoinedAt:    time.UnixMilli(epochMillis).UTC(),
		Permissions: bitset(p.Permissions()),
	}
}

func bitset(bits uint64) string { return strconv.FormatUint(bits, 10) }

// Types of messages.
const (
	messageDefault = 0
	messageReply   = 19
	messageCommand = 20 // the answer to a slash command
)

// wireMessage is a message as the REST API and interactions write one.
type wireMessage struct {
	ID              string           `json:"id"`
	Type            int              `json:"type"`
	ChannelID       string           `json:"channel_id"`
	Author          wireUser         `json:"author"`
	Content         string           `json:"content"`
	Timestamp       time.Time        `json:"timestamp"`
	EditedTimestamp *time.Time       `json:"edited_timestamp"`
	TTS             bool             `json:"tts"`
	MentionEveryone bool             `json:"mention_everyone"`
	Mentions        []wireUser       `json:"mentions"`
	MentionRoles    []string         `json:"mention_roles"`
	Attachments     []string         `json:"attachments"` // always empty
	Embeds          []form.Embed     `json:"embeds"`
	Components      []form.Component `json:"components"`
	Pinned          bool             `json:"pinned"`
	Flags           int              `json:"flags"`
	Nonce           string           `json:"nonce,omitempty"`
	ApplicationID   string           `json:"application_id,omitempty"`
	WebhookID       string           `json:"webhook_id,omitempty"`
	Metadata        *wireMetadata    `json:"interaction_metadata,omitempty"`
}

// wireMetadata says which interaction a message answers.
type wireMetadata struct {
	ID     string            `json:"id"`
	Type   int               `json:"type"`
	User   wireUser          `json:"user"`
	Owners map[string]string `json:"authorizing_integration_owners"`
}

// wire writes a message for the bot. d.mu is held.
func (d *Discord) wire(m *stored) wireMessage {
	w := wireMessage{
		ID:              m.ID,
		Type:            messageDefault,
		ChannelID:       m.ChannelID,
		Author:          userJSON(m.Author),
		Content:         m.Content,
		Timestamp:       m.Timestamp,
		EditedTimestamp: m.Edited,
		MentionEveryone: m.Everyone,
		Mentions:        []wireUser{},
		MentionRoles:    []string{},
		Attachments:     []string{},
		Embeds:          nonNil(m.Embeds),
		Components:      nonNil(m.Components),
		Flags:           m.Flags,
		Nonce:           m.Nonce,
	}
	for _, p := range d.people {
		if slices.Contains(m.Mentions, p.ID) {
			w.Mentions = append(w.Mentions, userJSON(Author{ID: p.ID, Name: p.Name}))
		}
	}
	if m.Via == "" {
		return w
	}
	w.Type = messageReply
	w.ApplicationID, w.WebhookID = d.opts.ApplicationID, d.opts.ApplicationID
	if m.Interaction != nil {
		w.Type = messageCommand
		w.Metadata = &wireMetadata{
			ID:     m.Via,
			Type:   interactionCommand,
			User:   userJSON(Author{ID: m.Interaction.User.ID, Name: m.Interaction.User.Name}),
			Owners: d.owners(),
		}
	}
	return w
}

// owners says that the application is installed in the guild.
func (d *Discord) owners() map[string]string { return map[string]string{"0": d.opts.GuildID} }
