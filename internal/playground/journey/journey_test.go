package journey_test

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"hearth/internal/clock"
	"hearth/internal/playground/journey"
	"hearth/internal/playground/panel"
	"hearth/internal/sim/simdiscord"
	"hearth/internal/world"
)

// TestScripts plays lines on a stage that has a channel and no bot.
func TestScripts(t *testing.T) {
	for _, tt := range []struct {
		name   string
		script string
		want   string // in the error; empty: none
		pulled []panel.Lever
		told   []string // the game
	}{
		{name: "remarks and empty lines", script: "# hello\n\n  \n"},
		{name: "somebody speaks", script: "Bo: hello\nexpect hello\nrefute bye\n"},
		{name: "said before", script: "Bo: hello\nexpect hello\nexpect hello\n", want: `line 3, "expect hello": not said; since the last expect: []`},
		{name: "said, and should not be", script: "Bo: hello\nexpect hello\nrefute hell\n", want: `line 3, "refute hell": it was said: + hello`},
		{name: "a status that is there", script: "wait online\n"},
		{name: "a status that never comes", script: "wait stopped\n", want: `line 1, "wait stopped": it is online`},
		{name: "time", script: "wait 2m\n"},
		{name: "levers", script: "lever player_join Bo the Bold\nlever evict 30\nlever no_capacity on\nlever crash\n", pulled: []panel.Lever{
			{Name: panel.PlayerJoin, Player: "Bo the Bold"}, {Name: panel.Evict, NoticeSeconds: 30},
			{Name: panel.NoCapacity, On: true}, {Name: panel.Crash},
		}},
		{name: "an eviction without a number", script: "lever evict soon\n", want: "how many seconds of notice?"},
		{name: "the game's own commands", script: "game raid wolves\ngame save\n", told: []string{"raid wolves", "save"}},
		{name: "a game that is not there", script: "game crash\n", want: `line 1, "game crash": no game`, told: []string{"crash"}},
		{name: "nobody", script: "Nobody: /start\n", want: `line 1, "Nobody: /start": no such verb and no such person`},
		{name: "a button that is not there", script: "Bo: [Light it]\n", want: `no button "Light it" to press`},
		{name: "a command that is not there", script: "Bo: /dance\n", want: `"dance" is not registered`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { play(t, tt.script, tt.want, tt.pulled, tt.told) })
		})
	}
}

func play(t *testing.T, script, want string, levers []panel.Lever, commands []string) {
	d, err := simdiscord.New(simdiscord.Options{
		Clock: clock.System{}, Seed: bytes.Repeat([]byte{7}, 32), BotToken: "token",
		Deliver: func(context.Context, http.Header, []byte) (int, string, []byte, error) { return 0, "", nil, nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	var pulled []panel.Lever
	var told []string
	began := time.Now()
	var out strings.Builder
	err = journey.Play(t.Context(), journey.Stage{
		Discord: d, Clock: clock.System{},
		Status: func(context.Context) (world.Status, error) { return world.Online, nil },
		Pull: func(_ context.Context, l panel.Lever) error {
			pulled = append(pulled, l)
			return nil
		},
		Game: func(command string) error {
			told = append(told, command)
			if command == "crash" {
				return errors.New("no game")
			}
			return nil
		},
	}, script, &out)
	switch {
	case want == "" && err != nil:
		t.Errorf("Play: %v\n%s", err, out.String())
	case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
		t.Errorf("got error %v, want one with %q", err, want)
	}
	if !slices.Equal(told, commands) {
		t.Errorf("got commands %q for the game, want %q", told, commands)
	}
	if len(pulled) != len(levers) {
		t.Fatalf("got levers %v, want %v", pulled, levers)
	}
	for i := range levers {
		if pulled[i] != levers[i] {
			t.Errorf("got lever %+v, want %+v", pulled[i], levers[i])
		}
	}
	if took := time.Since(began); strings.Contains(script, "wait 2m") && took < 2*time.Minute {
		t.Errorf("the script took %s, want 2m0s at least", took)
	}
}
