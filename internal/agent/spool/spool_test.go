package spool_test

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"hearth/internal/agent/spool"
	"hearth/internal/sim/simdisk"
)

var _ spool.Disk = (*simdisk.Disk)(nil)

// letter has a body of so many bytes that tells its number.
func letter(n int64, size int) spool.Letter {
	text := strconv.FormatInt(n, 10) + " "
	return spool.Letter{Number: n, ID: "id-" + strconv.FormatInt(n, 10), Body: []byte(text + strings.Repeat("x", size))}
}

func state(n int) []byte { return fmt.Appendf(nil, `{"n":%d}`, n) }

func open(t *testing.T, d spool.Disk) (*spool.Spool, spool.Found) {
	t.Helper()
	s, found, err := spool.Open(d)
	if err != nil {
		t.Fatal(err)
	}
	return s, found
}

func commit(t *testing.T, s *spool.Spool, e spool.Entry) int64 {
	t.Helper()
	kept, err := s.Commit(e)
	if err != nil {
		t.Fatal(err)
	}
	return kept
}

func numbers(list []spool.Letter) []int64 {
	var out []int64
	for _, l := range list {
		out = append(out, l.Number)
	}
	return out
}

func TestEmpty(t *testing.T) {
	_, found := open(t, &simdisk.Disk{})
	if found.State != nil || found.Letters != nil || found.Next != 1 || found.Lost != 0 {
		t.Errorf("got %+v, want nothing, and number 1 next", found)
	}
}

// TestGoesOn: what was committed is found, what was sent is not.
func TestGoesOn(t *testing.T) {
	for _, disk := range []struct {
		name string
		make func(t *testing.T) spool.Disk
	}{
		{"memory", func(*testing.T) spool.Disk { return &simdisk.Disk{} }},
		{"folder", func(t *testing.T) spool.Disk {
			f, err := spool.MakeFolder(t.TempDir() + "/a/b")
			if err != nil {
				t.Fatal(err)
			}
			return f
		}},
	} {
		t.Run(disk.name, func(t *testing.T) {
			d := disk.make(t)
			s, _ := open(t, d)
			commit(t, s, spool.Entry{Letters: []spool.Letter{letter(1, 10), letter(2, 10)}, State: state(1)})
			commit(t, s, spool.Entry{Letters: []spool.Letter{letter(3, 10)}, State: state(2), Sent: 1, Lost: 7})
			commit(t, s, spool.Entry{Sent: 1, Lost: 7})
			s, found := open(t, d)
			if got := numbers(found.Letters); !slices.Equal(got, []int64{2, 3}) || string(found.State) != `{"n":2}` || found.Next != 4 || found.Lost != 7 {
				t.Fatalf("got %v, state %s, next %d, lost %d", got, found.State, found.Next, found.Lost)
			}
			if string(found.Letters[0].Body) != string(letter(2, 10).Body) || found.Letters[0].ID != "id-2" {
				t.Errorf("letter 2 is %+v", found.Letters[0])
			}
			commit(t, s, spool.Entry{Letters: []spool.Letter{letter(4, 10)}, State: state(3), Sent: 4, Lost: 0})
			if _, found := open(t, d); len(found.Letters) != 0 || found.Next != 5 || found.Lost != 0 {
				t.Errorf("all sent, yet got %+v", found)
			}
		})
	}
}

// TestSegmentsGo: what is sent frees its room, however long it goes on.
func TestSegmentsGo(t *testing.T) {
	d := &simdisk.Disk{}
	d.SetLimit(400 << 10)
	s, _ := open(t, d)
	for n := int64(1); n < 2000; n++ {
		if kept := commit(t, s, spool.Entry{Letters: []spool.Letter{letter(n, 1000)}, State: state(1), Sent: n - 20}); kept > n-19 && n > 20 {
			t.Fatalf("at %d: kept from %d on", n, kept)
		}
	}
	names, err := d.List()
	if err != nil || len(names) > 4 {
		t.Errorf("%v %v, want a checkpoint and two or three segments", names, err)
	}
}

