package bot_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"hearth/internal/world"
	"hearth/internal/world/rules"
)

// faulty is a store whose calls go wrong as its fields say.
type faulty struct {
	world.Store
	load  func() error                                            // nil: works
	write func(n int, put func() (string, error)) (string, error) // of the n-th write, from 1
	n     int
}

func (f *faulty) Load(ctx context.Context, key world.Key) (world.Row, error) {
	if f.load != nil {
		if err := f.load(); err != nil {
			return world.Row{}, err
		}
	}
	return f.Store.Load(ctx, key)
}

func (f *faulty) Insert(ctx context.Context, row world.Row) (string, error) {
	return f.put(func() (string, error) { return f.Store.Insert(ctx, row) })
}

func (f *faulty) Replace(ctx context.Context, row world.Row) (string, error) {
	return f.put(func() (string, error) { return f.Store.Replace(ctx, row) })
}

func (f *faulty) put(put func() (string, error)) (string, error) {
	f.n++
	if f.write == nil {
		return put()
	}
	return f.write(f.n, put)
}

// losing commits the n-th write and answers err.
func losing(n int, err error) func(int, func() (string, error)) (string, error) {
	return func(i int, put func() (string, error)) (string, error) {
		etag, perr := put()
		if i == n && perr == nil {
			return "", err
		}
		return etag, perr
	}
}

// A write whose answer is lost, or that a repeat of the request turned into a
// conflict with itself, is recognised: it is not done a second time.
func TestLostReplyOfAWrite(t *testing.T) {
	for _, answer := range []struct {
		name string
		err  error
	}{{"connection lost", errLost}, {"conflict with itself", world.ErrConflict}} {
		t.Run(answer.name, func(t *testing.T) {
			t.Run("insert", func(t *testing.T) {
				r := newRig(t)
				r.store = &faulty{Store: r.store, write: losing(1, answer.err)}
				r.handle(r.command("Bo", "start"))
				// Two writes, and not a third for the lost one.
				if s := r.state(); s.Generation != 2 || s.Status != world.Starting || len(s.Pending) > 0 {
					t.Errorf("generation %d, %s, %d pending; want 2, starting, 0", s.Generation, s.Status, len(s.Pending))
				}
			})
			for n := 1; n <= 2; n++ {
				t.Run(fmt.Sprintf("replace %d", n), func(t *testing.T) {
					r := newRig(t)
					r.burning()
					r.clock.Advance(rules.CheckAfter + time.Minute)
					before := r.state()
					r.store = &faulty{Store: r.store, write: losing(n, answer.err)}
					// A sweep has no id that React could know again.
					r.handle(r.bot("sweep", &world.Sweep{Placement: "vmss-a"}))
					s := r.state()
					if s.CheckNo != before.CheckNo+1 {
						t.Errorf("%d chains of checks begun, want 1", s.CheckNo-before.CheckNo)
					}
					if s.Generation != before.Generation+2 || len(s.Pending) > 0 {
						t.Errorf("%d writes, %d pending; want 2, 0", s.Generation-before.Generation, len(s.Pending))
					}
				})
			}
		})
	}
}

// What another worker wrote meanwhile stays, and the event is decided anew.
func TestForeignWriter(t *testing.T) {
	for n := 1; n <= 2; n++ {
		t.Run(fmt.Sprintf("before write %d", n), func(t *testing.T) {
			r := newRig(t)
			r.burning()
			inner := r.store
			var written int64
			r.store = &faulty{Store: inner, write: func(i int, put func() (string, error)) (string, error) {
				if i == n {
					row, err := inner.Load(t.Context(), r.rowKey())
					if err != nil {
						t.Fatal(err)
					}
					row.State.Generation++
					row.State.Boot.MemoryMB = 4711
					if _, err := inner.Replace(t.Context(), row); err != nil {
						t.Fatal(err)
					}
					written = row.State.Generation
				}
				return put()
			}}
			r.handle(spawn(r, "1", "Astrid"))
			s := r.state()
			if s.Boot.MemoryMB != 4711 {
				t.Error("the other's write was overwritten")
			}
			if len(s.Boot.Players) != 1 || len(s.Pending) > 0 || s.Generation <= written {
				t.Errorf("players %v, pending %v, generation %d after %d", s.Boot.Players, s.Pending, s.Generation, written)
			}
			if got := r.said("Astrid** came in"); len(got) != 1 {
				t.Errorf("said %d times, want once", len(got))
			}
		})
	}
}

