package compute_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"hearth/internal/sim/simcloud/wire"
	"hearth/internal/world"
)

// TestReplyLost: Azure has begun what nobody has a token of.
func TestReplyLost(t *testing.T) {
	r := newRig(t, wire.ARMOptions{})
	r.arm.DropReplies(1)
	token, err := r.Scale(t.Context(), midgard, 1)
	if ce := cloudError(t, err); token != "" || ce.Class != world.ClassTransient || ce.Code != "Unreachable" {
		t.Errorf("got token %q and %v (%s), want none, and transient", token, ce, ce.Class)
	}
	if got := patches(r); got != 1 {
		t.Errorf("got %d PATCHes, want one: what is sent again is for the rules to say", got)
	}
	if set := r.cloud.Snapshot().Placements[1]; !set.Busy || set.Toward != 1 {
		t.Fatalf("got %+v, want it on its way to one machine", set)
	}
	_, err = r.Scale(t.Context(), midgard, 1)
	if ce := cloudError(t, err); ce.Class != world.ClassBusy {
		t.Errorf("again: got %v (%s), want busy", ce, ce.Class)
	}
	r.clock.Advance(2 * time.Minute)
	first := r.up(t) // it has nothing to do
	if second := r.up(t); second.ID != first.ID {
		t.Errorf("got machine %s in place of %s", second.ID, first.ID)
	}
}

// TestPollReplyLost: an operation that could not be looked at goes on.
func TestPollReplyLost(t *testing.T) {
	r := newRig(t, wire.ARMOptions{})
	token, err := r.Scale(t.Context(), midgard, 1)
	must(t, err)
	r.arm.Fail(wire.Failure{Status: 503, Body: "<html>busy</html>"}, wire.Failure{Status: 200, Body: "{"}, wire.Failure{Status: 200, Body: `{"name":"x"}`}, wire.Failure{Status: 200})
	for range 4 {
		done, err := r.Poll(t.Context(), token)
		if ce := cloudError(t, err); done || ce.Class != world.ClassTransient {
			t.Errorf("got done %v and %v (%s), want not done, and transient", done, ce, ce.Class)
		}
	}
	must(t, r.settle(t, token))
}

func TestRetryAfter(t *testing.T) {
	for name, tc := range map[string]struct {
		fail wire.Failure
		wait time.Duration
	}{
		"throttled for 65 s":       {wire.Failure{Status: 429, Body: `{"error":{"code":"TooManyRequests","message":"slow down"}}`, RetryAfter: 65 * time.Second}, 65 * time.Second},
		"throttled for 1,337 s":    {wire.Failure{Status: 429, Body: `{"error":{"code":"SubscriptionRequestsThrottled","message":"slow down"}}`, RetryAfter: 1337 * time.Second}, 1337 * time.Second},
		"unavailable for 30 s":     {wire.Failure{Status: 503, RetryAfter: 30 * time.Second}, 30 * time.Second},
		"a day counts as one hour": {wire.Failure{Status: 429, RetryAfter: 24 * time.Hour}, time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, wire.ARMOptions{})
			token, err := r.Scale(t.Context(), midgard, 1)
			must(t, err)
			before := len(r.arm.Calls())
			r.arm.Fail(tc.fail)
			_, err = r.Poll(t.Context(), token)
			if ce := cloudError(t, err); ce.Class != world.ClassTransient {
				t.Errorf("got %v (%s), want transient", ce, ce.Class)
			}
			for range 3 { // nothing leaves
				_, err = r.Scale(t.Context(), asgard, 0)
				if ce := cloudError(t, err); ce.Class != world.ClassBusy || ce.Code != "TooManyRequests" {
					t.Errorf("Scale meanwhile: got %v (%s), want busy", ce, ce.Class)
				}
				done, err := r.Poll(t.Context(), token)
				if ce := cloudError(t, err); done || ce.Class != world.ClassBusy {
					t.Errorf("Poll meanwhile: got done %v, %v (%s), want not done and busy", done, ce, ce.Class)
				}
				if in, err := r.Instances(t.Context(), midgard); err == nil {
					t.Errorf("Instances meanwhile: got %v, want an error and no list", in)
				}
				r.clock.Advance((tc.wait - time.Second) / 3)
			}
			if got := len(r.arm.Calls()) - before; got != 1 {
				t.Errorf("got %d calls within the Retry-After, want exactly one", got)
			}
			r.clock.Advance(2 * time.Second)
			if _, err := r.Instances(t.Context(), midgard); err != nil {
				t.Errorf("after it: got %v, want the list", err)
			}
		})
	}
}

