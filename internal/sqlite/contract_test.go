package sqlite_test

import (
	"errors"
	"path/filepath"
	"testing"

	"hearth/internal/sqlite"
	"hearth/internal/world"
	"hearth/internal/world/worldtest"
)

func TestQueueContract(t *testing.T) {
	worldtest.Queue(t,
		func(t *testing.T, clock world.Clock) world.Queue { return open(t, clock).Queue(world.EventsQueue) },
		worldtest.MovesPoison(func(t *testing.T, clock world.Clock) (world.Queue, world.Queue) {
			db := open(t, clock)
			return db.Queue("events"), db.Queue("events-poison")
		}))
}

func TestStoreContract(t *testing.T) {
	worldtest.Store(t, func(t *testing.T, clock world.Clock) world.Store { return open(t, clock).Store() })
}

func TestLeaseContract(t *testing.T) {
	worldtest.Lease(t, func(t *testing.T, clock world.Clock) world.Lease { return open(t, clock).Lease() })
}

func TestArchiveContract(t *testing.T) {
	worldtest.Archive(t, func(t *testing.T, clock world.Clock) worldtest.ArchiveUnderTest {
		a := open(t, clock).Archive()
		return worldtest.ArchiveUnderTest{Archive: a, Now: clock.Now, Stored: func(t *testing.T, name string) []byte {
			body, err := a.Read(t.Context(), name)
			if err != nil && !errors.Is(err, world.ErrNotFound) {
				t.Fatal(err)
			}
			return body
		}}
	})
}

// open returns a new database that is closed with the test.
func open(t *testing.T, clock world.Clock) *sqlite.DB {
	t.Helper()
	return openAt(t, filepath.Join(t.TempDir(), "hearth.db"), clock)
}

func openAt(t *testing.T, path string, clock world.Clock) *sqlite.DB {
	t.Helper()
	db, err := sqlite.Open(t.Context(), path, clock)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return db
}

func closeNow(t *testing.T, db *sqlite.DB) {
	t.Helper()
	if err := db.Close(); err != nil {
		t.Fatalf("Close: %v", err)
	}
}
