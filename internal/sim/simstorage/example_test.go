package simstorage_test

import (
	"context"
	"fmt"
	"time"

	"hearth/internal/sim/simstorage"
	"hearth/internal/world"
	"hearth/internal/world/worldtest"
)

// A message that nobody deletes comes again: every handler must bear that.
func ExampleQueue() {
	ctx, clock := context.Background(), worldtest.NewClock()
	q := simstorage.New(simstorage.Options{Clock: clock}).Queue(world.EventsQueue)
	fmt.Println("sent:", q.Send(ctx, []byte("hello"), 0))
	for range 2 {
		ms, err := q.Receive(ctx, 1, 30*time.Second)
		fmt.Printf("delivery %d: %s %v\n", ms[0].DequeueCount, ms[0].Body, err)
		clock.Advance(31 * time.Second)
	}
	ms, _ := q.Receive(ctx, 1, 30*time.Second)
	fmt.Println("deleted:", q.Delete(ctx, ms[0]))
	ms, err := q.Receive(ctx, 1, 30*time.Second)
	fmt.Println(len(ms), "left:", err)

	// Output:
	// sent: <nil>
	// delivery 1: hello <nil>
	// delivery 2: hello <nil>
	// deleted: <nil>
	// 0 left: <nil>
}

// Two workers have read one row: the first write wins.
func ExampleStore() {
	ctx := context.Background()
	s := simstorage.New(simstorage.Options{Clock: worldtest.NewClock()}).Store()
	key := world.Key{Guild: "1", World: "midgard"}
	if _, err := s.Insert(ctx, world.Row{Key: key, State: world.NewState("midgard")}); err != nil {
		fmt.Println(err)
		return
	}
	mine, _ := s.Load(ctx, key)
	yours, _ := s.Load(ctx, key)

	mine.State.Status = world.Starting
	_, err := s.Replace(ctx, mine)
	fmt.Println("mine:", err)

	yours.State.Status = world.Stopping
	_, err = s.Replace(ctx, yours)
	fmt.Println("yours:", err)

	row, _ := s.Load(ctx, key)
	fmt.Println(row.State.Status)

	// Output:
	// mine: <nil>
	// yours: replace row 1/midgard: row changed since it was read
	// starting
}

// Who holds the lease runs the game. Nobody else does, until it runs out or is
// given back; whoever comes next has a higher epoch.
func ExampleLease() {
	ctx, clock := context.Background(), worldtest.NewClock()
	l := simstorage.New(simstorage.Options{Clock: clock}).Lease()
	first, err := l.Acquire(ctx, "midgard")
	fmt.Println("epoch", first.Epoch, err)
	_, err = l.Acquire(ctx, "midgard")
	fmt.Println(err)

	clock.Advance(world.LeaseDuration)
	second, err := l.Acquire(ctx, "midgard")
	fmt.Println("epoch", second.Epoch, err)
	fmt.Println(l.Renew(ctx, first))

	// Output:
	// epoch 1 <nil>
	// acquire lease of midgard: lease held by another
	// epoch 2 <nil>
	// renew lease of midgard: epoch 1: lease lost
}
