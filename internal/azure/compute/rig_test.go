package compute_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net/http"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	"hearth/internal/azure/compute"
	"hearth/internal/azure/identity"
	"hearth/internal/sim/simcloud"
	"hearth/internal/sim/simcloud/wire"
	"hearth/internal/world"
	"hearth/internal/world/worldtest"
)

var (
	midgard = world.Placement{ID: "vmss-midgard", Region: "eastus2"}
	asgard  = world.Placement{ID: "vmss-asgard"}
	utgard  = world.Placement{ID: "vmss-utgard"} // there is no such set
)

// rig is a pretend cloud behind Azure Resource Manager on the wire.
type rig struct {
	cloud *simcloud.Cloud
	arm   *wire.ARM
	clock *worldtest.Clock
	lose  atomic.Bool // the next DELETE's reply
	*compute.Compute
}

func newRig(t *testing.T, o wire.ARMOptions) *rig {
	t.Helper()
	return newRigOf(t, o, midgard, asgard)
}

func newRigOf(t *testing.T, o wire.ARMOptions, places ...world.Placement) *rig {
	t.Helper()
	r := &rig{clock: worldtest.NewClock()}
	c, err := simcloud.New(simcloud.Options{Clock: r.clock, Placements: places, Seed: 7})
	must(t, err)
	t.Cleanup(func() { must(t, c.Close(context.Background())) })
	r.cloud, o.Clock = c, r.clock
	r.arm, err = wire.ServeARM(context.Background(), c, o)
	must(t, err)
	t.Cleanup(r.arm.Close)
	r.Compute = r.open(t)
	return r
}

// open is a Compute that shares nothing with the others.
func (r *rig) open(t *testing.T) *compute.Compute {
	t.Helper()
	transport := losing{r.trusting(t), &r.lose}
	c, err := compute.New(compute.Options{
		Subscription: wire.DefaultSubscription, ResourceGroup: wire.DefaultResourceGroup, URL: r.arm.URL,
		Credential: r.identity(), Transport: transport, Clock: hasty{r.clock},
	})
	must(t, err)
	return c
}

// losing loses the reply of a DELETE that was done.
type losing struct {
	next *http.Client
	lose *atomic.Bool
}

// Do implements policy.Transporter.
func (l losing) Do(req *http.Request) (*http.Response, error) {
	resp, err := l.next.Do(req)
	if err == nil && req.Method == http.MethodDelete && l.lose.Swap(false) {
		_ = resp.Body.Close()
		return nil, &url.Error{Op: "Delete", URL: req.URL.String(), Err: io.ErrUnexpectedEOF}
	}
	return resp, err
}

// hasty is a clock on which no time is waited: it passes at once. A call that waits
// for its turn finds the cloud later by so much.
type hasty struct{ *worldtest.Clock }

// After implements world.Clock.
func (h hasty) After(d time.Duration) <-chan time.Time {
	h.Advance(max(d, 0))
	return h.Clock.After(0)
}

// identity asks the identity endpoint beside ARM.
func (r *rig) identity() *identity.Credential {
	return identity.New(identity.Options{Endpoint: r.arm.IdentityURL, Header: world.Secret(r.arm.IdentityHeader), Clock: r.clock})
}

// trusting is a client that knows ARM's certificate.
func (r *rig) trusting(t *testing.T) *http.Client {
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(r.arm.CertificatePEM) {
		t.Fatal("ARM's certificate is none")
	}
	h := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}, ForceAttemptHTTP2: true}
	t.Cleanup(h.CloseIdleConnections)
	return &http.Client{Transport: h}
}

// settle polls until the operation is done.
func (r *rig) settle(t *testing.T, token string) error {
	t.Helper()
	for range 600 {
		done, err := r.Poll(t.Context(), token)
		if done {
			return err
		}
		must(t, err)
		r.clock.Advance(time.Second)
	}
	t.Fatal("the operation does not end")
	return nil
}

// up brings midgard to one machine.
func (r *rig) up(t *testing.T) world.Instance {
	t.Helper()
	token, err := r.Scale(t.Context(), midgard, 1)
	must(t, err)
	must(t, r.settle(t, token))
	in, err := r.Instances(t.Context(), midgard)
	must(t, err)
	if len(in) != 1 {
		t.Fatalf("got %v, want one machine", in)
	}
	return in[0]
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func cloudError(t *testing.T, err error) *world.CloudError {
	t.Helper()
	ce, ok := errors.AsType[*world.CloudError](err)
	if !ok {
		t.Fatalf("error is %v (%T), want a *world.CloudError", err, err)
	}
	return ce
}
