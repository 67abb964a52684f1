package compute_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	azfake "github.com/Azure/azure-sdk-for-go/sdk/azcore/fake"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/compute/armcompute/v8"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/compute/armcompute/v8/fake"

	"hearth/internal/azure/compute"
	"hearth/internal/sim/simcloud"
	"hearth/internal/sim/simcloud/wire"
	"hearth/internal/world"
	"hearth/internal/world/worldtest"
)

const signature = "?sig=nobody-may-see-this"

// The SDK's own fake server tells the address, in Azure's storage.
func TestConsoleOnFakeServers(t *testing.T) {
	worldtest.Console(t, func(t *testing.T) worldtest.ConsoleUnderTest {
		s := newStorage(t, "https://md-hdd-x.z12.blob.storage.azure.net")
		return consoleUnderTest(t, s.cloud, s.open(t), func(*testing.T) { s.fails = 1 })
	})
}

// storage is Azure's, as far as consoles go, beside armcompute's fake servers.
type storage struct {
	t     *testing.T
	cloud *simcloud.Cloud
	clock *worldtest.Clock
	at    string // where consoles are said to be
	fails int
	off   bool
	reads []*http.Request
	// answers, if it is set, answers a read.
	answers func(*http.Request) (*http.Response, error)
}

func newStorage(t *testing.T, at string) *storage {
	t.Helper()
	clock := worldtest.NewClock()
	c, err := simcloud.New(simcloud.Options{Clock: clock, Placements: []world.Placement{midgard, asgard}})
	must(t, err)
	t.Cleanup(func() { must(t, c.Close(context.Background())) })
	return &storage{t: t, cloud: c, clock: clock, at: at}
}

func (s *storage) open(t *testing.T) *compute.Compute {
	t.Helper()
	azure := &fake.ServerFactory{VirtualMachinesServer: fake.VirtualMachinesServer{
		RetrieveBootDiagnosticsData: func(_ context.Context, _, vm string, o *armcompute.VirtualMachinesClientRetrieveBootDiagnosticsDataOptions) (resp azfake.Responder[armcompute.VirtualMachinesClientRetrieveBootDiagnosticsDataResponse], no azfake.ErrorResponder) {
			if s.off {
				no.SetResponseError(http.StatusConflict, "OperationNotAllowed")
				return resp, no
			}
			if _, ok := s.cloud.VM(vm); !ok {
				no.SetResponseError(http.StatusNotFound, "ResourceNotFound")
				return resp, no
			}
			if o == nil || o.SasURIExpirationTimeInMinutes == nil || *o.SasURIExpirationTimeInMinutes > 10 {
				s.t.Errorf("a right to read for longer than a minute's work: %v", o)
			}
			resp.SetResponse(http.StatusOK, armcompute.VirtualMachinesClientRetrieveBootDiagnosticsDataResponse{RetrieveBootDiagnosticsDataResult: armcompute.RetrieveBootDiagnosticsDataResult{
				SerialConsoleLogBlobURI: new(s.at + "/bootdiagnostics-" + vm + "/" + vm + ".serialconsole.log" + signature),
			}}, nil)
			return resp, no
		},
	}}
	out, err := compute.New(compute.Options{
		Subscription: wire.DefaultSubscription, ResourceGroup: wire.DefaultResourceGroup, Clock: s.clock, Credential: &azfake.TokenCredential{},
		Transport: transport{s, &failing{fake.NewServerFactoryTransport(azure), &s.fails}},
	})
	must(t, err)
	return out
}

type transport struct {
	s    *storage
	next policy.Transporter
}

// Do implements policy.Transporter.
func (tr transport) Do(req *http.Request) (*http.Response, error) {
	if req.URL.Host == "management.azure.com" {
		return tr.next.Do(req)
	}
	return tr.s.read(req)
}

func (s *storage) read(req *http.Request) (*http.Response, error) {
	s.reads = append(s.reads, req)
	if s.answers != nil {
		return s.answers(req)
	}
	resp := func(status int, header http.Header, body []byte) (*http.Response, error) {
		return &http.Response{StatusCode: status, Header: header, Body: io.NopCloser(bytes.NewReader(body)), Request: req}, nil
	}
	name := req.URL.Path[strings.LastIndex(req.URL.Path, "/")+1:]
	text := s.cloud.Printed(strings.TrimSuffix(name, ".serialconsole.log"))
	var from, to int
	if _, err := fmt.Sscanf(req.Header.Get("Range"), "bytes=%d-%d", &from, &to); err != nil {
		s.t.Errorf("the service knows no range %q", req.Header.Get("Range"))
	}
	if from >= len(text) {
		return resp(http.StatusRequestedRangeNotSatisfiable, http.Header{}, nil)
	}
	to = min(to+1, len(text))
	return resp(http.StatusPartialContent, http.Header{"Content-Range": {fmt.Sprintf("bytes %d-%d/%d", from, to-1, len(text))}}, text[from:to])
}

