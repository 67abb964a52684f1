package simdiscord

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"hearth/internal/sim/simdiscord/endpoint"
	"hearth/internal/sim/simdiscord/form"
	"hearth/internal/sim/simdiscord/guild"
)

// RequestKind is what a person does.
type RequestKind string

// Kinds of requests.
const (
	KindCommand RequestKind = "command"
	KindButton  RequestKind = "button"
)

// Request is a person's use of a command or button, in the page's JSON form.
type Request struct {
	Nonce   string      `json:"nonce"` // comes back in Progress
	User    string      `json:"user"`  // id
	Channel string      `json:"channel"`
	Kind    RequestKind `json:"kind"`
	// Command and Options are for KindCommand.
	Command string        `json:"command"`
	Options []OptionValue `json:"options"`
	// Message and CustomID are for KindButton.
	Message  string `json:"message"`
	CustomID string `json:"custom_id"`
}

// OptionValue is what was chosen for an option: a string, a boolean or a
// number, as the option's type asks for.
type OptionValue struct {
	Name  string `json:"name"`
	Value any    `json:"value"`
}

// Outcome is how an interaction ended for the person who began it.
type Outcome struct {
	ID    string
	State State  // StateDone or StateFailed
	Text  string // failed: as Discord shows it
	Type  int    // done: the type of the answer, 4 to 7
	// Message is what the answer made or changed; nil for type 6.
	Message *Message
}

// Types of interactions.
const (
	interactionPing    = 1
	interactionCommand = 2
	interactionButton  = 3
)

// Interact signs an interaction, delivers it and applies the answer. What no
// client could send (an unknown user or command, a button that is not there
// or disabled, a command that the person may not see) is an error that wraps
// ErrRequest; an endpoint that does not answer well is an Outcome.
func (d *Discord) Interact(ctx context.Context, r Request) (Outcome, error) {
	ir, body, err := d.begin(r)
	if err != nil {
		return Outcome{}, err
	}
	return d.finish(ctx, ir, body), nil
}

// Begin begins an interaction as Interact does and returns; how it ends is
// told to subscribers. Close cuts it off and waits for it.
func (d *Discord) Begin(ctx context.Context, r Request) error {
	ir, body, err := d.begin(r)
	if err != nil {
		return err
	}
	if !d.background(func() { d.finish(ctx, ir, body) }) {
		d.settle(ir, form.Answer{}, endpoint.ErrClosed)
	}
	return nil
}

// background runs f unless Close was called, and lets Close wait for it.
func (d *Discord) background(f func()) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return false
	}
	d.running.Go(f)
	return true
}

// RequestError is an ErrRequest that says in a sentence for the person what
// no client could send.
type RequestError struct{ Text string }

// Error implements error.
func (e *RequestError) Error() string { return ErrRequest.Error() + ": " + e.Text }

// Unwrap makes it an ErrRequest.
func (e *RequestError) Unwrap() error { return ErrRequest }

func impossible(format string, args ...any) error {
	return &RequestError{fmt.Sprintf(format, args...)}
}

// begin checks a request, registers its interaction and shows it as thinking.
func (d *Discord) begin(r Request) (*interaction, []byte, error) {
	d.mu.Lock()
	defer d.leave()
	d.sweep()
	person, ok := d.guild.Member(r.User)
	if !ok {
		return nil, nil, impossible("user %q is not in the guild", r.User)
	}
	if _, ok := d.guild.Channel(r.Channel); !ok {
		return nil, nil, impossible("channel %q is not in the guild", r.Channel)
	}
	w := d.frame(person, r.Channel)
	ir := &interaction{ID: w.ID, Token: w.Token, Made: d.opts.Clock.Now(), User: r.User, Channel: r.Channel, Nonce: r.Nonce, Stage: stagePending}
	var err error
	switch r.Kind {
	case KindCommand:
		ir.Command = r.Command
		w.Type = interactionCommand
		w.Data, err = d.commandData(person, r)
	case KindButton:
		ir.Button = r.Message
		w.Type = interactionButton
		w.Data, w.Message, err = d.buttonData(person, r)
	default:
		err = impossible("kind %q is neither %q nor %q", r.Kind, KindCommand, KindButton)
	}
	if err != nil {
		return nil, nil, err
	}
	body, err := json.Marshal(w)
	if err != nil {
		return nil, nil, fmt.Errorf("encode interaction %s: %w", ir.ID, err)
	}
	d.interactions[ir.ID] = ir
	d.stats.Interactions++
	every := d.opts.BadSignatureEvery
	ir.probe = every > 0 && d.stats.Interactions%every == 0
	d.progress(ir, StateThinking, "")
	return ir, body, nil
}

