package guild

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"hearth/internal/sim/simdiscord/form"
)

// Role is what a person is in the guild.
type Role string

// Roles of people.
const (
	RoleKeeper Role = "keeper" // has the keeper role and MANAGE_GUILD
	RoleMember Role = "member"
)

// Person is a member of the guild.
type Person struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Role Role   `json:"role"`
	// Roles are ids of further roles.
	Roles []string `json:"-"`
}

// Permission bits, as of Discord's documentation.
const (
	PermAdministrator   uint64 = 1 << 3
	PermManageGuild     uint64 = 1 << 5
	PermViewChannel     uint64 = 1 << 10
	PermSendMessages    uint64 = 1 << 11
	PermManageMessages  uint64 = 1 << 13
	PermEmbedLinks      uint64 = 1 << 14
	PermReadHistory     uint64 = 1 << 16
	PermMentionEveryone uint64 = 1 << 17
	PermUseCommands     uint64 = 1 << 31
)

// What each may in every channel.
const (
	memberPermissions = PermViewChannel | PermSendMessages | PermEmbedLinks | PermReadHistory | PermUseCommands
	keeperPermissions = memberPermissions | PermManageGuild | PermManageMessages | PermMentionEveryone
	// BotPermissions: it may mention everyone, so that a missing
	// allowed_mentions shows.
	BotPermissions = memberPermissions | PermMentionEveryone
)

// Permissions are the bits that the person has in every channel.
func (p Person) Permissions() uint64 {
	if p.Role == RoleKeeper {
		return keeperPermissions
	}
	return memberPermissions
}

// May reports whether p has the bits, which administrators always have.
func (p Person) May(bits uint64) bool {
	has := p.Permissions()
	return has&PermAdministrator != 0 || has&bits == bits
}

// Options are fixed for the life of a Guild; all are required. Ids are decimal
// snowflakes.
type Options struct {
	Clock interface{ Now() time.Time }

	ApplicationID   string // also the id of the bot's user
	GuildID         string
	ChannelID       string // the play channel
	KeeperChannelID string
	KeeperRoleID    string

	GuildName         string
	ChannelName       string
	KeeperChannelName string
	BotName           string

	People []Person // the members, the bot apart
}

// Guild is the one guild of a pretend Discord. It is not safe for concurrent
// use, but for People, Person, Member, RoleIDs, Name, Channels and Channel,
// whose answers never change.
type Guild struct {
	opts Options // never changes

	lastID   uint64
	messages []*Stored // oldest first
	commands []form.Command
	feed     feed
}

// New makes an empty guild.
func New(o Options) *Guild { return &Guild{opts: o} }

// People lists the guild's members, the bot apart.
func (g *Guild) People() []Person { return slices.Clone(g.opts.People) }

// Person finds a member by name or id.
func (g *Guild) Person(nameOrID string) (Person, bool) {
	for _, p := range g.opts.People {
		if p.ID == nameOrID || p.Name == nameOrID {
			return p, true
		}
	}
	return Person{}, false
}

// Member finds a member by id.
func (g *Guild) Member(id string) (Person, bool) {
	i := slices.IndexFunc(g.opts.People, func(p Person) bool { return p.ID == id })
	if i < 0 {
		return Person{}, false
	}
	return g.opts.People[i], true
}

// RoleIDs are the roles that a member's interactions carry.
func (g *Guild) RoleIDs(p Person) []string {
	roles := slices.Clone(p.Roles)
	if p.Role == RoleKeeper {
		roles = append(roles, g.opts.KeeperRoleID)
	}
	if roles == nil {
		roles = []string{}
	}
	return roles
}

// Name is the guild's id and name.
func (g *Guild) Name() Named { return Named{g.opts.GuildID, g.opts.GuildName} }

// Channel is a text channel of the guild.
type Channel struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// Channels lists the play channel and the keeper's channel.
func (g *Guild) Channels() []Channel {
	return []Channel{
		{g.opts.ChannelID, g.opts.ChannelName},
		{g.opts.KeeperChannelID, g.opts.KeeperChannelName},
	}
}

// Channel finds a channel by id.
func (g *Guild) Channel(id string) (Channel, bool) {
	for _, c := range g.Channels() {
		if c.ID == id {
			return c, true
		}
	}
	return Channel{}, false
}

// epochMillis is the first second of 2015, where snowflakes begin.
const epochMillis = 1420070400000

// NewID makes a snowflake of the clock's time. Ids always rise; a clock
// before 2015 (a synctest bubble begins in 2000) or one that was set back
// only makes them rise by one.
func (g *Guild) NewID() string {
	var id uint64
	if ms := g.opts.Clock.Now().UnixMilli() - epochMillis; ms > 0 {
		id = uint64(ms) << 22
	}
	g.lastID = max(id, g.lastID+1)
	return strconv.FormatUint(g.lastID, 10)
}

// Now is the clock's time in UTC. Discord writes times to the microsecond.
func (g *Guild) Now() time.Time { return g.opts.Clock.Now().UTC().Truncate(time.Microsecond) }

// Commands copies the registered commands, in the order they were given.
func (g *Guild) Commands() []form.Command { return slices.Clone(g.commands) }

// SetCommands replaces all commands and tells of it.
func (g *Guild) SetCommands(next []form.Command) {
	g.commands = nonNil(next)
	g.Tell(Event{Kind: EventCommands, Commands: slices.Clone(g.commands)})
}

// Clear empties the channels and tells of it. Commands stay, and ids go on
// rising.
func (g *Guild) Clear() {
	g.messages = nil
	g.Tell(Event{Kind: EventReset})
}

// Contents is what a guild is restored from.
type Contents struct {
	LastID   uint64         `json:"last_id"`
	Messages []*Stored      `json:"messages"`
	Commands []form.Command `json:"commands"`
}

// Contents is everything there is; the messages are the guild's own.
func (g *Guild) Contents() Contents {
	return Contents{LastID: g.lastID, Messages: g.messages, Commands: g.commands}
}

// Sound looks for what would break invariants, and brings absent lists into
// the form that they have here.
func (c *Contents) Sound() error {
	for i, m := range c.Messages {
		if m == nil || !form.IsSnowflake(m.ID) || !form.IsSnowflake(m.ChannelID) {
			return fmt.Errorf("message %d has no id or channel: start with an empty channel", i)
		}
		m.Embeds, m.Components, m.Mentions = nonNil(m.Embeds), nonNil(m.Components), nonNil(m.Mentions)
	}
	return nil
}

// Restore replaces what there is by contents that are sound, and tells of
// it. Ids go on rising.
func (g *Guild) Restore(c Contents) {
	g.messages = c.Messages[max(0, len(c.Messages)-MaxMessages):]
	g.commands = c.Commands
	g.lastID = max(g.lastID, c.LastID)
	g.Tell(Event{Kind: EventReset})
}
