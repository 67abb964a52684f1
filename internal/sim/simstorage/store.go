package simstorage

import (
	"context"
	"fmt"

	"hearth/internal/world"
)

var _ world.Store = (*Store)(nil)

// Store is the table of the worlds' rows.
type Store struct{ account *Account }

// row is kept as the document that a real table would keep, so that nothing is
// shared with who wrote or read it.
type row struct {
	document []byte
	etag     string
}

// Load implements world.Store.
func (s *Store) Load(ctx context.Context, key world.Key) (world.Row, error) {
	if err := ctx.Err(); err != nil {
		return world.Row{}, fmt.Errorf("load row %s: %w", path(key), err)
	}
	s.account.mu.Lock()
	r, ok := s.account.rows[key]
	s.account.mu.Unlock()
	if !ok {
		return world.Row{}, fmt.Errorf("load row %s: %w", path(key), world.ErrNotFound)
	}
	state, err := world.DecodeState(r.document)
	if err != nil {
		return world.Row{}, fmt.Errorf("load row %s: %w", path(key), err)
	}
	return world.Row{Key: key, State: state, ETag: r.etag}, nil
}

// Insert implements world.Store.
func (s *Store) Insert(ctx context.Context, row world.Row) (string, error) {
	return s.put(ctx, "insert", row, "")
}

// Replace implements world.Store. A row that does not exist is
// world.ErrConflict too.
func (s *Store) Replace(ctx context.Context, row world.Row) (string, error) {
	if row.ETag == "" { // what a row has that does not exist
		return "", fmt.Errorf("replace row %s: without an etag: %w", path(row.Key), world.ErrConflict)
	}
	return s.put(ctx, "replace", row, row.ETag)
}

// put writes the row if the stored one has this etag.
func (s *Store) put(ctx context.Context, act string, w world.Row, etag string) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", fmt.Errorf("%s row %s: %w", act, path(w.Key), err)
	}
	document, err := w.State.Encode()
	if err != nil {
		return "", fmt.Errorf("%s row %s: %w", act, path(w.Key), err)
	}
	a := s.account
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.rows[w.Key].etag != etag {
		return "", fmt.Errorf("%s row %s: %w", act, path(w.Key), world.ErrConflict)
	}
	stored := row{document: document, etag: a.name("etag")}
	a.rows[w.Key] = stored
	return stored.etag, nil
}

func path(key world.Key) string { return key.Guild + "/" + key.World }
