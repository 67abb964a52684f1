package saves

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// form is how the game keeps a world; doc.go describes them.
type form string

const (
	chunked form = "chunked"
	flat2   form = "flat2"
	flat    form = "flat"
)

// forms are all of them, the newest first.
func forms() []form { return []form{chunked, flat2, flat} }

// finding is what was found of a world in one form.
type finding struct {
	form form
	// files are those that the game will read; none if there is no world of
	// this form.
	files []string
	// repairs have to be made before that.
	repairs []repair
	// begun: there is something of a world that was never saved. kept is a
	// file of it that a save may overwrite.
	begun bool
	kept  string
	// trouble is why it can't be judged, or is not whole, with what to do.
	trouble string
	// unreadable: the trouble is with files that are there.
	unreadable bool
}

// repair copies a file to a name that is free.
type repair struct{ from, to string }

func (f finding) whole() bool { return len(f.files) > 0 && f.trouble == "" }

// look finds the world in one form.
func (d *Dir) look(f form) (finding, error) {
	switch f {
	case chunked:
		return d.lookInFolder()
	case flat2:
		return d.lookFlat(f, d.o.World+".fwl2", d.o.World+".db2")
	default:
		return d.lookFlat(f, d.o.World+".fwl", d.o.World+".db")
	}
}

var savedFile = regexp.MustCompile(`^_main\.([0-9]{1,9})\.(fwl2|db2|chunks|ok)$`)

// generation is one save of a chunked world: the sizes of its files by
// extension.
type generation map[string]int64

func (d *Dir) lookInFolder() (finding, error) {
	found := finding{form: chunked}
	entries, err := os.ReadDir(filepath.Join(d.o.Dir, d.o.World))
	if errors.Is(err, fs.ErrNotExist) {
		return found, nil
	}
	if err != nil {
		return found, err
	}
	saves := map[int]generation{}
	for _, e := range entries {
		m := savedFile.FindStringSubmatch(e.Name())
		if m == nil {
			found.begun = found.begun || strings.HasSuffix(e.Name(), ".chunk")
			continue
		}
		found.begun = true
		size, err := sizeOf(filepath.Join(d.o.Dir, d.o.World, e.Name()))
		if err != nil {
			return found, err
		}
		n, _ := strconv.Atoi(m[1]) // nine digits
		if saves[n] == nil {
			saves[n] = generation{}
		}
		saves[n][m[2]] = size
	}
	last := -1
	for n, g := range saves {
		if _, finished := g["ok"]; finished && n > last {
			last = n
		}
	}
	if last < 0 {
		return found, nil // its first save was not finished
	}
	found.begun = false
	for _, ext := range []string{"fwl2", "db2"} {
		name := filepath.Join(d.o.World, fmt.Sprintf("_main.%d.%s", last, ext))
		found.files = append(found.files, name)
		switch size, there := saves[last][ext]; {
		case !there:
			found.trouble = fmt.Sprintf("save %d is marked as finished, and %s is not there: put it, or a copy of the whole folder, back from a snapshot", last, name)
		case size == 0:
			found.trouble, found.unreadable = fmt.Sprintf("%s is empty: put it, or a copy of the whole folder, back from a snapshot", name), true
		}
	}
	return found, nil
}

// absent is the size of a file that is not there.
const absent = -1

// sizes of a flat file and of what its renames leave.
type sizes struct{ main, fresh, old int64 }

func (d *Dir) sizesOf(name string) (s sizes, err error) {
	for _, f := range []struct {
		suffix string
		size   *int64
	}{{"", &s.main}, {".new", &s.fresh}, {".old", &s.old}} {
		if *f.size, err = sizeOf(filepath.Join(d.o.Dir, name+f.suffix)); err != nil {
			return s, err
		}
	}
	return s, nil
}

