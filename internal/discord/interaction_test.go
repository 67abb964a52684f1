package discord_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hearth/internal/discord"
	"hearth/internal/world"
)

const (
	appID     = "1300000000000000001"
	guildID   = "1200000000000000001"
	channelID = "1200000000000000002"
	keeperID  = "1200000000000000008" // the keeper's channel
	vikings   = "1200000000000000009" // a role
	wardens   = "1200000000000000010" // the keeper's role
)

func readFile(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestParseInteraction(t *testing.T) {
	at := time.Date(2025, 7, 30, 9, 1, 37, 0, time.UTC)
	for _, tt := range []struct {
		file      string
		want      discord.Interaction
		err       error
		ephemeral bool
		answer    string
	}{
		{file: "ping", want: discord.Interaction{ID: "1400000000000000001", Application: appID, Kind: discord.Ping}, ephemeral: true, answer: `{"type":1}`},
		{
			file: "start", want: discord.Interaction{
				ID: "1400000000000000002", Application: appID, Token: "tok-start", Kind: discord.Command, Guild: guildID, Channel: channelID,
				By: world.Person{ID: "1100000000000000001", Name: "Astrid the Loud"}, Roles: []string{vikings}, Permissions: 2248473465835073,
				Command: world.CmdStart, World: "midgard",
			}, answer: `{"type":5}`,
		},
		{
			file: "join_plain", want: discord.Interaction{
				ID: "1400000000000000003", Application: appID, Token: "tok-join", Kind: discord.Command, Guild: guildID, Channel: channelID,
				By: world.Person{ID: "1100000000000000002", Name: "bjorn"}, Roles: []string{}, Command: world.CmdJoin,
			}, ephemeral: true, answer: `{"type":5,"data":{"flags":64}}`,
		},
		{
			file: "status_direct", want: discord.Interaction{
				ID: "1400000000000000004", Application: appID, Token: "tok-dm", Kind: discord.Command, Channel: "1200000000000000077",
				By: world.Person{ID: "1100000000000000003", Name: "Carla"}, Command: world.CmdStatus,
			}, ephemeral: true, answer: `{"type":5,"data":{"flags":64}}`,
		},
		{
			file: "button_stop_now", want: discord.Interaction{
				ID: "1400000000000000005", Application: appID, Token: "tok-button", Kind: discord.Button, Guild: guildID, Channel: channelID,
				By: world.Person{ID: "1100000000000000001", Name: "Astrid"}, Roles: []string{vikings}, Permissions: 32,
				Command: world.CmdStopNow, World: "midgard", Operation: "op-7", OnEphemeral: true,
			}, ephemeral: true, answer: `{"type":6}`,
		},
		{
			file: "button_old", err: discord.ErrUnknownCommand, want: discord.Interaction{
				ID: "1400000000000000006", Application: appID, Token: "tok-old", Kind: discord.Button, Guild: guildID, Channel: channelID,
				By: world.Person{ID: "1100000000000000001", Name: "astrid"}, Roles: []string{},
			}, ephemeral: true, answer: `{"type":5,"data":{"flags":64}}`,
		},
		{
			file: "autocomplete", err: discord.ErrUnknownCommand, want: discord.Interaction{
				ID: "1400000000000000007", Application: appID, Token: "tok-auto", Guild: guildID, Channel: channelID,
				By: world.Person{ID: "1100000000000000001", Name: "astrid"}, Roles: []string{},
			}, ephemeral: true, answer: `{"type":5,"data":{"flags":64}}`,
		},
	} {
		t.Run(tt.file, func(t *testing.T) {
			got, err := discord.ParseInteraction(readFile(t, filepath.Join("testdata/interactions", tt.file+".json")))
			if !errors.Is(err, tt.err) {
				t.Fatalf("err = %v, want %v", err, tt.err)
			}
			if got.Kind != discord.Ping {
				if d := got.Created.Sub(at); d < -24*time.Hour || d > 24*time.Hour {
					t.Errorf("created %s", got.Created)
				}
				got.Created = time.Time{}
			}
			if d := cmp.Diff(got, tt.want); d != "" {
				t.Errorf("got -, want +:\n%s", d)
			}
			if got.Ephemeral() != tt.ephemeral {
				t.Errorf("ephemeral = %v", got.Ephemeral())
			}
			if a := string(got.Acknowledge()); a != tt.answer {
				t.Errorf("answer %s, want %s", a, tt.answer)
			}
		})
	}
}

func TestAskBackIsWhatItStandsUnder(t *testing.T) {
	body := strings.Replace(string(readFile(t, "testdata/interactions/button_stop_now.json")), `"flags":64`, `"flags":0`, 1)
	i, err := discord.ParseInteraction([]byte(body))
	if err != nil || i.Ephemeral() || string(i.Acknowledge()) != `{"type":6}` {
		t.Errorf("under a public message: ephemeral %v, %v", i.Ephemeral(), err)
	}
}

func TestCreatedIsTheSnowflakesTime(t *testing.T) {
	// The example of Discord's own documentation.
	i, err := discord.ParseInteraction([]byte(strings.Replace(string(readFile(t, "testdata/interactions/start.json")),
		"1400000000000000002", "175928847299117063", 1)))
	if want := time.UnixMilli(1462015105796).UTC(); err != nil || !i.Created.Equal(want) {
		t.Errorf("created %s, %v; want %s", i.Created, err, want)
	}
}

func TestParseInteractionRefuses(t *testing.T) {
	start := string(readFile(t, "testdata/interactions/start.json"))
	button := string(readFile(t, "testdata/interactions/button_stop_now.json"))
	for _, tt := range []struct {
		name, body, old, new string
		want                 error
	}{
		{"nothing", "", "", "", discord.ErrMalformed},
		{"null", "null", "", "", discord.ErrMalformed},
		{"text after it", start, "\n", "\n{", discord.ErrMalformed},
		{"too large", start, `"en-GB"`, `"` + strings.Repeat("x", discord.MaxBodyBytes) + `"`, discord.ErrMalformed},
		{"no id", start, `"id":"1400000000000000002",`, "", discord.ErrMalformed},
		{"id zero", start, "1400000000000000002", "0", discord.ErrMalformed},
		{"id beyond 64 bits", start, "1400000000000000002", "18446744073709551616", discord.ErrMalformed},
		{"application is a path", start, appID, "../users", discord.ErrMalformed},
		{"no token", start, "tok-start", "", discord.ErrMalformed},
		{"endless token", start, "tok-start", strings.Repeat("x", 1025), discord.ErrMalformed},
		{"guild is words", start, guildID, "here", discord.ErrMalformed},
		{"channel is words", start, channelID, "here", discord.ErrMalformed},
		{"member without a guild", start, `"guild_id":"` + guildID + `",`, "", discord.ErrMalformed},
		{"guild without a member", start, `"member"`, `"other"`, discord.ErrMalformed},
		{"user without an id", start, "1100000000000000001", "", discord.ErrMalformed},
		{"permissions in words", start, `"2248473465835073"`, `"all"`, discord.ErrMalformed},
		{"negative permissions", start, `"2248473465835073"`, `"-1"`, discord.ErrMalformed},
		{"world is a number", start, `"midgard"`, `7`, discord.ErrMalformed},
		{"world is null", start, `"midgard"`, `null`, discord.ErrMalformed},
		{"world is long", start, "midgard", strings.Repeat("m", 101), discord.ErrMalformed},
		{"another command", start, `"name":"start"`, `"name":"explode"`, discord.ErrUnknownCommand},
		{"a button's command typed", start, `"name":"start"`, `"name":"stop_now"`, discord.ErrUnknownCommand},
		{"a user menu", start, `"type":1,"options"`, `"type":2,"options"`, discord.ErrUnknownCommand},
		{"a modal", start, `"type":2,"token"`, `"type":5,"token"`, discord.ErrUnknownCommand},
		{"a select menu", button, `"component_type":2`, `"component_type":3`, discord.ErrUnknownCommand},
		{"a foreign button", button, "h1:stop_now:midgard:op-7", "vote:yes", discord.ErrUnknownCommand},
		{"a button that explodes", button, "stop_now", "explode", discord.ErrUnknownCommand},
	} {
		t.Run(tt.name, func(t *testing.T) {
			body := strings.Replace(tt.body, tt.old, tt.new, 1)
			if body == tt.body && tt.old != "" {
				t.Fatal("the replacement changed nothing")
			}
			i, err := discord.ParseInteraction([]byte(body))
			if !errors.Is(err, tt.want) {
				t.Fatalf("ParseInteraction = %+v, %v; want %v", i, err, tt.want)
			}
			if strings.Contains(err.Error(), "tok-") {
				t.Errorf("error holds the token: %v", err)
			}
		})
	}
}

func TestParseLog(t *testing.T) {
	const body = `{"id":"1400000000000000008","application_id":"` + appID + `","type":2,"token":"tok-log","guild_id":"` + guildID + `","channel_id":"` + keeperID + `",
		"member":{"user":{"id":"1100000000000000001","username":"astrid"},"roles":[],"permissions":"32"},"data":{"name":"NAME","type":1,"options":[OPTIONS]}}`
	for _, tt := range []struct {
		name, command, options string
		lines                  int
		want                   error
	}{
		{"plain", "log", ``, 0, nil},
		{"lines", "log", `{"name":"lines","type":4,"value":42}`, 42, nil},
		{"all of them, of a world", "log", `{"name":"world","type":3,"value":"midgard"},{"name":"lines","type":4,"value":100}`, world.MaxTailLines, nil},
		{"none", "log", `{"name":"lines","type":4,"value":0}`, 0, discord.ErrMalformed},
		{"too many", "log", `{"name":"lines","type":4,"value":101}`, 0, discord.ErrMalformed},
		{"fewer than none", "log", `{"name":"lines","type":4,"value":-1}`, 0, discord.ErrMalformed},
		{"a text", "log", `{"name":"lines","type":4,"value":"42"}`, 0, discord.ErrMalformed},
		{"null", "log", `{"name":"lines","type":4,"value":null}`, 0, discord.ErrMalformed},
		{"no value", "log", `{"name":"lines","type":4}`, 0, discord.ErrMalformed},
		{"beyond 64 bits", "log", `{"name":"lines","type":4,"value":99999999999999999999}`, 0, discord.ErrMalformed},
		{"of another command", "stop", `{"name":"lines","type":4,"value":42}`, 0, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			i, err := discord.ParseInteraction([]byte(strings.NewReplacer("NAME", tt.command, "OPTIONS", tt.options).Replace(body)))
			if !errors.Is(err, tt.want) {
				t.Fatalf("ParseInteraction = %+v, %v; want %v", i, err, tt.want)
			}
			c := i.ToCommand(discord.Decision{Keeper: true}, world.Signed{})
			if err == nil && (string(c.Name) != tt.command || c.Lines != tt.lines || i.Ephemeral() != (tt.command == "log")) {
				t.Errorf("command %s of %d lines, ephemeral %v; want %s of %d", c.Name, c.Lines, i.Ephemeral(), tt.command, tt.lines)
			}
		})
	}
}

