package saves_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"hearth/internal/saves"
	"hearth/internal/sim/simgame"
	"hearth/internal/world"
)

// text is what a test's file holds: so many bytes.
func text(n int) string { return strings.Repeat("x", n) }

const marker = "hearth-world.json"

func markerOf(id, files, form string) string {
	return `{"world":"` + id + `","files":"` + files + `","form":"` + form + `"}`
}

// pair is a world before 1.0.
func pair() map[string]string {
	return map[string]string{"Midgard.fwl": text(40), "Midgard.db": text(5000)}
}

// folder is a world of 1.0, as users list theirs.
func folder() map[string]string {
	return map[string]string{
		"Midgard/_main.7.fwl2": text(144), "Midgard/_main.7.db2": text(5000), "Midgard/_main.7.chunks": text(21),
		"Midgard/_main.7.ok": text(4), "Midgard/00_00__0_7.chunk": text(1504),
	}
}

// with is a copy with these files, and without those whose content is gone.
func with(files map[string]string, changes map[string]string) map[string]string {
	out := map[string]string{}
	for _, m := range []map[string]string{files, changes} {
		maps.Copy(out, m)
	}
	maps.DeleteFunc(out, func(_, content string) bool { return content == gone })
	return out
}

const gone = "gone"

// lay writes the files below a new folder.
func lay(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// list reads what lies below the folder.
func list(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		name, _ := filepath.Rel(dir, path)
		out[filepath.ToSlash(name)] = string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func open(t *testing.T, o saves.Options) *saves.Dir {
	t.Helper()
	if o.ID == "" {
		o.ID, o.World = "midgard", "Midgard"
	}
	d, err := saves.New(o)
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	return d
}

func TestCheck(t *testing.T) {
	for _, c := range []struct {
		name    string
		files   map[string]string
		keepOld bool              // AllowNew is not set
		refused world.FilesReason // empty: it may start
		says    []string
		fresh   bool
		mended  []string          // as FilesState.Mended says
		adds    map[string]string // files there are after it, beside the marker
	}{
		{name: "a pair", files: pair(), keepOld: true},
		{name: "a folder", files: folder(), keepOld: true},
		{name: "a folder, while a save is cut off", keepOld: true, files: with(folder(), map[string]string{
			"Midgard/_main.8.chunks": text(21), "Midgard/_main.8.db2": "", "Midgard/00_00__0_8.chunk": text(10),
		})},
		{name: "a folder, while the last save is not cleared away", keepOld: true, files: with(folder(), map[string]string{
			"Midgard/_main.10.fwl2": text(144), "Midgard/_main.10.db2": text(5100), "Midgard/_main.10.ok": text(4), "Midgard/_main.7.db2": gone,
		})},
		{name: "the pretend game's", keepOld: true, files: map[string]string{"Midgard.fwl2": text(90), "Midgard.db2": text(900)}},
		{name: "the pretend game's without a head", keepOld: true, files: map[string]string{"Midgard.db2": text(900)}},
		{name: "a pair while it is turned into a folder", keepOld: true, files: with(pair(), map[string]string{
			"Midgard/_main.1.chunks": text(21), "Midgard/00_00__0_1.chunk": text(10), "Midgard_backup_20260909-124711.db": text(5000),
		})},
		{name: "a folder, with what it was made from", keepOld: true, files: with(pair(), folder())},
		{name: "marked as a pair, now a folder", keepOld: true, files: with(folder(), map[string]string{marker: markerOf("midgard", "Midgard", "flat")})},
		{name: "a marker that can't be read, and the world", keepOld: true, files: with(pair(), map[string]string{marker: "{"})},
		{name: "called otherwise since", keepOld: true, files: with(pair(), map[string]string{marker: markerOf("midgard", "Mitgard", "flat")})},

		{name: "nothing, and a new one allowed", fresh: true},
		{name: "nothing", keepOld: true, refused: world.FilesMissing, says: []string{"allow a new world"}},
		{name: "a head alone", files: map[string]string{"Midgard.fwl": text(40)}, fresh: true},
		{name: "a head alone, no new one", keepOld: true, files: map[string]string{"Midgard.fwl": text(40)}, refused: world.FilesMissing, says: []string{"never saved", "allow a new world"}},
		{name: "a folder that was never saved", files: map[string]string{"Midgard/_main.0.fwl2": text(40)}, fresh: true},
		{name: "an empty first save", files: map[string]string{"Midgard.fwl": text(40), "Midgard.db.new": ""}, fresh: true},
		{
			name: "a first save cut off", files: map[string]string{"Midgard.fwl": text(40), "Midgard.db.new": text(3000)}, fresh: true,
			mended: []string{"first save", "Midgard.db.new"}, adds: map[string]string{"Midgard.db.new.kept-20261124-182000": text(3000)},
		},
		{name: "another world", files: map[string]string{"Asgard.db": text(9)}, refused: world.FilesOther, says: []string{"Asgard"}},
		{name: "another world's folder", files: map[string]string{"Asgard/_main.3.fwl2": text(9)}, refused: world.FilesOther, says: []string{"Asgard"}},
		{name: "only the game's backups", files: map[string]string{"Midgard_backup_auto-20260913-080632/_main.3.fwl2": text(9)}, fresh: true},

		{name: "gone", files: map[string]string{marker: markerOf("midgard", "Midgard", "chunked")}, refused: world.FilesMissing, says: []string{"has been", "snapshot", marker}},
		{name: "gone, its marker torn", files: map[string]string{marker: ""}, refused: world.FilesMissing, says: []string{"has been"}},
		{name: "gone, its marker huge", files: map[string]string{marker: text(1 << 20)}, refused: world.FilesMissing, says: []string{"has been"}},
		{name: "begun again", files: map[string]string{marker: markerOf("midgard", "Midgard", "flat"), "Midgard.fwl": text(40)}, refused: world.FilesMissing, says: []string{"has been"}},
		{name: "marked for another", files: with(pair(), map[string]string{marker: markerOf("asgard", "Midgard", "flat")}), refused: world.FilesOther, says: []string{"asgard", "midgard"}},
		{name: "marked with another name", files: map[string]string{marker: markerOf("midgard", "Mitgard", "flat"), "Mitgard.db": text(9)}, refused: world.FilesMissing, says: []string{`"Mitgard"`}},
		{name: "the folder gone, the old pair left", files: with(pair(), map[string]string{marker: markerOf("midgard", "Midgard", "chunked")}), refused: world.FilesMissing, says: []string{"newer form", marker}},
		{
			name: "the folder gone, an ancient .old left", refused: world.FilesMissing, says: []string{"newer form"},
			files: map[string]string{marker: markerOf("midgard", "Midgard", "chunked"), "Midgard.db.old": text(9), "Midgard.fwl": text(9)},
		},

		{
			name: "between the renames", keepOld: true, files: with(pair(), map[string]string{"Midgard.db": gone, "Midgard.db.new": text(5200), "Midgard.db.old": text(5000)}),
			mended: []string{"Midgard.db from Midgard.db.new of 2026-11-24 18:20 UTC"}, adds: map[string]string{"Midgard.db": text(5200)},
		},
		{
			name: "between the renames of the head", keepOld: true, files: with(pair(), map[string]string{"Midgard.fwl": gone, "Midgard.fwl.new": text(41), "Midgard.fwl.old": text(40)}),
			mended: []string{"Midgard.fwl from Midgard.fwl.new"}, adds: map[string]string{"Midgard.fwl": text(41)},
		},
		{
			name: "a little smaller", keepOld: true, files: with(pair(), map[string]string{"Midgard.db": gone, "Midgard.db.new": text(4600), "Midgard.db.old": text(5000)}),
			mended: []string{"Midgard.db.new"}, adds: map[string]string{"Midgard.db": text(4600)},
		},
		{
			name: "only the old one", keepOld: true, files: with(pair(), map[string]string{"Midgard.db": gone, "Midgard.db.old": text(5000)}),
			mended: []string{"Midgard.db from Midgard.db.old"}, adds: map[string]string{"Midgard.db": text(5000)},
		},
		{
			name: "an empty new one", keepOld: true, files: with(pair(), map[string]string{"Midgard.db": gone, "Midgard.db.new": "", "Midgard.db.old": text(5000)}),
			mended: []string{"Midgard.db from Midgard.db.old"}, adds: map[string]string{"Midgard.db": text(5000)},
		},
		{
			name: "both of a save", keepOld: true, files: map[string]string{"Midgard.db.new": text(10), "Midgard.db.old": text(9), "Midgard.fwl.old": text(8)},
			mended: []string{"Midgard.db from Midgard.db.new", "Midgard.fwl from Midgard.fwl.old"}, adds: map[string]string{"Midgard.db": text(10), "Midgard.fwl": text(8)},
		},
		{
			name: "much smaller", files: with(pair(), map[string]string{"Midgard.db": gone, "Midgard.db.new": text(4000), "Midgard.db.old": text(5000)}),
			refused: world.FilesMissing, says: []string{"Midgard.db.new (4000 bytes)", "Midgard.db.old (5000 bytes)", "copy one of them to Midgard.db"},
		},
		{name: "no head", files: with(pair(), map[string]string{"Midgard.fwl": gone}), refused: world.FilesMissing, says: []string{"Midgard.fwl", "another world"}},
		{name: "empty", files: with(pair(), map[string]string{"Midgard.db": "", "Midgard.db.old": text(44)}), refused: world.FilesUnreadable, says: []string{"Midgard.db is empty", "Midgard.db.old has 44 bytes"}},
		{name: "an empty head", files: with(pair(), map[string]string{"Midgard.fwl": ""}), refused: world.FilesUnreadable, says: []string{"Midgard.fwl is empty", "snapshot"}},
		{name: "an empty file in the folder", files: with(folder(), map[string]string{"Midgard/_main.7.db2": ""}), refused: world.FilesUnreadable, says: []string{"_main.7.db2 is empty"}},
		{name: "a file of the folder gone", files: with(folder(), map[string]string{"Midgard/_main.7.db2": gone}), refused: world.FilesMissing, says: []string{"save 7", "_main.7.db2"}},
		{name: "no file", files: with(pair(), map[string]string{"Midgard.db": gone, "Midgard.db/x": ""}), refused: world.FilesUnreadable, says: []string{"Midgard.db is no file"}},
		{name: "not writable", files: with(pair(), map[string]string{".hearth-probe/x": ""}), refused: world.FilesUnreadable, says: []string{"can't be written"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := lay(t, c.files)
			for name := range c.files {
				at := time.Date(2026, 11, 24, 18, 20, 0, 0, time.UTC)
				if err := os.Chtimes(filepath.Join(dir, name), at, at); err != nil {
					t.Fatal(err)
				}
			}
			d := open(t, saves.Options{Dir: dir, AllowNew: !c.keepOld})
			looked, lookErr := d.Look(t.Context())
			if now := list(t, dir); !same(now, c.files) {
				t.Errorf("Look touched the world: %v", names(now))
			}
			got, err := d.Check(t.Context())
			if looked.New != got.New || looked.Mended == "" && len(got.Mended) > 0 && !got.New || (lookErr == nil) != (err == nil) || err != nil && lookErr.Error() != err.Error() {
				t.Errorf("Look = %+v, %v; Check = %+v, %v", looked, lookErr, got, err)
			}
			after := list(t, dir)
			if c.refused != "" {
				e, ok := errors.AsType[*world.FilesError](err)
				if !ok || e.Reason != c.refused {
					t.Fatalf("Check = %+v, %v; want %s", got, err, c.refused)
				}
				for _, says := range c.says {
					if !strings.Contains(e.Detail, says) {
						t.Errorf("%q does not say %q", e.Detail, says)
					}
				}
				if !same(after, c.files) {
					t.Errorf("a refused world was touched: %v", names(after))
				}
				return
			}
			if err != nil {
				t.Fatalf("Check: %v", err)
			}
			if got.New != c.fresh || (got.Mended == "") != (len(c.mended) == 0) {
				t.Errorf("Check = %+v, want new %t and mended %q", got, c.fresh, c.mended)
			}
			for _, says := range c.mended {
				if !strings.Contains(got.Mended, says) {
					t.Errorf("mended %q, want %q in it", got.Mended, says)
				}
			}
			if _, marked := after[marker]; marked == c.fresh {
				t.Errorf("marked: %t, with a world: %t", marked, !c.fresh)
			}
			want := with(with(c.files, c.adds), map[string]string{marker: gone})
			delete(after, marker)
			if !same(after, want) {
				t.Errorf("files after it: %v, want %v", names(after), names(want))
			}
			again, err := d.Check(t.Context())
			if err != nil || again.New != c.fresh || again.Mended != "" && !c.fresh {
				t.Errorf("second Check = %+v, %v; want nothing left to mend", again, err)
			}
		})
	}
}

func same(a, b map[string]string) bool {
	if len(a) != len(b) {
		return false
	}
	for name, content := range a {
		if other, ok := b[name]; !ok || other != content {
			return false
		}
	}
	return true
}

func names(m map[string]string) []string {
	var out []string
	for name, content := range m {
		out = append(out, fmt.Sprintf("%s (%d)", name, len(content)))
	}
	slices.Sort(out)
	return out
}

// TestCheckOfRealSaves: whatever the pretend game saves is taken, at once and
// after the next boot.
func TestCheckOfRealSaves(t *testing.T) {
	for _, form := range simgame.Forms() {
		synctest.Test(t, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "worlds_local")
			d := open(t, saves.Options{Dir: dir, AllowNew: true})
			if s, err := d.Check(t.Context()); err != nil || !s.New {
				t.Fatalf("%s: Check before the first save = %+v, %v; want a new one", form, s, err)
			}
			save(t, dir, form)
			if s, err := d.Check(t.Context()); err != nil || s != (world.FilesState{}) {
				t.Errorf("%s: Check after a save = %+v, %v", form, s, err)
			}
			if err := os.RemoveAll(dir); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// TestSubfolder: notes are left in the mount point, not in the game's folder in
// it, so that they miss the folder, too.
func TestSubfolder(t *testing.T) {
	home := lay(t, map[string]string{"worlds_local/Midgard.fwl": text(40), "worlds_local/Midgard.db": text(50)})
	d := open(t, saves.Options{Home: home, Dir: filepath.Join(home, "worlds_local"), AllowNew: true})
	if s, err := d.Check(t.Context()); err != nil || s != (world.FilesState{}) {
		t.Fatalf("Check = %+v, %v", s, err)
	}
	if err := os.RemoveAll(filepath.Join(home, "worlds_local")); err != nil {
		t.Fatal(err)
	}
	_, err := d.Check(t.Context())
	if e, ok := errors.AsType[*world.FilesError](err); !ok || e.Reason != world.FilesMissing {
		t.Errorf("Check without the folder = %v, want missing", err)
	}
	if err := os.Remove(filepath.Join(home, marker)); err != nil {
		t.Fatal(err)
	}
	if s, err := d.Check(t.Context()); err != nil || !s.New {
		t.Errorf("Check without a marker = %+v, %v; want a new one", s, err)
	}
	if got := list(t, home); len(got) != 0 {
		t.Errorf("left behind: %v", names(got))
	}
}

func TestShareThatIsAway(t *testing.T) {
	d := open(t, saves.Options{Dir: lay(t, pair())})
	release := d.Hang()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	_, err := d.Check(ctx)
	e, ok := errors.AsType[*world.FilesError](err)
	if !ok || e.Reason != world.FilesUnreadable || !strings.Contains(e.Detail, "does not answer") || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Check = %v, want unreadable: does not answer", err)
	}
	if _, err := d.Sync(ctx); err == nil {
		t.Error("Sync of a share that is away is no error")
	}
	if _, err := d.LastProof(ctx); err == nil || errors.Is(err, world.ErrNotFound) {
		t.Errorf("LastProof = %v, want an error that is not ErrNotFound", err)
	}
	// The first call still holds the pen.
	if err := d.LeaveProof(ctx, proof(1)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("LeaveProof = %v, want the deadline", err)
	}
	release()
	if err := d.LeaveProof(t.Context(), proof(2)); err != nil {
		t.Errorf("LeaveProof after it: %v", err)
	}
	if p, err := d.LastProof(t.Context()); err != nil || p.Epoch != 2 {
		t.Errorf("LastProof = %+v, %v; want the second", p, err)
	}
}

func TestCanceledCheckIsNoVerdict(t *testing.T) {
	d := open(t, saves.Options{Dir: lay(t, pair())})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := d.Check(ctx)
	if _, judged := errors.AsType[*world.FilesError](err); judged || !errors.Is(err, context.Canceled) {
		t.Errorf("Check = %v, want context.Canceled alone", err)
	}
}

func TestNewNamesEverything(t *testing.T) {
	_, err := saves.New(saves.Options{World: "a/b", Dir: "/srv/other", Home: "/srv/world"})
	for _, says := range []string{"ID is missing", "without a folder", "a folder in it"} {
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("New = %v, want %q in it", err, says)
		}
	}
}
