package agent_test

import (
	"bytes"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"hearth/internal/agent"
	"hearth/internal/world"
)

// console is what a log is written to.
type console struct {
	mu   sync.Mutex // guards text
	text bytes.Buffer
}

// Write implements io.Writer.
func (c *console) Write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.text.Write(b)
}

// taken is what was written since it was last taken.
func (c *console) taken() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	defer c.text.Reset()
	return c.text.String()
}

// TestHeard: no game is made before the queue took the boot's first word, and
// nothing else waits for that.
func TestHeard(t *testing.T) {
	refuse := func(r *rig) { r.events.set(func(q *queue) { q.away = true }) }
	takes := func(r *rig) { r.events.set(func(q *queue) { q.away = false }) }
	games := func(t *testing.T, r *rig, want int) {
		t.Helper()
		if n := len(r.game.all()); n != want {
			t.Fatalf("%d processes of the game, want %d", n, want)
		}
	}
	inBubble(t, "a queue that refuses holds the game, and the console says so", func(t *testing.T, r *rig) {
		var console console
		r.log = slog.NewTextHandler(&console, nil)
		refuse(r)
		r.start()
		pass(10*time.Minute + time.Second)
		games(t, r, 0)
		lines, said := 0, console.taken()
		for line := range strings.Lines(said) {
			if strings.Contains(line, "game is not started: the events queue does not take") {
				lines++
				if _, why, _ := strings.Cut(line, " error="); !strings.Contains(why, errAway.Error()) { // the bot reads it there
					t.Errorf("no error in %s", line)
				}
			}
		}
		if lines != 10 {
			t.Errorf("%d lines in ten minutes, want one a minute:\n%s", lines, said)
		}
		takes(r)
		pass(11 * time.Second) // the queue is asked every ten seconds
		games(t, r, 1)
		pass(10 * time.Minute)
		if said := console.taken(); strings.Contains(said, "game is not started") {
			t.Errorf("it goes on complaining:\n%s", said)
		}
		r.inOrder()
	})
	inBubble(t, "a queue that is away for a moment only delays", func(t *testing.T, r *rig) {
		refuse(r)
		r.start()
		pass(3 * time.Second)
		games(t, r, 0)
		takes(r)
		pass(5 * time.Second)
		r.server(0).log("Valheim version: l-1.0.16 (network version 40)", opened)
		pass(4 * time.Second)
		r.want("listening", 1)
		r.inOrder()
	})
	inBubble(t, "files that were fit long ago are looked at again", func(t *testing.T, r *rig) {
		refuse(r)
		r.start()
		pass(2 * time.Minute)
		r.files.mu.Lock()
		r.files.unfit = &world.FilesError{Reason: world.FilesMissing, Detail: "no Midgard.db"}
		r.files.mu.Unlock()
		takes(r)
		pass(11 * time.Second)
		r.want("cannot_start", 1)
		games(t, r, 0)
	})
	inBubble(t, "an eviction meanwhile: nothing to save, and told", func(t *testing.T, r *rig) {
		refuse(r)
		r.start()
		pass(time.Minute)
		r.notice("n1", "Preempt")
		pass(4 * time.Second)
		if acks := r.metadata.acks(); len(acks) != 1 || acks[0].id != "n1" {
			t.Fatalf("acknowledged %+v", acks)
		}
		takes(r)
		pass(11 * time.Second)
		if p := r.proof(); !p.Confirmed || !p.Untouched || p.Why != world.StopNotice {
			t.Errorf("got %+v", p)
		}
		games(t, r, 0)
		r.inOrder()
	})
	inBubble(t, "an order to stop meanwhile", func(t *testing.T, r *rig) {
		refuse(r)
		r.start()
		pass(time.Minute)
		r.order(world.OrderStop, "op-1")
		pass(3 * time.Second)
		takes(r)
		pass(11 * time.Second)
		if p := r.proof(); !p.Confirmed || !p.Untouched || p.Operation != "op-1" {
			t.Errorf("got %+v", p)
		}
		games(t, r, 0)
	})
	inBubble(t, "the agent's end meanwhile", func(t *testing.T, r *rig) {
		refuse(r)
		r.start()
		pass(time.Minute)
		r.cancel(nil)
		r.ended(agent.FlushFor+time.Second, nil)
		games(t, r, 0)
	})
	inBubble(t, "a game that is found goes on unheard", func(t *testing.T, r *rig) {
		s := r.up()
		refuse(r)
		r.die()
		r.start()
		pass(20 * time.Minute)
		games(t, r, 1)
		if len(s.stops())+len(s.kills()) != 0 || isOver(s) {
			t.Error("it was touched")
		}
		takes(r)
		pass(11 * time.Second)
		spawn(s, "Astrid", 4242)
		pass(time.Second)
		r.want("spawned", 1)
		r.inOrder()
	})
	inBubble(t, "a game that crashes is made again, heard or not", func(t *testing.T, r *rig) {
		s := r.up()
		refuse(r)
		s.log("Caught fatal signal - signo:11 code:1 errno:0 addr:(nil)")
		s.end()
		pass(time.Second)
		games(t, r, 2)
	})
	inBubble(t, "an agent that dies meanwhile: the next one waits, too", func(t *testing.T, r *rig) {
		refuse(r)
		r.start()
		pass(30 * time.Second)
		r.die()
		r.start()
		pass(5 * time.Minute)
		games(t, r, 0)
		takes(r)
		pass(11 * time.Second)
		games(t, r, 1)
		r.want("host_up", 1)
		r.inOrder()
	})
	inBubble(t, "the lease is lost meanwhile: no game", func(t *testing.T, r *rig) {
		refuse(r)
		r.start()
		pass(time.Minute)
		r.lease.steal(t)
		pass(30 * time.Second)
		takes(r)
		pass(time.Minute)
		games(t, r, 0)
	})
	inBubble(t, "the lease is not renewed meanwhile: no game before it is", func(t *testing.T, r *rig) {
		refuse(r)
		r.start()
		pass(time.Minute)
		r.lease.set(func(l *lease) { l.away = true })
		pass(30 * time.Second)
		takes(r)
		pass(15 * time.Second)
		games(t, r, 0)
		r.lease.set(func(l *lease) { l.away = false })
		pass(3 * time.Second)
		games(t, r, 1)
	})
}

// TestLeaseLostWhileChecking: the files take their time, and the world is another's
// by then.
func TestLeaseLostWhileChecking(t *testing.T) {
	inBubble(t, "no game", func(t *testing.T, r *rig) {
		r.files.unfit = &world.FilesError{Reason: world.FilesNotMounted, Detail: "no share"}
		r.start()
		pass(20 * time.Second)
		r.lease.steal(t)
		pass(15 * time.Second)
		r.files.mu.Lock()
		r.files.unfit = nil
		r.files.mu.Unlock()
		pass(time.Minute)
		if n := len(r.game.all()); n != 0 {
			t.Errorf("%d games without the lease", n)
		}
	})
}
