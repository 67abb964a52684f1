package saves

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// What is left in Options.Home.
const (
	markerName = "hearth-world.json"
	proofName  = "hearth-proof.json"
	probeName  = ".hearth-probe"
)

// maxNote bounds what is read of a marker or a proof, in bytes.
const maxNote = 16 << 10

// marker says that a world has been here.
type marker struct {
	ID    string `json:"world"`
	World string `json:"files"` // their name
	Form  form   `json:"form"`  // empty: not known
}

// readMarker returns the marker; ok is false if there is none. One that can't
// be understood says nothing but that there is one.
func (d *Dir) readMarker() (m marker, ok bool, err error) {
	b, err := readNote(filepath.Join(d.o.Home, markerName))
	if errors.Is(err, fs.ErrNotExist) {
		return m, false, nil
	}
	if _, isNote := errors.AsType[*noteError](err); isNote {
		return m, true, nil
	}
	if err != nil {
		return m, false, err
	}
	if json.Unmarshal(b, &m) != nil {
		m = marker{}
	}
	return m, true, nil
}

// mark writes the marker unless it stands there already.
func (d *Dir) mark(f form, was marker) error {
	m := marker{ID: d.o.ID, World: d.o.World, Form: f}
	if m == was {
		return nil
	}
	b, err := json.Marshal(m)
	if err != nil {
		return err
	}
	return d.leave(markerName, b)
}

// leave writes a note in Home in one step.
func (d *Dir) leave(name string, b []byte) error {
	path := filepath.Join(d.o.Home, name)
	if err := writeSynced(path+".new", b); err != nil {
		return err
	}
	if err := os.Rename(path+".new", path); err != nil {
		return err
	}
	return syncFolder(d.o.Home)
}

// noteError: what lies there is no note of Hearth's.
type noteError struct{ what string }

func (e *noteError) Error() string { return e.what }

// readNote reads a note; fs.ErrNotExist if there is none, a *noteError if it is
// no file or too large to be one.
func readNote(path string) ([]byte, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, &noteError{"it is no file"}
	}
	f, err := os.Open(path) //nolint:gosec // a name of ours in the world's own folder
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // it was only read
	b, err := io.ReadAll(io.LimitReader(f, maxNote+1))
	if err == nil && len(b) > maxNote {
		err = &noteError{fmt.Sprintf("it has more than %d bytes", maxNote)}
	}
	return b, err
}

// writeSynced writes a file and flushes it.
func writeSynced(path string, b []byte) (err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600) //nolint:gosec // a name of ours in the world's own folder
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if _, err := f.Write(b); err != nil {
		return err
	}
	return f.Sync()
}
