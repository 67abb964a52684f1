package oracle_test

import (
	"testing"
	"time"

	"hearth/internal/sim/chaos/games"
	"hearth/internal/sim/chaos/oracle"
	"hearth/internal/sim/simdiscord"
	"hearth/internal/world"
)

func TestNoticed(t *testing.T) {
	notice := func(game games.Truth) func(*testing.T, *stage) {
		return func(_ *testing.T, s *stage) { s.Noticed(game, 2*time.Second) }
	}
	play(t, []scene{
		{"it was asked", notice(games.Truth{Asked: time.Unix(1, 0)}), ""},
		{"it was killed", notice(games.Truth{Killed: true}), ""},
		{"it has ended", notice(games.Truth{Ended: time.Unix(1, 0)}), ""},
		{"it was not asked", notice(games.Truth{}), "P12"},
	})
}

func TestGone(t *testing.T) {
	gone := func(noticed bool, age, after time.Duration, text string) func(*testing.T, *stage) {
		return func(_ *testing.T, s *stage) {
			at := s.clock.Now()
			s.Gone(oracle.Gone{
				VM: "a1", Noticed: noticed, Announced: at.Add(-20 * time.Second), At: at, SaveAge: age, Skew: 10 * time.Second,
				Messages: []simdiscord.Message{{Content: text, Timestamp: at.Add(after)}, {Content: "Astrid came in.", Timestamp: at}},
			})
		}
	}
	const vanished = "The machine of **Midgard** is gone without notice. "
	play(t, []scene{
		{"it is saved", gone(true, time.Minute, -time.Second, "**Midgard** is saved, in 3.1 s."), ""},
		{"the loss is told", gone(true, time.Minute, 30*time.Second, "It went before it could prove the save. The last save is 4 min old; what was done since is lost."), ""},
		{"nothing is told", gone(true, time.Minute, 0, "It burns."), "P12"},
		{"an older save is told", gone(true, time.Minute, -time.Minute, "**Midgard** is saved."), "P12"},
		{"it vanished", gone(false, 4*time.Minute, time.Minute, vanished+"The last save is 5 min old; what was done since is lost."), ""},
		{"it vanished in a stop", gone(false, 4*time.Minute, time.Minute, "The machine of **Midgard** went before it could prove the save. The last save is 5 min old; what was done since is lost."), ""},
		{"it vanished in a stop and another age is told", gone(false, 10*time.Minute, time.Minute, "The machine of **Midgard** went before it could prove the save. The last save is 5 min old; what was done since is lost."), "P13"},
		{"it vanished just after a save", gone(false, 10*time.Second, time.Minute, vanished+"The last save is 69 s old; what was done since is lost."), ""},
		{"it vanished long after a save", gone(false, 2*time.Hour, time.Minute, vanished+"The last save is 2 h 01 min old; what was done since is lost."), ""},
		{"it vanished without a save", gone(false, -1, time.Minute, vanished+"There was no save in this session: the world is as it was before."), ""},
		{"it vanished and nobody says so", gone(false, time.Minute, 0, "It burns."), "P13"},
		{"it vanished and another age is told", gone(false, 10*time.Minute, time.Minute, vanished+"The last save is 5 min old; what was done since is lost."), "P13"},
		{"it vanished and the save is not known", gone(false, 10*time.Minute, time.Minute, vanished+"There was no save in this session: the world is as it was before."), "P13"},
		{"it vanished and the last save is of an earlier session", func(t *testing.T, s *stage) {
			s.write(t, func(st *world.State) { st.Session.Began = s.clock.Now().Add(-5 * time.Minute) })
			gone(false, 10*time.Minute, time.Minute, vanished+"There was no save in this session: the world is as it was before.")(t, s)
		}, ""},
		{"it vanished and a save is made up", gone(false, -1, time.Minute, vanished+"The last save is a moment old; what was done since is lost."), "P13"},
		{"it vanished and the age can't be read", gone(false, time.Minute, time.Minute, vanished+"The last save is two fortnights old; what was done since is lost."), "P13"},
	})
}

func TestUnsaved(t *testing.T) {
	unsaved := func(age time.Duration, change func(*games.Truth), text string) func(*testing.T, *stage) {
		return func(_ *testing.T, s *stage) {
			now := s.clock.Now()
			g := games.Truth{
				VM: "a1", Now: now, Began: now.Add(-time.Hour), Opened: now.Add(-time.Hour), Coded: true, Saved: now.Add(-age),
				Arrived: map[string]time.Time{"Astrid": now.Add(-30 * time.Minute)},
			}
			if change != nil {
				change(&g)
			}
			s.Unsaved(g, []simdiscord.Message{{Content: text, Timestamp: now.Add(-time.Minute)}})
		}
	}
	const late = "The game of **Midgard** has not saved for 13 min, and people are playing."
	play(t, []scene{
		{"the keeper was told", unsaved(15*time.Minute, nil, late), ""},
		{"nobody was told", unsaved(15*time.Minute, nil, "It burns."), "P14"},
		{"it has saved", unsaved(5*time.Minute, nil, "It burns."), ""},
		{"nobody is on", unsaved(15*time.Minute, func(g *games.Truth) { g.Arrived = nil }, "It burns."), ""},
		{"it ends", unsaved(15*time.Minute, func(g *games.Truth) { g.Asked = g.Now }, "It burns."), ""},
		{"an older game's was told", unsaved(15*time.Minute, func(g *games.Truth) { g.Began = g.Now }, late), "P14"},
	})
}
