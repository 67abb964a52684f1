package oracle_test

import (
	"errors"
	"testing"
	"time"

	"hearth/internal/world"
	"hearth/internal/world/words"
)

// TestRowInDoubt: after a write without an answer the row is read again before
// anything is done.
func TestRowInDoubt(t *testing.T) {
	lost := errors.New("reply lost")
	play(t, []scene{
		{"it is read again", func(_ *testing.T, s *stage) {
			s.Wrote("A", "w1", lost)
			s.Read("A")
			s.Acts("A", "it writes w2")
		}, ""},
		{"it is not", func(_ *testing.T, s *stage) {
			s.Wrote("A", "w1", lost)
			s.Acts("A", "it writes w2")
		}, "P6"},
		{"another process reads it", func(_ *testing.T, s *stage) {
			s.Wrote("A", "w1", lost)
			s.Read("B")
			s.Acts("A", "it writes w2")
		}, "P6"},
		{"another process acts", func(_ *testing.T, s *stage) {
			s.Wrote("A", "w1", lost)
			s.Acts("B", "it writes w2")
		}, ""},
		{"it was answered", func(_ *testing.T, s *stage) {
			s.Wrote("A", "w1", nil)
			s.Acts("A", "it writes w2")
		}, ""},
	})
}

// TestPerforms: only what stands in the row is performed, and it leaves the row
// when that was answered.
func TestPerforms(t *testing.T) {
	order := func(kind world.OrderKind) world.Effect {
		return world.Effect{Order: &world.Order{Kind: kind, Operation: "1", Epoch: 2}}
	}
	timer := func(n int64) world.Effect {
		return world.Effect{Delay: &world.Delay{Timer: world.Timer{Kind: world.TimerCheck, Number: n}}}
	}
	hangs := func(e world.Effect) func(*testing.T, *stage) {
		return func(t *testing.T, s *stage) { s.write(t, hang("1.1", "midgard/check/1", e)) }
	}
	then := func(plays ...func(*testing.T, *stage)) func(*testing.T, *stage) {
		return func(t *testing.T, s *stage) {
			for _, p := range plays {
				p(t, s)
			}
		}
	}
	performs := func(e world.Effect) func(*testing.T, *stage) {
		return func(_ *testing.T, s *stage) { s.Performs("A", e) }
	}
	done := func(e world.Effect) func(*testing.T, *stage) {
		return func(_ *testing.T, s *stage) { s.Performed(e) }
	}
	leaves := func(more ...func(*world.State)) func(*testing.T, *stage) {
		return func(t *testing.T, s *stage) {
			s.write(t, func(st *world.State) {
				drop("1.1")(st)
				for _, m := range more {
					m(st)
				}
			})
		}
	}
	passes := func(d time.Duration) func(*testing.T, *stage) {
		return func(_ *testing.T, s *stage) { s.clock.Advance(d) }
	}
	issued := func(e world.Effect, ago time.Duration) func(*testing.T, *stage) {
		return func(t *testing.T, s *stage) {
			e.Order.Issued = s.clock.Now().Add(-ago)
			hangs(e)(t, s)
		}
	}
	stop, tail := order(world.OrderStop), order(world.OrderLogTail)
	look := world.Effect{Cloud: &world.CloudDo{Act: world.ActScale, Placement: "a", Capacity: 1}}
	play(t, []scene{
		{"what the row asks for", then(hangs(stop), performs(stop)), ""},
		{"what no row asks for", performs(stop), "P6"},
		{"what another row asked for", then(hangs(stop), performs(order(world.OrderStopIfEmpty))), "P6"},
		{"a machine that no row asks for", performs(look), "P6"},
		{"what others have seen to just now", then(hangs(look), leaves(), passes(time.Minute), performs(look)), ""},
		{"what others have seen to long ago", then(hangs(look), leaves(), passes(time.Hour), performs(look)), "P6"},
		{"an order that was answered leaves", then(issued(stop, 0), performs(stop), done(stop), leaves()), ""},
		{"an order that was not leaves", then(issued(stop, 0), performs(stop), leaves()), "P6"},
		{"an order that was answered before it was asked for again", then(done(stop), passes(time.Second), issued(stop, 0), leaves()), "P6"},
		{"a newer stop makes it stale", then(issued(stop, 0), leaves(hang("2.1", "1", order(world.OrderStopIfEmpty)))), ""},
		{"a newer order of another kind does not", then(issued(stop, 0), leaves(hang("2.1", "1", tail))), "P6"},
		{"nobody would obey it any more", then(issued(stop, 11*time.Minute), leaves()), ""},
		{"a timer that was answered leaves", then(hangs(timer(1)), done(timer(1)), leaves()), ""},
		{"a timer that was not leaves", then(hangs(timer(1)), leaves()), "P6"},
		{"a newer one makes it stale", then(hangs(timer(1)), leaves(hang("2.1", "1", timer(2)))), ""},
		{"a line that was posted leaves", then(hangs(line("It burns.")), done(line("It burns.")), leaves()), ""},
		{"a line that was not leaves", then(hangs(line("It burns.")), leaves()), "P6"},
		{"a line that was looked for leaves", then(hangs(line("It burns.")), func(_ *testing.T, s *stage) { s.Searched() }, leaves()), ""},
		{"a line that is counted leaves", then(hangs(line("It burns.")), leaves(func(st *world.State) { st.Unsaid++ })), ""},
		{"a post of what no row says", func(_ *testing.T, s *stage) { s.Posts("A", "It burns.") }, "P6"},
		{"a post of a failure of its own", func(_ *testing.T, s *stage) { s.Posts("A", words.Broken().Text) }, ""},
		{"a card", func(_ *testing.T, s *stage) { s.Posts("A", "") }, ""},
	})
}

