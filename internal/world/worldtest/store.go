package worldtest

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"hearth/internal/world"
)

// StoreOpener returns a store that is empty and that nobody else uses. Its
// times, if it has any, are clock's.
type StoreOpener func(t *testing.T, clock world.Clock) world.Store

// Store checks that the stores open returns do what world.Store promises.
func Store(t *testing.T, open StoreOpener, opts ...Option) {
	t.Helper()
	o := optionsOf(opts)
	for _, c := range []struct {
		name string
		run  func(t *testing.T, s world.Store)
	}{
		{"row that is not there is not found", storeMissing},
		{"row comes back as it was stored", storeRoundTrip},
		{"second insert loses", storeInsertLoses},
		{"of inserts at once exactly one wins", storeInsertRace},
		{"replace with an old etag loses", storeReplaceLoses},
		{"every write changes the etag", storeETagChanges},
		{"replace does not create", storeReplaceMissing},
		{"state above its bound is refused", storeTooLarge},
		{"rows are apart", storeKeys},
		{"no update is lost", storeNoLostUpdate},
		{"insert whose reply was lost is known again", storeLostInsert},
		{"replace whose reply was lost is known again", storeLostReplace},
		{"row shares nothing with its writer", storeSharesNothing},
		{"canceled context is honored", storeCanceled},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.run(t, open(t, newStage(o).clock))
		})
	}
}

func storeMissing(t *testing.T, s world.Store) {
	if row, err := s.Load(t.Context(), someKey()); !errors.Is(err, world.ErrNotFound) {
		t.Errorf("Load = %+v, %v; want ErrNotFound", row, err)
	}
}

func storeRoundTrip(t *testing.T, s world.Store) {
	row := world.Row{Key: someKey(), State: someState()}
	etag, err := s.Insert(t.Context(), row)
	if err != nil || etag == "" {
		t.Fatalf("Insert = %q, %v; want an etag", etag, err)
	}
	row.ETag = etag
	expectRow(t, s, row)

	row.State.Generation++
	row.State.Status = world.Stopping
	if row.ETag, err = s.Replace(t.Context(), row); err != nil {
		t.Fatalf("Replace: %v", err)
	}
	expectRow(t, s, row)
}

func storeInsertLoses(t *testing.T, s world.Store) {
	first := insert(t, s, someKey())
	second := world.Row{Key: first.Key, State: world.NewState("midgard")}
	second.State.Why = "second"
	if etag, err := s.Insert(t.Context(), second); !errors.Is(err, world.ErrConflict) {
		t.Errorf("second Insert = %q, %v; want ErrConflict", etag, err)
	}
	expectRow(t, s, first)
}

func storeInsertRace(t *testing.T, s world.Store) {
	var (
		wg   sync.WaitGroup
		wins atomic.Int32
	)
	for range 8 {
		wg.Go(func() {
			_, err := s.Insert(t.Context(), world.Row{Key: someKey(), State: someState()})
			switch {
			case err == nil:
				wins.Add(1)
			case !errors.Is(err, world.ErrConflict):
				t.Errorf("Insert: %v", err)
			}
		})
	}
	wg.Wait()
	if n := wins.Load(); n != 1 {
		t.Errorf("%d of 8 inserts won, want 1", n)
	}
}

func storeReplaceLoses(t *testing.T, s world.Store) {
	old := insert(t, s, someKey())
	current := replace(t, s, old)
	stale := old
	stale.State.Why = "too late"
	if etag, err := s.Replace(t.Context(), stale); !errors.Is(err, world.ErrConflict) {
		t.Errorf("Replace with the old etag = %q, %v; want ErrConflict", etag, err)
	}
	stale.ETag = ""
	if etag, err := s.Replace(t.Context(), stale); err == nil {
		t.Errorf("Replace without etag = %q, want an error: there are no blind writes", etag)
	}
	expectRow(t, s, current)
}

func storeETagChanges(t *testing.T, s world.Store) {
	row := insert(t, s, someKey())
	seen := map[string]bool{row.ETag: true}
	for range 5 {
		row = replace(t, s, row) // the same content
		if seen[row.ETag] {
			t.Errorf("etag %q was used before", row.ETag)
		}
		seen[row.ETag] = true
	}
}

