package bot_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"hearth/internal/discord"
	"hearth/internal/world"
)

// TestSaidBeforeItDied: a worker ends right after it has said something, and
// the next one comes when Discord has forgotten the nonce. It is said once.
func TestSaidBeforeItDied(t *testing.T) {
	for name, d := range map[string]struct {
		setup func(*rig)
		event func(*rig) []byte
		call  string
		part  string
	}{
		"a line": {(*rig).burning, func(r *rig) []byte { return spawn(r, "1", "Astrid") }, "post", "**Astrid** came in"},
		"a card": {func(*rig) {}, func(r *rig) []byte { return r.command("Ana", "start") }, "post", "is lighting **Midgard**"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			d.setup(r)
			body := d.event(r)
			if name == "a card" { // its deferred answer is missed, so it is posted
				r.discord.LoseWebhooks(20)
			}
			l := &life{how: diesAfter, when: d.call}
			if lived, _ := l.survives(func() error { return r.worker(l).Handle(t.Context(), body, 1) }); lived {
				t.Fatalf("the worker lived: %v", l.calls)
			}
			r.discord.LoseWebhooks(0)
			if n := len(r.said(d.part)); n != 1 {
				t.Fatalf("said %d times before the end, want 1", n)
			}
			r.clock.Advance(10 * time.Minute)
			r.handle(r.bot("later", &world.Timer{Kind: world.TimerLook, Number: -1}))
			if n := len(r.said(d.part)); n != 1 {
				t.Errorf("said %d times, want 1", n)
			}
			if s := r.state(); len(s.Pending) > 0 {
				t.Errorf("%d effects are left", len(s.Pending))
			}
		})
	}
}

// refusedAfter is a chat that carries a post out once and loses its answer, and
// whose repeat of it Discord refuses.
type refusedAfter struct {
	world.Chat
	refused bool
}

func (c *refusedAfter) Post(ctx context.Context, channel string, say world.Say, nonce string) (world.MessageRef, error) {
	ref, err := c.Chat.Post(ctx, channel, say, nonce)
	if err == nil && !c.refused {
		c.refused = true
		return world.MessageRef{}, &discord.Error{Status: http.StatusForbidden, Code: 50013, Maybe: true}
	}
	return ref, err
}

// TestSaidAndThenRefused: what was perhaps said before it was refused is looked
// for before it is said again.
func TestSaidAndThenRefused(t *testing.T) {
	r := newRig(t)
	r.burning()
	r.chat = &refusedAfter{Chat: r.chat}
	r.handle(spawn(r, "1", "Astrid"))
	r.clock.Advance(10 * time.Minute)
	r.handle(r.bot("later", &world.Timer{Kind: world.TimerLook, Number: -1}))
	if n := len(r.said("**Astrid** came in")); n != 1 {
		t.Errorf("said %d times, want 1", n)
	}
}
