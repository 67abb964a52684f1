package oracle_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"hearth/internal/sim/chaos/games"
	"hearth/internal/sim/chaos/oracle"
	"hearth/internal/world"
)

// at is the id's part that tells a place in a log, a second apart.
func at(second int) string { return fmt.Sprintf("%d/0/0", int64(second)*int64(time.Second)) }

// read is the id of a word that was read there.
func read(epoch int64, second int) string {
	return fmt.Sprintf("midgard/%d/server/%s", epoch, at(second))
}

// body is an event of an agent.
func body(t *testing.T, id string, data world.AgentPayload) []byte {
	t.Helper()
	b, err := world.Event{ID: id, Source: world.SourceAgent, World: midgard, Time: time.Now(), Data: data}.EncodeSealed([]byte("key"))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// hears lets a word that a log said come into the queue.
func (s *stage) hears(t *testing.T, epoch, seq int64, second int) []byte {
	t.Helper()
	b := body(t, read(epoch, second), &world.Spawned{Heard: world.Heard{Epoch: epoch, Seq: seq}})
	s.Arrived("a1", b)
	return b
}

// counts lets the row count words of a boot.
func (s *stage) counts(t *testing.T, epoch int64, seqs ...int64) {
	t.Helper()
	s.write(t, func(st *world.State) {
		if st.Boot.Epoch != epoch {
			st.Boot = world.Boot{Epoch: epoch}
		}
		for _, seq := range seqs {
			st.Boot.Seen.Add(seq)
		}
	})
}

// log is one of a game on a1 that said something in each of these seconds.
func log(seconds ...int) games.Log {
	l := games.Log{ID: "g1", VM: "a1", Began: time.Unix(0, 0)}
	for _, n := range seconds {
		l.Words = append(l.Words, games.Word{Place: at(n), Type: "agent.spawned", Name: "Astrid", At: time.Unix(int64(n), 0)})
	}
	return l
}

func (s *stage) ends(logs ...games.Log) { s.End(oracle.Scene{Cloud: asleep(), Logs: logs}) }

func TestWords(t *testing.T) {
	lost := func(t *testing.T, s *stage, seq, n int64) {
		t.Helper()
		s.Arrived("a1", body(t, fmt.Sprintf("midgard/1/%d", seq), &world.WordsLost{Heard: world.Heard{Epoch: 1, Seq: seq}, Count: n}))
		s.counts(t, 1, seq)
	}
	play(t, []scene{
		{"each counts once", func(t *testing.T, s *stage) {
			s.hears(t, 1, 1, 10)
			s.hears(t, 1, 2, 20)
			s.hears(t, 1, 1, 10) // again
			s.counts(t, 1, 2, 1)
			s.ends(log(10, 20))
		}, ""},
		{"two words of one number", func(t *testing.T, s *stage) {
			s.hears(t, 1, 1, 10)
			s.hears(t, 1, 1, 20)
		}, "P17"},
		{"a word counts twice", func(t *testing.T, s *stage) {
			s.hears(t, 1, 1, 10)
			s.hears(t, 2, 1, 10)
			s.counts(t, 1, 1)
			s.counts(t, 2, 1)
		}, "P17"},
		{"a word that comes twice and counts once", func(t *testing.T, s *stage) {
			s.hears(t, 1, 1, 10)
			b := s.hears(t, 2, 1, 10)
			s.counts(t, 2, 1)
			s.Handled(b)
			s.Handled(body(t, read(1, 10), &world.Spawned{Heard: world.Heard{Epoch: 1, Seq: 1}}))
			s.ends(log(10))
		}, ""},
		{"a later line comes first", func(t *testing.T, s *stage) {
			s.hears(t, 1, 1, 20)
			s.hears(t, 1, 2, 10)
		}, "P17"},
		{"a word is skipped", func(t *testing.T, s *stage) {
			s.hears(t, 1, 1, 10)
			s.hears(t, 1, 2, 30)
			s.counts(t, 1, 1, 2)
			s.ends(log(10, 20, 30))
		}, "P17"},
		{"a word is skipped, with a full disk", func(t *testing.T, s *stage) {
			s.Full("a1")
			s.hears(t, 1, 1, 30)
			s.clock.Advance(time.Minute)
			lost(t, s, 2, 0)
			s.counts(t, 1, 1)
			s.ends(log(20, 30))
		}, "P18"},
		{"words are told to be lost", func(t *testing.T, s *stage) {
			s.Full("a1")
			s.hears(t, 1, 1, 30)
			s.counts(t, 1, 1)
			lost(t, s, 2, 2)
			s.ends(log(10, 20, 30))
		}, ""},
		{"fewer are told to be lost than are", func(t *testing.T, s *stage) {
			s.Full("a1")
			s.hears(t, 1, 1, 30)
			s.clock.Advance(time.Minute)
			s.counts(t, 1, 1)
			lost(t, s, 2, 1)
			s.ends(log(10, 20, 30))
		}, "P18"},
		{"numbers are left out", func(t *testing.T, s *stage) {
			s.hears(t, 1, 1, 10)
			s.hears(t, 1, 4, 30)
			s.clock.Advance(time.Minute)
			lost(t, s, 5, 1)
			s.counts(t, 1, 1, 4)
			s.ends(log(10, 30))
		}, "P18"},
		{"numbers are left out, and told to be lost", func(t *testing.T, s *stage) {
			s.hears(t, 1, 1, 10)
			s.hears(t, 1, 4, 30)
			s.clock.Advance(time.Minute)
			lost(t, s, 5, 2)
			s.counts(t, 1, 1, 4)
			s.ends(log(10, 30))
		}, ""},
		{"numbers are left out, and the memory was lost", func(t *testing.T, s *stage) {
			s.Forgot("a1")
			s.hears(t, 1, 4, 30)
			s.clock.Advance(time.Minute)
			lost(t, s, 5, 0)
			s.counts(t, 1, 4)
			s.ends(log(30))
		}, ""},
		{"words are lost just before the machine goes", func(t *testing.T, s *stage) {
			s.Full("a1")
			s.hears(t, 1, 1, 30)
			s.clock.Advance(time.Second)
			lost(t, s, 2, 0)
			s.counts(t, 1, 1)
			s.ends(log(10, 30))
		}, ""},
		{"the last words of a machine that is gone", func(t *testing.T, s *stage) {
			s.hears(t, 1, 1, 10)
			s.counts(t, 1, 1)
			s.ends(log(10, 20))
		}, ""},
		{"what is said after the game was asked to end", func(t *testing.T, s *stage) {
			s.hears(t, 1, 1, 10)
			s.hears(t, 1, 2, 30)
			s.counts(t, 1, 1, 2)
			l := log(10, 20, 30)
			l.Asked = time.Unix(15, 0)
			s.ends(l)
		}, ""},
		{"the memory was lost", func(t *testing.T, s *stage) {
			s.Forgot("a1")
			s.hears(t, 2, 1, 30)
			s.counts(t, 2, 1)
			s.ends(log(20, 30))
		}, ""},
		{"no log said so", func(t *testing.T, s *stage) {
			s.hears(t, 1, 1, 10)
			s.counts(t, 1, 1)
			s.ends(log())
		}, "P17"},
		{"it came and nobody handled it", func(t *testing.T, s *stage) {
			s.hears(t, 1, 1, 10)
			s.ends(log(10))
		}, "P17"},
		{"it came and no delivery could handle it", func(t *testing.T, s *stage) {
			s.Spent(s.hears(t, 1, 1, 10))
			s.ends(log(10))
		}, ""},
		{"it was handled, and its boot was over", func(t *testing.T, s *stage) {
			b := s.hears(t, 1, 1, 10)
			s.write(t, func(st *world.State) { st.Boot.Epoch, st.Boot.Over = 1, true })
			s.Handled(b)
			s.ends(log(10))
		}, ""},
		{"it was handled, and does not count", func(t *testing.T, s *stage) {
			b := s.hears(t, 1, 1, 10)
			s.counts(t, 1)
			s.Handled(b)
		}, "P17"},
		{"the save is proven, and the last words did not come", func(t *testing.T, s *stage) {
			s.hears(t, 1, 1, 10)
			s.counts(t, 1, 1)
			s.AgentSays("a1", body(t, "midgard/1/2", &world.SaveProven{Heard: world.Heard{Epoch: 1, Seq: 2}, Confirmed: true}), func() (games.Truth, oracle.Saved) {
				return games.Truth{ID: "g1", VM: "a1", Epoch: 1, Ended: time.Unix(50, 0)}, oracle.Saved{}
			})
			l := log(10, 20)
			l.Asked = time.Unix(40, 0)
			s.ends(l)
		}, "P17"},
		{"a save after the last word, of a game that was asked to end", func(t *testing.T, s *stage) {
			s.hears(t, 1, 1, 30)
			s.counts(t, 1, 1)
			l := log(20, 30)
			l.Words[0].Type, l.Asked = "agent.saved", time.Unix(40, 0)
			s.ends(l)
		}, ""},
		{"a save that nobody was told of", func(t *testing.T, s *stage) {
			s.hears(t, 1, 1, 30)
			s.counts(t, 1, 1)
			l := log(20, 30)
			l.Words[0].Type = "agent.saved"
			s.ends(l)
		}, "P17"},
	})
}

// TestFresh: in the calm, what was said a while ago counts.
func TestFresh(t *testing.T) {
	calm := func(now int, forgot bool) func(*testing.T, *stage) {
		return func(t *testing.T, s *stage) {
			if forgot {
				s.Forgot("a1")
			}
			s.hears(t, 1, 1, 1000)
			s.counts(t, 1, 1)
			s.write(t, func(st *world.State) { st.Since = s.clock.Now() })
			g := &games.Truth{ID: "g1", VM: "a1", Now: time.Unix(int64(now), 0), Opened: time.Unix(1, 0), Coded: true}
			s.Calm(oracle.Quiet{Lasts: 40 * time.Minute, Cloud: asleep(), Game: g, Logs: []games.Log{log(1000, 1300)}})
		}
	}
	play(t, []scene{
		{"it was said just now", calm(1400, false), ""},
		{"it was said a while ago", calm(1500, false), "P17"},
		{"it was said before the calm", calm(5000, false), ""},
		{"the memory was lost since", calm(1500, true), ""},
	})
}

func TestLeases(t *testing.T) {
	on := func(vm string) *games.Truth { return &games.Truth{VM: vm} }
	play(t, []scene{
		{"to the machine that plays", func(_ *testing.T, s *stage) {
			s.Acquired("a1", 1, nil)
			s.Acquired("a1", 2, on("a1"))
		}, ""},
		{"while another plays", func(_ *testing.T, s *stage) { s.Acquired("b1", 2, on("a1")) }, "P8"},
		{"the machine has it", func(_ *testing.T, s *stage) {
			s.Acquired("a1", 1, nil)
			s.Fenced(*on("a1"), time.Hour, 1)
		}, ""},
		{"nobody has it", func(_ *testing.T, s *stage) { s.Fenced(*on("a1"), time.Hour, 0) }, "P8"},
		{"nobody has it, and the agent came back just now", func(_ *testing.T, s *stage) { s.Fenced(*on("a1"), time.Minute, 0) }, ""},
		{"another has it", func(_ *testing.T, s *stage) {
			s.Acquired("b1", 2, nil)
			s.Fenced(*on("a1"), time.Hour, 2)
		}, "P8"},
		{"the game has ended", func(_ *testing.T, s *stage) {
			s.Fenced(games.Truth{VM: "a1", Ended: time.Unix(1, 0), Err: errors.New("crashed")}, time.Hour, 0)
		}, ""},
	})
}

// TestContinues: a proof of the boot that a game went on under is about it.
func TestContinues(t *testing.T) {
	proves := func(continues bool) func(*testing.T, *stage) {
		return func(t *testing.T, s *stage) {
			game := func() (games.Truth, oracle.Saved) { return games.Truth{VM: "a1", Epoch: 1}, oracle.Saved{} }
			s.AgentSays("a1", body(t, "midgard/2/1", &world.HostUp{Heard: world.Heard{Epoch: 2, Seq: 1}, Continues: continues}), game)
			s.AgentSays("a1", body(t, "midgard/2/2", &world.SaveProven{Heard: world.Heard{Epoch: 2, Seq: 2}, Confirmed: true}), game)
		}
	}
	play(t, []scene{
		{"it went on, and runs", proves(true), "P11"},
		{"it did not, and is another boot's", proves(false), ""},
	})
}
