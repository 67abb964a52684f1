package agent_test

import (
	"fmt"
	"testing"
	"time"

	"hearth/internal/world"
)

func TestOutbox(t *testing.T) {
	inBubble(t, "a queue away for ten minutes loses nothing and keeps the order", func(t *testing.T, r *rig) {
		s := r.up()
		r.events.set(func(q *queue) { q.away, q.tries = true, 0 })
		for i := range 60 {
			spawn(s, fmt.Sprintf("Viking%d", i), 1000+i)
			pass(10 * time.Second)
		}
		r.want("spawned", 0)
		if n := r.events.attempts(); n > 150 {
			t.Errorf("got %d attempts in ten minutes", n)
		}
		r.events.set(func(q *queue) { q.away = false })
		pass(11 * time.Second)
		for i, e := range r.want("spawned", 60) {
			if got, want := e.Data.(*world.Spawned).Player.Name, fmt.Sprintf("Viking%d", i); got != want {
				t.Fatalf("event %d: got %s, want %s", i, got, want)
			}
		}
		r.inOrder()
	})
	inBubble(t, "an event whose reply was lost is sent again under its id", func(t *testing.T, r *rig) {
		s := r.up()
		r.events.set(func(q *queue) { q.lost = 1 })
		spawn(s, "Astrid", 4242)
		pass(5 * time.Second)
		sent := r.events.sent
		if a, b := sent[len(sent)-2].body, sent[len(sent)-1].body; string(a) != string(b) {
			t.Fatalf("got two different events:\n%s\n%s", a, b)
		}
		r.inOrder()
	})
	inBubble(t, "a queue that hangs does not hold the log", func(_ *testing.T, r *rig) {
		r.up()
		r.events.set(func(q *queue) { q.hangs = true })
		r.order(world.OrderStop, "op-1")
		pass(5 * time.Second)
		if r.server(0).stops() == nil {
			r.t.Fatal("not stopped")
		}
		r.events.set(func(q *queue) { q.hangs = false })
		pass(20 * time.Second)
		r.want("save_proven", 1)
	})
}
