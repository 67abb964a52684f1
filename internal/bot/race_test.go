package bot_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"hearth/internal/bot"
	"hearth/internal/sqlite"
	"hearth/internal/world"
)

// wall is the system's clock, or its bubble's.
type wall struct{}

func (wall) Now() time.Time                         { return time.Now() }
func (wall) After(d time.Duration) <-chan time.Time { return time.After(d) }

// shifted is the wall's time and what the test adds to it, so that a claim of
// a minute can end at once.
type shifted struct {
	wall
	by atomic.Int64 // nanoseconds
}

func (c *shifted) Now() time.Time { return c.wall.Now().Add(time.Duration(c.by.Load())) }

// counted counts what comes to a store.
type counted struct {
	world.Store
	reads, writes, wins atomic.Int64
}

func (c *counted) Load(ctx context.Context, key world.Key) (world.Row, error) {
	c.reads.Add(1)
	return c.Store.Load(ctx, key)
}

func (c *counted) Insert(ctx context.Context, row world.Row) (string, error) {
	return c.count(c.Store.Insert(ctx, row))
}

func (c *counted) Replace(ctx context.Context, row world.Row) (string, error) {
	return c.count(c.Store.Replace(ctx, row))
}

func (c *counted) count(etag string, err error) (string, error) {
	c.writes.Add(1)
	if err == nil {
		c.wins.Add(1)
	}
	return etag, err
}

// noteChat remembers each message once by its nonce, as Discord does, without
// Discord's rate limits.
type noteChat struct {
	mu    sync.Mutex // guards what follows
	posts map[string]string
	calls int
}

func (n *noteChat) Post(_ context.Context, channel string, m world.Say, nonce string) (world.MessageRef, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.calls++
	if n.posts == nil {
		n.posts = map[string]string{}
	}
	n.posts[nonce] = m.Text
	return world.MessageRef{Channel: channel, ID: nonce}, nil
}

func (n *noteChat) Find(context.Context, string, world.Say, time.Time) (world.MessageRef, error) {
	return world.MessageRef{}, world.ErrMessageGone
}

func (n *noteChat) Edit(context.Context, world.MessageRef, world.Say) error { return nil }

func (n *noteChat) Reply(_ context.Context, to world.Reply, _ world.Say) (world.MessageRef, error) {
	return world.MessageRef{Channel: "1", ID: to.Token.Reveal()}, nil
}

// still is a cloud in which nothing happens.
type still struct{}

func (still) Scale(context.Context, world.Placement, int) (string, error) { return "token", nil }
func (still) Poll(context.Context, string) (bool, error)                  { return false, nil }
func (still) Instances(context.Context, world.Placement) ([]world.Instance, error) {
	return nil, nil
}

// bare is a runner with nothing around it but a store.
func bare(store world.Store, chat world.Chat, clock world.Clock) *bot.Runner {
	q := memory(clock).Queue(world.EventsQueue)
	return &bot.Runner{
		Guild: world.Guild{ID: "1", Channel: "2"}, Worlds: oneWorld(), Store: store, Compute: still{}, Chat: chat,
		Events: q, Orders: func(string) world.Queue { return q }, Key: []byte("the bot's own key, nobody else's"), Clock: clock, Log: silent(),
	}
}

func death(seq int64, at time.Time) world.Event {
	return world.Event{
		ID: fmt.Sprintf("%s/1/%d", midgard, seq), Source: world.SourceAgent, World: midgard, Time: at,
		Data: &world.Died{Heard: world.Heard{Epoch: 1, Seq: seq}, Player: world.Player{Owner: "1", Name: fmt.Sprintf("n%d", seq)}},
	}
}

const (
	racers    = 8
	perRacer  = 25
	allEvents = racers * perRacer
)

func TestRaceOnOneRow(t *testing.T) {
	t.Run("memory", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) { race(t, memory(wall{}).Store()) })
	})
	t.Run("slow memory", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) { race(t, slow{memory(wall{}).Store()}) })
	})
	t.Run("sqlite", func(t *testing.T) {
		db, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "hearth.db"), wall{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := db.Close(); err != nil {
				t.Errorf("close database: %v", err)
			}
		})
		race(t, db.Store())
	})
}

// slow is a store whose calls take a moment, so that workers meet in it.
type slow struct{ world.Store }

func (s slow) Load(ctx context.Context, key world.Key) (world.Row, error) {
	<-time.After(time.Millisecond)
	return s.Store.Load(ctx, key)
}

func (s slow) Replace(ctx context.Context, row world.Row) (string, error) {
	<-time.After(time.Millisecond)
	return s.Store.Replace(ctx, row)
}

// far is a store as far away as a storage account.
type far struct{ world.Store }

func (s far) Load(ctx context.Context, key world.Key) (world.Row, error) {
	<-time.After(20 * time.Millisecond)
	return s.Store.Load(ctx, key)
}

func (s far) Replace(ctx context.Context, row world.Row) (string, error) {
	<-time.After(10 * time.Millisecond)
	defer func() { <-time.After(10 * time.Millisecond) }()
	return s.Store.Replace(ctx, row)
}

