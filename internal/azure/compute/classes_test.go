package compute_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	azfake "github.com/Azure/azure-sdk-for-go/sdk/azcore/fake"

	"hearth/internal/azure/compute"
	"hearth/internal/sim/simcloud/wire"
	"hearth/internal/world"
	"hearth/internal/world/worldtest"
)

// What Azure's users met, with the class it asks for and what the keeper reads.
func TestClasses(t *testing.T) {
	r := newRig(t, wire.ARMOptions{})
	for _, tc := range []struct {
		status        int
		code, message string
		class         world.CloudClass
		says          string // in the message
	}{
		{409, "SkuNotAvailable", "The requested size for resource '/x' is currently not available in location 'eastus2' zones '' for subscription 's'. Please try another size.", world.ClassCapacity, "try another size"},
		{409, "AllocationFailed", "Allocation failed. We do not have sufficient capacity for the requested VM size in this region.", world.ClassCapacity, "sufficient capacity"},
		{409, "ZonalAllocationFailed", "Allocation failed.", world.ClassCapacity, "Allocation failed."},
		{409, "OverconstrainedAllocationRequest", "", world.ClassCapacity, "409 Conflict"},
		{409, "OverconstrainedZonalAllocationRequest", "x", world.ClassCapacity, "x"},
		{409, "OperationNotAllowed", "Operation could not be completed as it results in exceeding approved LowPriorityCores quota. Additional details - Location: eastus2, Current Limit: 0, Additional Required: 2.", world.ClassQuota, "The quota is called LowPriorityCores. "},
		{409, "OperationNotAllowed", "Operation could not be completed as it results in exceeding approved standardDADSv5Family Cores quota. Current Limit: 0", world.ClassQuota, "The quota is called standardDADSv5Family Cores. "},
		{409, "OperationNotAllowed", "Operation could not be completed as it results in exceeding approved Total Regional Cores quota.", world.ClassQuota, "The quota is called Regional Cores. "},
		{409, "QuotaExceeded", "Submit a request for Quota increase.", world.ClassQuota, "Quota increase"},
		{400, "IPv4StandardSkuPublicIpCountLimitReached", "Cannot create more than 10 IPv4 Standard SKU public IP addresses for this subscription in this region.", world.ClassQuota, "Cannot create more than 10"},
		{409, "OperationNotAllowed", "Spot is not supported for this offer.", world.ClassConfig, "Spot is not supported"},
		{409, "OperationNotAllowed", "Another operation is in progress on the scale set.", world.ClassBusy, "in progress"},
		{409, "Conflict", "The request failed due to conflict with a concurrent request.", world.ClassBusy, "concurrent request"},
		{409, "AnotherOperationInProgress", "Another operation on this or a dependent resource is in progress.", world.ClassBusy, "in progress"},
		{409, "", "", world.ClassBusy, "409 Conflict"},
		{403, "AuthorizationFailed", "The client 'x' does not have authorization to perform action.", world.ClassConfig, "give it its role on the resource group hearth-compute"},
		{403, "LinkedAuthorizationFailed", "no", world.ClassConfig, "right to join"},
		{404, "ResourceNotFound", "The Resource 'Microsoft.Compute/virtualMachineScaleSets/vmss-midgard' was not found.", world.ClassConfig, "compare the placement's name"},
		{404, "ResourceGroupNotFound", "no", world.ClassConfig, "resource group with the portal"},
		{404, "SubscriptionNotFound", "no", world.ClassConfig, "subscription"},
		{409, "ReadOnlyDisabledSubscription", "The subscription is disabled and therefore marked as read only.", world.ClassConfig, "credit is used up"},
		{409, "ScopeLocked", "The scope cannot perform write operation because following scope(s) are locked.", world.ClassConfig, "remove it in the portal under Locks"},
		{403, "RequestDisallowedByPolicy", "no", world.ClassConfig, "A policy"},
		{409, "MissingSubscriptionRegistration", "no", world.ClassConfig, "Register the provider"},
		{409, "SpotPriceGreaterThanProvidedMaxPrice", "no", world.ClassConfig, "set it to -1"},
		{400, "InvalidParameter", "no", world.ClassConfig, "no"},
		{400, "PropertyChangeNotAllowed", "no", world.ClassConfig, "no"},
		{400, "SomethingNew", "no", world.ClassConfig, "no"},
		{401, "InvalidAuthenticationToken", "no", world.ClassConfig, "no"},
		{401, "ExpiredAuthenticationToken", "no", world.ClassTransient, "no"},
		{409, "SomethingNew", "no", world.ClassTransient, "no"},
		{500, "InternalServerError", "no", world.ClassTransient, "no"},
		{500, "InternalExecutionError", "no", world.ClassTransient, "no"},
		{409, "VMStartTimedOut", "no", world.ClassTransient, "no"},
		{429, "OperationNotAllowed", "The server rejected the request because too many requests have been received for this subscription.", world.ClassTransient, "too many requests"},
		{429, "OperationNotAllowed", "You are exceeding the quota of calls.", world.ClassTransient, "quota of calls"},
		{409, "OperationNotAllowed", "Too many requests have been received.", world.ClassTransient, "Too many"},
		{429, "SubscriptionRequestsThrottled", "no", world.ClassTransient, "no"},
		{503, "", "", world.ClassTransient, "503 Service Unavailable"},
		{418, "", "", world.ClassTransient, "418"},
	} {
		t.Run(fmt.Sprintf("%d %s", tc.status, tc.code), func(t *testing.T) {
			body := ""
			if tc.code != "" {
				body = asJSON(t, map[string]any{"error": map[string]any{"code": tc.code, "message": tc.message}})
			}
			r.arm.Fail(wire.Failure{Status: tc.status, Body: body})
			_, err := r.Scale(t.Context(), midgard, 1)
			ce := cloudError(t, err)
			if ce.Class != tc.class || tc.code != "" && ce.Code != tc.code || ce.Code == "" || !strings.Contains(ce.Message, tc.says) {
				t.Errorf("got %s: %s (%s), want %s with %q", ce.Code, ce.Message, ce.Class, tc.class, tc.says)
			}
		})
	}
	if n := r.cloud.Snapshot().Placements[1]; n.Busy || n.Capacity != 0 {
		t.Errorf("got %+v, want nothing begun", n)
	}
}