func storeReplaceMissing(t *testing.T, s world.Store) {
	other := insert(t, s, world.Key{Guild: "g", World: "asgard"})
	row := world.Row{Key: someKey(), State: someState(), ETag: other.ETag}
	if etag, err := s.Replace(t.Context(), row); !errors.Is(err, world.ErrConflict) {
		t.Errorf("Replace of no row = %q, %v; want ErrConflict", etag, err)
	}
	if _, err := s.Load(t.Context(), row.Key); !errors.Is(err, world.ErrNotFound) {
		t.Errorf("Load after it = %v, want ErrNotFound", err)
	}
}

func storeTooLarge(t *testing.T, s world.Store) {
	largest := world.Row{Key: someKey(), State: paddedTo(t, world.MaxStateBytes)}
	tooLarge := world.Row{Key: someKey(), State: largest.State}
	tooLarge.State.Why += "x"

	if _, err := s.Insert(t.Context(), tooLarge); !errors.Is(err, world.ErrTooLarge) {
		t.Errorf("Insert above the bound = %v, want ErrTooLarge", err)
	}
	if _, err := s.Load(t.Context(), someKey()); !errors.Is(err, world.ErrNotFound) {
		t.Errorf("Load after it = %v, want ErrNotFound", err)
	}
	var err error
	if largest.ETag, err = s.Insert(t.Context(), largest); err != nil {
		t.Fatalf("Insert of %d bytes: %v", world.MaxStateBytes, err)
	}
	tooLarge.ETag = largest.ETag
	if _, err := s.Replace(t.Context(), tooLarge); !errors.Is(err, world.ErrTooLarge) {
		t.Errorf("Replace above the bound = %v, want ErrTooLarge", err)
	}
	expectRow(t, s, largest)
}

func storeKeys(t *testing.T, s world.Store) {
	var rows []world.Row
	for _, key := range []world.Key{{Guild: "1", World: "midgard"}, {Guild: "2", World: "midgard"}, {Guild: "1", World: "asgard"}} {
		rows = append(rows, insert(t, s, key))
	}
	rows[0] = replace(t, s, rows[0])
	for _, row := range rows {
		expectRow(t, s, row)
	}
}

func storeNoLostUpdate(t *testing.T, s world.Store) {
	const workers, each = 8, 50
	start := insert(t, s, someKey()).State.Generation
	increment := func() error {
		for {
			row, err := s.Load(t.Context(), someKey())
			if err != nil {
				return err
			}
			row.State.Generation++
			_, err = s.Replace(t.Context(), row)
			if !errors.Is(err, world.ErrConflict) {
				return err
			}
		}
	}
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for range each {
				if err := increment(); err != nil {
					t.Errorf("increment: %v", err)
					return
				}
			}
		})
	}
	wg.Wait()
	row, err := s.Load(t.Context(), someKey())
	if err != nil {
		t.Fatalf("Load: %v", err)
	}
	if got := row.State.Generation - start; got != workers*each {
		t.Errorf("%d increments arrived, want %d", got, workers*each)
	}
}

// A write whose reply is lost happened, or it did not. Whoever reads the row
// again knows by the name of the write, and the write's repeat can't happen a
// second time over what others wrote since.
func storeLostInsert(t *testing.T, s world.Store) {
	row := world.Row{Key: someKey(), State: someState()}
	row.State.Write = "insert-1"
	if _, err := s.Insert(t.Context(), row); err != nil { // the etag is lost
		t.Fatalf("Insert: %v", err)
	}
	again := loadWritten(t, s, "insert-1")
	if etag, err := s.Insert(t.Context(), row); !errors.Is(err, world.ErrConflict) {
		t.Errorf("repeat of the insert = %q, %v; want ErrConflict", etag, err)
	}
	expectRow(t, s, again)
	replace(t, s, again) // it goes on from there
}

func storeLostReplace(t *testing.T, s world.Store) {
	row := insert(t, s, someKey())
	row.State.Write = "replace-1"
	row.State.Generation++
	if _, err := s.Replace(t.Context(), row); err != nil { // the etag is lost
		t.Fatalf("Replace: %v", err)
	}
	again := loadWritten(t, s, "replace-1")
	if etag, err := s.Replace(t.Context(), row); !errors.Is(err, world.ErrConflict) {
		t.Errorf("repeat of the replace = %q, %v; want ErrConflict", etag, err)
	}
	expectRow(t, s, again)
	again.State.Write = "another's"
	again = replace(t, s, again)
	if etag, err := s.Replace(t.Context(), row); !errors.Is(err, world.ErrConflict) {
		t.Errorf("late repeat of the replace = %q, %v; want ErrConflict", etag, err)
	}
	expectRow(t, s, again)
}

