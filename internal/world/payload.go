package world

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// Type names a payload on the wire. The part before the dot is the source.
type Type string

// Payload is the data of an event: one of the types of this file.
type Payload interface{ Type() Type }

// AgentPayload is the data of an agent's event.
type AgentPayload interface {
	Payload
	// AsHeard leads to what every agent's event carries.
	AsHeard() *Heard
}

// newPayload makes an empty payload of a type, for decoding; nil if it is none
// of ours. A new event is a new type below and a line here; CONTRIBUTING.md has
// the rest of its way.
func newPayload(t Type) Payload {
	switch t {
	case "discord.command":
		return new(Command)
	case "agent.host_up":
		return new(HostUp)
	case "agent.heartbeat":
		return new(Heartbeat)
	case "agent.cannot_start":
		return new(CannotStart)
	case "agent.step_begun":
		return new(StepBegun)
	case "agent.not_kept":
		return new(NotKept)
	case "agent.listening":
		return new(Listening)
	case "agent.join_code":
		return new(JoinCode)
	case "agent.connected":
		return new(Connected)
	case "agent.spawned":
		return new(Spawned)
	case "agent.disconnected":
		return new(Disconnected)
	case "agent.died":
		return new(Died)
	case "agent.refused":
		return new(Refused)
	case "agent.raid":
		return new(Raid)
	case "agent.saved":
		return new(Saved)
	case "agent.crashed":
		return new(Crashed)
	case "agent.noticed":
		return new(Noticed)
	case "agent.save_proven":
		return new(SaveProven)
	case "agent.order_refused":
		return new(OrderRefused)
	case "agent.log_tail":
		return new(LogTail)
	case "agent.words_lost":
		return new(WordsLost)
	case "bot.cloud":
		return new(CloudReport)
	case "bot.timer":
		return new(Timer)
	case "bot.sweep":
		return new(Sweep)
	case "bot.left_over":
		return new(LeftOver)
	case "bot.carded":
		return new(Carded)
	case "bot.set_aside":
		return new(SetAside)
	}
	return nil
}

func decodePayload(t Type, data []byte) (Payload, error) {
	p := newPayload(t)
	if p == nil {
		return nil, fmt.Errorf("type %q is unknown", t)
	}
	if err := json.Unmarshal(data, p); err != nil {
		return nil, fmt.Errorf("data of %s: %w", t, err)
	}
	return p, nil
}

func sourceOf(t Type) string {
	source, _, _ := strings.Cut(string(t), ".")
	return source
}

// Person is a Discord user.
type Person struct {
	ID   string `json:"id"`
	Name string `json:"name"` // as shown in the guild; chosen by the user, so hostile
}

// Command is a slash command or a pressed button. Everything but Signed is
// read out of the signed body again by the worker; what stands in the queue
// is not trusted.
type Command struct {
	Name   CommandName `json:"name"`
	By     Person      `json:"by"`
	Keeper bool        `json:"keeper,omitempty"`
	// Operation is the one the pressed button was made for; empty for a slash
	// command.
	Operation string `json:"operation,omitempty"`
	Lines     int    `json:"lines,omitempty"` // for CmdLog; 0: as many as it gives by itself
	Reply     Reply  `json:"reply"`
	Signed    Signed `json:"signed"`
}

// Signed is an interaction as Discord sent it.
type Signed struct {
	Body      []byte `json:"body"`      // raw, base64 in JSON
	Timestamp string `json:"timestamp"` // X-Signature-Timestamp
	Signature string `json:"signature"` // X-Signature-Ed25519, hex
}

// CommandName says what a person wants.
type CommandName string

