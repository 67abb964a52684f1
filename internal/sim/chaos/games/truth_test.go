package games_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"hearth/internal/sim/chaos/games"
	"hearth/internal/sim/chaos/replay"
	"hearth/internal/sim/simgame"
)

// minute is an instant of an evening.
func minute(m float64) time.Time {
	return replay.Start().Add(time.Duration(m * float64(time.Minute)))
}

func TestTruth(t *testing.T) {
	open := games.Truth{Now: minute(10), Opened: minute(2), Coded: true}
	with := func(change func(*games.Truth)) games.Truth {
		t := open
		change(&t)
		return t
	}
	for _, tt := range []struct {
		name                 string
		is                   games.Truth
		ready, over, crashed bool
	}{
		{"loading", games.Truth{Now: minute(1)}, false, false, false},
		{"open", open, true, false, false},
		{"no join code yet", with(func(t *games.Truth) { t.Coded = false }), false, false, false},
		{"a join code before the door", with(func(t *games.Truth) { t.Opened = time.Time{} }), false, false, false},
		{"asked to end", with(func(t *games.Truth) { t.Asked = minute(9) }), false, false, false},
		{"told to end at once", with(func(t *games.Truth) { t.Killed = true }), false, false, true},
		{"ended as asked", with(func(t *games.Truth) { t.Asked, t.Ended = minute(9), minute(10) }), false, true, false},
		{"ended", with(func(t *games.Truth) { t.Ended = minute(9) }), false, true, false},
		{"ended by itself", with(func(t *games.Truth) { t.Ended, t.Err = minute(9), errors.New("crashed") }), false, true, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.is.Ready(); got != tt.ready {
				t.Errorf("ready: %v, want %v", got, tt.ready)
			}
			if got := tt.is.Over(); got != tt.over {
				t.Errorf("over: %v, want %v", got, tt.over)
			}
			if got := tt.is.Crashed(); got != tt.crashed {
				t.Errorf("crashed: %v, want %v", got, tt.crashed)
			}
		})
	}
}

func TestPlayers(t *testing.T) {
	is := games.Truth{
		Now:     minute(10),
		Arrived: map[string]time.Time{"Bjorn": minute(9), "Astrid": minute(3), "Cnut": minute(9.6)},
		Died:    map[string]time.Time{"Astrid": minute(9.9), "Bjorn": minute(9.5)},
	}
	if got, want := is.Players(), []string{"Astrid", "Bjorn"}; !slices.Equal(got, want) {
		t.Errorf("players: %v, want %v: Cnut may still be at the door", got, want)
	}
	for name, want := range map[string]bool{"Astrid": false, "Bjorn": true, "Cnut": true} {
		if got := is.Alive(name); got != want {
			t.Errorf("%s is alive: %v, want %v", name, got, want)
		}
	}
}

func TestMissing(t *testing.T) {
	entry := func(at time.Time, name, what string) simgame.Entry {
		return simgame.Entry{At: at, Name: name, What: what}
	}
	full := make([]simgame.Entry, simgame.MaxChronicle)
	for i := range full {
		full[i] = entry(minute(20), "Cnut", "died")
	}
	for _, tt := range []struct {
		name      string
		is        games.Truth
		chronicle []simgame.Entry
		missing   int
	}{
		{"nothing happened", games.Truth{}, nil, 0},
		{"who is in has arrived",
			games.Truth{Asked: minute(10), Arrived: map[string]time.Time{"Astrid": minute(5)}},
			[]simgame.Entry{entry(minute(5.2), "Astrid", "arrived")}, 0},
		{"who is in is not there",
			games.Truth{Asked: minute(10), Arrived: map[string]time.Time{"Astrid": minute(5)}},
			nil, 1},
		{"somebody else is there",
			games.Truth{Asked: minute(10), Arrived: map[string]time.Time{"Astrid": minute(5)}},
			[]simgame.Entry{entry(minute(5.2), "Bjorn", "arrived")}, 1},
		{"who knocked just before the end need not have arrived",
			games.Truth{Asked: minute(10), Arrived: map[string]time.Time{"Astrid": minute(9.8)}},
			nil, 0},
		{"a death is there",
			games.Truth{Asked: minute(10), Changes: []games.Change{{Name: "Astrid", What: "died", At: minute(7)}}},
			[]simgame.Entry{entry(minute(7), "Astrid", "died")}, 0},
		{"an earlier death is not this one",
			games.Truth{Asked: minute(10), Changes: []games.Change{{Name: "Astrid", What: "died", At: minute(7)}}},
			[]simgame.Entry{entry(minute(3), "Astrid", "died")}, 1},
		{"a later death is not this one",
			games.Truth{Asked: minute(10), Changes: []games.Change{{Name: "Astrid", What: "died", At: minute(7)}}},
			[]simgame.Entry{entry(minute(7.6), "Astrid", "died")}, 1},
		{"what a full chronicle forgets is not lost",
			games.Truth{Asked: minute(30), Changes: []games.Change{{Name: "Astrid", What: "died", At: minute(7)}}},
			full, 0},
		{"what a full chronicle should remember is",
			games.Truth{Asked: minute(30), Changes: []games.Change{{Name: "Astrid", What: "died", At: minute(25)}}},
			full, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.is.Missing(simgame.World{Chronicle: tt.chronicle}); len(got) != tt.missing {
				t.Errorf("missing: %v, want %d", got, tt.missing)
			}
		})
	}
}
