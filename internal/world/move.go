package world

import "time"

// Move is how the cloud took a machine of a world, moved or restarted it, and
// what it took until players could be in again. The times of one kind of clock
// can be compared with each other; agents and bot are told the time by the same
// cloud, so the others can be, too, to a second or so.
type Move struct {
	// Began is when the first word of it was heard, on the bot's clock. Of moves
	// without a time to play between them it is the first one's.
	Began time.Time `json:"began,omitzero"`
	// Noticed: the cloud announced it. False: the machine was just gone.
	Noticed bool   `json:"noticed,omitempty"`
	From    string `json:"from,omitempty"` // a placement
	To      string `json:"to,omitempty"`   // the same, if the machine stayed or came back
	// Players are the characters that were in, at most MaxMoved.
	Players []string `json:"players,omitempty"`

	// The old agent's clock. Zero: it is not known, or there was none.
	Notice time.Time `json:"notice,omitzero"` // the agent read the announcement
	Signal time.Time `json:"signal,omitzero"` // the game was told to stop: Proof less SaveProven.Took
	Proof  time.Time `json:"proof,omitzero"`  // the save was proven, or denied

	// The bot's clock.
	Gone    time.Time `json:"gone,omitzero"`    // the old machine was seen to be gone
	Asked   time.Time `json:"asked,omitzero"`   // a machine was asked for at To
	Machine time.Time `json:"machine,omitzero"` // it was seen, or heard

	// The new agent's clock.
	HostUp time.Time `json:"host_up,omitzero"` // its first word
	Online time.Time `json:"online,omitzero"`  // players can be in; zero: not yet, or it came to nothing
}

// Bounds of what is remembered of a move, and of who is told.
const (
	MaxMoved  = 10 // as many as the game lets in
	MaxGuests = 10
)
