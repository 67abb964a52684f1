package simdiscord

import (
	"slices"
	"strconv"
	"time"
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

const firstPersonID = 1100000000000000401

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

const (
	memberPermissions = PermViewChannel | PermSendMessages | PermEmbedLinks | PermReadHistory | PermUseCommands
	keeperPermissions = memberPermissions | PermManageGuild | PermManageMessages | PermMentionEveryone
	// The bot may mention everyone, so that a missing allowed_mentions shows.
	botPermissions = memberPermissions | PermMentionEveryone
)

// Permissions are the bits that the person has in every channel.
func (p Person) Permissions() uint64 {
	if p.Role == RoleKeeper {
		return keeperPermissions
	}
	return memberPermissions
}

// may reports whether p has the bits, which administrators always have.
func (p Person) may(bits uint64) bool {
	has := p.Permissions()
	return has&PermAdministrator != 0 || has&bits == bits
}

// People lists the guild's members, the bot apart.
func (d *Discord) People() []Person { return slices.Clone(d.people) }

// Person finds a member by name or id.
func (d *Discord) Person(nameOrID string) (Person, bool) {
	for _, p := range d.people {
		if p.ID == nameOrID || p.Name == nameOrID {
			return p, true
		}
	}
	return Person{}, false
}

func (d *Discord) personByID(id string) (Person, bool) {
	i := slices.IndexFunc(d.people, func(p Person) bool { return p.ID == id })
	if i < 0 {
		return Person{}, false
	}
	return d.people[i], true
}

// roleIDs are the roles that a member's interactions carry.
func (d *Discord) roleIDs(p Person) []string {
	roles := slices.Clone(p.Roles)
	if p.Role == RoleKeeper {
		roles = append(roles, d.opts.KeeperRoleID)
	}
	if roles == nil {
		roles = []string{}
	}
	return roles
}

// Guild is the guild's id and name.
func (d *Discord) Guild() Named { return Named{d.opts.GuildID, d.opts.GuildName} }

// Channel is a text channel of the guild.
type Channel struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// Channels lists the play channel and the keeper's channel.
func (d *Discord) Channels() []Channel {
	return []Channel{
		{d.opts.ChannelID, d.opts.ChannelName},
		{d.opts.KeeperChannelID, d.opts.KeeperChannelName},
	}
}

func (d *Discord) channel(id string) (Channel, bool) {
	for _, c := range d.Channels() {
		if c.ID == id {
			return c, true
		}
	}
	return Channel{}, false
}

// epochMillis is the first second of 2015, where snowflakes begin.
const epochMillis = 1420070400000

// newID makes a snowflake of the clock's time. Ids always rise; a clock
// before 2015 (a synctest bubble begins in 2000) or one that was set back
// only makes them rise by one. d.mu is held.
func (d *Discord) newID() string {
	var id uint64
	if ms := d.opts.Clock.Now().UnixMilli() - epochMillis; ms > 0 {
		id = uint64(ms) << 22
	}
	d.lastID = max(id, d.lastID+1)
	return strconv.FormatUint(d.lastID, 10)
}

// now is the clock's time in UTC. Discord writes times to the microsecond.
func (d *Discord) now() time.Time { return d.opts.Clock.Now().UTC().Truncate(time.Microsecond) }