// loadWritten reads the row, which must be the write's.
func loadWritten(t *testing.T, s world.Store, write string) world.Row {
	t.Helper()
	row, err := s.Load(t.Context(), someKey())
	if err != nil {
		t.Fatalf("Load: %v", err)
	}
	if row.State.Write != write {
		t.Errorf("the row's last write is %q, want %q", row.State.Write, write)
	}
	return row
}

func storeSharesNothing(t *testing.T, s world.Store) {
	spoil := func(row world.Row) {
		row.State.Boot.Players[0].Name = "Loki"
		clear(row.State.Blocked)
	}
	row := world.Row{Key: someKey(), State: someState()}
	var err error
	if row.ETag, err = s.Insert(t.Context(), row); err != nil {
		t.Fatalf("Insert: %v", err)
	}
	spoil(row)
	row.State = someState()
	expectRow(t, s, row)
	read, err := s.Load(t.Context(), row.Key)
	if err != nil {
		t.Fatalf("Load: %v", err)
	}
	spoil(read)
	expectRow(t, s, row)
}

func storeCanceled(t *testing.T, s world.Store) {
	row := insert(t, s, someKey())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Load(ctx, row.Key); !errors.Is(err, context.Canceled) {
		t.Errorf("Load = %v, want context.Canceled", err)
	}
	if _, err := s.Replace(ctx, row); !errors.Is(err, context.Canceled) {
		t.Errorf("Replace = %v, want context.Canceled", err)
	}
}

func someKey() world.Key { return world.Key{Guild: "81384788765712384", World: "midgard"} }

// someState has something of every kind: times, lists, text of people.
func someState() world.State {
	s := world.NewState("midgard")
	s.Generation = 7
	s.Status = world.Online
	s.Since = time.Date(2026, time.June, 1, 20, 15, 0, 123456789, time.UTC)
	s.Op = world.Operation{ID: "op-1", By: world.Person{ID: "1", Name: `Åse "the <bold>" 'O'; --`}}
	s.Boot.Epoch = 3
	s.Boot.Up, s.Boot.Known = true, true
	s.Boot.Machine = world.Machine{Name: "vm-0", Address: "203.0.113.7"}
	s.Boot.Players = []world.Player{{Owner: "-1", Name: "Ragna"}, {Owner: "2", Name: "Bjørn 🪓"}}
	s.Blocked = map[string]time.Time{"vmss-a": s.Since.Add(time.Hour)}
	return s
}

// paddedTo returns a state whose document has exactly size bytes.
func paddedTo(t *testing.T, size int) world.State {
	t.Helper()
	s := someState()
	s.Why = "x"
	document, err := s.Encode()
	if err != nil {
		t.Fatalf("Encode: %v", err)
	}
	s.Why = strings.Repeat("x", 1+size-len(document))
	return s
}

func insert(t *testing.T, s world.Store, key world.Key) world.Row {
	t.Helper()
	row := world.Row{Key: key, State: someState()}
	row.State.World = key.World
	var err error
	if row.ETag, err = s.Insert(t.Context(), row); err != nil {
		t.Fatalf("Insert: %v", err)
	}
	return row
}

// replace writes the row again and returns it with its new etag.
func replace(t *testing.T, s world.Store, row world.Row) world.Row {
	t.Helper()
	var err error
	if row.ETag, err = s.Replace(t.Context(), row); err != nil {
		t.Fatalf("Replace: %v", err)
	}
	return row
}

// expectRow compares documents: that is what a state is on the wire.
func expectRow(t *testing.T, s world.Store, want world.Row) {
	t.Helper()
	got, err := s.Load(t.Context(), want.Key)
	if err != nil {
		t.Fatalf("Load: %v", err)
	}
	if got.Key != want.Key || got.ETag != want.ETag {
		t.Errorf("Load = key %+v, etag %q; want key %+v, etag %q", got.Key, got.ETag, want.Key, want.ETag)
	}
	gotDocument, err := got.State.Encode()
	if err != nil {
		t.Fatalf("Encode: %v", err)
	}
	wantDocument, err := want.State.Encode()
	if err != nil {
		t.Fatalf("Encode: %v", err)
	}
	if !bytes.Equal(gotDocument, wantDocument) {
		t.Errorf("state = %s\nwant    %s", gotDocument, wantDocument)
	}
}