// The commands and buttons.
const (
	CmdStart         CommandName = "start"
	CmdStop          CommandName = "stop"
	CmdStatus        CommandName = "status"
	CmdJoin          CommandName = "join"
	CmdLog           CommandName = "log"             // keeper only
	CmdStopWhenEmpty CommandName = "stop_when_empty" // button of the ask-back
	CmdStopNow       CommandName = "stop_now"        // button of the ask-back, keeper only
	CmdKeepGoing     CommandName = "keep_going"      // button of the ask-back: never mind
	CmdKeepAwake     CommandName = "keep_awake"      // button of the idle warning: half an hour more
	CmdPayAsYouGo    CommandName = "pay_as_you_go"   // button, keeper only: this session may have a machine at the full price
	CmdRaiseCap      CommandName = "raise_cap"       // button, keeper only: this month may cost more
	CmdTidy          CommandName = "tidy"            // button, keeper only: remove what was left over
)

// Heard is what every agent's event carries.
type Heard struct {
	Epoch int64 `json:"epoch"` // the boot
	Seq   int64 `json:"seq"`   // from 1, one more with every event of the boot
	// Line is the log line it was read from, as written; empty otherwise.
	Line string `json:"line,omitempty"`
}

// AsHeard implements AgentPayload for what embeds it.
func (h *Heard) AsHeard() *Heard { return h }

// HostUp tells: the agent runs and holds the world's lease; the game is starting.
type HostUp struct {
	Heard
	Machine Machine `json:"machine"`
	// Previous is how an earlier boot ended, as it stands beside the world's
	// files; nil if nothing stands there.
	Previous *Proof `json:"previous,omitempty"`
	// Continues: the game of the epoch before goes on under this one. Its
	// agent was away for longer than its lease lasts.
	Continues bool `json:"continues,omitempty"`
}

// Proof is how a boot ended, as its agent leaves it beside the world's files
// for the next one.
type Proof struct {
	World     string    `json:"world"`
	Epoch     int64     `json:"epoch"`
	At        time.Time `json:"at"`
	Why       StopWhy   `json:"why"`
	Confirmed bool      `json:"confirmed"`
	Untouched bool      `json:"untouched,omitempty"`
	Size      int64     `json:"size,omitempty"`
	LastSave  time.Time `json:"last_save,omitzero"`
}

// Step is a part of a boot.
type Step string

// The steps of a boot, in their order. A boot need not have all of them.
const (
	StepLease     Step = "lease"     // waits for the world's lease
	StepFiles     Step = "files"     // the world's files are looked at
	StepImage     Step = "image"     // the game's image is fetched
	StepContainer Step = "container" // its container is made
	StepUpdate    Step = "update"    // the game is fetched, or brought up to date
	StepLoad      Step = "load"      // it loads the world
	StepCode      Step = "code"      // it waits for its join code
)

// Steps are all of them, in their order.
func Steps() []Step {
	return []Step{StepLease, StepFiles, StepImage, StepContainer, StepUpdate, StepLoad, StepCode}
}

// StepBegun tells: a step of the boot begins, and the one before it is done.
type StepBegun struct {
	Heard
	Step Step `json:"step"`
}

// StepTook is how long a step was.
type StepTook struct {
	Step Step          `json:"step"`
	Took time.Duration `json:"took"`
}

// CannotStart tells: the game was not started, and won't be by this agent.
type CannotStart struct {
	Heard
	Reason FilesReason `json:"reason"`
	Detail string      `json:"detail,omitempty"` // for the keeper
}

// NotKept tells: the world's files were not kept as the last session left them. The
// game is started all the same. Once in a boot at most.
type NotKept struct {
	Heard
	Reason SnapshotReason `json:"reason"`
	Code   string         `json:"code,omitempty"` // SnapshotError.Code
}

// HeartbeatEvery is how often an agent sends a Heartbeat. Whoever waits for it
// may take two missed ones for silence.
const HeartbeatEvery = 20 * time.Second

// Heartbeat comes every HeartbeatEvery while the agent lives.
type Heartbeat struct {
	Heard
	Machine    Machine   `json:"machine"`
	GameUp     bool      `json:"game_up"`              // its process exists
	Listening  bool      `json:"listening"`            // players can connect
	Players    []Player  `json:"players"`              // the whole roster
	Connecting int       `json:"connecting,omitempty"` // let in and loading the world: told by Connected, not yet in Players
	JoinCode   string    `json:"join_code,omitempty"`
	LastSave   time.Time `json:"last_save,omitzero"` // end of the last finished save
	MemoryMB   int       `json:"memory_mb,omitempty"`
}

