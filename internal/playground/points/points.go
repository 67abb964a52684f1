// Package points tells of the moments at which a playground does something
// that outlives it: before each, and after it. Whoever asks to be told can end
// the process there, and so find out that it may end anywhere.
//
// The points are named by what is done:
//
//	load, write          the row
//	order, delay         messages that the runner sends
//	scale, poll, list    what it asks of the cloud
//	post, edit, reply    what it says
//	acknowledge          an event that was handled is deleted
//	enqueue              a command that was accepted is sent
//	report, obey         an agent's event is sent, its order deleted
//	acquire, release     an agent's lease
//	forget               a file that a reset removes
package points

import (
	"context"
	"time"

	"hearth/internal/world"
)

// At is told a point: "before load", "after load". It is called on the
// goroutine that does it, by several at once. A nil At is told nothing, and
// the ports made for it are those it was given.
type At func(point string)

// Around does something with its point before and after it.
func (at At) Around(name string, do func() error) error {
	if at == nil {
		return do()
	}
	at("before " + name)
	err := do()
	at("after " + name)
	return err
}

// Store tells of the row's loads and writes.
func (at At) Store(s world.Store) world.Store {
	if at == nil {
		return s
	}
	return store{s, at}
}

type store struct {
	world.Store
	at At
}

func (s store) Load(ctx context.Context, key world.Key) (row world.Row, err error) {
	err = s.at.Around("load", func() (err error) { row, err = s.Store.Load(ctx, key); return err })
	return row, err
}

func (s store) Insert(ctx context.Context, row world.Row) (etag string, err error) {
	err = s.at.Around("write", func() (err error) { etag, err = s.Store.Insert(ctx, row); return err })
	return etag, err
}

func (s store) Replace(ctx context.Context, row world.Row) (etag string, err error) {
	err = s.at.Around("write", func() (err error) { etag, err = s.Store.Replace(ctx, row); return err })
	return etag, err
}

// Queue tells of what is sent to a queue as send, and of what is deleted from
// it as remove.
func (at At) Queue(q world.Queue, send, remove string) world.Queue {
	if at == nil {
		return q
	}
	return queue{q, at, send, remove}
}

type queue struct {
	world.Queue
	at           At
	send, remove string
}

func (q queue) Send(ctx context.Context, body []byte, delay time.Duration) error {
	return q.at.Around(q.send, func() error { return q.Queue.Send(ctx, body, delay) })
}

func (q queue) Delete(ctx context.Context, m world.Message) error {
	return q.at.Around(q.remove, func() error { return q.Queue.Delete(ctx, m) })
}

// Compute tells of what the cloud is asked.
func (at At) Compute(c world.Compute) world.Compute {
	if at == nil {
		return c
	}
	return compute{c, at}
}

type compute struct {
	world.Compute
	at At
}

func (c compute) Scale(ctx context.Context, p world.Placement, capacity int) (token string, err error) {
	err = c.at.Around("scale", func() (err error) { token, err = c.Compute.Scale(ctx, p, capacity); return err })
	return token, err
}

func (c compute) Poll(ctx context.Context, token string) (done bool, err error) {
	err = c.at.Around("poll", func() (err error) { done, err = c.Compute.Poll(ctx, token); return err })
	return done, err
}

func (c compute) Instances(ctx context.Context, p world.Placement) (found []world.Instance, err error) {
	err = c.at.Around("list", func() (err error) { found, err = c.Compute.Instances(ctx, p); return err })
	return found, err
}

// Chat tells of what is said.
func (at At) Chat(c world.Chat) world.Chat {
	if at == nil {
		return c
	}
	return chat{c, at}
}

type chat struct {
	world.Chat
	at At
}

func (c chat) Post(ctx context.Context, channel string, m world.Say, nonce string) (ref world.MessageRef, err error) {
	err = c.at.Around("post", func() (err error) { ref, err = c.Chat.Post(ctx, channel, m, nonce); return err })
	return ref, err
}

func (c chat) Edit(ctx context.Context, ref world.MessageRef, m world.Say) error {
	return c.at.Around("edit", func() error { return c.Chat.Edit(ctx, ref, m) })
}

func (c chat) Reply(ctx context.Context, to world.Reply, m world.Say) (ref world.MessageRef, err error) {
	err = c.at.Around("reply", func() (err error) { ref, err = c.Chat.Reply(ctx, to, m); return err })
	return ref, err
}

// Lease tells of a lease that is acquired or released.
func (at At) Lease(l world.Lease) world.Lease {
	if at == nil {
		return l
	}
	return lease{l, at}
}

type lease struct {
	world.Lease
	at At
}

func (l lease) Acquire(ctx context.Context, id string) (h world.Holding, err error) {
	err = l.at.Around("acquire", func() (err error) { h, err = l.Lease.Acquire(ctx, id); return err })
	return h, err
}

func (l lease) Release(ctx context.Context, h world.Holding) error {
	return l.at.Around("release", func() error { return l.Lease.Release(ctx, h) })
}
