package world

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"
)

// Status is where a world is in its life.
type Status string

// The statuses; the doc of package rules draws the ways between them.
const (
	Stopped    Status = "stopped"
	Starting   Status = "starting"   // a machine is wanted
	Booting    Status = "booting"    // a machine exists; its agent has not spoken
	Loading    Status = "loading"    // the agent speaks; the game loads the world
	Online     Status = "online"     // players can connect
	Stopping   Status = "stopping"   // being saved, then deleted
	Relocating Status = "relocating" // the cloud takes, or took, the machine
	Failed     Status = "failed"     // no machine, and somebody should know why
)

// MaxStateBytes bounds a row's state document. A table's text property holds
// 32 Ki characters at most.
const MaxStateBytes = 32_000

// State is everything remembered about one world. It stays under
// MaxStateBytes by construction: every list in it has a bound.
type State struct {
	Schema     int       `json:"schema"`
	World      string    `json:"world"`
	Generation int64     `json:"generation"` // one more with every write
	Status     Status    `json:"status"`
	Since      time.Time `json:"since,omitzero"` // of Status

	Op    Operation   `json:"op"`
	Cloud Cloud       `json:"cloud"`
	Boot  Boot        `json:"boot"`
	Card  *MessageRef `json:"card,omitempty"`
	// Recarded: the card was deleted and posted again once; not a third time.
	Recarded bool `json:"recarded,omitempty"`

	// Again is set when somebody asked for a start while a stop was under
	// way; it is done after the save.
	Again *Again `json:"again,omitempty"`
	// WhenEmpty is set when somebody asked for a stop once nobody is on.
	WhenEmpty *Person `json:"when_empty,omitempty"`
	// Why says in words why the world is Failed, or stops.
	Why string `json:"why,omitempty"`

	Session Session `json:"session"`
	// Move is the last one; it is under way while Move.Online is zero and it
	// began in this session.
	Move Move `json:"move,omitzero"`

	// Stray is a placement at which there was a machine while the world was awake
	// elsewhere: it is looked at once the world is out.
	Stray string `json:"stray,omitempty"`

	// Bill is what the world's machines cost.
	Bill Bill `json:"bill,omitzero"`

	// Unproven is the last boot whose game was open and whose end was never
	// heard; 0 if there is none, or the next boot has told how it ended.
	Unproven int64 `json:"unproven,omitempty"`
	// Tail is set while a keeper waits for lines of the log.
	Tail *Tail `json:"tail,omitempty"`

	// Asides are the messages that were set aside and of which the keeper was
	// not told yet, one a reason. AsideTold is when the keeper was told last.
	Asides    []Aside   `json:"asides,omitempty"`
	AsideTold time.Time `json:"aside_told,omitzero"`
	// AsideSeen are the keys of those heard of last, at most MaxAsideSeen, the
	// oldest first.
	AsideSeen []AsideSeen `json:"aside_seen,omitempty"`

	// Leftovers are those that the last survey saw, at most MaxLeftovers; in the
	// deployment's first world alone.
	Leftovers []LeftoverSeen `json:"leftovers,omitempty"`

	// Crashes are the game's of the last ten minutes, at most three.
	Crashes []time.Time `json:"crashes,omitempty"`
	// Blocked placements are not tried before their time.
	Blocked map[string]time.Time `json:"blocked,omitempty"`
	// Tries counts the rounds through all placements that found no machine.
	Tries int `json:"tries,omitempty"`

	// Numbers of the timers that are waited for; a timer with another number
	// is stale.
	LookNo     int64 `json:"look_no,omitempty"`
	CheckNo    int64 `json:"check_no,omitempty"`
	DeadlineNo int64 `json:"deadline_no,omitempty"`
	// CheckDue is when the check CheckNo is due; whatever happens long after
	// begins a new chain of checks.
	CheckDue time.Time `json:"check_due,omitzero"`
	// ListensSince is when events came again after a time in which none were
	// handled.
	ListensSince time.Time `json:"listens_since,omitzero"`
	// Deadline is when the timer DeadlineNo is due; check sees to it if the
	// timer was lost.
	Deadline time.Time `json:"deadline,omitzero"`
	// RetryAt is set while no placement has a machine: when they are tried
	// again.
	RetryAt time.Time `json:"retry_at,omitzero"`
	// EmptySince is since when nobody is on, while Online.
	EmptySince time.Time `json:"empty_since,omitzero"`
	Idle       Idle      `json:"idle,omitzero"`
	// WishAt is when the last command that changed the wish was given; an
	// older one that arrives later changes nothing.
	WishAt time.Time `json:"wish_at,omitzero"`
	// WishUp: that command wanted the fire to burn.
	WishUp bool `json:"wish_up,omitempty"`
	// Usually is how long a start took of late, as a running mean.
	Usually time.Duration `json:"usually,omitempty"`

	Commands []string  `json:"commands,omitempty"` // ids of the last MaxCommandIDs commands
	Pending  []Pending `json:"pending,omitempty"`
	Unsaid   int       `json:"unsaid,omitempty"` // messages that expired before they could be said
	Write    string    `json:"write,omitempty"`  // names the last write, to know it again after a lost reply
}