// Player is a character in the world.
type Player struct {
	Owner string `json:"owner"`          // the peer's session number, as text
	Name  string `json:"name,omitempty"` // the character's; empty until it spawns. Hostile
}

// Kept is the player as a state keeps it: one line each, the name of at most 48
// bytes, the owner of at most 20 characters, as a 64-bit number is.
func (p Player) Kept() Player {
	return Player{Owner: cut(Visible(p.Owner, MaxNameRunes), 20), Name: shortName(p.Name)}
}

// Listening tells: players can connect.
type Listening struct {
	Heard
	Version string        `json:"version,omitempty"`
	Took    time.Duration `json:"took,omitempty"` // since the game's process began
	// Steps are those of the boot so far; empty after a crash.
	Steps  []StepTook `json:"steps,omitempty"`
	New    bool       `json:"new,omitempty"`    // the world was made just now
	Mended string     `json:"mended,omitempty"` // FilesState.Mended
}

// JoinCode tells: crossplay players can join by this code (six digits, as text).
type JoinCode struct {
	Heard
	Code string `json:"code"`
}

// Connected tells: somebody passed every check and is loading the world. The log
// does not say who.
type Connected struct{ Heard }

// Spawned tells: a character is in the world for the first time of its session.
type Spawned struct {
	Heard
	Player Player `json:"player"`
}

// Disconnected tells: a session ended. Name may be empty for one that never spawned.
type Disconnected struct {
	Heard
	Player Player `json:"player"`
	Reason string `json:"reason,omitempty"` // left, timeout, lost, kicked, server_stop, unknown
}

// Died tells: a character died.
type Died struct {
	Heard
	Player Player `json:"player"`
}

// Refused tells: somebody was not let in.
type Refused struct {
	Heard
	Reason RefusalReason `json:"reason"`
	Name   string        `json:"name,omitempty"`   // where the log tells it; hostile
	Theirs string        `json:"theirs,omitempty"` // their version, for RefusedVersion
	Mine   string        `json:"mine,omitempty"`   // the server's
}

// RefusalReason is why the game did not let somebody in.
type RefusalReason string

// The reasons that the game gives.
const (
	RefusedPassword RefusalReason = "password"
	RefusedVersion  RefusalReason = "version"
	RefusedBanned   RefusalReason = "banned" // or not on the permitted list: the log does not tell
	RefusedFull     RefusalReason = "full"
	RefusedOther    RefusalReason = "other"
)

// Raid tells: the game began a raid.
type Raid struct {
	Heard
	Event string `json:"event"` // the game's or a mod's name of it, such as army_bonemass; hostile
}

// Saved tells: the game finished a save of its own.
type Saved struct {
	Heard
	Took time.Duration `json:"took,omitempty"`
}

// Crashed tells: the game's process ended without being asked.
type Crashed struct {
	Heard
	Detail     string    `json:"detail,omitempty"`
	Restarting bool      `json:"restarting,omitempty"` // the agent starts it again
	LastSave   time.Time `json:"last_save,omitzero"`
}

// Noticed tells: the cloud announced that it does something to the machine.
type Noticed struct {
	Heard
	Kind      string    `json:"kind"` // Preempt, Terminate, Reboot, Redeploy, Freeze
	NotBefore time.Time `json:"not_before"`
}

// SaveProven tells: the game saved after it was asked to, its process is gone by
// itself and its files are synced. Or it did not, and says so: a proof of the
// contrary ends the waiting too.
type SaveProven struct {
	Heard
	Why       StopWhy       `json:"why"`
	Operation string        `json:"operation,omitempty"` // of the order, for StopOrdered
	Confirmed bool          `json:"confirmed"`           // false: it ended without a save that counts
	Untouched bool          `json:"untouched,omitempty"` // nobody could have changed the world: it never listened
	Took      time.Duration `json:"took,omitempty"`      // from the request to the process's end
	Size      int64         `json:"size,omitempty"`      // bytes of the world's files
	LastSave  time.Time     `json:"last_save,omitzero"`  // end of the last finished save
}

