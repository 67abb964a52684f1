package bot_test

import (
	"testing"
	"time"

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