// TestBurst: twelve workers, as many as a host lets have an event in hand, and
// a burst of events on one row. Hardly any goes back to the queue, where it
// would wait for half a minute.
func TestBurst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const workers, events, most = 12, 200, 8
		r := bare(far{memory(wall{}).Store()}, &noteChat{}, wall{})
		if err := r.Handle(t.Context(), death(1, time.Now())); err != nil {
			t.Fatal(err)
		}
		var (
			wg     sync.WaitGroup
			failed atomic.Int64
			queue  = make(chan int64)
		)
		for range workers {
			wg.Go(func() {
				for seq := range queue {
					if r.Handle(t.Context(), death(seq, time.Now())) != nil {
						failed.Add(1)
					}
				}
			})
		}
		for i := range int64(events) {
			queue <- 2 + i
		}
		close(queue)
		wg.Wait()
		if n := failed.Load(); n > most {
			t.Errorf("%d of %d events would come again, want %d at most", n, events, most)
		}
	})
}

// race lets eight workers handle 25 events each on one row. A worker that
// loses too often gets its event again, as from the queue: at once if it lost
// the first write, after its own claim if it lost the second.
func race(t *testing.T, inner world.Store) {
	store, chat := &counted{Store: inner}, &noteChat{}
	var (
		wg    sync.WaitGroup
		again atomic.Int64
		clock shifted
		later = make(chan world.Event, allEvents) // claimed by workers that gave up
	)
	for w := range racers {
		wg.Go(func() {
			r := bare(store, chat, &clock)
			for i := range perRacer {
				e := death(int64(i*racers+w+1), time.Now())
				err := r.Handle(t.Context(), e)
				for errors.Is(err, world.ErrConflict) {
					again.Add(1)
					err = r.Handle(t.Context(), e)
				}
				switch {
				case errors.Is(err, bot.ErrClaimed):
					later <- e
				case err != nil:
					t.Errorf("Handle %s: %v", e.ID, err)
				}
			}
		})
	}
	wg.Wait()
	close(later)
	clock.by.Add(int64(claimTime + time.Second))
	for e := range later {
		if err := bare(store, chat, &clock).Handle(t.Context(), e); err != nil {
			t.Errorf("Handle %s after its claim: %v", e.ID, err)
		}
	}
	row, err := inner.Load(t.Context(), world.Key{Guild: "1", World: midgard})
	if err != nil {
		t.Fatal(err)
	}
	s := row.State
	if s.Session.Deaths != allEvents {
		t.Errorf("%d deaths counted, want %d: events lost or counted twice", s.Session.Deaths, allEvents)
	}
	if s.Boot.Seen.Mark != allEvents || len(s.Boot.Seen.Beyond) > 0 {
		t.Errorf("seen up to %d and %d beyond, want %d and 0", s.Boot.Seen.Mark, len(s.Boot.Seen.Beyond), allEvents)
	}
	if s.Generation != store.wins.Load() {
		t.Errorf("generation = %d after %d writes", s.Generation, store.wins.Load())
	}
	texts := map[string]int{}
	for _, text := range chat.posts {
		texts[text]++
	}
	deaths := 0
	for text, n := range texts {
		if n != 1 {
			t.Errorf("said %d times: %q", n, text)
		}
		deaths++
	}
	// One keeper's message: an agent spoke of a machine that nobody wants.
	if deaths != allEvents+1 || s.Unsaid > 0 || len(s.Pending) > 0 {
		t.Errorf("%d lines said, %d dropped, %d pending; want %d, 0, 0", deaths, s.Unsaid, len(s.Pending), allEvents+1)
	}
	t.Logf("%d events: %.2f reads, %.2f writes an event, %d deliveries too many",
		allEvents, float64(store.reads.Load())/allEvents, float64(store.writes.Load())/allEvents, again.Load())
}

func TestStoreCallsPerEvent(t *testing.T) {
	r := newRig(t)
	r.burning()
	for _, c := range []struct {
		name          string
		event         func() []byte
		reads, writes int
	}{
		{"with effects", func() []byte { return spawn(r, "1", "Astrid") }, 1, 2},
		{"order, delay and messages", func() []byte { return r.command("Ana", "stop") }, 1, 2},
		{"without effects", func() []byte {
			return r.agent(func(h world.Heard) world.Payload {
				return &world.Heartbeat{Heard: h, Listening: true, Players: []world.Player{{Owner: "1", Name: "Astrid"}}}
			})
		}, 1, 1},
		{"that changes nothing", func() []byte { return r.bot("x", &world.Timer{Kind: world.TimerLook, Number: -1}) }, 1, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			body, l := c.event(), &life{}
			if err := r.worker(l).Handle(t.Context(), body, 1); err != nil {
				t.Fatal(err)
			}
			if got := [2]int{l.count("load"), l.count("write")}; got != [2]int{c.reads, c.writes} {
				t.Errorf("reads and writes = %v, want %d and %d: %v", got, c.reads, c.writes, l.calls)
			}
			again := &life{}
			if err := r.worker(again).Handle(t.Context(), body, 2); err != nil {
				t.Fatal(err)
			}
			if again.count("load") != 1 || len(again.calls) != 1 {
				t.Errorf("second delivery: %v, want one load", again.calls)
			}
		})
	}
}
