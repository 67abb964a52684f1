package share

import (
	"slices"
	"time"
)

// What is kept of the snapshots that Hearth took.
const (
	// Every is the least time between two: a machine that the cloud takes thrice
	// an evening takes one.
	Every = time.Hour
	// Newest is how many of the newest are kept, however old they are.
	Newest = 20
	// Days is how many days, the present one included, keep their last one
	// beyond the newest. Days are UTC's.
	Days = 30
	// Most is what that comes to at most. Azure allows 200 of a share, those of
	// others included.
	Most = Newest + Days
)

// Snapshot is one of the share.
type Snapshot struct {
	ID    string    // the service's name of it: its time, as the service wrote it
	At    time.Time // when it was taken, on the service's clock
	Ours  bool      // Hearth took it, for this world
	Epoch string    // the boot before which it was taken; "" if it is not known
}

// Due tells whether it is time for another one.
func Due(all []Snapshot, now time.Time) bool {
	return !slices.ContainsFunc(all, func(s Snapshot) bool { return s.Ours && now.Sub(s.At) < Every })
}

// Surplus are those that need not be kept any more, oldest first: of Hearth's own
// all but the newest Newest and the last one of each of the last Days days. The
// newest of all is never among them, nor is one of somebody else's.
func Surplus(all []Snapshot, now time.Time) []Snapshot {
	ours := slices.DeleteFunc(slices.Clone(all), func(s Snapshot) bool { return !s.Ours })
	slices.SortStableFunc(ours, func(a, b Snapshot) int { return a.At.Compare(b.At) })
	surplus := ours[:max(0, len(ours)-Newest)]
	var out []Snapshot
	for i, s := range surplus {
		last := day(ours[i+1].At) != day(s.At) // there is a newer one: Newest are
		if age := day(now) - day(s.At); !last || age >= Days {
			out = append(out, s)
		}
	}
	return out
}

// day numbers the days of UTC.
func day(t time.Time) int64 { return t.Unix() / (24 * 60 * 60) }
