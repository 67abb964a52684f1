package discord

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"
	"unicode/utf8"

	disgo "github.com/disgoorg/disgo/discord"

	"hearth/internal/world"
)

// Errors of ParseInteraction.
var (
	// ErrMalformed: not an interaction that Discord would send.
	ErrMalformed = errors.New("malformed interaction")
	// ErrUnknownCommand: an interaction of a kind, command or button that
	// this version does not have, such as a button from long ago.
	ErrUnknownCommand = errors.New("unknown command")
)

// Kind is what sort of interaction it is.
type Kind int

// The kinds Hearth knows. The zero Kind is none of them.
const (
	Ping    Kind = iota + 1 // Discord asks whether the endpoint lives
	Command                 // a slash command
	Button                  // a button under one of our messages
)

// Interaction is what somebody asked, in Discord's words. Nothing in it is
// decided yet.
type Interaction struct {
	ID          string // snowflake; the id of the command's event
	Application string // snowflake
	Token       world.Token
	Kind        Kind
	Guild       string       // snowflake; empty in direct messages
	Channel     string       // snowflake
	By          world.Person // Name: nick, else global name, else user name; at most 64 characters, hostile
	Roles       []string     // snowflakes; without @everyone
	Permissions uint64       // By's in Channel, as Discord's bit set
	Command     world.CommandName
	World       string    // as asked for: may be empty, may not exist
	Operation   string    // the one the button was made for
	Lines       int       // of the log, for world.CmdLog; 0 if none were asked for
	Created     time.Time // by Discord's clock, out of the ID
	// OnEphemeral: the button stands under a message that only By sees.
	OnEphemeral bool
}

// wire forms; only what is used.
type (
	wireInteraction struct {
		ID            string      `json:"id"`
		ApplicationID string      `json:"application_id"`
		Type          int         `json:"type"`
		Token         string      `json:"token"`
		GuildID       string      `json:"guild_id"`
		ChannelID     string      `json:"channel_id"`
		Member        *wireMember `json:"member"`
		User          *wireUser   `json:"user"`
		Data          wireData    `json:"data"`
		Message       struct {
			Flags uint64 `json:"flags"`
		} `json:"message"`
	}
	wireMember struct {
		User        wireUser `json:"user"`
		Nick        string   `json:"nick"`
		Roles       []string `json:"roles"`
		Permissions string   `json:"permissions"`
	}
	wireUser struct {
		ID         string `json:"id"`
		Username   string `json:"username"`
		GlobalName string `json:"global_name"`
	}
	wireData struct {
		Type          int          `json:"type"`
		Name          string       `json:"name"`
		Options       []wireOption `json:"options"`
		CustomID      string       `json:"custom_id"`
		ComponentType int          `json:"component_type"`
	}
	wireOption struct {
		Name  string          `json:"name"`
		Value json.RawMessage `json:"value"`
	}
)

const (
	optionWorld  = "world"
	optionLines  = "lines"
	maxTokenLen  = 1024 // real ones have about 230; the row keeps it
	maxNameRunes = 64   // Discord's own limit is 32; the row keeps it
	maxOptionLen = 100
)

// ParseInteraction reads the body of a verified interaction. ErrMalformed for
// what Discord would not send, ErrUnknownCommand for what it may send and
// this version does not know; the Interaction that comes with
// ErrUnknownCommand is filled in as far as it was understood.
func ParseInteraction(body []byte) (Interaction, error) {
	var w wireInteraction
	if len(body) > MaxBodyBytes {
		return malformed("more than %d bytes", MaxBodyBytes)
	}
	if err := json.Unmarshal(body, &w); err != nil {
		// The decoder's words may quote the body, which holds a token.
		return malformed("not the JSON of one")
	}
	if w.Type == int(disgo.InteractionTypePing) {
		return Interaction{ID: w.ID, Application: w.ApplicationID, Kind: Ping}, nil
	}
	i, err := w.common()
	if err != nil {
		return Interaction{}, err
	}
	switch disgo.InteractionType(w.Type) {
	case disgo.InteractionTypeApplicationCommand:
		i.Kind = Command
		return i.slash(w.Data)
	case disgo.InteractionTypeComponent:
		i.Kind = Button
		i.OnEphemeral = w.Message.Flags&uint64(disgo.MessageFlagEphemeral) != 0
		return i.button(w.Data)
	default:
		return i, fmt.Errorf("parse interaction: %w: type %d", ErrUnknownCommand, w.Type)
	}
}

func malformed(format string, args ...any) (Interaction, error) {
	return Interaction{}, fmt.Errorf("parse interaction: %w: %s", ErrMalformed, fmt.Sprintf(format, args...))
}

// common reads what commands and buttons share.
func (w *wireInteraction) common() (Interaction, error) {
	id, ok := snowflakeNumber(w.ID)
	if !ok {
		return malformed("id is not a snowflake")
	}
	if _, ok := snowflakeNumber(w.ApplicationID); !ok {
		return malformed("application_id is not a snowflake")
	}
	if w.Token == "" || len(w.Token) > maxTokenLen {
		return malformed("token has %d bytes", len(w.Token))
	}
	if _, ok := snowflakeNumber(w.GuildID); !ok && w.GuildID != "" {
		return malformed("guild_id is not a snowflake")
	}
	if _, ok := snowflakeNumber(w.ChannelID); !ok && w.ChannelID != "" {
		return malformed("channel_id is not a snowflake")
	}
	i := Interaction{
		ID: w.ID, Application: w.ApplicationID, Token: world.Token(w.Token),
		Guild: w.GuildID, Channel: w.ChannelID, Created: created(id),
	}
	// In a guild there is a member, in direct messages a user.
	user, nick := w.User, ""
	if w.Member != nil {
		user, nick, i.Roles = &w.Member.User, w.Member.Nick, w.Member.Roles
		if i.Permissions, ok = permissionBits(w.Member.Permissions); !ok {
			return malformed("permissions are not a number")
		}
	}
	if user == nil || (w.Member == nil) != (w.GuildID == "") {
		return malformed("member or user missing")
	}
	if _, ok := snowflakeNumber(user.ID); !ok {
		return malformed("user id is not a snowflake")
	}
	i.By = world.Person{ID: user.ID, Name: firstRunes(maxNameRunes, nick, user.GlobalName, user.Username, user.ID)}
	return i, nil
}

