package storage

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/Azure/azure-sdk-for-go/sdk/data/aztables"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azqueue/v2"

	"hearth/internal/azure/account"
	"hearth/internal/world"
)

// The tables.
const (
	worldsTable  = "worlds"
	archiveTable = "archive"
)

// howToMake ends the error for a queue or table that is missing.
const howToMake = "the deployment makes it: apply infra again"

// Storage is a storage account's queues and tables. It is safe for concurrent
// use.
type Storage struct {
	queues *azqueue.ServiceClient
	tables *aztables.ServiceClient
}

// Open uses the account. It makes no call.
func Open(a *account.Account) (*Storage, error) {
	queues, err1 := openQueues(a)
	tables, err2 := openTables(a)
	if err := errors.Join(err1, err2); err != nil {
		return nil, fmt.Errorf("use storage account %s: %w", a.Name(), err)
	}
	return &Storage{queues: queues, tables: tables}, nil
}

func openQueues(a *account.Account) (*azqueue.ServiceClient, error) {
	o := &azqueue.ClientOptions{ClientOptions: a.ClientOptions()}
	url := a.Endpoint(account.Queue)
	if a.Key() == "" {
		return azqueue.NewServiceClient(url, a.Credential(), o)
	}
	key, err := azqueue.NewSharedKeyCredential(a.Name(), a.Key().Reveal())
	if err != nil {
		return nil, err
	}
	return azqueue.NewServiceClientWithSharedKeyCredential(url, key, o)
}

func openTables(a *account.Account) (*aztables.ServiceClient, error) {
	o := &aztables.ClientOptions{ClientOptions: a.ClientOptions()}
	url := a.Endpoint(account.Table)
	if a.Key() == "" {
		return aztables.NewServiceClient(url, a.Credential(), o)
	}
	key, err := aztables.NewSharedKeyCredential(a.Name(), a.Key().Reveal())
	if err != nil {
		return nil, err
	}
	return aztables.NewServiceClientWithSharedKey(url, key, o)
}

// Provision makes the queues and tables of a deployment with these worlds. What
// is there already stays as it is. The error names each that could not be made.
func (s *Storage) Provision(ctx context.Context, worldIDs []string) error {
	var failed []error
	ids := slices.DeleteFunc(slices.Clone(worldIDs), func(id string) bool {
		if !world.IsWorldID(id) {
			failed = append(failed, fmt.Errorf("make the orders queue of %q: it is no world's id", id))
			return true
		}
		return false
	})
	for _, name := range Queues(ids) {
		_, err := s.queues.NewQueueClient(name).Create(ctx, nil)
		if account.Code(err) != "QueueAlreadyExists" {
			failed = append(failed, account.Fail("make queue "+name, err))
		}
	}
	for _, name := range Tables() {
		_, err := s.tables.CreateTable(ctx, name, nil)
		if account.Code(err) != "TableAlreadyExists" {
			failed = append(failed, account.Fail("make table "+name, err))
		}
	}
	return errors.Join(failed...)
}
