package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"time"

	"hearth/internal/world"
)

// DB is an open file. It is safe for concurrent use.
type DB struct {
	path  string
	clock world.Clock
	sql   *sql.DB
	lock  *fileLock
	guest *guest // of who joined; nil for the owner
	// lookEvery is how often Wait looks for what other processes sent; 0: there
	// are none.
	lookEvery time.Duration

	mu      sync.Mutex               // guards changed
	changed map[string]chan struct{} // by queue; closed and dropped at a change
}

// Open opens the file at path, creating it (not its folder) if there is none,
// readable by its owner only. All times are taken from clock.
//
// It is ErrInUse while another process, or another DB of this one, has the
// file open; ErrDamaged when it is not a sound database of Hearth's; ErrNewer
// when a newer Hearth wrote it. The file is left as it is then.
func Open(ctx context.Context, path string, clock world.Clock) (*DB, error) {
	path, err := locate(path)
	if err != nil {
		return nil, err
	}
	lock, err := lockFile(path + ".lock")
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	d := &DB{path: path, clock: clock, lock: lock, changed: map[string]chan struct{}{}}
	if err := d.open(ctx); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

func (d *DB) open(ctx context.Context) error {
	if err := inspect(ctx, d.path); err != nil {
		return err
	}
	db, err := connect(d.path, readWrite)
	if err != nil {
		return explain(d.path, "open", err)
	}
	d.sql = db
	var mode string
	if err := db.QueryRowContext(ctx, "PRAGMA journal_mode").Scan(&mode); err != nil {
		return explain(d.path, "open", err)
	}
	if mode != "wal" {
		return fmt.Errorf("open %s: the file system does not allow SQLite's write-ahead log (journal mode is %s): put the file on a local disk", d.path, mode)
	}
	if err := migrate(ctx, db); err != nil {
		return explain(d.path, "open", err)
	}
	if err := d.rebase(ctx); err != nil {
		return err
	}
	return d.takeBack(ctx)
}

// Share says that others will Join the file: from now on Queue.Wait looks for
// what they sent, too, this often. Call it before anybody waits.
func (d *DB) Share(lookEvery time.Duration) { d.lookEvery = lookEvery }

// takeBack makes visible what whoever had the file open before had in hand:
// with the lock they gave that up, and its visibility was meant for the
// living. It keeps its place among what was sent.
func (d *DB) takeBack(ctx context.Context) error {
	return d.write(ctx, "take messages back in", func(tx *sql.Tx, now int64) (bool, error) {
		done, err := tx.ExecContext(ctx, "UPDATE messages SET visible_at = sent_at WHERE receipt <> '' AND visible_at > ?", now)
		if err != nil {
			return false, err
		}
		n, err := done.RowsAffected()
		return n > 0, err
	})
}

// rebase moves the times in the file back when the clock stands before the
// latest it saw; doc.go says why.
func (d *DB) rebase(ctx context.Context) error {
	return d.write(ctx, "rebase times in", func(tx *sql.Tx, now int64) (bool, error) {
		var latest int64
		if err := tx.QueryRowContext(ctx, "SELECT latest FROM clock").Scan(&latest); err != nil {
			return false, err
		}
		if latest <= now {
			return false, nil
		}
		for _, statement := range []string{
			"UPDATE messages SET sent_at = sent_at - ?1, visible_at = visible_at - ?1",
			"UPDATE leases SET expires_at = expires_at - ?1",
			"UPDATE archive SET kept_at = kept_at - ?1",
			"UPDATE clock SET latest = latest - ?1",
		} {
			if _, err := tx.ExecContext(ctx, statement, latest-now); err != nil {
				return false, err
			}
		}
		return true, nil
	})
}

// Close closes the file and gives up its lock; calls under way end first. A
// second Close does nothing.
func (d *DB) Close() error {
	var err error
	if d.sql != nil {
		if err = d.sql.Close(); err != nil {
			err = fmt.Errorf("close %s: %w", d.path, err)
		}
	}
	return errors.Join(err, d.lock.release())
}

// Check reads the whole file and returns ErrDamaged, with what is wrong and
// what to do, if it is not sound.
func (d *DB) Check(ctx context.Context) (err error) {
	// A connection of its own: the writer's would answer from its cache.
	db, err := connect(d.path, readOnly)
	if err != nil {
		return explain(d.path, "check", err)
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	return checkIntegrity(ctx, d.path, db)
}

// write runs do in a transaction of the only writer (of all processes:
// connect's are immediate) and commits it if do changed anything. now is taken inside the transaction: of two transactions
// the later one never has the earlier time. act begins every error ("send to
// queue events in"), the file's name follows; what do returns is wrapped.
func (d *DB) write(ctx context.Context, act string, do func(tx *sql.Tx, now int64) (changed bool, err error)) error {
	tx, err := d.sql.BeginTx(ctx, nil)
	if err != nil {
		return explain(d.path, act, err)
	}
	defer func() { _ = tx.Rollback() }() // does nothing after Commit
	now := d.clock.Now().UnixNano()
	if d.guest != nil {
		if now, err = d.guest.look(ctx, tx, d); err != nil {
			return explain(d.path, act, err)
		}
	}
	changed, err := do(tx, now)
	if err != nil {
		return explain(d.path, act, err)
	}
	if !changed {
		return nil
	}
	if _, err := tx.ExecContext(ctx, "UPDATE clock SET latest = ?1 WHERE latest < ?1", now); err != nil {
		return explain(d.path, act, err)
	}
	if err := tx.Commit(); err != nil {
		return explain(d.path, act, err)
	}
	if d.guest != nil {
		d.guest.wrote(now)
	}
	return nil
}

// now is the present time as the file keeps it.
func (d *DB) now() int64 {
	now := d.clock.Now().UnixNano()
	if d.guest != nil {
		now = d.guest.time(now)
	}
	return now
}

func toTime(nanos int64) time.Time { return time.Unix(0, nanos).UTC() }

// changes returns the channel that is closed at the queue's next change.
func (d *DB) changes(queue string) <-chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	ch, ok := d.changed[queue]
	if !ok {
		ch = make(chan struct{})
		d.changed[queue] = ch
	}
	return ch
}

// announce wakes everybody who waits for a change of the queue. Called after
// the commit, so that who wakes sees it.
func (d *DB) announce(queue string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if ch, ok := d.changed[queue]; ok {
		close(ch)
		delete(d.changed, queue)
	}
}