func (i Interaction) slash(d wireData) (Interaction, error) {
	// The type may be absent; 2 and 3 are the menus of a user or a message.
	if d.Type != 0 && d.Type != int(disgo.ApplicationCommandTypeSlash) {
		return i, fmt.Errorf("parse interaction: %w: command type %d", ErrUnknownCommand, d.Type)
	}
	name := world.CommandName(d.Name)
	if !slashCommand(name) {
		return i, fmt.Errorf("parse interaction: %w: %.40q", ErrUnknownCommand, d.Name)
	}
	i.Command = name
	for _, o := range d.Options {
		switch {
		case o.Name == optionWorld:
			// Unmarshal would leave a null in silence.
			if len(o.Value) == 0 || !bytes.HasPrefix(o.Value, []byte{'"'}) || json.Unmarshal(o.Value, &i.World) != nil || len(i.World) > maxOptionLen {
				return malformed("option world is not a short text")
			}
		case o.Name == optionLines && name == world.CmdLog:
			n, err := strconv.Atoi(string(o.Value))
			if err != nil || n < 1 || n > world.MaxTailLines {
				return malformed("option lines is not a number from 1 to %d", world.MaxTailLines)
			}
			i.Lines = n
		}
	}
	return i, nil
}

func (i Interaction) button(d wireData) (Interaction, error) {
	if d.ComponentType != int(disgo.ComponentTypeButton) {
		return i, fmt.Errorf("parse interaction: %w: component type %d", ErrUnknownCommand, d.ComponentType)
	}
	a, err := world.ParseAction(d.CustomID)
	if err != nil {
		// Somebody's button all the same: of another version, or long gone.
		return i, fmt.Errorf("parse interaction: %w: %.100q", ErrUnknownCommand, d.CustomID)
	}
	i.Command, i.World, i.Operation = a.Command, a.World, a.Operation
	return i, nil
}

// slashCommand says whether people can type this command; the others exist
// as buttons only.
func slashCommand(name world.CommandName) bool {
	switch name {
	case world.CmdStart, world.CmdStop, world.CmdStatus, world.CmdJoin, world.CmdLog:
		return true
	default:
		return false
	}
}

// inPlace says whether this is the command of a button that answers by changing
// the message it stands under: those of an ask-back, of a warning, and of what
// a keeper is asked.
func inPlace(name world.CommandName) bool {
	switch name {
	case world.CmdStopWhenEmpty, world.CmdStopNow, world.CmdKeepGoing, world.CmdKeepAwake,
		world.CmdPayAsYouGo, world.CmdRaiseCap, world.CmdTidy:
		return true
	default:
		return false
	}
}

// Ephemeral says whether only the person who asked sees the answer. /start
// and /stop are everybody's business; what is looked up or pressed is not. A
// button that answers in place changes the message it stands under, which is
// what it is.
func (i Interaction) Ephemeral() bool {
	switch {
	case i.Kind == Button && inPlace(i.Command):
		return i.OnEphemeral
	case i.Kind == Command:
		return i.Command != world.CmdStart && i.Command != world.CmdStop
	default:
		return true
	}
}

// ToCommand is the command for the world's queue, once Decide has allowed it.
// s is the signed form i was parsed from.
func (i Interaction) ToCommand(d Decision, s world.Signed) world.Command {
	return world.Command{
		Name: i.Command, By: i.By, Keeper: d.Keeper, Operation: i.Operation, Lines: i.Lines,
		Reply:  world.Reply{Application: i.Application, Token: i.Token, Ephemeral: i.Ephemeral()},
		Signed: s,
	}
}

// IsSnowflake tells whether a text can be an id of Discord's.
func IsSnowflake(text string) bool {
	_, ok := snowflakeNumber(text)
	return ok
}

// snowflakeNumber reads one of Discord's ids.
func snowflakeNumber(text string) (uint64, bool) {
	if len(text) > 20 || !digits(text) {
		return 0, false
	}
	n, err := strconv.ParseUint(text, 10, 64)
	return n, err == nil && n != 0
}

// created is when a snowflake was made: its upper 42 bits are milliseconds
// since 2015.
func created(id uint64) time.Time {
	const epoch = 1420070400000
	return time.UnixMilli(int64(id>>22) + epoch).UTC()
}

// permissionBits reads the low 64 bits of a decimal bit set of any length:
// Discord writes it as text because it may outgrow a number. Overflow drops
// only higher bits.
func permissionBits(text string) (uint64, bool) {
	if text == "" {
		return 0, true
	}
	if len(text) > 100 || !digits(text) {
		return 0, false
	}
	var bits uint64
	for i := range len(text) {
		bits = bits*10 + uint64(text[i]-'0')
	}
	return bits, true
}

// firstRunes returns the first of the texts that is not empty, cut to n runes.
func firstRunes(n int, texts ...string) string {
	for _, t := range texts {
		if t == "" {
			continue
		}
		if utf8.RuneCountInString(t) > n {
			return string([]rune(t)[:n])
		}
		return t
	}
	return ""
}
