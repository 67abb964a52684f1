package oracle_test

import (
	"testing"
	"time"

	"hearth/internal/sim/chaos/oracle"
	"hearth/internal/sim/simcloud"
	"hearth/internal/world"
	"hearth/internal/world/words"
)

// evening plays commands and what became of them.
type evening struct {
	*stage
	t *testing.T
	n int
}

// says gives a command a second after the last one; it is not in the row yet.
func (e *evening) says(c world.Command) (id string) {
	e.t.Helper()
	e.n++
	e.clock.Advance(time.Second)
	id = commandID(time.Duration(e.n) * time.Second)
	e.command(e.t, &c, id)
	return id
}

// handled writes a command into the row, with its answer if there is one.
func (e *evening) handled(id, said string, more ...func(*world.State)) {
	e.t.Helper()
	e.writes(e.t, func(st *world.State) {
		st.Commands = append(st.Commands, id)
		if said != "" {
			hang(id, id, answer(id, said))(st)
		}
		for _, m := range more {
			m(st)
		}
	})
}

// becomes writes a status.
func (e *evening) becomes(status world.Status, more ...func(*world.State)) {
	e.t.Helper()
	e.writes(e.t, func(st *world.State) {
		st.Status = status
		for _, m := range more {
			m(st)
		}
	})
}

// lights lets somebody light the fire.
func (e *evening) lights() (id string) {
	id = e.says(world.Command{Name: world.CmdStart})
	e.handled(id, "", begin(id, world.Starting))
	return id
}

func begin(id string, status world.Status) func(*world.State) {
	return func(st *world.State) { st.Op, st.Status = world.Operation{ID: id}, status }
}

func playing(n int) func(*world.State) {
	return func(st *world.State) {
		st.Boot.Up, st.Boot.Known, st.Boot.Players = true, true, make([]world.Player, n)
	}
}

func says(text string) func(*world.State) {
	return hang(text, "midgard/check/1", line(text))
}

