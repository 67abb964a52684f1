package wire_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"hearth/internal/sim/simcloud"
	"hearth/internal/sim/simcloud/wire"
	"hearth/internal/world"
	"hearth/internal/world/worldtest"
)

const (
	group   = "/subscriptions/" + wire.DefaultSubscription + "/resourceGroups/" + wire.DefaultResourceGroup
	sets    = group + "/providers/Microsoft.Compute/virtualMachineScaleSets"
	vms     = group + "/providers/Microsoft.Compute/virtualMachines"
	network = group + "/providers/Microsoft.Network"
	disks   = group + "/providers/Microsoft.Compute/disks"
	v       = "?api-version=2026-04-01"
	nv      = "?api-version=2024-05-01" // of Microsoft.Network
	dv      = "?api-version=2026-03-02" // of disks
)

// armStage is a pretend cloud behind Azure Resource Manager.
type armStage struct {
	cloud  *simcloud.Cloud
	clock  *worldtest.Clock
	arm    *wire.ARM
	client *http.Client
	token  string
}

func newARM(t *testing.T, o wire.ARMOptions) *armStage {
	t.Helper()
	s := &armStage{clock: worldtest.NewClock()}
	c, err := simcloud.New(simcloud.Options{Clock: s.clock, Placements: []world.Placement{{ID: "vmss-asgard"}, {ID: "vmss-midgard", Region: "westus2"}}})
	must(t, err)
	t.Cleanup(func() { must(t, c.Close(context.Background())) })
	s.cloud, o.Clock = c, s.clock
	s.arm, err = wire.ServeARM(context.Background(), c, o)
	must(t, err)
	t.Cleanup(s.arm.Close)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(s.arm.CertificatePEM)
	h := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}}
	t.Cleanup(h.CloseIdleConnections)
	s.client = &http.Client{Transport: h}
	s.token = s.login(t, s.arm.URL)
	return s
}

// login asks for a token.
func (s *armStage) login(t *testing.T, resource string) string {
	t.Helper()
	code, doc := s.identity(t, http.MethodGet, "/msi/token", url.Values{"api-version": {"2019-08-01"}, "resource": {resource}}, s.arm.IdentityHeader)
	text, _ := doc["access_token"].(string)
	if code != 200 || text == "" {
		t.Fatalf("identity: got %d %v, want a token", code, doc)
	}
	return text
}

func (s *armStage) identity(t *testing.T, method, path string, q url.Values, header string) (int, map[string]any) {
	t.Helper()
	base := strings.TrimSuffix(s.arm.IdentityURL, "/msi/token")
	req, err := http.NewRequestWithContext(t.Context(), method, base+path+"?"+q.Encode(), nil)
	must(t, err)
	if header != "" {
		req.Header.Set("X-IDENTITY-HEADER", header)
	}
	resp, err := http.DefaultClient.Do(req)
	must(t, err)
	defer func() { _ = resp.Body.Close() }()
	var doc map[string]any
	must(t, json.NewDecoder(resp.Body).Decode(&doc))
	return resp.StatusCode, doc
}

// answered is an answer of Azure Resource Manager's.
type answered struct {
	code   int
	header http.Header
	text   string
	doc    map[string]any
}

// at is a value in the document.
func (a answered) at(path ...string) any {
	var v any = a.doc
	for _, p := range path {
		switch x := v.(type) {
		case map[string]any:
			v = x[p]
		case []any:
			i, err := strconv.Atoi(p)
			if err != nil || i >= len(x) {
				return nil
			}
			v = x[i]
		default:
			return nil
		}
	}
	return v
}

func (s *armStage) call(t *testing.T, method, path, body string, header ...string) answered {
	t.Helper()
	a, err := s.try(t, method, path, body, header...)
	must(t, err)
	return a
}

func (s *armStage) try(t *testing.T, method, path, body string, header ...string) (answered, error) {
	t.Helper()
	if !strings.HasPrefix(path, "https://") {
		path = s.arm.URL + path
	}
	req, err := http.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body))
	must(t, err)
	req.Header.Set("Authorization", "Bearer "+s.token)
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return answered{}, err
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	must(t, err)
	a := answered{code: resp.StatusCode, header: resp.Header, text: string(b)}
	if len(b) > 0 {
		must(t, json.NewDecoder(bytes.NewReader(b)).Decode(&a.doc))
	}
	return a, nil
}

