package bot_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"hearth/internal/sim/simdiscord"
	"hearth/internal/world"
)

// moody is a chat that can be away.
type moody struct {
	world.Chat
	err   error // while not nil, the answer to everything
	calls int   // made while away
}

func (m *moody) away() error {
	if m.err != nil {
		m.calls++
	}
	return m.err
}

func (m *moody) Post(ctx context.Context, channel string, say world.Say, nonce string) (world.MessageRef, error) {
	if err := m.away(); err != nil {
		return world.MessageRef{}, err
	}
	return m.Chat.Post(ctx, channel, say, nonce)
}

func (m *moody) Find(ctx context.Context, channel string, say world.Say, since time.Time) (world.MessageRef, error) {
	if err := m.away(); err != nil {
		return world.MessageRef{}, err
	}
	return m.Chat.Find(ctx, channel, say, since)
}

func (m *moody) Edit(ctx context.Context, ref world.MessageRef, say world.Say) error {
	if err := m.away(); err != nil {
		return err
	}
	return m.Chat.Edit(ctx, ref, say)
}

func (m *moody) Reply(ctx context.Context, to world.Reply, say world.Say) (world.MessageRef, error) {
	if err := m.away(); err != nil {
		return world.MessageRef{}, err
	}
	return m.Chat.Reply(ctx, to, say)
}

var errAway = errors.New("chat is away")

// withMoodyChat is a burning world whose chat goes away now.
func withMoodyChat(t *testing.T, err error) (*rig, *moody) {
	r := newRig(t)
	r.burning()
	r.events.Clear() // the bot's own events come when the test says so
	m := &moody{Chat: r.chat, err: err}
	r.chat = m
	return r, m
}

// nothing is an event that changes nothing, so that only what waits is done.
func (r *rig) nothing() { r.handle(r.bot("nothing", &world.Timer{Kind: world.TimerLook, Number: -1})) }

func die(r *rig, name string) []byte {
	return r.agent(func(h world.Heard) world.Payload {
		return &world.Died{Heard: h, Player: world.Player{Owner: "1", Name: name}}
	})
}

// While the chat is away events are handled; at most MaxChatWaiting things
// wait, of them one card; what had no room is counted and told.
func TestChatAway(t *testing.T) {
	r, chat := withMoodyChat(t, errAway)
	const deaths = world.MaxChatWaiting + 10
	for i := range deaths {
		r.handle(spawn(r, fmt.Sprint(i), fmt.Sprintf("P%d", i))) // draws the card
		r.handle(die(r, fmt.Sprintf("P%d", i)))
	}
	s := r.state()
	cards := 0
	for _, p := range s.Pending {
		if p.Effect.Chat == nil {
			t.Fatalf("pending: %+v", p.Effect)
		}
		if p.Effect.Chat.Kind == world.ChatCard {
			cards++
		}
	}
	if len(s.Pending) != world.MaxChatWaiting || cards != 1 {
		t.Errorf("%d wait, of them %d cards; want %d and 1", len(s.Pending), cards, world.MaxChatWaiting)
	}
	if s.Session.Deaths != deaths || len(s.Boot.Players) != deaths {
		t.Errorf("%d deaths and %d players, want %d: an event was lost with its message", s.Session.Deaths, len(s.Boot.Players), deaths)
	}

	chat.err = nil
	r.clock.Advance(time.Minute)
	r.nothing()
	if s := r.state(); len(s.Pending) > 0 {
		t.Fatalf("%d still wait though the chat is back", len(s.Pending))
	}
	if got := r.said(fmt.Sprintf("P%d** died", deaths-1)); len(got) != 1 {
		t.Errorf("the last line was said %d times, want once", len(got))
	}
	if got := r.said("P0** died"); len(got) != 0 {
		t.Errorf("the first line was said %d times, want it dropped", len(got))
	}
	r.handle(die(r, "Last"))
	// What was not said is told, also what was lost with a line that told of
	// others.
	told := 0
	for _, m := range r.said("could not be posted in time") {
		told += unsaidIn(t, m.Content)
	}
	lost := 2*deaths + 1 - len(r.said("** died")) - len(r.said("** came in"))
	if s := r.state(); told != lost || lost == 0 || s.Unsaid != 0 {
		t.Errorf("%d dropped lines told, %d not yet; want %d and 0", told, s.Unsaid, lost)
	}
}

