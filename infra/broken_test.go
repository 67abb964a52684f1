package infra_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// TestBroken breaks one rule of the deployment at a time, in a copy, and wants the
// check that is there for it to fail: a check that nothing fails proves nothing.
func TestBroken(t *testing.T) {
	whole := open(t)
	const gone = ""
	for _, c := range []struct {
		name, file, old, new string
		by                   string // a rule of rules_test.go, or a run as "file.tftest.hcl: run"
	}{
		{"SSH is open", "network.tf", `"${var.worlds[each.value.world].port}-${var.worlds[each.value.world].port + 1}"`, `"22"`, "worlds_network.tftest.hcl: players_get_in_and_nobody_else"},
		{"TCP is open", "network.tf", `"Udp"`, `"*"`, "worlds_network.tftest.hcl: players_get_in_and_nobody_else"},
		{"the network gets in", "network.tf", `"Deny"`, `"Allow"`, "worlds_network.tftest.hcl: players_get_in_and_nobody_else"},
		{"the world's files are open to all", "worlds.tf", `default_action             = "Deny"`, `default_action             = "Allow"`, "worlds_network.tftest.hcl: a_worlds_files_are_for_its_machines_and_the_keeper"},
		{"the world's files are open to another world's machines", "worlds.tf", ` if site.world == each.key]`, `]`, "worlds_network.tftest.hcl: a_worlds_files_are_for_its_machines_and_the_keeper"},
		{"a share goes with its world", "worlds.tf", "access_tier        = \"TransactionOptimized\"\n\n  lifecycle {\n    prevent_destroy = true\n  }", `access_tier        = "TransactionOptimized"`, "what_holds_data_is_never_destroyed"},
		{"the data's group can be destroyed", "groups.tf", "prevent_destroy = true", "prevent_destroy = false", "what_holds_data_is_never_destroyed"},
		{"an apply takes a machine away", "machines.tf", "ignore_changes = [instances, sku_name]", "ignore_changes = [sku_name]", "what_others_change_is_left_alone"},
		{"a role on the whole account", "worlds.tf", `scope = azurerm_storage_queue.bot["orders-${id}"].id`, `scope = azurerm_storage_account.bot.id`, "worlds_apart.tftest.hcl: a_machine_may_do_five_things"},
		{"a role on all secrets", "worlds.tf", `scope = azurerm_key_vault_secret.machine[id].resource_versionless_id`, `scope = azurerm_key_vault.bot.id`, "worlds_apart.tftest.hcl: a_machine_may_do_five_things"},
		{"a machine reads what it sends", "worlds.tf", `role = "Storage Queue Data Message Sender"`, `role = "Storage Queue Data Contributor"`, "worlds_apart.tftest.hcl: a_machine_may_do_five_things"},
		{"a sixth role", "worlds.tf", "# All that a machine may do.\n", "resource \"azurerm_role_assignment\" \"more\" {\n  for_each = var.worlds\n\n  scope                = azurerm_resource_group.data.id\n  role_definition_name = \"Contributor\"\n  principal_id         = azurerm_user_assigned_identity.world[each.key].principal_id\n}\n", "a_machines_roles_are_in_one_place"},
		{"a disk that writes through the cache", "machines.tf", `caching              = "ReadOnly"`, `caching              = "ReadWrite"`, "worlds_rest.tftest.hcl: the_systems_disk_is_the_machines_own"},
		{"a disk that is billed", "machines.tf", "\n    diff_disk_settings {\n      option    = \"Local\"\n      placement = \"ResourceDisk\"\n    }\n", gone, "worlds_rest.tftest.hcl: the_systems_disk_is_the_machines_own"},
		{"a machine at rest", "machines.tf", "instances = 0", "instances = 1", "worlds_rest.tftest.hcl: every_placement_has_its_set_and_none_a_machine"},
		{"a taken machine is kept", "machines.tf", `null : "Delete"`, `null : "Deallocate"`, "worlds_rest.tftest.hcl: spot_machines_are_spot_and_go_for_good"},
		{"every machine at the full price", "machines.tf", `each.value.regular ? "Regular" : "Spot"`, `"Regular"`, "worlds_rest.tftest.hcl: spot_machines_are_spot_and_go_for_good"},
		{"an address that stays", "network.tf", "# Players come in,", "resource \"azurerm_public_ip\" \"site\" {\n  name                = \"x\"\n  resource_group_name = azurerm_resource_group.machines.name\n  location            = var.region\n  allocation_method   = \"Static\"\n}\n\n# Players come in,", "nothing_is_billed_among_the_machines"},
		{"somebody's key", "machines.tf", "AAAAB3NzaC1yc2EAAAADAQABAAABAQDH", "AAAAB3NzaC1yc2EAAAADAQABAAABAQDI", "nobody_has_the_key_of_a_machine"},
		{"one account for all worlds", "locals.tf", `${substr(sha256(id), 0, 8)}`, `worlds`, "worlds_apart.tftest.hcl: two_worlds_share_nothing"},
		{"one agent's key for all worlds", "worlds.tf", `random_password.agent_key[each.key].result`, `random_password.agent_key[sort(keys(var.worlds))[0]].result`, "worlds_apart.tftest.hcl: two_worlds_share_nothing"},
		{"a secret in the machine's description", "machines.tf", "= each.value.environment", "= merge(each.value.environment, { KEY = random_password.agent_key[each.key].result })", "worlds_apart.tftest.hcl: no_secret_is_in_a_machines_description"},
		{"a secret in an output", "outputs.tf", "value       = local.share_accounts", "value       = { for id, a in azurerm_storage_account.world : id => a.primary_access_key }", "no_output_shows_a_secret"},
		{"a size without a disk is let in", "variables.tf", `a?ds_v5$", p.size))]
    ]))`, `a?d?s_v5$", p.size))]
    ]))`, "worlds_refusals.tftest.hcl: a_size_without_a_disk"},
		{"any port is let in", "variables.tf", "w.port >= 1024 && ", gone, "worlds_refusals.tftest.hcl: a_port_of_the_system"},
		{"the bot's account can be destroyed", "storage.tf", "  lifecycle {\n    prevent_destroy = true\n  }\n}\n\n# What was written over", "}\n\n# What was written over", "what_holds_data_is_never_destroyed"},
		{"a lease is made anew", "storage.tf", "\n\n  lifecycle {\n    prevent_destroy = true\n  }\n}\n\n# The agent's program, for", "\n}\n\n# The agent's program, for", "what_holds_data_is_never_destroyed"},
		{"the token is given", "bot.tf", "setting => \"@Microsoft.KeyVault(SecretUri=https://${local.vault}.vault.azure.net/secrets/${secret})\"", "setting => secret", "bot_app.tftest.hcl: token"},
		{"an epoch that is deleted is gone", "storage.tf", "versioning_enabled = true", "versioning_enabled = false", "bot_app.tftest.hcl: storage"},
		{"pings keep the app awake", "bot.tf", "    ftps_state              = ", "    health_check_path       = \"/api/health\"\n    ftps_state              = ", "bot_app.tftest.hcl: windows"},
		{"nobody is told of the money", "groups.tf", "contact_emails = [var.alert_email]", "contact_emails = []", "worlds_rest.tftest.hcl: the_month_has_a_budget"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := whole.clone(t)
			text, err := os.ReadFile(filepath.Join(r.dir, c.file))
			if err != nil {
				t.Fatal(err)
			}
			if n := strings.Count(string(text), c.old); n != 1 {
				t.Fatalf("%q is in %s %d times, want once: this breaks nothing any more", c.old, c.file, n)
			}
			r.write(t, c.file, strings.Replace(string(text), c.old, c.new, 1))
			if got := r.failing(t, c.by); !slices.Contains(got, c.by) {
				t.Errorf("%s is not noticed by %s; failing is %q", c.name, c.by, got)
			}
		})
	}
}

