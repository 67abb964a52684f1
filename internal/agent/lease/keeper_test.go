package lease_test

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"hearth/internal/agent/lease"
	"hearth/internal/clock"
	"hearth/internal/sim/simstorage"
	"hearth/internal/world"
)

const midgard = "midgard"

// service is the storage account's leases, which can be away.
type service struct {
	*simstorage.Lease

	mu   sync.Mutex // guards what follows
	away bool
	slow chan struct{} // an Acquire waits for it, if it is not nil
}

var errAway = errors.New("service is away")

func (s *service) setAway(away bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.away = away
}

func (s *service) isAway() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.away {
		return errAway
	}
	return nil
}

func (s *service) Acquire(ctx context.Context, id string) (world.Holding, error) {
	if s.slow != nil {
		<-s.slow
	}
	if err := s.isAway(); err != nil {
		return world.Holding{}, err
	}
	return s.Lease.Acquire(ctx, id)
}

func (s *service) Renew(ctx context.Context, h world.Holding) error {
	if err := s.isAway(); err != nil {
		return err
	}
	return s.Lease.Renew(ctx, h)
}

func (s *service) Release(ctx context.Context, h world.Holding) error {
	if err := s.isAway(); err != nil {
		return err
	}
	return s.Lease.Release(ctx, h)
}

// inBubble runs a test with a service and a keeper that runs.
func inBubble(t *testing.T, name string, f func(t *testing.T, s *service, k *lease.Keeper), change ...func(*service)) {
	t.Run(name, func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := &service{Lease: simstorage.New(simstorage.Options{Clock: clock.System{}}).Lease()}
			for _, c := range change {
				c(s)
			}
			k := lease.New(midgard, s, clock.System{}, slog.New(slog.DiscardHandler))
			ctx, cancel := context.WithCancel(t.Context())
			go k.Run(ctx)
			f(t, s, k)
			cancel()
			<-k.Done()
		})
	})
}

// hear waits for the next news, at most for a minute.
func hear(t *testing.T, k *lease.Keeper) lease.News {
	t.Helper()
	select {
	case n := <-k.News():
		return n
	case <-time.After(time.Minute):
		t.Fatal("no news for a minute")
		return lease.News{}
	}
}

// acquired waits for the news that the lease is held.
func acquired(t *testing.T, k *lease.Keeper) world.Holding {
	t.Helper()
	n := hear(t, k)
	if n.Held == nil {
		t.Fatalf("news %+v, want a holding", n)
	}
	return *n.Held
}

func held(s *service) bool {
	_, _, held := s.Holder(midgard)
	return held
}

func TestKeeper(t *testing.T) {
	inBubble(t, "acquires, and renews every ten seconds", func(t *testing.T, s *service, k *lease.Keeper) {
		began := time.Now()
		if h := acquired(t, k); h.World != midgard || h.Epoch != 1 {
			t.Errorf("got %+v", h)
		}
		for i := 1; i <= 10; i++ {
			if n := hear(t, k); n.Held != nil || n.Lost || n.At.Sub(began) != time.Duration(i)*10*time.Second {
				t.Errorf("renewal %d: %+v", i, n)
			}
		}
		if !held(s) {
			t.Error("it is not held")
		}
	})
	inBubble(t, "is let go: the lease is released at once", func(t *testing.T, s *service, k *lease.Keeper) {
		acquired(t, k)
		k.LetGo()
		k.LetGo() // twice does no harm
		<-k.Done()
		if held(s) {
			t.Error("it is still held")
		}
	})
	inBubble(t, "a release that fails is tried again", func(t *testing.T, s *service, k *lease.Keeper) {
		acquired(t, k)
		s.setAway(true)
		k.LetGo()
		<-time.After(3 * time.Second)
		s.setAway(false)
		<-k.Done()
		if held(s) {
			t.Error("it is still held")
		}
	})
	inBubble(t, "a renewal that fails is tried again after two seconds", func(t *testing.T, s *service, k *lease.Keeper) {
		acquired(t, k)
		began := time.Now()
		s.setAway(true)
		<-time.After(11 * time.Second)
		s.setAway(false)
		if n := hear(t, k); n.Held != nil || n.Lost || n.At.Sub(began) != 12*time.Second {
			t.Errorf("news %+v, want a renewal after 12 s", n)
		}
	})
	inBubble(t, "taken by another: said once, and ended", func(t *testing.T, s *service, k *lease.Keeper) {
		acquired(t, k)
		s.Break(midgard)
		if n := hear(t, k); !n.Lost {
			t.Errorf("news %+v, want a loss", n)
		}
		<-k.Done()
	})
	inBubble(t, "held by another: waited for", func(t *testing.T, s *service, k *lease.Keeper) {
		first := acquired(t, k)
		second := lease.New(midgard, s, clock.System{}, slog.New(slog.DiscardHandler))
		go second.Run(t.Context())
		go func() {
			for range 9 { // a minute and a half
				<-k.News()
			}
			k.LetGo()
		}()
		select {
		case n := <-second.News():
			t.Errorf("news %+v while another holds it", n)
		case <-k.Done():
		}
		if h := acquired(t, second); h.Epoch != first.Epoch+1 {
			t.Errorf("epoch %d after %d", h.Epoch, first.Epoch)
		}
		second.LetGo()
		<-second.Done()
	})
	inBubble(t, "not needed any more before it was held", func(t *testing.T, s *service, k *lease.Keeper) {
		k.LetGo()
		<-k.Done()
		if held(s) {
			t.Error("it is held")
		}
	}, func(s *service) { s.away = true })
	inBubble(t, "let go while it is acquired: released all the same", func(t *testing.T, s *service, k *lease.Keeper) {
		synctest.Wait()
		k.LetGo()
		close(s.slow)
		<-k.Done()
		if h, _, held := s.Holder(midgard); held || h.Epoch != 1 {
			t.Errorf("held %v, epoch %d: it was acquired and has to be released", held, h.Epoch)
		}
	}, func(s *service) { s.slow = make(chan struct{}) })
}

