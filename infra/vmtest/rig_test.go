//go:build linux

package vmtest_test

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"hearth/internal/clock"
	"hearth/internal/sim/simcloud"
	"hearth/internal/sim/simcloud/wire"
	"hearth/internal/sim/simshare"
	"hearth/internal/world"
)

// rig is everything around the machine.
type rig struct {
	dir       string
	secrets   secrets
	storage   *botStorage
	front     *front
	cloud     *simcloud.Cloud
	tenant    *wire.Tenant
	metadata  atomic.Pointer[wire.Handler] // of the machine that there is
	samba     *samba
	shares    *simshare.Share // the snapshots of the share that samba serves
	image     *image
	hands     *hands
	inbox     *inbox
	agent     string // its blob's name
	program   []byte
	cloudInit string
	times     times
}

func newRig(t *testing.T) *rig {
	t.Helper()
	wireUp(t)
	r := &rig{dir: os.Getenv(variable), secrets: newSecrets()}
	ca := newAuthority(t)
	r.image = newImage(t, r.dir, ca)
	r.samba = newSamba(t, r.folder(t, "samba"), r.secrets.Share)
	r.hands = newHands(t)

	r.storage = openStorage(t, r.folder(t, "azurite"))
	r.inbox = openInbox(t, r.storage.queues.Queue(world.EventsQueue), r.secrets.Key)
	r.program = []byte(read(t, filepath.Join(r.dir, agentFile)))
	sum := fmt.Sprintf("%x", sha256.Sum256(r.program))
	r.agent = "hearth-agent-" + sum
	r.storage.deploy(t, r.agent, r.program)
	r.cloudInit = r.render(t, sum)

	r.tenant = wire.NewTenant(clock.System{}, 0)
	blobs, queues := r.storage.signed(t)
	r.front = &front{
		tenant: r.tenant,
		blobs:  toAzurite(t, r.storage.server.BlobURL, blobs), queues: toAzurite(t, r.storage.server.QueueURL, queues),
	}
	var err error
	r.shares, err = simshare.New(simshare.Options{Account: shareAccount, Key: r.secrets.Share, Share: "world", Clock: clock.System{}})
	if err != nil {
		t.Fatal(err)
	}
	hosts := ca.server(t, blobHost, queueHost, fileHost, vaultHost)
	for address, service := range map[string]http.Handler{
		blobAddress: r.front, queueAddress: r.front, fileAddress: r.shares, vaultAddress: r.vault(t),
	} {
		serve(t, tls.NewListener(listen(t, address+":443"), hosts), service)
	}
	metadata := http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		h := r.metadata.Load()
		if h == nil {
			panic(http.ErrAbortHandler)
		}
		h.ServeHTTP(w, q)
	})
	serve(t, listen(t, metadataAddress+":80"), metadata)
	// What containers are kept from and what they are not.
	yes := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprintln(w, "here") })
	for _, address := range []string{platformAddress + ":80", platformAddress + ":32526", platformAddress + ":53", wayOut + ":80"} {
		serve(t, listen(t, address), yes)
	}

	r.cloud, err = simcloud.New(simcloud.Options{
		Clock: clock.System{}, Placements: []world.Placement{{ID: placement, Region: region, Size: size}},
		Timing: simcloud.Timing{Create: time.Millisecond, Boot: time.Millisecond, Delete: time.Millisecond},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.cloud.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return r
}

// vault has the machine's one secret, for its identity alone.
func (r *rig) vault(t *testing.T) *wire.Vault {
	t.Helper()
	value, err := json.Marshal(r.secrets)
	if err != nil {
		t.Fatal(err)
	}
	v := wire.NewVault(vault, r.tenant)
	v.Set(vaultSecret, string(value))
	v.Grant(clientID, vaultSecret)
	return v
}

func (r *rig) folder(t *testing.T, name string) string {
	t.Helper()
	path := filepath.Join(r.dir, name)
	if err := os.Mkdir(path, 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

// render is the machine's cloud-init, by the module as Terraform reads it.
func (r *rig) render(t *testing.T, sum string) string {
	t.Helper()
	top, err := root()
	if err != nil {
		t.Fatal(err)
	}
	config := map[string]any{
		"module": map[string]any{"vm": map[string]any{
			"source": filepath.Join(top, "infra", "vm"),
			"world":  worldID, "world_file": worldFile, "server_name": serverName, "port": gamePort, "save_interval": "1m",
			"storage_account": botAccount, "client_id": clientID, "secret_url": "https://" + vaultHost + "/secrets/" + vaultSecret,
			"agent_url": "https://" + blobHost + "/deploy/" + r.agent, "agent_sha256": sum, "share_account": shareAccount,
		}},
		"output": map[string]any{"cloud_init": map[string]any{"value": "${module.vm.cloud_init}"}},
	}
	text, err := json.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	dir := r.folder(t, "terraform")
	if err := os.WriteFile(filepath.Join(dir, "main.tf.json"), text, 0o644); err != nil {
		t.Fatal(err)
	}
	run(t, "terraform", "-chdir="+dir, "init", "-no-color", "-input=false")
	run(t, "terraform", "-chdir="+dir, "apply", "-no-color", "-input=false", "-auto-approve")
	return run(t, "terraform", "-chdir="+dir, "output", "-raw", "cloud_init")
}

// boot makes a machine as the bot would and switches it on. What came by the
// queue before belongs to others.
func (r *rig) boot(t *testing.T, name string) *boot {
	t.Helper()
	id := r.create(t)
	r.metadata.Store(wire.New(r.cloud, id, wire.Options{
		Clock: clock.System{}, PerSecond: wire.PerSecond, FirstEvents: 5 * time.Second,
		Tenant: r.tenant, Identities: []string{clientID},
	}))
	b := &boot{rig: r, vm: id, from: r.inbox.count()}
	b.machine = power(t, name, r.dir, r.image.disk(t, name, r.cloudInit))
	return b
}

// create lets the cloud make a machine in the place of the last one.
func (r *rig) create(t *testing.T) string {
	t.Helper()
	p := world.Placement{ID: placement, Region: region, Size: size}
	for _, capacity := range []int{0, 1} {
		token, err := r.cloud.Scale(t.Context(), p, capacity)
		for done := false; err == nil && !done; {
			done, err = r.cloud.Poll(t.Context(), token)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for {
		for _, vm := range r.cloud.Snapshot().VMs {
			if vm.State == simcloud.VMRunning {
				return vm.ID
			}
		}
		<-time.After(10 * time.Millisecond)
	}
}

// boot is a machine of the cloud's with what is heard of it.
type boot struct {
	*machine
	rig  *rig
	vm   string // its name in the cloud
	from int    // its first event in the inbox
}

// hear waits for an event of a kind that is as it should be.
func hear[P world.Payload](t *testing.T, b *boot, within time.Duration, is func(P) bool) (at time.Time, data P) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	for {
		a, ok, news := b.rig.inbox.find(b.from, func(e world.Event) bool {
			p, ok := e.Data.(P)
			return ok && (is == nil || is(p))
		})
		if ok {
			return a.at, a.event.Data.(P)
		}
		select {
		case <-news:
		case <-b.ended:
			t.Fatalf("the machine has ended, without %T:\n%s", data, tail(b.console(), 40))
		case <-ctx.Done():
			t.Fatalf("no %T within %v; came:\n%s\nconsole:\n%s", data, within, b.rig.inbox.told(b.from), tail(b.console(), 60))
		}
	}
}
