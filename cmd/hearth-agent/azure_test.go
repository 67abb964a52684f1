package main

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"hearth/internal/azure/account"
	"hearth/internal/azure/bloblease"
	azure "hearth/internal/azure/storage"
	"hearth/internal/sim/azurite"
	"hearth/internal/sim/azurite/azuritetest"
	"hearth/internal/world"
)

// asAgent lets the test binary be hearth-agent.
const asAgent = "HEARTH_TEST_AS_AGENT"

func TestMain(m *testing.M) {
	if os.Getenv(asAgent) != "" {
		main()
		return
	}
	code := m.Run()
	service.Close()
	os.Exit(code)
}

// service is the one Azurite of this package's tests.
var service azuritetest.Shared

// storageAccount makes what the world needs in a storage account, which other
// tests use too. Without Node the test is skipped.
func storageAccount(t testing.TB, worldIDs ...string) (world.Secret, *azure.Storage, *bloblease.Lease) {
	t.Helper()
	connection := world.Secret(service.Server(t).ConnectionString())
	a, err := account.Open(account.Options{ConnectionString: connection})
	if err != nil {
		t.Fatal(err)
	}
	queues, err1 := azure.Open(a)
	leases, err2 := bloblease.New(a)
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(queues.Provision(t.Context(), worldIDs), leases.Provision(t.Context(), worldIDs)); err != nil {
		t.Fatal(err)
	}
	return connection, queues, leases
}

// TestCheckOnAzure: what is there is found, and what is missing is named.
func TestCheckOnAzure(t *testing.T) {
	connection, queues, leases := storageAccount(t, "midgard")
	r := newRig(t)
	conf := map[string]any{"storage": "azure", "storage_connection": connection.Reveal()}
	code, stdout, stderr := r.run(t.Context(), conf, "check")
	if got := r.plain(stdout); code != exitOK || got != allIsWell {
		t.Errorf("check = %d\n%s%s\nwant\n%s", code, got, stderr, allIsWell)
	}
	// What it sent is believed.
	ms, err := queues.Queue(world.EventsQueue).Receive(t.Context(), 32, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	found := false
	for _, m := range ms { // other tests send there, too
		e, err := world.Decode(m.Body, func(string) []byte { return []byte(key) })
		found = found || err == nil && e.World == "midgard" && e.Data.(world.AgentPayload).AsHeard().Epoch == 0
	}
	if !found {
		t.Errorf("no heartbeat of boot 0 among %d events", len(ms))
	}

	h, err := leases.Acquire(t.Context(), "midgard")
	if err != nil {
		t.Fatal(err)
	}
	if code, stdout, _ := r.run(t.Context(), conf, "check"); code != exitOK || !strings.Contains(stdout, "ok    lease     boot 1 holds it\n") {
		t.Errorf("check beside a boot = %d\n%s", code, stdout)
	}
	if err := leases.Renew(t.Context(), h); err != nil {
		t.Errorf("the check took the lease: %v", err)
	}

	conf["world"] = "nowhere"
	code, stdout, stderr = r.run(t.Context(), conf, "check")
	for _, says := range []string{"fail  orders    can't be received", "no such queue", "fail  lease     can't be asked for", "no container lease-nowhere", "apply infra"} {
		if code != exitFailed || !strings.Contains(stdout, says) {
			t.Errorf("check of a world that is not there = %d, want it to say %q\n%s%s", code, says, stdout, stderr)
		}
	}
	if strings.Contains(stdout+stderr, azurite.Key) {
		t.Errorf("it tells the account's key:\n%s%s", stdout, stderr)
	}
}
