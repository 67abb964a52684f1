package guild

import (
	"slices"
	"strings"
	"time"

	"hearth/internal/sim/simdiscord/form"
)

// Message is a message as the page gets it. A Message that was handed out is
// never changed: an edit makes a new one.
type Message struct {
	ID        string       `json:"id"`
	ChannelID string       `json:"channel_id"`
	Author    Author       `json:"author"`
	Timestamp time.Time    `json:"timestamp"`
	Edited    *time.Time   `json:"edited"`
	Content   string       `json:"content"`
	Embeds    []form.Embed `json:"embeds"`
	// Components are action rows of buttons.
	Components []form.Component `json:"components"`
	Flags      int              `json:"flags"`
	// EphemeralTo is the only user who sees the message, or nil.
	EphemeralTo *string `json:"ephemeral_to"`
	// Interaction is the command that the message answers, or nil.
	Interaction *Invocation `json:"interaction"`
	// Thinking: deferred, no content yet.
	Thinking bool `json:"thinking"`
	// Mentions are the ids of the users who were really notified.
	Mentions []string `json:"mentions"`
}

// Author is who wrote a message.
type Author struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Bot  bool   `json:"bot"`
}

// Invocation is the line "Ana used /start" above a message.
type Invocation struct {
	User Named  `json:"user"`
	Name string `json:"name"`
}

// Message flags.
const (
	FlagEphemeral = form.Ephemeral
	FlagLoading   = 1 << 7 // Thinking
)

// Buttons lists the message's buttons, row by row.
func (m Message) Buttons() []form.Component {
	var bs []form.Component
	for _, row := range m.Components {
		bs = append(bs, row.Components...)
	}
	return bs
}

// Stored is a message and what only Discord itself knows of it.
type Stored struct {
	Message
	Nonce    string `json:"nonce,omitempty"`
	Via      string `json:"via,omitempty"` // id of the interaction that made it
	Everyone bool   `json:"everyone,omitempty"`
}

// Put carries a draft into the message. An empty message is not ok and leaves
// it as it was.
func (m *Message) Put(in form.Draft) (ok bool) {
	next := *m
	if in.Content != nil {
		next.Content = *in.Content
	}
	if in.Embeds != nil {
		next.Embeds = *in.Embeds
	}
	if in.Components != nil {
		next.Components = *in.Components
	}
	if in.Flags != nil {
		const settable = form.SuppressEmbeds | form.SuppressNotifications
		next.Flags = next.Flags&^settable | *in.Flags&settable
	}
	if strings.TrimSpace(next.Content) == "" && len(next.Embeds) == 0 {
		return false
	}
	*m = next
	return true
}

// MaxMessages is how many messages are kept; the oldest are forgotten first.
const MaxMessages = 500

// Messages copies all messages that are kept, oldest first, ephemeral ones
// too.
func (g *Guild) Messages() []Message {
	ms := make([]Message, len(g.messages))
	for i, m := range g.messages {
		ms[i] = m.Message
	}
	return ms
}

// All are the messages themselves, oldest first.
func (g *Guild) All() []*Stored { return g.messages }

// Find looks a message up; nil if it is not there.
func (g *Guild) Find(id string) *Stored {
	// Ids rise, and so does the list; but an import may bring any order.
	i := slices.IndexFunc(g.messages, func(m *Stored) bool { return m.ID == id })
	if i < 0 {
		return nil
	}
	return g.messages[i]
}

// Add appends a new message and tells of it.
func (g *Guild) Add(m *Stored) {
	g.messages = append(g.messages, m)
	if over := len(g.messages) - MaxMessages; over > 0 {
		g.messages = slices.Delete(g.messages, 0, over)
	}
	view := m.Message
	g.feed.send(Event{Kind: EventMessage, Message: &view})
}

// Changed tells of an edit.
func (g *Guild) Changed(m *Stored) {
	view := m.Message
	g.feed.send(Event{Kind: EventMessageUpdate, Message: &view})
}

// Remove deletes a message and tells of it.
func (g *Guild) Remove(id string) {
	g.messages = slices.DeleteFunc(g.messages, func(m *Stored) bool { return m.ID == id })
	g.feed.send(Event{Kind: EventMessageDelete, Deleted: id})
}

// Blank is a message of the bot that only has its frame yet.
func (g *Guild) Blank(channel string) *Stored {
	return &Stored{Message: Message{
		ID:         g.NewID(),
		ChannelID:  channel,
		Author:     Author{ID: g.opts.ApplicationID, Name: g.opts.BotName, Bot: true},
		Timestamp:  g.Now(),
		Embeds:     []form.Embed{},
		Components: []form.Component{},
		Mentions:   []string{},
	}}
}
