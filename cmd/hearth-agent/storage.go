package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"hearth/internal/azure/account"
	"hearth/internal/azure/bloblease"
	azure "hearth/internal/azure/storage"
	"hearth/internal/clock"
	"hearth/internal/sqlite"
	"hearth/internal/world"
)

// The kinds of storage.
const (
	sqliteKind = "sqlite"
	azureKind  = "azure"
)

// storage is where queues and lease are.
type storage struct {
	events, orders world.Queue
	lease          world.Lease
	// holder says who holds the lease, and until when if the storage tells.
	holder func(ctx context.Context, worldID string) (h world.Holding, until time.Time, held bool, err error)
	close  func() error
}

// openStorage takes part in the deployment's queues and leases. Azure's is not
// called for that.
func (c *config) openStorage(ctx context.Context) (*storage, error) {
	if c.Storage == azureKind {
		return c.openAzure()
	}
	path, err := c.sqlitePath()
	if err != nil {
		return nil, err
	}
	db, err := sqlite.Join(ctx, path, clock.System{})
	if err != nil {
		return nil, err
	}
	return &storage{
		events: db.Queue(world.EventsQueue), orders: db.Queue(world.OrdersQueue(c.World)),
		lease: db.Lease(), holder: db.Lease().Holder, close: db.Close,
	}, nil
}

func (c *config) openAzure() (*storage, error) {
	credential, err := machineIdentity(c.StorageClientID)
	if err != nil {
		return nil, err
	}
	a, err := account.Open(account.Options{
		Credential:       credential,
		ConnectionString: c.StorageConnection, Account: c.StorageAccount, ClientID: c.StorageClientID,
		Names: account.Names{ConnectionString: "storage_connection", Account: "storage_account", ClientID: "storage_client_id"},
	})
	if err != nil {
		return nil, err
	}
	queues, err1 := azure.Open(a)
	leases, err2 := bloblease.New(a)
	if err := errors.Join(err1, err2); err != nil {
		return nil, err
	}
	return &storage{
		events: queues.Queue(world.EventsQueue), orders: queues.Queue(world.OrdersQueue(c.World)),
		lease: leases, holder: leases.Holder, close: func() error { return nil },
	}, nil
}

// checkStorage names what is wrong with the storage's configuration.
func (c *config) checkStorage(bad func(string, ...any)) {
	if c.Storage == azureKind {
		s, err := c.openAzure()
		if err == nil {
			err = s.close()
		}
		badLines(err, bad)
		return
	}
	if _, err := c.sqlitePath(); err != nil {
		bad("%v", err)
	}
	for _, f := range []struct{ name, value string }{
		{"storage_account", c.StorageAccount}, {"storage_client_id", c.StorageClientID}, {"storage_connection", c.StorageConnection.Reveal()},
	} {
		if f.value != "" {
			bad("%s is there, and storage is %q: write \"storage\": %q, or remove it", f.name, c.Storage, azureKind)
		}
	}
}

// sqlitePath takes the storage apart: a kind, a colon and what the kind needs.
func (c *config) sqlitePath() (string, error) {
	kind, rest, _ := strings.Cut(c.Storage, ":")
	if kind != sqliteKind || !filepath.IsAbs(rest) {
		return "", fmt.Errorf("storage is %q: write sqlite:PATH, the absolute path of the file that the bot has open on this machine, or azure", c.Storage)
	}
	return rest, nil
}

// badLines names each of joined errors.
func badLines(err error, bad func(string, ...any)) {
	if err == nil {
		return
	}
	for line := range strings.Lines(err.Error()) {
		bad("%s", strings.TrimRight(line, "\n"))
	}
}