// TestInnermost: what an error asks for stands inside.
func TestInnermost(t *testing.T) {
	r := newRig(t, wire.ARMOptions{})
	token, err := r.Scale(t.Context(), midgard, 1)
	must(t, err)
	const inner = `{"code":"OverconstrainedZonalAllocationRequest","message":"inner"}`
	for name, tc := range map[string]struct {
		body, code string
		class      world.CloudClass
	}{
		"in details":             {`{"status":"Failed","error":{"code":"ResourceOperationFailure","message":"outer","details":[` + inner + `]}}`, "OverconstrainedZonalAllocationRequest", world.ClassCapacity},
		"in details of details":  {`{"status":"Failed","error":{"code":"A","details":[{"code":"B","details":[` + inner + `]}]}}`, "OverconstrainedZonalAllocationRequest", world.ClassCapacity},
		"behind an unknown one":  {`{"status":"Failed","error":{"code":"A","details":[{"code":"New","message":"n"},` + inner + `]}}`, "OverconstrainedZonalAllocationRequest", world.ClassCapacity},
		"in innererror":          {`{"status":"Failed","error":{"code":"A","innererror":` + inner + `}}`, "OverconstrainedZonalAllocationRequest", world.ClassCapacity},
		"in a message":           {`{"status":"Failed","error":{"code":"A","message":` + quoted(t, ` {"error":`+inner+`}`) + `}}`, "OverconstrainedZonalAllocationRequest", world.ClassCapacity},
		"unknown within known":   {`{"status":"Failed","error":{"code":"AllocationFailed","details":[{"code":"New"}]}}`, "AllocationFailed", world.ClassCapacity},
		"unknown within unknown": {`{"status":"Failed","error":{"code":"A","details":[{"code":"New"}]}}`, "New", world.ClassTransient},
		"details are no list":    {`{"status":"Failed","error":{"code":"AllocationFailed","details":7,"message":[]}}`, "AllocationFailed", world.ClassCapacity},
		"code is a number":       {`{"status":"Failed","error":{"code":7,"details":[` + inner + `]}}`, "OverconstrainedZonalAllocationRequest", world.ClassCapacity},
		"no error":               {`{"status":"FAILED"}`, "OperationFailed", world.ClassTransient},
		"machine went":           {`{"status":"Failed","error":{"code":"ResourceNotFound","message":"The Resource 'Microsoft.Compute/virtualMachines/vmss-midgard_1' was not found."}}`, "ResourceNotFound", world.ClassTransient},
		"canceled":               {`{"status":"Canceled","error":{"code":"OperationPreempted","message":"no"}}`, "OperationCanceled", world.ClassBusy},
	} {
		t.Run(name, func(t *testing.T) {
			r.arm.Fail(wire.Failure{Status: 200, Body: tc.body})
			done, err := r.Poll(t.Context(), token)
			if ce := cloudError(t, err); !done || ce.Code != tc.code || ce.Class != tc.class || ce.Message == "" {
				t.Errorf("got done %v, %v (%s), want done, %s (%s)", done, ce, ce.Class, tc.code, tc.class)
			}
		})
	}
}

