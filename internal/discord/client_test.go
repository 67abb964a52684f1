package discord_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"hearth/internal/discord"
	"hearth/internal/world"
)

func TestNewClientRefuses(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*discord.ClientOptions)
		want   string
	}{
		{"no application", func(o *discord.ClientOptions) { o.Application = "" }, "DISCORD_APPLICATION_ID"},
		{"application is a name", func(o *discord.ClientOptions) { o.Application = "hearth" }, "DISCORD_APPLICATION_ID"},
		{"no token", func(o *discord.ClientOptions) { o.Token = "" }, "DISCORD_BOT_TOKEN is empty"},
		{"token with its type", func(o *discord.ClientOptions) { o.Token = "Bot canary" }, "without \"Bot\""},
		{"token with a line end", func(o *discord.ClientOptions) { o.Token = "canary\n" }, "DISCORD_BOT_TOKEN"},
		{"address without a scheme", func(o *discord.ClientOptions) { o.URL = "discord.com/api" }, "DISCORD_API_URL"},
		{"address with a password", func(o *discord.ClientOptions) { o.URL = "https://u:canary@discord.com/api" }, "DISCORD_API_URL"},
		{"address that is none", func(o *discord.ClientOptions) { o.URL = "https://\x7f" }, "DISCORD_API_URL"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := discord.ClientOptions{Application: appID, Token: botToken}
			tt.change(&o)
			c, err := discord.NewClient(o)
			if err == nil || c != nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "canary") {
				t.Errorf("NewClient = %v, %v; want an error about %s", c, err, tt.want)
			}
		})
	}
	t.Run("all at once", func(t *testing.T) {
		_, err := discord.NewClient(discord.ClientOptions{URL: "x"})
		for _, want := range []string{"DISCORD_APPLICATION_ID", "DISCORD_BOT_TOKEN", "DISCORD_API_URL"} {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%v does not speak of %s", err, want)
			}
		}
	})
	t.Run("another API", func(t *testing.T) {
		s := &script{answers: []answer{fine()}}
		c := newClient(t, s, func(o *discord.ClientOptions) { o.URL = "http://127.0.0.1:9/pretend/" })
		if _, err := c.Post(t.Context(), channelID, say("x"), "n"); err != nil || s.asked()[0].path != "/pretend/channels/"+channelID+"/messages" {
			t.Errorf("%v, %v", s.asked(), err)
		}
	})
}

func TestReferences(t *testing.T) {
	s := &script{answers: []answer{fine()}}
	c := newClient(t, s)
	want := world.MessageRef{Channel: channelID, ID: "1400000000000000100"}
	if got, err := c.Post(t.Context(), channelID, say("x"), "n"); err != nil || got != want {
		t.Errorf("Post = %v, %v", got, err)
	}
	if got, err := c.Reply(t.Context(), reply(), say("x")); err != nil || got != want {
		t.Errorf("Reply = %v, %v", got, err)
	}
}

func TestBadArgumentsMakeNoCall(t *testing.T) {
	s := &script{answers: []answer{fine()}}
	c := newClient(t, s)
	for name, tt := range map[string]struct {
		err  error
		gone bool
	}{
		"channel":           {second(c.Post(t.Context(), "../users", say("x"), "n")), false},
		"nonce":             {second(c.Post(t.Context(), channelID, say("x"), strings.Repeat("n", 26))), false},
		"message":           {c.Edit(t.Context(), world.MessageRef{Channel: channelID}, say("x")), true},
		"reply's token":     {second(c.Reply(t.Context(), world.Reply{Application: appID}, say("x"))), true},
		"reply's app":       {second(c.Reply(t.Context(), world.Reply{Application: "x", Token: "t"}, say("x"))), true},
		"guild to register": {c.Register(t.Context(), "", worlds("a")), false},
	} {
		if tt.err == nil || errors.Is(tt.err, world.ErrMessageGone) != tt.gone {
			t.Errorf("%s: %v", name, tt.err)
		}
	}
	if n := len(s.asked()); n != 0 {
		t.Errorf("%d calls", n)
	}
}

func second[T any](_ T, err error) error { return err }

