package panel

import (
	"encoding/json"
	"time"
)

// Snapshot is the whole playground at one moment, as the panel shows it. Its
// JSON is the data of the "state" event. Text in it may be chosen by players
// and is hostile: the page only ever makes text nodes of it.
type Snapshot struct {
	// Now is the playground's own clock, which Speed may have run ahead of
	// the wall's. Every other time here is on the same clock.
	Now   time.Time `json:"now"`
	Speed float64   `json:"speed"` // times the wall's clock, MinSpeed to MaxSpeed
	// SpeedFixed: it cannot be changed, so nothing is there to change it with.
	SpeedFixed bool  `json:"speed_fixed"`
	World      World `json:"world"`
	// Status is one of stopped, starting, booting, loading, online, stopping,
	// relocating, failed. The page draws any other as stopped.
	Status     string    `json:"status"`
	StatusText string    `json:"status_text"` // one sentence: what happens now and why
	Since      time.Time `json:"since,omitzero"`
	// Step is the lit one of the strip; empty when none is, as before the
	// first start.
	Step Step `json:"step"`

	Players []Player `json:"players"`
	// PlayersKnown is false while nobody can say who is on. Unknown is not
	// zero.
	PlayersKnown bool   `json:"players_known"`
	Connecting   int    `json:"connecting"` // on their way in
	Address      string `json:"address,omitempty"`
	JoinCode     string `json:"join_code,omitempty"`

	LastSave time.Time `json:"last_save,omitzero"`
	// SaveProven is true when LastSave was proven by the agent to hold
	// everything that happened: nothing can be lost any more.
	SaveProven bool `json:"save_proven"`

	SessionCents float64 `json:"session_cents"` // simulated, from start to stopped; US cents
	TotalCents   float64 `json:"total_cents"`   // of all sessions, this one included
	MonthCents   float64 `json:"month_cents"`   // in the calendar month, UTC
	CapCents     float64 `json:"cap_cents"`     // what that may be; 0: anything
	// CentsPerHour is what is paid for at this moment, 0 without a machine.
	// The page counts the sums on with it between snapshots.
	CentsPerHour float64 `json:"cents_per_hour"`

	Machines   []Machine   `json:"machines"`
	Placements []Placement `json:"placements"`
	Lease      Lease       `json:"lease"`
	Queues     []Queue     `json:"queues"`
	Row        Row         `json:"row"`
	Log        []Line      `json:"log"` // the last events, oldest first

	// Levers tells of each lever whether it can be pulled. One that is
	// missing is shown disabled.
	Levers map[LeverName]LeverState `json:"levers"`
	// Guide tells which steps of the tour were done: light it; let somebody
	// in; take the machine away; put it out.
	Guide [4]bool `json:"guide"`
}

// World names the world.
type World struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// WorldRow is one world's row at one moment.
type WorldRow struct {
	Now   time.Time `json:"now"` // by the playground's clock, as all times in the row
	World World     `json:"world"`
	Row   Row       `json:"row"`
}

// Step is a stage of an evening, in the order of the constants.
type Step string

// The strip over the panel.
const (
	StepAsk     Step = "ask"     // somebody typed /start
	StepMachine Step = "machine" // a machine is wanted or boots
	StepWorld   Step = "world"   // the game loads the world
	StepPlay    Step = "play"    // players can connect
	StepSave    Step = "save"    // the world is being saved
	StepGone    Step = "gone"    // the machine is deleted
)

// Player is somebody in the world.
type Player struct {
	Name string `json:"name"` // the character's; hostile
}

// Machine is a VM that exists in the pretend cloud.
type Machine struct {
	Name      string    `json:"name"`
	Placement string    `json:"placement"`
	Size      string    `json:"size,omitempty"`
	Zone      string    `json:"zone,omitempty"`
	State     string    `json:"state"` // the cloud's word: creating, running, deleting …
	Since     time.Time `json:"since,omitzero"`
}

// Placement is a place a machine can be had from, in the order of preference.
type Placement struct {
	ID     string `json:"id"`
	Region string `json:"region,omitempty"`
	Active bool   `json:"active"` // the world's machine is, or is wanted, here
	// Blocked is until when it is not tried, after it had no capacity.
	Blocked time.Time `json:"blocked,omitzero"`
}

// Lease is the right to run the world's game.
type Lease struct {
	Holder  string    `json:"holder,omitempty"` // empty: free
	Epoch   int64     `json:"epoch"`            // number of the boot
	Expires time.Time `json:"expires,omitzero"`
}

// Queue counts the messages of one queue.
type Queue struct {
	Name    string `json:"name"`
	Visible int    `json:"visible"` // can be received now
	Hidden  int    `json:"hidden"`  // delayed, or in somebody's hands
	Poison  int    `json:"poison"`  // no handler could take them
}

// Row is the world's stored state.
type Row struct {
	ETag       string          `json:"etag"`
	Generation int64           `json:"generation"`
	JSON       json.RawMessage `json:"json,omitempty"` // valid JSON, or empty
}

// Line is something that happened.
type Line struct {
	Time time.Time `json:"time"`
	Text string    `json:"text"`
}

// LeverState says whether a lever can be pulled.
type LeverState struct {
	Enabled bool `json:"enabled"`
	// Why is a sentence for people: why it makes no sense now. Ignored while
	// Enabled.
	Why string `json:"why,omitempty"`
	On  bool   `json:"on,omitempty"` // for NoCapacity and BootFails
}
