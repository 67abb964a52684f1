package valheim_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"hearth/internal/valheim"
	"hearth/internal/world"
)

// TestTextsAreShort: what a player or a mod makes as long as a line can be is
// cut before anybody carries it on.
func TestTextsAreShort(t *testing.T) {
	long := strings.Repeat("ᚠ", 1000) + "\xff"
	const peer = "Peer 76561198555000001 has incompatible version, mine:"
	_, got := read(
		"Valheim version:1"+long,
		"Got character ZDOID from "+long+" : 7:1",
		"Got character ZDOID from "+long+" : 0:0",
		peer+long+" remote "+long,
		"Player "+long+" : 76561198555000001 is blacklisted or not in whitelist.",
		"Random event set:"+long,
		"Not enough space left to save: "+long,
		"Caught fatal signal - signo:"+long,
	)
	if len(got) < 8 {
		t.Fatalf("got %v, want something of every line", kinds(got))
	}
	check := func(what, text string) {
		if n := utf8.RuneCountInString(text); n > valheim.MaxTextRunes || !utf8.ValidString(text) {
			t.Errorf("%s: got %d characters, valid %v", what, n, utf8.ValidString(text))
		}
	}
	for _, h := range got {
		for _, text := range []string{h.Player.Name, h.Version, h.Network, h.Detail, h.Theirs, h.Mine} {
			check(string(h.Kind), text)
		}
	}
	r, _ := read("Got character ZDOID from " + long + " : 7:1")
	if on := r.Roster().Players; len(on) != 1 {
		t.Errorf("roster: got %v, want one", on)
	} else {
		check("roster", on[0].Name)
	}
}

func TestPayload(t *testing.T) {
	bo := world.Player{Owner: "7", Name: "Bo"}
	for _, tt := range []struct {
		line string
		want []world.AgentPayload
	}{
		{`Session "x" registered with join code 000001`, []world.AgentPayload{&world.JoinCode{Code: "000001"}}},
		{"Server: New peer connected,sending global keys", []world.AgentPayload{&world.Connected{}}},
		{"Got character ZDOID from Bo : 7:1", []world.AgentPayload{&world.Spawned{Player: bo}}},
		{"Got character ZDOID from Bo : 0:0", []world.AgentPayload{&world.Died{Player: world.Player{Name: "Bo"}}}},
		{"Destroying abandoned non persistent zdo 4:4 owner 7", []world.AgentPayload{
			&world.Disconnected{Player: world.Player{Owner: "7"}, Reason: valheim.ReasonUnknown},
		}},
		{"Peer 76561198555000001 has incompatible version, mine:40 remote 39", []world.AgentPayload{
			&world.Refused{Reason: world.RefusedVersion, Theirs: "39", Mine: "40"},
		}},
		{"Random event set:army_bonemass", []world.AgentPayload{&world.Raid{Event: "army_bonemass"}}},
		// The agent tells these when it knows more.
		{"Opened Steam server", []world.AgentPayload{nil}},
		{"World saved ( 925.4ms )", []world.AgentPayload{nil}},
		{"Caught fatal signal - signo:11", []world.AgentPayload{nil}},
	} {
		var got []world.AgentPayload
		_, hs := read(tt.line)
		for _, h := range hs {
			got = append(got, h.Payload())
		}
		if diff := cmp.Diff(got, tt.want); diff != "" {
			t.Errorf("%s: got -, want +:\n%s", tt.line, diff)
		}
	}
}
