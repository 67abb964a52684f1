package oracle_test

import (
	"testing"
	"time"

	"hearth/internal/sim/chaos/games"
	"hearth/internal/sim/chaos/oracle"
	"hearth/internal/sim/simcloud"
	"hearth/internal/world"
)

// asleep is a cloud in which nothing runs.
func asleep() simcloud.Snapshot {
	return simcloud.Snapshot{Placements: []simcloud.PlacementView{{ID: "a"}, {ID: "b"}}}
}

// awake is one in which one machine runs.
func awake() simcloud.Snapshot {
	c := asleep()
	c.Placements[0].Capacity, c.Placements[0].Toward = 1, 1
	c.VMs = []simcloud.VMView{vm("a1", "a")}
	return c
}

// failed makes a state one of a session that failed, and tells it.
func failed(st *world.State) {
	st.Status, st.Why = world.Failed, "the cloud has no machine"
	hang("9.1", "midgard/look/1", line("It is out: "+st.Why))(st)
}

func TestCalm(t *testing.T) {
	is := func(status world.Status, ago time.Duration) func(*stage) func(*world.State) {
		return func(s *stage) func(*world.State) {
			return func(st *world.State) {
				st.Status, st.Since = status, s.clock.Now().Add(-ago)
				if status == world.Failed {
					failed(st)
				}
			}
		}
	}
	calm := func(state func(*stage) func(*world.State), cloud simcloud.Snapshot, game *games.Truth) func(*testing.T, *stage) {
		return func(t *testing.T, s *stage) {
			s.write(t, state(s))
			s.Calm(oracle.Quiet{Lasts: 40 * time.Minute, Cloud: cloud, Game: game})
		}
	}
	now := newStage().clock.Now()
	open := &games.Truth{Now: now, Opened: now.Add(-time.Hour), Coded: true, Arrived: map[string]time.Time{"Astrid": now.Add(-time.Minute)}}
	loading := &games.Truth{Now: now}
	online := func(connecting int, names ...string) func(*stage) func(*world.State) {
		return func(*stage) func(*world.State) {
			return func(st *world.State) {
				st.Status, st.Boot.Up, st.Boot.Known, st.Boot.Connecting = world.Online, true, true, connecting
				for _, n := range names {
					st.Boot.Players = append(st.Boot.Players, world.Player{Name: n})
				}
			}
		}
	}
	busy := asleep()
	busy.Placements[1].Toward = 1
	play(t, []scene{
		{"stopped", calm(is(world.Stopped, 0), asleep(), nil), ""},
		{"failed", calm(is(world.Failed, 0), asleep(), nil), ""},
		{"stopped and a machine is there", calm(is(world.Stopped, 0), awake(), nil), "P20 P20"},
		{"stopped and one is on its way", calm(is(world.Stopped, 0), busy, nil), "P20"},
		{"stopped with players", calm(func(*stage) func(*world.State) {
			return func(st *world.State) { st.Boot.Players = []world.Player{{Name: "Astrid"}} }
		}, asleep(), nil), "P16"},
		{"stopped, and nobody knows who is on", calm(func(*stage) func(*world.State) {
			return func(st *world.State) { st.Boot.Up = true }
		}, asleep(), nil), "P16"},
		{"starting", calm(is(world.Starting, 10*time.Minute), asleep(), nil), ""},
		{"starting for too long", calm(is(world.Starting, 16*time.Minute), asleep(), nil), "P15"},
		{"stopping for too long", calm(is(world.Stopping, 16*time.Minute), awake(), open), "P15"},
		{"online", calm(online(0, "Astrid"), awake(), open), ""},
		{"online without a machine", calm(online(0, "Astrid"), asleep(), open), "P15"},
		{"online without a game", calm(online(0, "Astrid"), awake(), nil), "P15"},
		{"online with a game that loads", calm(online(0), awake(), loading), "P15"},
		{"somebody is in who is not told", calm(online(0), awake(), open), "P16"},
		{"somebody is told who is not in", calm(online(0, "Astrid", "Bjorn"), awake(), open), "P16"},
		{"somebody is at the door who is not", calm(online(1, "Astrid"), awake(), open), "P16"},
	})
}

func TestEnd(t *testing.T) {
	ends := func(status world.Status, scene oracle.Scene) func(*testing.T, *stage) {
		return func(t *testing.T, s *stage) {
			s.write(t, func(st *world.State) {
				if st.Status = status; status == world.Failed {
					failed(st)
				}
			})
			s.End(scene)
		}
	}
	pending := func(age time.Duration) func(*testing.T, *stage) {
		return func(t *testing.T, s *stage) {
			s.write(t, hang("1.1", "midgard/1/7", line("It is out.")))
			s.clock.Advance(age)
			s.End(oracle.Scene{Cloud: asleep()})
		}
	}
	play(t, []scene{
		{"stopped", ends(world.Stopped, oracle.Scene{Cloud: asleep()}), ""},
		{"failed", ends(world.Failed, oracle.Scene{Cloud: asleep()}), ""},
		{"online", ends(world.Online, oracle.Scene{Cloud: awake()}), "P15"},
		{"stopping", ends(world.Stopping, oracle.Scene{Cloud: asleep()}), "P15"},
		{"failed and a machine is there", ends(world.Failed, oracle.Scene{Cloud: awake()}), "P20 P20"},
		{"the world went back", func(_ *testing.T, s *stage) {
			s.GameStarts("a1", nil, saves(3))
			s.End(oracle.Scene{Cloud: asleep(), Saved: saves(2)})
		}, "P10"},
		{"an effect is pending for a moment", pending(time.Minute), ""},
		{"an effect is pending for good", pending(4 * time.Minute), "P2"},
	})
}
