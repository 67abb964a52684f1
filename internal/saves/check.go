package saves

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"hearth/internal/world"
)

// Check implements world.Files. Files that could not be looked at while ctx
// lasted are world.FilesUnreadable, and the context's error is in it, too.
func (d *Dir) Check(ctx context.Context) (world.FilesState, error) {
	return d.checked(ctx, d.check)
}

// Look says what Check would, and changes nothing but that it tries whether it
// can write: Mended is what would be put right. It may be called while a game
// runs. Then what it sees between two renames of a save passes.
func (d *Dir) Look(ctx context.Context) (world.FilesState, error) {
	return d.checked(ctx, d.lookOver)
}

func (d *Dir) checked(ctx context.Context, check func() (world.FilesState, error)) (world.FilesState, error) {
	s, err := writing(ctx, d, check)
	switch _, judged := errors.AsType[*world.FilesError](err); {
	case err == nil || judged:
	case errors.Is(err, errNoAnswer) && errors.Is(err, context.DeadlineExceeded):
		err = fmt.Errorf("%w: %w", refuse(world.FilesUnreadable, "%s: %v", d.o.Home, errNoAnswer), ctx.Err())
	case ctx.Err() != nil:
	default:
		err = refuse(world.FilesUnreadable, "%v", err)
	}
	if err != nil {
		return world.FilesState{}, fmt.Errorf("check %s: %w", d.o.Dir, err)
	}
	return s, nil
}

func refuse(reason world.FilesReason, format string, args ...any) error {
	return &world.FilesError{Reason: reason, Detail: fmt.Sprintf(format, args...)}
}

// check judges the files and mends them. An error that is no *world.FilesError
// is about a file that could not be read or written.
func (d *Dir) check() (world.FilesState, error) {
	var s world.FilesState
	found, was, err := d.fit()
	if err != nil {
		return s, err
	}
	if err := d.home(); err != nil {
		return s, err
	}
	if err := d.tryWriting(); err != nil {
		return s, err
	}
	if !found.whole() {
		s.New = true
		s.Mended, err = d.keep(found.kept)
		return s, err
	}
	if s.Mended, err = d.repair(found.repairs); err != nil {
		return s, err
	}
	if err := d.tryReading(found.files); err != nil {
		return s, err
	}
	return s, d.mark(found.form, was)
}

// lookOver is check without its changes.
func (d *Dir) lookOver() (world.FilesState, error) {
	var s world.FilesState
	found, _, err := d.fit()
	if err != nil {
		return s, err
	}
	if _, err := os.Stat(d.o.Home); err == nil { // else Check makes it
		if err := d.tryWriting(); err != nil {
			return s, err
		}
	}
	if !found.whole() {
		return world.FilesState{New: true}, nil
	}
	if len(found.repairs) == 0 {
		return s, d.tryReading(found.files)
	}
	var names []string
	for _, r := range found.repairs {
		names = append(names, r.to+" from "+r.from)
	}
	return world.FilesState{Mended: strings.Join(names, ", ")}, nil
}

// fit finds the world that the game may start on, or says why it may not.
func (d *Dir) fit() (finding, marker, error) {
	if err := d.checkMount(); err != nil {
		return finding{}, marker{}, err
	}
	was, marked, err := d.readMarker()
	if err != nil {
		return finding{}, was, err
	}
	if marked && was.ID != "" && was.ID != d.o.ID {
		return finding{}, was, refuse(world.FilesOther, "%s says that %s holds world %q, not %q: give each world a folder of its own", markerName, d.o.Home, was.ID, d.o.ID)
	}
	found, err := d.find()
	if err == nil {
		err = d.judge(found, was, marked)
	}
	return found, was, err
}

// checkMount says whether the world's folder is where it outlives the machine.
func (d *Dir) checkMount() error {
	if d.o.MustMount {
		switch is, err := mounted(d.o.Home); {
		case errors.Is(err, fs.ErrNotExist), err == nil && !is:
			return refuse(world.FilesNotMounted, "nothing is mounted at %s: the share is missing, see `systemctl status` of its mount and `journalctl -b`", d.o.Home)
		case err != nil:
			return err
		}
	}
	if d.o.Home == d.o.Dir {
		return nil
	}
	info, err := os.Stat(d.o.Home)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return refuse(world.FilesNotMounted, "%s does not exist", d.o.Home)
	case err != nil:
		return err
	case !info.IsDir():
		return refuse(world.FilesNotMounted, "%s is no folder", d.o.Home)
	}
	return nil
}

// find looks for the world in all forms. The newest one that says anything
// about a save decides.
func (d *Dir) find() (finding, error) {
	var begun finding
	for _, f := range forms() {
		found, err := d.look(f)
		if err != nil || found.whole() || found.trouble != "" {
			return found, err
		}
		if found.begun && !begun.begun {
			begun = found
		}
	}
	return begun, nil
}

