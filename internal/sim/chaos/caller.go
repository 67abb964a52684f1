package chaos

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"hearth/internal/sim/chaos/replay"
)

// caller is somebody who makes calls: a worker, a machine, the endpoint. What
// they call takes a moment and may go wrong.
type caller struct {
	s         *simulation
	who       string // the process
	lane      *replay.Lane
	dice      *replay.Dice
	onMachine bool         // the storage account can be out of reach, as for all machines
	cutOff    *atomic.Bool // or for this one alone; nil: never
	rows      *rows        // for WriteNotReread
	mishap    func()       // a worker's, before and after each call: it may die here; nil: it may not
}

// bystander is a caller who never dies.
func (s *simulation) bystander(name string) *caller {
	return &caller{s: s, lane: s.lanes.New(0), dice: replay.NewDice(s.o.Seed, name)}
}

var errPretended = errors.New("pretended fault")

// call makes a call to the storage account. It fails with probability fails,
// and is done and its reply lost with probability loses.
func (c *caller) call(ctx context.Context, name string, fails, loses float64, do func() error) error {
	c.mayDie()
	if err := c.lane.Sleep(ctx, c.dice.Between(time.Millisecond, 25*time.Millisecond)); err != nil {
		return err
	}
	if !c.reaches() {
		return fmt.Errorf("%s: %w: storage is away", name, errPretended)
	}
	if c.s.fault(refused(name), c.dice, fails) {
		return fmt.Errorf("%s: %w: not done", name, errPretended)
	}
	if err := do(); err != nil {
		return err
	}
	if c.s.fault(replyLost(name), c.dice, loses) {
		return fmt.Errorf("%s: %w: reply lost", name, errPretended)
	}
	c.mayDie()
	return nil
}

// mayDie is where a worker's process may die.
func (c *caller) mayDie() {
	if c.mishap != nil {
		c.mishap()
	}
}

// reaches tells whether the storage account can be reached.
func (c *caller) reaches() bool {
	switch {
	case c.s.storageAway.Load(), c.onMachine && c.s.machinesCutOff.Load():
		return false
	}
	return c.cutOff == nil || !c.cutOff.Load()
}
