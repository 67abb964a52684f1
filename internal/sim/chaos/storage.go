package chaos

import (
	"context"
	"errors"
	"fmt"
	"time"

	"hearth/internal/sim/chaos/replay"
	"hearth/internal/world"
)

// queue is a queue with copies and delays.
type queue struct {
	world.Queue
	*caller
}

// Send implements world.Queue.
func (q queue) Send(ctx context.Context, body []byte, delay time.Duration) error {
	p := &q.s.plan
	return q.call(ctx, "send", p.SendErrors, p.LostSends, func() error {
		if q.s.fault(LateMessage, q.dice, p.Delays) {
			delay += q.dice.About(20 * time.Second)
		}
		for q.s.fault(CopiedMessage, q.dice, p.Copies) {
			again := delay + q.dice.Between(0, replay.Pick(q.dice, 2*time.Second, time.Minute, 10*time.Minute))
			if err := q.Queue.Send(ctx, body, again); err != nil {
				return err
			}
		}
		return q.Queue.Send(ctx, body, delay)
	})
}

// Receive implements world.Queue.
func (q queue) Receive(ctx context.Context, limit int, visibility time.Duration) (ms []world.Message, err error) {
	p := &q.s.plan
	err = q.call(ctx, "receive", p.SendErrors, p.LostSends, func() (err error) {
		ms, err = q.Queue.Receive(ctx, limit, visibility)
		return err
	})
	if err != nil {
		return nil, err
	}
	return ms, nil
}

// Delete implements world.Queue.
func (q queue) Delete(ctx context.Context, m world.Message) error {
	p := &q.s.plan
	return q.call(ctx, "delete", p.SendErrors, p.LostSends, func() error { return q.Queue.Delete(ctx, m) })
}

// archive is where events are kept that could not be handled.
type archive struct {
	world.Archive
	*caller
}

// Keep implements world.Archive.
func (a archive) Keep(ctx context.Context, name string, body []byte) (first bool, err error) {
	p := &a.s.plan
	err = a.call(ctx, "keep", p.SendErrors, p.LostSends, func() (err error) { first, err = a.Archive.Keep(ctx, name, body); return err })
	return first && err == nil, err
}

// Kept implements world.Archive.
func (a archive) Kept(ctx context.Context, since time.Time) (n int, err error) {
	p := &a.s.plan
	err = a.call(ctx, "kept", p.SendErrors, p.LostSends, func() (err error) { n, err = a.Archive.Kept(ctx, since); return err })
	return n, err
}

// store is the state table with others who write to it, too.
type store struct {
	world.Store
	*caller
}

// Load implements world.Store.
func (t store) Load(ctx context.Context, key world.Key) (row world.Row, err error) {
	if row, ok := t.recall(); ok {
		return row, nil
	}
	err = t.call(ctx, "load", t.s.plan.StoreErrors, 0, func() (err error) {
		if t.s.tableAway.Load() {
			return fmt.Errorf("%w: the table is away", errPretended)
		}
		row, err = t.Store.Load(ctx, key)
		return err
	})
	if err == nil || errors.Is(err, world.ErrNotFound) {
		t.s.witness.Read(t.who)
	}
	if err == nil {
		forget(&row.State, t.s.o.Bug, t.lane.Now())
	}
	return row, err
}

// Insert implements world.Store.
func (t store) Insert(ctx context.Context, row world.Row) (etag string, err error) {
	return t.write(ctx, row, t.Store.Insert)
}

// Replace implements world.Store.
func (t store) Replace(ctx context.Context, row world.Row) (etag string, err error) {
	return t.write(ctx, row, t.Store.Replace)
}

func (t store) write(ctx context.Context, row world.Row, write func(context.Context, world.Row) (string, error)) (etag string, err error) {
	t.s.witness.Acts(t.who, "it writes "+row.State.Write)
	err = t.call(ctx, "write", t.s.plan.StoreErrors, t.s.plan.LostWrites, func() error {
		if t.s.tableAway.Load() {
			return fmt.Errorf("%w: the table is away", errPretended)
		}
		if t.s.fault(ForeignWrite, t.dice, t.s.plan.ForeignWrites) {
			if err := t.foreign(ctx, row.Key); err != nil {
				return err
			}
		}
		etag, err = t.s.witness.Write(row, func(row world.Row) (string, error) {
			if t.s.o.Bug == BlindWrite && row.ETag != "" {
				now, err := t.Store.Load(ctx, row.Key)
				if err != nil {
					return "", err
				}
				row.ETag = now.ETag
			}
			return write(ctx, row)
		})
		return err
	})
	t.s.witness.Wrote(t.who, row.State.Write, err)
	if err != nil {
		etag = ""
	}
	return t.believe(row, etag, err)
}

// foreign is another writer, faster than ours.
func (t store) foreign(ctx context.Context, key world.Key) error {
	row, err := t.Store.Load(ctx, key)
	if err != nil {
		return nil //nolint:nilerr // no row yet: nobody to be faster than
	}
	row.State.Generation++
	row.State.Write = fmt.Sprintf("foreign.%d", row.State.Generation)
	_, err = t.s.witness.Write(row, func(row world.Row) (string, error) { return t.Store.Replace(ctx, row) })
	return err
}

// lease is the leases with what can go wrong on the way.
type lease struct {
	world.Lease
	*caller
	vm   string
	life int // of its agent
}

// Acquire implements world.Lease.
func (l lease) Acquire(ctx context.Context, id string) (h world.Holding, err error) {
	err = l.call(ctx, "acquire", l.s.plan.LeaseErrors, l.s.plan.LeaseErrors/4, func() error {
		if l.s.o.Bug == NoFence {
			if held, _, ok := l.s.storage.Lease().Holder(id); ok {
				if err := l.Lease.Release(ctx, held); err != nil {
					return err
				}
			}
		}
		if h, err = l.Lease.Acquire(ctx, id); err == nil {
			l.s.witness.Acquired(l.vm, h.Epoch, l.s.runningGame())
		}
		return err
	})
	if err != nil {
		return world.Holding{}, err
	}
	return h, nil
}

// Renew implements world.Lease.
func (l lease) Renew(ctx context.Context, h world.Holding) error {
	if l.s.o.Bug == NoFence || l.s.o.Bug == LeaseNotResumed && l.life > 1 {
		return nil
	}
	return l.call(ctx, "renew", l.s.plan.LeaseErrors, l.s.plan.LeaseErrors/4, func() error { return l.Lease.Renew(ctx, h) })
}

// Release implements world.Lease.
func (l lease) Release(ctx context.Context, h world.Holding) error {
	return l.call(ctx, "release", l.s.plan.LeaseErrors, l.s.plan.LeaseErrors/4, func() error { return l.Lease.Release(ctx, h) })
}
