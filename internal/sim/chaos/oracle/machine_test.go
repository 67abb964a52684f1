package oracle_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"hearth/internal/sim/chaos/games"
	"hearth/internal/sim/chaos/oracle"
	"hearth/internal/sim/simcloud"
	"hearth/internal/sim/simdiscord"
)

func vm(id, placement string) simcloud.VMView {
	return simcloud.VMView{ID: id, Placement: placement, State: simcloud.VMRunning}
}

func TestMachines(t *testing.T) {
	play(t, []scene{
		{"none and one", func(_ *testing.T, s *stage) {
			s.Machines(nil)
			s.Machines([]simcloud.VMView{vm("a1", "a")})
			s.Machines([]simcloud.VMView{vm("b1", "b")})
		}, ""},
		{"two", func(_ *testing.T, s *stage) { s.Machines([]simcloud.VMView{vm("a1", "a"), vm("b1", "b")}) }, "P8"},
	})
}

func TestScale(t *testing.T) {
	play(t, []scene{
		{"nothing is there", func(_ *testing.T, s *stage) { s.Scale("a", 1, nil) }, ""},
		{"the place has its machine", func(_ *testing.T, s *stage) { s.Scale("a", 1, []simcloud.VMView{vm("a1", "a")}) }, ""},
		{"another place has one", func(_ *testing.T, s *stage) { s.Scale("b", 1, []simcloud.VMView{vm("a1", "a")}) }, "P9"},
		{"another place has one, and this is emptied", func(_ *testing.T, s *stage) { s.Scale("b", 0, []simcloud.VMView{vm("a1", "a")}) }, ""},
	})
}

func TestMachineOff(t *testing.T) {
	at := func(s *stage, d time.Duration) time.Time { return s.clock.Now().Add(d) }
	off := func(change func(*stage, *oracle.Off)) func(*testing.T, *stage) {
		return func(_ *testing.T, s *stage) {
			o := oracle.Off{VM: "a1", Deleted: true, Game: games.Truth{VM: "a1", Life: 1, Began: at(s, -time.Hour), Opened: at(s, -50*time.Minute)}}
			change(s, &o)
			s.MachineOff(o)
		}
	}
	loss := "Midgard was silent for ten minutes; the machine goes."
	play(t, []scene{
		{"deleted while its game runs", off(func(*stage, *oracle.Off) {}), "P10"},
		{"taken while its game runs", off(func(_ *stage, o *oracle.Off) { o.Deleted = false }), ""},
		{"deleted without a game", off(func(_ *stage, o *oracle.Off) { o.Game = games.Truth{} }), ""},
		{"deleted before the door opened", off(func(_ *stage, o *oracle.Off) { o.Game.Opened = time.Time{} }), ""},
		{"deleted after the game ended", off(func(s *stage, o *oracle.Off) { o.Game.Ended = at(s, -time.Minute) }), ""},
		{"deleted just after the game ended", off(func(s *stage, o *oracle.Off) { o.Game.Ended = at(s, -time.Millisecond) }), ""},
		{"deleted, which killed the game", off(func(s *stage, o *oracle.Off) {
			o.Game.Killed, o.Game.Err, o.Game.Ended = true, errors.New("killed"), at(s, -time.Millisecond)
		}), "P10"},
		{"deleted long after the game was killed", off(func(s *stage, o *oracle.Off) {
			o.Game.Killed, o.Game.Err, o.Game.Ended = true, errors.New("killed"), at(s, -time.Minute)
		}), ""},
		{"the loss is told", off(func(s *stage, o *oracle.Off) {
			o.Messages = []simdiscord.Message{{ID: "m1", Content: loss, Timestamp: at(s, -time.Minute)}}
		}), ""},
		{"the loss that is told is an older game's", off(func(s *stage, o *oracle.Off) {
			o.Messages = []simdiscord.Message{{ID: "m1", Content: loss, Timestamp: at(s, -2*time.Hour)}}
		}), "P10"},
		{"something else is told", off(func(s *stage, o *oracle.Off) {
			o.Messages = []simdiscord.Message{{ID: "m1", Content: "Midgard is out.", Timestamp: at(s, -time.Minute)}}
		}), "P10"},
		{"the loss is about to be told", func(t *testing.T, s *stage) {
			s.write(t, hang("1.1", "midgard/deadline/1", line(loss)))
			off(func(*stage, *oracle.Off) {})(t, s)
		}, ""},
	})
}

func TestScarce(t *testing.T) {
	scarce := func(change func(*stage, *oracle.Scarce)) func(*testing.T, *stage) {
		return func(_ *testing.T, s *stage) {
			now := s.clock.Now()
			o := oracle.Scarce{Asked: now, Back: now.Add(10 * time.Minute), Places: 2, Calls: 6, Up: true, Messages: []simdiscord.Message{
				{Content: fmt.Sprintf("The cloud has no machine for **Midgard** anywhere right now. I try again <t:%d:R>; `/stop` to leave it.", now.Add(3*time.Minute).Unix()), Timestamp: now.Add(time.Minute)},
			}}
			change(s, &o)
			s.Scarce(o)
		}
	}
	play(t, []scene{
		{"told, asked now and then, and up", scarce(func(*stage, *oracle.Scarce) {}), ""},
		{"not told", scarce(func(_ *stage, o *oracle.Scarce) { o.Messages = nil }), "P15"},
		{"told late", scarce(func(_ *stage, o *oracle.Scarce) { o.Messages[0].Timestamp = o.Asked.Add(150 * time.Second) }), "P15"},
		{"told before", scarce(func(_ *stage, o *oracle.Scarce) { o.Messages[0].Timestamp = o.Asked.Add(-time.Minute) }), "P15"},
		{"the next try is over", scarce(func(_ *stage, o *oracle.Scarce) {
			o.Messages[0].Content = "The cloud has no machine for **Midgard** anywhere right now. I try again <t:1:R>."
		}), "P15"},
		{"asked all the time", scarce(func(_ *stage, o *oracle.Scarce) { o.Calls = 13 }), "P15"},
		{"there is one, and it stays out", scarce(func(_ *stage, o *oracle.Scarce) { o.Up = false }), "P15"},
		{"each machine that is asked for counts", func(t *testing.T, s *stage) {
			s.Scale("a", 1, nil)
			s.Scale("a", 0, nil)
			s.Scale("b", 1, nil)
			if n := s.Asks(); n != 2 {
				t.Errorf("asked for %d machines, want 2", n)
			}
		}, ""},
	})
}