// failing are the checks that fail, of all rules and the run that by may be.
func (r root) failing(t *testing.T, by string) []string {
	t.Helper()
	var names []string
	c := read(t, r.dir)
	for name, rule := range rules() {
		if len(rule(c)) > 0 {
			names = append(names, name)
		}
	}
	file, run, ok := strings.Cut(by, ": ")
	if !ok {
		return names
	}
	if file == refusals {
		text, err := os.ReadFile(filepath.Join(r.dir, "variables.tf"))
		if err != nil {
			t.Fatal(err)
		}
		r = variables(t, r.program)
		r.write(t, "variables.tf", string(text))
	}
	text, err := os.ReadFile(filepath.Join(r.dir, "tests", file))
	if err != nil {
		t.Fatal(err)
	}
	r.write(t, "tests/"+file, alone(t, string(text), run))
	out, err := r.run(t, "test", "-filter=tests/"+file)
	if err == nil {
		return names
	}
	// A copy that is no configuration any more fails everything.
	for line := range strings.Lines(out) {
		if e, ok := strings.CutPrefix(strings.TrimSpace(line), "Error: "); ok && e != "Test assertion failed" && e != "Missing expected failure" {
			t.Errorf("it breaks more than a rule: %s\n%s", e, out)
		}
	}
	return append(names, failed(out)...)
}

// alone is a file of tests without its other runs: each is a plan.
func alone(t *testing.T, text, run string) string {
	t.Helper()
	f, diags := hclsyntax.ParseConfig([]byte(text), "", hcl.InitialPos)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	found := false
	for _, b := range slices.Backward(f.Body.(*hclsyntax.Body).Blocks) {
		switch {
		case b.Type != "run":
		case b.Labels[0] == run:
			found = true
		default:
			text = text[:b.TypeRange.Start.Byte] + text[b.CloseBraceRange.End.Byte:]
		}
	}
	if !found {
		t.Fatalf("there is no run %s", run)
	}
	return text
}

// clone is another copy, which can be changed.
func (r root) clone(t *testing.T) root {
	t.Helper()
	to := filepath.Join(t.TempDir(), "infra")
	if err := os.CopyFS(to, os.DirFS(r.dir)); err != nil {
		t.Fatal(err)
	}
	return root{to, r.program}
}