// TestResume: what the next process finds of the lease that the one before held.
func TestResume(t *testing.T) {
	again := func(name string, between func(t *testing.T, s *service, first world.Holding), f func(t *testing.T, s *service, k *lease.Keeper, first world.Holding)) {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &service{Lease: simstorage.New(simstorage.Options{Clock: clock.System{}}).Lease()}
				first, err := s.Lease.Acquire(t.Context(), midgard)
				if err != nil {
					t.Fatal(err)
				}
				between(t, s, first)
				k := lease.New(midgard, s, clock.System{}, slog.New(slog.DiscardHandler))
				k.Resume(first)
				ctx, cancel := context.WithCancel(t.Context())
				go k.Run(ctx)
				f(t, s, k, first)
				cancel()
				<-k.Done()
			})
		})
	}
	after := func(d time.Duration) func(*testing.T, *service, world.Holding) {
		return func(*testing.T, *service, world.Holding) { <-time.After(d) }
	}
	again("still held", after(30*time.Second), func(t *testing.T, _ *service, k *lease.Keeper, first world.Holding) {
		if h := acquired(t, k); h != first {
			t.Errorf("got %+v, want %+v", h, first)
		}
		if n := hear(t, k); n.Held != nil || n.Lost {
			t.Errorf("news %+v, want a renewal", n)
		}
	})
	again("ran out: acquired anew", after(2*time.Minute), func(t *testing.T, _ *service, k *lease.Keeper, first world.Holding) {
		if h := acquired(t, k); h.Epoch != first.Epoch+1 || h.ID == first.ID {
			t.Errorf("got %+v after %+v", h, first)
		}
	})
	again("another has it: lost", func(t *testing.T, s *service, _ world.Holding) {
		s.Break(midgard)
		if _, err := s.Lease.Acquire(t.Context(), midgard); err != nil {
			t.Fatal(err)
		}
	}, func(t *testing.T, _ *service, k *lease.Keeper, _ world.Holding) {
		if n := hear(t, k); !n.Lost {
			t.Errorf("news %+v, want a loss", n)
		}
		<-k.Done()
	})
	again("not needed any more: given back, and not acquired", func(t *testing.T, s *service, first world.Holding) {
		if err := s.Lease.Release(t.Context(), first); err != nil {
			t.Fatal(err)
		}
	}, func(t *testing.T, s *service, k *lease.Keeper, _ world.Holding) {
		k.LetGo()
		<-k.Done()
		if held(s) {
			t.Error("it is held")
		}
	})
	again("away: asked again", func(_ *testing.T, s *service, _ world.Holding) { s.setAway(true) },
		func(t *testing.T, s *service, k *lease.Keeper, first world.Holding) {
			<-time.After(20 * time.Second)
			s.setAway(false)
			if h := acquired(t, k); h != first {
				t.Errorf("got %+v, want %+v", h, first)
			}
		})
}
