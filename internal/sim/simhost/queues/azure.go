package queues

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azqueue/v2"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azqueue/v2/queueerror"
)

var _ Queue = (*azureQueue)(nil)

// maxReceive is the most messages that the service hands out at once.
const maxReceive = 32

// Account is a storage account.
type Account struct {
	service *azqueue.ServiceClient
	speed   float64
}

// Open opens an account by its connection string. The storage has a clock of
// its own: what it is told to wait is divided by speed (1: as it is) and rounded
// up to whole seconds.
func Open(connection string, speed float64) (*Account, error) {
	s, err := azqueue.NewServiceClientFromConnectionString(connection, nil)
	if err != nil {
		return nil, fmt.Errorf("open storage account: %w", err)
	}
	return &Account{service: s, speed: speed}, nil
}

// Queue is the queue of that name, which need not exist.
func (a *Account) Queue(name string) Queue {
	return &azureQueue{client: a.service.NewQueueClient(name), name: name, speed: a.speed}
}

type azureQueue struct {
	client *azqueue.QueueClient
	name   string
	speed  float64
}

func (q *azureQueue) seconds(d time.Duration) *int32 {
	if d <= 0 {
		return new(int32(0))
	}
	s := math.Ceil(d.Seconds() / q.speed)
	return new(int32(min(s, (7 * 24 * time.Hour).Seconds()))) // the service's limit
}

// Receive implements Queue.
func (q *azureQueue) Receive(ctx context.Context, limit int, hide time.Duration) ([]Message, error) {
	r, err := q.client.DequeueMessages(ctx, &azqueue.DequeueMessagesOptions{
		NumberOfMessages: new(int32(min(limit, maxReceive))), VisibilityTimeout: q.seconds(hide), //nolint:gosec // at most 32
	})
	if err != nil {
		return nil, q.wrap("receive from", err)
	}
	out := make([]Message, 0, len(r.Messages))
	for _, m := range r.Messages {
		out = append(out, Message{
			ID: value(m.MessageID), Receipt: value(m.PopReceipt), Text: value(m.MessageText), DequeueCount: value(m.DequeueCount),
			Inserted: value(m.InsertionTime), Expires: value(m.ExpirationTime), NextVisible: value(m.TimeNextVisible),
		})
	}
	return out, nil
}

func value[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}

// Hide implements Queue.
func (q *azureQueue) Hide(ctx context.Context, m Message, d time.Duration) (Message, error) {
	r, err := q.client.UpdateMessage(ctx, m.ID, m.Receipt, m.Text, &azqueue.UpdateMessageOptions{VisibilityTimeout: q.seconds(d)})
	if err != nil {
		return m, q.wrap("hide message in", err)
	}
	m.Receipt, m.NextVisible = value(r.PopReceipt), value(r.TimeNextVisible)
	return m, nil
}

// Delete implements Queue.
func (q *azureQueue) Delete(ctx context.Context, m Message) error {
	if _, err := q.client.DeleteMessage(ctx, m.ID, m.Receipt, nil); err != nil {
		return q.wrap("delete message from", err)
	}
	return nil
}

// Send implements Queue.
func (q *azureQueue) Send(ctx context.Context, text string) error {
	_, err := q.client.EnqueueMessage(ctx, text, nil)
	if err != nil && queueerror.HasCode(err, queueerror.QueueNotFound) {
		if _, err = q.client.Create(ctx, nil); err == nil || queueerror.HasCode(err, queueerror.QueueAlreadyExists) {
			_, err = q.client.EnqueueMessage(ctx, text, nil)
		}
	}
	if err != nil {
		return q.wrap("send to", err)
	}
	return nil
}

func (q *azureQueue) wrap(what string, err error) error {
	err = fmt.Errorf("%s queue %s: %w", what, q.name, err)
	var response *azcore.ResponseError
	switch {
	case queueerror.HasCode(err, queueerror.QueueNotFound, queueerror.QueueBeingDeleted, queueerror.QueueDisabled):
		return errors.Join(ErrNoQueue, err)
	case queueerror.HasCode(err, queueerror.MessageNotFound, queueerror.PopReceiptMismatch):
		return errors.Join(ErrGone, err)
	case errors.As(err, &response) && response.StatusCode >= http.StatusInternalServerError:
		return errors.Join(ErrServer, err)
	}
	return err
}