func TestNew(t *testing.T) {
	_, err := compute.New(compute.Options{Subscription: "mine", ResourceGroup: "a/b", URL: "http://arm/x", ClientID: "me"})
	if err == nil {
		t.Fatal("got no error, want every problem")
	}
	for _, want := range []string{`Subscription is "mine"`, `ResourceGroup is "a/b"`, `URL is "http://arm/x"`, `ClientID is "me"`, "Credential is missing", "Clock is missing"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want it to name %q", err, want)
		}
	}
	good := compute.Options{Subscription: wire.DefaultSubscription, ResourceGroup: "hearth-compute", Credential: &azfake.TokenCredential{}, Clock: worldtest.NewClock()}
	if _, err := compute.New(good); err != nil {
		t.Errorf("got %v, want none", err)
	}
	for _, url := range []string{"https://", "https://a@b", "https://a?x=1", "https://a#x", "management.azure.com", "https://a:b:c", ":"} {
		bad := good
		bad.URL = url
		if _, err := compute.New(bad); err == nil || !strings.Contains(err.Error(), "URL is") {
			t.Errorf("URL %q: got %v, want it refused", url, err)
		}
	}
}

// canned answers every call the same.
type canned struct {
	status int
	header http.Header
	body   []byte
}

// Do implements policy.Transporter.
func (c canned) Do(req *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: c.status, Header: c.header.Clone(), Body: io.NopCloser(bytes.NewReader(c.body)), Request: req}, nil
}

// FuzzAnswers: whatever Azure, or who is in its place, answers, there is a
// result or an error that can be shown, and nothing panics.
func FuzzAnswers(f *testing.F) {
	f.Add(200, "", "", []byte(`{"status":"Failed","error":{"code":"A","details":[{"code":"SkuNotAvailable"}]}}`))
	f.Add(202, "https://management.azure.com/subscriptions/"+wire.DefaultSubscription+"/x?api-version=1&t=1&c=MII", "10", []byte(``))
	f.Add(429, "", "Mon, 02 Jan 2006 15:04:05 GMT", []byte(`{"code":"TooManyRequests"}`))
	f.Add(200, "//x", "-1", []byte(`{"value":[null,{"name":"a","id":"b","properties":{"virtualMachineScaleSet":{"id":"c"},"networkProfile":{"networkInterfaces":[{}]}}}],"nextLink":"https://evil/"}`))
	f.Add(200, "", "99999999999999999999", []byte(`{"properties":{"provisioningState":"Failed"},"statuses":[{"code":"ProvisioningState/failed/A"}]}`))
	f.Add(200, "", "", []byte(`{"value":[{"name":"a","id":"b","location":"c","managedBy":"","properties":{"provisioningState":"Succeeded","diskState":"Unattached","ipConfigurations":[{}],"virtualMachineScaleSet":{}}}]}`))
	f.Add(500, "%", "1.5", []byte("<html>\x00\xff"))
	f.Fuzz(func(t *testing.T, status int, address, retry string, body []byte) {
		status = 200 + (status%400+400)%400
		header := http.Header{"Azure-Asyncoperation": {address}, "Retry-After": {retry}}
		clock := worldtest.NewClock()
		open := func() *compute.Compute {
			c, err := compute.New(compute.Options{
				Subscription: wire.DefaultSubscription, ResourceGroup: wire.DefaultResourceGroup, Clock: clock,
				Credential: &azfake.TokenCredential{}, Transport: canned{status, header, body},
			})
			must(t, err)
			return c
		}
		token, err := open().Scale(t.Context(), midgard, 1)
		presentable(t, err)
		if len(token) > compute.MaxTokenBytes || (token == "") != (err != nil) {
			t.Errorf("Scale: got token %q and %v", token, err)
		}
		for _, token := range []string{token, "v1 vmss-midgard", "v1 vmss-midgard /subscriptions/" + wire.DefaultSubscription + "/o"} {
			_, err := open().Poll(t.Context(), token)
			presentable(t, err)
		}
		in, err := open().Instances(t.Context(), midgard)
		presentable(t, err)
		if err != nil && in != nil {
			t.Errorf("Instances: got %v and %v", in, err)
		}
		all, err := open().Survey(t.Context())
		presentable(t, err)
		if err != nil && (all.Sets != nil || all.Leftovers != nil) {
			t.Errorf("Survey: got %+v and %v", all, err)
		}
		for _, k := range kinds() {
			presentable(t, open().Remove(t.Context(), world.Leftover{Kind: k, Name: "x"}))
		}
		presentable(t, open().Evict(t.Context(), midgard, "x"))
	})
}

