package compute_test

import (
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	azfake "github.com/Azure/azure-sdk-for-go/sdk/azcore/fake"
	"github.com/google/go-cmp/cmp"

	"hearth/internal/azure/compute"
	"hearth/internal/sim/simcloud/wire"
	"hearth/internal/world"
	"hearth/internal/world/worldtest"
)

const group = "/subscriptions/" + wire.DefaultSubscription + "/resourceGroups/" + wire.DefaultResourceGroup + "/providers/"

// lists makes the next Survey see these lists: interfaces, addresses, disks,
// machines and scale sets, each the elements of one.
func (r *rig) lists(elements ...string) {
	for _, e := range elements {
		r.arm.Fail(wire.Failure{Status: 200, Body: `{"value":[` + e + `]}`})
	}
}

// TestMarks: what is whose, as Azure marks it.
func TestMarks(t *testing.T) {
	r := newRig(t, wire.ARMOptions{})
	item := func(name, more string) string {
		return fmt.Sprintf(`{"name":%q,"id":"/x","location":"eastus2",%s}`, name, more)
	}
	list := func(items ...string) string { return strings.Join(items, ",") }
	r.lists(
		list(
			item("free", `"properties":{"provisioningState":"Succeeded","ipConfigurations":[{}]}`),
			item("failed", `"properties":{"provisioningState":"Failed"}`),
			item("machine's", `"properties":{"provisioningState":"Succeeded","virtualMachine":{"id":"/v"}}`),
			item("endpoint's", `"properties":{"provisioningState":"Succeeded","privateEndpoint":{"id":"/e"}}`),
			item("link's", `"properties":{"provisioningState":"Succeeded","privateLinkService":{"id":"/l"}}`),
			item("service's", `"properties":{"provisioningState":"Succeeded","hostedWorkloads":["/w"]}`),
			item("being-made", `"properties":{"provisioningState":"Updating"}`),
			item("stateless", `"properties":{}`),
			`{}`,
		),
		list(
			item("free", `"properties":{"provisioningState":"Succeeded","ipAddress":"203.0.113.9"}`),
			item("interface's", `"properties":{"provisioningState":"Succeeded","ipConfiguration":{"id":"/n"}}`),
			item("gateway's", `"properties":{"provisioningState":"Succeeded","natGateway":{"id":"/g"}}`),
			item("going", `"properties":{"provisioningState":"Deleting"}`),
		),
		list(
			item("free", `"properties":{"provisioningState":"Succeeded","diskState":"Unattached"}`),
			item("machine's", `"managedBy":"/v","properties":{"provisioningState":"Succeeded","diskState":"Attached"}`),
			item("shared", `"managedByExtended":["/v"],"properties":{"provisioningState":"Succeeded","diskState":"Unattached"}`),
			item("of-one-that-is-off", `"properties":{"provisioningState":"Succeeded","diskState":"Reserved"}`),
			item("exported", `"properties":{"provisioningState":"Succeeded","diskState":"ActiveSAS"}`),
			item("stateless", `"properties":{"provisioningState":"Succeeded"}`),
			`null`, `{"name":"bare"}`,
		),
		list(
			item("by-hand", `"properties":{"provisioningState":"Succeeded"}`),
			item("vmss-midgard_1", `"properties":{"virtualMachineScaleSet":{"id":"`+group+`microsoft.compute/virtualmachinescalesets/VMSS-MIDGARD"}}`),
			item("of-a-set-that-went", `"properties":{"virtualMachineScaleSet":{"id":"/gone"}}`),
			`null`, `{}`,
		),
		list(
			`{"name":"vmss-asgard","id":"`+group+`Microsoft.Compute/virtualMachineScaleSets/vmss-asgard","location":"eastus2","sku":{"capacity":0},"properties":{"provisioningState":"Succeeded"}}`,
			`{"name":"vmss-midgard","id":"`+group+`Microsoft.Compute/virtualMachineScaleSets/vmss-midgard","location":"eastus2","sku":{"capacity":3},"properties":{"provisioningState":"Failed"}}`,
			`null`, `{}`,
		),
	)
	got, err := r.Survey(t.Context())
	must(t, err)
	want := world.Survey{
		Sets: []world.SetSeen{{ID: "vmss-asgard"}, {ID: "vmss-midgard", Capacity: 3, Instances: []world.Instance{{ID: "vmss-midgard_1"}}}},
		Leftovers: []world.Leftover{
			{Kind: world.LeftoverMachine, Name: "by-hand"}, {Kind: world.LeftoverNIC, Name: "free"}, {Kind: world.LeftoverNIC, Name: "failed"},
			{Kind: world.LeftoverAddress, Name: "free"}, {Kind: world.LeftoverDisk, Name: "free"},
		},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// TestChangingRegion: what a scale set is making is nobody's for a while.
func TestChangingRegion(t *testing.T) {
	r := newRig(t, wire.ARMOptions{})
	for state, want := range map[string][]string{"Updating": {"west"}, "Creating": {"west"}, "": {"west"}, "Succeeded": {"east", "west"}} {
		r.lists(`{"name":"east","location":"East US 2","properties":{"provisioningState":"Succeeded"}},{"name":"west","location":"westus2","properties":{"provisioningState":"Succeeded"}}`,
			"", "", "", `{"name":"vmss-midgard","id":"/m","location":"eastus2","properties":{"provisioningState":"`+state+`"}}`)
		s, err := r.Survey(t.Context())
		must(t, err)
		var got []string
		for _, l := range s.Leftovers {
			got = append(got, l.Name)
		}
		if !slices.Equal(got, want) {
			t.Errorf("a set that is %q: got %v left over, want %v", state, got, want)
		}
	}
}

// TestSurveyIsFiveCalls: however many worlds there are, and with their addresses.
func TestSurveyIsFiveCalls(t *testing.T) {
	var places []world.Placement
	for i := range world.MaxWorlds {
		places = append(places, world.Placement{ID: fmt.Sprintf("vmss-%02d", i)})
	}
	r := newRigOf(t, wire.ARMOptions{}, places...)
	for _, p := range places {
		_, err := r.cloud.Scale(t.Context(), p, 1)
		must(t, err)
	}
	r.clock.Advance(time.Minute)
	before := len(r.arm.Calls())
	s, err := r.Survey(t.Context())
	must(t, err)
	if n := len(r.arm.Calls()) - before; n != 5 {
		t.Errorf("got %d calls, want 5", n)
	}
	vms := r.cloud.Snapshot().VMs
	if len(s.Sets) != len(places) || len(vms) != len(places) {
		t.Fatalf("got %d sets and %d machines, want %d", len(s.Sets), len(vms), len(places))
	}
	for i, set := range s.Sets {
		if want := []world.Instance{{ID: vms[i].ID, Address: vms[i].Address}}; !slices.Equal(set.Instances, want) || want[0].Address == "" {
			t.Errorf("%s: got %v, want %v", set.ID, set.Instances, want)
		}
	}
}

// TestListThrottled: a 429 at any of the lists closes the gate.
func TestListThrottled(t *testing.T) {
	for nth := range 5 {
		r := newRig(t, wire.ARMOptions{})
		must(t, r.cloud.Leave(world.LeftoverNIC, "left"))
		r.lists(slices.Repeat([]string{""}, nth)...)
		r.arm.Fail(wire.Failure{Status: 429, Body: `{"error":{"code":"SubscriptionRequestsThrottled","message":"slow down"}}`, RetryAfter: 17 * time.Second})
		s, err := r.Survey(t.Context())
		if ce := cloudError(t, err); ce.Class != world.ClassTransient || s.Sets != nil || s.Leftovers != nil {
			t.Errorf("list %d: got %+v, %v (%s), want nothing, and transient", nth, s, ce, ce.Class)
		}
		calls := len(r.arm.Calls())
		for range 3 {
			_, err = r.Survey(t.Context())
			if ce := cloudError(t, err); ce.Class != world.ClassBusy {
				t.Errorf("list %d, meanwhile: got %v (%s), want busy", nth, ce, ce.Class)
			}
			if ce := cloudError(t, r.Remove(t.Context(), world.Leftover{Kind: world.LeftoverNIC, Name: "left"})); ce.Class != world.ClassBusy {
				t.Errorf("list %d, Remove meanwhile: got %v (%s), want busy", nth, ce, ce.Class)
			}
			r.clock.Advance(5 * time.Second)
		}
		if n := len(r.arm.Calls()); calls != nth+1 || n != calls {
			t.Errorf("list %d: got %d calls until the 429 and %d after it, want %d and none", nth, calls, n-calls, nth+1)
		}
		r.clock.Advance(3 * time.Second)
		if s, err := r.Survey(t.Context()); err != nil || len(s.Leftovers) != 1 {
			t.Errorf("list %d, after it: got %+v, %v, want the leftover", nth, s, err)
		}
	}
}

// paging answers the nth call with a list that has more at next, others with an
// empty one, and remembers which hosts were asked.
type paging struct {
	nth   int
	next  string
	hosts []string
}

// Do implements policy.Transporter.
func (p *paging) Do(req *http.Request) (*http.Response, error) {
	body := `{"value":[]}`
	if len(p.hosts) == p.nth {
		body = `{"value":[],"nextLink":"` + p.next + `"}`
	}
	p.hosts = append(p.hosts, req.URL.Scheme+"://"+req.URL.Host)
	return canned{200, http.Header{}, []byte(body)}.Do(req)
}

// TestNextPageElsewhere: a token goes to no other host, whatever an answer says.
func TestNextPageElsewhere(t *testing.T) {
	for nth := range 5 {
		for next, fails := range map[string]bool{
			"https://evil.example" + group: true, "http://management.azure.com" + group: true, "https://management.azure.com:8443" + group: true,
			"https://Management.Azure.com" + group + "x?api-version=1": false,
		} {
			p := &paging{nth: nth, next: next}
			c, err := compute.New(compute.Options{
				Subscription: wire.DefaultSubscription, ResourceGroup: wire.DefaultResourceGroup, Clock: worldtest.NewClock(),
				Credential: &azfake.TokenCredential{}, Transport: p,
			})
			must(t, err)
			_, err = c.Survey(t.Context())
			if (err != nil) != fails {
				t.Errorf("list %d, next %s: got %v, want an error: %v", nth, next, err, fails)
			}
			if err != nil {
				if ce := cloudError(t, err); ce.Class != world.ClassTransient {
					t.Errorf("list %d, next %s: got %v (%s), want transient", nth, next, ce, ce.Class)
				}
			}
			for _, h := range p.hosts {
				if !strings.EqualFold(h, compute.PublicURL) {
					t.Errorf("list %d, next %s: %s was asked", nth, next, h)
				}
			}
		}
	}
}

// TestOddLists: what is no list is no empty one, and one without an end is given up.
func TestOddLists(t *testing.T) {
	for nth := range 2 { // those that are read without armcompute
		for _, body := range []string{"{", `{}`, `{"value":null}`, `{"value":7}`, `[]`} {
			r := newRig(t, wire.ARMOptions{})
			r.lists(slices.Repeat([]string{""}, nth)...)
			r.arm.Fail(wire.Failure{Status: 200, Body: body})
			if s, err := r.Survey(t.Context()); err == nil {
				t.Errorf("list %d is %s: got %+v, want an error", nth, body, s)
			}
		}
	}
	for nth := range 5 {
		r := newRig(t, wire.ARMOptions{})
		r.lists(slices.Repeat([]string{""}, nth)...)
		for range 30 {
			r.arm.Fail(wire.Failure{Status: 200, Body: `{"value":[],"nextLink":"` + r.arm.URL + group + `x?api-version=1"}`})
		}
		_, err := r.Survey(t.Context())
		if ce := cloudError(t, err); ce.Class != world.ClassTransient || !strings.Contains(ce.Message, "more than 20 pages") {
			t.Errorf("list %d: got %v (%s), want it given up", nth, ce, ce.Class)
		}
		if n := len(r.arm.Calls()) - nth; n != 20 {
			t.Errorf("list %d: got %d pages, want 20", nth, n)
		}
	}
}

// TestRemoveRefused: what Azure answers to a deletion.
func TestRemoveRefused(t *testing.T) {
	free := map[world.LeftoverKind]string{
		world.LeftoverMachine: `{"name":"x","properties":{}}`, world.LeftoverNIC: `{"name":"x","properties":{}}`,
		world.LeftoverAddress: `{"name":"x","properties":{}}`, world.LeftoverDisk: `{"name":"x","properties":{"diskState":"Unattached"}}`,
	}
	for _, tc := range []struct {
		name   string
		kind   world.LeftoverKind
		status int
		body   string
		class  world.CloudClass // empty: no error
		says   string
	}{
		{"interface taken", world.LeftoverNIC, 400, `{"error":{"code":"NicInUse","message":"Network Interface /subscriptions/s/resourceGroups/g/providers/Microsoft.Network/networkInterfaces/x is used by existing resource /subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/v. In order to delete the network interface, it must be dissociated from the resource. To learn more, see aka.ms/deletenic.","details":[]}}`, world.ClassBusy, "is used by"},
		{"interface reserved", world.LeftoverNIC, 400, `{"error":{"code":"NicReservedForAnotherVm","message":"Nic(s) in request is reserved for another Virtual Machine for 180 seconds. Please provide another nic(s) or retry after 180 seconds.","details":[]}}`, world.ClassBusy, "180 seconds"},
		{"address taken", world.LeftoverAddress, 400, `{"error":{"code":"PublicIPAddressCannotBeDeleted","message":"Public IP address /subscriptions/s/resourceGroups/g/providers/Microsoft.Network/publicIPAddresses/x can not be deleted since it is still allocated to resource /subscriptions/s/y.","details":[]}}`, world.ClassBusy, "still allocated"},
		{"disk taken", world.LeftoverDisk, 409, `{"error":{"code":"OperationNotAllowed","message":"Disk x is attached to VM /subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/v."}}`, world.ClassBusy, "attached to VM"},
		{"another operation", world.LeftoverMachine, 409, `{"error":{"code":"Conflict","message":"The request failed due to conflict with a concurrent request. To resolve it, please refer to https://aka.ms/activitylog to get more details on the conflicting requests."}}`, world.ClassBusy, "concurrent"},
		{"another network operation", world.LeftoverAddress, 429, `{"error":{"code":"RetryableError","message":"A retryable error occurred.","details":[]}}`, world.ClassTransient, "retryable"},
		{"gone meanwhile", world.LeftoverDisk, 404, `{"error":{"code":"ResourceNotFound","message":"The Resource 'Microsoft.Compute/disks/x' under resource group 'g' was not found."}}`, "", ""},
		{"gone meanwhile, no content", world.LeftoverNIC, 204, ``, "", ""},
		{"done at once", world.LeftoverDisk, 200, ``, "", ""},
		{"accepted without an address", world.LeftoverMachine, 202, ``, "", ""},
		{"locked", world.LeftoverDisk, 409, `{"error":{"code":"ScopeLocked","message":"The scope '/x' cannot perform delete operation because following scope(s) are locked: '/x'. Please remove the lock and try again."}}`, world.ClassConfig, "remove it in the portal under Locks"},
		{"not allowed", world.LeftoverNIC, 403, `{"error":{"code":"AuthorizationFailed","message":"The client 'c' with object id 'o' does not have authorization to perform action 'Microsoft.Network/networkInterfaces/delete' over scope '/x' or the scope is invalid."}}`, world.ClassConfig, "give it its role"},
		{"no such group", world.LeftoverNIC, 404, `{"error":{"code":"ResourceGroupNotFound","message":"Resource group 'g' could not be found."}}`, world.ClassConfig, "resource group"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := newRig(t, wire.ARMOptions{})
			r.arm.Fail(wire.Failure{Status: 200, Body: free[tc.kind]}, wire.Failure{Status: tc.status, Body: tc.body})
			err := r.Remove(t.Context(), world.Leftover{Kind: tc.kind, Name: "x"})
			if tc.class == "" {
				if err != nil {
					t.Errorf("got %v, want none", err)
				}
				return
			}
			if ce := cloudError(t, err); ce.Class != tc.class || !strings.Contains(ce.Message, tc.says) {
				t.Errorf("got %v (%s), want %s with %q", ce, ce.Class, tc.class, tc.says)
			}
		})
	}
}

// TestRemoveLooksAgain: what can't be seen to be free is not deleted.
func TestRemoveLooksAgain(t *testing.T) {
	r := newRig(t, wire.ARMOptions{})
	vm := r.up(t)
	for name, tc := range map[string]struct {
		l     world.Leftover
		see   []wire.Failure
		class world.CloudClass // empty: no error
	}{
		"a world's machine":  {world.Leftover{Kind: world.LeftoverMachine, Name: vm.ID}, nil, world.ClassBusy},
		"no group":           {world.Leftover{Kind: world.LeftoverNIC, Name: "x"}, []wire.Failure{{Status: 404, Body: `{"error":{"code":"ResourceGroupNotFound","message":"no"}}`}}, world.ClassConfig},
		"no group of a disk": {world.Leftover{Kind: world.LeftoverDisk, Name: "x"}, []wire.Failure{{Status: 404, Body: `{"error":{"code":"ResourceGroupNotFound","message":"no"}}`}}, world.ClassConfig},
		"no sight of it":     {world.Leftover{Kind: world.LeftoverMachine, Name: "x"}, []wire.Failure{{Status: 503}}, world.ClassTransient},
		"no sense in it":     {world.Leftover{Kind: world.LeftoverAddress, Name: "x"}, []wire.Failure{{Status: 200, Body: "<html>"}}, world.ClassTransient},
		"a machine of what?": {world.Leftover{Kind: world.LeftoverMachine, Name: "x"}, []wire.Failure{{Status: 200, Body: `{"name":"x"}`}}, world.ClassBusy},
		"a disk of what?":    {world.Leftover{Kind: world.LeftoverDisk, Name: "x"}, []wire.Failure{{Status: 200, Body: `{"name":"x"}`}}, world.ClassBusy},
		"gone":               {world.Leftover{Kind: world.LeftoverAddress, Name: "x"}, []wire.Failure{{Status: 404}}, ""},
		"a way out":          {world.Leftover{Kind: world.LeftoverNIC, Name: "../../x"}, nil, world.ClassConfig},
		"a query":            {world.Leftover{Kind: world.LeftoverNIC, Name: "x?y"}, nil, world.ClassConfig},
		"a folder up":        {world.Leftover{Kind: world.LeftoverDisk, Name: ".."}, nil, world.ClassConfig},
	} {
		t.Run(name, func(t *testing.T) {
			r.clock.Advance(time.Minute)
			r.arm.Fail(tc.see...)
			err := r.Remove(t.Context(), tc.l)
			if (err != nil) != (tc.class != "") {
				t.Fatalf("got %v, want class %q", err, tc.class)
			}
			if err != nil {
				if ce := cloudError(t, err); ce.Class != tc.class {
					t.Errorf("got %v (%s), want %s", ce, ce.Class, tc.class)
				}
			}
		})
	}
	for _, c := range r.arm.Calls() {
		if c.Method == "DELETE" {
			t.Errorf("got %s %s, want nothing deleted", c.Method, c.Path)
		}
	}
}

// TestMachineLeavesBehind: what a machine of nobody's had is left over once it is
// gone.
func TestMachineLeavesBehind(t *testing.T) {
	r := newRig(t, wire.ARMOptions{})
	r.cloud.LeaveBehind(true)
	must(t, r.cloud.Leave(world.LeftoverMachine, "by-hand"))
	for _, want := range []int{1, 3, 0} {
		s, err := r.Survey(t.Context())
		must(t, err)
		if len(s.Leftovers) != want {
			t.Fatalf("got %v, want %d", s.Leftovers, want)
		}
		for _, l := range s.Leftovers {
			must(t, r.Remove(t.Context(), l))
		}
		r.clock.Advance(time.Minute)
	}
}

func TestEvict(t *testing.T) {
	r := newRig(t, wire.ARMOptions{})
	must(t, r.cloud.Leave(world.LeftoverMachine, "by-hand"))
	vm := r.up(t)
	for _, tc := range []struct {
		name  string
		p     world.Placement
		vm    string
		class world.CloudClass
	}{
		{"another placement's", asgard, vm.ID, world.ClassConfig},
		{"nobody's", midgard, "by-hand", world.ClassConfig},
		{"gone", midgard, "vmss-midgard_0", world.ClassTransient},
		{"no name", midgard, "../x", world.ClassConfig},
		{"no placement", world.Placement{ID: "../x"}, vm.ID, world.ClassConfig},
	} {
		if ce := cloudError(t, r.Evict(t.Context(), tc.p, tc.vm)); ce.Class != tc.class {
			t.Errorf("%s: got %v (%s), want %s", tc.name, ce, ce.Class, tc.class)
		}
	}
	if n := r.cloud.Snapshot().VMs[0].Notice; n != nil {
		t.Fatalf("got notice %+v, want none yet", n)
	}
	must(t, r.Evict(t.Context(), midgard, vm.ID))
	if n := r.cloud.Snapshot().VMs[0].Notice; n == nil || n.Kind != "Preempt" {
		t.Errorf("got notice %+v, want a Preempt", n)
	}
	r.arm.Fail(wire.Failure{Status: 200, Body: `{"properties":{"virtualMachineScaleSet":{"id":"` + group + `Microsoft.Compute/virtualMachineScaleSets/vmss-midgard"}}}`},
		wire.Failure{Status: 409, Body: `{"error":{"code":"OperationNotAllowed","message":"Operation 'simulateEviction' is not allowed on VM 'x' since it is not a Spot VM."}}`})
	if ce := cloudError(t, r.Evict(t.Context(), midgard, vm.ID)); ce.Class != world.ClassConfig {
		t.Errorf("no spot machine: got %v (%s), want config", ce, ce.Class)
	}
}

// TestRights: whatever is asked of Azure is in the list of rights that a keeper is
// told to give.
func TestRights(t *testing.T) {
	doc, err := os.ReadFile("../../../docs/bot.md")
	must(t, err)
	r := newRig(t, wire.ARMOptions{})
	vm := r.up(t)
	for _, k := range kinds() {
		must(t, r.cloud.Leave(k, "left"))
	}
	_, err = r.Survey(t.Context())
	must(t, err)
	for _, k := range kinds() {
		must(t, r.Remove(t.Context(), world.Leftover{Kind: k, Name: "left"}))
	}
	must(t, r.cloud.FailNext(asgard.ID, "AllocationFailed", true))
	token, err := r.Scale(t.Context(), asgard, 1)
	must(t, err)
	r.arm.Fail(wire.Failure{Status: 400}) // so that the set is looked at
	if done, err := r.Poll(t.Context(), token); done || err != nil {
		t.Errorf("got %v, %v, want it under way", done, err)
	}
	r.clock.Advance(time.Minute)
	r.arm.Fail(wire.Failure{Status: 400})
	_, err = r.Poll(t.Context(), token)
	_ = cloudError(t, err)
	_, err = r.ReadConsole(t.Context(), vm.ID)
	must(t, err)
	must(t, r.Evict(t.Context(), midgard, vm.ID))
	verbs := map[string]string{"GET": "read", "PATCH": "write", "DELETE": "delete"}
	asked := map[string]bool{}
	for _, c := range r.arm.Calls() {
		parts := strings.Split(c.Path, "/")
		provider := "Microsoft.Compute/"
		switch parts[0] {
		case "networkInterfaces", "publicIPAddresses":
			provider = "Microsoft.Network/"
		}
		right := provider + parts[0] + "/" + verbs[c.Method]
		switch {
		case len(parts) == 3 && c.Method == "POST":
			right = provider + parts[0] + "/" + parts[2] + "/action"
		case len(parts) == 3 && strings.EqualFold(parts[2], "instanceView"):
			right = provider + parts[0] + "/instanceView/read"
		case parts[0] == "locations":
			continue // who began an operation may ask about it
		case strings.HasPrefix(c.Path, "/bootdiagnostics/"):
			continue // read by a signature of its own
		}
		asked[right] = true
	}
	if len(asked) < 12 {
		t.Errorf("got %v, want every right that there is", asked)
	}
	for right := range asked {
		if !strings.Contains(string(doc), "`"+right+"`") {
			t.Errorf("docs/bot.md does not tell of %s", right)
		}
	}
}
