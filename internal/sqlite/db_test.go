package sqlite_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"hearth/internal/sqlite"
	"hearth/internal/world"
	"hearth/internal/world/worldtest"
)

func TestReopenKeepsEverything(t *testing.T) {
	path := filepath.Join(t.TempDir(), "with space ?#% and ø.db")
	clock := worldtest.NewClock()
	key := world.Key{Guild: "1", World: "midgard"}

	db := openAt(t, path, clock)
	send(t, db.Queue("events"), "visible", 0)
	m := expect(t, db.Queue("events"), time.Minute, "visible")[0]
	send(t, db.Queue("events"), "delayed", time.Hour)
	etag, err := db.Store().Insert(t.Context(), world.Row{Key: key, State: world.NewState("midgard")})
	if err != nil {
		t.Fatalf("Insert: %v", err)
	}
	held, err := db.Lease().Acquire(t.Context(), "midgard")
	if err != nil {
		t.Fatalf("Acquire: %v", err)
	}
	closeNow(t, db)
	clock.Advance(30 * time.Second)

	db = openAt(t, path, clock)
	if _, err := os.Stat(path); err != nil {
		t.Errorf("the file is not where Open was told to make it: %v", err)
	}
	if err := db.Check(t.Context()); err != nil {
		t.Errorf("Check: %v", err)
	}
	if got, want := stats(t, db.Queue("events")), (sqlite.Stats{Visible: 1, Hidden: 1}); got != want {
		t.Errorf("Stats = %+v, want %+v", got, want)
	}
	if err := db.Queue("events").Delete(t.Context(), m); err != nil {
		t.Errorf("Delete with the receipt from before: %v", err)
	}
	row, err := db.Store().Load(t.Context(), key)
	if err != nil || row.ETag != etag {
		t.Errorf("Load = etag %q, %v; want %q", row.ETag, err, etag)
	}
	if _, err := db.Lease().Acquire(t.Context(), "midgard"); !errors.Is(err, world.ErrLeaseHeld) {
		t.Errorf("Acquire = %v, want ErrLeaseHeld", err)
	}
	if err := db.Lease().Renew(t.Context(), held); err != nil {
		t.Errorf("Renew of the lease from before: %v", err)
	}
}

// TestOpenTakesMessagesFromTheDead: what a process had in hand when it ended is
// nobody's, and is not to wait until a visibility runs out that was meant for
// the living. It goes before what was sent after it, and its deliveries count.
func TestOpenTakesMessagesFromTheDead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hearth.db")
	clock := worldtest.NewClock()
	db := openAt(t, path, clock)
	send(t, db.Queue("events"), "in hand", 0)
	send(t, db.Queue("events"), "given back", 0)
	send(t, db.Queue("events"), "delayed", time.Hour)
	clock.Advance(time.Second)
	given := expect(t, db.Queue("events"), 20*time.Minute, "in hand", "given back")[1]
	if err := db.Queue("events").Return(t.Context(), given, 30*time.Second); err != nil {
		t.Fatalf("Return: %v", err)
	}
	send(t, db.Queue("events"), "later", 0)
	closeNow(t, db)

	db = openAt(t, path, clock)
	for _, m := range expect(t, db.Queue("events"), time.Minute, "in hand", "later") {
		if want := map[string]int{"in hand": 2, "later": 1}[string(m.Body)]; m.DequeueCount != want {
			t.Errorf("%q was delivered %d times, want %d", m.Body, m.DequeueCount, want)
		}
	}
	clock.Advance(30 * time.Second)
	expect(t, db.Queue("events"), time.Minute, "given back")
}

func TestSecondOpenIsRefused(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "hearth.db")
	clock := worldtest.NewClock()
	db := openAt(t, path, clock)
	link := filepath.Join(dir, "link.db")
	if err := os.Symlink(path, link); err != nil {
		t.Skipf("no symbolic links here: %v", err)
	}
	for _, name := range []string{path, filepath.Join(dir, ".", "hearth.db"), link} {
		second, err := sqlite.Open(t.Context(), name, clock)
		if !errors.Is(err, sqlite.ErrInUse) {
			t.Errorf("second Open of %s = %v, %v; want ErrInUse", name, second, err)
		}
		if err != nil && !strings.Contains(err.Error(), "stop that one first") {
			t.Errorf("%q does not say what to do", err)
		}
	}
	send(t, db.Queue("events"), "still works", 0)
	closeNow(t, db)
	closeNow(t, db)
	expect(t, openAt(t, link, clock).Queue("events"), time.Hour, "still works")
}