// finish delivers a registered interaction and settles it.
func (d *Discord) finish(ctx context.Context, ir *interaction, body []byte) (out Outcome) {
	d.endpoint.Ask(ctx, body, func(a form.Answer, err error) { out = d.settle(ir, a, err) })
	if ir.probe {
		d.endpoint.Probe(ctx, body)
	}
	return out
}

// Sign makes the headers of a request to the endpoint: the body, signed as at
// that time.
func (d *Discord) Sign(at time.Time, body []byte) http.Header { return d.endpoint.Sign(at, body) }

// EndpointDisabled says why Discord removed the endpoint's address, or is
// empty while it is in use. Only ValidateEndpoint and Reset bring it back.
func (d *Discord) EndpointDisabled() string { return d.endpoint.Disabled() }

// ValidateEndpoint does what saving the endpoint's address in the developer
// portal does: a PING that must be answered 200 {"type":1} as JSON, and one
// with a bad signature that must be answered 401. If both are right, the
// endpoint is in use (again). Errors wrap ErrEndpoint or say why no answer
// came.
func (d *Discord) ValidateEndpoint(ctx context.Context) error { return d.validate(ctx, nil) }

// validate is ValidateEndpoint of another address, to which this is the way; nil:
// the present one.
func (d *Discord) validate(ctx context.Context, deliver Deliver) error {
	d.mu.Lock()
	id := d.guild.NewID()
	user := guild.Author{ID: d.guild.People()[0].ID, Name: d.guild.People()[0].Name}.JSON()
	ping := wireInteraction{
		ID: id, ApplicationID: d.opts.ApplicationID, Type: interactionPing, Token: d.newToken(id), Version: 1,
		User: &user, AppPermissions: guild.Bits(guild.BotPermissions), Entitlements: []string{}, Owners: map[string]string{},
	}
	d.mu.Unlock()
	body, err := json.Marshal(ping)
	if err != nil {
		return fmt.Errorf("encode ping: %w", err)
	}
	if deliver != nil {
		return d.endpoint.Move(ctx, deliver, body)
	}
	return d.endpoint.Validate(ctx, body)
}

// progress shows the person how far their interaction is. d.mu is held.
func (d *Discord) progress(ir *interaction, s State, text string) {
	d.guild.Tell(guild.Event{Kind: guild.EventInteraction, Interaction: &guild.Progress{
		ID: ir.ID, Nonce: ir.Nonce, State: s, User: ir.User, Text: text,
	}})
}

// wireInteraction is an interaction as it is delivered.
type wireInteraction struct {
	ID             string             `json:"id"`
	ApplicationID  string             `json:"application_id"`
	Type           int                `json:"type"`
	Token          string             `json:"token"`
	Version        int                `json:"version"`
	Data           any                `json:"data,omitempty"`
	GuildID        string             `json:"guild_id,omitempty"`
	Guild          map[string]any     `json:"guild,omitempty"`
	ChannelID      string             `json:"channel_id,omitempty"`
	Channel        map[string]any     `json:"channel,omitempty"`
	Member         *guild.MemberJSON  `json:"member,omitempty"`
	User           *guild.UserJSON    `json:"user,omitempty"`
	Message        *guild.MessageJSON `json:"message,omitempty"`
	Locale         string             `json:"locale,omitempty"`
	GuildLocale    string             `json:"guild_locale,omitempty"`
	AppPermissions string             `json:"app_permissions"`
	Context        *int               `json:"context,omitempty"`
	Entitlements   []string           `json:"entitlements"` // always empty
	Owners         map[string]string  `json:"authorizing_integration_owners"`
	AttachmentSize int                `json:"attachment_size_limit"`
}

// frame is an interaction without its type and data. d.mu is held.
func (d *Discord) frame(p Person, channel string) wireInteraction {
	id := d.guild.NewID()
	inGuild := 0
	member := d.guild.MemberJSON(p)
	ch, _ := d.guild.Channel(channel)
	return wireInteraction{
		ID:             id,
		ApplicationID:  d.opts.ApplicationID,
		Token:          d.newToken(id),
		Version:        1,
		GuildID:        d.opts.GuildID,
		Guild:          map[string]any{"id": d.opts.GuildID, "locale": "en-US", "features": []string{}},
		ChannelID:      channel,
		Channel:        d.guild.ChannelJSON(ch, d.taken(ch.ID)),
		Member:         &member,
		Locale:         "en-US",
		GuildLocale:    "en-US",
		AppPermissions: guild.Bits(d.botPermissions(ch.ID)),
		Context:        &inGuild,
		Entitlements:   []string{},
		Owners:         d.guild.Owners(),
		AttachmentSize: 10 << 20,
	}
}