func TestForgedTokens(t *testing.T) {
	r := newRig(t, wire.ARMOptions{})
	evil, err := wire.ServeARM(context.Background(), r.cloud, wire.ARMOptions{Clock: r.clock})
	must(t, err)
	defer evil.Close()
	sub := "/subscriptions/" + wire.DefaultSubscription
	for _, token := range []string{
		"v1 vmss-midgard " + evil.URL + sub + "/operations/1?api-version=2024-07-01",
		"v1 vmss-midgard //" + strings.TrimPrefix(evil.URL, "https://") + sub + "/operations/1",
		"v1 vmss-midgard " + sub + "/../../" + sub + "/operations/1",
		"v1 vmss-midgard " + sub + "/%2e%2e/operations/1",
		"v1 vmss-midgard /subscriptions/00000000-0000-0000-0000-00000000000f/operations/1",
		"v1 vmss-midgard @" + strings.TrimPrefix(evil.URL, "https://") + sub + "/x",
		"v1 vmss-midgard " + sub + "/operations/1#x",
		"v1 ../vmss-midgard",
		"v1 vmss-midgard " + sub + "/" + strings.Repeat("x", 600),
		"v1 vmss-midgard " + sub + "/operations/1 more",
		"v2 vmss-midgard",
		`{"type":"VirtualMachineScaleSetsClientUpdateResponse","token":{"asyncURL":"` + evil.URL + `/x","method":"PATCH","state":"Succeeded"}}`,
	} {
		done, err := r.Poll(t.Context(), token)
		if ce := cloudError(t, err); !done || ce.Class != world.ClassTransient || ce.Code != "OperationNotFound" {
			t.Errorf("Poll(%q): got done %v, %v (%s), want an operation that nobody knows", token, done, ce, ce.Class)
		}
	}
	if n := len(r.arm.Calls()) + len(evil.Calls()); n != 0 {
		t.Errorf("got %d calls, want none", n)
	}
}

// TestToken: a row has little room, and what is in it must lead nowhere else.
func TestToken(t *testing.T) {
	r := newRig(t, wire.ARMOptions{})
	token, err := r.Scale(t.Context(), midgard, 1)
	must(t, err)
	if len(token) > 300 || strings.Contains(token, "127.0.0.1") || strings.Contains(token, "MII") || !strings.Contains(token, "/operations/") {
		t.Errorf("token is %q (%d bytes), want a path of an operation, without host and signature", token, len(token))
	}
}

// TestSizeIsSet: a placement's size goes with a machine that is wanted, and not
// with one that is to go.
func TestSizeIsSet(t *testing.T) {
	r := newRig(t, wire.ARMOptions{})
	big := world.Placement{ID: midgard.ID, Size: "Standard_D4ads_v5"}
	token, err := r.Scale(t.Context(), big, 1)
	must(t, err)
	must(t, r.settle(t, token))
	if got := r.cloud.Snapshot().Placements[1].Size; got != big.Size {
		t.Errorf("got size %q, want %q", got, big.Size)
	}
	token, err = r.Scale(t.Context(), world.Placement{ID: midgard.ID, Size: "Standard_NoSuch"}, 0)
	must(t, err)
	must(t, r.settle(t, token))
	if got := r.cloud.Snapshot().Placements[1]; got.Size != "Standard_D4ads_v5" || got.Capacity != 0 {
		t.Errorf("got %+v, want capacity 0 and the size as it was", got)
	}
}

func TestAddress(t *testing.T) {
	r := newRig(t, wire.ARMOptions{})
	token, err := r.Scale(t.Context(), midgard, 1)
	must(t, err)
	in, err := r.Instances(t.Context(), midgard)
	must(t, err)
	if len(in) != 1 || in[0].ID == "" || in[0].Address != "" {
		t.Fatalf("got %v, want a machine that has no address yet", in)
	}
	must(t, r.settle(t, token))
	reads := func() (n int) {
		for _, c := range r.arm.Calls() {
			if strings.HasPrefix(c.Path, "networkInterfaces/") || strings.HasPrefix(c.Path, "publicIPAddresses/") {
				n++
			}
		}
		return n
	}
	before := reads()
	for range 3 {
		in, err = r.Instances(t.Context(), midgard)
		must(t, err)
		if want := r.cloud.Snapshot().VMs[0].Address; len(in) != 1 || in[0].Address != want || want == "" {
			t.Fatalf("got %v, want the address %s", in, want)
		}
	}
	if got := reads() - before; got != 2 {
		t.Errorf("got %d reads of the network, want 2: an address does not change", got)
	}
}