func TestOpenRefuses(t *testing.T) {
	sound := soundFile(t)
	for _, c := range []struct {
		name    string
		content func() []byte
		want    error
		says    []string
	}{
		{
			name:    "text",
			content: func() []byte { return []byte(strings.Repeat("this is no database\n", 500)) },
			want:    sqlite.ErrDamaged,
			says:    []string{"no SQLite database", "move it away", "the world's save is not in it"},
		},
		{
			name:    "a few bytes",
			content: func() []byte { return []byte("hello") },
			want:    sqlite.ErrDamaged,
			says:    []string{"no SQLite database", "move it away"},
		},
		{
			name:    "half a file",
			content: func() []byte { return sound[:len(sound)/2] },
			want:    sqlite.ErrDamaged,
			says:    []string{"damaged", "move it away", "the world's save is not in it"},
		},
		{
			name:    "cut within a page",
			content: func() []byte { return sound[:len(sound)-100] },
			want:    sqlite.ErrDamaged,
			says:    []string{"damaged", "move it away"},
		},
		{
			name: "pages overwritten",
			content: func() []byte {
				b := bytes.Clone(sound)
				for i := 4096; i < len(b); i += 7 {
					b[i] ^= 0x5a
				}
				return b
			},
			want: sqlite.ErrDamaged,
			says: []string{"damaged", "move it away"},
		},
		{
			name:    "another program's database",
			content: func() []byte { return edited(t, nil, "CREATE TABLE bookmarks (url TEXT)") },
			want:    sqlite.ErrDamaged,
			says:    []string{"another program", "name another file"},
		},
		{
			name:    "a newer schema",
			content: func() []byte { return edited(t, sound, "PRAGMA user_version = 99") },
			want:    sqlite.ErrNewer,
			says:    []string{"version 99", "update Hearth"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "hearth.db")
			before := c.content()
			write(t, path, before)
			db, err := sqlite.Open(t.Context(), path, worldtest.NewClock())
			if !errors.Is(err, c.want) {
				t.Fatalf("Open = %v, %v; want %v", db, err, c.want)
			}
			for _, says := range append(c.says, path) {
				if !strings.Contains(err.Error(), says) {
					t.Errorf("error %q does not say %q", err, says)
				}
			}
			if !bytes.Equal(read(t, path), before) {
				t.Error("the refused file was changed")
			}
			entries, err := os.ReadDir(dir)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range entries {
				if name := e.Name(); name != "hearth.db" && name != "hearth.db.lock" {
					t.Errorf("Open left %s behind", name)
				}
			}
			// What it says helps: the file moved away, a new one is made.
			if err := os.Rename(path, path+".away"); err != nil {
				t.Fatal(err)
			}
			openAt(t, path, worldtest.NewClock())
		})
	}
}

// A file that is refused keeps its write-ahead log too.
func TestOpenRefusesWithALog(t *testing.T) {
	live := filepath.Join(t.TempDir(), "live.db")
	write(t, live, soundFile(t))
	other, err := sql.Open("sqlite", live)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = other.Close() }()
	if _, err := other.ExecContext(t.Context(), "PRAGMA user_version = 99"); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "hearth.db")
	file, log := read(t, live), read(t, live+"-wal")
	write(t, path, file)
	write(t, path+"-wal", log)
	if db, err := sqlite.Open(t.Context(), path, worldtest.NewClock()); !errors.Is(err, sqlite.ErrNewer) {
		t.Fatalf("Open = %v, %v; want ErrNewer", db, err)
	}
	if !bytes.Equal(read(t, path), file) || !bytes.Equal(read(t, path+"-wal"), log) {
		t.Error("the refused file or its log was changed")
	}
}

// TestOpenTakesAFileThatWasBeingMade: a process that is killed in the moment in
// which it makes the file leaves the first page and a journal that leads back
// to nothing, as SQLite wrote this one.
func TestOpenTakesAFileThatWasBeingMade(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hearth.db")
	write(t, path, soundFile(t)[:4096])
	journal := make([]byte, 512)
	copy(journal, []byte{
		0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7, 0, 0, 0, 0, 0xec, 0x8f, 0x4d, 0x5e,
		0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0x10, 0,
	})
	write(t, path+"-journal", journal)
	db := openAt(t, path, worldtest.NewClock())
	send(t, db.Queue("events"), "x", 0)
	expect(t, db.Queue("events"), time.Minute, "x")
	if err := db.Check(t.Context()); err != nil {
		t.Errorf("Check: %v", err)
	}
	if _, err := os.Stat(path + "-journal"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the journal is still there: %v", err)
	}
}

func TestOpenRefusesAnUnfinishedWrite(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hearth.db")
	file := soundFile(t)
	write(t, path, file)
	for name, journal := range map[string][]byte{
		"no journal of SQLite's":     []byte("x"),
		"of a file that held a page": {0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7, 0, 0, 0, 0, 1, 2, 3, 4, 0, 0, 0, 1, 0, 0, 2, 0, 0, 0, 0x10, 0},
		"zeros":                      make([]byte, 512),
	} {
		write(t, path+"-journal", journal)
		db, err := sqlite.Open(t.Context(), path, worldtest.NewClock())
		if !errors.Is(err, sqlite.ErrDamaged) || !strings.Contains(err.Error(), path+"-journal") {
			t.Errorf("%s: Open = %v, %v; want ErrDamaged and the journal's name", name, db, err)
		}
		if !bytes.Equal(read(t, path), file) || !bytes.Equal(read(t, path+"-journal"), journal) {
			t.Errorf("%s: the refused file or its journal was changed", name)
		}
	}
}

