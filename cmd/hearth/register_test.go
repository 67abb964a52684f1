package main

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"hearth/internal/clock"
	"hearth/internal/discord"
	"hearth/internal/sim/simdiscord"
	"hearth/internal/sim/simdiscord/form"
	"hearth/internal/sim/simdiscord/web"
	"hearth/internal/world"
)

const canaryToken = "canary-of-the-bots-token"

// server is a pretend Discord and the settings of a bot in it.
type server struct {
	t *testing.T
	*simdiscord.Discord
	url      string
	settings map[string]string
}

func newServer(t *testing.T, change ...func(*simdiscord.Options)) *server {
	t.Helper()
	o := simdiscord.Options{
		Clock: clock.System{}, Seed: []byte(strings.Repeat("s", 32)), BotToken: canaryToken,
		Deliver: func(context.Context, http.Header, []byte) (int, string, []byte, error) {
			return http.StatusNotFound, "text/plain", nil, nil
		},
	}
	for _, f := range change {
		f(&o)
	}
	d, err := simdiscord.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Close)
	h := httptest.NewServer(web.Handler(d, web.Options{Clock: clock.System{}}))
	t.Cleanup(h.Close)
	return &server{t: t, Discord: d, url: h.URL, settings: map[string]string{
		"DISCORD_APPLICATION_ID": simdiscord.DefaultApplicationID, "DISCORD_BOT_TOKEN": canaryToken,
		"DISCORD_GUILD_ID": simdiscord.DefaultGuildID, "DISCORD_API_URL": h.URL + simdiscord.APIPrefix,
		"HEARTH_WORLDS": `[{"id":"midgard","name":"Midgard","placements":[{"id":"vmss-midgard"}]}]`,
	}}
}

// hearth runs the program with the server's settings. No line of it holds a
// secret.
func (s *server) hearth(args ...string) (code int, out string) {
	s.t.Helper()
	var stdout, stderr strings.Builder
	code = run(s.t.Context(), append([]string{"hearth"}, args...), func(name string) string { return s.settings[name] }, strings.NewReader("y\n"), &stdout, &stderr)
	out = stdout.String() + stderr.String()
	if strings.Contains(out, "canary") {
		s.t.Errorf("hearth %v shows a secret:\n%s", args, out)
	}
	return code, strings.ReplaceAll(out, s.url, "http://discord")
}

// call makes a request with the bot's token, whatever the rates of calls.
func (s *server) call(method, path, body string) string {
	s.t.Helper()
	s.Reset()
	h := http.Header{"Authorization": {"Bot " + canaryToken}, "User-Agent": {"DiscordBot (https://example.org, 1.0)"}, "Content-Type": {"application/json"}}
	a, err := s.Call(s.t.Context(), method, simdiscord.APIPrefix+path, h, []byte(body))
	if err != nil || a.Status > 299 {
		s.t.Fatalf("%s %s: %d %s, %v", method, path, a.Status, a.Body, err)
	}
	return string(a.Body)
}

const commandsPath = "/applications/" + simdiscord.DefaultApplicationID + "/guilds/" + simdiscord.DefaultGuildID + "/commands"

// commandNames are the names of the commands that a server is to have.
func commandNames(t *testing.T, s *server) []string {
	t.Helper()
	worlds, err := world.ParseWorlds(s.settings["HEARTH_WORLDS"])
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, c := range discord.Commands(worlds) {
		names = append(names, c.CommandName())
	}
	return names
}

// TestRegister: shows what it would do, does it, and has nothing to do then.
func TestRegister(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	names := commandNames(t, s)
	all := "+ /" + strings.Join(names, ": new\n+ /") + ": new\n"
	nothing := "Nothing to do: the server has Hearth's commands as they should be.\n"
	step := func(wantCode int, want string, args ...string) {
		t.Helper()
		if code, out := s.hearth(append([]string{"register"}, args...)...); code != wantCode || out != want {
			t.Errorf("register %v: code %d, want %d; got\n%s\nwant\n%s", args, code, wantCode, out, want)
		}
	}
	step(exitLeft, all+"Nobody is here to agree: --yes does it.\nNothing was changed.\n")
	if n := len(s.Commands()); n != 0 {
		t.Fatalf("%d commands were made without a yes", n)
	}
	step(exitOK, all+fmt.Sprintf("Done: %d commands are changed. People see them at once.\n", len(names)), "--yes")
	before := s.Commands()
	step(exitOK, nothing)
	step(exitOK, nothing, "--yes", "--prune")
	if after := s.Commands(); fmt.Sprint(after) != fmt.Sprint(before) {
		t.Errorf("there was nothing to do, and yet: %+v, then %+v", before, after)
	}

	id := func(name string) string {
		return before[slices.IndexFunc(before, func(c form.Command) bool { return c.Name == name })].ID
	}

	// A second world, and what others did meanwhile.
	s.settings["HEARTH_WORLDS"] = `[{"id":"midgard","name":"Midgard","placements":[{"id":"vmss-midgard"}]},{"id":"asgard","name":"Asgard","placements":[{"id":"vmss-asgard"}]}]`
	s.call("PATCH", commandsPath+"/"+id("stop"), `{"description":"something else","default_member_permissions":"32","nsfw":true}`)
	s.call("DELETE", commandsPath+"/"+id("join"), "")
	s.call("POST", commandsPath, `{"name":"dance","description":"of another bot"}`)
	changes := func(foreign string) string {
		const world = "choices of world +Asgard (asgard); option world must be given"
		text := ""
		for _, name := range names {
			switch name {
			case "stop":
				text += "~ /stop: description; age restriction; who may use it; " + world + "\n"
			case "join":
				text += "+ /join: new\n"
			default:
				text += "~ /" + name + ": " + world + "\n"
			}
		}
		return text + "- /dance: not one of Hearth's commands" + foreign + "\n"
	}
	step(exitLeft, changes(", is left alone (--prune takes it away)")+"Nobody is here to agree: --yes does it.\nNothing was changed.\n")
	step(exitOK, changes(", goes")+fmt.Sprintf("Done: %d commands are changed. People see them at once.\n", len(names)+1), "--yes", "--prune")
	step(exitOK, nothing)
	after := map[string]string{}
	for _, c := range s.Commands() {
		after[c.Name] = c.ID
	}
	if len(after) != len(names) || after["stop"] != id("stop") || after["join"] == id("join") {
		t.Errorf("got %v; want %d, /stop still %s", after, len(names), id("stop"))
	}
}