func TestPermissionsMayOutgrowANumber(t *testing.T) {
	// 2^70 + 32: the low bits still count.
	body := strings.Replace(string(readFile(t, "testdata/interactions/start.json")), "2248473465835073", "1180591620717411303456", 1)
	i, err := discord.ParseInteraction([]byte(body))
	if err != nil || i.Permissions != 32 {
		t.Errorf("permissions = %d, %v", i.Permissions, err)
	}
}

func TestToCommand(t *testing.T) {
	i, err := discord.ParseInteraction(readFile(t, "testdata/interactions/button_stop_now.json"))
	if err != nil {
		t.Fatal(err)
	}
	s := world.Signed{Body: []byte("raw"), Timestamp: "1", Signature: "ab"}
	got := i.ToCommand(discord.Decision{Keeper: true}, s)
	want := world.Command{
		Name: world.CmdStopNow, By: world.Person{ID: "1100000000000000001", Name: "Astrid"}, Keeper: true, Operation: "op-7",
		Reply: world.Reply{Application: appID, Token: "tok-button", Ephemeral: true}, Signed: s,
	}
	if d := cmp.Diff(got, want); d != "" {
		t.Errorf("got -, want +:\n%s", d)
	}
}

func FuzzParseInteraction(f *testing.F) {
	files, err := filepath.Glob("testdata/interactions/*.json")
	if err != nil || len(files) == 0 {
		f.Fatal(files, err)
	}
	for _, name := range files {
		f.Add(readFile(f, name))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		i, err := discord.ParseInteraction(body)
		if err != nil {
			if !errors.Is(err, discord.ErrMalformed) && !errors.Is(err, discord.ErrUnknownCommand) {
				t.Errorf("unexpected error %v", err)
			}
			if _, denial := discord.Decide(guild(), worlds("midgard"), i); denial == world.DenyNone {
				t.Errorf("allowed in spite of %v: %+v", err, i)
			}
			return
		}
		if !json.Valid(i.Acknowledge()) {
			t.Error("answer is not JSON")
		}
		if n := len([]rune(i.By.Name)); n > 64 || len(i.World) > 100 || len(i.Token) > 1024 {
			t.Errorf("bounds: %d runes of name, %d of world, %d of token", n, len(i.World), len(i.Token))
		}
	})
}
