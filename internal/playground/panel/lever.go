package panel

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// LeverName names something the panel can do to the pretend world.
type LeverName string

// The levers. Each but NoCapacity and BootFails is pulled once and is done.
const (
	PlayerJoin    LeverName = "player_join"    // Player comes in
	PlayerDie     LeverName = "player_die"     // Player dies
	PlayerLeave   LeverName = "player_leave"   // Player leaves
	AllLeave      LeverName = "all_leave"      // everybody leaves
	OldClient     LeverName = "old_client"     // somebody with an old version of the game tries
	WrongPassword LeverName = "wrong_password" // somebody tries with a wrong password
	Evict         LeverName = "evict"          // the cloud takes the machine, with notice
	EvictShort    LeverName = "evict_short"    // the same, with less notice than it promises
	Vanish        LeverName = "vanish"         // the same, without a word
	Reboot        LeverName = "reboot"         // the cloud announces to restart the machine
	NoCapacity    LeverName = "no_capacity"    // the cloud has no machine (On), or has again
	BootFails     LeverName = "boot_fails"     // machines that boot give up before their agent begins (On), or no more
	Crash         LeverName = "crash"          // the game's process dies
)

// Seconds of notice that Evict and EvictShort give unless the pull says
// otherwise. Azure announces an eviction up to 30 seconds ahead, and users
// report less than ten.
const (
	NoticeSeconds      = 30
	ShortNoticeSeconds = 8
	MaxNoticeSeconds   = 900
)

// MaxPlayerName is how many characters a player's name may have. The game
// itself allows 15; the rest is there to try what a hostile client does.
const MaxPlayerName = 64

// Lever is one pull.
type Lever struct {
	Name LeverName `json:"name"`
	// World is the id of the world that it is pulled for; empty: the one that the
	// panel shows.
	World string `json:"world,omitempty"`
	// Player is the character that comes, dies or leaves: required for
	// PlayerJoin, PlayerDie and PlayerLeave. For OldClient and WrongPassword
	// it may be empty.
	Player string `json:"player,omitempty"`
	// NoticeSeconds is how long before the machine goes the cloud says so;
	// 1 to MaxNoticeSeconds, for Evict and EvictShort only. 0 means their
	// default.
	NoticeSeconds int  `json:"notice_seconds,omitempty"`
	On            bool `json:"on,omitempty"` // for NoCapacity and BootFails
}

// Refusal is why the playground did not do something, as a sentence for
// people. A Playground returns one for everything a person can mend.
type Refusal struct{ Sentence string }

// Error implements error.
func (r *Refusal) Error() string { return r.Sentence }

// Refuse makes a Refusal.
func Refuse(format string, args ...any) error {
	return &Refusal{Sentence: fmt.Sprintf(format, args...)}
}

// normalize checks a pull as it came from the page and fills in defaults. Its
// error is a *Refusal.
func (l *Lever) normalize() error {
	l.Player = strings.TrimSpace(l.Player)
	if n := utf8.RuneCountInString(l.Player); n > MaxPlayerName {
		return Refuse("That name has %d characters: at most %d.", n, MaxPlayerName)
	}
	if !utf8.ValidString(l.Player) || strings.ContainsFunc(l.Player, unicode.IsControl) {
		return Refuse("That name has characters that cannot be typed: choose another.")
	}
	notice := 0
	switch l.Name {
	case PlayerJoin, PlayerDie, PlayerLeave:
		if l.Player == "" {
			return Refuse("Say which player: the name is empty.")
		}
	case Evict:
		notice = NoticeSeconds
	case EvictShort:
		notice = ShortNoticeSeconds
	case AllLeave, OldClient, WrongPassword, Vanish, Reboot, NoCapacity, BootFails, Crash:
	default:
		return Refuse("There is no lever %q: reload the page.", l.Name)
	}
	switch {
	case notice == 0 && l.NoticeSeconds != 0:
		return Refuse("The lever %q gives no notice: leave notice_seconds out.", l.Name)
	case l.NoticeSeconds < 0 || l.NoticeSeconds > MaxNoticeSeconds:
		return Refuse("A notice of %d seconds cannot be given: choose 1 to %d.", l.NoticeSeconds, MaxNoticeSeconds)
	case l.NoticeSeconds == 0:
		l.NoticeSeconds = notice
	}
	return nil
}