func TestOpenRefusesPaths(t *testing.T) {
	dir := t.TempDir()
	dangling := filepath.Join(dir, "dangling.db")
	if err := os.Symlink(filepath.Join(dir, "nowhere.db"), dangling); err != nil {
		t.Skipf("no symbolic links here: %v", err)
	}
	for _, c := range []struct{ name, path, says string }{
		{"nothing", "", "name a file"},
		{"a folder", dir, "name a file in it"},
		{"in a folder that is not there", filepath.Join(dir, "no", "hearth.db"), "make " + filepath.Join(dir, "no") + " first"},
		{"a link to nothing", dangling, "nowhere.db"},
	} {
		t.Run(c.name, func(t *testing.T) {
			db, err := sqlite.Open(t.Context(), c.path, worldtest.NewClock())
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("Open = %v, %v; want an error that says %q", db, err, c.says)
			}
		})
	}
}

func TestOpenTakesAnEmptyFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hearth.db")
	write(t, path, nil)
	send(t, openAt(t, path, worldtest.NewClock()).Queue("events"), "x", 0)
}

func TestFileIsForItsOwnerOnly(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no permission bits")
	}
	dir := t.TempDir()
	db := openAt(t, filepath.Join(dir, "hearth.db"), worldtest.NewClock())
	send(t, db.Queue("events"), "x", 0)
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %s, want none for others", e.Name(), info.Mode())
		}
	}
}

func TestCheckFindsDamageInAnOpenFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hearth.db")
	write(t, path, soundFile(t))
	db := openAt(t, path, worldtest.NewClock())
	if err := db.Check(t.Context()); err != nil {
		t.Fatalf("Check of a sound file: %v", err)
	}
	b := read(t, path)
	for i := 4096; i < len(b); i += 7 {
		b[i] ^= 0x5a
	}
	write(t, path, b)
	err := db.Check(t.Context())
	if !errors.Is(err, sqlite.ErrDamaged) || !strings.Contains(err.Error(), path) {
		t.Errorf("Check = %v, want ErrDamaged and the file's name", err)
	}
}

// A clock that ran fast in an earlier life of the file must not leave
// messages and leases that wait for it.
func TestClockBehindTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hearth.db")
	fast := worldtest.NewClock()
	fast.Advance(20 * time.Hour)
	db := openAt(t, path, fast)
	send(t, db.Queue("events"), "in a minute", time.Minute)
	if _, err := db.Lease().Acquire(t.Context(), "midgard"); err != nil {
		t.Fatalf("Acquire: %v", err)
	}
	fast.Advance(20 * time.Second)
	send(t, db.Queue("events"), "now", 0)
	closeNow(t, db)

	clock := worldtest.NewClock() // 20 hours and 20 seconds back
	db = openAt(t, path, clock)
	expect(t, db.Queue("events"), time.Hour, "now")
	at, ok, err := db.Queue("events").NextVisible(t.Context())
	if want := clock.Now().Add(40 * time.Second); err != nil || !ok || !at.Equal(want) {
		t.Errorf("NextVisible = %s, %t, %v; want %s: the rest of its minute", at, ok, err, want)
	}
	_, expires, ok, err := db.Lease().Holder(t.Context(), "midgard")
	if want := clock.Now().Add(40 * time.Second); err != nil || !ok || !expires.Equal(want) {
		t.Errorf("the lease expires %s, %t, %v; want %s", expires, ok, err, want)
	}
	closeNow(t, db)

	clock.Advance(time.Second) // forward: nothing moves
	db = openAt(t, path, clock)
	if at, _, err := db.Queue("events").NextVisible(t.Context()); err != nil || !at.Equal(clock.Now().Add(39*time.Second)) {
		t.Errorf("NextVisible = %s, %v; want 39 s from now", at, err)
	}
}

func TestCanceledOpenLeavesNoLock(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hearth.db")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if db, err := sqlite.Open(ctx, path, worldtest.NewClock()); !errors.Is(err, context.Canceled) {
		t.Errorf("Open = %v, %v; want context.Canceled", db, err)
	}
	openAt(t, path, worldtest.NewClock())
}

// soundFile is the content of a closed database of some 80 KB.
func soundFile(t *testing.T) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "hearth.db")
	db := openAt(t, path, worldtest.NewClock())
	for range 20 {
		send(t, db.Queue("events"), strings.Repeat("x", 3000), 0)
	}
	closeNow(t, db)
	for _, side := range []string{"-wal", "-shm"} {
		if _, err := os.Stat(path + side); !errors.Is(err, fs.ErrNotExist) {
			t.Fatalf("Close left %s behind", side)
		}
	}
	return read(t, path)
}

// edited is a database file after a statement of somebody else's.
func edited(t *testing.T, content []byte, statement string) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "other.db")
	write(t, path, content)
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.ExecContext(t.Context(), statement); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	return read(t, path)
}

func stats(t *testing.T, q *sqlite.Queue) sqlite.Stats {
	t.Helper()
	s, err := q.Stats(t.Context())
	if err != nil {
		t.Fatalf("Stats: %v", err)
	}
	return s
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func write(t *testing.T, path string, b []byte) {
	t.Helper()
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}
