package sqlite

import (
	"cmp"
	"context"
	"crypto/rand"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"time"

	"hearth/internal/world"
)

var _ world.Queue = (*Queue)(nil)

// Limits of the queue, those of Azure's storage queues.
const (
	maxDelay   = 7 * 24 * time.Hour
	maxReceive = 32
)

// Queue is one queue of the file. Messages come in the order in which they
// became visible. They never expire.
type Queue struct {
	db     *DB
	name   string
	poison bool // messages of a poison queue are delivered without limit
}

// Queue returns the queue with this name. It exists as soon as something is
// sent to it. A name made by world.PoisonQueue is a poison queue: it hands out
// its messages any number of times.
func (d *DB) Queue(name string) *Queue {
	return &Queue{db: d, name: name, poison: strings.HasSuffix(name, world.PoisonQueue(""))}
}

// Send implements world.Queue.
func (q *Queue) Send(ctx context.Context, body []byte, delay time.Duration) error {
	if len(body) > world.MaxMessageBytes {
		return fmt.Errorf("send to queue %s: %w: %d bytes of at most %d", q.name, world.ErrTooLarge, len(body), world.MaxMessageBytes)
	}
	if delay < 0 || delay > maxDelay {
		return fmt.Errorf("send to queue %s: delay is %s: choose 0 to %s", q.name, delay, maxDelay)
	}
	if body == nil {
		body = []byte{} // nil would be NULL
	}
	err := q.db.write(ctx, "send to queue "+q.name+" in", func(tx *sql.Tx, now int64) (bool, error) {
		_, err := tx.ExecContext(ctx,
			"INSERT INTO messages (id, queue, body, sent_at, visible_at) VALUES (?, ?, ?, ?, ?)",
			rand.Text(), q.name, body, now, now+int64(delay))
		return true, err
	})
	if err != nil {
		return err
	}
	q.db.announce(q.name)
	return nil
}

// Receive implements world.Queue. visibility is above 0 and at most 7 days.
// Messages that were delivered world.MaxDeliveries times and are visible again
// go to world.PoisonQueue of this queue instead, with their id, body, count
// and time of sending.
func (q *Queue) Receive(ctx context.Context, limit int, visibility time.Duration) ([]world.Message, error) {
	if limit < 1 || limit > maxReceive {
		return nil, fmt.Errorf("receive from queue %s: limit is %d: choose 1 to %d", q.name, limit, maxReceive)
	}
	if visibility <= 0 || visibility > maxDelay {
		return nil, fmt.Errorf("receive from queue %s: visibility is %s: choose above 0 to %s", q.name, visibility, maxDelay)
	}
	var (
		spent    int64
		received []world.Message
	)
	err := q.db.write(ctx, "receive from queue "+q.name+" in", func(tx *sql.Tx, now int64) (bool, error) {
		var err error
		if spent, err = q.setAside(ctx, tx, now); err != nil {
			return false, err
		}
		if received, err = q.take(ctx, tx, limit, now, now+int64(visibility)); err != nil {
			return false, err
		}
		return spent > 0 || len(received) > 0, nil
	})
	if err != nil {
		return nil, err
	}
	if spent > 0 {
		q.db.announce(world.PoisonQueue(q.name))
	}
	return received, nil
}

// setAside moves spent messages to the poison queue. Their receipts go, so
// that a late worker can't delete them there.
func (q *Queue) setAside(ctx context.Context, tx *sql.Tx, now int64) (int64, error) {
	if q.poison {
		return 0, nil
	}
	done, err := tx.ExecContext(ctx,
		"UPDATE messages SET queue = ?, visible_at = ?, receipt = '' WHERE queue = ? AND visible_at <= ? AND dequeue_count >= ?",
		world.PoisonQueue(q.name), now, q.name, now, world.MaxDeliveries)
	if err != nil {
		return 0, err
	}
	return done.RowsAffected()
}

func (q *Queue) take(ctx context.Context, tx *sql.Tx, limit int, now, until int64) ([]world.Message, error) {
	rows, err := tx.QueryContext(ctx, `
		UPDATE messages
		SET dequeue_count = dequeue_count + 1, visible_at = ?, receipt = lower(hex(randomblob(16)))
		WHERE seq IN (SELECT seq FROM messages WHERE queue = ? AND visible_at <= ? ORDER BY visible_at, seq LIMIT ?)
		RETURNING seq, id, receipt, body, dequeue_count`,
		until, q.name, now, limit)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }() // Err below tells what matters
	type delivery struct {
		seq int64
		world.Message
	}
	var taken []delivery
	for rows.Next() {
		var m delivery
		if err := rows.Scan(&m.seq, &m.ID, &m.Receipt, &m.Body, &m.DequeueCount); err != nil {
			return nil, err
		}
		taken = append(taken, m)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	// RETURNING promises no order.
	slices.SortFunc(taken, func(a, b delivery) int { return cmp.Compare(a.seq, b.seq) })
	messages := make([]world.Message, len(taken))
	for i, m := range taken {
		messages[i] = m.Message
	}
	return messages, nil
}

// Return gives a received message up: it is visible again after delay (0 to 7
// days). Its delivery counts. ErrStaleReceipt as of Delete.
func (q *Queue) Return(ctx context.Context, m world.Message, delay time.Duration) error {
	if delay < 0 || delay > maxDelay {
		return fmt.Errorf("return to queue %s: delay is %s: choose 0 to %s", q.name, delay, maxDelay)
	}
	err := q.change(ctx, "return to queue "+q.name+" in", m, func(tx *sql.Tx, now int64) (sql.Result, error) {
		return tx.ExecContext(ctx,
			"UPDATE messages SET visible_at = ?, receipt = '' WHERE queue = ? AND id = ? AND receipt = ? AND receipt <> ''",
			now+int64(delay), q.name, m.ID, m.Receipt)
	})
	if err != nil {
		return err
	}
	q.db.announce(q.name)
	return nil
}

// Delete implements world.Queue. A message that was not received again is
// still its last receiver's to delete, even after its visibility ran out.
func (q *Queue) Delete(ctx context.Context, m world.Message) error {
	return q.change(ctx, "delete from queue "+q.name+" in", m, func(tx *sql.Tx, _ int64) (sql.Result, error) {
		return tx.ExecContext(ctx,
			"DELETE FROM messages WHERE queue = ? AND id = ? AND receipt = ? AND receipt <> ''",
			q.name, m.ID, m.Receipt)
	})
}

// change runs a statement on a message that is its receiver's still.
func (q *Queue) change(ctx context.Context, act string, m world.Message, statement func(tx *sql.Tx, now int64) (sql.Result, error)) error {
	return q.db.write(ctx, act, func(tx *sql.Tx, now int64) (bool, error) {
		done, err := statement(tx, now)
		if err != nil {
			return false, err
		}
		n, err := done.RowsAffected()
		if err == nil && n == 0 {
			err = fmt.Errorf("message %s: %w", m.ID, world.ErrStaleReceipt)
		}
		return true, err
	})
}
