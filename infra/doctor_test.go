package infra_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"hearth/internal/clock"
	"hearth/internal/operator"
)

// manager is Azure Resource Manager, as far as the doctor asks it, after the plan
// was applied.
type manager struct{ plan plan }

// Do implements policy.Transporter.
func (m manager) Do(req *http.Request) (*http.Response, error) {
	_, rest, _ := strings.Cut(req.URL.Path, "/subscriptions/")
	_, path, _ := strings.Cut(rest, "/")
	status, body := http.StatusNotFound, any(object{"error": object{"code": "ResourceNotFound"}})
	found := func(doc any) { status, body = http.StatusOK, doc }
	_, set, isSet := strings.Cut(path, "/virtualMachineScaleSets/")
	switch {
	case path == "":
		found(object{"displayName": "Ours", "state": "Enabled", "subscriptionPolicies": object{"quotaId": "PayAsYouGo_2014-09-01", "spendingLimit": "Off"}})
	case path == "resourceGroups/hearth-machines":
		found(object{"location": "eastus2"})
	case strings.HasSuffix(path, "/usages"):
		usage := func(name string) object {
			return object{"name": object{"value": name}, "currentValue": 0, "limit": 100}
		}
		found(object{"value": []object{usage("lowPriorityCores"), usage("cores"), usage("family")}})
	case strings.HasSuffix(path, "/skus"):
		size := func(name string) object {
			return object{"resourceType": "virtualMachines", "name": name, "family": "family", "capabilities": []object{
				{"name": "vCPUs", "value": "2"}, {"name": "LowPriorityCapable", "value": "True"}, {"name": "EphemeralOSDiskSupported", "value": "True"},
			}}
		}
		found(object{"value": []object{size("Standard_D2ads_v5"), size("Standard_E4ds_v5")}})
	case isSet && strings.HasPrefix(path, "resourceGroups/hearth-machines/"):
		for _, s := range m.plan.of("azurerm_orchestrated_virtual_machine_scale_set") {
			if s.text("name") == set && s.text("resource_group_name") == "hearth-machines" {
				found(document(s))
			}
		}
	}
	text, err := json.Marshal(body)
	return &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(bytes.NewReader(text)), Request: req}, err
}

// document is what azurerm asks for with these arguments, in what the doctor looks
// at (its orchestrated_virtual_machine_scale_set_resource.go): a price of -1 is not
// sent, nor what becomes of disk, interface and address.
func document(set values) object {
	var interfaces []object
	for _, n := range blocks(set, "network_interface") {
		var configurations []object
		for _, c := range blocks(n, "ip_configuration") {
			properties := object{}
			if address := c.block("public_ip_address"); address != nil {
				properties["publicIPAddressConfiguration"] = object{"name": address.text("name"), "properties": object{}}
			}
			configurations = append(configurations, object{"properties": properties})
		}
		interfaces = append(interfaces, object{"properties": object{"ipConfigurations": configurations}})
	}
	profile := object{
		"priority": set["priority"], "evictionPolicy": set["eviction_policy"],
		"storageProfile": object{"osDisk": object{"diffDiskSettings": object{"option": set.block("os_disk").block("diff_disk_settings")["option"]}}},
		"networkProfile": object{"networkInterfaceConfigurations": interfaces},
	}
	if set.block("boot_diagnostics") != nil {
		profile["diagnosticsProfile"] = object{"bootDiagnostics": object{"enabled": true}}
	}
	if price, _ := set["max_bid_price"].(float64); price > 0 {
		profile["billingProfile"] = object{"maxPrice": price}
	}
	return object{
		"name": set["name"], "location": set["location"], "sku": object{"name": set["sku_name"], "capacity": set["instances"]},
		"properties": object{"orchestrationMode": "Flexible", "virtualMachineProfile": profile},
	}
}

func blocks(of values, key string) []values {
	list, _ := of[key].([]any)
	var all []values
	for _, b := range list {
		block, _ := b.(map[string]any)
		all = append(all, block)
	}
	return all
}

type login struct{}

// GetToken implements azcore.TokenCredential.
func (login) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{Token: "t", ExpiresOn: time.Now().Add(time.Hour)}, nil
}

// TestDoctorApproves: the keeper's doctor finds nothing wrong with the scale sets
// that are planned. What else it looks at is not there.
func TestDoctorApproves(t *testing.T) {
	nobody := httptest.NewServer(http.NotFoundHandler())
	defer nobody.Close()
	for variant, p := range plans(t, open(t)) {
		getenv, _ := environment(p)
		changed := map[string]string{
			"DISCORD_API_URL":     nobody.URL,
			"AzureWebJobsStorage": "DefaultEndpointsProtocol=http;AccountName=a;AccountKey=a2V5;BlobEndpoint=" + nobody.URL + "/;QueueEndpoint=" + nobody.URL + "/;TableEndpoint=" + nobody.URL + "/;",

			"AzureWebJobsStorage__accountName": "", "AzureWebJobsStorage__credential": "", "AzureWebJobsStorage__clientId": "",
		}
		var text strings.Builder
		d := &operator.Doctor{
			Getenv: func(name string) string {
				if value, ok := changed[name]; ok {
					return value
				}
				return getenv(name)
			},
			Version: "test", Login: login{}, Clock: clock.System{}, HTTP: http.DefaultTransport, ARM: manager{p}, Out: &text,
		}
		d.Run(t.Context())
		_, azure, _ := strings.Cut(text.String(), "Azure\n")
		sets := 0
		for line := range strings.Lines(azure) {
			if strings.Contains(line, "ok    scale set hearth-") {
				sets++
			}
			// What becomes of interfaces and addresses azurerm can't say.
			unsaid := strings.Contains(line, "?     what stays of hearth-")
			if strings.HasPrefix(line, "  ") && !strings.HasPrefix(line, "  ok    ") && !unsaid {
				t.Errorf("%s: %s", variant, line)
			}
		}
		if want := len(p.of("azurerm_orchestrated_virtual_machine_scale_set")); sets != want || want < 4 {
			t.Errorf("%s: the doctor approves of %d scale sets of %d\n%s", variant, sets, want, text.String())
		}
	}
}
