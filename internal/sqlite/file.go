package sqlite

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	driver "modernc.org/sqlite"
	codes "modernc.org/sqlite/lib"
)

// Errors of Open that callers branch on.
var (
	// ErrInUse: another process, or another DB of this one, has the file open.
	ErrInUse = errors.New("in use by another Hearth")
	// ErrDamaged: the file is not a sound database of Hearth's.
	ErrDamaged = errors.New("not a sound database of Hearth's")
	// ErrNewer: a newer version of Hearth wrote the file.
	ErrNewer = errors.New("written by a newer version of Hearth")
)

const moveAway = "move it away, Hearth then makes a new one (the world's save is not in it)"

// locate creates the file if there is none and returns the one absolute path
// that all its names lead to, so that they share one lock.
func locate(path string) (string, error) {
	if path == "" {
		return "", errors.New("open database: the path is empty: name a file, such as hearth.db")
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", fmt.Errorf("open %s: %w", path, err)
	}
	info, err := os.Stat(abs)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if err := create(abs); err != nil {
			return "", err
		}
	case err != nil:
		return "", fmt.Errorf("open %s: %w", abs, err)
	case !info.Mode().IsRegular():
		return "", fmt.Errorf("open %s: it is a folder or device: name a file in it, such as %s", abs, filepath.Join(abs, "hearth.db"))
	}
	resolved, err := filepath.EvalSymlinks(abs)
	if err != nil {
		return "", fmt.Errorf("open %s: %w", abs, err)
	}
	return resolved, nil
}

// create makes an empty file for its owner only: rows hold the tokens of
// interactions. SQLite gives its side files the same permissions.
func create(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600) //nolint:gosec // the keeper names the file
	switch {
	case errors.Is(err, fs.ErrExist): // by another process meanwhile, or a dangling link, which locate finds
		return nil
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("open %s: its folder does not exist: make %s first", path, filepath.Dir(path))
	case err != nil:
		return fmt.Errorf("create database: %w", err)
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("create %s: %w", path, err)
	}
	return nil
}

// access is how a connection may use the file.
type access int

const (
	readWrite access = iota
	readOnly         // of a file with a write-ahead log
	// untouching makes no side files. SQLite does not look for a write-ahead
	// log then, so there must be none.
	untouching
)

// connect returns a pool of one connection. The settings stand in its name
// because the pool makes a new connection after an interrupted call.
func connect(path string, a access) (*sql.DB, error) {
	query := url.Values{
		"_txlock":    {"immediate"},
		"_dqs":       {"0"},
		"_defensive": {"1"},
		"_pragma":    {"busy_timeout(5000)", "foreign_keys(1)"},
	}
	switch a {
	case readWrite:
		query.Set("mode", "rw")
		query["_pragma"] = append(query["_pragma"], "journal_mode(wal)", "synchronous(full)")
	case readOnly:
		query.Set("mode", "ro")
	case untouching:
		query.Set("mode", "ro")
		query.Set("immutable", "1")
	}
	slashed := filepath.ToSlash(path)
	if !strings.HasPrefix(slashed, "/") { // C:/...
		slashed = "/" + slashed
	}
	name := url.URL{Scheme: "file", Path: slashed, RawQuery: query.Encode()}
	db, err := sql.Open("sqlite", name.String())
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	return db, nil
}

// inspect looks at an existing file without writing to it: is it ours, of a
// version this Hearth knows, and sound? An empty file is a new one.
func inspect(ctx context.Context, path string) (err error) {
	size, err := sizeOf(path)
	if err != nil || size == 0 {
		return err
	}
	// SQLite would complete another program's unfinished write by writing to
	// its file. Hearth itself leaves such a journal only if it dies within
	// the moment in which it makes the file, which then held nothing; later it
	// writes ahead.
	switch begun, journal, err := journalOf(path); {
	case err != nil:
		return err
	case begun:
		return nil // SQLite leads it back to nothing
	case journal:
		return fmt.Errorf("open %s: %w: an unfinished write lies beside it: %s, and %s-journal with it", path, ErrDamaged, moveAway, path)
	}
	a := untouching
	switch log, err := sizeOf(path + "-wal"); {
	case err != nil:
		return err
	case log > 0: // of a process that was killed
		a = readOnly
	}
	db, err := connect(path, a)
	if err != nil {
		return explain(path, "open", err)
	}
	defer func() { err = errors.Join(err, db.Close()) }()

	var application, version, objects int
	err = db.QueryRowContext(ctx, `SELECT
		(SELECT application_id FROM pragma_application_id),
		(SELECT user_version FROM pragma_user_version),
		(SELECT count(*) FROM sqlite_schema)`).Scan(&application, &version, &objects)
	switch {
	case err != nil:
		return explain(path, "open", err)
	case application == 0 && version == 0 && objects == 0: // made, but its schema never committed
		return nil
	case application != applicationID:
		return fmt.Errorf("open %s: %w: it is a SQLite database of another program: name another file for Hearth", path, ErrDamaged)
	case version > schemaVersion:
		return fmt.Errorf("open %s: %w: its schema is version %d, this Hearth knows up to %d: update Hearth, or %s", path, ErrNewer, version, schemaVersion, moveAway)
	}
	return checkIntegrity(ctx, path, db)
}

