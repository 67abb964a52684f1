package storage

import (
	"context"
	"encoding/base64"
	"fmt"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/storage/azqueue/v2"

	"hearth/internal/azure/account"
	"hearth/internal/world"
)

var _ world.Queue = (*Queue)(nil)

const (
	maxDelay   = 7 * 24 * time.Hour
	maxReceive = 32
	// forever: messages never expire. The service's seven days would drop
	// events in silence while the bot is down; an order has an end of its own.
	forever int32 = -1
)

// Queue is one queue of the account. Delays and visibility timeouts are whole
// seconds there: others are rounded up.
type Queue struct {
	client *azqueue.QueueClient
	name   string
	poison bool
}

// Queue returns the queue with this name, which must exist; a name made by
// world.PoisonQueue may be missing, and is empty then: the Functions host makes
// that queue when it first sets a message aside.
func (s *Storage) Queue(name string) *Queue {
	return &Queue{
		client: s.queues.NewQueueClient(name), name: name,
		poison: strings.HasSuffix(name, world.PoisonQueue("")),
	}
}

// Send implements world.Queue.
func (q *Queue) Send(ctx context.Context, body []byte, delay time.Duration) error {
	if len(body) > world.MaxMessageBytes {
		return fmt.Errorf("send to queue %s: %w: %d bytes of at most %d", q.name, world.ErrTooLarge, len(body), world.MaxMessageBytes)
	}
	if delay < 0 || delay > maxDelay {
		return fmt.Errorf("send to queue %s: delay is %s: choose 0 to %s", q.name, delay, maxDelay)
	}
	ttl, hidden := forever, seconds(delay)
	_, err := q.client.EnqueueMessage(ctx, base64.StdEncoding.EncodeToString(body),
		&azqueue.EnqueueMessageOptions{TimeToLive: &ttl, VisibilityTimeout: &hidden})
	return q.fail("send to", err)
}

// Receive implements world.Queue. visibility is above 0 and at most 7 days.
func (q *Queue) Receive(ctx context.Context, limit int, visibility time.Duration) ([]world.Message, error) {
	if limit < 1 || limit > maxReceive {
		return nil, fmt.Errorf("receive from queue %s: limit is %d: choose 1 to %d", q.name, limit, maxReceive)
	}
	if visibility <= 0 || visibility > maxDelay {
		return nil, fmt.Errorf("receive from queue %s: visibility is %s: choose above 0 to %s", q.name, visibility, maxDelay)
	}
	count, hidden := int32(limit), seconds(visibility)
	got, err := q.client.DequeueMessages(ctx, &azqueue.DequeueMessagesOptions{NumberOfMessages: &count, VisibilityTimeout: &hidden})
	if q.poison && account.Code(err) == "QueueNotFound" {
		return nil, nil
	}
	if err != nil {
		return nil, q.fail("receive from", err)
	}
	messages := make([]world.Message, len(got.Messages))
	for i, m := range got.Messages {
		messages[i] = world.Message{
			ID: value(m.MessageID), Receipt: value(m.PopReceipt), Body: decode(value(m.MessageText)), DequeueCount: int(value(m.DequeueCount)),
		}
	}
	return messages, nil
}

// decode gives the body of a message. Text that is no base64 was not sent by
// Hearth, nor by an output binding of the Functions host; it is handed on as it
// stands, to end where every malformed body does: dropping it would lose it
// unseen, an error would hold up the messages beside it. What is longer than any
// body is cut to that length. (Such a message in the events queue itself goes to
// the poison queue: the host takes none that it can't decode.)
func decode(text string) []byte {
	if body, err := base64.StdEncoding.DecodeString(text); err == nil {
		return body
	}
	return []byte(text[:min(len(text), world.MaxMessageBytes)])
}

// Delete implements world.Queue. A message that was not received again is
// still its last receiver's to delete, even after its visibility ran out.
// ErrStaleReceipt may tell of this very Delete, if its reply was lost.
func (q *Queue) Delete(ctx context.Context, m world.Message) error {
	_, err := q.client.DeleteMessage(ctx, m.ID, m.Receipt, nil)
	switch code := account.Code(err); {
	case code == "MessageNotFound" || code == "PopReceiptMismatch" || q.poison && code == "QueueNotFound":
		return fmt.Errorf("delete from queue %s: message %s: %w", q.name, m.ID, world.ErrStaleReceipt)
	}
	return q.fail("delete from", err)
}

func (q *Queue) fail(act string, err error) error {
	if account.Code(err) == "QueueNotFound" {
		return fmt.Errorf("%s queue %s: there is no such queue; %s", act, q.name, howToMake)
	}
	return account.Fail(act+" queue "+q.name, err)
}

// seconds rounds up: nothing is visible before its time.
func seconds(d time.Duration) int32 {
	return int32((d + time.Second - 1) / time.Second) //nolint:gosec // at most 604,800
}

func value[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}
