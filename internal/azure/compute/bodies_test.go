package compute_test

import (
	"strings"
	"testing"
	"time"

	"hearth/internal/sim/simcloud/wire"
	"hearth/internal/world"
)

// TestBodies: whole answers of Azure's as its users posted them, to the PATCH and
// of the operation, and what the keeper reads of each.
func TestBodies(t *testing.T) {
	const sub = "/subscriptions/" + wire.DefaultSubscription
	for _, tc := range []struct {
		name   string
		status int // of the answer to the PATCH; 0: the operation's document
		body   string
		class  world.CloudClass
		code   string
		says   string // in the message
	}{
		// terraform-provider-azurerm#28549
		{"no such size here, at once", 409, `{"error":{"code":"SkuNotAvailable","message":"The requested VM size for resource 'Following SKUs have failed for Capacity Restrictions: Standard_D2ads_v5' is currently not available in location 'eastus2'. Please try another size or deploy to a different location or different zone. See https://aka.ms/azureskunotavailable for details."}}`,
			world.ClassCapacity, "SkuNotAvailable", "try another size"},
		{"no machines", 0, `{"startTime":"2026-11-28T20:01:02.123+00:00","endTime":"2026-11-28T20:01:33.456+00:00","status":"Failed","error":{"code":"AllocationFailed","message":"Allocation failed. We do not have sufficient capacity for the requested VM size in this region. Read more about improving likelihood of allocation success at http://aka.ms/allocation-guidance"},"name":"3b1f6e2c-0000-0000-0000-000000000000"}`,
			world.ClassCapacity, "AllocationFailed", "sufficient capacity"},
		{"no machines in this zone", 0, `{"status":"Failed","error":{"code":"ZonalAllocationFailed","message":"Allocation failed. We do not have sufficient capacity for the requested VM size in this zone. Read more about improving likelihood of allocation success at http://aka.ms/allocation-guidance"}}`,
			world.ClassCapacity, "ZonalAllocationFailed", "in this zone"},
		{"too much asked for at once", 0, `{"status":"Failed","error":{"code":"OverconstrainedAllocationRequest","message":"Allocation failed. VM(s) with the following constraints cannot be allocated, because the condition is too restrictive. Please remove some constraints and try again. Constraints applied are:\n  - Networking Constraints (such as Accelerated Networking or IPv6)\n  - VM Size\n"}}`,
			world.ClassCapacity, "OverconstrainedAllocationRequest", "too restrictive"},
		// jenkins-infra/helpdesk#3584
		{"the same, wrapped", 0, `{"status":"Failed","error":{"code":"ResourceOperationFailure","message":"The resource operation completed with terminal provisioning state 'Failed'.","details":[{"code":"OverconstrainedZonalAllocationRequest","message":"Allocation failed. VM(s) with the following constraints cannot be allocated, because the condition is too restrictive. Please remove some constraints and try again. Constraints applied are:\n  - Availability Zone\n  - VM Size\n"}]}}`,
			world.ClassCapacity, "OverconstrainedZonalAllocationRequest", "Availability Zone"},
		{"quota of spot machines", 409, `{"error":{"code":"OperationNotAllowed","message":"Operation could not be completed as it results in exceeding approved LowPriorityCores quota. Additional details - Deployment Model: Resource Manager, Location: eastus2, Current Limit: 0, Current Usage: 0, Additional Required: 2, (Minimum) New Limit Required: 2. Setup Alerts when Quota reaches threshold. Learn more at https://aka.ms/quotamonitoringalerting . Submit a request for Quota increase at https://aka.ms/ProdportalCRP/#blade/Microsoft_Azure_Capacity/UsageAndQuota.ReactView/Parameters/%7B%7D by specifying parameters listed in the 'Details' section for deployment to succeed."}}`,
			world.ClassQuota, "OperationNotAllowed", "The quota is called LowPriorityCores. "},
		{"quota of a family", 409, `{"error":{"code":"OperationNotAllowed","message":"Operation could not be completed as it results in exceeding approved standardDADSv5Family Cores quota. Additional details - Deployment Model: Resource Manager, Location: eastus2, Current Limit: 0, Current Usage: 0, Additional Required: 2, (Minimum) New Limit Required: 2. Submit a request for Quota increase at https://aka.ms/ProdportalCRP/ by specifying parameters listed in the 'Details' section for deployment to succeed."}}`,
			world.ClassQuota, "OperationNotAllowed", "The quota is called standardDADSv5Family Cores. "},
		{"quota of a family, wrapped", 0, `{"status":"Failed","error":{"code":"ResourceOperationFailure","message":"outer","details":[{"code":"OperationNotAllowed","message":"Operation could not be completed as it results in exceeding approved standardDSv3Family Cores quota. Additional details - Location: westus2, Current Limit: 0"}]}}`,
			world.ClassQuota, "OperationNotAllowed", "The quota is called standardDSv3Family Cores. "},
		{"price", 409, `{"error":{"code":"SpotPriceGreaterThanProvidedMaxPrice","message":"Unable to perform operation 'Create VM' since the provided max price '0.001 USD' is lower than the current spot price '0.0141 USD' for Azure Spot VM size 'Standard_D2ads_v5'. For more information, see http://aka.ms/AzureSpot/errormessages."}}`,
			world.ClassConfig, "SpotPriceGreaterThanProvidedMaxPrice", "set it to -1"},
		{"the subnet is another's", 403, `{"error":{"code":"LinkedAuthorizationFailed","message":"The client '00000000-0000-0000-0000-0000000000aa' with object id '00000000-0000-0000-0000-0000000000aa' has permission to perform action 'Microsoft.Compute/virtualMachineScaleSets/write' on scope '` + sub + `/resourceGroups/hearth-compute/providers/Microsoft.Compute/virtualMachineScaleSets/vmss-midgard'; however, it does not have permission to perform action(s) 'Microsoft.Network/virtualNetworks/subnets/join/action' on the linked scope(s) '` + sub + `/resourceGroups/hearth-data/providers/Microsoft.Network/virtualNetworks/hearth/subnets/machines' (respectively) or the linked scope(s) are invalid."}}`,
			world.ClassConfig, "LinkedAuthorizationFailed", "subnet"},
		{"another operation", 409, `{"error":{"code":"Conflict","message":"The request failed due to conflict with a concurrent request. To resolve it, please refer to https://aka.ms/activitylog to get more details on the conflicting requests."}}`,
			world.ClassBusy, "Conflict", "concurrent request"},
		{"another operation, in other words", 409, `{"error":{"code":"OperationNotAllowed","message":"Operation 'PATCH' is not allowed on Virtual Machine Scale Set 'vmss-midgard' since another operation is in progress."}}`,
			world.ClassBusy, "OperationNotAllowed", "in progress"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := newRig(t, wire.ARMOptions{})
			var err error
			if tc.status != 0 {
				r.arm.Fail(wire.Failure{Status: tc.status, Body: tc.body})
				_, err = r.Scale(t.Context(), midgard, 1)
			} else {
				token, serr := r.Scale(t.Context(), midgard, 1)
				must(t, serr)
				r.arm.Fail(wire.Failure{Status: 200, Body: tc.body})
				var done bool
				if done, err = r.Poll(t.Context(), token); !done {
					t.Error("the operation is not done")
				}
			}
			ce := cloudError(t, err)
			if ce.Class != tc.class || ce.Code != tc.code || !strings.Contains(ce.Message, tc.says) {
				t.Errorf("got %s: %s (%s), want %s: …%s… (%s)", ce.Code, ce.Message, ce.Class, tc.code, tc.says, tc.class)
			}
		})
	}
}