// journalOf tells whether an unfinished write lies beside the file, and whether
// the file was just begun by it: empty before, so that taking it back loses
// nothing, whoever wrote it. If its writer lives, SQLite's locks keep it.
func journalOf(path string) (begun, journal bool, err error) {
	size, err := sizeOf(path + "-journal")
	if err != nil || size == 0 {
		return false, false, err
	}
	f, err := os.Open(path + "-journal") //nolint:gosec // beside the file the keeper names
	if err != nil {
		return false, true, fmt.Errorf("open database: %w", err)
	}
	defer func() { _ = f.Close() }() // it was only read
	// https://sqlite.org/fileformat2.html#rollbackjournal: eight bytes that
	// name it, three numbers of four, the third of which is the number of
	// pages that the file had.
	var head [20]byte
	if _, err := io.ReadFull(f, head[:]); err != nil {
		return false, true, nil //nolint:nilerr // too short for a journal: whatever it is, it is there
	}
	begun = bytes.HasPrefix(head[:], []byte("\xd9\xd5\x05\xf9\x20\xa1\x63\xd7")) && bytes.Equal(head[16:], []byte{0, 0, 0, 0})
	return begun, true, nil
}

// sizeOf is the file's size in bytes, 0 if there is none.
func sizeOf(path string) (int64, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return 0, nil
	case err != nil:
		return 0, fmt.Errorf("open database: %w", err)
	}
	return info.Size(), nil
}

func checkIntegrity(ctx context.Context, path string, db *sql.DB) error {
	rows, err := db.QueryContext(ctx, "PRAGMA integrity_check(3)")
	if err != nil {
		return explain(path, "check", err)
	}
	defer func() { _ = rows.Close() }() // Err below tells what matters
	var problems []string
	for rows.Next() {
		var problem string
		if err := rows.Scan(&problem); err != nil {
			return explain(path, "check", err)
		}
		if problem != "ok" {
			problems = append(problems, problem)
		}
	}
	if err := rows.Err(); err != nil {
		return explain(path, "check", err)
	}
	if len(problems) > 0 {
		return fmt.Errorf("check %s: %w: it is damaged (%s): %s", path, ErrDamaged, strings.Join(problems, "; "), moveAway)
	}
	return nil
}

// code is SQLite's primary result code of err, or 0.
func code(err error) int {
	if se, ok := errors.AsType[*driver.Error](err); ok {
		return se.Code() & 0xff
	}
	return 0
}

// explain says which file an error of SQLite's is about and, where somebody
// can do something, what.
func explain(path, act string, err error) error {
	switch code(err) {
	case 0: // not SQLite's: of a context, of database/sql, or of ours
		return fmt.Errorf("%s %s: %w", act, path, err)
	case codes.SQLITE_NOTADB:
		return fmt.Errorf("%s %s: %w: it is no SQLite database (%w): name another file, or %s", act, path, ErrDamaged, err, moveAway)
	case codes.SQLITE_CORRUPT:
		return fmt.Errorf("%s %s: %w: it is damaged (%w): %s", act, path, ErrDamaged, err, moveAway)
	case codes.SQLITE_FULL:
		return fmt.Errorf("%s %s: the disk is full: make room (%w)", act, path, err)
	case codes.SQLITE_READONLY, codes.SQLITE_PERM, codes.SQLITE_CANTOPEN, codes.SQLITE_AUTH:
		return fmt.Errorf("%s %s: Hearth may not write there: give its user the right to write the file and its folder (%w)", act, path, err)
	case codes.SQLITE_BUSY:
		return fmt.Errorf("%s %s: another program has it locked: close what reads it (%w)", act, path, err)
	}
	return fmt.Errorf("%s %s: %w", act, path, err)
}
