package worldtest_test

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"hearth/internal/sim/simstorage"
	"hearth/internal/world"
	"hearth/internal/world/worldtest"
)

// oddStore does what its functions say, and what its Store does where it has
// none.
type oddStore struct {
	world.Store
	load    func(ctx context.Context, key world.Key) (world.Row, error)
	insert  func(ctx context.Context, row world.Row) (string, error)
	replace func(ctx context.Context, row world.Row) (string, error)
}

func (s oddStore) Load(ctx context.Context, key world.Key) (world.Row, error) {
	if s.load == nil {
		return s.Store.Load(ctx, key)
	}
	return s.load(ctx, key)
}

func (s oddStore) Insert(ctx context.Context, row world.Row) (string, error) {
	if s.insert == nil {
		return s.Store.Insert(ctx, row)
	}
	return s.insert(ctx, row)
}

func (s oddStore) Replace(ctx context.Context, row world.Row) (string, error) {
	if s.replace == nil {
		return s.Store.Replace(ctx, row)
	}
	return s.replace(ctx, row)
}

// blindly writes the row whatever is stored.
func blindly(ctx context.Context, s world.Store, row world.Row) (string, error) {
	stored, err := s.Load(ctx, row.Key)
	if err != nil {
		return "", err
	}
	row.ETag = stored.ETag
	return s.Replace(ctx, row)
}

func brokenStores() []brokenCopy {
	odd := func(name, fails string, spoil func(s world.Store) oddStore) brokenCopy {
		return brokenCopy{name, fails, func(t *testing.T) {
			worldtest.Store(t, func(_ *testing.T, clock world.Clock) world.Store {
				s := simstorage.New(simstorage.Options{Clock: clock}).Store()
				o := spoil(s)
				o.Store = s
				return o
			})
		}}
	}
	return []brokenCopy{
		odd(honest, "", func(world.Store) oddStore { return oddStore{} }),
		odd("has a row for every key", "row that is not there is not found", func(s world.Store) oddStore {
			return oddStore{load: func(ctx context.Context, key world.Key) (world.Row, error) {
				row, err := s.Load(ctx, key)
				if errors.Is(err, world.ErrNotFound) {
					return world.Row{Key: key}, nil
				}
				return row, err
			}}
		}),
		odd("keeps whole seconds", "row comes back as it was stored", func(s world.Store) oddStore {
			return oddStore{insert: func(ctx context.Context, row world.Row) (string, error) {
				row.State.Since = row.State.Since.Truncate(time.Second)
				return s.Insert(ctx, row)
			}}
		}),
		odd("inserts over what is there", "second insert loses", func(s world.Store) oddStore {
			return oddStore{insert: func(ctx context.Context, row world.Row) (string, error) {
				etag, err := s.Insert(ctx, row)
				if errors.Is(err, world.ErrConflict) {
					return blindly(ctx, s, row)
				}
				return etag, err
			}}
		}),
		odd("lets the third insert win too", "of inserts at once exactly one wins", func(s world.Store) oddStore {
			var n atomic.Int32
			return oddStore{insert: func(ctx context.Context, row world.Row) (string, error) {
				third := n.Add(1) == 3
				etag, err := s.Insert(ctx, row)
				if third && errors.Is(err, world.ErrConflict) {
					return blindly(ctx, s, row)
				}
				return etag, err
			}}
		}),
		odd("replaces whatever is there", "replace with an old etag loses", func(s world.Store) oddStore {
			return oddStore{replace: func(ctx context.Context, row world.Row) (string, error) { return blindly(ctx, s, row) }}
		}),
		odd("keeps the etag of an equal row", "every write changes the etag", func(s world.Store) oddStore {
			return oddStore{replace: func(ctx context.Context, row world.Row) (string, error) {
				stored, err := s.Load(ctx, row.Key)
				if err == nil && stored.ETag == row.ETag && equal(stored.State, row.State) {
					return row.ETag, nil
				}
				return s.Replace(ctx, row)
			}}
		}),
		odd("creates by replacing", "replace does not create", func(s world.Store) oddStore {
			return oddStore{replace: func(ctx context.Context, row world.Row) (string, error) {
				etag, err := s.Replace(ctx, row)
				if _, missing := s.Load(ctx, row.Key); errors.Is(missing, world.ErrNotFound) {
					return s.Insert(ctx, row)
				}
				return etag, err
			}}
		}),
		odd("cuts what is too large", "state above its bound is refused", func(s world.Store) oddStore {
			return oddStore{insert: func(ctx context.Context, row world.Row) (string, error) {
				if _, err := row.State.Encode(); errors.Is(err, world.ErrTooLarge) {
					row.State.Why = ""
				}
				return s.Insert(ctx, row)
			}}
		}),
		odd("knows one guild", "rows are apart", func(s world.Store) oddStore {
			return oddStore{load: func(ctx context.Context, key world.Key) (world.Row, error) {
				row, err := s.Load(ctx, world.Key{World: key.World})
				row.Key = key
				return row, err
			}, insert: func(ctx context.Context, row world.Row) (string, error) {
				row.Key.Guild = ""
				return s.Insert(ctx, row)
			}, replace: func(ctx context.Context, row world.Row) (string, error) {
				row.Key.Guild = ""
				return s.Replace(ctx, row)
			}}
		}),
		odd("forgets every hundredth write", "no update is lost", func(s world.Store) oddStore {
			var n atomic.Int32
			return oddStore{replace: func(ctx context.Context, row world.Row) (string, error) {
				if n.Add(1)%100 == 0 {
					return "etag-of-nothing", nil
				}
				return s.Replace(ctx, row)
			}}
		}),
		odd("takes an insert's repeat for the insert", "insert whose reply was lost is known again", func(s world.Store) oddStore {
			return oddStore{insert: func(ctx context.Context, row world.Row) (string, error) { return sameAgain(ctx, s, row, s.Insert) }}
		}),
		odd("takes a replace's repeat for the replace", "replace whose reply was lost is known again", func(s world.Store) oddStore {
			return oddStore{replace: func(ctx context.Context, row world.Row) (string, error) { return sameAgain(ctx, s, row, s.Replace) }}
		}),
		odd("loses the name of the write", "insert whose reply was lost is known again", func(s world.Store) oddStore {
			return oddStore{insert: func(ctx context.Context, row world.Row) (string, error) {
				row.State.Write = ""
				return s.Insert(ctx, row)
			}}
		}),
		odd("keeps the writer's row", "row shares nothing with its writer", sharingStore),
		odd("hears no cancel", "canceled context is honored", func(s world.Store) oddStore {
			return oddStore{replace: func(ctx context.Context, row world.Row) (string, error) { return s.Replace(deaf(ctx), row) }}
		}),
	}
}

