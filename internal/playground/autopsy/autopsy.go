// Package autopsy looks into the folder of a playground that no process has
// open any more, for tests: what was there when its process was killed, and
// whether all is well after somebody went on.
package autopsy

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"hearth/internal/clock"
	"hearth/internal/sim/simdiscord"
	"hearth/internal/sqlite"
	"hearth/internal/world"
)

// Folder is what a playground left behind, with one world.
type Folder struct {
	Dir          string
	State        world.State
	Events       [][]byte // that waited, or were in somebody's hands; at most 32
	Poisoned     int      // events in the poison queue
	Messages     []Message
	Interactions []Interaction
	Sets         []Set
}

// Message is a message of the channel, as discord.json has it.
type Message struct {
	simdiscord.Message
	Nonce string `json:"nonce"`
}

// Interaction is a use of a command or button that was not long ago.
type Interaction struct {
	ID    string `json:"id"`
	Stage string `json:"stage"` // pending, answered, void
	// Original is the message that shows the answer, if it was answered.
	Original string `json:"original"`
}

// Set is a scale set of cloud.json.
type Set struct {
	ID       string `json:"id"`
	Capacity int    `json:"capacity"`
	Ops      []struct {
		Done bool `json:"done"`
	} `json:"ops"`
	VM *struct {
		ID    string `json:"id"`
		State string `json:"state"`
	} `json:"vm"`
}

// Read opens the folder, which proves that nobody else has it open, and reads
// it. An error says what is not sound.
func Read(ctx context.Context, dir, worldID string) (*Folder, error) {
	f := &Folder{Dir: dir, State: world.NewState(worldID)}
	var channel struct {
		Messages     []Message     `json:"messages"`
		Interactions []Interaction `json:"interactions"`
	}
	sets, cloudErr := Sets(dir)
	err := errors.Join(f.database(ctx, worldID), readJSON(filepath.Join(dir, "discord.json"), &channel), cloudErr)
	f.Messages, f.Interactions, f.Sets = channel.Messages, channel.Interactions, sets
	return f, err
}

// Sets reads the pretend cloud's file, which may be in use.
func Sets(dir string) ([]Set, error) {
	var cloud struct {
		Sets []Set `json:"sets"`
	}
	err := readJSON(filepath.Join(dir, "cloud.json"), &cloud)
	return cloud.Sets, err
}

// readJSON reads a file, if there is one.
func readJSON(path string, into any) error {
	b, err := os.ReadFile(path) //nolint:gosec // the tester's own folder
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = json.Unmarshal(b, into)
	}
	return err
}

func (f *Folder) database(ctx context.Context, worldID string) (err error) {
	path := filepath.Join(f.Dir, "hearth.db")
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	db, err := sqlite.Open(ctx, path, clock.System{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if err := db.Check(ctx); err != nil {
		return err
	}
	row, err := db.Store().Load(ctx, world.Key{Guild: simdiscord.DefaultGuildID, World: worldID})
	switch {
	case err == nil:
		f.State = row.State
	case !errors.Is(err, world.ErrNotFound):
		return err
	}
	waiting, err := db.Queue(world.EventsQueue).Peek(ctx, 32)
	if err != nil {
		return err
	}
	for _, m := range waiting {
		f.Events = append(f.Events, m.Body)
	}
	poison, err := db.Queue(world.PoisonQueue(world.EventsQueue)).Stats(ctx)
	f.Poisoned = poison.Visible + poison.Hidden
	return err
}

// Machines counts those that exist.
func Machines(sets []Set) int {
	n := 0
	for _, s := range sets {
		if s.VM != nil {
			n++
		}
	}
	return n
}

// Unanswered tells whether an interaction was with the endpoint when the
// process ended: nobody was told that it was accepted, and it may have been.
func (f *Folder) Unanswered() bool {
	for _, i := range f.Interactions {
		if i.Stage != "answered" {
			return true
		}
	}
	return false
}
