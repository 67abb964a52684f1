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
