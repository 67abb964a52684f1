package infra_test

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
)

// plan is what Terraform would make. What only Azure knows is made up: the
// defaults of tests/mocks and identities below, else a random text.
type plan struct {
	resources map[string]values // by address
	outputs   map[string]any
}

// values are a resource's arguments.
type values map[string]any

// of lists a type's resources, by address.
func (p plan) of(kind string) []values {
	var all []values
	for _, address := range slices.Sorted(maps.Keys(p.resources)) {
		if strings.HasPrefix(address, kind+".") {
			all = append(all, p.resources[address])
		}
	}
	return all
}

// names lists a type's names.
func (p plan) names(kind string) []string {
	var names []string
	for _, r := range p.of(kind) {
		names = append(names, r.text("name"))
	}
	slices.Sort(names)
	return names
}

func (v values) text(key string) string {
	text, _ := v[key].(string)
	return text
}

// block is an argument that is a block, or none.
func (v values) block(key string) values {
	if list, _ := v[key].([]any); len(list) > 0 {
		block, _ := list[0].(map[string]any)
		return block
	}
	return nil
}

const (
	subscription = "/subscriptions/00000000-0000-4000-8000-000000000001"
	dataGroup    = subscription + "/resourceGroups/hearth"
	computeGroup = subscription + "/resourceGroups/hearth-machines"
	vaultID      = dataGroup + "/providers/Microsoft.KeyVault/vaults/hearth-a1b2c3"
	accountID    = dataGroup + "/providers/Microsoft.Storage/storageAccounts/hearthbota1b2c3"
	identityID   = dataGroup + "/providers/Microsoft.ManagedIdentity/userAssignedIdentities/hearth-"

	botPrincipal = "00000000-0000-4000-8000-0000000000b0"
	botClient    = "00000000-0000-4000-8000-0000000000b1"
	appPrincipal = "00000000-0000-4000-8000-0000000000b2" // the app's own, on Flex
)

// deployment is a deployment of two worlds that has all that can be set, of which
// nothing is like another.
const deployment = `
	override_resource {
	  target          = azurerm_resource_group.data
	  override_during = plan
	  values          = { id = "` + dataGroup + `" }
	}
	override_resource {
	  target          = azurerm_resource_group.machines
	  override_during = plan
	  values          = { id = "` + computeGroup + `" }
	}
	override_resource {
	  target          = azurerm_key_vault.bot
	  override_during = plan
	  values          = { id = "` + vaultID + `" }
	}
	override_resource {
	  target          = azurerm_storage_account.bot
	  override_during = plan
	  values          = { id = "` + accountID + `", primary_access_key = "Y2FuYXJ5LWJvdA==" }
	}
	override_resource {
	  target          = azurerm_user_assigned_identity.bot
	  override_during = plan
	  values          = { id = "` + identityID + `bot", principal_id = "` + botPrincipal + `", client_id = "` + botClient + `" }
	}
	override_resource {
	  target          = azurerm_user_assigned_identity.world["midgard"]
	  override_during = plan
	  values          = { id = "` + identityID + `midgard", principal_id = "00000000-0000-4000-8000-0000000000c0", client_id = "00000000-0000-4000-8000-0000000000c1" }
	}
	override_resource {
	  target          = azurerm_user_assigned_identity.world["our-world"]
	  override_during = plan
	  values          = { id = "` + identityID + `our-world", principal_id = "00000000-0000-4000-8000-0000000000c2", client_id = "00000000-0000-4000-8000-0000000000c3" }
	}
	override_resource {
	  target          = azurerm_function_app_flex_consumption.bot
	  override_during = plan
	  values          = { default_hostname = "app.azurewebsites.net", identity = { principal_id = "` + appPrincipal + `" } }
	}

	variables {
	  subscription_id = "00000000-0000-4000-8000-000000000001"
	  region          = "eastus2"
	  alert_email     = "keeper@example.com"
	  agent_file      = "versions.tf"
	  probe_key       = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c" # RFC 8032's second
	  log_level       = "debug"
	  discord = {
	    application_id    = "1100"
	    public_key        = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a" # its first
	    guild_id          = "1200"
	    channel_id        = "1300"
	    keeper_role_id    = "1400"
	    keeper_channel_id = "1500"
	  }
	  worlds = {
	    midgard = {
	      name                 = "Midgard"
	      world_file           = "Midgard"
	      port                 = 2466
	      roles                = ["1600"]
	      idle_minutes         = 20
	      never_joined_minutes = 40
	      session_hours        = 0.5
	      monthly_dollars      = 7.5
	      placements = [
	        { region = "eastus2", size = "Standard_D2ads_v5" },
	        { region = "westus2", size = "Standard_E4ds_v5", zone = "1", cents_per_hour = 1.9, priced_on = "2026-11-30" },
	        { region = "eastus2", size = "Standard_D2ads_v5", regular = true },
	      ]
	    }
	    our-world = {
	      name       = "Ours"
	      world_file = "Ours"
	      placements = [{ region = "eastus2", size = "Standard_D2ads_v5" }]
	    }
	  }
	  passwords = { our-world = "canary-given" }
	}
`

// plans plans deployment on every plan of the function app.
func plans(t *testing.T, r root) map[string]plan {
	t.Helper()
	const file = "tests/plans.tftest.hcl"
	r.write(t, file, `
		mock_provider "azurerm" {
		  source          = "./tests/mocks"
		  override_during = plan
		}
		mock_provider "random" {
		  source          = "./tests/mocks"
		  override_during = plan
		}
		run "windows" {
		  command = plan
		}
		run "flex" {
		  command = plan
		  variables {
		    plan = "flex"
		  }
		}
	`+deployment)
	out, err := r.run(t, "test", "-json", "-verbose", "-filter="+file)
	all := map[string]plan{}
	var wrong []string
	for line := range strings.Lines(out) {
		var event struct {
			Run        string                            `json:"@testrun"`
			Diagnostic *struct{ Summary, Detail string } `json:"diagnostic"`
			Plan       *struct {
				Outputs map[string]struct {
					After any
				} `json:"output_changes"`
				Resources []struct {
					Address, Mode string
					Change        struct{ After any }
				} `json:"resource_changes"`
			} `json:"test_plan"`
		}
		switch {
		case json.Unmarshal([]byte(line), &event) != nil: // the CLI's own warnings
		case event.Diagnostic != nil:
			wrong = append(wrong, event.Diagnostic.Summary+": "+event.Diagnostic.Detail)
		case event.Plan != nil:
			p := plan{map[string]values{}, map[string]any{}}
			for _, r := range event.Plan.Resources {
				if after, ok := r.Change.After.(map[string]any); ok && r.Mode == "managed" {
					p.resources[r.Address] = after
				}
			}
			for name, o := range event.Plan.Outputs {
				p.outputs[name] = o.After
			}
			all[event.Run] = p
		}
	}
	if err != nil || len(all) != 2 {
		t.Fatalf("%d plans, want 2; terraform test: %v\n%s", len(all), err, strings.Join(wrong, "\n"))
	}
	return all
}
