package oracle_test

import (
	"testing"
	"time"

	"hearth/internal/world"
)

func TestGenerations(t *testing.T) {
	play(t, []scene{
		{"each write is of the one before", func(t *testing.T, s *stage) {
			s.write(t, func(*world.State) {})
			s.write(t, func(*world.State) {})
		}, ""},
		{"a write over one that it did not read", func(t *testing.T, s *stage) {
			s.write(t, func(*world.State) {})
			s.write(t, func(st *world.State) { st.Generation-- })
		}, "P5"},
		{"a generation is left out", func(t *testing.T, s *stage) {
			s.write(t, func(st *world.State) { st.Generation++ })
		}, "P5"},
	})
}

func TestEpochs(t *testing.T) {
	boot := func(epoch int64) func(*world.State) {
		return func(st *world.State) { st.Boot.Epoch = epoch }
	}
	within := func(event string, e world.Effect, more ...func(*world.State)) func(*testing.T, *stage) {
		return func(t *testing.T, s *stage) {
			s.write(t, func(st *world.State) {
				st.Boot.Epoch = 2
				hang("1.1", "midgard/look/1", world.Effect{Cloud: &world.CloudDo{Act: world.ActLook}})(st)
			})
			s.write(t, func(st *world.State) {
				hang("2.1", event, e)(st)
				for _, change := range more {
					change(st)
				}
			})
		}
	}
	play(t, []scene{
		{"it rises", func(t *testing.T, s *stage) {
			s.write(t, boot(1))
			s.write(t, boot(3))
		}, ""},
		{"it falls", func(t *testing.T, s *stage) {
			s.write(t, boot(3))
			s.write(t, boot(2))
		}, "P7"},
		{"the present boot's word", within("midgard/2/7", line("Astrid came in.")), ""},
		{"a coming boot's word", within("midgard/3/1", line("It burns.")), ""},
		{"an older boot's word", within("midgard/1/7", line("Astrid came in.")), "P7"},
		{"a timer is no boot's word", within("midgard/check/1", line("It is silent.")), ""},
		{"an older boot's word begins a lost chain of checks",
			within("midgard/1/7", world.Effect{Delay: &world.Delay{Timer: world.Timer{Kind: world.TimerCheck}}}), ""},
		{"an older boot's word begins a deadline",
			within("midgard/1/7", world.Effect{Delay: &world.Delay{Timer: world.Timer{Kind: world.TimerDeadline}}}), "P7"},
		{"an older boot's word comes with the cloud's answer", within("midgard/1/7", line("The machine is gone."), drop("1.1")), ""},
	})
}

func TestClaims(t *testing.T) {
	claim := func(by string, lasts time.Duration) func(*stage) func(*world.State) {
		return func(s *stage) func(*world.State) {
			return func(st *world.State) {
				st.Pending = []world.Pending{{ID: "1.1", Event: "midgard/1/7", Effect: line("Astrid came in.")}}
				st.Pending[0].Claim, st.Pending[0].Until = by, s.clock.Now().Add(lasts)
			}
		}
	}
	then := func(by string, after time.Duration) func(*testing.T, *stage) {
		return func(t *testing.T, s *stage) {
			s.write(t, claim("A", time.Minute)(s))
			s.clock.Advance(after)
			s.write(t, claim(by, time.Minute)(s))
		}
	}
	play(t, []scene{
		{"taken from who performs it", then("B", 30*time.Second), "P3"},
		{"taken just before its time", then("B", time.Minute-2*skew), "P3"},
		{"taken when its time is over on somebody's clock", then("B", time.Minute-skew), ""},
		{"held on to", then("A", 30*time.Second), ""},
		{"given back", then("", time.Second), ""},
		{"taken when nobody has it", func(t *testing.T, s *stage) {
			s.write(t, claim("", time.Minute)(s))
			s.write(t, claim("B", time.Minute)(s))
		}, ""},
		{"taken, and the writer of before has gone on with its row", func(t *testing.T, s *stage) {
			s.write(t, claim("A", time.Minute)(s))
			s.state.Pending[0].Claim = "B"
			s.write(t, claim("B", time.Minute)(s))
		}, "P3"},
	})
}

func TestSaidAgain(t *testing.T) {
	again := func(first, second func(*world.State)) func(*testing.T, *stage) {
		return func(t *testing.T, s *stage) {
			s.write(t, first)
			s.Searched() // so that whoever drops it knows that it was said
			s.write(t, drop("1.1"))
			s.write(t, second)
		}
	}
	card := world.Effect{Chat: &world.ChatDo{Kind: world.ChatCard, Say: world.Say{Text: "Midgard"}}}
	play(t, []scene{
		{"one event has a line said by two writes",
			again(hang("1.1", "midgard/1/7", line("Astrid died.")), hang("3.1", "midgard/1/7", line("Astrid died."))), "P3"},
		{"two events in the same words",
			again(hang("1.1", "midgard/1/7", line("Astrid died.")), hang("3.1", "midgard/1/8", line("Astrid died."))), ""},
		{"one event has two things to say",
			again(hang("1.1", "midgard/1/7", line("Astrid died.")), hang("3.1", "midgard/1/7", line("Bjorn died."))), ""},
		{"a card is drawn again",
			again(hang("1.1", "midgard/1/7", card), hang("3.1", "midgard/1/7", card)), ""},
		{"one write says it in two places", func(t *testing.T, s *stage) {
			s.write(t, func(st *world.State) {
				hang("1.1", "midgard/1/7", line("Astrid died."))(st)
				hang("1.2", "midgard/1/7", line("Astrid died."))(st)
			})
		}, ""},
	})
}
