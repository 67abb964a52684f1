package sqlite

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"

	"hearth/internal/world"
)

var _ world.Store = (*Store)(nil)

// Store keeps the worlds' rows: the state document, and beside it what people
// read (ip, online_players, status, generation).
type Store struct{ db *DB }

// Store returns the file's rows.
func (d *DB) Store() *Store { return &Store{db: d} }

// Load implements world.Store. A state document that this Hearth can't read
// is world.ErrMalformed or world.ErrSchema.
func (s *Store) Load(ctx context.Context, key world.Key) (world.Row, error) {
	row := world.Row{Key: key}
	var document []byte
	err := s.db.sql.QueryRowContext(ctx,
		"SELECT etag, state FROM worlds WHERE guild = ? AND world = ?", key.Guild, key.World).Scan(&row.ETag, &document)
	if errors.Is(err, sql.ErrNoRows) {
		err = world.ErrNotFound
	}
	if err == nil {
		row.State, err = world.DecodeState(document)
	}
	if err != nil {
		return world.Row{}, explain(s.db.path, "load row "+name(key)+" of", err)
	}
	return row, nil
}

// Insert implements world.Store.
func (s *Store) Insert(ctx context.Context, row world.Row) (string, error) {
	return s.put(ctx, "insert", row, `
		INSERT INTO worlds (guild, world, etag, ip, online_players, status, generation, state)
		VALUES (@guild, @world, @etag, @ip, @online_players, @status, @generation, @state)
		ON CONFLICT DO NOTHING`)
}

// Replace implements world.Store. A row that does not exist is
// world.ErrConflict too.
func (s *Store) Replace(ctx context.Context, row world.Row) (string, error) {
	return s.put(ctx, "replace", row, `
		UPDATE worlds
		SET etag = @etag, ip = @ip, online_players = @online_players, status = @status,
			generation = @generation, state = @state
		WHERE guild = @guild AND world = @world AND etag = @read`)
}

// put runs a statement that writes the row or, if its condition fails, none.
func (s *Store) put(ctx context.Context, act string, row world.Row, statement string) (string, error) {
	act += " row " + name(row.Key)
	document, err := row.State.Encode()
	if err != nil {
		return "", fmt.Errorf("%s: %w", act, err)
	}
	etag := rand.Text()
	err = s.db.write(ctx, act+" of", func(tx *sql.Tx, _ int64) (bool, error) {
		done, err := tx.ExecContext(ctx, statement,
			sql.Named("guild", row.Key.Guild), sql.Named("world", row.Key.World),
			sql.Named("etag", etag), sql.Named("read", row.ETag),
			sql.Named("ip", row.State.Boot.Machine.Address),
			sql.Named("online_players", row.State.OnlinePlayers()),
			sql.Named("status", string(row.State.Status)),
			sql.Named("generation", row.State.Generation),
			sql.Named("state", string(document)))
		if err != nil {
			return false, err
		}
		n, err := done.RowsAffected()
		if err == nil && n == 0 {
			err = world.ErrConflict
		}
		return true, err
	})
	if err != nil {
		return "", err
	}
	return etag, nil
}

func name(key world.Key) string { return key.Guild + "/" + key.World }