func TestStoreDown(t *testing.T) {
	down := errors.New("503 from the table")
	for _, c := range []struct {
		name string
		f    func(f *faulty)
		want error
	}{
		{"can't be read", func(f *faulty) { f.load = func() error { return down } }, down},
		{"can't be written", func(f *faulty) {
			f.write = func(int, func() (string, error)) (string, error) { return "", down }
		}, down},
		{"always lost to others", func(f *faulty) {
			f.write = func(int, func() (string, error)) (string, error) { return "", world.ErrConflict }
		}, world.ErrConflict},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t)
			healthy := r.store
			f := &faulty{Store: healthy}
			c.f(f)
			r.store = f
			body, l := r.command("Bo", "start"), &life{}
			if err := r.worker(l).Handle(t.Context(), body, 1); !errors.Is(err, c.want) {
				t.Fatalf("Handle = %v, want %v", err, c.want)
			}
			if n := l.count(effects()...); n > 0 {
				t.Errorf("effects without a row: %v", l.calls)
			}
			r.store = healthy
			r.handle(body)
			r.expect(world.Starting)
		})
	}
}

// A row at its bound gives up things to be said, oldest first, and counts
// them; what must be done is done.
func TestRowTooLarge(t *testing.T) {
	r := newRig(t)
	r.burning()
	made := r.clock.Now()
	const waiting = 12
	r.plant(func(s *world.State) {
		for i := range waiting {
			s.Pending = append(s.Pending, world.Pending{
				ID: fmt.Sprintf("0.%d", i), Event: "old", Until: made.Add(time.Hour),
				Effect: world.Effect{Chat: &world.ChatDo{
					Kind: world.ChatLine, Made: made, Say: world.Say{Text: fmt.Sprintf("old line %02d %s", i, strings.Repeat("x", 1500))},
				}},
			})
		}
		s.Why = strings.Repeat("y", world.MaxStateBytes-size(t, s)-50)
	})
	r.handle(r.command("Ana", "stop"))
	s := r.state()
	if s.Status != world.Stopping || len(r.orders.Messages()) != 1 {
		t.Errorf("%s with %d orders, want stopping with 1", s.Status, len(r.orders.Messages()))
	}
	if s.Unsaid == 0 || s.Unsaid == waiting || len(s.Pending) != waiting-s.Unsaid {
		t.Errorf("%d of %d dropped, %d still wait; want some, and all others waiting", s.Unsaid, waiting, len(s.Pending))
	}
	for i, p := range s.Pending {
		if want := fmt.Sprintf("0.%d", i+s.Unsaid); p.ID != want {
			t.Errorf("pending %d = %s, want %s: the oldest go first", i, p.ID, want)
		}
	}
	if size(t, &s) > world.MaxStateBytes {
		t.Errorf("row has %d bytes", size(t, &s))
	}
}

// A row that is too large for other reasons fails the event, once and without
// effects, so that it comes to the keeper's notice.
func TestRowTooLargeForGood(t *testing.T) {
	r := newRig(t)
	r.burning()
	r.plant(func(s *world.State) { s.Why = strings.Repeat("y", world.MaxStateBytes-size(t, s)-10) })
	before := r.state()
	l := &life{}
	err := r.worker(l).Handle(t.Context(), r.command("Ana", "stop"), 1)
	if !errors.Is(err, world.ErrTooLarge) {
		t.Errorf("Handle = %v, want ErrTooLarge", err)
	}
	if l.count("write") != 1 || l.count(effects()...) > 0 || r.state().Generation != before.Generation {
		t.Errorf("calls %v, want one write that is refused", l.calls)
	}
}

func size(t *testing.T, s *world.State) int {
	t.Helper()
	b, err := s.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return len(b)
}