// TestWishes: what people asked for last is what is, or a reason is told.
func TestWishes(t *testing.T) {
	c := &world.Config{ID: midgard, Name: "Midgard", IdleMinutes: 10}
	ana := world.Person{ID: "1", Name: "Ana"}
	stop := world.Command{Name: world.CmdStop, By: ana}
	const whyCrashed = "the game crashed twice"
	warned := func(e *evening) {
		e.clock.Advance(time.Minute)
		e.becomes(world.Online, playing(0), func(st *world.State) {
			st.EmptySince, st.Idle = e.clock.Now().Add(-time.Minute), world.Idle{Warned: e.clock.Now(), Warnings: 1}
		})
	}
	idle := says(words.Idle(c, &world.State{}, time.Time{}).Text)
	keep := world.Command{Name: world.CmdKeepAwake, By: ana, Operation: ".1"}
	calm := func(e *evening) {
		e.writes(e.t, func(st *world.State) { st.Since = e.clock.Now() })
		e.Calm(oracle.Quiet{Lasts: 40 * time.Minute, Cloud: simcloud.Snapshot{}})
	}
	for _, tt := range []struct {
		name string
		play func(e *evening)
		want string
	}{
		{"nothing was ever asked for", func(*evening) {}, ""},
		{"lit", func(e *evening) { e.lights() }, ""},
		{"lit by nobody", func(e *evening) { e.becomes(world.Starting) }, "P15 P15"},
		{"put out", func(e *evening) {
			e.lights()
			id := e.says(stop)
			e.handled(id, words.Stopping(c, ana).Text, begin(id, world.Stopping))
			e.becomes(world.Stopped)
		}, ""},
		{"put out by nobody", func(e *evening) {
			e.lights()
			e.becomes(world.Stopping)
			e.becomes(world.Stopped)
		}, "P15 P15"},
		{"nobody was in", func(e *evening) {
			e.lights()
			warned(e)
			e.becomes(world.Stopping, idle)
			e.becomes(world.Stopped)
		}, ""},
		{"nobody was in, and nobody was warned", func(e *evening) {
			e.lights()
			e.becomes(world.Stopping, idle)
			e.becomes(world.Stopped)
		}, "P15 P15"},
		{"it burned for as long as it may", func(e *evening) {
			e.lights()
			e.becomes(world.Stopping, says(words.SessionOver(c).Text))
			e.becomes(world.Stopped)
		}, ""},
		{"the month's money is spent", func(e *evening) {
			e.lights()
			e.becomes(world.Stopping, says(words.MonthSpent(c, &e.state, e.clock.Now()).Text))
			e.becomes(world.Stopped)
		}, ""},
		{"awake, and it goes out", func(e *evening) {
			e.lights()
			warned(e)
			e.handled(e.says(keep), words.KeptAwake(c, ana, e.clock.Now()).Text)
			e.becomes(world.Stopping)
		}, "P15 P15"},
		{"awake, and somebody is in", func(e *evening) {
			e.lights()
			warned(e)
			e.becomes(world.Online, playing(1))
			e.handled(e.says(keep), words.NotIdle(c, &e.state).Text)
			e.becomes(world.Loading)
		}, ""},
		{"awake, and nobody is in, but refused", func(e *evening) {
			e.lights()
			warned(e)
			e.handled(e.says(keep), words.NotIdle(c, &e.state).Text)
			e.becomes(world.Loading)
		}, "P15"},
		{"awake, and refused as if it were from earlier", func(e *evening) {
			e.lights()
			warned(e)
			e.handled(e.says(keep), words.StaleButton(c, &e.state).Text)
			e.becomes(world.Loading)
		}, "P15"},
		{"awake, by a button from earlier", func(e *evening) {
			e.lights()
			warned(e)
			e.handled(e.says(world.Command{Name: world.CmdKeepAwake, By: ana, Operation: ".0"}), words.StaleButton(c, &e.state).Text)
			e.becomes(world.Loading)
		}, ""},
		{"nobody was in, and somebody lights it, and it stays out", func(e *evening) {
			e.lights()
			warned(e)
			e.becomes(world.Stopping, idle)
			e.handled(e.says(world.Command{Name: world.CmdStart}), words.StartAfterSave(c, true).Text)
			e.becomes(world.Stopped)
		}, "P15 P15"},
		{"the same, and it is lit again", func(e *evening) {
			e.lights()
			warned(e)
			e.becomes(world.Stopping, idle)
			id := e.says(world.Command{Name: world.CmdStart})
			e.handled(id, words.StartAfterSave(c, true).Text, func(st *world.State) { st.Again = &world.Again{ID: id} })
			e.becomes(world.Starting, begin(id, world.Starting), func(st *world.State) { st.Again = nil })
		}, ""},
		{"it failed", func(e *evening) {
			e.lights()
			e.becomes(world.Stopping, func(st *world.State) { st.Why = whyCrashed })
			e.becomes(world.Failed, says("It is out: "+whyCrashed+"."))
		}, ""},
		{"it failed, and nobody is told", func(e *evening) {
			e.lights()
			e.becomes(world.Stopping, func(st *world.State) { st.Why = whyCrashed })
			e.becomes(world.Failed)
		}, "P15"},
		{"put out, and it burns", func(e *evening) {
			e.lights()
			e.handled(e.says(stop), words.Stopping(c, ana).Text)
		}, "P15"},
		{"an older stop is carried out after a newer start", func(e *evening) {
			e.lights()
			id := e.says(stop)
			e.handled(e.says(world.Command{Name: world.CmdStart}), "It burns already.")
			e.handled(id, words.Stopping(c, ana).Text, begin(id, world.Stopping))
			e.becomes(world.Stopped)
		}, "P15"},
		{"others play, and it asks back", func(e *evening) {
			e.lights()
			e.becomes(world.Online, playing(1))
			e.handled(e.says(stop), words.AskBack(c, &e.state, false).Text)
			e.becomes(world.Loading) // so that no machine is looked for
		}, ""},
		{"nobody plays, and it asks back", func(e *evening) {
			e.lights()
			e.becomes(world.Online, playing(0))
			e.handled(e.says(stop), words.AskBack(c, &e.state, false).Text)
			e.becomes(world.Loading)
		}, "P15"},
		{"when empty, and somebody is in", func(e *evening) {
			e.lights()
			e.becomes(world.Online, playing(1))
			e.handled(e.says(world.Command{Name: world.CmdStopWhenEmpty}), words.WhenEmpty(c, &e.state).Text, func(st *world.State) { st.WhenEmpty = &ana })
			e.becomes(world.Loading)
		}, ""},
		{"when empty, and it is", func(e *evening) {
			e.lights()
			e.becomes(world.Online, playing(1))
			e.handled(e.says(world.Command{Name: world.CmdStopWhenEmpty}), words.WhenEmpty(c, &e.state).Text, func(st *world.State) { st.WhenEmpty = &ana })
			e.becomes(world.Loading, playing(0))
		}, "P15"},
		{"when empty, and it went out then", func(e *evening) {
			e.lights()
			e.becomes(world.Online, playing(1))
			e.handled(e.says(world.Command{Name: world.CmdStopWhenEmpty}), words.WhenEmpty(c, &e.state).Text, func(st *world.State) { st.WhenEmpty = &ana })
			e.becomes(world.Stopping, func(st *world.State) { st.Op.IfEmpty = true })
			e.becomes(world.Stopped, playing(0))
		}, ""},
		{"put out, and somebody was in after all", func(e *evening) {
			e.lights()
			id := e.says(stop)
			e.handled(id, words.Stopping(c, ana).Text, begin(id, world.Stopping), func(st *world.State) { st.Op.IfEmpty = true })
			e.becomes(world.Online, playing(1), says(words.Occupied(c, &e.state).Text))
			e.becomes(world.Loading)
		}, ""},
		{"put out, and it burns on with nobody in", func(e *evening) {
			e.lights()
			id := e.says(stop)
			e.handled(id, words.Stopping(c, ana).Text, begin(id, world.Stopping), func(st *world.State) { st.Op.IfEmpty = true })
			e.becomes(world.Online, playing(0))
			e.becomes(world.Loading)
		}, "P15 P15"},
		{"refused for something newer that there is", func(e *evening) {
			e.lights()
			older := e.says(stop)
			e.handled(e.says(world.Command{Name: world.CmdStart}), "It burns already.")
			e.handled(older, words.Superseded(c).Text)
		}, ""},
		{"refused for something newer that there is not", func(e *evening) {
			e.lights()
			e.handled(e.says(stop), words.Superseded(c).Text)
		}, "P15"},
		{"refused for being late, and it is", func(e *evening) {
			e.lights()
			id := e.says(stop)
			e.clock.Advance(16 * time.Minute)
			e.handled(id, words.TooOld(&stop).Text)
		}, ""},
		{"refused for being late, and it is not", func(e *evening) {
			e.lights()
			e.handled(e.says(stop), words.TooOld(&stop).Text)
		}, "P15"},
		{"a keeper's button, by no keeper", func(e *evening) {
			e.lights()
			e.handled(e.says(world.Command{Name: world.CmdStopNow}), words.Denied(world.DenyKeeper, nil).Text)
		}, ""},
		{"a keeper's button, by a keeper", func(e *evening) {
			e.lights()
			e.handled(e.says(world.Command{Name: world.CmdStopNow, Keeper: true}), words.Denied(world.DenyKeeper, nil).Text)
		}, "P15"},
		{"an old button", func(e *evening) {
			e.lights()
			e.handled(e.says(world.Command{Name: world.CmdStopNow, Keeper: true, Operation: "1"}), words.StaleButton(c, &e.state).Text)
		}, ""},
		{"a button of this session", func(e *evening) {
			id := e.lights()
			e.becomes(world.Online, func(st *world.State) { st.Session.ID = id })
			e.handled(e.says(world.Command{Name: world.CmdStopNow, Keeper: true, Operation: id}), words.StaleButton(c, &e.state).Text)
			e.becomes(world.Loading)
		}, "P15"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e := &evening{stage: newStage(), t: t}
			tt.play(e)
			calm(e)
			var got string
			told := e.Testify().Violations
			for _, v := range told {
				if got != "" {
					got += " "
				}
				got += v.Promise
			}
			if got != tt.want {
				t.Errorf("broken: %q, want %q: %v", got, tt.want, told)
			}
		})
	}
}
