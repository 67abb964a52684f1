package simdiscord

import "hearth/internal/sim/simdiscord/guild"

// What people see is package guild's; these names are for those who need no
// more of it.
type (
	// Person is a member of the guild.
	Person = guild.Person
	// Message is a message as the page gets it.
	Message = guild.Message
	// Event is something that happened in the guild.
	Event = guild.Event
	// State is how far an interaction is.
	State = guild.State
)

// Values of these.
const (
	FlagEphemeral      = guild.FlagEphemeral
	EventMessageUpdate = guild.EventMessageUpdate
	StateThinking      = guild.StateThinking
	StateDone          = guild.StateDone
	StateFailed        = guild.StateFailed
)

// Guild is the guild's id and name.
func (d *Discord) Guild() guild.Named { return d.guild.Name() }

// Channels lists the play channel and the keeper's channel.
func (d *Discord) Channels() []guild.Channel { return d.guild.Channels() }

// People lists the guild's members, the bot apart.
func (d *Discord) People() []Person { return d.guild.People() }

// Person finds a member by name or id.
func (d *Discord) Person(nameOrID string) (Person, bool) { return d.guild.Person(nameOrID) }

// Messages lists all messages that are kept, oldest first, ephemeral ones
// too.
func (d *Discord) Messages() []Message {
	d.mu.Lock()
	defer d.leave()
	d.sweep()
	return d.guild.Messages()
}

// Subscribe returns the present state and all that happens after it. The
// channel is closed by cancel, by Close, and when its reader falls 256 events
// behind: then subscribe again. seq is the number of the last event that the
// snapshot includes.
func (d *Discord) Subscribe() (snapshot guild.Snapshot, seq int64, events <-chan Event, cancel func()) {
	d.mu.Lock()
	defer d.leave()
	d.sweep()
	events, end := d.guild.Subscribe()
	return d.guild.Snapshot(), d.guild.Seq(), events, func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		end()
	}
}
