package share_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"hearth/internal/azure/share"

	"pgregory.net/rapid"
)

// noon is the time of the tests: 30 November 2026.
var noon = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)

func ours(ago time.Duration) share.Snapshot {
	return share.Snapshot{ID: fmt.Sprint(ago), At: noon.Add(-ago), Ours: true}
}

func TestDue(t *testing.T) {
	theirs := ours(time.Minute)
	theirs.Ours = false
	for _, tc := range []struct {
		name string
		all  []share.Snapshot
		want bool
	}{
		{"none yet", nil, true},
		{"just taken", []share.Snapshot{ours(48 * time.Hour), ours(0)}, false},
		{"59 minutes ago", []share.Snapshot{ours(59 * time.Minute), ours(3 * time.Hour)}, false},
		{"an hour ago", []share.Snapshot{ours(time.Hour)}, true},
		{"somebody else's just now", []share.Snapshot{theirs}, true},
		{"the service's clock is ahead", []share.Snapshot{ours(-time.Minute)}, false},
	} {
		if got := share.Due(tc.all, noon); got != tc.want {
			t.Errorf("%s: Due = %v, want %v", tc.name, got, tc.want)
		}
	}
}

func TestSurplus(t *testing.T) {
	const day = 24 * time.Hour
	// each is a list of snapshots, one every so often, the newest so long ago
	each := func(n int, every, newest time.Duration) []share.Snapshot {
		var all []share.Snapshot
		for i := range n {
			all = append(all, ours(newest+time.Duration(i)*every))
		}
		return all
	}
	for _, tc := range []struct {
		name string
		all  []share.Snapshot
		want []time.Duration // ago
	}{
		{"none", nil, nil},
		{"as many as the newest", each(20, time.Hour, 0), nil},
		{"very old, and not many", each(20, 100*day, 365*day), nil},
		// Of 30 November are 13 (0:00 to 12:00), of 29 November the others.
		{"one more, of a day that has a later one", each(21, time.Hour, 0), []time.Duration{20 * time.Hour}},
		{"one more, the last of its day", append(each(20, 10*time.Minute, 0), ours(13*time.Hour)), nil},
		{"the same, but of today", append(each(20, 10*time.Minute, 0), ours(4*time.Hour)), []time.Duration{4 * time.Hour}},
		{"29 days ago", append(each(20, time.Minute, 0), ours(29*day)), nil},
		{"30 days ago", append(each(20, time.Minute, 0), ours(30*day)), []time.Duration{30 * day}},
		{"two of a day ten days ago", append(each(20, time.Minute, 0), ours(10*day), ours(10*day+time.Hour)), []time.Duration{10*day + time.Hour}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			theirs := ours(60 * day)
			theirs.ID, theirs.Ours = "theirs", false
			var got []time.Duration
			for _, s := range share.Surplus(append(tc.all, theirs), noon) {
				if s.ID == "theirs" {
					t.Error("somebody else's is given up")
				}
				got = append(got, noon.Sub(s.At))
			}
			if !slices.Equal(got, tc.want) {
				t.Errorf("Surplus = %v, want %v", got, tc.want)
			}
		})
	}
}

// TestKeptForEver: whatever a group's evenings are, after years of them the
// newest are there and so is the last one of each day of a month, whatever was
// given up before.
func TestKeptForEver(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		now, made := noon, []share.Snapshot(nil)
		var have []share.Snapshot
		for i := range rapid.IntRange(1, 300).Draw(t, "starts") {
			gap := rapid.OneOf(
				rapid.Int64Range(1, int64(90*time.Minute)), rapid.Int64Range(int64(time.Hour), int64(30*time.Hour)), rapid.Int64Range(int64(time.Hour), int64(40*24*time.Hour)),
			).Draw(t, "gap")
			now = now.Add(time.Duration(gap))
			if rapid.IntRange(0, 9).Draw(t, "theirs") == 0 {
				have = append(have, share.Snapshot{ID: fmt.Sprint("theirs ", i), At: now})
			}
			if !share.Due(have, now) {
				if now.Sub(made[len(made)-1].At) >= share.Every {
					t.Fatal("not due, and the last one is an hour old")
				}
				continue
			}
			if len(made) > 0 && now.Sub(made[len(made)-1].At) < share.Every {
				t.Fatal("due within the hour")
			}
			one := share.Snapshot{ID: fmt.Sprint(i), At: now, Ours: true}
			made = append(made, one)
			have = append([]share.Snapshot{one}, have...) // in no order
			surplus := share.Surplus(have, now)
			have = slices.DeleteFunc(have, func(s share.Snapshot) bool { return slices.Contains(surplus, s) })
			for _, s := range surplus {
				if !s.Ours || s == one {
					t.Fatalf("%v is given up", s)
				}
			}
			check(t, made, have, now)
		}
	})
}

// check compares what there is with what ever was.
func check(t *rapid.T, made, have []share.Snapshot, now time.Time) {
	want := map[string]bool{}
	for _, s := range made[max(0, len(made)-share.Newest):] {
		want[s.ID] = true
	}
	last := map[string]share.Snapshot{} // of each day
	for _, s := range made {
		last[s.At.Format(time.DateOnly)] = s
	}
	for ago := range share.Days {
		if s, ok := last[now.AddDate(0, 0, -ago).Format(time.DateOnly)]; ok {
			want[s.ID] = true
		}
	}
	n := 0
	for _, s := range have {
		if !s.Ours {
			continue
		}
		n++
		if !want[s.ID] {
			t.Fatalf("%v is kept", s)
		}
		delete(want, s.ID)
	}
	if len(want) > 0 {
		t.Fatalf("%v are gone", want)
	}
	if n > share.Most {
		t.Fatalf("%d are kept, want %d at most", n, share.Most)
	}
}