// TestPowerGoes: wherever a write is cut short, the next process finds what was
// committed last, or the one after that if its commit was under way, and can go on.
func TestPowerGoes(t *testing.T) {
	play := func(d *simdisk.Disk) (committed int) {
		s, _, err := spool.Open(d)
		if err != nil {
			return 0
		}
		for i := 1; i <= 30; i++ {
			e := spool.Entry{State: state(i), Sent: int64(2 * (i - 5))}
			for k := range 2 {
				e.Letters = append(e.Letters, letter(int64(2*i-1+k), 9000))
			}
			if _, err := s.Commit(e); err != nil {
				return i - 1
			}
		}
		return 30
	}
	whole := &simdisk.Disk{}
	if got := play(whole); got != 30 {
		t.Fatalf("committed %d of 30", got)
	}
	for cut := 1; cut <= whole.Writes(); cut++ {
		d := &simdisk.Disk{}
		d.StopAt(cut, nil)
		committed := play(d)
		after := d.Clone()
		s, found := open(t, after)
		var n int
		if found.State != nil {
			if _, err := fmt.Sscanf(string(found.State), `{"n":%d}`, &n); err != nil {
				t.Fatal(err)
			}
		}
		if n != committed && n != committed+1 || found.Lost != 0 || found.Next != int64(2*n+1) {
			t.Fatalf("cut at write %d: state %d after %d commits, next %d, lost %d", cut, n, committed, found.Next, found.Lost)
		}
		for want := found.Next - int64(len(found.Letters)); len(found.Letters) > 0; want++ {
			if found.Letters[0].Number != want {
				t.Fatalf("cut at write %d: letters %v", cut, numbers(found.Letters))
			}
			found.Letters = found.Letters[1:]
		}
		commit(t, s, spool.Entry{Letters: []spool.Letter{letter(found.Next, 5)}, State: state(99)})
		if _, again := open(t, after); again.Next != found.Next+1 || len(again.Letters) == 0 {
			t.Fatalf("cut at write %d: can't go on: %+v", cut, again)
		}
	}
}

// TestFullDisk: the oldest make room, and whoever commits is told which are left.
func TestFullDisk(t *testing.T) {
	d := &simdisk.Disk{}
	d.SetLimit(300 << 10)
	s, _ := open(t, d)
	var kept int64
	for n := int64(1); n <= 1000; n++ {
		kept = commit(t, s, spool.Entry{Letters: []spool.Letter{letter(n, 1000)}, State: state(int(n)), Lost: max(0, kept-1)})
	}
	if kept < 700 || kept > 950 {
		t.Fatalf("kept from %d on, want some of the last 300", kept)
	}
	_, found := open(t, d)
	if len(found.Letters) == 0 || found.Letters[0].Number != kept || found.Letters[len(found.Letters)-1].Number != 1000 {
		t.Fatalf("found %d letters from %v on, want them from %d to 1000", len(found.Letters), numbers(found.Letters[:1]), kept)
	}
	if string(found.State) != `{"n":1000}` || found.Lost == 0 {
		t.Errorf("state %s, lost %d", found.State, found.Lost)
	}
}

// TestNoRoomAtAll: the error is the disk's, and later all is well.
func TestNoRoomAtAll(t *testing.T) {
	d := &simdisk.Disk{}
	s, _ := open(t, d)
	commit(t, s, spool.Entry{Letters: []spool.Letter{letter(1, 100)}, State: state(1)})
	d.SetLimit(1)
	if kept, err := s.Commit(spool.Entry{Letters: []spool.Letter{letter(2, 100)}, State: state(2)}); !errors.Is(err, syscall.ENOSPC) || kept != 2 {
		t.Fatalf("got %d, %v; want 2 and ENOSPC", kept, err)
	}
	d.SetLimit(0)
	commit(t, s, spool.Entry{Letters: []spool.Letter{letter(2, 100), letter(3, 100)}, State: state(3), Lost: 1})
	_, found := open(t, d)
	if got := numbers(found.Letters); !slices.Equal(got, []int64{2, 3}) || string(found.State) != `{"n":3}` {
		t.Errorf("got %v and %s", got, found.State)
	}
}

