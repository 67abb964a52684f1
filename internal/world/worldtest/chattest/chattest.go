// Package chattest holds the contract suite of world.Chat: what is said arrives
// whole and once, a chat that is slow, away or strict is borne, and what went
// wrong is told in a way that the core can branch on.
package chattest

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"hearth/internal/clock"
	"hearth/internal/world"
)

// Hands are an implementation of world.Chat and what the suite needs to reach
// of the chat behind it. Every field is required.
type Hands struct {
	Chat world.Chat
	// Channel is the id of one that Chat may write to. Nothing is said in it.
	Channel string
	// Person is the id of somebody in it, to be named as <@id>, and Loud a
	// text that notifies that person and others unless the message forbids it.
	Person, Loud string
	// Patience is the longest that Chat waits because it was asked to.
	Patience time.Duration
	// Secrets must be in no error: the bot's token, for instance.
	Secrets []string

	// Ask lets the person give a command whose answer is deferred.
	Ask func(t *testing.T) world.Reply
	// Now is the time on the chat's clock.
	Now func() time.Time
	// Messages lists what the bot has said in the channel, oldest first.
	Messages func() []Message
	// Calls lists the requests that came to the chat, oldest first, without
	// those of the other hands.
	Calls func() []Call
	// Delete removes a message, as a moderator would.
	Delete func(t *testing.T, ref world.MessageRef)

	// Limit refuses with 429 what is asked within that time.
	Limit func(kind Limit, wait time.Duration)
	// Fail makes the next n requests end with a 5xx and without effect.
	Fail func(n, status int)
	// Forbid takes the right to write in the channel, or gives it back.
	Forbid func(on bool)
	// Miss makes the next n requests for a deferred answer not find it.
	Miss func(n int)
	// Lose carries out the next n requests and loses their replies.
	Lose func(n int)
}

// Message is what people see of one of the bot's messages.
type Message struct {
	Ref world.MessageRef `json:"ref"`
	// Say is what it says; Ping is empty.
	Say world.Say `json:"say"`
	// Notified are the ids of those whose attention it really called for.
	Notified []string `json:"notified,omitempty"`
}

// Call is a request that came to the chat.
type Call struct {
	At     time.Time
	Status int // of its answer; 0 if that was lost
}

// Limit is a kind of rate limit.
type Limit int

// The kinds. The first two are of the messages in channels.
const (
	LimitBucket Limit = iota // names the bucket that is spent
	LimitBare                // says how long and nothing else
	LimitGlobal              // of all that the bot asks
)

// Run runs the contract, each case in a testing/synctest bubble of its own: the
// implementation waits on the bubble's clock, and uses no sockets. open is
// called inside of the bubble and cleans up by t.Cleanup.
func Run(t *testing.T, open func(t *testing.T) Hands) {
	t.Helper()
	for _, c := range []struct {
		name string
		run  func(t *testing.T, h Hands)
	}{
		{"post arrives whole", postArrives},
		{"same nonce is one message", postNonce},
		{"what was posted is found, and nothing else", postFound},
		{"edit replaces the whole message", editReplaces},
		{"edit of a deleted message is gone", editDeleted},
		{"reply fills in the answer", replyFills},
		{"reply with a dead token is gone", replyDead},
		{"reply to a deleted answer is gone", replyDeleted},
		{"nobody is notified but whom the message means", notifies},
		{"limit of a bucket is waited for", func(t *testing.T, h Hands) { limitWaited(t, h, LimitBucket) }},
		{"limit that names no bucket is waited for", func(t *testing.T, h Hands) { limitWaited(t, h, LimitBare) }},
		{"global limit holds every call", limitGlobal},
		{"longer limit fails at once and says how long", limitTooLong},
		{"spent bucket is not run into", limitSpent},
		{"passing trouble is borne", failPassing},
		{"lasting trouble is an error", failLasting},
		{"missing permission is forbidden and asked once", forbidden},
		{"answer not found at first is found", missPassing},
		{"lost reply says nothing twice", lost},
		{"canceled context is honored", canceled},
		{"no error tells a secret", secrets},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { c.run(t, open(t)) })
		})
	}
}

