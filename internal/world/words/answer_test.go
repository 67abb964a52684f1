package words_test

import (
	"strings"
	"testing"

	"hearth/internal/world"
	"hearth/internal/world/words"
)

func TestDenied(t *testing.T) {
	worlds := []world.Config{{ID: "a", Name: "*A*"}, {ID: "b", Name: "Bee"}}
	for d, want := range map[world.Denial]string{
		world.DenyGuild:       "Go to its Hearth channel",
		world.DenyDirect:      "Go to its Hearth channel",
		world.DenyChannel:     "Go to the Hearth channel",
		world.DenyRole:        "Ask a keeper to give it to you",
		world.DenyButton:      "Ask one to press it",
		world.DenyKeeper:      "**Stop when empty** is for everybody",
		world.DenyLog:         "log is for keepers. Ask one to look",
		world.DenyWorld:       `There is **\*A\***, **Bee**`,
		world.DenyWorldNeeded: "Say it with the `world` option",
		world.DenyCommand:     "Try `/start`, `/stop`, `/status` or `/join`",
		"new":                 "Try `/start`",
	} {
		if got := words.Denied(d, worlds).Text; !strings.Contains(got, want) {
			t.Errorf("%q: got %q, want it to have %q", d, got, want)
		}
	}
}

func TestBroken(t *testing.T) {
	if got, want := words.Broken().Text, "please try again"; !strings.Contains(got, want) {
		t.Errorf("got %q, want it to have %q", got, want)
	}
}
