package simstorage_test

import (
	"math/rand/v2"
	"testing"

	"hearth/internal/sim/simstorage"
	"hearth/internal/world"
	"hearth/internal/world/worldtest"
)

func TestQueueContract(t *testing.T) {
	for _, c := range []struct {
		name string
		pick func() func(n int) int
	}{
		{"longest first", func() func(int) int { return nil }},
		{"latest first", func() func(int) int { return func(n int) int { return n - 1 } }},
		{"any order", func() func(int) int { return rand.New(rand.NewPCG(1, 2)).IntN }},
	} {
		t.Run(c.name, func(t *testing.T) {
			account := func(clock world.Clock) *simstorage.Account {
				return simstorage.New(simstorage.Options{Clock: clock, Pick: c.pick()})
			}
			worldtest.Queue(t,
				func(_ *testing.T, clock world.Clock) world.Queue { return account(clock).Queue(world.EventsQueue) },
				worldtest.MovesPoison(func(_ *testing.T, clock world.Clock) (world.Queue, world.Queue) {
					a := account(clock)
					return a.Queue("events"), a.Queue(world.PoisonQueue("events"))
				}))
		})
	}
}

func TestStoreContract(t *testing.T) {
	worldtest.Store(t, func(_ *testing.T, clock world.Clock) world.Store {
		return simstorage.New(simstorage.Options{Clock: clock}).Store()
	})
}

func TestLeaseContract(t *testing.T) {
	worldtest.Lease(t, func(_ *testing.T, clock world.Clock) world.Lease {
		return simstorage.New(simstorage.Options{Clock: clock}).Lease()
	})
}

func TestArchiveContract(t *testing.T) {
	worldtest.Archive(t, func(_ *testing.T, clock world.Clock) worldtest.ArchiveUnderTest {
		a := simstorage.New(simstorage.Options{Clock: clock}).Archive()
		return worldtest.ArchiveUnderTest{Archive: a, Now: clock.Now, Stored: func(_ *testing.T, name string) []byte { return a.Read(name) }}
	})
}