func TestARMRefusals(t *testing.T) {
	s := newARM(t, wire.ARMOptions{})
	patch := `{"sku":{"capacity":1}}`
	for _, tc := range []struct {
		name, method, path, body string
		header                   []string
		status                   int
		code                     string
	}{
		{"no token", "GET", sets + "/vmss-midgard" + v, "", []string{"Authorization", ""}, 401, "AuthenticationFailed"},
		{"not a bearer", "GET", sets + "/vmss-midgard" + v, "", []string{"Authorization", "Basic " + s.token}, 401, "AuthenticationFailed"},
		{"guessed token", "PATCH", sets + "/vmss-midgard" + v, patch, []string{"Authorization", "Bearer guessed"}, 401, "InvalidAuthenticationToken"},
		{"token for another", "PATCH", sets + "/vmss-midgard" + v, patch, []string{"Authorization", "Bearer " + s.login(t, "https://storage.azure.com/")}, 401, "InvalidAuthenticationTokenAudience"},
		{"no version", "GET", sets + "/vmss-midgard", "", nil, 400, "MissingApiVersionParameter"},
		{"two versions", "GET", sets + "/vmss-midgard" + v + "&api-version=2026-04-01", "", nil, 400, "MissingApiVersionParameter"},
		{"no such version", "GET", sets + "/vmss-midgard?api-version=latest", "", nil, 400, "InvalidApiVersionParameter"},
		{"root", "GET", "/" + v, "", nil, 404, "NotFound"},
		{"another subscription", "GET", strings.Replace(sets, "0001", "0002", 1) + "/vmss-midgard" + v, "", nil, 404, "SubscriptionNotFound"},
		{"another group", "PATCH", strings.Replace(sets, "hearth-compute", "other", 1) + "/vmss-midgard" + v, patch, nil, 404, "ResourceGroupNotFound"},
		{"no resource", "GET", group + "/nothing" + v, "", nil, 404, "NotFound"},
		{"another provider", "GET", group + "/providers/Microsoft.Storage/storageAccounts/x" + v, "", nil, 404, "InvalidResourceType"},
		{"no such set", "PATCH", sets + "/vmss-utgard" + v, patch, nil, 404, "ResourceNotFound"},
		{"no such set to read", "GET", sets + "/vmss-utgard" + v, "", nil, 404, "ResourceNotFound"},
		{"no such set to view", "GET", sets + "/vmss-utgard/instanceView" + v, "", nil, 404, "ResourceNotFound"},
		{"set deleted", "DELETE", sets + "/vmss-midgard" + v, "", nil, 405, "MethodNotAllowed"},
		{"machines made", "POST", vms + v, "{}", nil, 405, "MethodNotAllowed"},
		{"no such machine", "GET", vms + "/x" + v, "", nil, 404, "ResourceNotFound"},
		{"no such interface", "GET", network + "/networkInterfaces/x" + nv, "", nil, 404, "ResourceNotFound"},
		{"no such address", "GET", network + "/publicIPAddresses/x" + nv, "", nil, 404, "ResourceNotFound"},
		{"no such operation", "GET", "/subscriptions/" + wire.DefaultSubscription + "/providers/Microsoft.Compute/locations/westus2/operations/x" + v, "", nil, 404, "NotFound"},
		{"no filter of machines", "GET", vms + v + "&$filter=name%20eq%20'x'", "", nil, 400, "InvalidParameter"},
		{"filter by another group", "GET", vms + v + "&$filter=" + url.QueryEscape("'virtualMachineScaleSet/id' eq '"+strings.Replace(sets, "hearth-compute", "other", 1)+"/vmss-midgard'"), "", nil, 400, "InvalidParameter"},
		{"another type's version", "GET", network + "/networkInterfaces" + v, "", nil, 400, "NoRegisteredProviderFound"},
		{"a version that is none", "GET", sets + "?api-version=2019-02-31", "", nil, 400, "NoRegisteredProviderFound"},
		{"disks of another version", "DELETE", disks + "/x" + v, "", nil, 400, "NoRegisteredProviderFound"},
		{"disks made", "PUT", disks + "/x" + dv, "{}", nil, 405, "MethodNotAllowed"},
		{"no such disk", "GET", disks + "/x" + dv, "", nil, 404, "ResourceNotFound"},
		{"a list filtered that can't be", "GET", disks + dv + "&$filter=x", "", nil, 400, "InvalidParameter"},
		{"a page of nobody's", "GET", disks + dv + "&$skiptoken=%25", "", nil, 400, "InvalidParameter"},
		{"no such action", "POST", vms + "/x/deallocate" + v, "", nil, 404, "InvalidResourceType"},
		{"eviction of no machine", "POST", vms + "/x/simulateEviction" + v, "", nil, 404, "ResourceNotFound"},
		{"eviction read", "GET", vms + "/x/simulateEviction" + v, "", nil, 405, "MethodNotAllowed"},
		{"eviction with a body", "POST", vms + "/x/simulateEviction" + v, "{}", nil, 400, "InvalidRequestContent"},
		{"no such deletion", "GET", "/subscriptions/" + wire.DefaultSubscription + "/providers/Microsoft.Network/locations/westus2/operations/delete-x" + nv, "", nil, 404, "NotFound"},
		{"no JSON", "PATCH", sets + "/vmss-midgard" + v, "capacity=1", nil, 400, "InvalidRequestContent"},
		{"no JSON type", "PATCH", sets + "/vmss-midgard" + v, patch, []string{"Content-Type", "text/plain"}, 400, "InvalidRequestContent"},
		{"nothing to update", "PATCH", sets + "/vmss-midgard" + v, "{}", nil, 400, "InvalidRequestContent"},
		{"capacity is text", "PATCH", sets + "/vmss-midgard" + v, `{"sku":{"capacity":"1"}}`, nil, 400, "InvalidRequestContent"},
		{"misspelt", "PATCH", sets + "/vmss-midgard" + v, `{"sku":{"capazity":1}}`, nil, 400, "InvalidRequestContent"},
		{"two documents", "PATCH", sets + "/vmss-midgard" + v, patch + patch, nil, 400, "InvalidRequestContent"},
		{"too much", "PATCH", sets + "/vmss-midgard" + v, `{"sku":{"name":"` + strings.Repeat("x", 64<<10) + `"}}`, nil, 400, "InvalidRequestContent"},
		{"too many machines", "PATCH", sets + "/vmss-midgard" + v, `{"sku":{"capacity":2}}`, nil, 400, "InvalidParameter"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			a := s.call(t, tc.method, tc.path, tc.body, tc.header...)
			if a.code != tc.status || a.at("error", "code") != tc.code || a.at("error", "message") == "" {
				t.Errorf("got %d %s, want %d %s", a.code, a.text, tc.status, tc.code)
			}
			if (a.header.Get("Www-Authenticate") != "") != (tc.status == 401) {
				t.Errorf("got Www-Authenticate %q", a.header.Get("Www-Authenticate"))
			}
		})
	}
	for _, p := range s.cloud.Snapshot().Placements {
		if p.Busy || p.Capacity != 0 {
			t.Errorf("got %+v, want nothing begun", p)
		}
	}
}

