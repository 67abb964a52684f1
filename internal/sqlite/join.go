package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"hearth/internal/world"
)

// lookEvery is how often a joiner looks for what others sent, where it waits.
const lookEvery = 250 * time.Millisecond

// Join takes part in a file that its owner has open with Open: queues and
// leases are shared with it, and with others who joined. It takes no lock,
// changes no schema and moves no times, and it makes no file.
//
// clock must not run ahead of the owner's. Where it is behind the latest time
// in the file it is taken to stand there, and goes on from there: an owner
// whose clock runs fast, or ahead, takes the joiner along.
//
// It is fs.ErrNotExist if there is no such file yet, ErrDamaged if it is not
// Hearth's, ErrNewer if a newer Hearth made it. Calls on a DB that was joined
// fail once the file is another one, or of another schema, than it was: close
// it and join again.
func Join(ctx context.Context, path string, clock world.Clock) (*DB, error) {
	path, info, err := find(path)
	if err != nil {
		return nil, err
	}
	if err := recognize(ctx, path); err != nil {
		return nil, err
	}
	db, err := connect(path, readWrite)
	if err != nil {
		return nil, explain(path, "join", err)
	}
	d := &DB{
		path: path, clock: clock, sql: db, lock: &fileLock{release: func() error { return nil }},
		changed: map[string]chan struct{}{}, guest: &guest{file: info}, lookEvery: lookEvery,
	}
	// A first look, for who only reads.
	err = d.write(ctx, "join", func(*sql.Tx, int64) (bool, error) { return false, nil })
	if err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

// find is the one absolute path of a file that exists.
func find(path string) (string, os.FileInfo, error) {
	abs, err := filepath.Abs(path)
	if err == nil {
		abs, err = filepath.EvalSymlinks(abs)
	}
	var info os.FileInfo
	if err == nil {
		info, err = os.Stat(abs)
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", nil, fmt.Errorf("join %s: nobody has made it: start the Hearth that owns it first: %w", path, err)
	case err != nil:
		return "", nil, fmt.Errorf("join %s: %w", path, err)
	case !info.Mode().IsRegular():
		return "", nil, fmt.Errorf("join %s: it is no file: name the one that the other Hearth has open", path)
	}
	return abs, info, nil
}

// recognize tells whether the file is Hearth's, of this Hearth's schema. It
// writes nothing.
func recognize(ctx context.Context, path string) (err error) {
	db, err := connect(path, readOnly)
	if err != nil {
		return explain(path, "join", err)
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	var application, version, objects int
	err = db.QueryRowContext(ctx, `SELECT
		(SELECT application_id FROM pragma_application_id),
		(SELECT user_version FROM pragma_user_version),
		(SELECT count(*) FROM sqlite_schema)`).Scan(&application, &version, &objects)
	switch {
	case err != nil:
		return explain(path, "join", err)
	case application == 0 && version == 0 && objects == 0:
		return fmt.Errorf("join %s: its owner has not made it yet: %w", path, fs.ErrNotExist)
	case application != applicationID:
		return fmt.Errorf("join %s: %w: it is a SQLite database of another program: name the file that Hearth has open", path, ErrDamaged)
	}
	return sameSchema(path, "join", version)
}

// sameSchema refuses a file whose schema is not this Hearth's: bringing it there
// is its owner's.
func sameSchema(path, act string, version int) error {
	switch {
	case version > schemaVersion:
		return fmt.Errorf("%s %s: %w: its schema is version %d, this Hearth knows up to %d: run the same version on both sides", act, path, ErrNewer, version, schemaVersion)
	case version < schemaVersion:
		return fmt.Errorf("%s %s: its schema is version %d, this Hearth's is %d: update the Hearth that owns it", act, path, version, schemaVersion)
	}
	return nil
}

// guest is what a joiner has to know of a file that is another's.
type guest struct {
	file os.FileInfo

	mu     sync.Mutex // guards what follows
	ahead  int64      // how far the file's time is ahead of the joiner's clock; at least 0
	latest int64      // the latest time in the file when it was last looked at
}

// time is the present as the file keeps it.
func (g *guest) time(clock int64) int64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	return clock + g.ahead
}

// look makes sure, in a transaction, that the file is still the one that was
// joined, and brings the joiner's time up to the file's. A latest time that
// fell was moved back by an owner who opened it anew.
func (g *guest) look(ctx context.Context, tx *sql.Tx, d *DB) (now int64, err error) {
	info, err := os.Stat(d.path)
	if err != nil {
		return 0, err
	}
	if !os.SameFile(g.file, info) {
		return 0, errors.New("the file was replaced by another one: join it again")
	}
	var latest int64
	var version int
	err = tx.QueryRowContext(ctx, "SELECT latest, (SELECT user_version FROM pragma_user_version) FROM clock").Scan(&latest, &version)
	if err != nil {
		return 0, err
	}
	if err := sameSchema(d.path, "look into", version); err != nil {
		return 0, err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	clock := d.clock.Now().UnixNano()
	if latest < g.latest {
		g.ahead = 0
	}
	g.latest = latest
	g.ahead = max(g.ahead, latest-clock)
	return clock + g.ahead, nil
}

// wrote takes down what write made of the latest time.
func (g *guest) wrote(now int64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.latest = max(g.latest, now)
}