func equal(a, b world.State) bool {
	one, err1 := a.Encode()
	two, err2 := b.Encode()
	return err1 == nil && err2 == nil && bytes.Equal(one, two)
}

// sameAgain answers a write that lost to itself as if it had won.
func sameAgain(ctx context.Context, s world.Store, row world.Row, write func(context.Context, world.Row) (string, error)) (string, error) {
	etag, err := write(ctx, row)
	if errors.Is(err, world.ErrConflict) && row.State.Write != "" {
		if stored, lerr := s.Load(ctx, row.Key); lerr == nil && stored.State.Write == row.State.Write {
			return stored.ETag, nil
		}
	}
	return etag, err
}

// sharingStore answers with the very rows that it was given.
func sharingStore(s world.Store) oddStore {
	var (
		mu   sync.Mutex // guards rows
		rows = map[world.Key]world.Row{}
	)
	keep := func(write func(context.Context, world.Row) (string, error)) func(context.Context, world.Row) (string, error) {
		return func(ctx context.Context, row world.Row) (string, error) {
			mu.Lock()
			defer mu.Unlock()
			etag, err := write(ctx, row)
			if err == nil {
				row.ETag = etag
				rows[row.Key] = row
			}
			return etag, err
		}
	}
	return oddStore{insert: keep(s.Insert), replace: keep(s.Replace), load: func(ctx context.Context, key world.Key) (world.Row, error) {
		mu.Lock()
		defer mu.Unlock()
		if row, ok := rows[key]; ok {
			return row, ctx.Err()
		}
		return s.Load(ctx, key)
	}}
}
