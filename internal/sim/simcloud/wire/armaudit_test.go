package wire_test

import (
	"fmt"
	"net/url"
	"testing"

	"hearth/internal/sim/simcloud/wire"
)

// TestAudit: the subscription, its quotas and sizes, and how the sets were made;
// and each of it otherwise.
func TestAudit(t *testing.T) {
	s := newARM(t, wire.ARMOptions{})
	const subscription = "/subscriptions/" + wire.DefaultSubscription
	usages := subscription + "/providers/Microsoft.Compute/locations/eastus2/usages" + v
	skus := subscription + "/providers/Microsoft.Compute/skus?api-version=2021-07-01"
	ofRegion := skus + "&$filter=" + url.QueryEscape("location eq 'eastus2'")
	set := sets + "/vmss-midgard" + v
	check := func(path string, at []string, want any) {
		t.Helper()
		a := s.call(t, "GET", path, "")
		if got := a.at(at...); a.code != 200 || fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s: %d, %v is %v, want %v", path, a.code, at, got, want)
		}
	}
	profile := func(at ...string) []string { return append([]string{"properties", "virtualMachineProfile"}, at...) }
	osDisk := profile("storageProfile", "osDisk")
	check(subscription+v, []string{"state"}, "Enabled")
	check(group+v, []string{"location"}, "eastus2")
	check(usages, []string{"value", "1", "name", "value"}, "lowPriorityCores")
	check(usages, []string{"value", "1", "limit"}, 3)
	check(ofRegion, []string{"value", "1", "name"}, "Standard_D2ads_v5")
	check(ofRegion, []string{"value", "1", "restrictions"}, "[]")
	check(set, profile("priority"), "Spot")
	check(set, append(osDisk, "deleteOption"), "Delete")
	check(set, append(osDisk, "diffDiskSettings", "option"), "Local")

	s.arm.Allow(func(a *wire.Account) {
		a.State, a.Quotas["lowPriorityCores"], a.Withheld["Standard_D2ads_v5"] = "Disabled", 0, "NotAvailableForSubscription"
	})
	s.arm.Shape("VMSS-midgard", func(x *wire.SetShape) { x.Priority, x.Disk, x.Ephemeral = "Regular", "Detach", false })
	check(subscription+v, []string{"state"}, "Disabled")
	check(usages, []string{"value", "1", "limit"}, 0)
	check(ofRegion, []string{"value", "1", "restrictions", "0", "reasonCode"}, "NotAvailableForSubscription")
	check(set, profile("priority"), "Regular")
	check(set, profile("evictionPolicy"), "<nil>")
	check(set, append(osDisk, "deleteOption"), "Detach")
	check(set, append(osDisk, "diffDiskSettings"), "<nil>")
	check(sets+"/vmss-asgard"+v, profile("priority"), "Spot")

	for path, code := range map[string]int{
		skus: 400, subscription + "/providers/Microsoft.Compute/locations/East%20US/usages" + v: 400,
		"/subscriptions/" + wire.DefaultSubscription + "/resourceGroups/other" + v: 404,
	} {
		if a := s.call(t, "GET", path, ""); a.code != code {
			t.Errorf("%s: %d %s, want %d", path, a.code, a.text, code)
		}
	}
	if a := s.call(t, "PUT", subscription+v, "{}"); a.code != 405 {
		t.Errorf("a subscription is put: %d", a.code)
	}
	s.token = s.arm.Login()
	check(subscription+v, []string{"state"}, "Disabled")
}
