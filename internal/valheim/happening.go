package valheim

import (
	"time"

	"hearth/internal/world"
)

// Kind says what a log line means. Its text is for logs and tests.
type Kind string

// The kinds of Happening. The comment names the fields that are set beside
// Line; a field that the log does not tell stays empty.
const (
	// VersionKnown: Version, Network. Once per start of the game.
	VersionKnown Kind = "version"
	// Listening: Signal. The game opened its socket, once per start. It is no
	// promise: a damaged world still listens and quits in the same second.
	Listening Kind = "listening"
	// JoinCode: Code, six digits as text. Only when it differs from the last.
	JoinCode Kind = "join_code"
	// Connecting: PlatformID on Steam, Socket on crossplay. Somebody knocks,
	// nothing more.
	Connecting Kind = "connecting"
	// Connected: PlatformID if certain. Somebody passed every check.
	Connected Kind = "connected"
	// Spawned: Player, PlatformID if certain. The first character of a session.
	Spawned Kind = "spawned"
	// Respawned: Player. The same session has a body again.
	Respawned Kind = "respawned"
	// Died: Player; its Owner is empty if two sessions have this name. Line
	// and Number may be older than the line just read: a death right after the
	// first spawn waits for proof, with the first 512 bytes of its line.
	Died Kind = "died"
	// Disconnected: Player, PlatformID, Reason; all of Player may be empty.
	Disconnected Kind = "disconnected"
	// Refused: Refusal, Detail (one of the Refusal… details), and of Player,
	// PlatformID, Socket, Theirs, Mine what the line tells.
	Refused Kind = "refused"
	// SaveStarted: the world is being copied for a save.
	SaveStarted Kind = "save_started"
	// Saved: Took. A save is finished; see Proof for what that is worth.
	Saved Kind = "saved"
	// SaveSkipped: Detail. The game says that it did not save.
	SaveSkipped Kind = "save_skipped"
	// Escalated: Detail, the signal. Who waited for the game to end as asked
	// lost patience and sent SIGTERM or SIGKILL: after the latter an end proves
	// no save.
	Escalated Kind = "escalated"
	// Day: Count, the new day. Only when everybody slept.
	Day Kind = "day"
	// Raid: Detail, the game's name of the event, such as army_bonemass.
	Raid Kind = "raid"
	// Stopping: a stop was asked for. Once per stop.
	Stopping Kind = "stopping"
	// Stopped: Detail, if it crashed over it. The game ended as asked. Once per
	// stop, after everybody's Disconnected.
	Stopped Kind = "stopped"
	// Crashed: Detail. The game ended unasked. Once per crash, after
	// everybody's Disconnected.
	Crashed Kind = "crashed"
	// Counted: Count, the authenticated peers by the server's own word.
	Counted Kind = "counted"
	// Fault: Detail. The game cannot do what it should; one per cause and start.
	Fault Kind = "fault"
	// GaveUp: PlatformID, Socket if certain. A knock came to nothing, and nobody
	// refused it: left at the password prompt, mostly.
	GaveUp Kind = "gave_up"
	// LinkLost: Player, PlatformID, Socket. A crossplay link broke and is kept
	// for up to 90 s; who was on still is.
	LinkLost Kind = "link_lost"
	// LinkRestored: as LinkLost. The link is back.
	LinkRestored Kind = "link_restored"
	// UpdateStarted: the container's updater fetches the game.
	UpdateStarted Kind = "update_started"
	// UpdateFinished: Count is 1 if the game changed, 0 if not.
	UpdateFinished Kind = "update_finished"
)

// MaxTextRunes bounds each text that a Happening or a Roster quotes, but for
// Line, in characters. The game lets nobody choose a name of more than 15.
const MaxTextRunes = 64

// Happening is what a line means. Names in it are chosen by players: hostile.
type Happening struct {
	Kind Kind
	// Line is the log line it was read from, as written; empty if it was read
	// from the end of the process.
	Line string
	// Number is that line's, counted from the first one that was read, 1; 0 if
	// there is no line.
	Number int64
	// Player has the session's owner number and character.
	Player world.Player
	// PlatformID is the account as printed: 17 digits on the Steam backend,
	// Steam_…, Xbox_…, PlayStation_… on crossplay. Empty unless certain.
	PlatformID string
	// Socket is crossplay's name of a connection: hexadecimal, the same for one
	// account and installation, no account itself.
	Socket  string
	Code    string // of JoinCode
	Version string // of VersionKnown, such as 1.0.16
	Network string // of VersionKnown: the network version, such as 40
	Signal  string // of Listening: SignalSteam, SignalPlayFab, SignalLogon
	Detail  string
	Reason  string // of Disconnected: left, timeout, lost, kicked, server_stop, unknown
	Refusal world.RefusalReason
	Theirs  string        // their version, of a refusal for it
	Mine    string        // the server's
	Took    time.Duration // of Saved
	Count   int           // of Counted, Day, UpdateFinished
}

// Payload is the event that tells the world of a happening, or nil: nobody is
// told of it, or, as with Listening, Saved and Crashed, the agent knows more
// than the line and tells it in its own time. Its Heard is the agent's to fill
// in.
func (h Happening) Payload() world.AgentPayload {
	switch h.Kind {
	case JoinCode:
		return &world.JoinCode{Code: h.Code}
	case Connected:
		return &world.Connected{}
	case Spawned:
		return &world.Spawned{Player: h.Player}
	case Died:
		return &world.Died{Player: h.Player}
	case Disconnected:
		return &world.Disconnected{Player: h.Player, Reason: h.Reason}
	case Refused:
		return &world.Refused{Reason: h.Refusal, Name: h.Player.Name, Theirs: h.Theirs, Mine: h.Mine}
	case Raid:
		return &world.Raid{Event: h.Detail}
	default:
		return nil
	}
}

// Signals of Listening.
const (
	SignalSteam   = "opened_steam"
	SignalPlayFab = "opened_playfab"
	// SignalLogon is Steam's log-on, in 2021 the only signal and a few seconds
	// early.
	SignalLogon = "steam_logon"
)

// Reasons of Disconnected.
const (
	ReasonLeft       = "left"
	ReasonTimeout    = "timeout"
	ReasonLost       = "lost"
	ReasonKicked     = "kicked"
	ReasonServerStop = "server_stop"
	ReasonUnknown    = "unknown"
)

// Details of Refused, finer than world.RefusalReason.
const (
	RefusalVersion   = "version"
	RefusalList      = "list" // banned or not permitted: the log does not tell
	RefusalTicket    = "ticket"
	RefusalFull      = "full"
	RefusalPassword  = "password"
	RefusalDuplicate = "duplicate"
	// RefusalPermittedKick: was in, and is kicked because the permitted list
	// changed. A Disconnected follows.
	RefusalPermittedKick = "permitted_kick"
)

// Details of Fault.
const (
	FaultWorld    = "world_load_failed" // the world's files are damaged
	FaultPort     = "port_taken"
	FaultNetwork  = "network_backend" // Steam could not be initialised
	FaultPassword = "bad_password"    // the server's password option is not allowed
	FaultUpdate   = "update_failed"
)

// Roster is who is on.
type Roster struct {
	// Players have spawned, in order of arrival.
	Players []world.Player
	// Connecting counts those who are not in Players: knocking, loading the
	// world, or known to the server only by number.
	Connecting int
	// Authenticated is how many of Connecting passed every check.
	Authenticated int
	// Known: nobody else can be on. Without it the log began in the middle and
	// the server has not counted since.
	Known bool
}
