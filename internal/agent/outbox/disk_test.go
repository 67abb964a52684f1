package outbox_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"hearth/internal/agent/backoff"
	"hearth/internal/agent/outbox"
	"hearth/internal/clock"
	"hearth/internal/sim/simdisk"
	"hearth/internal/sim/simstorage"
	"hearth/internal/world"
)

// life is one process with an outbox, in a bubble.
type life struct {
	*outbox.Outbox
	state []byte
	end   func()
}

func begin(t *testing.T, d *simdisk.Disk, q *queue) life {
	t.Helper()
	out, state := outbox.Open(outbox.Options{Disk: d, Queue: q, Clock: clock.System{}, Log: slog.New(slog.DiscardHandler)})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		out.Run(ctx, backoff.New(500*time.Millisecond, 10*time.Second, t.Name()))
		close(ended)
	}()
	return life{Outbox: out, state: state, end: func() { cancel(); <-ended }}
}

// withDisk runs a test with a disk and a queue.
func withDisk(t *testing.T, name string, f func(t *testing.T, d *simdisk.Disk, q *queue)) {
	t.Run(name, func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			f(t, &simdisk.Disk{}, &queue{Queue: simstorage.New(simstorage.Options{Clock: clock.System{}}).Queue(world.EventsQueue)})
		})
	})
}

func TestDisk(t *testing.T) {
	withDisk(t, "what was not committed is not sent, nor found", func(t *testing.T, d *simdisk.Disk, q *queue) {
		l := begin(t, d, q)
		put(l.Outbox, "a", []byte("a"), false)
		pass(time.Second)
		l.Put("b", []byte("b"), true)
		pass(time.Minute)
		if got := q.arrived(); !slices.Equal(got, []string{"a"}) {
			t.Errorf("arrived %q, want a", got)
		}
		l.end()
		l = begin(t, d, q)
		if l.Left() != 0 && q.arrived()[0] != "a" {
			t.Errorf("%d are found", l.Left())
		}
		put(l.Outbox, "c", []byte("c"), false)
		pass(time.Second)
		if got := q.arrived(); got[len(got)-1] != "c" || slices.Contains(got, "b") {
			t.Errorf("arrived %q, want c and no b", got)
		}
		l.end()
	})
	withDisk(t, "what waited is sent by the next process, in order, with its state", func(t *testing.T, d *simdisk.Disk, q *queue) {
		q.fail(errAway)
		l := begin(t, d, q)
		var want []string
		for i := range 300 {
			name := strconv.Itoa(i)
			want = append(want, name)
			l.Put(name, []byte(name), false)
			<-l.Commit(fmt.Appendf(nil, `{"n":%d}`, i))
			if i%100 == 50 {
				l.end()
				l = begin(t, d, q)
				if string(l.state) != fmt.Sprintf(`{"n":%d}`, i) || l.Left() != i+1 {
					t.Fatalf("after %d: state %s, %d wait", i, l.state, l.Left())
				}
			}
		}
		q.fail(nil)
		pass(20 * time.Second)
		if got := q.arrived(); !slices.Equal(got, want) {
			t.Errorf("arrived %d, want %d in order", len(got), len(want))
		}
		select {
		case <-l.Drained():
		default:
			t.Error("not drained")
		}
		l.end()
	})
	withDisk(t, "a disk that takes nothing delays nothing", func(t *testing.T, d *simdisk.Disk, q *queue) {
		l := begin(t, d, q)
		d.SetLimit(1)
		for _, name := range []string{"a", "b"} {
			put(l.Outbox, name, []byte(name), false)
			pass(time.Second)
		}
		if got := q.arrived(); !slices.Equal(got, []string{"a", "b"}) || l.Lost() != 0 {
			t.Errorf("arrived %q, lost %d; want both", got, l.Lost())
		}
		d.SetLimit(0)
		put(l.Outbox, "c", []byte("c"), false)
		pass(time.Second)
		l.end()
		l = begin(t, d, q)
		put(l.Outbox, "d", []byte("d"), false)
		pass(time.Second)
		got := q.arrived()
		if slices.Sort(got); !slices.Equal(slices.Compact(got), []string{"a", "b", "c", "d"}) {
			t.Errorf("arrived %q", got)
		}
		l.end()
	})
	withDisk(t, "a full disk costs the oldest, which are counted", func(t *testing.T, d *simdisk.Disk, q *queue) {
		const many = 1000
		d.SetLimit(200 << 10)
		q.fail(errAway)
		l := begin(t, d, q)
		for i := range many {
			name := strconv.Itoa(i)
			put(l.Outbox, name, []byte(name+strings.Repeat(" ", 1000)), false)
			pass(time.Millisecond)
		}
		lost := l.Lost()
		if lost == 0 || int(lost)+l.Left() != many {
			t.Errorf("%d lost and %d wait of %d", lost, l.Left(), many)
		}
		l.end()
		l = begin(t, d, q)
		if l.Lost() < lost-300 || l.Lost() > lost || int(l.Lost())+l.Left() > many {
			t.Errorf("the next process knows of %d lost, and %d wait", l.Lost(), l.Left())
		}
		n := l.Lost()
		l.Told(n)
		if l.Lost() != 0 {
			t.Errorf("told of %d, %d left", n, l.Lost())
		}
		q.fail(nil)
		pass(20 * time.Second)
		got := q.arrived()
		if first, last := strings.TrimSpace(got[0]), strings.TrimSpace(got[len(got)-1]); first == "0" || last != strconv.Itoa(many-1) {
			t.Errorf("arrived %s to %s", first, last)
		}
		l.end()
	})
	withDisk(t, "a spool that can't be read begins anew", func(t *testing.T, d *simdisk.Disk, q *queue) {
		if err := d.Replace("checkpoint", []byte("nonsense")); err != nil {
			t.Fatal(err)
		}
		l := begin(t, d, q)
		if l.state != nil {
			t.Errorf("state %s", l.state)
		}
		put(l.Outbox, "a", []byte("a"), false)
		pass(time.Second)
		if got := q.arrived(); !slices.Equal(got, []string{"a"}) {
			t.Errorf("arrived %q", got)
		}
		l.end()
	})
}
