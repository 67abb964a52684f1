package simgame

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"

	"hearth/internal/world"
)

// Form is a version and backend whose line forms the game writes.
type Form string

// The forms.
const (
	Steam022    Form = "steam-0.22"
	Steam10     Form = "steam-1.0"
	Crossplay10 Form = "crossplay-1.0"
)

// Forms are all forms.
func Forms() []Form { return []Form{Steam022, Steam10, Crossplay10} }

func (f Form) crossplay() bool { return f == Crossplay10 }

func (f Form) old() bool { return f == Steam022 }

// version is the form's usual version and its network version (facts of the
// field: 0.221.12 has 36, 1.0.12 to 1.0.16 have 40).
func (f Form) version() (version string, network int) {
	if f.old() {
		return "0.221.12", 36
	}
	return "1.0.16", 40
}

// Options say which game to be. Clock, Dir and Out are required.
type Options struct {
	Clock      world.Clock
	Dir        string        // holds the world's files and outlives the machine; made if missing
	World      string        // names the files: 1–40 letters, digits, _ and -; default Midgard
	ServerName string        // as players see it, at most 64 characters; default World
	Password   string        // empty: none is asked for; else at least 5 characters, like the game
	Form       Form          // default crossplay-1.0
	SaveEvery  time.Duration // between autosaves; default 30 minutes, the game's own
	LoadFor    time.Duration // from the start to listening; 0: at once
	// NeverListen: the game tries to open its server for ever.
	NeverListen bool
	Seed        uint64    // of everything that is random
	Out         io.Writer // the log; a failed write is ignored, as the game does
	Version     string    // default: the form's usual one
}

// The defaults of Options.
const (
	DefaultWorld     = "Midgard"
	DefaultForm      = Crossplay10
	DefaultSaveEvery = 30 * time.Minute
	minPassword      = 5
)

var (
	worldName   = regexp.MustCompile(`^[A-Za-z0-9_-]{1,40}$`)
	versionText = regexp.MustCompile(`^\d[\w.-]{0,30}$`)
)

// Check names every problem that keeps Run from beginning, all at once.
func (o Options) Check() error {
	_, err := o.prepare()
	return err
}

// prepare fills in defaults and names every problem at once.
func (o Options) prepare() (Options, error) {
	if o.World == "" {
		o.World = DefaultWorld
	}
	if o.ServerName == "" {
		o.ServerName = o.World
	}
	if o.Form == "" {
		o.Form = DefaultForm
	}
	if o.SaveEvery == 0 {
		o.SaveEvery = DefaultSaveEvery
	}
	if o.Version == "" {
		o.Version, _ = o.Form.version()
	}
	var problems []error
	bad := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }
	if o.Clock == nil {
		bad("no clock: give it a world.Clock")
	}
	if o.Out == nil {
		bad("no log: give it a writer")
	}
	if o.Dir == "" {
		bad("no directory for the world's files: name one that outlives the machine")
	}
	if !worldName.MatchString(o.World) {
		bad("world %q names files: use 1 to 40 letters, digits, _ and -", o.World)
	}
	if len([]rune(o.ServerName)) > 64 || strings.ContainsAny(o.ServerName, "\r\n") {
		bad("server name %q: use one line of at most 64 characters", o.ServerName)
	}
	if !slices.Contains(Forms(), o.Form) {
		bad("form %q is unknown: choose one of %v", o.Form, Forms())
	}
	if o.SaveEvery < time.Second {
		bad("%v between saves: choose at least 1s", o.SaveEvery)
	}
	if o.LoadFor < 0 {
		bad("%v to load: choose 0s or more", o.LoadFor)
	}
	if !versionText.MatchString(o.Version) {
		bad("version %q: write it like 1.0.16", o.Version)
	}
	if err := errors.Join(problems...); err != nil {
		return o, fmt.Errorf("game options: %w", err)
	}
	return o, nil
}