// full is a message that has everything.
func full() world.Say {
	return world.Say{
		Text: "**Midgard** is burning.\nSkål, `Bjørn` 🪓 <&>",
		Card: &world.Card{
			Title: "Midgard", Body: "Somebody is home.", Tone: world.ToneBurning, Footer: "since noon",
			Fields: []world.Field{{Name: "On", Value: "Astrid", Inline: true}, {Name: "Address", Value: "`203.0.113.7:2456`"}},
		},
		Buttons: []world.Button{
			{Label: "Stop", Style: world.StyleDanger, Action: "h1:stop:midgard:op-1"},
			{Label: "Status", Emoji: "🔥", Style: world.StyleSecondary, Action: "h1:status:midgard:"},
		},
	}
}

func say(text string) world.Say { return world.Say{Text: text} }

// pass lets time go by in the bubble.
func pass(d time.Duration) { <-clock.System{}.After(d) }

func now() time.Time { return clock.System{}.Now() }

func post(t *testing.T, h Hands, m world.Say, nonce string) world.MessageRef {
	t.Helper()
	ref, err := h.Chat.Post(t.Context(), h.Channel, m, nonce)
	if err != nil {
		t.Fatalf("Post: %v", err)
	}
	if ref.Channel != h.Channel || ref.ID == "" {
		t.Fatalf("Post = %+v; want a message of channel %s", ref, h.Channel)
	}
	return ref
}

func edit(t *testing.T, h Hands, ref world.MessageRef, m world.Say) {
	t.Helper()
	if err := h.Chat.Edit(t.Context(), ref, m); err != nil {
		t.Fatalf("Edit: %v", err)
	}
}

func reply(t *testing.T, h Hands, to world.Reply, m world.Say) world.MessageRef {
	t.Helper()
	ref, err := h.Chat.Reply(t.Context(), to, m)
	if err != nil {
		t.Fatalf("Reply: %v", err)
	}
	if ref.Channel != h.Channel || ref.ID == "" {
		t.Fatalf("Reply = %+v; want a message of channel %s", ref, h.Channel)
	}
	return ref
}

// expect compares what people see.
func expect(t *testing.T, h Hands, want ...Message) {
	t.Helper()
	got := h.Messages()
	if g, w := text(t, got), text(t, want); !slices.Equal(g, w) {
		t.Errorf("messages are\n%s\nwant\n%s", strings.Join(g, "\n"), strings.Join(w, "\n"))
	}
}

func text(t *testing.T, ms []Message) []string {
	t.Helper()
	var lines []string
	for _, m := range ms {
		b, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, string(b))
	}
	return lines
}

func expectGone(t *testing.T, call string, err error) {
	t.Helper()
	if !errors.Is(err, world.ErrMessageGone) {
		t.Errorf("%s = %v, want ErrMessageGone", call, err)
	}
}

// act is one of the port's calls.
type act struct {
	name string
	do   func(ctx context.Context) error
}

// acts are the three calls on a channel with one message in it and a deferred
// answer, each of which says the text.
func acts(t *testing.T, h Hands, text string) []act {
	t.Helper()
	ref, to := post(t, h, say("before"), "before"), h.Ask(t)
	return []act{
		{"Post", func(ctx context.Context) error {
			_, err := h.Chat.Post(ctx, h.Channel, say(text), "act")
			return err
		}},
		{"Edit", func(ctx context.Context) error { return h.Chat.Edit(ctx, ref, say(text)) }},
		{"Reply", func(ctx context.Context) error {
			_, err := h.Chat.Reply(ctx, to, say(text))
			return err
		}},
	}
}

// expectTexts checks the texts of the messages, in any order.
func expectTexts(t *testing.T, h Hands, want ...string) {
	t.Helper()
	var got []string
	for _, m := range h.Messages() {
		got = append(got, m.Say.Text)
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("messages say %q, want %q", got, want)
	}
}