// sizeOf is a file's size in bytes, or absent. What is no file is an error.
func sizeOf(path string) (int64, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if _, err := os.Lstat(path); err == nil {
			return 0, fmt.Errorf("%s is a link to nothing", path)
		}
		return absent, nil
	case err != nil:
		return 0, err
	case !info.Mode().IsRegular():
		return 0, fmt.Errorf("%s is no file", path)
	}
	return info.Size(), nil
}

// lookFlat finds a world of two files: a small head, and the data.
func (d *Dir) lookFlat(f form, head, data string) (finding, error) {
	found := finding{form: f}
	heads, err := d.sizesOf(head)
	if err != nil {
		return found, err
	}
	datas, err := d.sizesOf(data)
	if err != nil {
		return found, err
	}
	switch {
	case datas.main > 0:
		found.files = append(found.files, data)
	case datas.main == 0:
		found.trouble, found.unreadable = data+" is empty: "+byHand(data, datas), true
	default:
		found.restore(data, datas)
	}
	if found.begun || len(found.files) == 0 && found.trouble == "" { // never saved
		found.begun = found.begun || heads != sizes{absent, absent, absent}
		return found, nil
	}
	switch {
	case found.trouble != "":
	case heads.main > 0:
		found.files = append(found.files, head)
	case heads.main == 0:
		found.trouble, found.unreadable = head+" is empty: "+byHand(head, heads), true
	default:
		d.findHead(&found, head, heads)
	}
	return found, nil
}

// restore judges data whose name is free: the renames of its last save were cut
// off between the two, or its first save before them.
func (f *finding) restore(data string, s sizes) {
	switch {
	case s.fresh > 0 && s.old > 0 && s.fresh < s.old-s.old/10:
		f.trouble = fmt.Sprintf("%s is gone; %s.new (%d bytes) is much smaller than %s.old (%d bytes), so it is not certain which one is whole: copy one of them to %s, the .new if you know that the world shrank",
			data, data, s.fresh, data, s.old, data)
	case s.fresh > 0 && s.old > 0:
		f.mend(data, ".new")
	case s.old > 0:
		f.mend(data, ".old")
	case s.fresh > 0:
		f.begun, f.kept = true, data+".new"
	}
}

func (f *finding) mend(name, suffix string) {
	f.files = append(f.files, name)
	f.repairs = append(f.repairs, repair{from: name + suffix, to: name})
}

// findHead judges a head whose name is free beside data that is there. The game
// would make a world of another seed without it.
func (d *Dir) findHead(f *finding, head string, s sizes) {
	switch {
	case s.fresh > 0:
		f.mend(head, ".new")
	case s.old > 0:
		f.mend(head, ".old")
	case f.form == flat2: // the pretend game does not read it
	default:
		f.trouble = head + " is not there, and without it the game would make another world: put it back from a snapshot"
	}
}

// byHand says what may be put in the place of an empty file.
func byHand(name string, s sizes) string {
	for _, f := range []struct {
		suffix string
		size   int64
	}{{".new", s.fresh}, {".old", s.old}} {
		if f.size > 0 {
			return fmt.Sprintf("%s%s has %d bytes; move the empty one away and copy it to %s", name, f.suffix, f.size, name)
		}
	}
	return "put it back from a snapshot"
}

// madeByTheGame are copies that the game makes of its own worlds, as in
// Midgard_backup_auto-20260913-080632.
var madeByTheGame = regexp.MustCompile(`_backup_`)

// others lists the other worlds in the folder, by name.
func (d *Dir) others() ([]string, error) {
	entries, err := os.ReadDir(d.o.Dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		name := ""
		if e.IsDir() {
			if heads, _ := filepath.Glob(filepath.Join(d.o.Dir, e.Name(), "_main.*.fwl2")); len(heads) > 0 {
				name = e.Name()
			}
		} else if ext := filepath.Ext(e.Name()); slices.Contains([]string{".db", ".fwl", ".db2", ".fwl2"}, ext) {
			name = strings.TrimSuffix(e.Name(), ext)
		}
		if name != "" && name != d.o.World && !madeByTheGame.MatchString(name) && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names, nil
}
