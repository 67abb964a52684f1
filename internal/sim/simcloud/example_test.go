package simcloud_test

import (
	"context"
	"fmt"
	"time"

	"hearth/internal/sim/simcloud"
	"hearth/internal/world"
	"hearth/internal/world/worldtest"
)

// A machine is asked for, looked at until it is there, and taken away by the
// cloud: the set still says one, and the list says the truth.
func ExampleCloud() {
	ctx, clock := context.Background(), worldtest.NewClock()
	place := world.Placement{ID: "vmss-midgard"}
	c, err := simcloud.New(simcloud.Options{Clock: clock, Placements: []world.Placement{place}})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close(ctx) //nolint:errcheck // nothing runs on its machines

	token, err := c.Scale(ctx, place, 1)
	fmt.Println("begun:", err)
	_, err = c.Scale(ctx, place, 0)
	fmt.Println("meanwhile:", err)
	for range 10 {
		done, err := c.Poll(ctx, token)
		fmt.Println("done:", done, err)
		if done {
			break
		}
		clock.Advance(20 * time.Second)
	}
	machines, err := c.Instances(ctx, place)
	fmt.Println("machines:", len(machines), err)

	fmt.Println("vanishes:", c.Vanish(machines[0].ID))
	machines, err = c.Instances(ctx, place)
	fmt.Println("machines:", len(machines), err)
	fmt.Println("capacity:", c.Snapshot().Placements[0].Capacity)

	// Output:
	// begun: <nil>
	// meanwhile: Conflict: 409: another operation on vmss-midgard is in progress; look again when it has ended.
	// done: false <nil>
	// done: false <nil>
	// done: true <nil>
	// machines: 1 <nil>
	// vanishes: <nil>
	// machines: 0 <nil>
	// capacity: 1
}
