//go:build linux

package vmtest_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"path"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob"
	blobsas "github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/sas"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azqueue/v2"
	queuesas "github.com/Azure/azure-sdk-for-go/sdk/storage/azqueue/v2/sas"

	"hearth/internal/azure/account"
	"hearth/internal/azure/bloblease"
	"hearth/internal/azure/storage"
	"hearth/internal/sim/azurite"
	"hearth/internal/sim/simcloud/wire"
	"hearth/internal/world"
)

// role is something that the machine's identity may do.
type role struct {
	host, method, path string // path may end in *
}

// roles are those that Terraform gives the machine's identity on the bot's storage
// account, as the requests that they allow: Queue Data Message Sender on events,
// Queue Data Message Processor on its orders, Blob Data Contributor on its lease's
// container, Blob Data Reader on deploy.
func roles() []role {
	orders := "/" + world.OrdersQueue(worldID) + "/messages"
	return []role{
		{queueHost, http.MethodPost, "/" + world.EventsQueue + "/messages"},
		{queueHost, http.MethodGet, orders},
		{queueHost, http.MethodDelete, orders + "/*"},
		{queueHost, http.MethodPut, orders + "/*"},
		{blobHost, "*", "/" + bloblease.Container(worldID) + "/*"},
		{blobHost, http.MethodGet, "/deploy/*"},
	}
}

func (r role) allows(req *http.Request) bool {
	ok, _ := path.Match(r.path, req.URL.Path) // the patterns are right
	return ok && req.Host == r.host && (r.method == "*" || r.method == req.Method)
}

// front is the bot's storage account as far as the machine's identity reaches it:
// it asks for a token of the metadata service's, looks at the roles, and hands the
// request on to Azurite.
type front struct {
	tenant *wire.Tenant
	blobs  http.Handler
	queues http.Handler

	refuseEvents atomic.Bool // as if the role on the queue were missing

	mu      sync.Mutex // guards what follows
	refused []string   // what was asked without a right to it
}

// ServeHTTP implements http.Handler.
func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	next := f.blobs
	switch r.Host {
	case blobHost:
	case queueHost:
		next = f.queues
	default:
		refuse(w, http.StatusBadRequest, "InvalidHostName")
		return
	}
	token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	who, known := f.tenant.Caller(token, "https://storage.azure.com")
	switch {
	case !known || who != clientID:
		f.note(r, "no token for it")
		refuse(w, http.StatusUnauthorized, "InvalidAuthenticationInfo")
	case r.Header.Get("x-ms-version") < "2017-11-09": // "Authorize with Microsoft Entra ID"
		f.note(r, "no x-ms-version that knows tokens")
		refuse(w, http.StatusForbidden, "AuthenticationFailed")
	case f.refuseEvents.Load() && r.Host == queueHost && r.Method == http.MethodPost:
		refuse(w, http.StatusForbidden, "AuthorizationPermissionMismatch")
	case !slices.ContainsFunc(roles(), func(a role) bool { return a.allows(r) }):
		f.note(r, "no role")
		refuse(w, http.StatusForbidden, "AuthorizationPermissionMismatch")
	default:
		next.ServeHTTP(w, r)
	}
}

func (f *front) note(r *http.Request, why string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.refused = append(f.refused, fmt.Sprintf("%s %s%s: %s", r.Method, r.Host, r.URL.Path, why))
}

// overreach is what was asked so far without a right to it.
func (f *front) overreach() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.refused)
}

// refuse answers as the storage services do.
func refuse(w http.ResponseWriter, status int, code string) {
	w.Header().Set("x-ms-error-code", code)
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	_, _ = fmt.Fprintf(w, `<?xml version="1.0" encoding="utf-8"?><Error><Code>%s</Code><Message>Refused.</Message></Error>`, code)
}

// toAzurite hands on to one of its services, with a signature in place of the
// token.
func toAzurite(t *testing.T, service, signature string) http.Handler {
	t.Helper()
	to, err := url.Parse(service)
	if err != nil {
		t.Fatal(err)
	}
	return &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(to)
			r.Out.Header.Del("Authorization")
			r.Out.URL.RawQuery = strings.TrimPrefix(r.In.URL.RawQuery+"&"+signature, "&")
		},
		ErrorLog: log.New(t.Output(), "front: ", 0),
	}
}

// account is the bot's storage account as the bot reaches it.
type botStorage struct {
	server *azurite.Server
	blobs  *azblob.Client
	queues *storage.Storage
	leases *bloblease.Lease
}

func openStorage(t *testing.T, dir string) *botStorage {
	t.Helper()
	server, err := azurite.Start(t.Context(), azurite.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	a, err := account.Open(account.Options{ConnectionString: world.Secret(server.ConnectionString())})
	if err != nil {
		t.Fatal(err)
	}
	queues, err1 := storage.Open(a)
	leases, err2 := bloblease.New(a)
	blobs, err3 := azblob.NewClientFromConnectionString(server.ConnectionString(), nil)
	if err := errors.Join(err1, err2, err3); err != nil {
		t.Fatal(err)
	}
	worlds := []string{worldID}
	_, err4 := blobs.CreateContainer(t.Context(), "deploy", nil)
	if err := errors.Join(queues.Provision(t.Context(), worlds), leases.Provision(t.Context(), worlds), err4); err != nil {
		t.Fatal(err)
	}
	return &botStorage{server, blobs, queues, leases}
}

// deploy puts the agent where the machine fetches it.
func (s *botStorage) deploy(t *testing.T, name string, program []byte) {
	t.Helper()
	if _, err := s.blobs.UploadBuffer(t.Context(), "deploy", name, program, nil); err != nil {
		t.Fatal(err)
	}
}

// signed are signatures for the queries of both services, good for a day.
func (s *botStorage) signed(t *testing.T) (blobs, queues string) {
	t.Helper()
	until := time.Now().Add(24 * time.Hour)
	blobKey, err1 := azblob.NewSharedKeyCredential(azurite.Account, azurite.Key)
	queueKey, err2 := azqueue.NewSharedKeyCredential(azurite.Account, azurite.Key)
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	blob, err1 := blobsas.AccountSignatureValues{
		Protocol: blobsas.ProtocolHTTPSandHTTP, ExpiryTime: until, ResourceTypes: "sco",
		Permissions: (&blobsas.AccountPermissions{Read: true, Write: true, Delete: true, List: true, Add: true, Create: true}).String(),
	}.SignWithSharedKey(blobKey)
	queue, err2 := queuesas.AccountSignatureValues{
		Protocol: queuesas.ProtocolHTTPSandHTTP, ExpiryTime: until, ResourceTypes: "sco",
		Permissions: (&queuesas.AccountPermissions{Read: true, Write: true, Delete: true, List: true, Add: true, Update: true, Process: true}).String(),
	}.SignWithSharedKey(queueKey)
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	return blob.Encode(), queue.Encode()
}

// serve answers on an address until the test ends.
func serve(t *testing.T, listener net.Listener, h http.Handler) {
	t.Helper()
	server := &http.Server{Handler: h, ErrorLog: log.New(t.Output(), listener.Addr().String()+": ", 0), ReadHeaderTimeout: time.Minute}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := server.Shutdown(ctx); err != nil {
			_ = server.Close()
		}
		if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
}

func listen(t *testing.T, address string) net.Listener {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	return l
}
