package saves

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"hearth/internal/world"
)

// LeaveProof implements world.Files. A confirmed save is marked, too: from then
// on the world has been here.
func (d *Dir) LeaveProof(ctx context.Context, p world.Proof) error {
	_, err := writing(ctx, d, func() (struct{}, error) { return struct{}{}, d.leaveProof(p) })
	if err != nil {
		return fmt.Errorf("leave proof in %s: %w", d.o.Home, err)
	}
	return nil
}

func (d *Dir) leaveProof(p world.Proof) error {
	if err := d.home(); err != nil {
		return err
	}
	b, err := json.Marshal(p)
	if err != nil {
		return err
	}
	if err := d.leave(proofName, b); err != nil {
		return err
	}
	if !p.Confirmed || p.Untouched {
		return nil
	}
	was, _, err := d.readMarker()
	if err != nil {
		return err
	}
	found, err := d.find()
	if err != nil || !found.whole() {
		return err // the proof is what was asked for, and it stands
	}
	return d.mark(found.form, was)
}

// home makes the folder that notes are left in, if that is for Hearth to do: a
// share's mount point is not.
func (d *Dir) home() error {
	if d.o.Home != d.o.Dir || d.o.MustMount {
		return nil
	}
	return os.MkdirAll(d.o.Home, 0o750)
}

// LastProof implements world.Files. What is no proof, or another world's, is
// world.ErrNotFound too, and the error says what it is: a boot must not fail
// for what the last one could not finish.
func (d *Dir) LastProof(ctx context.Context) (world.Proof, error) {
	p, err := beside(ctx, d, func() (world.Proof, error) {
		b, err := readNote(filepath.Join(d.o.Home, proofName))
		if err != nil {
			return world.Proof{}, err
		}
		return d.parseProof(b)
	})
	note, isNote := errors.AsType[*noteError](err)
	switch {
	case err == nil:
		return p, nil
	case isNote:
		err = fmt.Errorf("%w: %s: %w", world.ErrNotFound, proofName, note)
	case errors.Is(err, fs.ErrNotExist):
		err = world.ErrNotFound
	}
	return world.Proof{}, fmt.Errorf("read proof in %s: %w", d.o.Home, err)
}

// parseProof reads a proof; a *noteError if it is none of this world's.
func (d *Dir) parseProof(b []byte) (world.Proof, error) {
	var p world.Proof
	if err := json.Unmarshal(b, &p); err != nil {
		return world.Proof{}, &noteError{"it is no proof: " + err.Error()}
	}
	switch {
	case p.World != d.o.ID:
		return world.Proof{}, &noteError{fmt.Sprintf("it is of world %q", world.Visible(p.World, 40))}
	case p.Epoch < 1 || p.Size < 0 || p.At.IsZero():
		return world.Proof{}, &noteError{"it lacks its boot or its time"}
	}
	return p, nil
}