func TestIdentityRefusals(t *testing.T) {
	s := newARM(t, wire.ARMOptions{})
	good := url.Values{"api-version": {"2019-08-01"}, "resource": {"x"}}
	for name, tc := range map[string]struct {
		method, path string
		q            url.Values
		header       string
		want         int
	}{
		"no header":    {"GET", "/msi/token", good, "", 403},
		"wrong header": {"GET", "/msi/token", good, "guessed", 403},
		"no version":   {"GET", "/msi/token", url.Values{"resource": {"x"}}, s.arm.IdentityHeader, 400},
		"IMDS version": {"GET", "/msi/token", url.Values{"api-version": {"2018-02-01"}, "resource": {"x"}}, s.arm.IdentityHeader, 400},
		"no resource":  {"GET", "/msi/token", url.Values{"api-version": {"2019-08-01"}}, s.arm.IdentityHeader, 400},
		"wrong verb":   {"POST", "/msi/token", good, s.arm.IdentityHeader, 405},
		"wrong path":   {"GET", "/metadata/identity/oauth2/token", good, s.arm.IdentityHeader, 404},
	} {
		if code, doc := s.identity(t, tc.method, tc.path, tc.q, tc.header); code != tc.want || doc["access_token"] != nil {
			t.Errorf("%s: got %d %v, want %d and no token", name, code, doc, tc.want)
		}
	}
	good.Set("client_id", "c0ffee")
	code, doc := s.identity(t, "GET", "/msi/token", good, s.arm.IdentityHeader)
	if want := strconv.FormatInt(s.clock.Now().Add(wire.DefaultTokenLife).Unix(), 10); code != 200 || doc["expires_on"] != want || doc["token_type"] != "Bearer" || doc["client_id"] != "c0ffee" {
		t.Errorf("got %d %v, want a bearer's token until %s", code, doc, want)
	}
}