// StopWhy is what made the agent stop the game.
type StopWhy string

// What makes an agent stop the game.
const (
	StopOrdered StopWhy = "order"
	StopNotice  StopWhy = "notice" // the cloud takes the machine
	StopLease   StopWhy = "lease"  // the lease could not be renewed
	StopAgent   StopWhy = "agent"  // the agent itself was asked to end
)

// OrderRefused tells: the agent did not do what an order said.
type OrderRefused struct {
	Heard
	Operation string        `json:"operation"`
	Kind      OrderKind     `json:"kind"`
	Reason    RefusedOrder  `json:"reason"`
	Players   []Player      `json:"players,omitempty"` // for OrderOccupied
	Age       time.Duration `json:"age,omitempty"`     // for OrderExpired
}

// RefusedOrder is why.
type RefusedOrder string

// The reasons of an agent.
const (
	OrderOccupied RefusedOrder = "occupied" // stop-if-empty, and somebody is connected or connecting
	OrderExpired  RefusedOrder = "expired"  // older than OrderLifetime
	OrderStale    RefusedOrder = "stale"    // of another epoch
	OrderBusy     RefusedOrder = "busy"     // the game is stopping already
)

// LogTail tells: the last lines of the game's log, for an OrderLogTail.
type LogTail struct {
	Heard
	Operation string   `json:"operation"`
	Lines     []string `json:"lines"` // oldest first; without account ids. Hostile
}

// WordsLost tells: this many events of the agent were dropped since it said so
// last, because they could be neither sent nor kept.
type WordsLost struct {
	Heard
	Count int64 `json:"count"`
}

// CloudReport is what the cloud answered to an effect, or what a look at it
// saw.
type CloudReport struct {
	Operation string     `json:"operation"`
	Round     int64      `json:"round"` // Cloud.Round when the effect was made
	Placement string     `json:"placement"`
	Phase     CloudPhase `json:"phase"`
	Capacity  int        `json:"capacity"`        // what was asked for
	Token     string     `json:"token,omitempty"` // for CloudBegun
	Class     CloudClass `json:"class,omitempty"` // for CloudFailed
	Code      string     `json:"code,omitempty"`
	Detail    string     `json:"detail,omitempty"`
	Seen      bool       `json:"seen,omitempty"` // Instances is a fresh list
	Instances []Instance `json:"instances,omitempty"`
	// Boot is what the console says, if that was asked for.
	Boot *BootLog `json:"boot,omitempty"`
}

// CloudPhase is how far a cloud operation is.
type CloudPhase string

// The phases.
const (
	CloudBegun    CloudPhase = "begun"
	CloudProgress CloudPhase = "progress" // under way, or nothing under way: a plain look
	CloudDone     CloudPhase = "done"
	CloudFailed   CloudPhase = "failed"
)

// Timer is a delayed event. It changes nothing unless its number is still the
// one the state waits for.
type Timer struct {
	Kind      TimerKind `json:"kind"`
	Operation string    `json:"operation,omitempty"`
	Number    int64     `json:"number"`
}

// TimerKind is what a delayed event is for.
type TimerKind string

// The kinds of timers.
const (
	TimerLook     TimerKind = "look"     // look at the cloud again
	TimerCheck    TimerKind = "check"    // is everything as it should be?
	TimerDeadline TimerKind = "deadline" // the present phase took too long
)

// Sweep is what reconcile saw at one of the world's placements.
type Sweep struct {
	Placement string     `json:"placement"`
	Instances []Instance `json:"instances,omitempty"`
	Capacity  int        `json:"capacity,omitempty"` // what the scale set was last asked to hold
}

// LeftOver tells what reconcile saw in the resource group that belongs to no
// world: all of it, an empty list too. It goes to the deployment's first world.
type LeftOver struct {
	Items []Leftover `json:"items"`          // in the order of their kinds and names
	More  int        `json:"more,omitempty"` // how many more there are than MaxLeftovers
}

