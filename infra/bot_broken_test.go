package infra_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestBrokenBot breaks rules of the bot's side in a copy, all at once since none
// is in another's way, and wants each noticed on the plan where it counts.
func TestBrokenBot(t *testing.T) {
	broken := []struct {
		name, file, old, new string
		rule, says           string // says: in what the rule tells
	}{
		{
			"the bot's role reaches the data", "bot.tf", "  scope              = azurerm_resource_group.machines.id\n", "  scope              = azurerm_resource_group.data.id\n",
			"the bot may do this and no more", `"-machines"`,
		},
		{
			"the bot reads every secret", "outputs.tf", "# What `hearth deploy`", "resource \"azurerm_role_assignment\" \"more\" {\n  scope                = azurerm_key_vault.bot.id\n  role_definition_name = \"Key Vault Secrets User\"\n  principal_id         = azurerm_user_assigned_identity.bot.principal_id\n}\n\n# What `hearth deploy`",
			"the bot may do this and no more", `"Key Vault Secrets User on ` + vaultID + `"`,
		},
		{
			"the bot's role is for the subscription", "bot.tf", "assignable_scopes = [azurerm_resource_group.machines.id]", `assignable_scopes = ["/subscriptions/${var.subscription_id}"]`,
			"the bot's role is that of docs/bot.md", "where it can be given",
		},
		{
			"the bot's role may more", "bot.tf", `"Microsoft.Compute/disks/delete",`, `"Microsoft.Compute/disks/delete", "Microsoft.Compute/virtualMachines/runCommand/action",`,
			"the bot's role is that of docs/bot.md", "runCommand",
		},
		{
			"a password publishes", "bot.tf", "ftp_publish_basic_authentication_enabled       = false", "ftp_publish_basic_authentication_enabled       = true",
			"nobody publishes or calls in the clear", "FTP",
		},
		{
			"a key is given in a setting", "bot.tf", "      DISCORD_GUILD_ID       = var.discord.guild_id\n", "      DISCORD_GUILD_ID       = random_password.bot_key.result\n",
			"secrets are where they must be", "app_settings of azurerm_windows_function_app.bot",
		},
		{
			"an output tells a password", "outputs.tf", `value       = local.share_accounts`, `value       = jsondecode(nonsensitive(jsonencode(local.passwords)))`,
			"secrets are where they must be", "output shares",
		},
		{
			"the token is kept in the state", "vault.tf", `value_wo         = "`, `value            = "`,
			"what settings refer to is there", "discord-bot-token",
		},
		{
			"the log has no cap", "logs.tf", "daily_quota_gb    = 0.1", "",
			"the log costs little", "nil,",
		},
		{
			"a queue is missing", "storage.tf", `concat(["events", "events-poison"], `, `concat(["events"], `,
			"the account holds what is looked for", "events-poison",
		},
		{
			"the bot knows no size", "bot.tf", "size           = p.size", "size           = null",
			"the bot starts from its settings", "monthly_dollars",
		},
		{
			"the bot knows another scale set", "bot.tf", "id             = local.placement_ids[id][i]", `id             = "${local.placement_ids[id][i]}-x"`,
			"the bot finds its scale sets", "-x",
		},
		{
			"the bot is invited to less", "outputs.tf", "permissions=84992", "permissions=0",
			"outputs lead where they should", "invite_url",
		},
	}
	r := open(t)
	for _, b := range broken {
		path := filepath.Join(r.dir, b.file)
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(string(text), b.old); n != 1 {
			t.Fatalf("%s: %q is in %s %d times, want once: this breaks nothing any more", b.name, b.old, b.file, n)
		}
		r.write(t, b.file, strings.Replace(string(text), b.old, b.new, 1))
	}
	p := plans(t, r)["windows"]
	for _, b := range broken {
		t.Run(b.name, func(t *testing.T) {
			if wrong := strings.Join(planRules()[b.rule](p, "windows"), "\n"); !strings.Contains(wrong, b.says) {
				t.Errorf("%q does not say %s, but:\n%s", b.rule, b.says, wrong)
			}
		})
	}
}