// Operation is one start, stop or relocation under way, or the last one.
type Operation struct {
	ID    string    `json:"id,omitempty"` // the id of the event that began it
	By    Person    `json:"by"`
	Since time.Time `json:"since,omitzero"`
	Reply *Reply    `json:"reply,omitempty"` // of the command, while its token lives
	// IfEmpty: the stop is called off if somebody is on.
	IfEmpty bool `json:"if_empty,omitempty"`
	// Told: people were told that what the world's status waits for, a save or a
	// machine, is overdue.
	Told bool `json:"told,omitempty"`
}

// Again is a start that waits for a stop to end.
type Again struct {
	By    Person `json:"by"`
	ID    string `json:"id"`
	Reply *Reply `json:"reply,omitempty"`
}

// Tail is a question for the last lines of the game's log.
type Tail struct {
	Operation string    `json:"operation"` // the id of the command that asked
	At        time.Time `json:"at"`
}

// Cloud is the wish for machines and what is known of them.
type Cloud struct {
	Placement string    `json:"placement,omitempty"`
	Want      int       `json:"want"`               // desired capacity, 0 or 1
	Acting    bool      `json:"acting,omitempty"`   // an operation is under way, as far as we know
	Toward    int       `json:"toward,omitempty"`   // the capacity it goes to
	Token     string    `json:"token,omitempty"`    // resumes it
	Round     int64     `json:"round,omitempty"`    // one more with every scale; reports of an older round are stale
	Settled   bool      `json:"settled,omitempty"`  // the last scale to Want was done
	VM        string    `json:"vm,omitempty"`       // the instance last seen
	Rented    time.Time `json:"rented,omitzero"`    // since when it is paid for
	Failures  int       `json:"failures,omitempty"` // transient ones in a row
	// ConsoleAt is when a machine's console was asked for last.
	ConsoleAt time.Time `json:"console_at,omitzero"`
}

