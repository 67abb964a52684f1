package simgame

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// ErrDamaged says that a world's file is not what was once written.
var ErrDamaged = errors.New("world file is damaged")

// World is what a save holds.
type World struct {
	Name    string  `json:"name"`
	Seed    uint64  `json:"seed"`
	Saves   int     `json:"saves"`   // from 1; 0: never saved
	Seconds float64 `json:"seconds"` // of game time
	// Players by character name.
	Players map[string]Character `json:"players,omitempty"`
	// Chronicle is who came and went, the last MaxChronicle entries.
	Chronicle []Entry `json:"chronicle,omitempty"`
}

// Character is what the world remembers of a player.
type Character struct {
	X      float64       `json:"x"` // metres east of the world's middle
	Z      float64       `json:"z"` // metres north of it
	Deaths int           `json:"deaths,omitempty"`
	Played time.Duration `json:"played"`
}

// Entry is a line of the chronicle.
type Entry struct {
	At   time.Time `json:"at"`
	Name string    `json:"name"`
	What string    `json:"what"` // arrived, left, died
}

// MaxChronicle bounds World.Chronicle.
const MaxChronicle = 500

// DaySeconds is the length of a day of the game.
const DaySeconds = 1800

// Day is the day of the world, from 0.
func (w World) Day() int { return int(w.Seconds / DaySeconds) }

// clone shares nothing with w.
func (w World) clone() World {
	out := w
	out.Players = maps.Clone(w.Players)
	out.Chronicle = slices.Clone(w.Chronicle)
	return out
}

// Two files make a save: a small one that names the world and a large one
// that holds it. Their names changed with version 1.0.
func (f Form) files(world string) (meta, data string) {
	if f.old() {
		return world + ".fwl", world + ".db"
	}
	return world + ".fwl2", world + ".db2"
}

// fileHead begins every file; the checksum of what follows and its length
// stand behind it.
const fileHead = "SIMGAME1"

// encode writes a file: one line with head, SHA-256 and length, then JSON.
func encode(v any) ([]byte, error) {
	body, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		return nil, fmt.Errorf("encode world: %w", err)
	}
	sum := sha256.Sum256(body)
	return append(fmt.Appendf(nil, "%s %s %d\n", fileHead, hex.EncodeToString(sum[:]), len(body)), body...), nil
}

// decode reads what encode wrote; ErrDamaged if it is anything else.
func decode(text []byte, v any) error {
	head, body, ok := strings.Cut(string(text), "\n")
	if !ok {
		return fmt.Errorf("%w: no head line", ErrDamaged)
	}
	sum := sha256.Sum256([]byte(body))
	if want := fmt.Sprintf("%s %s %d", fileHead, hex.EncodeToString(sum[:]), len(body)); head != want {
		return fmt.Errorf("%w: checksum or length differs", ErrDamaged)
	}
	if err := json.Unmarshal([]byte(body), v); err != nil {
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return nil
}

// ReadWorld reads a world's last save from dir, whatever form wrote it.
// fs.ErrNotExist if there is none, ErrDamaged if it cannot be trusted.
func ReadWorld(dir, world string) (World, error) {
	for _, f := range []Form{Steam10, Steam022} {
		w, err := readForm(dir, world, f)
		if !errors.Is(err, fs.ErrNotExist) {
			return w, err
		}
	}
	return World{}, fmt.Errorf("read world %s in %s: %w", world, dir, fs.ErrNotExist)
}

// readForm reads one form's file. Between the two renames of a save there is
// none, only .new, which is whole, and .old.
func readForm(dir, world string, f Form) (World, error) {
	_, data := f.files(world)
	var missing error
	for _, suffix := range []string{"", ".new", ".old"} {
		text, err := os.ReadFile(filepath.Join(dir, data+suffix)) //nolint:gosec // the world's own directory
		if errors.Is(err, fs.ErrNotExist) {
			missing = err
			continue
		}
		if err != nil {
			return World{}, fmt.Errorf("read world: %w", err)
		}
		var w World
		err = decode(text, &w)
		if err != nil && suffix == ".new" { // a first save that was cut off
			missing = fs.ErrNotExist
			continue
		}
		if err != nil {
			return World{}, fmt.Errorf("read world file %s: %w", data+suffix, err)
		}
		return w, nil
	}
	return World{}, fmt.Errorf("read world file %s: %w", data, missing)
}

// load reads the world or begins a new one. A world of the older form is
// taken over by the newer, never the other way, like the game.
func load(dir, world string, f Form) (World, error) {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return World{}, fmt.Errorf("make world directory: %w", err)
	}
	forms := []Form{f}
	if !f.old() {
		forms = append(forms, Steam022)
	}
	for _, form := range forms {
		w, err := readForm(dir, world, form)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil && w.Players == nil {
			w.Players = map[string]Character{}
		}
		return w, err
	}
	return World{Name: world, Players: map[string]Character{}}, nil
}

// store writes a save: first the world, then the file that names it.
func store(dir string, w World, f Form) error {
	meta, data := f.files(w.Name)
	if err := replace(dir, data, w); err != nil {
		return err
	}
	return replace(dir, meta, map[string]any{"name": w.Name, "seed": w.Seed, "saves": w.Saves})
}

// replace writes a file beside the old one, syncs it, and only then puts it
// in its place; the old one stays as .old.
func replace(dir, name string, v any) error {
	text, err := encode(v)
	if err != nil {
		return err
	}
	path := filepath.Join(dir, name)
	if err := writeSynced(path+".new", text); err != nil {
		return err
	}
	if err := os.Rename(path, path+".old"); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("keep last save: %w", err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		return fmt.Errorf("put save in place: %w", err)
	}
	return syncPath(dir)
}

func writeSynced(path string, text []byte) (err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o640) //nolint:gosec // the world's own directory
	if err != nil {
		return fmt.Errorf("write save: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if _, err := f.Write(text); err != nil {
		return fmt.Errorf("write save: %w", err)
	}
	if err := f.Sync(); err != nil {
		return fmt.Errorf("sync save: %w", err)
	}
	return nil
}

// syncPath flushes one file or directory.
func syncPath(path string) (err error) {
	f, err := os.Open(path) //nolint:gosec // the world's own directory
	if err != nil {
		return fmt.Errorf("sync %s: %w", path, err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if err := f.Sync(); err != nil {
		return fmt.Errorf("sync %s: %w", path, err)
	}
	return nil
}

// snapshot is the world as it is now, as the next save will hold it.
func (g *game) snapshot() World {
	now := g.o.Clock.Now()
	g.world.Seconds += now.Sub(g.loaded).Seconds()
	g.loaded = now
	for _, p := range g.peers {
		if p.owner == 0 {
			continue
		}
		c := g.world.Players[p.name]
		c.X += g.rnd.Float64()*40 - 20
		c.Z += g.rnd.Float64()*40 - 20
		c.Played += now.Sub(p.since)
		p.since = now
		g.world.Players[p.name] = c
	}
	w := g.world.clone()
	w.Saves++
	return w
}

func (g *game) chronicle(name, what string) {
	list := append(g.world.Chronicle, Entry{At: g.o.Clock.Now().UTC(), Name: name, What: what})
	if n := len(list) - MaxChronicle; n > 0 {
		list = list[n:]
	}
	g.world.Chronicle = list
}
