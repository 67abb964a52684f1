//go:build linux

package vmtest_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hearth/internal/clock"
	"hearth/internal/sim/simcloud"
	"hearth/internal/sim/simcloud/wire"
	"hearth/internal/world"
)

// TestFront: what the machine's identity may do, and what it is refused.
func TestFront(t *testing.T) {
	cloud, err := simcloud.New(simcloud.Options{
		Clock: clock.System{}, Placements: []world.Placement{{ID: placement, Region: region, Size: size}},
		Timing: simcloud.Timing{Create: 1, Boot: 1, Delete: 1},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer cloud.Close(context.Background()) //nolint:errcheck // nothing runs in it
	r := &rig{cloud: cloud, tenant: wire.NewTenant(clock.System{}, 0)}
	metadata := wire.New(cloud, r.create(t), wire.Options{Tenant: r.tenant, Identities: []string{clientID, "another"}})
	token := func(client, resource string) string {
		q := httptest.NewRequest(http.MethodGet, "/metadata/identity/oauth2/token?api-version=2018-02-01&client_id="+client+"&resource="+resource, nil)
		q.Header.Set("Metadata", "true")
		w := httptest.NewRecorder()
		metadata.ServeHTTP(w, q)
		var doc struct {
			Token string `json:"access_token"`
		}
		if err := json.Unmarshal(w.Body.Bytes(), &doc); err != nil || doc.Token == "" {
			t.Fatalf("no token: %d %s", w.Code, w.Body)
		}
		return doc.Token
	}
	yes := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	f := &front{tenant: r.tenant, blobs: yes, queues: yes}
	const version = "2021-12-02"
	storage := token(clientID, "https://storage.azure.com/")
	for _, tc := range []struct {
		name, method, url, token, version string
		want                              int
	}{
		{"an event", "POST", queueHost + "/events/messages?timeout=3", storage, version, 200},
		{"reading events", "GET", queueHost + "/events/messages", storage, version, 403},
		{"its orders", "GET", queueHost + "/orders-midgard/messages", storage, version, 200},
		{"an order done", "DELETE", queueHost + "/orders-midgard/messages/1-2?popreceipt=x", storage, version, 200},
		{"an order of its own", "POST", queueHost + "/orders-midgard/messages", storage, version, 403},
		{"another world's orders", "GET", queueHost + "/orders-asgard/messages", storage, version, 403},
		{"its lease", "PUT", blobHost + "/lease-midgard/lease?comp=lease", storage, version, 200},
		{"the lease's container", "DELETE", blobHost + "/lease-midgard?restype=container", storage, version, 403},
		{"another's lease", "PUT", blobHost + "/lease-asgard/lease?comp=lease", storage, version, 403},
		{"the agent", "GET", blobHost + "/deploy/hearth-agent-0", storage, version, 200},
		{"another agent", "PUT", blobHost + "/deploy/hearth-agent-0", storage, version, 403},
		{"without a version", "GET", blobHost + "/deploy/hearth-agent-0", storage, "", 403},
		{"the vault's token", "GET", blobHost + "/deploy/hearth-agent-0", token(clientID, "https://vault.azure.net"), version, 401},
		{"another's token", "GET", blobHost + "/deploy/hearth-agent-0", token("another", "https://storage.azure.com"), version, 401},
		{"no token", "GET", blobHost + "/deploy/hearth-agent-0", "", version, 401},
		{"another account", "GET", "hearth.blob.core.windows.net/deploy/x", storage, version, 400},
	} {
		q := httptest.NewRequest(tc.method, "https://"+tc.url, nil)
		q.Header.Set("Authorization", "Bearer "+tc.token)
		q.Header.Set("x-ms-version", tc.version)
		w := httptest.NewRecorder()
		f.ServeHTTP(w, q)
		if w.Code != tc.want {
			t.Errorf("%s: %d, want %d", tc.name, w.Code, tc.want)
		}
	}
}

// TestCount: a text is found where two chunks meet, and counted once.
func TestCount(t *testing.T) {
	path := filepath.Join(t.TempDir(), "disk")
	text := strings.Repeat(".", 1<<20-3) + "secret" + strings.Repeat(".", 1<<20) + "secret"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if n := count(t, path, "secret"); n != 2 {
		t.Errorf("found %d times, want 2", n)
	}
}

func TestTable(t *testing.T) {
	var s times
	s.add("first", "kernel", 1500*time.Millisecond)
	s.add("first", "mount", time.Second)
	s.add("second", "kernel", 2*time.Second)
	want := "| seconds | first | second |\n|---|---|---|\n| kernel | 1.5 | 2.0 |\n| mount | 1.0 |  |\n"
	if got := s.table(); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}
