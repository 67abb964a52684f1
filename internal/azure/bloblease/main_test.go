package bloblease_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blockblob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/lease"

	"hearth/internal/azure/account"
	"hearth/internal/azure/bloblease"
	"hearth/internal/sim/azurite"
	"hearth/internal/world"
)

// service is the one Azurite of this package's tests, started when the first of
// them needs it. It has many accounts, for the name of a lease's container is
// the world's.
var service struct {
	mu     sync.Mutex // guards what follows
	server *azurite.Server
	dir    string
	used   int // accounts
}

const (
	worldID     = "midgard"
	maxAccounts = 100
)

func TestMain(m *testing.M) {
	os.Exit(func() int {
		// Most of the contract's cases only wait.
		if err := flag.Set("test.parallel", "16"); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer end()
		return m.Run()
	}())
}

func accountName(i int) string { return fmt.Sprintf("hearth%d", i) }

// newAccount is the connection string of an account that nobody uses. Without
// Node the test is skipped.
func newAccount(t *testing.T) world.Secret {
	t.Helper()
	service.mu.Lock()
	defer service.mu.Unlock()
	if service.server == nil {
		startService(t)
	}
	if service.used == maxAccounts {
		t.Fatalf("%d accounts are used: raise maxAccounts", maxAccounts)
	}
	service.used++
	return world.Secret(strings.ReplaceAll(service.server.ConnectionString(), azurite.Account, accountName(service.used)))
}

// startService starts it. service.mu is held.
func startService(t *testing.T) {
	t.Helper()
	var all []string
	for i := range maxAccounts {
		all = append(all, fmt.Sprintf("%s:%s", accountName(i+1), azurite.Key))
	}
	// For the whole process, whichever test comes first.
	if err := os.Setenv("AZURITE_ACCOUNTS", strings.Join(all, ";")); err != nil { //nolint:usetesting // see above
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "hearth-azurite-") //nolint:usetesting // it outlives the test
	if err != nil {
		t.Fatal(err)
	}
	server, err := azurite.Start(context.Background(), azurite.Options{Dir: dir})
	if err != nil {
		_ = os.RemoveAll(dir)
		if errors.Is(err, azurite.ErrMissing) {
			t.Skip(err)
		}
		t.Fatal(err)
	}
	service.server, service.dir = server, dir
}

// end ends Azurite, if it was started.
func end() {
	service.mu.Lock()
	defer service.mu.Unlock()
	if service.server != nil {
		_ = service.server.Close()
		_ = os.RemoveAll(service.dir)
	}
}

// open returns the account's leases, reached over the transport; nil: as always.
func open(t *testing.T, connection world.Secret, transport policy.Transporter) *bloblease.Lease {
	t.Helper()
	a, err := account.Open(account.Options{ConnectionString: connection, Transport: transport})
	if err != nil {
		t.Fatalf("account.Open: %v", err)
	}
	l, err := bloblease.New(a)
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	return l
}

func provision(t *testing.T, l *bloblease.Lease, worldIDs ...string) {
	t.Helper()
	if err := l.Provision(t.Context(), worldIDs); err != nil {
		t.Fatalf("Provision: %v", err)
	}
}

// rawBlob is the lease's blob as a person sees it.
func rawBlob(t *testing.T, connection world.Secret) *blockblob.Client {
	t.Helper()
	c, err := container.NewClientFromConnectionString(connection.Reveal(), bloblease.Container(worldID), nil)
	if err != nil {
		t.Fatal(err)
	}
	return c.NewBlockBlobClient("lease")
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

// breakLease ends a lease at once, as the portal's button does.
func breakLease(t *testing.T, connection world.Secret) {
	t.Helper()
	l, err := lease.NewBlobClient(rawBlob(t, connection), nil)
	if err != nil {
		t.Fatal(err)
	}
	now := int32(0)
	if _, err := l.BreakLease(t.Context(), &lease.BlobBreakOptions{BreakPeriod: &now}); err != nil {
		t.Fatal(err)
	}
}