func TestAlreadyAcknowledgedIsDone(t *testing.T) {
	s := &script{answers: []answer{{status: 400, body: `{"code":40060,"message":"Interaction has already been acknowledged."}`}}}
	if ref, err := newClient(t, s).Reply(t.Context(), reply(), say("x")); err != nil || ref != (world.MessageRef{}) {
		t.Errorf("Reply = %v, %v", ref, err)
	}
}

func TestPostIsRepeatedByItsNonceAlone(t *testing.T) {
	for _, tt := range []struct {
		nonce string
		calls int
	}{
		{"n-1", 2},
		{"", 1}, // it might be said twice
	} {
		synctest.Test(t, func(t *testing.T) {
			s := &script{answers: []answer{{status: 502}, fine()}}
			if _, err := newClient(t, s).Post(t.Context(), channelID, say("x"), tt.nonce); len(s.asked()) != tt.calls || (err == nil) != (tt.calls == 2) {
				t.Errorf("nonce %q: %d calls, want %d; %v", tt.nonce, len(s.asked()), tt.calls, err)
			}
			for i, call := range s.asked() {
				if tt.nonce != "" && (!strings.Contains(call.body, `"nonce":"n-1"`) || !strings.Contains(call.body, `"enforce_nonce":true`)) {
					t.Errorf("call %d is no repeat of the same: %s", i, call.body)
				}
			}
		})
	}
}

// The routes have limits of their own; a token of the bot's that is refused,
// or its global limit, says nothing of interactions.
func TestCallsAreLimitedApart(t *testing.T) {
	for _, tt := range []struct {
		name, first string
		answer      answer
		passes      string // the calls that are still made
	}{
		{"a route", "post", answer{status: 429, body: `{"retry_after":65}`}, "edit register reply"},
		{"global", "post", answer{status: 429, body: `{"retry_after":65,"global":true}`}, "reply"},
		{"an answer", "reply", answer{status: 429, body: `{"retry_after":65,"global":true}`}, "edit post register"},
		{"a bad token", "register", answer{status: 401}, "reply"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				calls := everyCall(newClient(t, &script{answers: []answer{tt.answer, fine()}}))
				if err := calls[tt.first](t.Context()); err == nil {
					t.Fatal("it succeeded")
				}
				var passes []string
				for _, name := range slices.Sorted(maps.Keys(calls)) {
					if calls[name](t.Context()) == nil {
						passes = append(passes, name)
					}
				}
				if got := strings.Join(passes, " "); got != tt.passes {
					t.Errorf("made: %s; want %s", got, tt.passes)
				}
			})
		})
	}
}

func TestAnswerThatIsNotJSON(t *testing.T) {
	s := &script{answers: []answer{{status: 200, body: "<html>"}}}
	if _, err := newClient(t, s).Post(t.Context(), channelID, say("x"), "n"); err == nil || len(s.asked()) != 1 {
		t.Errorf("%d calls, %v", len(s.asked()), err)
	}
}

func TestTheWholeCallIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{answers: []answer{{status: 200, body: message, takes: time.Hour}}}
		began := time.Now()
		err := everyCall(newClient(t, s))["edit"](t.Context())
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != discord.DefaultTimeout {
			t.Errorf("after %s: %v", time.Since(began), err)
		}
	})
}

// TestDeleteCommand: one that is gone already is gone; other refusals are told.
func TestDeleteCommand(t *testing.T) {
	for name, tc := range map[string]struct {
		answer answer
		fails  bool
	}{
		"done": {answer{status: 204}, false},
		"gone": {answer{status: 404, body: `{"code":10063,"message":"Unknown application command"}`}, false},
		"no":   {answer{status: 403, body: `{"code":50001,"message":"Missing Access"}`}, true},
	} {
		s := &script{answers: []answer{tc.answer}}
		err := newClient(t, s).DeleteCommand(t.Context(), guildID, discord.GuildCommand{ID: "1400000000000000100", Name: "start"})
		if (err != nil) != tc.fails {
			t.Errorf("%s: got %v, fails: %t", name, err, tc.fails)
		}
	}
}
