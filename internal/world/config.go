package world

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Guild says where in Discord a deployment lives and who its keepers are.
type Guild struct {
	ID            string
	Channel       string
	KeeperRole    string // empty: keepers are those who may manage the guild
	KeeperChannel string // empty: the keeper is told in Channel
}

// Config is one world's configuration: an object of HEARTH_WORLDS.
type Config struct {
	ID         string      `json:"id"`   // names queues and rows: 1–24 of a-z, 0-9 and single inner dashes; not …-poison
	Name       string      `json:"name"` // as people see it, 1–40 characters
	Placements []Placement `json:"placements"`
	Port       int         `json:"port,omitempty"`     // UDP, of the game; default 2456
	Password   Secret      `json:"password,omitempty"` // shown by /join
	Roles      []string    `json:"roles,omitempty"`    // ids of those who may play; empty: everybody in the channel
	// IdleMinutes is how long nobody may be on before people are warned, and a
	// few minutes later the fire goes out; default 10, 0 < m <= 720.
	IdleMinutes int `json:"idle_minutes,omitempty"`
	// NeverJoinedMinutes is the same while nobody has come in at all since the
	// start; 0: DefaultNeverJoinedMin.
	NeverJoinedMinutes int `json:"never_joined_minutes,omitempty"`
	// SessionHours is how long a session may last, whoever is on; it may be a
	// fraction. 0: DefaultSessionHours.
	SessionHours float64 `json:"session_hours,omitempty"`
	// MonthlyDollars is what the world's machines may cost in a calendar month;
	// it may be a fraction. 0: no limit.
	MonthlyDollars float64 `json:"monthly_dollars,omitempty"`
	// CentsPerHour is what a machine costs at each placement that names no
	// price; thousandths of a dollar would be lost in rounding, so it may be a
	// fraction. It is not the price of Regular ones.
	CentsPerHour float64 `json:"cents_per_hour,omitempty"`
}

// Placement is a scale set and, optionally, a VM size to set on it.
type Placement struct {
	ID     string `json:"id"`             // the scale set's name
	Size   string `json:"size,omitempty"` // empty: the set's own
	Region string `json:"region,omitempty"`
	// Regular machines are never taken back and cost the full price: they are
	// rented only when a keeper said so, for one session.
	Regular bool `json:"regular,omitempty"`
	// CentsPerHour is what a machine here costs, its address included, as of
	// PricedOn (such as 2026-11-30); 0: what package price knows. It may be a
	// fraction.
	CentsPerHour float64 `json:"cents_per_hour,omitempty"`
	PricedOn     string  `json:"priced_on,omitempty"`
}

// Limits of the configuration.
const (
	MaxWorlds      = 25
	MaxPlacements  = 25 // of one world
	MaxWorldName   = 40 // characters
	DefaultPort    = 2456
	DefaultIdleMin = 10

	DefaultNeverJoinedMin = 30
	DefaultSessionHours   = 24
	MinSessionHours       = 0.25
	MaxSessionHours       = 168 // a week

	maxWorldID = 24
)

// The forms of ids are checked by hand: to compile expressions for them takes
// longer than everything else until a process answers its first interaction.

func small(c byte) bool { return 'a' <= c && c <= 'z' }
func digit(c byte) bool { return '0' <= c && c <= '9' }

// dashed: of a-z, 0-9 and single inner dashes.
func dashed(text string) bool {
	for part := range strings.SplitSeq(text, "-") {
		if part == "" || !only(part, func(c byte) bool { return small(c) || digit(c) }) {
			return false
		}
	}
	return true
}

func isRoleID(text string) bool {
	return text != "" && len(text) <= 20 && only(text, digit)
}

// isPlacementID: the name of a scale set.
func isPlacementID(text string) bool {
	alphanumeric := func(c byte) bool { return small(c|0x20) || digit(c) }
	return text != "" && len(text) <= 64 && alphanumeric(text[0]) &&
		only(text, func(c byte) bool { return alphanumeric(c) || c == '.' || c == '_' || c == '-' })
}

