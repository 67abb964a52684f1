package bloblease_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blockblob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/lease"

	"hearth/internal/azure/account"
	"hearth/internal/azure/bloblease"
	"hearth/internal/sim/azurite"
	"hearth/internal/sim/azurite/azuritetest"
	"hearth/internal/world"
)

// service is the one Azurite of this package's tests. It has many accounts, for
// the name of a lease's container is the world's.
var (
	service azuritetest.Shared
	used    atomic.Int64 // accounts
)

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
		defer service.Close()
		var all []string
		for i := range int64(maxAccounts) {
			all = append(all, fmt.Sprintf("%s:%s", accountName(i+1), azurite.Key))
		}
		if err := os.Setenv("AZURITE_ACCOUNTS", strings.Join(all, ";")); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		return m.Run()
	}())
}

func accountName(i int64) string { return fmt.Sprintf("hearth%d", i) }

// newAccount is the connection string of an account that nobody uses. Without
// Node the test is skipped.
func newAccount(t *testing.T) world.Secret {
	t.Helper()
	n := used.Add(1)
	if n > maxAccounts {
		t.Fatalf("%d accounts are used: raise maxAccounts", maxAccounts)
	}
	return world.Secret(strings.ReplaceAll(service.Server(t).ConnectionString(), azurite.Account, accountName(n)))
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
