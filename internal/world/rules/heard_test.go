package rules_test

import (
	"reflect"
	"slices"
	"testing"

	"hearth/internal/world"
	"hearth/internal/world/rules"
	"hearth/internal/world/worldtest"

	"pgregory.net/rapid"
)

// TestEachWordOnce: in any order, with any repeats, each new word counts once,
// as long as no more than MaxSeen are out of turn.
func TestEachWordOnce(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		g := newStage(t)
		g.s.Status, g.s.Boot = world.Online, world.Boot{Epoch: 1, Up: true}
		g.epoch = 1
		seqs := rapid.SliceOfN(rapid.Int64Range(1, world.MaxSeen), 1, 300).Draw(rt, "seqs")
		seen := map[int64]bool{}
		for _, seq := range seqs {
			effects := g.hearAs(1, seq, &world.Died{Player: world.Player{Name: "Bo"}})
			if fresh := !seen[seq]; fresh != (len(effects) > 0) {
				rt.Fatalf("word %d: acted %v, new %v; seen %+v", seq, len(effects) > 0, fresh, g.s.Boot.Seen)
			}
			seen[seq] = true
			if n := len(g.s.Boot.Seen.Beyond); n > world.MaxSeen {
				rt.Fatalf("%d words are remembered, want at most %d", n, world.MaxSeen)
			}
		}
		g.hearAs(1, 1, &world.Died{})
		if len(g.s.Boot.Seen.Beyond) > 0 && g.s.Boot.Seen.Beyond[0] <= g.s.Boot.Seen.Mark+1 {
			rt.Fatalf("remembered beyond need: %+v", g.s.Boot.Seen)
		}
		seen[1] = true
		if g.s.Session.Deaths != len(seen) {
			rt.Fatalf("deaths: got %d, want %d", g.s.Session.Deaths, len(seen))
		}
	})
}

// TestWordsFarApart: beyond the bound the oldest gaps are given up, so that no
// word ever counts twice and the newest always count.
func TestWordsFarApart(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		g := newStage(t)
		g.s.Status, g.s.Boot = world.Online, world.Boot{Epoch: 1, Up: true}
		counted := map[int64]int{}
		top := int64(0)
		for range rapid.IntRange(1, 600).Draw(rt, "n") {
			seq := max(1, top+rapid.Int64Range(-700, 40).Draw(rt, "step"))
			acted := len(g.hearAs(1, seq, &world.Died{})) > 0
			if acted {
				counted[seq]++
			}
			if counted[seq] > 1 || seq > top && !acted {
				rt.Fatalf("word %d after %d: counted %d times", seq, top, counted[seq])
			}
			top = max(top, seq)
		}
	})
}

// TestAbsurdWord: a number that no agent comes to is not believed; it would
// make all real ones old.
func TestAbsurdWord(t *testing.T) {
	g := newStage(t)
	g.toOnline()
	for _, seq := range []int64{10_000_000, 1<<63 - 1, 0, -1} {
		if effects := g.hearAs(1, seq, &world.Died{}); len(effects) != 0 {
			t.Errorf("word %d: got %+v, want nothing", seq, effects)
		}
	}
	if effects := g.hear(&world.Died{}); len(effects) == 0 {
		t.Error("the next real word does not count")
	}
}

// noWord is an agent's word that React knows nothing of.
type noWord struct{ world.Heard }

// Type implements world.Payload.
func (*noWord) Type() world.Type { return "agent.no_word" }

// TestEveryWordIsReactedTo: each kind of word changes something, at some time
// of a world's life, that a word of no kind does not.
func TestEveryWordIsReactedTo(t *testing.T) {
	statuses := []world.Status{world.Loading, world.Online, world.Stopping}
	for typ, p := range worldtest.Payloads() {
		word, ok := p.(world.AgentPayload)
		if !ok {
			continue
		}
		reacted := slices.ContainsFunc(statuses, func(st world.Status) bool {
			g := newStage(t)
			h := *word.AsHeard()
			g.s.Status, g.s.CheckDue, g.s.Boot = st, g.now, world.Boot{Epoch: h.Epoch, Up: true}
			g.s.Op = world.Operation{ID: "99", IfEmpty: true}  // whose order the sample refuses
			g.s.Tail = &world.Tail{Operation: "99", At: g.now} // and which asked for the log
			react := func(p world.Payload) (world.State, []world.Effect) {
				return rules.React(g.c, g.s, world.Event{ID: "1", World: g.c.ID, Time: g.now, Received: g.now, Data: p})
			}
			with, said := react(word)
			without, unsaid := react(&noWord{h})
			return !reflect.DeepEqual(with, without) || !reflect.DeepEqual(said, unsaid)
		})
		if !reacted {
			t.Errorf("%s changes nothing: has it a case in told, agent.go?", typ)
		}
	}
}
