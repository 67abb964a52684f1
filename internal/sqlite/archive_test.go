package sqlite_test

import (
	"errors"
	"path/filepath"
	"testing"
	"time"

	"hearth/internal/sqlite"
	"hearth/internal/world"
	"hearth/internal/world/worldtest"
)

// TestOpenBringsAnOldFileUp: a file that was made before there was an archive
// gets one, and keeps what is in it.
func TestOpenBringsAnOldFileUp(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hearth.db")
	write(t, path, edited(t, soundFile(t), "DROP TABLE archive; PRAGMA user_version = 1"))
	db := openAt(t, path, worldtest.NewClock())
	if first, err := db.Archive().Keep(t.Context(), "event", []byte("x")); !first || err != nil {
		t.Errorf("Keep: got %t, %v, want true", first, err)
	}
	if err := db.Check(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestArchiveOutlivesItsProcess: what was kept is there after the file was
// opened anew, and a clock that stands before the file's counts it as old as it is.
func TestArchiveOutlivesItsProcess(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hearth.db")
	ahead := worldtest.NewClock()
	ahead.Advance(24 * time.Hour)
	db, err := sqlite.Open(t.Context(), path, ahead)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Archive().Keep(t.Context(), "event", []byte("x")); err != nil {
		t.Fatal(err)
	}
	closeNow(t, db)
	clock := worldtest.NewClock()
	again := openAt(t, path, clock).Archive()
	if got, err := again.Read(t.Context(), "event"); string(got) != "x" || err != nil {
		t.Errorf("Read: got %q, %v, want what was kept", got, err)
	}
	if _, err := again.Read(t.Context(), "other"); !errors.Is(err, world.ErrNotFound) {
		t.Errorf("Read of another: got %v, want ErrNotFound", err)
	}
	clock.Advance(time.Hour)
	for since, want := range map[time.Duration]int{2 * time.Hour: 1, time.Minute: 0} {
		if n, err := again.Kept(t.Context(), clock.Now().Add(-since)); n != want || err != nil {
			t.Errorf("kept in the last %s: got %d, %v, want %d", since, n, err, want)
		}
	}
}
