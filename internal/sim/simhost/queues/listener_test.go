package queues_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"hearth/internal/clock"
	"hearth/internal/sim/simhost/queues"
)

// bench is a listener in a bubble.
type bench struct {
	t             *testing.T
	queue, poison *memory
	l             *queues.Listener
	begin         time.Time
	stop, crash   context.CancelFunc
	ended         chan struct{}

	mu       sync.Mutex // guards what follows
	events   []string   // "12.5s 1 invoked"
	failures []error
	poisoned int
}

type function func(ctx context.Context, d queues.Delivery) error

func defaults() queues.Options {
	return queues.Options{BatchSize: 16, NewBatchThreshold: 8, MaxDequeueCount: 5, MaxPollingInterval: time.Minute}
}

func decode(text string) ([]byte, bool) {
	b, err := base64.StdEncoding.DecodeString(text)
	return b, err == nil
}

func start(t *testing.T, o queues.Options, f function) *bench {
	t.Helper()
	return startOn(t, &memory{created: true}, o, f)
}

func startOn(t *testing.T, q *memory, o queues.Options, f function) *bench {
	t.Helper()
	b := &bench{t: t, queue: q, poison: &memory{}, begin: time.Now(), ended: make(chan struct{})}
	o.Queue, o.Poison, o.Decode = b.queue, b.poison, decode
	o.Clock, o.Log = clock.System{}, slog.New(slog.DiscardHandler)
	o.Invoke = func(ctx context.Context, d queues.Delivery) error {
		b.note("invoked", d)
		return f(ctx, d)
	}
	o.Observe = func(s queues.Step, d queues.Delivery) { b.note(string(s), d) }
	o.Poisoned = func() { b.poisoned++ }
	o.Fail = func(err error) {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.failures = append(b.failures, err)
	}
	b.l = queues.NewListener(o)
	ctx, crash := context.WithCancel(t.Context())
	intake, stop := context.WithCancel(ctx)
	b.stop, b.crash = stop, crash
	go func() {
		b.l.Run(ctx, intake)
		close(b.ended)
	}()
	return b
}

func (b *bench) note(what string, d queues.Delivery) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.events = append(b.events, fmt.Sprintf("%v %s %s", time.Since(b.begin).Round(time.Second), d.ID, what))
}

func (b *bench) seen() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.events)
}

func (b *bench) count(what string) (n int) {
	for _, e := range b.seen() {
		if strings.HasSuffix(e, " "+what) {
			n++
		}
	}
	return n
}

func (b *bench) send(text string) {
	b.t.Helper()
	if err := b.queue.Send(b.t.Context(), base64.StdEncoding.EncodeToString([]byte(text))); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) pass(d time.Duration) {
	time.Sleep(d) // the bubble's
	synctest.Wait()
}

func (b *bench) close() {
	b.stop()
	<-b.ended
}

func (b *bench) want(events ...string) {
	b.t.Helper()
	if got := b.seen(); !slices.Equal(got, events) {
		b.t.Errorf("got  %q\nwant %q", got, events)
	}
}

func fine(context.Context, queues.Delivery) error { return nil }

var errFunction = errors.New("it failed")

func bad(context.Context, queues.Delivery) error { return errFunction }

func TestSuccess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, defaults(), func(_ context.Context, d queues.Delivery) error {
			if string(d.Body) != "hello" || d.Invocation == "" || d.DequeueCount != 1 {
				t.Errorf("got %+v", d)
			}
			return nil
		})
		defer b.close()
		b.send("hello")
		b.pass(time.Second)
		b.want("0s 1 received", "0s 1 invoked", "0s 1 deleted")
		if len(b.queue.texts()) > 0 {
			t.Error("the message is still there")
		}
	})
}

// The waits after empty polls grow as documented, up to the cap, and begin anew
// once a message was found.
func TestBackOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, defaults(), fine)
		defer b.close()
		b.pass(10 * time.Minute)
		waits := func(polls []time.Time) (out []float64) {
			for i := 1; i < len(polls); i++ {
				out = append(out, polls[i].Sub(polls[i-1]).Seconds())
			}
			return out
		}
		check := func(got []float64) {
			t.Helper()
			want := []float64{0.1, 0.2, 0.3, 0.5, 0.9, 1.7, 3.3, 6.5, 12.9, 25.7, 51.3, 60, 60}
			if len(got) < len(want) {
				t.Fatalf("got %v", got)
			}
			for i, w := range want {
				slack := 0.2 * (w - 0.1)
				if w == 60 {
					slack = 0
				}
				// 51.3 s + 20 % is above the cap.
				if got[i] < w-slack-1e-6 || got[i] > min(w+slack, 60)+1e-6 {
					t.Errorf("wait %d: got %.2f s, want %.1f s ± %.2f", i+1, got[i], w, slack)
				}
			}
		}
		check(waits(b.queue.polled()))
		b.send("found")
		b.pass(10 * time.Minute)
		if b.count("deleted") != 1 {
			t.Fatal(b.seen())
		}
		polls := b.queue.polled()
		n := slices.IndexFunc(polls, func(p time.Time) bool { return p.Sub(b.begin) > 10*time.Minute })
		check(waits(polls[n+1:])) // the poll at n found it, the next came at once
	})
}

