package world_test

import (
	"errors"
	"strings"
	"testing"

	"hearth/internal/world"
)

var buttons = []world.CommandName{
	world.CmdStart, world.CmdStop, world.CmdStatus, world.CmdJoin,
	world.CmdStopWhenEmpty, world.CmdStopNow, world.CmdKeepGoing, world.CmdPayAsYouGo, world.CmdTidy,
}

func TestActionRoundTrip(t *testing.T) {
	longest := strings.Repeat("w", 24)
	for _, name := range buttons {
		for _, op := range []string{"", "1", "18446744073709551615", "with:colons:in:it"} {
			want := world.Action{Command: name, World: longest, Operation: op}
			id := want.String()
			if len(id) > 100 {
				t.Errorf("%s: %d characters, want at most 100", id, len(id))
			}
			got, err := world.ParseAction(id)
			if err != nil {
				t.Errorf("%s: %v", id, err)
			}
			if got != want {
				t.Errorf("%s: got %+v, want %+v", id, got, want)
			}
		}
	}
}

func TestParseActionRefuses(t *testing.T) {
	for name, id := range map[string]string{
		"nothing":          "",
		"another version":  "h2:start:midgard:1",
		"no version":       "start:midgard:1",
		"too few parts":    "h1:start:midgard",
		"unknown command":  "h1:format:midgard:1",
		"no command":       "h1::midgard:1",
		"a typed command":  "h1:log:midgard:1",
		"command in caps":  "h1:START:midgard:1",
		"no world":         "h1:start::1",
		"world of capital": "h1:start:Midgard:1",
		"world of dots":    "h1:start:../secrets:1",
		"too long":         "h1:start:midgard:" + strings.Repeat("1", 100),
		"text":             "please start the world",
	} {
		t.Run(name, func(t *testing.T) {
			if a, err := world.ParseAction(id); !errors.Is(err, world.ErrMalformed) {
				t.Errorf("%q: got %+v, %v, want ErrMalformed", id, a, err)
			}
		})
	}
}
