package words_test

import (
	"strings"
	"testing"

	"hearth/internal/world"
	"hearth/internal/world/words"
)

func TestQuota(t *testing.T) {
	c := world.Config{ID: "midgard", Name: "Midgard", Placements: []world.Placement{{ID: "vmss-a", Region: "westus2"}, {ID: "dear", Regular: true}}}
	for _, tc := range []struct{ name, placement, code, detail, want string }{
		{"spot, as Azure tells it", "vmss-a", "OperationNotAllowed",
			"The quota is called LowPriorityCores. Operation could not be completed as it results in exceeding approved LowPriorityCores quota. Additional details - Deployment Model: Resource Manager, Location: eastus2, Current Limit: 0, Current Usage: 0, Additional Required: 2, (Minimum) New Limit Required: 2.",
			"In the portal: *Subscriptions* → yours → *Usage + quotas* → `eastus2` → ask for more spot (low-priority) vCPUs, which the portal calls *Total Regional Spot vCPUs*, 2 at least; then `/start`."},
		{"a family's", "vmss-a", "OperationNotAllowed", "exceeding approved standardDADSv5Family Cores quota. Additional details - Location: eastus2, Current Limit: 0",
			"`eastus2` → ask for more `standardDADSv5Family Cores`; then"},
		{"the region's", "vmss-a", "OperationNotAllowed", "exceeding approved Total Regional Cores quota.", "`westus2` → ask for more `Regional Cores`; then"},
		{"addresses", "vmss-a", "IPv4StandardSkuPublicIpCountLimitReached", "Cannot create more than 10.", "public addresses, under the provider *Microsoft.Network*"},
		{"no words", "vmss-a", "QuotaExceeded", "", "`westus2` → ask for more spot (low-priority) vCPUs"},
		{"at the full price", "dear", "QuotaExceeded", "", "the region → ask for more vCPUs of the machine's family"},
		{"hostile", "vmss-a", "X", "exceeding approved `@everyone` quota. Location: `x, New Limit Required: 9`9.", "`'x` → ask for more `'@everyone'`; then"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := words.Quota(&c, tc.placement, tc.code, tc.detail).Text; !strings.Contains(got, tc.want) {
				t.Errorf("got %q, want it to have %q", got, tc.want)
			}
		})
	}
}

func TestMisconfigured(t *testing.T) {
	c := world.Config{ID: "midgard", Name: "Midgard"}
	for code, want := range map[string]string{
		"SpotPriceGreaterThanProvidedMaxPrice": "set its maximum price to -1",
		"LinkedAuthorizationFailed":            "the right to join the subnet",
		"AuthorizationFailed":                  "give the bot's identity its role back",
		"SkuNotAvailable":                      "choose another size or region",
		"ResourceNotFound":                     "take the placement out of `HEARTH_WORLDS`",
		"ReadOnlyDisabledSubscription":         "reactivate it",
		"ScopeLocked":                          "remove the lock",
		"MissingSubscriptionRegistration":      "register `Microsoft.Compute`",
		"RequestDisallowedByPolicy":            "which policy forbids it",
		"ManagedIdentity":                      "the function app → *Identity*",
		"SomethingNew":                         "Check the scale set and the bot's role",
	} {
		t.Run(code, func(t *testing.T) {
			got := words.Misconfigured(&c, "vmss-a", code, "no").Text
			if !strings.Contains(got, want) || !strings.HasSuffix(got, "; then `/start`.") || !strings.Contains(got, code+": no") {
				t.Errorf("got %q, want it to have %q", got, want)
			}
		})
	}
}
