package simdiscord

import (
	"slices"
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

// stored is a message and what only Discord itself knows of it.
type stored struct {
	Message
	Nonce    string `json:"nonce,omitempty"`
	Via      string `json:"via,omitempty"` // id of the interaction that made it
	Everyone bool   `json:"everyone,omitempty"`
}

// Messages lists all messages that are kept, oldest first, ephemeral ones
// too.
func (d *Discord) Messages() []Message {
	d.mu.Lock()
	defer d.leave()
	d.sweep()
	return d.views()
}

// views copies the messages. d.mu is held.
func (d *Discord) views() []Message {
	ms := make([]Message, len(d.messages))
	for i, m := range d.messages {
		ms[i] = m.Message
	}
	return ms
}

// find looks a message up. d.mu is held.
func (d *Discord) find(id string) *stored {
	// Ids rise, and so does the list; but an import may bring any order.
	i := slices.IndexFunc(d.messages, func(m *stored) bool { return m.ID == id })
	if i < 0 {
		return nil
	}
	return d.messages[i]
}

// add appends a new message and tells of it. d.mu is held.
func (d *Discord) add(m *stored) {
	d.messages = append(d.messages, m)
	if over := len(d.messages) - MaxMessages; over > 0 {
		d.messages = slices.Delete(d.messages, 0, over)
	}
	view := m.Message
	d.feed.send(Event{Kind: EventMessage, Message: &view})
}

// changed tells of an edit. d.mu is held.
func (d *Discord) changed(m *stored) {
	view := m.Message
	d.feed.send(Event{Kind: EventMessageUpdate, Message: &view})
}

// remove deletes a message and tells of it. d.mu is held.
func (d *Discord) remove(id string) {
	d.messages = slices.DeleteFunc(d.messages, func(m *stored) bool { return m.ID == id })
	d.feed.send(Event{Kind: EventMessageDelete, Deleted: id})
}

// blank is a message of the bot that only has its frame yet. d.mu is held.
func (d *Discord) blank(channel string) *stored {
	return &stored{Message: Message{
		ID:         d.newID(),
		ChannelID:  channel,
		Author:     Author{ID: d.opts.ApplicationID, Name: d.opts.BotName, Bot: true},
		Timestamp:  d.now(),
		Embeds:     []form.Embed{},
		Components: []form.Component{},
		Mentions:   []string{},
	}}
}
