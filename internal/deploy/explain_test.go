package deploy_test

import (
	"strings"
	"testing"

	"hearth/internal/deploy"
)

// TestExplain: what the programs say, as people quote it, and what a keeper is told.
func TestExplain(t *testing.T) {
	for name, tc := range map[string]struct{ words, says string }{
		"login":            {"ERROR: Please run 'az login' to setup account.", "run az login"},
		"login in azurerm": {"Error: building account: could not acquire access token to parse claims: running Azure CLI: exit status 1: ERROR: AADSTS700082: The refresh token has expired due to inactivity.", "run az login"},
		"subscription":     {"ERROR: The subscription of '0000' doesn't exist in cloud 'AzureCloud'.", "The login has no subscription 0000: run az account list"},
		"locked":           {"│ Error: Error acquiring the state lock\n│ Error message: blob metadata \"terraformlockid\" was empty\n│ Lock Info:\n│   ID:        1f6a5e2c-7d0f\n│   Path: x", "force-unlock 1f6a5e2c-7d0f, then"},
		"namespace":        {"Code=\"MissingSubscriptionRegistration\" Message=\"The subscription is not registered to use namespace 'Microsoft.Web'.\"", "az provider register --namespace Microsoft.Web --subscription sub --wait"},
		"dynamic VMs":      {"Operation cannot be completed without additional quota. \nAdditional details - Location: \nCurrent Limit (Dynamic VMs): 0 \nCurrent Usage: 0", `plan = "flex"`},
		"spot quota":       {"OperationNotAllowed: Operation could not be completed as it results in exceeding approved LowPriorityCores quota.", "in the portal, under Quotas"},
		"size":             {"SkuNotAvailable: The requested VM size for resource is currently not available", "another size or region"},
		"policy":           {"RequestDisallowedByAzure: Resource 'x' was disallowed by Azure: This policy maintains a set of best available regions", "choose another region"},
		"roles":            {"AuthorizationFailed: The client 'x' does not have authorization to perform action 'Microsoft.Authorization/roleAssignments/write' over scope", "may not give rights to others"},
		"rights":           {"AuthorizationFailed: The client does not have authorization to perform action 'Microsoft.Compute/x/write'", "has to be Owner of the subscription. bin/deploy.log names"},
		"prevent destroy":  {"│ Error: Instance cannot be destroyed\n│\n│   on storage.tf line 77:\n│   77: resource \"azurerm_storage_table\" \"bot\" {\n│\n│ Resource azurerm_storage_table.bot[\"worlds\"] has lifecycle.prevent_destroy set", "state rm 'azurerm_storage_table.bot[\"worlds\"]'"},
		"storage taken":    {"StorageAccountAlreadyTaken: The storage account named hearthbot is already taken.", "A name is taken"},
		"no state":         {"Error: A resource with the ID \"/subscriptions/x\" already exists - to be managed via Terraform this resource needs to be imported into the State.", "the state is on another machine"},
		"backend":          {"Error: Backend configuration block has changed", "hearth remote-state"},
		"registry":         {"Error: Failed to query available provider packages\nCould not retrieve the list of available versions for provider hashicorp/azurerm: could not connect to registry.terraform.io", "registry.terraform.io"},
		"network":          {"ERROR: HTTPSConnectionPool: Max retries exceeded (Caused by NewConnectionError: Failed to establish a new connection", "Azure can't be reached from here"},
		"young":            {"│ Error: creating/updating Scoped Budget: unexpected status 404 (404 Not Found) with error: NotFound: Cost management data is not supported for subscription(s) x in the provided api-version.\n│\n│   with azurerm_consumption_budget_subscription.month[0],\n│   on groups.tf line 22", "Set budget_dollars = 0 in infra/terraform.tfvars, and run this again"},
		"budget's rights":  {"│ Error: creating/updating Scoped Budget: unexpected status 401 (401 Unauthorized) with error: RBACAccessDenied: The client does not have authorization to perform action.\n│\n│   with azurerm_consumption_budget_subscription.month[0],", "Set budget_dollars = 0"},
		"another's":        {"│ Error: StorageAccountAlreadyTaken\n│   with azurerm_storage_account.bot,\n\nazurerm_consumption_budget_subscription.month[0]: Creating...\n", "A name is taken"},
		"disabled":         {"ReadOnlyDisabledSubscription: The subscription 'x' is disabled and therefore marked as read only.", "switched off"},
		"young rights":     {"Status=403 Code=\"Forbidden\" InnerError={\"code\":\"ForbiddenByRbac\"}", "wait ten minutes"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := deploy.Explain("terraform", "sub", tc.words); !strings.Contains(got, tc.says) || strings.Contains(got, "{") {
				t.Errorf("got %q\nwant %q in it", got, tc.says)
			}
		})
	}
}

// TestExplainOther: other words are shown from the first error on, without a frame,
// and not too many of them.
func TestExplainOther(t *testing.T) {
	got := deploy.Explain("terraform", "sub", "working\n\n╷\n│ Error: odd\n│ \n│   with it\n╵\n"+strings.Repeat("more\n", 100))
	want := "terraform did not do it. It says:\n  Error: odd\n  with it\n" + strings.Repeat("  more\n", 10) + "  …\nAll of it is in bin/deploy.log."
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got := deploy.Explain("az", "sub", strings.Repeat("line\n", 99)+"last\n"); !strings.Contains(got, "  last\n") || strings.Count(got, "line") != 11 {
		t.Errorf("got\n%s", got)
	}
}
