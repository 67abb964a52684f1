package playground

import (
	"context"
	"sync"
	"time"

	"hearth/internal/world"
)

const maxNotes = 60

// notes remembers the last events for the panel and tells who watches that
// something changed.
type notes struct {
	clock world.Clock

	mu       sync.Mutex // guards what follows
	lines    []note
	watchers map[chan struct{}]struct{}
}

type note struct {
	at   time.Time
	text string
}

func newNotes(c world.Clock) *notes {
	return &notes{clock: c, watchers: map[chan struct{}]struct{}{}}
}

func (n *notes) add(text string) {
	n.mu.Lock()
	n.lines = append(n.lines, note{n.clock.Now(), text})
	if len(n.lines) > maxNotes {
		n.lines = n.lines[len(n.lines)-maxNotes:]
	}
	n.mu.Unlock()
	n.changed()
}

func (n *notes) last() []note {
	n.mu.Lock()
	defer n.mu.Unlock()
	return append([]note(nil), n.lines...)
}

// changed wakes everybody who watches.
func (n *notes) changed() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for ch := range n.watchers {
		select {
		case ch <- struct{}{}:
		default: // one is waiting to be received
		}
	}
}

// watch returns a channel that gets a value after changes, until ctx ends.
func (n *notes) watch(ctx context.Context) <-chan struct{} {
	ch := make(chan struct{}, 1)
	n.mu.Lock()
	n.watchers[ch] = struct{}{}
	n.mu.Unlock()
	context.AfterFunc(ctx, func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		delete(n.watchers, ch)
		close(ch)
	})
	return ch
}
