package bot_test

import (
	"context"
	"errors"
	"time"

	"hearth/internal/world"
)

// life numbers the calls that a worker makes to the outside world, from 1, and
// may end at one of them.
type life struct {
	calls []string // their names, in order
	at    int      // the call that goes wrong; 0: none
	when  string   // or the first call of this name
	how   fate
	coped bool // whatever went wrong, the event was acknowledged
}

// fate is what happens at the call life.at.
type fate int

const (
	diesBefore  fate = iota // the process ends before the call is made
	diesAfter               // the call is carried out; the process ends before its answer
	failsBefore             // the call fails, and the process lives
	failsAfter              // the call is carried out, its answer is lost, the process lives
)

func (f fate) String() string {
	return [...]string{"dies before", "dies after", "fails before", "answer lost after"}[f]
}

// died is what a worker panics with at its end.
type died struct{}

var errLost = errors.New("connection lost")

// step makes a call, or what life.how says instead.
func (l *life) step(name string, call func() error) error {
	l.calls = append(l.calls, name)
	if len(l.calls) != l.at && name != l.when {
		return call()
	}
	l.when = ""
	switch l.how {
	case diesBefore:
		panic(died{})
	case diesAfter:
		_ = call() // nobody learns how it went
		panic(died{})
	case failsBefore:
		return errLost
	case failsAfter:
		if err := call(); err != nil {
			return err
		}
		return errLost
	}
	return nil
}

// survives runs do and reports whether the worker lived.
func (l *life) survives(do func() error) (lived bool, err error) {
	defer func() {
		if v := recover(); v != nil {
			if _, ok := v.(died); !ok {
				panic(v)
			}
		}
	}()
	err = do()
	return true, err
}

// count is how many of the calls have one of the names.
func (l *life) count(names ...string) int {
	n := 0
	for _, c := range l.calls {
		for _, name := range names {
			if c == name {
				n++
			}
		}
	}
	return n
}

func effects() []string {
	return []string{"order", "delay", "scale", "poll", "instances", "post", "edit", "reply"}
}

type mortalStore struct {
	world.Store
	l *life
}

func (m mortalStore) Load(ctx context.Context, key world.Key) (row world.Row, err error) {
	err = m.l.step("load", func() (err error) { row, err = m.Store.Load(ctx, key); return err })
	return row, err
}

func (m mortalStore) Insert(ctx context.Context, row world.Row) (etag string, err error) {
	err = m.l.step("write", func() (err error) { etag, err = m.Store.Insert(ctx, row); return err })
	return etag, err
}

func (m mortalStore) Replace(ctx context.Context, row world.Row) (etag string, err error) {
	err = m.l.step("write", func() (err error) { etag, err = m.Store.Replace(ctx, row); return err })
	return etag, err
}

type mortalQueue struct {
	world.Queue
	l    *life
	name string
}

func (m mortalQueue) Send(ctx context.Context, body []byte, delay time.Duration) error {
	return m.l.step(m.name, func() error { return m.Queue.Send(ctx, body, delay) })
}

func (m mortalQueue) Receive(ctx context.Context, limit int, visibility time.Duration) (ms []world.Message, err error) {
	err = m.l.step("receive", func() (err error) { ms, err = m.Queue.Receive(ctx, limit, visibility); return err })
	return ms, err
}

func (m mortalQueue) Delete(ctx context.Context, msg world.Message) error {
	return m.l.step("delete", func() error { return m.Queue.Delete(ctx, msg) })
}

type mortalArchive struct {
	world.Archive
	l *life
}

func (m mortalArchive) Keep(ctx context.Context, name string, body []byte) (first bool, err error) {
	err = m.l.step("keep", func() (err error) { first, err = m.Archive.Keep(ctx, name, body); return err })
	return first, err
}

func (m mortalArchive) Kept(ctx context.Context, since time.Time) (n int, err error) {
	err = m.l.step("kept", func() (err error) { n, err = m.Archive.Kept(ctx, since); return err })
	return n, err
}

type mortalCompute struct {
	world.Compute
	l *life
}

func (m mortalCompute) Scale(ctx context.Context, p world.Placement, capacity int) (token string, err error) {
	err = m.l.step("scale", func() (err error) { token, err = m.Compute.Scale(ctx, p, capacity); return err })
	return token, err
}

func (m mortalCompute) Poll(ctx context.Context, token string) (done bool, err error) {
	err = m.l.step("poll", func() (err error) { done, err = m.Compute.Poll(ctx, token); return err })
	return done, err
}

func (m mortalCompute) Instances(ctx context.Context, p world.Placement) (found []world.Instance, err error) {
	err = m.l.step("instances", func() (err error) { found, err = m.Compute.Instances(ctx, p); return err })
	return found, err
}

type mortalConsole struct {
	world.Console
	l *life
}

func (m mortalConsole) ReadConsole(ctx context.Context, machine string) (text []byte, err error) {
	err = m.l.step("console", func() (err error) { text, err = m.Console.ReadConsole(ctx, machine); return err })
	return text, err
}

type mortalEstate struct {
	world.Estate
	l *life
}

func (m mortalEstate) Remove(ctx context.Context, l world.Leftover) error {
	return m.l.step("remove", func() error { return m.Estate.Remove(ctx, l) })
}

type mortalChat struct {
	world.Chat
	l *life
}

func (m mortalChat) Post(ctx context.Context, channel string, say world.Say, nonce string) (ref world.MessageRef, err error) {
	err = m.l.step("post", func() (err error) { ref, err = m.Chat.Post(ctx, channel, say, nonce); return err })
	return ref, err
}

func (m mortalChat) Find(ctx context.Context, channel string, say world.Say, since time.Time) (ref world.MessageRef, err error) {
	err = m.l.step("find", func() (err error) { ref, err = m.Chat.Find(ctx, channel, say, since); return err })
	return ref, err
}

func (m mortalChat) Edit(ctx context.Context, ref world.MessageRef, say world.Say) error {
	return m.l.step("edit", func() error { return m.Chat.Edit(ctx, ref, say) })
}

func (m mortalChat) Reply(ctx context.Context, to world.Reply, say world.Say) (ref world.MessageRef, err error) {
	err = m.l.step("reply", func() (err error) { ref, err = m.Chat.Reply(ctx, to, say); return err })
	return ref, err
}