// TestNoOldMemory: a state that is older than what was said is worse than none.
func TestNoOldMemory(t *testing.T) {
	long := func(n int) []byte { return fmt.Appendf(nil, `{"n":%d,"more":"%s"}`, n, strings.Repeat("x", 300)) }
	for _, tt := range []struct {
		name  string
		limit int64
		entry spool.Entry
		want  []byte
	}{
		{"no room", 1, spool.Entry{Letters: []spool.Letter{letter(2, 10)}, State: long(2)}, nil},
		{"room for one checkpoint", 700, spool.Entry{Letters: []spool.Letter{letter(2, 10)}, State: long(2)}, long(2)},
		{"nothing is said", 1, spool.Entry{State: long(2)}, long(1)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := &simdisk.Disk{}
			s, _ := open(t, d)
			commit(t, s, spool.Entry{Letters: []spool.Letter{letter(1, 100)}, State: long(1)})
			d.SetLimit(tt.limit)
			_, err := s.Commit(tt.entry)
			if full := errors.Is(err, syscall.ENOSPC); full != (tt.limit == 1) {
				t.Errorf("the error is %v", err)
			}
			if _, found := open(t, d); string(found.State) != string(tt.want) {
				t.Errorf("state %q, want %q", found.State, tt.want)
			}
		})
	}
}

// TestDamage: a letter that is damaged is counted as lost, with those behind it.
func TestDamage(t *testing.T) {
	d := &simdisk.Disk{}
	s, _ := open(t, d)
	commit(t, s, spool.Entry{Letters: []spool.Letter{letter(1, 100), letter(2, 100), letter(3, 100)}, State: state(1)})
	names, err := d.List()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if name == "checkpoint" {
			continue
		}
		b, err := d.Read(name)
		if err != nil {
			t.Fatal(err)
		}
		b[len(b)/2] ^= 1
		if err := d.Replace(name, b); err != nil {
			t.Fatal(err)
		}
	}
	_, found := open(t, d)
	if got := numbers(found.Letters); !slices.Equal(got, []int64{1}) || found.Lost != 2 || found.Next != 4 {
		t.Errorf("got %v, lost %d, next %d; want 1, two lost, 4 next", got, found.Lost, found.Next)
	}
}

func TestBadCheckpoint(t *testing.T) {
	for _, c := range []struct {
		name, text string
		newer      bool
	}{
		{"garbage", "\x00\x00", false},
		{"empty", "", false},
		{"newer", `{"version":2,"next":1}`, true},
		{"no version", `{"next":1}`, false},
		{"sent before it was made", `{"version":1,"next":1,"sent":1}`, false},
		{"size below zero", `{"version":1,"next":1,"size":-1}`, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := &simdisk.Disk{}
			if err := d.Replace("checkpoint", []byte(c.text)); err != nil {
				t.Fatal(err)
			}
			if _, _, err := spool.Open(d); err == nil || errors.Is(err, spool.ErrNewer) != c.newer {
				t.Errorf("got %v", err)
			}
			if err := spool.Clear(d); err != nil {
				t.Fatal(err)
			}
			open(t, d)
		})
	}
}

func TestFolder(t *testing.T) {
	if _, err := spool.MakeFolder(""); err == nil {
		t.Error("a folder without a name")
	}
	f, err := spool.MakeFolder(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Read("none"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("read of nothing: %v", err)
	}
	if err := f.Remove("none"); err != nil {
		t.Errorf("remove of nothing: %v", err)
	}
	for _, step := range []error{f.Append("a", []byte("one")), f.Append("a", []byte("two")), f.Truncate("a", 4), f.Replace("b", []byte("x")), f.Replace("b", []byte("y"))} {
		if step != nil {
			t.Fatal(step)
		}
	}
	a, errA := f.Read("a")
	b, errB := f.Read("b")
	names, err := f.List()
	if string(a) != "onet" || string(b) != "y" || !slices.Equal(names, []string{"a", "b"}) || errors.Join(errA, errB, err) != nil {
		t.Errorf("got %q, %q, %v, %v", a, b, names, errors.Join(errA, errB, err))
	}
}
