package functionapp

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/storage/azqueue/v2"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azqueue/v2/queueerror"

	"hearth/internal/azure/account"
	"hearth/internal/azure/bloblease"
	"hearth/internal/azure/storage"
	"hearth/internal/sim/azurite"
	"hearth/internal/world"
)

// peekAtOnce is the most messages that the service lets one peek at.
const peekAtOnce = 32

// Storage is a storage account that has all that a deployment needs.
type Storage struct {
	connection string
	azurite    *azurite.Server // nil: somebody else's
	account    *storage.Storage
	leases     *bloblease.Lease
	queues     *azqueue.ServiceClient
}

// OpenStorage starts an Azurite on dir, or takes the account of connection if
// that is given, and makes in it what the worlds need.
func OpenStorage(ctx context.Context, dir, connection string, worldIDs []string, log *slog.Logger) (*Storage, error) {
	s := &Storage{connection: connection}
	if err := s.open(ctx, dir, worldIDs, log); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *Storage) open(ctx context.Context, dir string, worldIDs []string, log *slog.Logger) (err error) {
	if s.connection == "" {
		if s.azurite, err = azurite.Start(ctx, azurite.Options{Dir: dir, Log: lines{log}}); err != nil {
			return err
		}
		s.connection = s.azurite.ConnectionString()
	}
	a, err := account.Open(account.Options{ConnectionString: world.Secret(s.connection)})
	if err != nil {
		return err
	}
	if s.account, err = storage.Open(a); err != nil {
		return err
	}
	if s.leases, err = bloblease.New(a); err != nil {
		return err
	}
	if s.queues, err = azqueue.NewServiceClientFromConnectionString(s.connection, nil); err != nil {
		return fmt.Errorf("open queues: %w", err)
	}
	if err := s.account.Provision(ctx, worldIDs); err != nil {
		return err
	}
	return s.leases.Provision(ctx, worldIDs)
}

// Store is where the rows are.
func (s *Storage) Store() world.Store { return s.account.Store() }

// Queue is the queue of this name.
func (s *Storage) Queue(name string) world.Queue { return s.account.Queue(name) }

// Lease is where the worlds' leases are.
func (s *Storage) Lease() *bloblease.Lease { return s.leases }

// Count counts a queue's messages, visible ones up to 32. A queue that does not
// exist is empty: the host makes that of poison when it needs it.
func (s *Storage) Count(ctx context.Context, queue string) (visible, hidden int, err error) {
	q := s.queues.NewQueueClient(queue)
	p, err := q.GetProperties(ctx, nil)
	if queueerror.HasCode(err, queueerror.QueueNotFound) {
		return 0, 0, nil
	}
	if err != nil {
		return 0, 0, fmt.Errorf("count %s: %w", queue, err)
	}
	most := int32(peekAtOnce)
	peeked, err := q.PeekMessages(ctx, &azqueue.PeekMessagesOptions{NumberOfMessages: &most})
	if err != nil {
		return 0, 0, fmt.Errorf("count %s: %w", queue, err)
	}
	visible = len(peeked.Messages)
	if p.ApproximateMessagesCount != nil {
		hidden = max(int(*p.ApproximateMessagesCount)-visible, 0)
	}
	return visible, hidden, nil
}

// Close ends the Azurite that OpenStorage started.
func (s *Storage) Close() error {
	if s.azurite == nil {
		return nil
	}
	return s.azurite.Close()
}

// lines writes what a process prints to a log.
type lines struct{ log *slog.Logger }

func (l lines) Write(b []byte) (int, error) {
	for line := range strings.Lines(string(b)) {
		if line = strings.TrimSpace(line); line != "" {
			l.log.Info("azurite says", "text", line)
		}
	}
	return len(b), nil
}
