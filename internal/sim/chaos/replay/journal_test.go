package replay_test

import (
	"testing"
	"time"

	"hearth/internal/sim/chaos/replay"
)

func TestJournalHash(t *testing.T) {
	at := replay.Start()
	type entry struct {
		after time.Duration
		what  string
	}
	hash := func(all ...entry) string {
		var j replay.Journal
		for _, e := range all {
			j.Add(at.Add(e.after), "%s", e.what)
		}
		return j.Hash()
	}
	one := hash(entry{0, "write 1"}, entry{1, "write 2"})
	for _, tt := range []struct {
		name string
		hash string
		same bool
	}{
		{"the same", hash(entry{0, "write 1"}, entry{1, "write 2"}), true},
		{"written down the other way round", hash(entry{1, "write 2"}, entry{0, "write 1"}), true},
		{"a nanosecond later", hash(entry{0, "write 1"}, entry{2, "write 2"}), false},
		{"something else", hash(entry{0, "write 1"}, entry{1, "write 3"}), false},
		{"less", hash(entry{0, "write 1"}), false},
		{"twice", hash(entry{0, "write 1"}, entry{1, "write 2"}, entry{1, "write 2"}), false},
		{"at each other's time", hash(entry{1, "write 1"}, entry{0, "write 2"}), false},
	} {
		if got := tt.hash == one; got != tt.same {
			t.Errorf("%s: the same hash is %v, want %v", tt.name, got, tt.same)
		}
	}
}
