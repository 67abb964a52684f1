//go:build linux

package vmtest_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"hearth/internal/world"
)

// inbox takes the agent's events from the queue, as the bot would.
type inbox struct {
	mu   sync.Mutex // guards what follows
	all  []arrival
	bad  []error       // what nobody with the world's key sealed
	news chan struct{} // closed with every arrival
}

// arrival is an event, and when it came.
type arrival struct {
	at    time.Time
	event world.Event
}

const lookEvery = 200 * time.Millisecond

// openInbox reads until the test ends.
func openInbox(t *testing.T, q world.Queue, key string) *inbox {
	in := &inbox{news: make(chan struct{})}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			in.look(ctx, q, key)
			select {
			case <-time.After(lookEvery):
			case <-ctx.Done():
				return
			}
		}
	}()
	t.Cleanup(func() {
		cancel()
		<-ended
	})
	return in
}

func (in *inbox) look(ctx context.Context, q world.Queue, key string) {
	messages, err := q.Receive(ctx, 32, time.Minute)
	if err != nil {
		return // the next look is soon
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	for _, m := range messages {
		e, err := world.Decode(m.Body, func(id string) []byte {
			if id != worldID {
				return nil
			}
			return []byte(key)
		})
		if err != nil {
			in.bad = append(in.bad, err)
		} else {
			in.all = append(in.all, arrival{time.Now(), e})
		}
		_ = q.Delete(ctx, m) // else it comes again
	}
	if len(messages) > 0 {
		close(in.news)
		in.news = make(chan struct{})
	}
}

// count is how many came so far.
func (in *inbox) count() int {
	in.mu.Lock()
	defer in.mu.Unlock()
	return len(in.all)
}

// find is the first event from the given one on.
func (in *inbox) find(from int, is func(world.Event) bool) (a arrival, ok bool, news <-chan struct{}) {
	in.mu.Lock()
	defer in.mu.Unlock()
	for _, a := range in.all[from:] {
		if is(a.event) {
			return a, true, nil
		}
	}
	return arrival{}, false, in.news
}

// unsealed are the messages that nobody with the world's key sealed.
func (in *inbox) unsealed() []error {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.bad
}

// told is what came from the given event on, for people.
func (in *inbox) told(from int) string {
	in.mu.Lock()
	defer in.mu.Unlock()
	var b strings.Builder
	for _, a := range in.all[from:] {
		fmt.Fprintf(&b, "%s %s %+v\n", a.at.Format(time.TimeOnly), a.event.ID, a.event.Data)
	}
	return b.String()
}