func unsaidIn(t *testing.T, text string) int {
	t.Helper()
	_, tail, ok := strings.Cut(text, "\n-# ")
	if !ok {
		return 0
	}
	if strings.HasPrefix(tail, "One message") {
		return 1
	}
	var n int
	if _, err := fmt.Sscanf(tail, "%d messages", &n); err != nil {
		t.Fatalf("count in %q: %v", text, err)
	}
	return n
}

// What could not be said in ChatLifetime is no news any more: it is counted,
// and the next line tells how much it was.
func TestChatExpires(t *testing.T) {
	r, chat := withMoodyChat(t, errAway)
	for i := range 3 {
		r.handle(die(r, fmt.Sprintf("Gone%d", i)))
	}
	r.clock.Advance(world.ChatLifetime)
	r.nothing()
	if s := r.state(); len(s.Pending) != 3 || s.Unsaid != 0 {
		t.Errorf("at the bound: %d wait, %d counted; want 3 and 0", len(s.Pending), s.Unsaid)
	}
	r.clock.Advance(time.Second)
	r.nothing()
	if s := r.state(); len(s.Pending) != 0 || s.Unsaid != 3 {
		t.Errorf("after the bound: %d wait, %d counted; want 0 and 3", len(s.Pending), s.Unsaid)
	}
	chat.err = nil
	r.handle(die(r, "Here"))
	if got := r.said("Here** died"); len(got) != 1 || unsaidIn(t, got[0].Content) != 3 {
		t.Errorf("next line = %v, want one that tells of 3", got)
	}
	if got := r.said("Gone"); len(got) != 0 {
		t.Errorf("old news was said: %v", got)
	}
	if s := r.state(); s.Unsaid != 0 {
		t.Errorf("%d still counted", s.Unsaid)
	}
}

// A message that waits is tried again after a pause that grows to a minute.
func TestChatPauses(t *testing.T) {
	for _, c := range []struct {
		name  string
		err   error
		calls int // in 15 minutes of events every second
	}{
		{"away", errAway, 18},                     // after 5, 10, 20, 40 s, then every minute
		{"forbidden", world.ErrChatForbidden, 15}, // every minute
	} {
		t.Run(c.name, func(t *testing.T) {
			r, chat := withMoodyChat(t, c.err)
			r.handle(die(r, "Astrid"))
			for end := r.clock.Now().Add(world.ChatLifetime); r.clock.Now().Before(end); r.clock.Advance(time.Second) {
				r.nothing()
			}
			if d := chat.calls - c.calls; d < -1 || d > 1 {
				t.Errorf("%d calls in %s, want about %d", chat.calls, world.ChatLifetime, c.calls)
			}
		})
	}
}

// A bot without the right to write fails no event, and says what it has to say
// when it is given the right back.
func TestChatForbidden(t *testing.T) {
	r := newRig(t)
	r.burning()
	r.discord.Forbid(true)
	invalid := r.discord.Stats().Invalid
	r.handle(r.command("Ana", "stop"))
	if n := len(r.orders.Messages()); n != 1 {
		t.Errorf("%d orders, want 1: the world waits for no message", n)
	}
	// The answer has its own token and needs no right.
	if got := r.said("puts the fire out"); len(got) != 1 {
		t.Errorf("answered %d times, want once", len(got))
	}
	r.pass(40 * time.Second)
	if n := r.discord.Stats().Invalid - invalid; n > 2 {
		t.Errorf("%d refused calls in 40 s, want at most 2", n)
	}
	r.discord.Forbid(false)
	r.pass(40 * time.Second)
	if got := r.said("is going out"); len(got) != 1 {
		t.Errorf("card says so %d times, want once", len(got))
	}
	if s := r.state(); len(s.Pending) > 0 {
		t.Errorf("%d still wait", len(s.Pending))
	}
}

// hanging never answers before the caller gives up.
type hanging struct{}

func (hanging) Post(ctx context.Context, _ string, _ world.Say, _ string) (world.MessageRef, error) {
	<-ctx.Done()
	return world.MessageRef{}, ctx.Err()
}

func (hanging) Find(ctx context.Context, _ string, _ world.Say, _ time.Time) (world.MessageRef, error) {
	<-ctx.Done()
	return world.MessageRef{}, ctx.Err()
}