// Boot is one life of one VM and its agent.
type Boot struct {
	Epoch     int64   `json:"epoch,omitempty"`
	Machine   Machine `json:"machine"`
	Up        bool    `json:"up,omitempty"` // host_up was heard, and not yet the end
	Listening bool    `json:"listening,omitempty"`
	// Opened: players could connect at some time of this boot, so there may
	// be something to lose.
	Opened   bool   `json:"opened,omitempty"`
	Version  string `json:"version,omitempty"`
	JoinCode string `json:"join_code,omitempty"`
	// Heard is when the agent spoke last, later by as long as nobody listened
	// since.
	Heard time.Time `json:"heard,omitzero"`
	// Players are at most MaxPlayers; from the 13th on without names.
	Players []Player `json:"players,omitempty"`
	// Connecting is how many are on their way in.
	Connecting int       `json:"connecting,omitempty"`
	Known      bool      `json:"known,omitempty"` // the roster is known; else somebody may be on
	LastSave   time.Time `json:"last_save,omitzero"`
	Proven     bool      `json:"proven,omitempty"`      // the game is down and its save proven or denied
	Confirmed  bool      `json:"confirmed,omitempty"`   // and it is saved
	Noticed    bool      `json:"noticed,omitempty"`     // the cloud announced the end
	Silent     bool      `json:"silent,omitempty"`      // people were told that the agent is silent
	Over       bool      `json:"over,omitempty"`        // this boot is finished: only a higher epoch speaks now
	RosterSeq  int64     `json:"roster_seq,omitempty"`  // Players is the roster as of this event, and
	RosterLast int64     `json:"roster_last,omitempty"` // what is known of later ones up to this
	MemoryMB   int       `json:"memory_mb,omitempty"`
	Seen       Seen      `json:"seen"`

	// ComesUp is since when the game comes up: with the boot, or after a crash.
	ComesUp time.Time `json:"comes_up,omitzero"`
	// Step is the last one that was begun, told by the event StepSeq.
	Step    Step  `json:"step,omitempty"`
	StepSeq int64 `json:"step_seq,omitempty"`
	// Steps is how long each took, once the game was up: at most one each.
	Steps []StepTook `json:"steps,omitempty"`
	// Busy is since when somebody is on; zero while nobody is.
	Busy time.Time `json:"busy,omitzero"`
	// SaveLate: somebody is on, and no save has come for too long. LateTold:
	// the keeper was told of it, of this game.
	SaveLate bool `json:"save_late,omitempty"`
	LateTold bool `json:"late_told,omitempty"`
	// Refusals are those told last, the newest at the end, at most MaxRefusals.
	Refusals []Refusal `json:"refusals,omitempty"`
	// WordsLost counts the agent's events that never came.
	WordsLost int64 `json:"words_lost,omitempty"`
}

// Refusal is one that people were told of.
type Refusal struct {
	Key  uint32    `json:"key"`            // of who and why
	Said time.Time `json:"said"`           // when
	More int       `json:"more,omitempty"` // how often it was so again since
}

// AsideSeen is a message that was set aside, and when that was heard.
type AsideSeen struct {
	Key string    `json:"key"`
	At  time.Time `json:"at"`
}

// LeftoverSeen is one, since when it is seen, and whether it is to be removed.
type LeftoverSeen struct {
	Leftover
	Since   time.Time `json:"since"`
	Removed bool      `json:"removed,omitempty"` // ActRemove deletes it; the cloud may have failed to
}

// Session is one evening, from start to stopped, for the recap and the bill.
type Session struct {
	// ID is the id of the command that began it: it names the card and is in
	// every button made since.
	ID     string    `json:"id,omitempty"`
	Began  time.Time `json:"began,omitzero"`
	Ready  time.Time `json:"ready,omitzero"`
	Played []string  `json:"played,omitempty"` // names, at most MaxPlayed
	Joined bool      `json:"joined,omitempty"` // somebody has been in
	Warned int       `json:"warned,omitempty"` // how many warnings of its end were told, of two
	// Ends is when it ends, if people were warned too late of the end of its time.
	Ends    time.Time `json:"ends,omitzero"`
	Deaths  int       `json:"deaths,omitempty"`
	Evicted int       `json:"evicted,omitempty"`
	// EvictedAt is when a machine was seen to be taken last.
	EvictedAt time.Time `json:"evicted_at,omitzero"`
	// Unbooted is how many machines in a row did not come to start their agent.
	Unbooted int `json:"unbooted,omitempty"`
	// FullPrice: a keeper allowed machines at the full price. Offered: they were
	// asked.
	FullPrice bool `json:"full_price,omitempty"`
	Offered   bool `json:"offered,omitempty"`
	// Guests are the ids of who asked for it, by /start, /join or a button, at
	// most MaxGuests; the first is who began it.
	Guests []string `json:"guests,omitempty"`
	// Paid is the machine time of the session's earlier machines.
	Paid time.Duration `json:"paid,omitempty"`
	// Total is the machine time of all sessions before this one.
	Total time.Duration `json:"total,omitempty"`
}

