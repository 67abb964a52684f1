package queues_test

import (
	"context"
	"slices"
	"strconv"
	"sync"
	"time"

	"hearth/internal/sim/simhost/queues"
)

// memory is a storage queue on the bubble's clock.
type memory struct {
	mu      sync.Mutex // guards what follows
	stored  []*stored
	sent    int
	created bool
	polls   []time.Time
	fail    func(op string) error // asked before each operation
}

type stored struct {
	queues.Message
	visible time.Time
}

func (q *memory) begin(op string) error {
	if q.fail != nil {
		return q.fail(op)
	}
	return nil
}

func (q *memory) Receive(_ context.Context, limit int, hide time.Duration) ([]queues.Message, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.polls = append(q.polls, time.Now())
	if err := q.begin("receive"); err != nil {
		return nil, err
	}
	if !q.created {
		return nil, queues.ErrNoQueue
	}
	var out []queues.Message
	for _, s := range q.stored {
		if len(out) < limit && !s.visible.After(time.Now()) {
			s.DequeueCount++
			s.lease(hide)
			out = append(out, s.Message)
		}
	}
	return out, nil
}

func (s *stored) lease(d time.Duration) {
	s.visible = time.Now().Add(d)
	s.Receipt += "+"
	s.NextVisible = s.visible
}

func (q *memory) find(m queues.Message) (*stored, error) {
	for _, s := range q.stored {
		if s.ID == m.ID && s.Receipt == m.Receipt {
			return s, nil
		}
	}
	return nil, queues.ErrGone
}

func (q *memory) Hide(_ context.Context, m queues.Message, d time.Duration) (queues.Message, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if err := q.begin("hide"); err != nil {
		return m, err
	}
	s, err := q.find(m)
	if err != nil {
		return m, err
	}
	s.lease(d)
	return s.Message, nil
}

func (q *memory) Delete(_ context.Context, m queues.Message) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if err := q.begin("delete"); err != nil {
		return err
	}
	s, err := q.find(m)
	if err != nil {
		return err
	}
	q.stored = slices.DeleteFunc(q.stored, func(o *stored) bool { return o == s })
	return nil
}

func (q *memory) Send(_ context.Context, text string) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if err := q.begin("send"); err != nil {
		return err
	}
	q.created = true
	q.sent++
	q.stored = append(q.stored, &stored{Message: queues.Message{ID: strconv.Itoa(q.sent), Text: text, Inserted: time.Now()}, visible: time.Now()})
	return nil
}

func (q *memory) texts() (out []string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, s := range q.stored {
		out = append(out, s.Text)
	}
	return out
}

// polled are the times of the polls so far.
func (q *memory) polled() []time.Time {
	q.mu.Lock()
	defer q.mu.Unlock()
	return slices.Clone(q.polls)
}

// failing has f asked before each operation.
func (q *memory) failing(f func(op string) error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.fail = f
}
