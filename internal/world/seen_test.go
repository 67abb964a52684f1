package world_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"hearth/internal/world"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// TestSeenAdd: a mark and what lies beyond it. Package rules has the words of
// an agent in any order.
func TestSeenAdd(t *testing.T) {
	var s world.Seen
	for _, step := range []struct {
		seq  int64
		want bool
		then world.Seen
	}{
		{0, false, world.Seen{}},
		{3, true, world.Seen{Beyond: []int64{3}}},
		{1, true, world.Seen{Mark: 1, Beyond: []int64{3}}},
		{1, false, world.Seen{Mark: 1, Beyond: []int64{3}}},
		{3, false, world.Seen{Mark: 1, Beyond: []int64{3}}},
		{10_000_000, false, world.Seen{Mark: 1, Beyond: []int64{3}}},
		{2, true, world.Seen{Mark: 3, Beyond: []int64{}}},
	} {
		if got := s.Add(step.seq); got != step.want {
			t.Errorf("Add(%d): got %v, want %v", step.seq, got, step.want)
		}
		if diff := cmp.Diff(s, step.then); diff != "" {
			t.Fatalf("after Add(%d): got -, want +:\n%s", step.seq, diff)
		}
	}
}

func TestSeenJSON(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := world.Seen{Mark: rapid.Int64Range(0, 1e7).Draw(t, "mark")}
		steps := rapid.SliceOfN(rapid.Int64Range(1, 1e4), 0, world.MaxSeen).Draw(t, "steps")
		for seq, i := want.Mark, 0; i < len(steps); i++ {
			seq += steps[i]
			want.Beyond = append(want.Beyond, seq)
		}
		b, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		var got world.Seen
		if err := json.Unmarshal(b, &got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(got, want); diff != "" || !slices.IsSorted(got.Beyond) {
			t.Fatalf("got -, want +:\n%s", diff)
		}
	})
	for _, text := range []string{`7`, `{"mark":1,"steps":[0]}`, `{"mark":1,"steps":[2,-1]}`, `{"steps":[9999999999999]}`, `{"steps":[1` + strings.Repeat(",1", world.MaxSeen) + `]}`} {
		var s world.Seen
		if err := json.Unmarshal([]byte(text), &s); err == nil {
			t.Errorf("%.40s: got %+v, want an error", text, s)
		}
	}
}
