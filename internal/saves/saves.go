// Package saves looks after a world's files beside the game: whether the game
// may start on them, whether they are where they outlive the machine, and what
// the last boot left word of.
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

var _ world.Files = (*Dir)(nil)

// proofName is the file that LeaveProof writes.
const proofName = "hearth-proof.json"

// maxProof bounds what is read of a proof, in bytes.
const maxProof = 16 << 10

// Options say where a world's files are.
type Options struct {
	Dir   string // holds the world's files and outlives the machine
	World string // names the files: World.db, World.fwl
}

// Dir is a folder with a world's files. It is safe for concurrent use.
type Dir struct{ o Options }

// New checks the options.
func New(o Options) (*Dir, error) {
	if o.Dir == "" || o.World == "" {
		return nil, errors.New("world's files: name their folder and the world")
	}
	return &Dir{o: o}, nil
}

// Check implements world.Files.
func (d *Dir) Check(ctx context.Context) (world.FilesState, error) {
	if err := ctx.Err(); err != nil {
		return world.FilesState{}, fmt.Errorf("check %s: %w", d.o.Dir, err)
	}
	_, err := os.Stat(filepath.Join(d.o.Dir, d.o.World+".db"))
	return world.FilesState{New: errors.Is(err, fs.ErrNotExist)}, nil
}

// Sync implements world.Files: fsync of every file and folder in it. A folder
// that is not there has none.
func (d *Dir) Sync(ctx context.Context) (int64, error) {
	var size int64
	err := filepath.WalkDir(d.o.Dir, func(path string, e fs.DirEntry, err error) error {
		if err == nil {
			err = ctx.Err()
		}
		if err == nil && (e.IsDir() || e.Type().IsRegular()) {
			err = syncPath(path)
		}
		if err == nil && e.Type().IsRegular() {
			var info fs.FileInfo
			if info, err = e.Info(); err == nil {
				size += info.Size()
			}
		}
		if errors.Is(err, fs.ErrNotExist) {
			return nil // renamed by a save under way, or nothing saved yet
		}
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("sync %s: %w", d.o.Dir, err)
	}
	return size, nil
}

// syncPath flushes one file or folder.
func syncPath(path string) (err error) {
	f, err := os.Open(path) //nolint:gosec // the world's own folder
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return f.Sync()
}

// LeaveProof implements world.Files.
func (d *Dir) LeaveProof(ctx context.Context, p world.Proof) error {
	if err := d.leaveProof(ctx, p); err != nil {
		return fmt.Errorf("leave proof in %s: %w", d.o.Dir, err)
	}
	return nil
}

func (d *Dir) leaveProof(ctx context.Context, p world.Proof) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	b, err := json.Marshal(p)
	if err != nil {
		return err
	}
	path := filepath.Join(d.o.Dir, proofName)
	if err := os.WriteFile(path+".new", b, 0o600); err != nil {
		return err
	}
	if err := syncPath(path + ".new"); err != nil {
		return err
	}
	if err := os.Rename(path+".new", path); err != nil {
		return err
	}
	return syncPath(d.o.Dir)
}

// LastProof implements world.Files.
func (d *Dir) LastProof(ctx context.Context) (world.Proof, error) {
	var p world.Proof
	if err := ctx.Err(); err != nil {
		return p, fmt.Errorf("read proof in %s: %w", d.o.Dir, err)
	}
	b, err := os.ReadFile(filepath.Join(d.o.Dir, proofName))
	if errors.Is(err, fs.ErrNotExist) {
		return p, fmt.Errorf("read proof in %s: %w", d.o.Dir, world.ErrNotFound)
	}
	if err == nil && len(b) > maxProof {
		err = fmt.Errorf("%d bytes: it is no proof of Hearth's", len(b))
	}
	if err == nil {
		err = json.Unmarshal(b, &p)
	}
	if err != nil {
		return world.Proof{}, fmt.Errorf("read proof in %s: %w", d.o.Dir, err)
	}
	return p, nil
}