func TestTokensEnd(t *testing.T) {
	s := newARM(t, wire.ARMOptions{TokenLife: time.Hour})
	get := func() any { return s.call(t, "GET", sets+"/vmss-midgard"+v, "").at("error", "code") }
	s.clock.Advance(time.Hour - time.Second)
	if got := get(); got != nil {
		t.Errorf("before its end: got %v, want the set", got)
	}
	s.clock.Advance(time.Second)
	if got := get(); got != "ExpiredAuthenticationToken" {
		t.Errorf("after its end: got %v, want it refused", got)
	}
	s.token = s.login(t, s.arm.URL+"/")
	if got := get(); got != nil {
		t.Errorf("a new one: got %v, want the set", got)
	}
	s.arm.RevokeTokens()
	if got := get(); got != "InvalidAuthenticationToken" {
		t.Errorf("revoked: got %v, want it refused", got)
	}
}

// TestOperation is one from its PATCH to the address of its machine.
func TestOperation(t *testing.T) {
	s := newARM(t, wire.ARMOptions{RetryAfter: 35 * time.Second})
	a := s.call(t, "PATCH", strings.ToLower(sets)+"/VMSS-midgard"+v, `{"sku":{"name":"Standard_D2ds_v5","capacity":1}}`)
	op := a.header.Get("Azure-AsyncOperation")
	if a.code != 200 || a.at("properties", "provisioningState") != "Updating" || a.header.Get("Retry-After") != "35" || !strings.HasPrefix(op, s.arm.URL+"/subscriptions/"+wire.DefaultSubscription+"/providers/Microsoft.Compute/locations/westus2/operations/") || len(op) < 2500 || a.header.Get("Location") == "" {
		t.Fatalf("got %d %s, %v, want it accepted, and where to look", a.code, a.text, a.header)
	}
	if b := s.call(t, "PATCH", sets+"/vmss-midgard"+v, `{"sku":{"capacity":0}}`); b.code != 409 || b.at("error", "code") != "Conflict" {
		t.Errorf("meanwhile: got %d %s, want 409", b.code, b.text)
	}
	u, err := url.Parse(op)
	must(t, err)
	q := u.Query()
	for _, signature := range []string{"t", "c", "s", "h"} {
		if !q.Has(signature) {
			t.Errorf("the operation's address has no %s: %s", signature, op)
		}
		q.Del(signature)
	}
	u.RawQuery = q.Encode()
	if b := s.call(t, "GET", u.String(), ""); b.code != 200 || b.at("status") != "InProgress" {
		t.Errorf("without its signature: got %d %s, want it in progress", b.code, b.text)
	}
	b := s.call(t, "GET", op, "")
	if b.code != 200 || b.at("status") != "InProgress" || b.at("startTime") == "" || b.at("endTime") != nil || b.header.Get("Retry-After") != "35" {
		t.Errorf("got %d %s, want it in progress", b.code, b.text)
	}
	filter := "&$filter=" + url.QueryEscape("'virtualMachineScaleSet/id' eq '"+sets+"/vmss-midgard'")
	nicOf := func() (answered, string) {
		l := s.call(t, "GET", vms+v+filter, "")
		id, _ := l.at("value", "0", "properties", "networkProfile", "networkInterfaces", "0", "id").(string)
		return l, id
	}
	l, nic := nicOf()
	if l.at("value", "0", "properties", "provisioningState") != "Creating" || l.at("value", "1") != nil {
		t.Errorf("got %s, want one machine that is being created", l.text)
	}
	ip, _ := s.call(t, "GET", nic+nv, "").at("properties", "ipConfigurations", "0", "properties", "publicIPAddress", "id").(string)
	if got := s.call(t, "GET", ip+nv, ""); got.code != 200 || got.at("properties", "ipAddress") != nil {
		t.Errorf("got %d %s, want an address that is not given yet", got.code, got.text)
	}
	s.clock.Advance(time.Minute)
	b = s.call(t, "GET", op, "")
	if b.at("status") != "Succeeded" || b.at("endTime") == nil {
		t.Errorf("got %s, want it done", b.text)
	}
	if got := s.call(t, "GET", sets+"/vmss-midgard"+v, ""); got.at("properties", "provisioningState") != "Succeeded" || got.at("sku", "capacity") != 1.0 || got.at("sku", "name") != "Standard_D2ds_v5" || got.at("properties", "orchestrationMode") != "Flexible" {
		t.Errorf("got %s, want the set with one machine of that size", got.text)
	}
	vm := s.cloud.Snapshot().VMs[0]
	if got := s.call(t, "GET", ip+nv, ""); got.at("properties", "ipAddress") != vm.Address {
		t.Errorf("got %s, want %s", got.text, vm.Address)
	}
	if got := s.call(t, "GET", vms+"/"+vm.ID+v, ""); got.at("name") != vm.ID || got.at("properties", "virtualMachineScaleSet", "id") != sets+"/vmss-midgard" || got.at("properties", "provisioningState") != "Succeeded" {
		t.Errorf("got %s, want the machine", got.text)
	}
	if got := s.call(t, "GET", vms+v, ""); got.at("value", "0", "name") != vm.ID {
		t.Errorf("got %s, want the group's machines", got.text)
	}
	for _, other := range []string{"vmss-asgard", "vmss-utgard"} {
		f := "&$filter=" + url.QueryEscape("'virtualMachineScaleSet/id' eq '"+sets+"/"+other+"'")
		if got := s.call(t, "GET", vms+v+f, ""); got.code != 200 || got.text != `{"value":[]}` {
			t.Errorf("%s: got %d %s, want an empty list", other, got.code, got.text)
		}
	}
}

