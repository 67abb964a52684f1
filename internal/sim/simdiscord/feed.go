package simdiscord

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

// feed hands events to its subscribers. Its owner's mutex guards it.
type feed struct {
	seq    int64
	untold []Event
	subs   map[chan Event]struct{}
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
	f.subs = nil
}

// Subscribe returns the present state and all that happens after it. The
// channel is closed by cancel, by Close, and when its reader falls 256 events
// behind: then subscribe again. seq is the number of the last event that the
// snapshot includes.
func (d *Discord) Subscribe() (snapshot Snapshot, seq int64, events <-chan Event, cancel func()) {
	d.mu.Lock()
	defer d.leave()
	d.sweep()
	d.feed.flush() // the snapshot has it
	ch := make(chan Event, feedBuffer)
	if d.closed {
		close(ch)
	} else {
		if d.feed.subs == nil {
			d.feed.subs = map[chan Event]struct{}{}
		}
		d.feed.subs[ch] = struct{}{}
	}
	return d.snapshot(), d.feed.seq, ch, func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		if _, ok := d.feed.subs[ch]; ok {
			delete(d.feed.subs, ch)
			close(ch)
		}
	}
}

// snapshot copies the present state. d.mu is held.
func (d *Discord) snapshot() Snapshot {
	return Snapshot{
		Guild:    d.Guild(),
		Channels: d.Channels(),
		Bot:      Named{d.opts.ApplicationID, d.opts.BotName},
		Users:    d.People(),
		Commands: nonNil(d.commands),
		Messages: d.views(),
	}
}

// nonNil makes an empty list [] and not null in JSON.
func nonNil[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}
