package sqlite

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"hearth/internal/world"
)

var _ world.Lease = (*Lease)(nil)

// Lease keeps the worlds' leases.
type Lease struct{ db *DB }

// Lease returns the file's leases.
func (d *DB) Lease() *Lease { return &Lease{db: d} }

// Acquire implements world.Lease.
func (l *Lease) Acquire(ctx context.Context, worldID string) (world.Holding, error) {
	if worldID == "" {
		return world.Holding{}, errors.New("acquire lease: the world is empty: name one")
	}
	h := world.Holding{World: worldID, ID: rand.Text()}
	act, held := "acquire lease of "+worldID+" in", false
	err := l.db.write(ctx, act, func(tx *sql.Tx, now int64) (bool, error) {
		err := tx.QueryRowContext(ctx, `
			INSERT INTO leases (world, id, epoch, expires_at) VALUES (@world, @id, 1, @expires)
			ON CONFLICT (world) DO UPDATE
			SET id = excluded.id, epoch = epoch + 1, expires_at = excluded.expires_at
			WHERE id = '' OR expires_at <= @now
			RETURNING epoch`,
			sql.Named("world", worldID), sql.Named("id", h.ID), sql.Named("now", now),
			sql.Named("expires", now+int64(world.LeaseDuration))).Scan(&h.Epoch)
		if held = errors.Is(err, sql.ErrNoRows); !held {
			return true, err
		}
		return shorten(ctx, tx, worldID, now)
	})
	if err == nil && held {
		err = explain(l.db.path, act, world.ErrLeaseHeld)
	}
	if err != nil {
		return world.Holding{}, err
	}
	return h, nil
}

// shorten ends a lease that was taken before the clock was set back as soon as
// one that is taken now.
func shorten(ctx context.Context, tx *sql.Tx, worldID string, now int64) (shortened bool, err error) {
	done, err := tx.ExecContext(ctx, "UPDATE leases SET expires_at = @end WHERE world = @world AND expires_at > @end",
		sql.Named("end", now+int64(world.LeaseDuration)), sql.Named("world", worldID))
	if err != nil {
		return false, err
	}
	n, err := done.RowsAffected()
	return n > 0, err
}

// Renew implements world.Lease. An expired lease is lost even if nobody took
// it.
func (l *Lease) Renew(ctx context.Context, h world.Holding) error {
	return l.db.write(ctx, "renew lease of "+h.World+" in", func(tx *sql.Tx, now int64) (bool, error) {
		done, err := tx.ExecContext(ctx,
			"UPDATE leases SET expires_at = ? WHERE world = ? AND id = ? AND id <> '' AND expires_at > ?",
			now+int64(world.LeaseDuration), h.World, h.ID, now)
		if err != nil {
			return false, err
		}
		n, err := done.RowsAffected()
		if err == nil && n == 0 {
			err = fmt.Errorf("epoch %d: %w", h.Epoch, world.ErrLeaseLost)
		}
		return true, err
	})
}

// Release implements world.Lease.
func (l *Lease) Release(ctx context.Context, h world.Holding) error {
	return l.db.write(ctx, "release lease of "+h.World+" in", func(tx *sql.Tx, now int64) (bool, error) {
		_, err := tx.ExecContext(ctx,
			"UPDATE leases SET id = '', expires_at = ? WHERE world = ? AND id = ? AND id <> ''", now, h.World, h.ID)
		return true, err
	})
}

// Holder tells who holds the world's lease and until when if it is not
// renewed; ok is false if nobody does. For display: it may have changed by the
// time it is read.
func (l *Lease) Holder(ctx context.Context, worldID string) (h world.Holding, expires time.Time, ok bool, err error) {
	h.World = worldID
	var until int64
	err = l.db.sql.QueryRowContext(ctx,
		"SELECT id, epoch, expires_at FROM leases WHERE world = ? AND id <> '' AND expires_at > ?",
		worldID, l.db.now()).Scan(&h.ID, &h.Epoch, &until)
	if errors.Is(err, sql.ErrNoRows) {
		return world.Holding{}, time.Time{}, false, nil
	}
	if err != nil {
		return world.Holding{}, time.Time{}, false, explain(l.db.path, "read lease of "+worldID+" in", err)
	}
	return h, toTime(until), true, nil
}