// Bounds of what is told of leftovers, and kept.
const (
	MaxLeftovers    = 6  // one by one
	MaxLeftoverName = 80 // characters: the longest that Azure lets a resource have
)

// Carded tells: the card of a session was posted as this message.
type Carded struct {
	Operation string     `json:"operation"`
	Ref       MessageRef `json:"ref"`
	Again     bool       `json:"again,omitempty"` // because somebody had deleted the first one
}

// SetAside tells: messages came into the queue that no version of the bot that is
// running can read, or that nobody of ours wrote. Nothing was done of them. It
// goes to the deployment's first world, whichever they were for.
type SetAside struct {
	Items []Aside `json:"items"`
}

// Aside is one message that was set aside, or several for the same reason.
type Aside struct {
	Reason AsideReason `json:"reason"`
	Count  int64       `json:"count"` // from 1
	// Key names one of the messages, the one that is told now: it may be told
	// again after a worker died, and is counted once. At most MaxAsideKey
	// characters.
	Key  string `json:"key,omitempty"`
	Kept string `json:"kept,omitempty"` // the name of one of them in the Archive; empty: none is kept
	// What is it that is not known: a schema's number, a type, a world. Hostile.
	What string `json:"what,omitempty"`
}

// MaxAsideKey is how long an Aside's Key may be.
const MaxAsideKey = 16

// AsideReason is why a message was set aside.
type AsideReason string

// The reasons. The first three are for good, and anybody who can write into the
// queue can be the cause; the others may be read by another version.
const (
	AsideMalformed AsideReason = "malformed" // no event at all
	AsideSeal      AsideReason = "seal"      // not sealed by the agent or bot that it names
	AsideSignature AsideReason = "signature" // a command that Discord did not sign
	AsideSchema    AsideReason = "schema"    // of a schema that is not known: anybody can write such a one
	AsideType      AsideReason = "type"      // sealed, and of a type that is not known
	AsideForm      AsideReason = "form"      // signed by Discord, and not understood
	AsideWorld     AsideReason = "world"     // of a world that is not configured
)

// AsideReasons lists all reasons, in the order in which they are told.
func AsideReasons() []AsideReason {
	return []AsideReason{AsideMalformed, AsideSeal, AsideSignature, AsideSchema, AsideType, AsideForm, AsideWorld}
}

// Type implements Payload.
func (*Command) Type() Type      { return "discord.command" }
func (*HostUp) Type() Type       { return "agent.host_up" }
func (*Heartbeat) Type() Type    { return "agent.heartbeat" }
func (*StepBegun) Type() Type    { return "agent.step_begun" }
func (*CannotStart) Type() Type  { return "agent.cannot_start" }
func (*NotKept) Type() Type      { return "agent.not_kept" }
func (*LogTail) Type() Type      { return "agent.log_tail" }
func (*WordsLost) Type() Type    { return "agent.words_lost" }
func (*Listening) Type() Type    { return "agent.listening" }
func (*JoinCode) Type() Type     { return "agent.join_code" }
func (*Connected) Type() Type    { return "agent.connected" }
func (*Spawned) Type() Type      { return "agent.spawned" }
func (*Disconnected) Type() Type { return "agent.disconnected" }
func (*Died) Type() Type         { return "agent.died" }
func (*Refused) Type() Type      { return "agent.refused" }
func (*Raid) Type() Type         { return "agent.raid" }
func (*Saved) Type() Type        { return "agent.saved" }
func (*Crashed) Type() Type      { return "agent.crashed" }
func (*Noticed) Type() Type      { return "agent.noticed" }
func (*SaveProven) Type() Type   { return "agent.save_proven" }
func (*OrderRefused) Type() Type { return "agent.order_refused" }
func (*CloudReport) Type() Type  { return "bot.cloud" }
func (*Timer) Type() Type        { return "bot.timer" }
func (*Sweep) Type() Type        { return "bot.sweep" }
func (*LeftOver) Type() Type     { return "bot.left_over" }
func (*Carded) Type() Type       { return "bot.carded" }
func (*SetAside) Type() Type     { return "bot.set_aside" }
