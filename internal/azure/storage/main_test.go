package storage_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/data/aztables"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azqueue/v2"

	"hearth/internal/azure/account"
	"hearth/internal/azure/storage"
	"hearth/internal/sim/azurite/azuritetest"
	"hearth/internal/world"
)

// service is the one Azurite of this package's tests.
var service azuritetest.Shared

func TestMain(m *testing.M) {
	os.Exit(func() int {
		// Most of the contract's cases only wait.
		if err := flag.Set("test.parallel", "16"); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer service.Close()
		return m.Run()
	}())
}

// connection leads to it. Without Node the test is skipped.
func connection(t *testing.T) string {
	t.Helper()
	return service.Server(t).ConnectionString()
}

// openOn returns Azurite's queues and tables, reached over the transport; nil:
// as always.
func openOn(t *testing.T, transport policy.Transporter) *storage.Storage {
	t.Helper()
	a, err := account.Open(account.Options{ConnectionString: world.Secret(connection(t)), Transport: transport})
	if err != nil {
		t.Fatalf("account.Open: %v", err)
	}
	s, err := storage.Open(a)
	if err != nil {
		t.Fatalf("storage.Open: %v", err)
	}
	return s
}

// newQueue makes a queue of the test's own and returns its name.
func newQueue(t *testing.T) (name string) {
	t.Helper()
	name = fmt.Sprintf("q-%d", queues.Add(1))
	if _, err := rawQueue(t, name).Create(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	return name
}

var queues atomic.Int64

func rawQueue(t *testing.T, name string) *azqueue.QueueClient {
	t.Helper()
	q, err := azqueue.NewQueueClientFromConnectionString(connection(t), name, nil)
	if err != nil {
		t.Fatal(err)
	}
	return q
}

// rawTable is the table as a person sees it.
func rawTable(t *testing.T, name string) *aztables.Client {
	t.Helper()
	tables, err := aztables.NewServiceClientFromConnectionString(connection(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	return tables.NewClient(name)
}

// emptyTable makes the table anew. Tests that use one do not run at once.
func emptyTable(t *testing.T, name string) *aztables.Client {
	t.Helper()
	table := rawTable(t, name)
	if _, err := table.Delete(t.Context(), nil); err != nil && account.Code(err) != string(aztables.ResourceNotFound) && account.Code(err) != string(aztables.TableNotFound) {
		t.Fatal(err)
	}
	if _, err := table.CreateTable(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	return table
}

// pass waits: the service has a clock of its own.
func pass(t *testing.T, d time.Duration) {
	t.Helper()
	select {
	case <-time.After(d):
	case <-t.Context().Done():
		t.Fatal(context.Cause(t.Context()))
	}
}
