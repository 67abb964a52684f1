package oracle_test

import (
	"testing"
	"time"

	"hearth/internal/sim/chaos/oracle"
	"hearth/internal/sim/simdiscord"
	"hearth/internal/world"
	"hearth/internal/world/words"
)

// TestOlderCommand: what a command changes stays as it is until a newer one.
func TestOlderCommand(t *testing.T) {
	// begins is a write in which a command begins an operation.
	begins := func(id string, want int, status world.Status) func(*world.State) {
		return func(st *world.State) {
			st.Commands = append(st.Commands, id)
			st.Op.ID, st.Cloud.Want, st.Status = id, want, status
		}
	}
	up := func(id string) func(*world.State) { return begins(id, 1, world.Starting) }
	down := func(id string) func(*world.State) { return begins(id, 0, world.Stopping) }
	again := func(id string) func(*world.State) {
		return func(st *world.State) {
			st.Commands = append(st.Commands, id)
			st.Again = &world.Again{ID: id}
		}
	}
	nothing := func(id string) func(*world.State) {
		return func(st *world.State) { st.Commands = append(st.Commands, id) }
	}
	whenEmpty := func(id string, on bool) func(*world.State) {
		return func(st *world.State) {
			st.Commands = append(st.Commands, id)
			if st.WhenEmpty = nil; on {
				st.WhenEmpty = &world.Person{ID: "1"}
			}
		}
	}
	first, second, third := commandID(0), commandID(time.Second), commandID(2*time.Second)
	twin := commandID(time.Microsecond) // at the first's instant
	type given struct {
		name world.CommandName
		id   string
		does func(*world.State)
	}
	all := func(commands ...given) func(*testing.T, *stage) {
		return func(t *testing.T, s *stage) {
			for _, c := range commands {
				s.accept(c.name, c.id, nil)
				s.write(t, c.does)
			}
		}
	}
	play(t, []scene{
		{"in order", all(given{world.CmdStart, first, up(first)}, given{world.CmdStop, second, down(second)}), ""},
		{"an older stop undoes a start", all(given{world.CmdStart, second, up(second)}, given{world.CmdStop, first, down(first)}), "P4"},
		{"an older start undoes a stop", all(given{world.CmdStop, second, down(second)}, given{world.CmdStart, first, up(first)}), "P4"},
		{"an older start waits for the end of a stop", all(given{world.CmdStop, second, down(second)}, given{world.CmdStart, first, again(first)}), "P4"},
		{"a newer start waits for the end of a stop", all(given{world.CmdStop, first, down(first)}, given{world.CmdStart, second, again(second)}), ""},
		{"an older keep-going undoes a stop when empty",
			all(given{world.CmdStopWhenEmpty, second, whenEmpty(second, true)}, given{world.CmdKeepGoing, first, whenEmpty(first, false)}), "P4"},
		{"a newer keep-going undoes a stop when empty",
			all(given{world.CmdStopWhenEmpty, first, whenEmpty(first, true)}, given{world.CmdKeepGoing, second, whenEmpty(second, false)}), ""},
		{"an older command that changes nothing", all(given{world.CmdStart, second, up(second)}, given{world.CmdStop, first, nothing(first)}), ""},
		{"an older command of the same wish", all(given{world.CmdStart, second, up(second)}, given{world.CmdStart, first, up(first)}), ""},
		{"an older stop after somebody asked for one, too",
			all(given{world.CmdStart, second, up(second)}, given{world.CmdStop, third, nothing(third)}, given{world.CmdStop, first, down(first)}), ""},
		{"an older stop after somebody asked for a start again",
			all(given{world.CmdStart, second, up(second)}, given{world.CmdStart, third, nothing(third)}, given{world.CmdStop, first, down(first)}), "P4"},
		{"two at the same instant", all(given{world.CmdStart, first, up(first)}, given{world.CmdStop, twin, down(twin)}), ""},
	})
}

