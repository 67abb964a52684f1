package oracle_test

import (
	"errors"
	"fmt"
	"io/fs"
	"testing"
	"time"

	"hearth/internal/sim/chaos/games"
	"hearth/internal/sim/chaos/oracle"
	"hearth/internal/sim/simgame"
	"hearth/internal/world"
)

// saves is a world that was saved so often.
func saves(n int) oracle.Saved { return oracle.Saved{World: simgame.World{Saves: n}} }

func TestGameStarts(t *testing.T) {
	none := oracle.Saved{Err: fmt.Errorf("read world: %w", fs.ErrNotExist)}
	broken := oracle.Saved{Err: simgame.ErrDamaged}
	starts := func(all ...oracle.Saved) func(*testing.T, *stage) {
		return func(_ *testing.T, s *stage) {
			for _, saved := range all {
				s.GameStarts("a1", nil, saved)
			}
		}
	}
	play(t, []scene{
		{"a new world", starts(none), ""},
		{"one that grows", starts(none, saves(1), saves(4), saves(4)), ""},
		{"one that went back", starts(saves(4), saves(3)), "P10"},
		{"one that is gone", starts(saves(1), none), "P10"},
		{"one that is damaged", starts(broken), "P10"},
		{"while another runs", func(_ *testing.T, s *stage) { s.GameStarts("b1", &games.Truth{VM: "a1"}, none) }, "P8"},
	})
}

func TestProof(t *testing.T) {
	type proof struct {
		said  world.SaveProven
		game  games.Truth
		saved oracle.Saved
	}
	// proves is an agent that proves a save as it should, but for a change.
	proves := func(change func(*proof)) func(*testing.T, *stage) {
		return func(t *testing.T, s *stage) {
			at := s.clock.Now()
			p := proof{
				said: world.SaveProven{Heard: world.Heard{Epoch: 1, Seq: 9}, Why: world.StopOrdered, Confirmed: true},
				game: games.Truth{
					VM: "a1", Epoch: 1, Opened: at.Add(-time.Hour), Asked: at.Add(-time.Minute), Ended: at.Add(-time.Second),
					Arrived: map[string]time.Time{"Astrid": at.Add(-30 * time.Minute)},
				},
				saved: saves(7),
			}
			p.saved.World.Chronicle = []simgame.Entry{{Name: "Astrid", What: "arrived", At: at.Add(-30*time.Minute + 9*time.Second)}}
			s.GameStarts("a1", nil, saves(3))
			change(&p)
			body, err := world.Event{ID: "midgard/1/9", Source: world.SourceAgent, World: midgard, Time: at, Data: &p.said}.EncodeSealed([]byte("key"))
			if err != nil {
				t.Fatal(err)
			}
			s.AgentSays("a1", body, func() (games.Truth, oracle.Saved) { return p.game, p.saved })
		}
	}
	play(t, []scene{
		{"it is saved", proves(func(*proof) {}), ""},
		{"the save lacks who is in", proves(func(p *proof) { p.saved.World.Chronicle = nil }), "P11"},
		{"the save lacks a death", proves(func(p *proof) {
			p.game.Changes = []games.Change{{Name: "Astrid", What: "died", At: p.game.Asked.Add(-time.Minute)}}
		}), "P11"},
		{"the game runs", proves(func(p *proof) { p.game.Ended = time.Time{} }), "P11"},
		{"the game was killed", proves(func(p *proof) { p.game.Killed = true }), "P11"},
		{"the game crashed", proves(func(p *proof) { p.game.Err = errors.New("crashed") }), "P11"},
		{"nobody could change the world", proves(func(p *proof) { p.said.Untouched, p.game.Opened = true, time.Time{} }), ""},
		{"nobody could change the world, and the door was open", proves(func(p *proof) { p.said.Untouched = true }), "P11"},
		{"it is not saved, and not said to be", proves(func(p *proof) { p.said.Confirmed, p.saved.World.Chronicle = false, nil }), ""},
		{"another boot's game", proves(func(p *proof) { p.said.Epoch, p.saved.World.Chronicle = 2, nil }), ""},
		{"no game", proves(func(p *proof) { p.game = games.Truth{} }), ""},
		{"the files are gone", proves(func(p *proof) { p.saved = oracle.Saved{Err: fs.ErrNotExist} }), "P10"},
		{"the files went back", proves(func(p *proof) { p.saved.World.Saves = 2 }), "P10"},
	})
}

func TestUnreadable(t *testing.T) {
	says := func(key string) func(*testing.T, *stage) {
		return func(t *testing.T, s *stage) {
			body, err := world.Event{
				ID: "midgard/1/1", Source: world.SourceAgent, World: midgard, Time: s.clock.Now(), Data: &world.HostUp{Heard: world.Heard{Epoch: 1, Seq: 1}},
			}.EncodeSealed([]byte(key))
			if err != nil {
				t.Fatal(err)
			}
			s.AgentSays("a1", body, func() (games.Truth, oracle.Saved) {
				t.Error("the files are looked at for an event that proves nothing")
				return games.Truth{}, oracle.Saved{}
			})
		}
	}
	play(t, []scene{
		{"sealed", says("key"), ""},
		{"sealed with another key", says("another"), "P21"},
	})
}