// The cap is host.json's; Wake ends a wait at once, and does not begin the waits
// anew.
func TestCapAndWake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := defaults()
		o.MaxPollingInterval = 2 * time.Second
		b := start(t, o, fine)
		defer b.close()
		b.pass(time.Minute)
		b.send("idle") // as a REST call does it: nobody is woken
		b.pass(2 * time.Second)
		if b.count("deleted") != 1 {
			t.Errorf("got %q, want it found within the cap", b.seen())
		}
		b.pass(time.Minute + 700*time.Millisecond)
		b.send("woken")
		b.l.Wake()
		synctest.Wait()
		if b.count("deleted") != 2 {
			t.Errorf("got %q, want it found at once", b.seen())
		}
	})
}

func TestIdleForAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, defaults(), fine)
		defer b.close()
		b.pass(10 * time.Minute)
		polls := b.queue.polled()
		last := polls[len(polls)-1]
		b.pass(time.Until(last.Add(61 * time.Second))) // a second after the next poll
		b.send("idle")
		b.pass(58 * time.Second)
		if b.count("received") != 0 {
			t.Errorf("got %q: a warm and idle listener looks once a minute", b.seen())
		}
		b.pass(2 * time.Second)
		if b.count("deleted") != 1 {
			t.Errorf("got %q", b.seen())
		}
	})
}

// A failure releases the message, for visibilityTimeout; the last one poisons it.
func TestFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := defaults()
		o.MaxDequeueCount, o.VisibilityTimeout, o.MaxPollingInterval = 3, 30*time.Second, time.Second
		b := start(t, o, bad)
		defer b.close()
		b.send("hello")
		b.pass(5 * time.Minute)
		got := b.seen()
		want := []string{"received", "invoked", "released", "received", "invoked", "released", "received", "invoked", "poisoned"}
		if len(got) != len(want) {
			t.Fatalf("got %q", got)
		}
		for i, w := range want {
			if !strings.HasSuffix(got[i], w) {
				t.Errorf("got %q, want %q", got[i], w)
			}
		}
		if first, second := strings.Fields(got[3])[0], strings.Fields(got[6])[0]; first < "30s" || first > "31s" || second < "1m0s" || second > "1m2s" {
			t.Errorf("it came again after %s and %s, want 30 s between", first, second)
		}
		if texts := b.poison.texts(); !slices.Equal(texts, []string{base64.StdEncoding.EncodeToString([]byte("hello"))}) || len(b.queue.texts()) > 0 || b.poisoned != 1 {
			t.Errorf("got %q in the poison queue, %q in its own", texts, b.queue.texts())
		}
	})
}

// With visibilityTimeout 0, the default, five failures take no time at all.
func TestFailureAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, defaults(), bad)
		defer b.close()
		b.send("hello")
		b.pass(time.Second)
		if b.count("invoked") != 5 || b.count("poisoned") != 1 {
			t.Errorf("got %q", b.seen())
		}
	})
}

// A message that was received more often than the limit goes to the poison
// queue without a call; so does one that is no base64, as it is stored.
func TestPoisonUnseen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, defaults(), func(context.Context, queues.Delivery) error {
			t.Error("the function was called")
			return nil
		})
		defer b.close()
		b.send("often")
		b.queue.mu.Lock()
		b.queue.stored[0].DequeueCount = 5
		b.queue.mu.Unlock()
		if err := b.queue.Send(t.Context(), "no base64!"); err != nil {
			t.Fatal(err)
		}
		b.pass(time.Second)
		if b.count("poisoned") != 2 || len(b.queue.texts()) > 0 {
			t.Errorf("got %q", b.seen())
		}
		texts := b.poison.texts()
		slices.Sort(texts)
		if want := []string{base64.StdEncoding.EncodeToString([]byte("often")), "no base64!"}; !slices.Equal(texts, want) {
			t.Errorf("got %q, want %q", texts, want)
		}
	})
}

// A lease of 10 minutes is renewed every 5 while the function runs, so that
// nobody else gets the message; it is deleted with the last receipt.
func TestRenewal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, defaults(), func(context.Context, queues.Delivery) error {
			time.Sleep(23 * time.Minute)
			return nil
		})
		defer b.close()
		b.send("long")
		b.pass(25 * time.Minute)
		b.want("0s 1 received", "0s 1 invoked", "23m0s 1 deleted")
	})
}

// While the storage fails a renewal is tried again sooner; after the receipt is
// stale, no more.
func TestRenewalFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var hidden []time.Duration
		b := start(t, defaults(), func(context.Context, queues.Delivery) error {
			time.Sleep(12 * time.Minute)
			return nil
		})
		defer b.close()
		b.queue.failing(func(op string) error {
			if op != "hide" {
				return nil
			}
			hidden = append(hidden, time.Since(b.begin))
			if len(hidden) < 3 {
				return queues.ErrServer
			}
			return nil
		})
		b.send("long")
		b.pass(13 * time.Minute)
		want := []time.Duration{5 * time.Minute, 7*time.Minute + 30*time.Second, 8*time.Minute + 45*time.Second}
		if !slices.Equal(hidden, want) || b.count("deleted") != 1 || len(b.failures) > 0 {
			t.Errorf("renewed at %v, want %v; %q %v", hidden, want, b.seen(), b.failures)
		}
	})
}

