package guild

import "hearth/internal/sim/simdiscord/form"

// EventKind says what an Event tells.
type EventKind string

// Kinds of events, as the page's event stream names them.
const (
	EventMessage       EventKind = "message"
	EventMessageUpdate EventKind = "message_update"
	EventMessageDelete EventKind = "message_delete"
	EventInteraction   EventKind = "interaction"
	EventCommands      EventKind = "commands"
	EventReset         EventKind = "reset" // read everything anew
)

// Event is something that happened in the guild. Beside Seq and Kind only the
// field of its kind is set. What it points to is never changed afterwards.
type Event struct {
	Seq         int64 // rises by one with every event
	Kind        EventKind
	Message     *Message       // message, message_update
	Deleted     string         // message_delete: the message's id
	Interaction *Progress      // interaction
	Commands    []form.Command // commands
}

// State is how far an interaction is.
type State string

// States of an interaction, as the person who began it sees them.
const (
	StateThinking State = "thinking"
	StateDone     State = "done"
	StateFailed   State = "failed"
)

// Progress is what a person is shown of an interaction.
type Progress struct {
	ID    string `json:"id"`
	Nonce string `json:"nonce"` // of the Request
	State State  `json:"state"`
	User  string `json:"user"`
	Text  string `json:"text"` // failed: as Discord shows it
}

// Named is an id and the name that belongs to it.
type Named struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// Snapshot is everything that a reader needs before the first Event.
type Snapshot struct {
	Guild    Named          `json:"guild"`
	Channels []Channel      `json:"channels"`
	Bot      Named          `json:"bot"`
	Users    []Person       `json:"users"`
	Commands []form.Command `json:"commands"`
	Messages []Message      `json:"messages"` // oldest first, ephemeral ones too
}

// feedBuffer is how far a subscriber may lag before it is cut off.
const feedBuffer = 256

// feed hands events to its subscribers.
type feed struct {
	seq    int64
	untold []Event
	subs   map[chan Event]struct{}
	closed bool
}

// send numbers the event; flush hands it on.
func (f *feed) send(e Event) {
	f.seq++
	e.Seq = f.seq
	f.untold = append(f.untold, e)
}

// flush hands on what was sent. A subscriber whose buffer is full is cut off,
// so that nobody waits for it and nothing grows.
func (f *feed) flush() {
	for _, e := range f.untold {
		for ch := range f.subs {
			select {
			case ch <- e:
			default:
				delete(f.subs, ch)
				close(ch)
			}
		}
	}
	clear(f.untold)
	f.untold = f.untold[:0]
}

func (f *feed) close() {
	for ch := range f.subs {
		close(ch)
	}
	f.subs, f.closed = nil, true
}

// Tell numbers an event and keeps it for Flush.
func (g *Guild) Tell(e Event) { g.feed.send(e) }

// Flush hands on to subscribers what happened since the last one.
func (g *Guild) Flush() { g.feed.flush() }

// Seq is the number of the last event, handed on or not.
func (g *Guild) Seq() int64 { return g.feed.seq }

// Subscribe returns a channel of all that happens from now on. It is closed by
// cancel, by Close, and when its reader falls 256 events behind. cancel needs
// the guild's guard, too; twice does no harm.
func (g *Guild) Subscribe() (events <-chan Event, cancel func()) {
	g.feed.flush() // what is past is for the others
	ch := make(chan Event, feedBuffer)
	if g.feed.closed {
		close(ch)
	} else {
		if g.feed.subs == nil {
			g.feed.subs = map[chan Event]struct{}{}
		}
		g.feed.subs[ch] = struct{}{}
	}
	return ch, func() {
		if _, ok := g.feed.subs[ch]; ok {
			delete(g.feed.subs, ch)
			close(ch)
		}
	}
}

// Close ends all subscriptions, also those to come.
func (g *Guild) Close() { g.feed.close() }

// Snapshot copies the present state.
func (g *Guild) Snapshot() Snapshot {
	return Snapshot{
		Guild:    g.Name(),
		Channels: g.Channels(),
		Bot:      Named{g.opts.ApplicationID, g.opts.BotName},
		Users:    g.People(),
		Commands: nonNil(g.commands),
		Messages: g.Messages(),
	}
}

// nonNil makes an empty list [] and not null in JSON.
func nonNil[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}