// TestAddressUnread: a list is whole without addresses.
func TestAddressUnread(t *testing.T) {
	r := newRig(t, wire.ARMOptions{})
	token, err := r.Scale(t.Context(), midgard, 1)
	must(t, err)
	must(t, r.settle(t, token))
	list := fmt.Sprintf(`{"value":[null,{},{"name":"other","id":"/x","properties":{}},
		{"name":"vmss-asgard_1","id":"/y","properties":{"virtualMachineScaleSet":{"id":"/subscriptions/%[1]s/resourceGroups/%[2]s/providers/Microsoft.Compute/virtualMachineScaleSets/vmss-asgard"}}},
		{"name":"vmss-midgard_1","id":"/z","properties":{"virtualMachineScaleSet":{"id":"/subscriptions/%[1]s/RESOURCEGROUPS/%[2]s/providers/Microsoft.Compute/virtualMachineScaleSets/VMSS-midgard"},
		"networkProfile":{"networkInterfaces":[null,{},{"id":%[3]q}]}}}]}`, wire.DefaultSubscription, wire.DefaultResourceGroup, "%s")
	nic := func(sub, kind, name string) string {
		return fmt.Sprintf("/subscriptions/%s/resourceGroups/g/providers/Microsoft.Network/%s/%s", sub, kind, name)
	}
	for name, tc := range map[string]struct {
		nic  string
		then []wire.Failure
		want int // calls
	}{
		"no id":                {"nic", nil, 1},
		"another subscription": {nic("00000000-0000-0000-0000-00000000000f", "networkInterfaces", "n"), nil, 1},
		"another kind":         {nic(wire.DefaultSubscription, "virtualNetworks", "n"), nil, 1},
		"a way out":            {nic(wire.DefaultSubscription, "networkInterfaces", "n?x"), nil, 1},
		"interface gone":       {nic(wire.DefaultSubscription, "networkInterfaces", "n"), []wire.Failure{{Status: 404}}, 2},
		"interface is no JSON": {nic(wire.DefaultSubscription, "networkInterfaces", "n"), []wire.Failure{{Status: 200, Body: "<"}}, 2},
		"no configuration":     {nic(wire.DefaultSubscription, "networkInterfaces", "n"), []wire.Failure{{Status: 200, Body: `{"properties":{"ipConfigurations":[{}]}}`}}, 2},
		"address gone": {nic(wire.DefaultSubscription, "networkInterfaces", "n"), []wire.Failure{
			{Status: 200, Body: `{"properties":{"ipConfigurations":[{"properties":{"publicIPAddress":{"id":"` + nic(wire.DefaultSubscription, "publicIPAddresses", "p") + `"}}}]}}`}, {Status: 404}}, 3},
		"address is none": {nic(wire.DefaultSubscription, "networkInterfaces", "n"), []wire.Failure{
			{Status: 200, Body: `{"properties":{"ipConfigurations":[{"properties":{"publicIPAddress":{"id":"` + nic(wire.DefaultSubscription, "publicIPAddresses", "p") + `"}}}]}}`},
			{Status: 200, Body: `{"properties":{"ipAddress":"@everyone"}}`}}, 3},
	} {
		t.Run(name, func(t *testing.T) {
			before := len(r.arm.Calls())
			r.arm.Fail(wire.Failure{Status: 200, Body: fmt.Sprintf(list, tc.nic)})
			r.arm.Fail(tc.then...)
			in, err := r.Instances(t.Context(), midgard)
			must(t, err)
			if len(in) != 1 || in[0].ID != "vmss-midgard_1" || in[0].Address != "" {
				t.Errorf("got %v, want our machine alone, without an address", in)
			}
			if got := len(r.arm.Calls()) - before; got != tc.want {
				t.Errorf("got %d calls, want %d", got, tc.want)
			}
		})
	}
}

// TestOperationUnsigned: Azure refuses an operation's address without its
// signature; the set itself tells.
func TestOperationUnsigned(t *testing.T) {
	for _, status := range []int{400, 401, 403} {
		r := newRig(t, wire.ARMOptions{})
		token, err := r.Scale(t.Context(), midgard, 1)
		must(t, err)
		refused := wire.Failure{Status: status, Body: `{"error":{"code":"InvalidSignature","message":"no"}}`}
		r.arm.Fail(refused)
		if done, err := r.Poll(t.Context(), token); done || err != nil {
			t.Errorf("%d: got %v, %v, want under way", status, done, err)
		}
		r.clock.Advance(2 * time.Minute)
		r.arm.Fail(refused)
		if done, err := r.Poll(t.Context(), token); !done || err != nil {
			t.Errorf("%d: got %v, %v, want done", status, done, err)
		}
		must(t, r.cloud.FailNext(asgard.ID, "ZonalAllocationFailed", true))
		token, err = r.Scale(t.Context(), asgard, 1)
		must(t, err)
		r.clock.Advance(2 * time.Minute)
		r.arm.Fail(refused)
		done, err := r.Poll(t.Context(), token)
		if ce := cloudError(t, err); !done || ce.Code != "ZonalAllocationFailed" || ce.Class != world.ClassCapacity {
			t.Errorf("%d: got done %v, %v (%s), want the failure's own code", status, done, ce, ce.Class)
		}
	}
}

func TestGivenUp(t *testing.T) {
	r := newRig(t, wire.ARMOptions{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := r.Scale(ctx, midgard, 1)
	if ce := cloudError(t, err); ce.Class != world.ClassTransient || ce.Code != "Timeout" {
		t.Errorf("got %v (%s), want transient", ce, ce.Class)
	}
	_, err = r.Instances(t.Context(), midgard) // with a token that is kept
	must(t, err)
	r.arm.Close()
	_, err = r.Instances(t.Context(), midgard)
	if ce := cloudError(t, err); ce.Class != world.ClassTransient || ce.Code != "Unreachable" || strings.Contains(ce.Message, "vmss") {
		t.Errorf("got %v (%s), want transient, without the path", ce, ce.Class)
	}
}

func patches(r *rig) (n int) {
	for _, c := range r.arm.Calls() {
		if c.Method == http.MethodPatch {
			n++
		}
	}
	return n
}
