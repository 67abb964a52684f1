package oracle_test

import (
	"fmt"
	"testing"
	"time"

	"hearth/internal/sim/simcloud"
	"hearth/internal/world"
)

// check is a check that a worker has handled.
func (s *stage) check(t *testing.T) {
	t.Helper()
	b, err := world.Event{
		ID: "midgard/check/1", Source: world.SourceBot, World: midgard, Time: s.clock.Now(), Data: &world.Timer{Kind: world.TimerCheck},
	}.EncodeSealed([]byte("key"))
	if err != nil {
		t.Fatal(err)
	}
	s.Handled(b)
}

func TestPaid(t *testing.T) {
	// during looks at one machine every ten seconds, with checks every half a
	// minute if there are any.
	during := func(t *testing.T, s *stage, d time.Duration, away, checks bool, each func()) {
		t.Helper()
		for passed := time.Duration(0); passed < d; passed += 10 * time.Second {
			if checks && passed%(30*time.Second) == 0 {
				s.check(t)
			}
			if each != nil {
				each()
			}
			s.Paid([]simcloud.VMView{vm("a1", "a")}, away)
			s.clock.Advance(10 * time.Second)
		}
	}
	is := func(status world.Status, want int, place string) func(*world.State) {
		return func(st *world.State) {
			if st.Status, st.Cloud.Want, st.Cloud.Placement = status, want, place; status == world.Stopping {
				st.Why = "it was silent"
			}
		}
	}
	online := is(world.Online, 1, "a")
	heartbeats := func(t *testing.T, s *stage) func() {
		seq := int64(0)
		return func() {
			seq++
			s.Arrived("a1", body(t, fmt.Sprintf("midgard/1/%d", seq), &world.Heartbeat{Heard: world.Heard{Epoch: 1, Seq: seq}}))
		}
	}
	play(t, []scene{
		{"wanted and heard", func(t *testing.T, s *stage) {
			s.write(t, online)
			during(t, s, time.Hour, false, true, heartbeats(t, s))
		}, ""},
		{"silent for a while", func(t *testing.T, s *stage) {
			s.write(t, online)
			during(t, s, 11*time.Minute, false, true, nil)
		}, ""},
		{"silent", func(t *testing.T, s *stage) {
			s.write(t, online)
			during(t, s, 12*time.Minute, false, true, nil)
		}, "P20"},
		{"silent, in a stop that was begun meanwhile", func(t *testing.T, s *stage) {
			s.write(t, online)
			during(t, s, 8*time.Minute, false, true, nil)
			s.write(t, is(world.Stopping, 1, "a"))
			during(t, s, 4*time.Minute, false, true, nil)
		}, "P20"},
		{"silent, and nobody could hear", func(t *testing.T, s *stage) {
			s.write(t, online)
			during(t, s, 8*time.Minute, false, true, nil)
			during(t, s, time.Hour, true, true, nil)
			during(t, s, 3*time.Minute, false, true, nil)
		}, ""},
		{"silent, before and after nobody could hear", func(t *testing.T, s *stage) {
			s.write(t, online)
			during(t, s, 8*time.Minute, false, true, nil)
			during(t, s, time.Hour, true, true, nil)
			during(t, s, 4*time.Minute, false, true, nil)
		}, "P20"},
		{"silent, and nobody looks", func(t *testing.T, s *stage) {
			s.write(t, online)
			during(t, s, time.Hour, false, false, nil)
		}, ""},
		{"silent and given up, and goes", func(t *testing.T, s *stage) {
			s.write(t, online)
			during(t, s, 10*time.Minute, false, true, nil)
			s.write(t, is(world.Stopping, 0, "a"))
			during(t, s, 9*time.Minute, false, true, nil)
			s.Paid(nil, false)
		}, ""},
		{"silent and given up, and stays", func(t *testing.T, s *stage) {
			s.write(t, online)
			during(t, s, 10*time.Minute, false, true, nil)
			s.write(t, is(world.Stopping, 0, "a"))
			during(t, s, 11*time.Minute, false, true, nil)
		}, "P20"},
		{"nobody wants it, and it speaks", func(t *testing.T, s *stage) {
			s.write(t, is(world.Stopped, 0, "a"))
			during(t, s, 11*time.Minute, false, false, heartbeats(t, s))
		}, "P20"},
		{"another place's is wanted", func(t *testing.T, s *stage) {
			s.write(t, is(world.Online, 1, "b"))
			during(t, s, 11*time.Minute, false, true, heartbeats(t, s))
		}, "P20"},
	})
}
