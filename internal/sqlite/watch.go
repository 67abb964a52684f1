package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// Stats counts a queue's messages.
type Stats struct {
	Visible int // to be received now
	Hidden  int // delayed, or in somebody's hands
}

// Stats counts the queue's messages.
func (q *Queue) Stats(ctx context.Context) (Stats, error) {
	var s Stats
	err := q.db.sql.QueryRowContext(ctx, `
		SELECT count(*) FILTER (WHERE visible_at <= ?1), count(*) FILTER (WHERE visible_at > ?1)
		FROM messages WHERE queue = ?2`,
		q.db.now(), q.name).Scan(&s.Visible, &s.Hidden)
	if err != nil {
		return Stats{}, explain(q.db.path, "count queue "+q.name+" in", err)
	}
	return s, nil
}

// Peeked is a message as it lies in its queue.
type Peeked struct {
	ID           string
	Body         []byte
	DequeueCount int // deliveries so far; 0 before the first
	Sent         time.Time
	VisibleAt    time.Time // in the past when it is visible
}

// Peek shows up to limit (1 to 32) messages, hidden ones too, those first
// that are or become visible first. It changes nothing.
func (q *Queue) Peek(ctx context.Context, limit int) ([]Peeked, error) {
	if limit < 1 || limit > maxReceive {
		return nil, fmt.Errorf("peek at queue %s: limit is %d: choose 1 to %d", q.name, limit, maxReceive)
	}
	messages, err := q.peek(ctx, limit)
	if err != nil {
		return nil, explain(q.db.path, "peek at queue "+q.name+" in", err)
	}
	return messages, nil
}

func (q *Queue) peek(ctx context.Context, limit int) ([]Peeked, error) {
	rows, err := q.db.sql.QueryContext(ctx, `
		SELECT id, body, dequeue_count, sent_at, visible_at
		FROM messages WHERE queue = ? ORDER BY visible_at, seq LIMIT ?`, q.name, limit)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }() // Err below tells what matters
	var messages []Peeked
	for rows.Next() {
		var (
			m             Peeked
			sent, visible int64
		)
		if err := rows.Scan(&m.ID, &m.Body, &m.DequeueCount, &sent, &visible); err != nil {
			return nil, err
		}
		m.Sent, m.VisibleAt = toTime(sent), toTime(visible)
		messages = append(messages, m)
	}
	return messages, rows.Err()
}

// Changed returns a channel that is closed when the next message is sent to
// the queue by this process, delayed ones too, or moved to it from the queue
// whose poison queue it is. Take it before Receive and wait on it after, and
// no message is missed.
func (q *Queue) Changed() <-chan struct{} { return q.db.changes(q.name) }

// NextVisible tells when the first of the hidden messages becomes visible; ok
// is false if none is hidden.
func (q *Queue) NextVisible(ctx context.Context) (at time.Time, ok bool, err error) {
	var visible sql.NullInt64
	err = q.db.sql.QueryRowContext(ctx,
		"SELECT min(visible_at) FROM messages WHERE queue = ? AND visible_at > ?",
		q.name, q.db.now()).Scan(&visible)
	if err != nil {
		return time.Time{}, false, explain(q.db.path, "look ahead in queue "+q.name+" in", err)
	}
	if !visible.Valid {
		return time.Time{}, false, nil
	}
	return toTime(visible.Int64), true, nil
}

// Wait returns when a message of the queue is visible, or with ctx's error.
// It does not poll, unless other processes take part (Join, DB.Share). Another worker may be faster: Receive can still find
// nothing.
func (q *Queue) Wait(ctx context.Context) error {
	for {
		changed := q.Changed()
		var first int64
		err := q.db.sql.QueryRowContext(ctx,
			"SELECT visible_at FROM messages WHERE queue = ? ORDER BY visible_at LIMIT 1", q.name).Scan(&first)
		var due, look <-chan time.Time
		if q.db.lookEvery > 0 {
			look = q.db.clock.After(q.db.lookEvery)
		}
		switch {
		case errors.Is(err, sql.ErrNoRows):
		case err != nil:
			return explain(q.db.path, "wait for queue "+q.name+" in", err)
		default:
			left := time.Duration(first - q.db.now())
			if left <= 0 {
				return nil
			}
			due = q.db.clock.After(left)
		}
		select {
		case <-changed:
		case <-due:
		case <-look:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
