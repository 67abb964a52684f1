package spool

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

var _ Disk = Folder("")

// Folder is a Disk in a folder of the file system.
type Folder string

// MakeFolder makes the folder if it is missing, for its owner only: events hold
// what is said in a log.
func MakeFolder(path string) (Folder, error) {
	if path == "" {
		return "", errors.New("make the agent's folder: name one on the machine's own disk")
	}
	if err := os.MkdirAll(path, 0o700); err != nil {
		return "", fmt.Errorf("make the agent's folder: %w", err)
	}
	return Folder(path), nil
}

func (f Folder) path(name string) string { return filepath.Join(string(f), name) }

// Read implements Disk.
func (f Folder) Read(name string) ([]byte, error) { return os.ReadFile(f.path(name)) }

// Replace implements Disk.
func (f Folder) Replace(name string, b []byte) error {
	tmp := f.path(name) + ".new"
	if err := write(tmp, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, b); err != nil {
		return errors.Join(err, ignoreMissing(os.Remove(tmp))) // a full disk is to get its space back
	}
	if err := os.Rename(tmp, f.path(name)); err != nil {
		return err
	}
	return f.sync()
}

// Append implements Disk.
func (f Folder) Append(name string, b []byte) error {
	_, err := os.Stat(f.path(name))
	fresh := errors.Is(err, fs.ErrNotExist)
	if err := write(f.path(name), os.O_CREATE|os.O_APPEND|os.O_WRONLY, b); err != nil {
		return err
	}
	if fresh {
		return f.sync()
	}
	return nil
}

// write writes and syncs a file.
func write(path string, flags int, b []byte) (err error) {
	file, err := os.OpenFile(path, flags, 0o600) //nolint:gosec // in the agent's own folder
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	if _, err := file.Write(b); err != nil {
		return err
	}
	return file.Sync()
}

// sync makes names that were made, moved or removed last.
func (f Folder) sync() (err error) {
	dir, err := os.Open(string(f))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, dir.Close()) }()
	return dir.Sync()
}

// Truncate implements Disk.
func (f Folder) Truncate(name string, size int64) error { return os.Truncate(f.path(name), size) }

// Remove implements Disk. It may come back when the power fails, which does no
// harm: nothing in it counts any more.
func (f Folder) Remove(name string) error { return ignoreMissing(os.Remove(f.path(name))) }

func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// List implements Disk.
func (f Folder) List() ([]string, error) {
	entries, err := os.ReadDir(string(f))
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names, nil
}