// TestRegisterRefused: whatever Discord refuses is told in words, with what to
// do, and the exit code is not 0.
func TestRegisterRefused(t *testing.T) {
	t.Parallel()
	spent := func(s *server) {
		s.t.Helper()
		for i := range 2 {
			list := make([]string, 100)
			for j := range list {
				list[j] = fmt.Sprintf(`{"name":"c%d","description":"d"}`, 100*i+j)
			}
			s.call("PUT", commandsPath, "["+strings.Join(list, ",")+"]")
		}
		s.call("PUT", commandsPath, "[]")
	}
	for name, tc := range map[string]struct {
		do   func(*server)
		code int
		says []string
	}{
		"wrong token": {func(s *server) { s.settings["DISCORD_BOT_TOKEN"] = "canary-of-another" }, exitFailed,
			[]string{"The commands can't be read: Discord does not know the bot's token: make a new one", "Reset Token"}},
		"not invited": {func(s *server) { s.Uninvite(true) }, exitFailed,
			[]string{"https://discord.com/oauth2/authorize?client_id=" + simdiscord.DefaultApplicationID, "guild_id=" + simdiscord.DefaultGuildID, "scope=bot+applications.commands", "permissions=84992"}},
		"another server": {func(s *server) { s.settings["DISCORD_GUILD_ID"] = "1200" }, exitFailed, []string{"is not in the server 1200", "DISCORD_GUILD_ID"}},
		"another application": {func(s *server) { s.settings["DISCORD_APPLICATION_ID"] = "1100" }, exitFailed,
			[]string{"The token belongs to another application than 1100", "DISCORD_APPLICATION_ID"}},
		"today's are used up": {spent, exitFailed, []string{"+ /start: new was not done: Discord makes 200 new commands a day", "try again in 24 hours"}},
		"discord is down":     {func(s *server) { s.settings["DISCORD_API_URL"] = "http://127.0.0.1:1/api/v10" }, exitFailed, []string{"can't be reached from here"}},
		"no token":            {func(s *server) { s.settings["DISCORD_BOT_TOKEN"] = "" }, exitUsage, []string{"DISCORD_BOT_TOKEN is empty: make one"}},
		"token with a word":   {func(s *server) { s.settings["DISCORD_BOT_TOKEN"] = "Bot canary" }, exitUsage, []string{"DISCORD_BOT_TOKEN has spaces"}},
		"no worlds":           {func(s *server) { s.settings["HEARTH_WORLDS"] = "" }, exitUsage, []string{"HEARTH_WORLDS is empty"}},
		"no file":             {func(s *server) { s.settings = nil }, exitUsage, []string{"DISCORD_GUILD_ID is missing", "DISCORD_APPLICATION_ID"}},
		"limited for long":    {func(s *server) { s.RateLimitAll(1 << 40) }, exitFailed, []string{"Discord wants to be left alone for 18m"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t)
			tc.do(s)
			code, out := s.hearth("register", "--yes")
			if code != tc.code {
				t.Errorf("code %d, want %d", code, tc.code)
			}
			for _, want := range tc.says {
				if !strings.Contains(strings.ToLower(out), strings.ToLower(want)) {
					t.Errorf("got\n%s\nwant %q in it", out, want)
				}
			}
			if n := len(s.Commands()); n != 0 {
				t.Errorf("%d commands were made", n)
			}
		})
	}
}

// TestRegisterLostReply: what was done and not told is done once.
func TestRegisterLostReply(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.DropReplies(2)
	if code, out := s.hearth("register", "--yes"); code != exitOK || len(s.Commands()) != len(commandNames(t, s)) {
		t.Errorf("code %d, %d commands:\n%s", code, len(s.Commands()), out)
	}
}

func TestRegisterSettingsFile(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	var lines strings.Builder
	for name, value := range s.settings {
		fmt.Fprintf(&lines, "%s=%s\n", name, value)
	}
	file := filepath.Join(t.TempDir(), "settings")
	if err := os.WriteFile(file, []byte(lines.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	want := len(commandNames(t, s))
	s.settings = nil
	if code, out := s.hearth("register", "--yes", "--settings", file); code != exitOK || len(s.Commands()) != want {
		t.Errorf("code %d, %d commands:\n%s", code, len(s.Commands()), out)
	}
	if code, out := s.hearth("register", "--yes", "--settings", file+".no"); code != exitUsage || !strings.Contains(out, "read settings") {
		t.Errorf("no such file: code %d:\n%s", code, out)
	}
}