func TestOperationFails(t *testing.T) {
	s := newARM(t, wire.ARMOptions{})
	must(t, s.cloud.FailNext("vmss-midgard", "OverconstrainedZonalAllocationRequest", true))
	op := s.call(t, "PATCH", sets+"/vmss-midgard"+v, `{"sku":{"capacity":1}}`).header.Get("Azure-AsyncOperation")
	s.clock.Advance(time.Minute)
	a := s.call(t, "GET", op, "")
	if a.code != 200 || a.at("status") != "Failed" || a.at("error", "code") != "ResourceOperationFailure" || a.at("error", "details", "0", "code") != "OverconstrainedZonalAllocationRequest" {
		t.Errorf("got %d %s, want the reason inside", a.code, a.text)
	}
	a = s.call(t, "GET", sets+"/vmss-midgard/instanceView"+v, "")
	if a.at("statuses", "0", "code") != "ProvisioningState/failed/OverconstrainedZonalAllocationRequest" {
		t.Errorf("got %s, want the reason in the view", a.text)
	}
	for code, status := range map[string]int{
		"SkuNotAvailable": 409, "OperationNotAllowed": 409, "AuthorizationFailed": 403, "LinkedAuthorizationFailed": 403,
		"InternalServerError": 500, "ServiceUnavailable": 503, "TooManyRequests": 429,
	} {
		must(t, s.cloud.FailNext("vmss-asgard", code, false))
		a := s.call(t, "PATCH", sets+"/vmss-asgard"+v, `{"sku":{"capacity":1}}`)
		if a.code != status || a.at("error", "code") != code || (a.header.Get("Retry-After") != "") != (status == 429) {
			t.Errorf("%s: got %d %s, want %d", code, a.code, a.text, status)
		}
	}
}