func (hanging) Edit(ctx context.Context, _ world.MessageRef, _ world.Say) error {
	<-ctx.Done()
	return ctx.Err()
}

func (hanging) Reply(ctx context.Context, _ world.Reply, _ world.Say) (world.MessageRef, error) {
	<-ctx.Done()
	return world.MessageRef{}, ctx.Err()
}

// A chat that never answers costs an event its share of the time and no more,
// however much waits to be said.
func TestChatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memory(wall{}).Store()
		away := bare(store, &moody{Chat: &noteChat{}, err: errAway}, wall{})
		for i := range world.MaxChatWaiting {
			if err := away.Handle(t.Context(), death(int64(i+1), time.Now())); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(2 * time.Minute) // the bubble's: all of it is due again
		begun := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Second)
		defer cancel()
		if err := bare(store, hanging{}, wall{}).Handle(ctx, death(world.MaxChatWaiting+1, time.Now())); err != nil {
			t.Errorf("Handle: %v", err)
		}
		if took := time.Since(begun); took > 20*time.Second {
			t.Errorf("the event took %s, want at most 20 s", took)
		}
		row, err := store.Load(t.Context(), world.Key{Guild: "1", World: midgard})
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range row.State.Pending {
			if p.Claim != "" {
				t.Errorf("message %s is still claimed", p.ID)
			}
		}
		if n := len(row.State.Pending); n != world.MaxChatWaiting {
			t.Errorf("%d wait, want %d", n, world.MaxChatWaiting)
		}
	})
}

// A card that somebody deleted is posted again once; whoever deletes it twice
// means it.
func TestCardDeleted(t *testing.T) {
	r := newRig(t)
	r.burning()
	first := *r.state().Card
	r.deleteMessage(first)
	r.handle(spawn(r, "1", "Astrid"))
	again := *r.state().Card
	if again == first {
		t.Fatal("the card was not posted again")
	}
	if got := r.said("Midgard is burning"); len(got) != 1 || got[0].ID != again.ID {
		t.Errorf("cards = %v, want the new one", got)
	}
	r.handle(spawn(r, "2", "Bjorn"))
	if got := r.said("Bjorn"); len(got) != 2 { // the line, and the card
		t.Errorf("%d messages name Bjorn, want line and card", len(got))
	}
	r.deleteMessage(again)
	r.handle(spawn(r, "3", "Cnut"))
	r.handle(spawn(r, "4", "Dag"))
	if got := r.said("Midgard is burning"); len(got) != 0 {
		t.Errorf("posted a third time: %v", got)
	}
	if s := r.state(); len(s.Pending) > 0 {
		t.Errorf("pending: %v", s.Pending)
	}
}

func (r *rig) deleteMessage(ref world.MessageRef) {
	r.t.Helper()
	h := http.Header{}
	h.Set("Authorization", "Bot "+botToken)
	h.Set("User-Agent", "DiscordBot (https://example.org, 1.0)")
	a, err := r.discord.Call(context.Background(), http.MethodDelete,
		simdiscord.APIPrefix+"/channels/"+ref.Channel+"/messages/"+ref.ID, h, nil)
	if err != nil || a.Status != http.StatusNoContent {
		r.t.Fatalf("delete message: %d %s, %v", a.Status, a.Body, err)
	}
}

// An answer whose token is dead goes to the channel, unless it was for one
// person alone.
func TestDeadToken(t *testing.T) {
	for _, c := range []struct {
		command string
		want    int
	}{{"stop", 1}, {"status", 0}} {
		t.Run(c.command, func(t *testing.T) {
			r := newRig(t)
			r.burning()
			body := r.command("Bo", c.command)
			r.clock.Advance(simdiscord.TokenLife + time.Minute)
			before := len(r.discord.Messages())
			r.handle(body)
			if got := r.said("more than 15 minutes ago"); len(got) != c.want {
				t.Errorf("told %d times, want %d", len(got), c.want)
			}
			if n := len(r.discord.Messages()) - before; n != c.want {
				t.Errorf("%d new messages, want %d", n, c.want)
			}
			s := r.state()
			if len(s.Pending) > 0 || s.Unsaid > 0 || s.Status != world.Online {
				t.Errorf("%s, pending %v, %d unsaid; want online and nothing else", s.Status, s.Pending, s.Unsaid)
			}
		})
	}
}