// TestAnswered: every accepted command ends in an answer that people saw.
func TestAnswered(t *testing.T) {
	const text = "Midgard comes up."
	ana := "1100000000000000401"
	id := commandID(0)
	thinking := simdiscord.Message{ID: "m1", Thinking: true}
	dead := simdiscord.Message{ID: "m1", Content: simdiscord.NotResponding}
	mine := simdiscord.Message{ID: "m1", Content: simdiscord.NotResponding, EphemeralTo: &ana}
	told := simdiscord.Message{ID: "m1", Content: text}

	handled := func(st *world.State) { st.Commands = append(st.Commands, id) }
	waits := func(st *world.State) {
		handled(st)
		hang("1.1", id, answer(id, text))(st)
	}
	// ends is the end, with the message that the command made, if it is there.
	ends := func(s *stage, ms ...simdiscord.Message) { s.End(oracle.Scene{Messages: ms}) }
	// died: the answer left the row, and the command's message shows nothing.
	died := func(how func(t *testing.T, s *stage), m simdiscord.Message) func(*testing.T, *stage) {
		return func(t *testing.T, s *stage) {
			s.accept(world.CmdStart, id, &thinking)
			s.write(t, waits)
			how(t, s)
			ends(s, m)
		}
	}
	play(t, []scene{
		{"filled in", died(func(t *testing.T, s *stage) { s.write(t, drop("1.1")) }, told), ""},
		{"it still thinks", died(func(t *testing.T, s *stage) { s.write(t, drop("1.1")) }, thinking), "P2"},
		{"its token died and nothing was said", died(func(t *testing.T, s *stage) { s.write(t, drop("1.1")) }, dead), "P2"},
		{"its token died and it was said in the channel", died(func(t *testing.T, s *stage) {
			s.post(text, "n1", "m2")
			s.write(t, drop("1.1"))
		}, dead), ""},
		{"its token died and trouble was told", died(func(t *testing.T, s *stage) {
			s.post(words.Broken().Text, "n1", "m2")
			s.write(t, drop("1.1"))
		}, dead), ""},
		{"its token died and something else was said", died(func(t *testing.T, s *stage) {
			s.post("Astrid came in.", "n1", "m2")
			s.write(t, drop("1.1"))
		}, dead), "P2"},
		{"its token died and the same words were said before it was given", func(t *testing.T, s *stage) {
			s.clock.Advance(-time.Minute)
			s.post(text, "n1", "m2")
			s.clock.Advance(time.Minute)
			died(func(t *testing.T, s *stage) { s.write(t, drop("1.1")) }, dead)(t, s)
		}, "P2"},
		{"its token died, for one person alone", died(func(t *testing.T, s *stage) { s.write(t, drop("1.1")) }, mine), ""},
		{"it expired and is counted", died(func(t *testing.T, s *stage) {
			s.write(t, func(st *world.State) {
				drop("1.1")(st)
				st.Unsaid++
			})
		}, dead), ""},
		{"it expired and a line tells of it", died(func(t *testing.T, s *stage) {
			s.write(t, func(st *world.State) {
				drop("1.1")(st)
				e := line("One message could not be said.")
				e.Chat.Unsaid = 1
				hang("2.1", "midgard/check/1", e)(st)
			})
		}, dead), ""},
		{"it went while others were counted before", died(func(t *testing.T, s *stage) {
			s.write(t, func(st *world.State) { st.Unsaid = 3 })
			s.write(t, drop("1.1"))
		}, dead), "P2"},
		{"it waits at the end", died(func(*testing.T, *stage) {}, told), "P2"},
		{"nobody handled it", func(_ *testing.T, s *stage) {
			s.accept(world.CmdStart, id, nil)
			ends(s)
		}, "P2"},
		{"nobody handled it, and trouble was told", func(_ *testing.T, s *stage) {
			s.accept(world.CmdStart, id, nil)
			s.post(words.Broken().Text, "n1", "m2")
			ends(s)
		}, ""},
		{"nobody handled it, and trouble was told before it was given", func(_ *testing.T, s *stage) {
			s.clock.Advance(-time.Minute)
			s.post(words.Broken().Text, "n1", "m2")
			s.clock.Advance(time.Minute)
			s.accept(world.CmdStart, id, nil)
			ends(s)
		}, "P2"},
		{"nobody handled it, and its token died", func(_ *testing.T, s *stage) {
			s.accept(world.CmdStart, id, &thinking)
			ends(s, dead)
		}, "P2"},
		{"nobody handled it, and its token died, for one person alone", func(_ *testing.T, s *stage) {
			s.accept(world.CmdStart, id, &thinking)
			ends(s, mine)
		}, "P2"},
		{"nobody handled it, its token died, and trouble was told", func(_ *testing.T, s *stage) {
			s.accept(world.CmdStart, id, &thinking)
			s.post(words.Broken().Text, "n1", "m2")
			ends(s, dead)
		}, ""},
		{"its token died, and what it did has a card", func(t *testing.T, s *stage) {
			s.accept(world.CmdStart, id, &thinking)
			s.write(t, handled)
			ends(s, dead)
		}, ""},
		{"its message is gone, and it was filled in", func(_ *testing.T, s *stage) {
			s.accept(world.CmdStart, id, &thinking)
			s.Said(oracle.Call{Method: "PATCH", Path: answerPath(id), Body: []byte(`{"content":"no"}`)})
			ends(s)
		}, ""},
		{"its message is gone, and another's was filled in", func(_ *testing.T, s *stage) {
			s.accept(world.CmdStart, id, &thinking)
			s.Said(oracle.Call{Method: "PATCH", Path: answerPath(commandID(time.Hour)), Body: []byte(`{"content":"no"}`)})
			ends(s)
		}, "P2"},
		{"it was answered by whoever found it in the poison queue", func(_ *testing.T, s *stage) {
			s.accept(world.CmdStart, id, &thinking)
			ends(s, told)
		}, ""},
		{"it was handled before Discord had its answer", func(t *testing.T, s *stage) {
			s.write(t, handled)
			s.accept(world.CmdStart, id, nil)
			ends(s)
		}, ""},
		{"it was answered at once", func(_ *testing.T, s *stage) {
			s.Accepted(simdiscord.Request{Kind: simdiscord.KindCommand, Command: "status"}, simdiscord.Outcome{ID: id, Type: 4, Message: &told})
			ends(s, thinking)
		}, ""},
	})
}
