package bot_test

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"testing"
	"time"

	"hearth/internal/world"
	"hearth/internal/world/worldtest"
)

var (
	_ world.Store = (*memoryStore)(nil)
	_ world.Queue = (*memoryQueue)(nil)
)

// memoryStore keeps rows as documents, so that nothing is shared with its
// callers. Its etags count writes.
type memoryStore struct {
	mu   sync.Mutex // guards what follows
	rows map[world.Key]memoryRow
}

type memoryRow struct {
	document []byte
	writes   int
}

func newMemoryStore() *memoryStore { return &memoryStore{rows: map[world.Key]memoryRow{}} }

func (m *memoryStore) Load(ctx context.Context, key world.Key) (world.Row, error) {
	if err := ctx.Err(); err != nil {
		return world.Row{}, err
	}
	m.mu.Lock()
	r, ok := m.rows[key]
	m.mu.Unlock()
	if !ok {
		return world.Row{}, world.ErrNotFound
	}
	s, err := world.DecodeState(r.document)
	return world.Row{Key: key, State: s, ETag: strconv.Itoa(r.writes)}, err
}

func (m *memoryStore) Insert(ctx context.Context, row world.Row) (string, error) {
	row.ETag = "0"
	return m.put(ctx, row)
}

func (m *memoryStore) Replace(ctx context.Context, row world.Row) (string, error) {
	if row.ETag == "" || row.ETag == "0" {
		return "", fmt.Errorf("replace: %w", world.ErrConflict)
	}
	return m.put(ctx, row)
}

func (m *memoryStore) put(ctx context.Context, row world.Row) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	document, err := row.State.Encode()
	if err != nil {
		return "", err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	old := m.rows[row.Key]
	if strconv.Itoa(old.writes) != row.ETag {
		return "", world.ErrConflict
	}
	m.rows[row.Key] = memoryRow{document, old.writes + 1}
	return strconv.Itoa(old.writes + 1), nil
}

// memoryQueue is a queue on a clock, in the order of becoming visible.
type memoryQueue struct {
	clock world.Clock

	mu       sync.Mutex // guards what follows
	serial   int
	messages []*queued
}

type queued struct {
	world.Message
	visible time.Time
}

func (q *memoryQueue) Send(ctx context.Context, body []byte, delay time.Duration) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if len(body) > world.MaxMessageBytes {
		return world.ErrTooLarge
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.serial++
	q.messages = append(q.messages, &queued{
		Message: world.Message{ID: strconv.Itoa(q.serial), Body: append([]byte{}, body...)},
		visible: q.clock.Now().Add(delay),
	})
	return nil
}

func (q *memoryQueue) Receive(ctx context.Context, limit int, visibility time.Duration) ([]world.Message, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	now := q.clock.Now()
	var got []world.Message
	for _, m := range q.messages {
		if len(got) == limit {
			break
		}
		if m.visible.After(now) {
			continue
		}
		q.serial++
		m.visible, m.Receipt = now.Add(visibility), strconv.Itoa(q.serial)
		m.DequeueCount++
		got = append(got, m.Message)
	}
	return got, nil
}

func (q *memoryQueue) Delete(ctx context.Context, m world.Message) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	for i, held := range q.messages {
		if held.ID == m.ID && held.Receipt == m.Receipt {
			q.messages = append(q.messages[:i], q.messages[i+1:]...)
			return nil
		}
	}
	return world.ErrStaleReceipt
}

// bodies lists what is in the queue, delayed messages too.
func (q *memoryQueue) bodies() [][]byte {
	q.mu.Lock()
	defer q.mu.Unlock()
	out := make([][]byte, len(q.messages))
	for i, m := range q.messages {
		out[i] = m.Body
	}
	return out
}

func (q *memoryQueue) clear() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.messages = nil
}

// The store of these tests must be as good as a real one.
func TestMemoryStore(t *testing.T) {
	worldtest.Store(t, func(*testing.T, world.Clock) world.Store { return newMemoryStore() })
}