func TestARMMishaps(t *testing.T) {
	s := newARM(t, wire.ARMOptions{Accepted: true})
	s.arm.Fail(wire.Failure{Status: 429, Body: `{"error":{"code":"TooManyRequests"}}`, RetryAfter: 65 * time.Second}, wire.Failure{Status: 503})
	if a := s.call(t, "PATCH", sets+"/vmss-midgard"+v, `{"sku":{"capacity":1}}`); a.code != 429 || a.header.Get("Retry-After") != "65" {
		t.Errorf("got %d %v, want 429 with 65 s", a.code, a.header)
	}
	if a := s.call(t, "PATCH", sets+"/vmss-midgard"+v, `{"sku":{"capacity":1}}`); a.code != 503 || a.text != "" {
		t.Errorf("got %d %q, want a bare 503", a.code, a.text)
	}
	if s.cloud.Snapshot().Placements[1].Busy {
		t.Fatal("a call that failed has begun something")
	}
	s.arm.DropReplies(1)
	if a, err := s.try(t, "PATCH", sets+"/vmss-midgard"+v, `{"sku":{"capacity":1}}`); err == nil {
		t.Errorf("got %d %s, want no reply", a.code, a.text)
	}
	if !s.cloud.Snapshot().Placements[1].Busy {
		t.Error("a call whose reply was lost has begun nothing")
	}
	s.clock.Advance(time.Minute)
	if a := s.call(t, "PATCH", sets+"/vmss-midgard"+v, `{"sku":{"capacity":0}}`); a.code != 202 || a.text != "" || a.header.Get("Azure-AsyncOperation") == "" {
		t.Errorf("got %d %q, want 202 and where to look", a.code, a.text)
	}
	var got []int
	for _, c := range s.arm.Calls() {
		if c.Method != "PATCH" || c.Path != "virtualMachineScaleSets/vmss-midgard" || c.Query.Get("api-version") != "2026-04-01" {
			t.Errorf("got call %+v, want a PATCH of the set", c)
		}
		if len(got) == 0 && (c.Body != `{"sku":{"capacity":1}}` || c.RetryAfter == 0 || c.At.IsZero()) {
			t.Errorf("got call %+v, want when it came, its body, and what it was asked to wait", c)
		}
		got = append(got, c.Status)
	}
	if len(got) != 4 || got[0] != 429 || got[1] != 503 || got[2] != 0 || got[3] != 202 {
		t.Errorf("got calls %v, want 429, 503, 0, 202", got)
	}
}

func TestServeARM(t *testing.T) {
	s := newARM(t, wire.ARMOptions{})
	_, err := wire.ServeARM(t.Context(), s.cloud, wire.ARMOptions{Subscription: "mine"})
	if err == nil || !strings.Contains(err.Error(), `Subscription is "mine"`) || !strings.Contains(err.Error(), "Clock is missing") {
		t.Errorf("got %v, want both problems", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	a, err := wire.ServeARM(ctx, s.cloud, wire.ARMOptions{Clock: s.clock})
	must(t, err)
	cancel()
	a.Close() // waits for what the end of ctx ended
	a.Close()
	if _, err := s.try(t, "GET", a.URL+sets+v, ""); err == nil {
		t.Error("it answers after its end")
	}
	at := strings.TrimPrefix(a.URL, "https://")
	b, err := wire.ServeARM(t.Context(), s.cloud, wire.ARMOptions{Clock: s.clock, Listen: at})
	must(t, err)
	defer b.Close()
	if b.URL != a.URL {
		t.Errorf("got %s, want %s again", b.URL, a.URL)
	}
	if _, err := wire.ServeARM(t.Context(), s.cloud, wire.ARMOptions{Clock: s.clock, Listen: at}); err == nil {
		t.Error("got a second server at the same place")
	}
}