func only(text string, ok func(byte) bool) bool {
	for i := range len(text) {
		if !ok(text[i]) {
			return false
		}
	}
	return true
}

// IsWorldID tells whether a text can be a world's id: 1 to 24 of a-z, 0-9 and
// single inner dashes, not ending in -poison. A storage queue's name
// has no two dashes in a row, and "orders-x-poison" is where the poison of
// "orders-x" goes.
func IsWorldID(id string) bool {
	return len(id) <= maxWorldID && dashed(id) && !strings.HasSuffix(id, PoisonQueue(""))
}

// AgentKeySetting is the setting that holds the key of a world's agent: HEARTH_AGENT_KEY_
// and the id, in capitals and with underscores, as names of variables are.
func AgentKeySetting(id string) string {
	return "HEARTH_AGENT_KEY_" + variable(id)
}

// PasswordSetting is the setting that holds the password of a world's game, as
// AgentKeySetting is named. It stands in for Config.Password, so that
// HEARTH_WORLDS need not hold a secret.
func PasswordSetting(id string) string { return "HEARTH_PASSWORD_" + variable(id) }

func variable(id string) string { return strings.ToUpper(strings.ReplaceAll(id, "-", "_")) }

// ParseWorlds reads HEARTH_WORLDS: a JSON array of one object per world. The
// error names every problem at once, each with what to do about it.
func ParseWorlds(text string) ([]Config, error) {
	if strings.TrimSpace(text) == "" {
		return nil, errors.New(`HEARTH_WORLDS is empty: give it a JSON array such as [{"id":"midgard","name":"Midgard","placements":[{"id":"vmss-midgard"}]}]`)
	}
	dec := json.NewDecoder(strings.NewReader(text))
	dec.DisallowUnknownFields()
	var worlds []Config
	if err := dec.Decode(&worlds); err != nil {
		return nil, fmt.Errorf("HEARTH_WORLDS is not the JSON it should be (%w): it is an array of objects with id, name, placements, and optionally port, password, roles, idle_minutes, never_joined_minutes, session_hours, monthly_dollars, cents_per_hour", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("HEARTH_WORLDS has text after its JSON array: remove it")
	}
	var problems []error
	if len(worlds) == 0 || len(worlds) > MaxWorlds {
		problems = append(problems, fmt.Errorf("HEARTH_WORLDS has %d worlds: one deployment keeps 1 to %d", len(worlds), MaxWorlds))
	}
	seen, owner := map[string]bool{}, map[string]string{}
	for i := range worlds {
		w := &worlds[i]
		w.applyDefaults()
		problems = append(problems, w.problems(i)...)
		if seen[w.ID] {
			problems = append(problems, fmt.Errorf("world %q appears twice: ids must differ", w.ID))
		}
		seen[w.ID] = true
		for _, p := range w.Placements {
			if other, taken := owner[p.ID]; taken && other != w.ID {
				problems = append(problems, fmt.Errorf("placement %q is used by worlds %q and %q: each world needs scale sets of its own, or stopping one deletes the other's machine", p.ID, other, w.ID))
			}
			owner[p.ID] = w.ID
		}
	}
	if err := errors.Join(problems...); err != nil {
		return nil, fmt.Errorf("HEARTH_WORLDS: %w", err)
	}
	return worlds, nil
}

func (c *Config) applyDefaults() {
	if c.Port == 0 {
		c.Port = DefaultPort
	}
	if c.IdleMinutes == 0 {
		c.IdleMinutes = DefaultIdleMin
	}
	if c.Name == "" {
		c.Name = c.ID
	}
	for i := range c.Placements {
		if p := &c.Placements[i]; p.CentsPerHour == 0 && !p.Regular {
			p.CentsPerHour = c.CentsPerHour
		}
	}
}

func (c *Config) problems(i int) []error {
	var ps []error
	bad := func(format string, args ...any) {
		ps = append(ps, fmt.Errorf("world %d (%q): "+format, append([]any{i + 1, c.ID}, args...)...))
	}
	switch {
	case len(c.ID) > maxWorldID || !dashed(c.ID):
		bad("id must be 1 to %d of a-z, 0-9 and single inner dashes: it names queues and rows", maxWorldID)
	case !IsWorldID(c.ID):
		bad("id ends in %q, which names the queue of another world's broken orders: choose another id", PoisonQueue(""))
	}
	if n := utf8.RuneCountInString(c.Name); n > MaxWorldName {
		bad("name has %d characters: at most %d", n, MaxWorldName)
	}
	if c.Name != "" && (Visible(c.Name, MaxWorldName) == "" || strings.ContainsFunc(c.Name, unicode.IsControl)) {
		bad("name %q has a line break, or nothing that can be seen: write one line of text", c.Name)
	}
	if err := CheckPassword(c.Password, c.Name); err != nil {
		bad("password: %w", err)
	}
	for _, role := range c.Roles {
		if !isRoleID(role) {
			bad("role %q is not the id of a role: in Discord switch on developer mode, then copy the role's id", role)
		}
	}
	if c.Port < 1024 || c.Port > 65534 {
		bad("port is %d: choose one from 1024 to 65534", c.Port)
	}
	if c.IdleMinutes < 1 || c.IdleMinutes > 720 {
		bad("idle_minutes is %d: choose 1 to 720", c.IdleMinutes)
	}
	if c.NeverJoinedMinutes < 0 || c.NeverJoinedMinutes > 720 {
		bad("never_joined_minutes is %d: choose 1 to 720", c.NeverJoinedMinutes)
	}
	if h := c.SessionHours; h != 0 && (h < MinSessionHours || h > MaxSessionHours) {
		bad("session_hours is %v: choose %v to %v", h, MinSessionHours, MaxSessionHours)
	}
	if c.MonthlyDollars < 0 || c.MonthlyDollars > 10_000 {
		bad("monthly_dollars is %v: choose up to 10000, or 0 for no limit", c.MonthlyDollars)
	}
	if c.CentsPerHour < 0 || c.CentsPerHour > 1000 {
		bad("cents_per_hour is %v: choose 0 to 1000", c.CentsPerHour)
	}
	if len(c.Placements) == 0 {
		bad(`placements is empty: name at least one scale set, as in [{"id":"vmss-midgard"}]`)
	}
	if n := len(c.Placements); n > MaxPlacements {
		bad("placements has %d entries: at most %d", n, MaxPlacements)
	}
	seen := map[string]bool{}
	for _, p := range c.Placements {
		if !isPlacementID(p.ID) {
			bad("placement id %q is not the name of a scale set", p.ID)
		}
		if seen[p.ID] {
			bad("placement %q appears twice", p.ID)
		}
		seen[p.ID] = true
		if p.CentsPerHour < 0 || p.CentsPerHour > 1000 {
			bad("cents_per_hour of placement %q is %v: choose 0 to 1000", p.ID, p.CentsPerHour)
		}
		if _, err := time.Parse(time.DateOnly, p.PricedOn); p.PricedOn != "" && err != nil {
			bad("priced_on of placement %q is %q: write the day as 2026-11-30", p.ID, p.PricedOn)
		}
	}
	return ps
}

// Placement returns the placement with this id.
func (c *Config) Placement(id string) (Placement, bool) {
	for _, p := range c.Placements {
		if p.ID == id {
			return p, true
		}
	}
	return Placement{}, false
}

// Idle is how long nobody may be on before people are warned that the fire goes
// out.
func (c *Config) Idle() time.Duration { return time.Duration(c.IdleMinutes) * time.Minute }

// NeverJoined is Idle while nobody has come in at all.
func (c *Config) NeverJoined() time.Duration {
	if c.NeverJoinedMinutes == 0 {
		return DefaultNeverJoinedMin * time.Minute
	}
	return time.Duration(c.NeverJoinedMinutes) * time.Minute
}

// SessionMost is how long a session may last.
func (c *Config) SessionMost() time.Duration {
	if c.SessionHours == 0 {
		return DefaultSessionHours * time.Hour
	}
	return time.Duration(c.SessionHours * float64(time.Hour))
}
