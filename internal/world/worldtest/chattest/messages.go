package chattest

import (
	"slices"
	"testing"
	"time"

	"hearth/internal/world"
)

// tokenLife is how long an answer can be filled in and edited by its token.
const tokenLife = 15 * time.Minute

func postArrives(t *testing.T, h Hands) {
	first := post(t, h, full(), "n-1")
	second := post(t, h, say("short"), "n-2")
	third := post(t, h, world.Say{Card: &world.Card{Title: "Out", Tone: world.ToneOut}}, "")
	expect(t, h,
		Message{Ref: first, Say: full()},
		Message{Ref: second, Say: say("short")},
		Message{Ref: third, Say: world.Say{Card: &world.Card{Title: "Out", Tone: world.ToneOut}}})
}

func postNonce(t *testing.T, h Hands) {
	first := post(t, h, say("once"), "n-1")
	pass(time.Minute)
	if again := post(t, h, say("once"), "n-1"); again != first {
		t.Errorf("second Post with the nonce = %+v, want the first message, %+v", again, first)
	}
	second := post(t, h, say("once"), "n-2")
	expect(t, h, Message{Ref: first, Say: say("once")}, Message{Ref: second, Say: say("once")})
}

func postFound(t *testing.T, h Hands) {
	begun := h.Now()
	text, card := post(t, h, say("**Bo** died."), "n-1"), post(t, h, full(), "n-2")
	twin := world.Say{Text: full().Text, Buttons: full().Buttons}
	post(t, h, twin, "n-3") // the card's buttons, and no card
	pass(20 * time.Minute)
	find := func(what string, m world.Say, since time.Time, want world.MessageRef) {
		t.Helper()
		got, err := h.Chat.Find(t.Context(), h.Channel, m, since)
		if want == (world.MessageRef{}) {
			expectGone(t, "Find of "+what, err)
		} else if err != nil || got != want {
			t.Errorf("Find of %s = %+v, %v; want %+v", what, got, err, want)
		}
	}
	find("a text", say("**Bo** died."), begun, text)
	find("a text that was posted before", say("**Bo** died."), h.Now().Add(-time.Minute), world.MessageRef{})
	find("a text that was never posted", say("**Cleo** died."), begun, world.MessageRef{})
	reply(t, h, h.Ask(t), say("An answer."))
	find("a text that answers a command", say("An answer."), begun, world.MessageRef{})
	later := full()
	later.Text, later.Card = "", &world.Card{Title: "Going out", Tone: world.ToneWorking}
	find("a card that has changed since", later, begun, card)
	h.Delete(t, text)
	find("a text that was deleted", say("**Bo** died."), begun, world.MessageRef{})
	again := post(t, h, say("**Bo** died."), "n-4")
	find("a text that was posted again", say("**Bo** died."), begun, again)
}

func editReplaces(t *testing.T, h Hands) {
	ref, other := post(t, h, full(), "n-1"), post(t, h, say("other"), "n-2")
	for _, m := range []world.Say{
		say("text alone"),
		{Card: &world.Card{Title: "Going out", Tone: world.ToneWorking}},
		full(),
		{Text: "and a button", Buttons: full().Buttons[:1]},
	} {
		edit(t, h, ref, m)
		expect(t, h, Message{Ref: ref, Say: m}, Message{Ref: other, Say: say("other")})
		pass(time.Minute)
	}
}

func editDeleted(t *testing.T, h Hands) {
	ref, other := post(t, h, say("there"), "n-1"), post(t, h, say("other"), "n-2")
	h.Delete(t, ref)
	expectGone(t, "Edit of a deleted message", h.Chat.Edit(t.Context(), ref, say("again")))
	expectGone(t, "Edit of a message that never was", h.Chat.Edit(t.Context(), world.MessageRef{Channel: h.Channel, ID: "1"}, say("again")))
	expect(t, h, Message{Ref: other, Say: say("other")})
}

func replyFills(t *testing.T, h Hands) {
	to := h.Ask(t)
	expect(t, h) // nothing is said by deferring
	ref := reply(t, h, to, full())
	expect(t, h, Message{Ref: ref, Say: full()})
	if again := reply(t, h, to, say("changed")); again != ref {
		t.Errorf("second Reply = %+v, want the same message, %+v", again, ref)
	}
	expect(t, h, Message{Ref: ref, Say: say("changed")})
	// It is a message like any other, and outlives its token.
	pass(tokenLife)
	edit(t, h, ref, say("much later"))
	expect(t, h, Message{Ref: ref, Say: say("much later")})
}

func replyDead(t *testing.T, h Hands) {
	dead, alive := h.Ask(t), h.Ask(t)
	pass(tokenLife - 10*time.Second)
	reply(t, h, alive, say("just in time"))
	pass(10 * time.Second)
	for name, to := range map[string]world.Reply{
		"a token that died unused": dead,
		"a token that died used":   alive,
		"no known token":           {Application: dead.Application, Token: dead.Token + "x"},
	} {
		_, err := h.Chat.Reply(t.Context(), to, say("too late"))
		expectGone(t, "Reply with "+name, err)
	}
	for _, m := range h.Messages() {
		if m.Say.Text == "too late" {
			t.Error("it was said all the same")
		}
	}
}

func replyDeleted(t *testing.T, h Hands) {
	to := h.Ask(t)
	h.Delete(t, reply(t, h, to, say("there")))
	_, err := h.Chat.Reply(t.Context(), to, say("again"))
	expectGone(t, "Reply to a deleted answer", err)
	expect(t, h)
}

func notifies(t *testing.T, h Hands) {
	loud := say(h.Loud)
	person := world.Say{Text: h.Loud, Ping: []string{h.Person}}
	for _, c := range []struct {
		name string
		say  func() world.MessageRef
		want []string
	}{
		{"Post", func() world.MessageRef { return post(t, h, loud, "n-1") }, nil},
		{"Post with Ping", func() world.MessageRef { return post(t, h, person, "n-2") }, person.Ping},
		{"Reply", func() world.MessageRef { return reply(t, h, h.Ask(t), loud) }, nil},
		{"Reply with Ping", func() world.MessageRef { return reply(t, h, h.Ask(t), person) }, person.Ping},
		{"Edit", func() world.MessageRef {
			ref := post(t, h, say("quiet"), "n-3")
			edit(t, h, ref, loud)
			return ref
		}, nil},
	} {
		ref := c.say()
		i := slices.IndexFunc(h.Messages(), func(m Message) bool { return m.Ref == ref })
		if i < 0 {
			t.Fatalf("%s: no message", c.name)
		}
		if got := h.Messages()[i].Notified; !slices.Equal(got, c.want) {
			t.Errorf("%s notifies %v, want %v", c.name, got, c.want)
		}
		pass(time.Minute)
	}
}
