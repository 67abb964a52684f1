package replay_test

import (
	"slices"
	"testing"
	"time"

	"hearth/internal/sim/chaos/replay"
)

// throws are the first eight of some dice.
func throws(d *replay.Dice) (all []uint64) {
	for range 8 {
		all = append(all, d.Uint64())
	}
	return all
}

// TestDiceDependOnNamesOnly: what others throw meanwhile changes nothing.
func TestDiceDependOnNamesOnly(t *testing.T) {
	want := throws(replay.NewDice(7, "worker", 1, "chat"))
	others := []*replay.Dice{
		replay.NewDice(8, "worker", 1, "chat"), replay.NewDice(7, "worker", 2, "chat"), replay.NewDice(7, "worker", 1), replay.NewDice(7),
	}
	for i, other := range others {
		if slices.Equal(throws(other), want) {
			t.Errorf("dice %d of another seed or name throw the same", i)
		}
	}
	d := replay.NewDice(7, "worker", 1, "chat")
	var got []uint64
	for range want {
		for _, other := range others {
			other.Uint64()
		}
		got = append(got, d.Uint64())
	}
	if !slices.Equal(got, want) {
		t.Errorf("thrown among others: %v, want %v", got, want)
	}
}

// TestThrowsStayThrows: found seeds are numbers only as long as dice throw what
// they threw.
func TestThrowsStayThrows(t *testing.T) {
	d := replay.NewDice(1, "golden")
	if got, want := d.IntN(1_000_000), 42840; got != want {
		t.Errorf("IntN: %d, want %d", got, want)
	}
	if got, want := d.Between(0, time.Second), 967_244*time.Microsecond; got != want {
		t.Errorf("Between: %v, want %v", got, want)
	}
	if got, want := d.About(time.Minute), 24_199_532*time.Microsecond; got != want {
		t.Errorf("About: %v, want %v", got, want)
	}
}

func TestDiceStayInBounds(t *testing.T) {
	d := replay.NewDice(1, "bounds")
	const mean, many = time.Minute, 20_000
	var hits int
	var sum time.Duration
	seen := map[time.Duration]bool{}
	for range many {
		if d.Chance(0) || !d.Chance(1) {
			t.Fatal("what is impossible happens, or what is certain does not")
		}
		if d.Chance(0.25) {
			hits++
		}
		between := d.Between(3*time.Microsecond, 5*time.Microsecond)
		if between < 3*time.Microsecond || between > 5*time.Microsecond {
			t.Fatalf("between 3µs and 5µs: %v", between)
		}
		seen[between] = true
		about := d.About(mean)
		if about < time.Millisecond || about > 20*mean+time.Millisecond {
			t.Fatalf("about %v: %v", mean, about)
		}
		sum += about
	}
	if len(seen) != 3 {
		t.Errorf("%d values between 3µs and 5µs, want both ends and the middle", len(seen))
	}
	if got := float64(hits) / many; got < 0.24 || got > 0.26 {
		t.Errorf("a chance of 0.25 comes true in %v", got)
	}
	if got := sum / many; got < 58*time.Second || got > 62*time.Second {
		t.Errorf("about %v is %v on average", mean, got)
	}
}

func TestPick(t *testing.T) {
	d := replay.NewDice(1, "pick")
	seen := map[string]int{}
	for range 300 {
		seen[replay.Pick(d, "a", "b", "c")]++
	}
	if len(seen) != 3 || seen["a"]+seen["b"]+seen["c"] != 300 {
		t.Errorf("picked %v, want each of a, b and c", seen)
	}
}