// judge says why the game may not start on what was found.
func (d *Dir) judge(found finding, was marker, marked bool) error {
	switch {
	case found.unreadable:
		return refuse(world.FilesUnreadable, "%s", found.trouble)
	case found.trouble != "":
		return refuse(world.FilesMissing, "%s", found.trouble)
	case found.whole() && slices.Index(forms(), was.Form) >= 0 && slices.Index(forms(), was.Form) < slices.Index(forms(), found.form):
		// What is left of an older form is as old as the day it was given up.
		return refuse(world.FilesMissing, "the world was last kept in a newer form (%s) than %s, and that is gone: put it back from a snapshot; if you put the older one there yourself, remove %s",
			was.Form, found.files[0], filepath.Join(d.o.Home, markerName))
	case found.whole():
		return nil
	case marked && was.World != "" && was.World != d.o.World:
		return refuse(world.FilesMissing, "%s says that the world's files here are called %q, not %q: name them so", markerName, was.World, d.o.World)
	case marked:
		return refuse(world.FilesMissing, "world %q has been in %s, and is gone: put it back from a snapshot; for a new world in its place, remove %s", d.o.World, d.o.Dir, filepath.Join(d.o.Home, markerName))
	}
	others, err := d.others()
	switch {
	case err != nil:
		return err
	case !found.begun && len(others) > 0:
		return refuse(world.FilesOther, "there is no world %q in %s, but %q: name the right one, or give the new one a folder of its own", d.o.World, d.o.Dir, others)
	case !d.o.AllowNew && found.begun:
		return refuse(world.FilesMissing, "world %q in %s was begun and never saved: allow a new world, or put the files of its save there", d.o.World, d.o.Dir)
	case !d.o.AllowNew:
		return refuse(world.FilesMissing, "there is no world %q in %s: allow a new world, or put its files there", d.o.World, d.o.Dir)
	}
	return nil
}

// tryWriting writes a small file, reads it and takes it away.
func (d *Dir) tryWriting() error {
	folder := d.o.Dir
	if _, err := os.Stat(folder); errors.Is(err, fs.ErrNotExist) {
		folder = d.o.Home // the game makes the one below
	}
	path, text := filepath.Join(folder, probeName), []byte("Hearth tries whether it can write here.\n")
	err := writeSynced(path, text)
	if errors.Is(err, syscall.ENOSPC) {
		return fmt.Errorf("%s is full: make room: %w", folder, err)
	}
	if err != nil {
		return fmt.Errorf("%s can't be written: %w", folder, err)
	}
	got, err := os.ReadFile(path) //nolint:gosec // just written
	if err == nil && !bytes.Equal(got, text) {
		err = errors.New("what was written reads otherwise")
	}
	if err := errors.Join(err, os.Remove(path)); err != nil {
		return fmt.Errorf("%s can't be written: %w", folder, err)
	}
	return nil
}

// tryReading reads the beginning of each file.
func (d *Dir) tryReading(names []string) error {
	for _, name := range names {
		if err := readByte(filepath.Join(d.o.Dir, name)); err != nil {
			return err
		}
	}
	return nil
}

func readByte(path string) error {
	f, err := os.Open(path) //nolint:gosec // in the world's own folder
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // it was only read
	_, err = io.ReadFull(f, make([]byte, 1))
	return err
}

// repair gives files their names back and says which.
func (d *Dir) repair(repairs []repair) (string, error) {
	var done []string
	for _, r := range repairs {
		from, to := filepath.Join(d.o.Dir, r.from), filepath.Join(d.o.Dir, r.to)
		at, err := copyFile(from, to)
		if err != nil {
			return "", fmt.Errorf("mend %s: %w", r.to, err)
		}
		done = append(done, fmt.Sprintf("%s from %s of %s", r.to, r.from, at))
	}
	return strings.Join(done, ", "), nil
}

// keep copies a file that the next save may overwrite. That it was kept before
// is no error.
func (d *Dir) keep(name string) (string, error) {
	if name == "" {
		return "", nil
	}
	path := filepath.Join(d.o.Dir, name)
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	to := name + ".kept-" + info.ModTime().UTC().Format("20060102-150405")
	if _, err := copyFile(path, filepath.Join(d.o.Dir, to)); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", fmt.Errorf("keep %s: %w", name, err)
	}
	return fmt.Sprintf("a first save was cut off: %s is kept as %s", name, to), nil
}

// copyFile copies a file to a name that is free (fs.ErrExist if it is not), in
// one step, and says of when it is.
func copyFile(from, to string) (at string, err error) {
	in, err := os.Open(from) //nolint:gosec // in the world's own folder
	if err != nil {
		return "", err
	}
	defer func() { _ = in.Close() }() // it was only read
	info, err := in.Stat()
	if err != nil {
		return "", err
	}
	if _, err := os.Lstat(to); !errors.Is(err, fs.ErrNotExist) {
		return "", errors.Join(err, fmt.Errorf("%s: %w", to, fs.ErrExist))
	}
	// Nobody else writes here: no game runs yet, and the lease keeps other
	// machines away.
	part := to + ".hearth"
	out, err := os.OpenFile(part, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, info.Mode().Perm()) //nolint:gosec // in the world's own folder
	if err != nil {
		return "", err
	}
	_, err = io.Copy(out, in)
	if err == nil {
		err = out.Sync()
	}
	if err = errors.Join(err, out.Close()); err != nil {
		return "", err
	}
	if err := os.Rename(part, to); err != nil {
		return "", err
	}
	return info.ModTime().UTC().Format("2006-01-02 15:04 MST"), syncFolder(filepath.Dir(to))
}
