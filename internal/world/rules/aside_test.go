package rules_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"hearth/internal/world"
	"hearth/internal/world/rules"
)

func forged(key string, n int64) *world.SetAside {
	return &world.SetAside{Items: []world.Aside{{Reason: world.AsideSeal, Count: n, Key: key, Kept: "unreadable/seal/" + key}}}
}

// asides are the messages to the keeper of what was set aside.
func asides(effects []world.Effect) []string {
	var told []string
	for _, e := range effects {
		if e.Chat != nil && e.Chat.Kind == world.ChatKeeper && strings.Contains(e.Chat.Say.Text, "events queue") {
			told = append(told, e.Chat.Say.Text)
		}
	}
	return told
}

// TestSetAside: the first is told at once, what comes within the hour is summed
// up and told after it, with whatever event comes then; and the world itself is
// not touched.
func TestSetAside(t *testing.T) {
	g := newStage(t, "a")
	before := g.s
	if got := asides(g.bot(forged("a", 1))); len(got) != 1 || !strings.Contains(got[0], "1 sealed by none") {
		t.Fatalf("the first: got %q, want it told", got)
	}
	for i := range 50 {
		g.now = g.now.Add(time.Minute)
		if got := asides(g.bot(forged(fmt.Sprint("b", i), 100))); len(got) != 0 {
			t.Fatalf("minute %d: got %q, want nothing said", i, got)
		}
	}
	g.now = g.now.Add(11 * time.Minute)
	got := asides(g.bot(&world.Sweep{Placement: "a"}))
	if len(got) != 1 || !strings.Contains(got[0], "5000 sealed") || !strings.Contains(got[0], "unreadable/seal/b0`") {
		t.Errorf("after the hour: got %q, want the sum and the first of them", got)
	}
	if g.s.Status != before.Status || g.s.Cloud != before.Cloud || len(g.s.Asides) != 0 {
		t.Errorf("state: got %+v, want it as it was", g.s)
	}
}

// TestSetAsideAgain: a message whose worker died after it had told comes again
// and is not counted twice, but what was counted with it is.
func TestSetAsideAgain(t *testing.T) {
	g := newStage(t, "a")
	g.bot(forged("a", 1))
	g.bot(forged("a", 1))
	g.bot(forged("a", 8))
	if n := g.s.Asides; len(n) != 1 || n[0].Count != 7 {
		t.Errorf("waiting: got %+v, want 7", n)
	}
	g.now = g.now.Add(rules.AsideEvery + time.Minute)
	if got := asides(g.bot(forged("a", 1))); len(got) != 1 || !strings.Contains(got[0], "8 sealed") {
		t.Errorf("after the hour: got %q, want it to count anew", got)
	}
}

// TestSetAsideNonsense: no count, no reason of ours, a key of any length.
func TestSetAsideNonsense(t *testing.T) {
	g := newStage(t, "a")
	g.bot(&world.SetAside{Items: []world.Aside{
		{Reason: "because", Count: 1, Key: "a"}, {Reason: world.AsideSeal, Key: "b"}, {Reason: world.AsideSeal, Count: -1, Key: "c"},
		{Reason: world.AsideSeal, Count: 1, Key: strings.Repeat("x", 1000)},
	}})
	if len(g.s.Asides)+len(g.s.AsideSeen) != 0 || !g.s.AsideTold.IsZero() {
		t.Errorf("got %+v, %+v, want nothing", g.s.Asides, g.s.AsideSeen)
	}
}