// TestConsoleWithoutToken: who holds the console gets no token of ours.
func TestConsoleWithoutToken(t *testing.T) {
	s := newStorage(t, "https://hearth.blob.core.windows.net")
	u := consoleUnderTest(t, s.cloud, s.open(t), nil)
	u.Write(t, u.Machine, bytes.Repeat([]byte("line\n"), 20_000))
	_, err := u.Console.ReadConsole(t.Context(), u.Machine)
	must(t, err)
	if len(s.reads) != 2 {
		t.Errorf("%d reads, want two", len(s.reads))
	}
	for _, r := range s.reads {
		if r.Header.Get("Authorization") != "" || r.URL.RawQuery != signature[1:] {
			t.Errorf("asked %s with %v, want the signature alone", r.URL, r.Header)
		}
	}
	// The same over the wire, whose storage refuses a token.
	w := newRig(t, wire.ARMOptions{})
	u = consoleUnderTest(t, w.cloud, w.Compute, nil)
	u.Write(t, u.Machine, []byte("x"))
	_, err = u.Console.ReadConsole(t.Context(), u.Machine)
	must(t, err)
}

// TestConsoleElsewhere: an address that does not lead into Azure's storage is not
// asked.
func TestConsoleElsewhere(t *testing.T) {
	for _, at := range []string{
		"http://x.blob.core.windows.net", "https://evil.example", "https://blob.core.windows.net.evil.example", "https://xblob.core.windows.net",
		"https://me@x.blob.core.windows.net", "https://evil.example/x.blob.core.windows.net", "//x.blob.core.windows.net", "ftp://x.blob.core.windows.net", "https://127.0.0.1", "https://[::1", "",
	} {
		s := newStorage(t, at)
		u := consoleUnderTest(t, s.cloud, s.open(t), nil)
		_, err := u.Console.ReadConsole(t.Context(), u.Machine)
		if ce := cloudError(t, err); ce.Class != world.ClassTransient || strings.Contains(err.Error(), "sig=") {
			t.Errorf("%s: %v, want it to be transient, and the signature unsaid", at, err)
		}
		if len(s.reads) > 0 {
			t.Errorf("%s was asked", at)
		}
	}
	r := newRig(t, wire.ARMOptions{})
	u := consoleUnderTest(t, r.cloud, r.Compute, nil)
	r.arm.ConsolesAt("https://evil.example")
	if _, err := u.Console.ReadConsole(t.Context(), u.Machine); err == nil {
		t.Error("another host than Resource Manager's was asked")
	}
}

// TestConsoleTrouble: the storage fails in its own ways.
func TestConsoleTrouble(t *testing.T) {
	for name, tc := range map[string]struct {
		status int
		told   string
		err    error
		class  world.CloudClass
		code   string
	}{
		"not made yet":    {404, "BlobNotFound", nil, "", ""},
		"refused":         {403, "AuthenticationFailed", nil, world.ClassConfig, "AuthenticationFailed"},
		"elsewhere":       {307, "", nil, world.ClassTransient, "307"},
		"busy":            {503, "ServerBusy", nil, world.ClassTransient, "ServerBusy"},
		"throttled":       {429, "TooManyRequests", nil, world.ClassTransient, "TooManyRequests"},
		"not there":       {0, "", errors.New("dial: " + signature), world.ClassTransient, "Unreachable"},
		"slow":            {0, "", context.DeadlineExceeded, world.ClassTransient, "Timeout"},
		"all, and no end": {200, "", nil, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStorage(t, "https://hearth.blob.core.windows.net")
			s.answers = func(req *http.Request) (*http.Response, error) {
				if tc.err != nil {
					return nil, tc.err
				}
				return &http.Response{
					StatusCode: tc.status, Header: http.Header{"X-Ms-Error-Code": {tc.told}, "Location": {"https://evil.example"}},
					Body: io.NopCloser(endless{}), Request: req,
				}, nil
			}
			u := consoleUnderTest(t, s.cloud, s.open(t), nil)
			text, err := u.Console.ReadConsole(t.Context(), u.Machine)
			if tc.code == "" {
				must(t, err)
				if len(text) > world.MaxConsoleBytes {
					t.Errorf("%d bytes", len(text))
				}
				return
			}
			if ce := cloudError(t, err); ce.Class != tc.class || ce.Code != tc.code || strings.Contains(err.Error(), "sig=") {
				t.Errorf("got %+v, want %s and %s, and the signature unsaid", ce, tc.class, tc.code)
			}
		})
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	return len(p), nil
}

// TestConsoleOff: boot diagnostics are not on in the scale set.
func TestConsoleOff(t *testing.T) {
	r := newRig(t, wire.ARMOptions{})
	r.arm.Shape(midgard.ID, func(s *wire.SetShape) { s.NoBootDiagnostics = true })
	_, err := r.ReadConsole(t.Context(), r.up(t).ID)
	if ce := cloudError(t, err); ce.Class != world.ClassConfig || ce.Code != "OperationNotAllowed" {
		t.Errorf("got %+v, want it to be the deployment's", ce)
	}
	s := newStorage(t, "")
	s.off = true
	_, err = s.open(t).ReadConsole(t.Context(), "vmss-midgard_1") // and Azure says no more than its code
	if ce := cloudError(t, err); ce.Class != world.ClassConfig {
		t.Errorf("got %+v, want it to be the deployment's", ce)
	}
}

// TestConsolePaceIsAWrite: Resource Manager counts a POST among the writes, of which
// it grants fewer.
func TestConsolePaceIsAWrite(t *testing.T) {
	r := newRig(t, wire.ARMOptions{})
	id := r.up(t).ID
	r.clock.Advance(time.Hour)
	from := r.clock.Now()
	const calls = 50
	for range calls {
		_, err := r.ReadConsole(t.Context(), id)
		must(t, err)
	}
	if waited := r.clock.Now().Sub(from); waited != 5*time.Second {
		t.Errorf("%d readings at once take %s, want 5 s: 40 writes are free, and then two a second", calls, waited)
	}
}