// Bounds of the lists in a State.
const (
	MaxPlayers    = 64
	MaxPlayed     = 20
	MaxNameRunes  = 32 // of a name; a character's also has at most 48 bytes
	MaxCommandIDs = 64
	MaxSeen       = 256
	MaxRefusals   = 4
	MaxAsideSeen  = 16 // as many as are taken from the poison queue at once
	MaxAsideRunes = 40 // of an Aside's Kept and What

	MaxNamed        = 12 // players with names: the game lets in ten
	MaxCodeRunes    = 16 // of a join code (six digits) or version
	MaxMachineRunes = 64 // of a machine's name, size, zone or address
)

// Seen remembers which events of a boot were handled: all up to Mark, and
// those in Beyond. Later ones than MaxSeen beyond raise Mark.
type Seen struct {
	Mark   int64   `json:"mark"`
	Beyond []int64 `json:"beyond,omitempty"` // ascending
}

// Pending is an effect that is not known to be done.
type Pending struct {
	ID     string `json:"id"`    // generation and index
	Event  string `json:"event"` // the event that asked for it
	Effect Effect `json:"effect"`
	// Doubt: somebody may have performed it and not lived to tell, or got no
	// answer.
	Doubt bool      `json:"doubt,omitempty"`
	Claim string    `json:"claim,omitempty"` // of the worker that performs it
	Until time.Time `json:"until,omitzero"`  // when its claim expires
}

// NewState is the state of a world that was never started.
func NewState(world string) State {
	return State{Schema: SchemaVersion, World: world, Status: Stopped}
}

// OnlinePlayers is the number of players, or -1 while it is unknown.
func (s *State) OnlinePlayers() int {
	running := s.Boot.Up && !s.Boot.Proven && !s.Boot.Over
	if running && !s.Boot.Known {
		return -1
	}
	return len(s.Boot.Players) + s.Boot.Connecting
}

// MachineTime is how long machines were paid for in this session.
func (s *State) MachineTime(now time.Time) time.Duration {
	d := s.Session.Paid
	if !s.Cloud.Rented.IsZero() {
		d += now.Sub(s.Cloud.Rented)
	}
	return d
}

// Clone is a copy whose lists are its own. What its pointers lead to is never
// changed in place, only replaced.
func (s State) Clone() State {
	s.Boot.Players = slices.Clone(s.Boot.Players)
	s.Boot.Steps = slices.Clone(s.Boot.Steps)
	s.Boot.Refusals = slices.Clone(s.Boot.Refusals)
	s.Boot.Seen.Beyond = slices.Clone(s.Boot.Seen.Beyond)
	s.Session.Played = slices.Clone(s.Session.Played)
	s.Session.Guests = slices.Clone(s.Session.Guests)
	s.Move.Players = slices.Clone(s.Move.Players)
	s.Asides = slices.Clone(s.Asides)
	s.AsideSeen = slices.Clone(s.AsideSeen)
	s.Leftovers = slices.Clone(s.Leftovers)
	s.Crashes = slices.Clone(s.Crashes)
	s.Blocked = maps.Clone(s.Blocked)
	s.Commands = slices.Clone(s.Commands)
	s.Pending = slices.Clone(s.Pending)
	return s
}

// Encode writes the state document; ErrTooLarge above MaxStateBytes.
func (s State) Encode() ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false) // no page: six bytes for a "<" would tell on the bound
	if err := enc.Encode(s); err != nil {
		return nil, fmt.Errorf("encode state of %s: %w", s.World, err)
	}
	b := bytes.TrimSuffix(buf.Bytes(), []byte("\n"))
	if len(b) > MaxStateBytes {
		return nil, fmt.Errorf("encode state of %s: %w: %d bytes of at most %d", s.World, ErrTooLarge, len(b), MaxStateBytes)
	}
	return b, nil
}

// DecodeState reads a state document; ErrMalformed or ErrSchema.
func DecodeState(b []byte) (State, error) {
	var s State
	if err := json.Unmarshal(b, &s); err != nil {
		return State{}, fmt.Errorf("decode state: %w: %w", ErrMalformed, err)
	}
	if s.Schema < 1 || s.Schema < SchemaVersion-1 || s.Schema > SchemaVersion {
		return State{}, fmt.Errorf("decode state: %w: %d, this is %d", ErrSchema, s.Schema, SchemaVersion)
	}
	return s, nil
}