// TestScaleInDoubt: nobody builds on a scale without an answer before somebody
// has looked at the place.
func TestScaleInDoubt(t *testing.T) {
	out := func(t *testing.T, s *stage) {
		s.write(t, func(st *world.State) { st.Status, st.Why = world.Stopping, "no capacity" })
		s.write(t, failed)
	}
	play(t, []scene{
		{"another place is asked after a look", func(_ *testing.T, s *stage) {
			s.ScaleLost("a")
			s.Listed("a")
			s.Scale("b", 1, nil)
		}, ""},
		{"another place is asked at once", func(_ *testing.T, s *stage) {
			s.ScaleLost("a")
			s.Scale("b", 1, nil)
		}, "P6"},
		{"the same is asked again", func(_ *testing.T, s *stage) {
			s.ScaleLost("a")
			s.Scale("a", 1, nil)
		}, ""},
		{"the fire is out after a look", func(t *testing.T, s *stage) {
			s.ScaleLost("a")
			s.Listed("a")
			out(t, s)
		}, ""},
		{"the fire is out without one", func(t *testing.T, s *stage) {
			s.ScaleLost("a")
			out(t, s)
		}, "P6"},
	})
}

// TestSendInDoubt: what an agent has no answer for it sends again.
func TestSendInDoubt(t *testing.T) {
	first, second := []byte("first"), []byte("second")
	sends := func(who string, next []byte) func(*testing.T, *stage) {
		return func(_ *testing.T, s *stage) {
			s.Sends("a1/1", "a1", first)
			s.Unsent("a1/1", first)
			s.Sends(who, "a1", next)
		}
	}
	play(t, []scene{
		{"again", sends("a1/1", first), ""},
		{"the next one", sends("a1/1", second), "P6"},
		{"another process, which knows nothing of it", sends("a1/2", second), ""},
		{"the next one, as its disk was full and this one had to go", func(t *testing.T, s *stage) {
			s.Full("a1")
			sends("a1/1", second)(t, s)
		}, ""},
	})
}