func presentable(t *testing.T, err error) {
	t.Helper()
	if err == nil {
		return
	}
	ce := cloudError(t, err)
	switch ce.Class {
	case world.ClassCapacity, world.ClassQuota, world.ClassConfig, world.ClassBusy, world.ClassTransient:
	default:
		t.Errorf("%v has class %q", ce, ce.Class)
	}
	for _, s := range []string{ce.Code, ce.Message} {
		if s == "" || !utf8.ValidString(s) || utf8.RuneCountInString(s) > 400 || strings.ContainsAny(s, "\n\r\t\x00") {
			t.Errorf("%q is nothing to show", s)
		}
	}
}

// TestTooLong: an answer that does not end is given up.
func TestTooLong(t *testing.T) {
	c, err := compute.New(compute.Options{
		Subscription: wire.DefaultSubscription, ResourceGroup: wire.DefaultResourceGroup, Clock: worldtest.NewClock(),
		Credential: &azfake.TokenCredential{}, Transport: canned{200, http.Header{}, bytes.Repeat([]byte(" "), 4<<20+1)},
	})
	must(t, err)
	began := time.Now()
	_, err = c.Instances(t.Context(), midgard)
	if ce := cloudError(t, err); ce.Class != world.ClassTransient || !strings.Contains(ce.Message, "more than") || time.Since(began) > 10*time.Second {
		t.Errorf("got %v (%s), want it given up", ce, ce.Class)
	}
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	must(t, err)
	return string(b)
}

func quoted(t *testing.T, s string) string { return asJSON(t, s) }

// TestAddressOfOperation: only an operation of this subscription, at Azure
// Resource Manager, is named by a token; else the set alone.
func TestAddressOfOperation(t *testing.T) {
	sub := "/subscriptions/" + wire.DefaultSubscription
	for address, want := range map[string]string{
		"https://management.azure.com" + sub + "/o/1?p=2&api-version=2026-04-01&t=1&c=MII&s=3&h=4": "v1 vmss-midgard " + sub + "/o/1?api-version=2026-04-01&p=2",
		"https://Management.Azure.com" + sub + "/o/1":                                              "v1 vmss-midgard " + sub + "/o/1",
		"https://evil.example" + sub + "/o/1":                                                      "v1 vmss-midgard",
		"http://management.azure.com" + sub + "/o/1":                                               "v1 vmss-midgard",
		"https://me@management.azure.com" + sub + "/o/1":                                           "v1 vmss-midgard",
		"https://management.azure.com/subscriptions/x/o/1":                                         "v1 vmss-midgard",
		"https://management.azure.com" + sub + "/" + strings.Repeat("o", 600):                      "v1 vmss-midgard",
		sub + "/o/1": "v1 vmss-midgard",
		"%":          "v1 vmss-midgard",
		"":           "v1 vmss-midgard",
	} {
		c, err := compute.New(compute.Options{
			Subscription: wire.DefaultSubscription, ResourceGroup: wire.DefaultResourceGroup, Clock: worldtest.NewClock(),
			Credential: &azfake.TokenCredential{}, Transport: canned{200, http.Header{"Azure-Asyncoperation": {address}}, []byte(`{}`)},
		})
		must(t, err)
		if got, err := c.Scale(t.Context(), midgard, 1); err != nil || got != want {
			t.Errorf("%s: got %q, %v, want %q", address, got, err, want)
		}
	}
}

// asked remembers what was asked for.
type asked struct{ urls []string }

// Do implements policy.Transporter.
func (a *asked) Do(req *http.Request) (*http.Response, error) {
	a.urls = append(a.urls, req.URL.String())
	return canned{404, http.Header{}, nil}.Do(req)
}

// FuzzTokens: no token leads outside the subscription.
func FuzzTokens(f *testing.F) {
	sub := "/subscriptions/" + wire.DefaultSubscription
	for _, s := range []string{"v1 vmss-midgard", "v1 vmss-midgard " + sub + "/providers/x?api-version=1", "v1 a //b" + sub + "/x", "v1 a " + sub + "/%2e%2e/x", "v1 a @b" + sub + "/", "{}"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, token string) {
		a := &asked{}
		c, err := compute.New(compute.Options{
			Subscription: wire.DefaultSubscription, ResourceGroup: wire.DefaultResourceGroup, Clock: worldtest.NewClock(),
			Credential: &azfake.TokenCredential{}, Transport: a,
		})
		must(t, err)
		_, err = c.Poll(t.Context(), token)
		presentable(t, err)
		for _, u := range a.urls {
			if !strings.HasPrefix(strings.ToLower(u), compute.PublicURL+sub+"/") || strings.Contains(u, "..") {
				t.Errorf("Poll(%q) asks %s", token, u)
			}
		}
	})
}