// A host that is gone does nothing to its messages any more: they come to the
// next one when the lease has lapsed.
func TestCrash(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, defaults(), func(ctx context.Context, _ queues.Delivery) error {
			<-ctx.Done()
			return ctx.Err()
		})
		b.send("hello")
		b.pass(7 * time.Minute) // renewed once, at 5
		b.crash()
		<-b.ended
		b.want("0s 1 received", "0s 1 invoked")
		o := defaults()
		o.MaxPollingInterval = time.Second
		next := startOn(t, b.queue, o, fine)
		defer next.close()
		next.pass(7*time.Minute + 59*time.Second)
		next.want()
		next.pass(2 * time.Second)
		if next.count("deleted") != 1 {
			t.Errorf("got %q, want it after the 8 minutes that are left of the lease", next.seen())
		}
	})
}

// After Stop, what runs is finished, and nothing new is taken.
func TestStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, defaults(), func(context.Context, queues.Delivery) error {
			time.Sleep(5 * time.Second)
			return nil
		})
		b.send("one")
		b.pass(time.Second)
		b.stop()
		b.send("two")
		<-b.ended
		b.want("0s 1 received", "0s 1 invoked", "5s 1 deleted")
	})
}

// A batch runs in parallel; the next is fetched when no more than
// newBatchThreshold are running.
func TestBatches(t *testing.T) {
	for _, tt := range []struct{ batch, threshold, most int }{{4, 2, 6}, {1, 0, 1}, {16, 8, 24}} {
		synctest.Test(t, func(t *testing.T) {
			o := defaults()
			o.BatchSize, o.NewBatchThreshold = tt.batch, tt.threshold
			var mu sync.Mutex
			running, most := 0, 0
			b := start(t, o, func(_ context.Context, d queues.Delivery) error {
				mu.Lock()
				running++
				most = max(most, running)
				mu.Unlock()
				n, _ := strconv.Atoi(d.ID)
				time.Sleep(time.Duration(1+n%7) * time.Second)
				mu.Lock()
				running--
				mu.Unlock()
				return nil
			})
			defer b.close()
			for range 60 {
				b.send("x")
			}
			b.pass(10 * time.Minute)
			if b.count("deleted") != 60 {
				t.Errorf("%d were deleted of 60", b.count("deleted"))
			}
			if most != tt.most && (tt.batch == 1 || most > tt.most || most < tt.batch) {
				t.Errorf("batches of %d at %d: %d ran at once, want at most %d", tt.batch, tt.threshold, most, tt.most)
			}
		})
	}
}

// What the storage's errors do: a missing queue and a failing storage are waited
// for, anything else stops the host.
func TestStorageErrors(t *testing.T) {
	forbidden := errors.New("403")
	for _, tt := range []struct {
		op    string
		err   error
		stops bool
		want  string // what becomes of the message after a minute
	}{
		{"receive", queues.ErrNoQueue, false, "deleted"},
		{"receive", queues.ErrServer, false, "deleted"},
		{"receive", forbidden, true, ""},
		{"delete", queues.ErrGone, false, ""},
		{"delete", queues.ErrServer, true, ""},
		{"delete", forbidden, true, ""},
	} {
		t.Run(tt.op+" "+tt.err.Error(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := start(t, defaults(), fine)
				defer b.close()
				times := 0
				b.queue.failing(func(op string) error {
					if op == tt.op && times < 3 {
						times++
						return tt.err
					}
					return nil
				})
				b.send("hello")
				b.pass(time.Minute)
				if got := len(b.failures) > 0; got != tt.stops {
					t.Errorf("got %v, stops is to be %v", b.failures, tt.stops)
				}
				if tt.stops && !errors.Is(b.failures[0], tt.err) {
					t.Errorf("got %v, want %v", b.failures[0], tt.err)
				}
				if tt.want != "" && b.count(tt.want) != 1 || tt.want == "" && b.count("deleted") > 0 {
					t.Errorf("got %q", b.seen())
				}
			})
		})
	}
}

// A queue that does not exist yet is looked for ever less often, and found.
func TestMissingQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := defaults()
		o.MaxPollingInterval = 2 * time.Second
		b := start(t, o, fine)
		defer b.close()
		b.queue.mu.Lock()
		b.queue.created = false
		b.queue.mu.Unlock()
		b.pass(time.Minute)
		if n := len(b.queue.polled()); n > 40 {
			t.Errorf("it was looked for %d times in a minute", n)
		}
		b.send("hello")
		b.pass(2 * time.Second)
		if b.count("deleted") != 1 || len(b.failures) > 0 {
			t.Errorf("got %q %v", b.seen(), b.failures)
		}
	})
}
