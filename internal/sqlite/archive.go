package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"hearth/internal/world"
)

var _ world.Archive = (*Archive)(nil)

// Archive keeps events that could not be handled, in the file's table archive.
// Nothing removes them.
type Archive struct{ db *DB }

// Archive returns the file's archive.
func (d *DB) Archive() *Archive { return &Archive{db: d} }

// Keep implements world.Archive.
func (a *Archive) Keep(ctx context.Context, name string, body []byte) (first bool, err error) {
	if err := world.CheckKept(name, body); err != nil {
		return false, fmt.Errorf("keep event: %w", err)
	}
	if body == nil {
		body = []byte{} // nil would be NULL
	}
	err = a.db.write(ctx, "keep event "+name+" in", func(tx *sql.Tx, now int64) (bool, error) {
		done, err := tx.ExecContext(ctx,
			"INSERT INTO archive (name, body, kept_at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING", name, body, now)
		if err != nil {
			return false, err
		}
		n, err := done.RowsAffected()
		first = n > 0
		return first, err
	})
	return first && err == nil, err
}

// Kept implements world.Archive.
func (a *Archive) Kept(ctx context.Context, since time.Time) (int, error) {
	n, from := 0, int64(0) // nobody kept anything before 1970, and the zero time has no nanoseconds
	if since.Unix() > 0 {
		from = since.UnixNano()
	}
	err := a.db.sql.QueryRowContext(ctx, "SELECT count(*) FROM archive WHERE kept_at >= ?", from).Scan(&n)
	if err != nil {
		return 0, explain(a.db.path, "count kept events of", err)
	}
	return n, nil
}

// Read returns what is kept under the name; world.ErrNotFound if nothing is.
func (a *Archive) Read(ctx context.Context, name string) ([]byte, error) {
	var body []byte
	err := a.db.sql.QueryRowContext(ctx, "SELECT body FROM archive WHERE name = ?", name).Scan(&body)
	if errors.Is(err, sql.ErrNoRows) {
		err = world.ErrNotFound
	}
	if err != nil {
		return nil, explain(a.db.path, "read kept event "+name+" of", err)
	}
	return body, nil
}