// TestTrap: a set that says one and has no machine is brought to none and to one
// again; to one alone does nothing.
func TestTrap(t *testing.T) {
	r := newRig(t, wire.ARMOptions{})
	first := r.up(t)
	must(t, r.cloud.Vanish(first.ID))
	scale := func(capacity, want int) {
		t.Helper()
		token, err := r.Scale(t.Context(), midgard, capacity)
		must(t, err)
		must(t, r.settle(t, token))
		in, err := r.Instances(t.Context(), midgard)
		must(t, err)
		if len(in) != want {
			t.Errorf("at %d: got %v, want %d", capacity, in, want)
		}
	}
	scale(1, 0)
	s, err := r.Survey(t.Context())
	must(t, err)
	if set := s.Sets[1]; set.ID != midgard.ID || set.Capacity != 1 || len(set.Instances) != 0 {
		t.Errorf("got %+v, want capacity 1 and no machine", set)
	}
	scale(0, 0)
	scale(1, 1)
	r.clock.Advance(time.Second)
	if s, err = r.Survey(t.Context()); err != nil || len(s.Sets[1].Instances) != 1 || s.Sets[1].Instances[0].ID == first.ID || s.Sets[1].Instances[0].Address == "" {
		t.Errorf("got %+v, %v, want another machine with its address", s.Sets, err)
	}
}
