// Package discordtest sets the real Discord client up against the pretend
// Discord, for the contract suite of world.Chat.
package discordtest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"time"

	"hearth/internal/clock"
	"hearth/internal/discord"
	"hearth/internal/sim/simdiscord"
	"hearth/internal/sim/simdiscord/form"
	"hearth/internal/world"
	"hearth/internal/world/worldtest/chattest"
)

const (
	botToken = "canary-of-the-bots-token"
	channel  = simdiscord.DefaultChannelID
	apiURL   = "http://discord.invalid" + simdiscord.APIPrefix
)

// late is the system's clock, years ahead: a bubble's begins before Discord's
// ids do, which hold the time.
type late struct{ clock.System }

// Now implements world.Clock.
func (l late) Now() time.Time { return l.System.Now().AddDate(30, 0, 0) }

// Open returns a client and a Discord that belong to one test and run on the
// system's clock, which is the bubble's inside of one. change alters the
// client's options.
func Open(t *testing.T, change ...func(*discord.ClientOptions)) chattest.Hands {
	t.Helper()
	g := &guild{}
	d, err := simdiscord.New(simdiscord.Options{
		Clock: late{}, Seed: bytes.Repeat([]byte{7}, 32), BotToken: botToken, Deliver: g.deliver,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Close)
	g.Discord, g.person = d, d.People()[0].ID
	o := discord.ClientOptions{
		URL: apiURL, Application: simdiscord.DefaultApplicationID, Token: botToken, Clock: late{},
		Transport: recorder{g}, Jitter: func() float64 { return 0.5 },
	}
	for _, f := range change {
		f(&o)
	}
	c, err := discord.NewClient(o)
	if err != nil {
		t.Fatal(err)
	}
	g.ask(t, http.MethodPut, "/applications/"+simdiscord.DefaultApplicationID+"/guilds/"+simdiscord.DefaultGuildID+"/commands",
		`[{"name":"status","description":"How it is"}]`)
	return chattest.Hands{
		Now:  late{}.Now,
		Chat: c, Channel: channel, Person: g.person, Patience: discord.DefaultPause, Secrets: []string{botToken},
		Loud: fmt.Sprintf("@everyone @here <@%s> <@%s> <@&%s>", g.person, d.People()[1].ID, simdiscord.DefaultKeeperRoleID),
		Ask:  g.command, Messages: g.messages, Calls: g.recorded,
		Delete: func(t *testing.T, ref world.MessageRef) {
			t.Helper()
			g.ask(t, http.MethodDelete, "/channels/"+ref.Channel+"/messages/"+ref.ID, "")
		},
		Limit: g.limit, Fail: d.Fail, Forbid: d.Forbid, Miss: d.LoseWebhooks, Lose: d.DropReplies,
	}
}

// guild is the pretend Discord as the suite's hands see it.
type guild struct {
	*simdiscord.Discord
	person string // who gives commands

	mu    sync.Mutex // guards what follows
	token world.Token
	calls []chattest.Call
}

// deliver is an endpoint that defers every command.
func (g *guild) deliver(_ context.Context, _ http.Header, body []byte) (int, string, []byte, error) {
	var command struct {
		Token world.Token `json:"token"`
	}
	err := json.Unmarshal(body, &command)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.token = command.Token
	return http.StatusOK, "application/json", discord.Deferred(false), err
}

func (g *guild) command(t *testing.T) world.Reply {
	t.Helper()
	out, err := g.Interact(t.Context(), simdiscord.Request{
		User: g.person, Channel: channel, Kind: simdiscord.KindCommand, Command: "status",
	})
	if err != nil || out.State != simdiscord.StateDone {
		t.Fatalf("Interact = %+v, %v", out, err)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	return world.Reply{Application: simdiscord.DefaultApplicationID, Token: g.token}
}

// ask makes a request beside the client.
func (g *guild) ask(t *testing.T, method, path, body string) {
	t.Helper()
	header := http.Header{}
	header.Set("Authorization", "Bot "+botToken)
	header.Set("User-Agent", "DiscordBot (https://example.org, 1)")
	header.Set("Content-Type", "application/json")
	a, err := g.Call(t.Context(), method, simdiscord.APIPrefix+path, header, []byte(body))
	if err != nil || a.Status > 299 {
		t.Fatalf("%s %s = %d %s, %v", method, path, a.Status, a.Body, err)
	}
}

func (g *guild) limit(kind chattest.Limit, wait time.Duration) {
	if kind == chattest.LimitGlobal {
		g.RateLimitAll(wait)
		return
	}
	g.RateLimitMessages(wait, kind == chattest.LimitBare)
}

func (g *guild) recorded() []chattest.Call {
	g.mu.Lock()
	defer g.mu.Unlock()
	return append([]chattest.Call(nil), g.calls...)
}

// messages leaves out what is not said yet, and Discord's own words in place
// of an answer that never came.
func (g *guild) messages() []chattest.Message {
	var out []chattest.Message
	for _, m := range g.Messages() {
		if m.Thinking || m.Content == simdiscord.NotResponding {
			continue
		}
		said := chattest.Message{Ref: world.MessageRef{Channel: m.ChannelID, ID: m.ID}, Say: world.Say{Text: m.Content}, Notified: m.Mentions}
		for _, e := range m.Embeds {
			said.Say.Card = card(e)
		}
		for _, b := range m.Buttons() {
			said.Say.Buttons = append(said.Say.Buttons, button(b))
		}
		out = append(out, said)
	}
	return out
}

func card(e form.Embed) *world.Card {
	c := &world.Card{Title: e.Title, Body: e.Description, Tone: world.Tone("colour " + strconv.FormatInt(int64(e.Color), 16))}
	for tone, colour := range map[world.Tone]int{
		world.ToneOut: 0x95a5a6, world.ToneWorking: 0xf0b232, world.ToneBurning: 0x3ba55d, world.ToneTrouble: 0xed4245,
	} {
		if e.Color == colour {
			c.Tone = tone
		}
	}
	if e.Footer != nil {
		c.Footer = e.Footer.Text
	}
	for _, f := range e.Fields {
		c.Fields = append(c.Fields, world.Field{Name: f.Name, Value: f.Value, Inline: f.Inline})
	}
	return c
}

func button(b form.Component) world.Button {
	styles := map[int]world.Style{1: world.StylePrimary, 2: world.StyleSecondary, 3: world.StyleSuccess, 4: world.StyleDanger}
	out := world.Button{Label: b.Label, Style: styles[b.Style], Action: b.CustomID}
	if b.Emoji != nil {
		out.Emoji = b.Emoji.Name
	}
	return out
}

// recorder is the way to the pretend Discord, and notes what went along it.
type recorder struct{ g *guild }

// RoundTrip implements http.RoundTripper.
func (r recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	call := chattest.Call{At: clock.System{}.Now()}
	resp, err := r.g.Transport().RoundTrip(req)
	if err == nil {
		call.Status = resp.StatusCode
	}
	r.g.mu.Lock()
	defer r.g.mu.Unlock()
	r.g.calls = append(r.g.calls, call)
	return resp, err
}