// wireCommandData is the data of a slash command.
type wireCommandData struct {
	ID      string       `json:"id"`
	Name    string       `json:"name"`
	Type    int          `json:"type"`
	GuildID string       `json:"guild_id"`
	Options []wireOption `json:"options,omitempty"`
}

type wireOption struct {
	Name  string `json:"name"`
	Type  int    `json:"type"`
	Value any    `json:"value"`
}

// commandData checks that p's client offers the command and its options. d.mu
// is held.
func (d *Discord) commandData(p Person, r Request) (any, error) {
	commands := d.guild.Commands()
	i := slices.IndexFunc(commands, func(c form.Command) bool { return c.Name == r.Command })
	if i < 0 {
		return nil, impossible("command %q is not registered: PUT it first", r.Command)
	}
	c := commands[i]
	if c.DefaultMemberPermissions != nil {
		bits, err := strconv.ParseUint(*c.DefaultMemberPermissions, 10, 64)
		if err != nil || bits == 0 {
			bits = guild.PermAdministrator // "0" is for administrators only
		}
		if !p.May(bits) {
			return nil, impossible("command %q is not offered to %s: its default_member_permissions are %s", c.Name, p.Name, *c.DefaultMemberPermissions)
		}
	}
	data := wireCommandData{ID: c.ID, Name: c.Name, Type: c.Type, GuildID: d.opts.GuildID}
	given := map[string]bool{}
	for _, o := range r.Options {
		j := slices.IndexFunc(c.Options, func(def form.CommandOption) bool { return def.Name == o.Name })
		if j < 0 || given[o.Name] {
			return nil, impossible("command %q has no option %q, or it was given twice", c.Name, o.Name)
		}
		given[o.Name] = true
		value, err := c.Options[j].Value(o.Value)
		if err != nil {
			return nil, impossible("%v", err)
		}
		data.Options = append(data.Options, wireOption{o.Name, c.Options[j].Type, value})
	}
	for _, def := range c.Options {
		if def.Required && !given[def.Name] {
			return nil, impossible("command %q needs its option %q", c.Name, def.Name)
		}
	}
	return data, nil
}

// wireButtonData is the data of a button.
type wireButtonData struct {
	ID            int    `json:"id"`
	CustomID      string `json:"custom_id"`
	ComponentType int    `json:"component_type"`
}

// buttonData checks that p sees the button and can press it. d.mu is held.
func (d *Discord) buttonData(p Person, r Request) (any, *guild.MessageJSON, error) {
	m := d.guild.Find(r.Message)
	if m == nil || m.ChannelID != r.Channel || m.EphemeralTo != nil && *m.EphemeralTo != p.ID {
		return nil, nil, impossible("message %q is not there for %s", r.Message, p.Name)
	}
	for _, b := range m.Buttons() {
		if b.CustomID != r.CustomID || b.CustomID == "" {
			continue
		}
		if b.Disabled {
			return nil, nil, impossible("button %q is disabled", r.CustomID)
		}
		w := d.guild.MessageJSON(m)
		return wireButtonData{b.ID, b.CustomID, form.Button}, &w, nil
	}
	return nil, nil, impossible("message %q has no button %q", r.Message, r.CustomID)
}

// Say posts a person's own message. User and channel are ids, content is 1 to
// 2000 characters; anything else is an error that wraps ErrRequest.
func (d *Discord) Say(user, channel, content string) (Message, error) {
	d.mu.Lock()
	defer d.leave()
	p, ok := d.guild.Member(user)
	if !ok {
		return Message{}, impossible("user %q is not in the guild", user)
	}
	if _, ok := d.guild.Channel(channel); !ok {
		return Message{}, impossible("channel %q is not in the guild", channel)
	}
	if n := len([]rune(content)); n > form.MaxContent {
		return Message{}, impossible("the message has %d characters: at most %d", n, form.MaxContent)
	}
	m := d.guild.Blank(channel)
	m.Author = guild.Author{ID: p.ID, Name: p.Name}
	if !m.Put(form.Draft{Content: &content}) {
		return Message{}, impossible("the message is empty: write something")
	}
	d.guild.Notify(m, nil, guild.Anybody(), p.May(guild.PermMentionEveryone))
	d.guild.Add(m)
	return m.Message, nil
}
