package infra_test

import (
	"encoding/base64"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hearth/internal/azure/bloblease"
	"hearth/internal/azure/storage"
	"hearth/internal/azure/vault"
	"hearth/internal/operator"
	"hearth/internal/settings"
	"hearth/internal/world"
)

// planRules are what a plan must hold to, on every plan of the function app. Each
// tells what is wrong.
func planRules() map[string]func(p plan, variant string) []string {
	return map[string]func(p plan, variant string) []string{
		"the bot starts from its settings":       settingsFit,
		"the bot finds its scale sets":           setsAreKnown,
		"what settings refer to is there":        referencesFit,
		"the account holds what is looked for":   storageFits,
		"the bot may do this and no more":        botMay,
		"the bot's role is that of docs/bot.md":  roleFits,
		"secrets are where they must be":         secretsAreKept,
		"outputs lead where they should":         outputsFit,
		"nobody publishes or calls in the clear": appIsClosed,
		"the log costs little":                   logIsCapped,
	}
}

func TestPlans(t *testing.T) {
	for variant, p := range plans(t, open(t)) {
		for name, rule := range planRules() {
			t.Run(variant+"/"+name, func(t *testing.T) {
				for _, wrong := range rule(p, variant) {
					t.Error(wrong)
				}
			})
		}
	}
}

// differs tells in what two values differ.
func differs(what string, want, got any, options ...cmp.Option) []string {
	if diff := cmp.Diff(want, got, options...); diff != "" {
		return []string{what + " (-want +got):\n" + diff}
	}
	return nil
}

func sorted(lists ...[]string) []string {
	all := slices.Concat(lists...)
	slices.Sort(all)
	return all
}

// app is the function app, of whichever kind.
func app(p plan) values {
	return slices.Concat(p.of("azurerm_windows_function_app"), p.of("azurerm_function_app_flex_consumption"))[0]
}

// environment is what the app's process would find: secrets in place of the
// references to them, and what azurerm adds. references are the settings, by the
// secrets that they name.
func environment(p plan) (getenv func(string) string, references map[string]string) {
	set, references := map[string]string{}, map[string]string{}
	of, _ := app(p)["app_settings"].(map[string]any)
	for name, value := range of {
		set[name], _ = value.(string)
		if of, err := vault.ParseReference(set[name]); err == nil && of == (vault.Name{Vault: "hearth-a1b2c3", Suffix: "vault.azure.net", Secret: of.Secret}) {
			references[of.Secret] = name
			set[name] = secretOf(of.Secret)
		}
	}
	if key := app(p).text("storage_account_access_key"); key != "" {
		set["AzureWebJobsStorage"] = fmt.Sprintf("DefaultEndpointsProtocol=https;AccountName=%s;AccountKey=%s;EndpointSuffix=core.windows.net", app(p).text("storage_account_name"), key)
	}
	return func(name string) string { return set[name] }, references
}

func secretOf(name string) string { return "a-secret-of-32-bytes-at-least:" + name }

// settingsFit: the bot starts, and sees the deployment as it was described.
func settingsFit(p plan, variant string) []string {
	getenv, _ := environment(p)
	c, err := settings.Load(getenv)
	if err != nil {
		return []string{err.Error()}
	}
	var wrong []string
	if c.NoToken != nil {
		wrong = append(wrong, c.NoToken.Error())
	}
	wrong = append(wrong, differs("the guild", world.Guild{ID: "1200", Channel: "1300", KeeperRole: "1400", KeeperChannel: "1500"}, c.Guild)...)
	wrong = append(wrong, differs("application, probe, level", []any{"1100", true, "DEBUG"}, []any{c.Discord.Application, c.Probe != nil, c.Level.String()})...)
	wrong = append(wrong, differs("the machines' subscription, group, identity",
		[]string{strings.TrimPrefix(subscription, "/subscriptions/"), "hearth-machines", botClient},
		[]string{c.Compute.Subscription, c.Compute.ResourceGroup, c.Compute.ClientID})...)
	account := []any{true, "", ""} // a connection string
	if variant == "flex" {
		account = []any{false, "hearthbota1b2c3", botClient}
	}
	wrong = append(wrong, differs("storage", account, []any{c.Storage.ConnectionString != "", c.Storage.Account, c.Storage.ClientID})...)
	for id, key := range map[string]string{world.BotKey: "bot-key", "midgard": "agent-key-midgard", "our-world": "agent-key-our-world"} {
		wrong = append(wrong, differs("the key of "+id, secretOf(key), string(c.KeyOf(id)))...)
	}
	worlds := []world.Config{
		{
			ID: "midgard", Name: "Midgard", Port: 2466, Roles: []string{"1600"}, Password: world.Secret(secretOf("password-midgard")),
			IdleMinutes: 20, NeverJoinedMinutes: 40, SessionHours: 0.5, MonthlyDollars: 7.5,
			Placements: []world.Placement{
				{ID: "hearth-midgard-eastus2-d2ads-v5", Size: "Standard_D2ads_v5", Region: "eastus2"},
				{ID: "hearth-midgard-westus2-e4ds-v5-z1", Size: "Standard_E4ds_v5", Region: "westus2", CentsPerHour: 1.9, PricedOn: "2026-11-30"},
				{ID: "hearth-midgard-eastus2-d2ads-v5-regular", Size: "Standard_D2ads_v5", Region: "eastus2", Regular: true},
			},
		},
		{
			ID: "our-world", Name: "Ours", Port: world.DefaultPort, IdleMinutes: world.DefaultIdleMin, Password: world.Secret(secretOf("password-our-world")),
			Placements: []world.Placement{{ID: "hearth-our-world-eastus2-d2ads-v5", Size: "Standard_D2ads_v5", Region: "eastus2"}},
		},
	}
	reveal := cmp.Comparer(func(a, b world.Secret) bool { return a.Reveal() == b.Reveal() })
	return append(wrong, differs("the worlds", worlds, c.Worlds, reveal)...)
}

// setsAreKnown: the placements of the settings are the scale sets, and no others.
func setsAreKnown(p plan, _ string) []string {
	getenv, _ := environment(p)
	worlds, err := world.ParseWorlds(getenv(settings.Worlds))
	if err != nil {
		return []string{err.Error()}
	}
	var known []string
	for _, w := range worlds {
		for _, placement := range w.Placements {
			known = append(known, placement.ID)
		}
	}
	return differs("scale sets", p.names("azurerm_orchestrated_virtual_machine_scale_set"), sorted(known))
}

// referencesFit: each secret that a setting names is made, and each that is made is
// for a setting or a machine. Of the token Terraform keeps nothing.
func referencesFit(p plan, _ string) []string {
	_, references := environment(p)
	made := slices.DeleteFunc(p.names("azurerm_key_vault_secret"), func(name string) bool { return strings.HasPrefix(name, "machine-") })
	wrong := differs("secrets", sorted(made), slices.Sorted(maps.Keys(references)))
	for _, key := range []string{"value", "value_wo"} {
		if kept := p.resources["azurerm_key_vault_secret.token"][key]; kept != nil {
			wrong = append(wrong, fmt.Sprintf("discord-bot-token: Terraform keeps its %s", key))
		}
	}
	return append(wrong, differs("the token's setting", settings.Token, references["discord-bot-token"])...)
}

// storageFits: the names are those that the code asks for.
func storageFits(p plan, variant string) []string {
	ids := []string{"midgard", "our-world"}
	containers := []string{"deploy", "tfstate", bloblease.Container(ids[0]), bloblease.Container(ids[1])}
	if variant == "flex" {
		containers = append(containers, "app")
	}
	var wrong []string
	for kind, want := range map[string][]string{
		"azurerm_storage_queue":     sorted(storage.Queues(ids), []string{"events-poison"}), // which the Functions host names
		"azurerm_storage_table":     sorted(storage.Tables()),
		"azurerm_storage_container": sorted(containers),
	} {
		wrong = append(wrong, differs(kind, want, p.names(kind))...)
	}
	if keys := p.resources["azurerm_storage_account.bot"]["shared_access_key_enabled"]; keys != (variant == "windows") {
		wrong = append(wrong, fmt.Sprintf("shared_access_key_enabled is %v", keys))
	}
	return wrong
}

// rights lists what an identity may do and where.
func rights(p plan, principal string) []string {
	var all []string
	for _, r := range p.of("azurerm_role_assignment") {
		if r.text("principal_id") == principal {
			role := r.text("role_definition_name")
			if role == "" {
				role = "its own role"
			}
			all = append(all, role+" on "+r.text("scope"))
		}
	}
	return sorted(all)
}

func botMay(p plan, variant string) []string {
	var secrets []string
	for _, name := range []string{"agent-key-midgard", "agent-key-our-world", "bot-key", "discord-bot-token", "password-midgard", "password-our-world"} {
		secrets = append(secrets, "Key Vault Secrets User on "+vaultID+"/secrets/"+name)
	}
	machines := []string{
		"Managed Identity Operator on " + identityID + "midgard",
		"Managed Identity Operator on " + identityID + "our-world",
		"its own role on " + computeGroup,
	}
	bot, own := sorted(secrets, machines), []string(nil)
	if variant == "flex" {
		bot = sorted(machines, []string{
			"Storage Blob Data Owner on " + accountID, "Storage Queue Data Contributor on " + accountID, "Storage Table Data Contributor on " + accountID,
		})
		own = secrets
	}
	return append(differs("the bot's rights", bot, rights(p, botPrincipal)), differs("the app's own", own, rights(p, appPrincipal))...)
}

// roleFits: the actions are those of docs/bot.md, to which package azure/compute is
// held as well.
func roleFits(p plan, _ string) []string {
	doc, err := os.ReadFile("../docs/bot.md")
	if err != nil {
		return []string{err.Error()}
	}
	_, section, _ := strings.Cut(string(doc), "\n## Rights\n")
	section, _, _ = strings.Cut(section, "\n## ")
	var want []string
	for row := range strings.Lines(section) {
		if strings.Contains(row, "the app itself does without it") {
			continue
		}
		for _, m := range regexp.MustCompile("`(Microsoft\\.[A-Za-z/.]+)`").FindAllStringSubmatch(row, -1) {
			want = append(want, m[1])
		}
	}
	role := p.resources["azurerm_role_definition.bot"]
	var got []string
	actions, _ := role.block("permissions")["actions"].([]any)
	for _, a := range actions {
		got = append(got, fmt.Sprint(a))
	}
	wrong := differs("the role's actions", sorted(want), sorted(got))
	wrong = append(wrong, differs("where it can be given", []any{computeGroup, []any{computeGroup}}, []any{role["scope"], role["assignable_scopes"]})...)
	if data, _ := role.block("permissions")["data_actions"].([]any); len(data) > 0 {
		wrong = append(wrong, fmt.Sprintf("the role has data actions: %v", data))
	}
	return wrong
}

// secretsAreKept: not in what Terraform prints, not in the settings, not in a
// machine's description.
func secretsAreKept(p plan, _ string) []string {
	home := map[string]string{ // the one argument of a type that holds them
		"random_password":              "result",
		"azurerm_key_vault_secret":     "value",
		"azurerm_storage_account":      "primary_access_key",
		"azurerm_windows_function_app": "storage_account_access_key",
	}
	var wrong []string
	found := 0
	for address, r := range p.resources {
		kind, _, _ := strings.Cut(address, ".")
		for argument, value := range r {
			if !holdsSecret(value) {
				continue
			}
			if found++; home[kind] != argument {
				wrong = append(wrong, fmt.Sprintf("%s of %s holds a secret", argument, address))
			}
		}
	}
	if found < 10 {
		wrong = append(wrong, fmt.Sprintf("%d arguments hold secrets: these are the wrong ones to look for", found))
	}
	for name, value := range p.outputs {
		if holdsSecret(value) {
			wrong = append(wrong, "output "+name+" holds a secret")
		}
	}
	return wrong
}

// holdsSecret tells whether one of the secrets that the mocks make up is in a
// value, as it is or in base64, which account keys and a machine's description are.
func holdsSecret(value any) bool {
	switch v := value.(type) {
	case string:
		if strings.Contains(v, "canary") {
			return true
		}
		for _, packed := range regexp.MustCompile(`[A-Za-z0-9+/]{12,}={0,2}`).FindAllString(v, -1) {
			if inside, err := base64.StdEncoding.DecodeString(packed); err == nil && holdsSecret(string(inside)) {
				return true
			}
		}
	case []any:
		return slices.ContainsFunc(v, holdsSecret)
	case map[string]any:
		for _, e := range v {
			if holdsSecret(e) {
				return true
			}
		}
	}
	return false
}

func outputsFit(p plan, variant string) []string {
	invite := operator.Invite("1100", "1200")
	var wrong []string
	for name, want := range map[string]any{
		"interactions_url": "https://app.azurewebsites.net/api/interactions",
		"health_url":       "https://app.azurewebsites.net/api/health",
		"invite_url":       invite,
		"function_app":     "hearth-a1b2c3",
		"resource_group":   "hearth",
		"machines_group":   "hearth-machines",
		"vault":            "hearth-a1b2c3",
		"bot_account":      "hearthbota1b2c3",
		"package":          map[string]string{"windows": "hearth-bot-windows-amd64.zip", "flex": "hearth-bot-linux-amd64.zip"}[variant],
		"shares": map[string]any{
			"midgard":   p.resources[`azurerm_storage_account.world["midgard"]`]["name"],
			"our-world": p.resources[`azurerm_storage_account.world["our-world"]`]["name"],
		},
		"state_backend": map[string]any{
			"resource_group_name": "hearth", "storage_account_name": "hearthbota1b2c3", "container_name": "tfstate", "key": "hearth.tfstate", "use_azuread_auth": "true",
		},
	} {
		wrong = append(wrong, differs(name, want, p.outputs[name])...)
	}
	steps, _ := p.outputs["next_steps"].(string)
	for _, what := range []string{invite, "https://app.azurewebsites.net/api/interactions", "hearth doctor"} {
		if !strings.Contains(steps, what) {
			wrong = append(wrong, "next_steps does not say "+what)
		}
	}
	return wrong
}

// appIsClosed: no password publishes, nothing is served without TLS, and a flood
// of requests does not become one of instances.
func appIsClosed(p plan, variant string) []string {
	type closed struct {
		HTTPS, Publish, FTP any
		TLS                 string
		Scale, Version      any
	}
	a := app(p)
	site := a.block("site_config")
	got := closed{a["https_only"], a["webdeploy_publish_basic_authentication_enabled"], nil, site.text("minimum_tls_version") + " " + site.text("scm_minimum_tls_version"), nil, nil}
	want := closed{HTTPS: true, Publish: false, TLS: "1.2 1.2"}
	if variant == "windows" {
		got.FTP, want.FTP = []any{a["ftp_publish_basic_authentication_enabled"], site["ftps_state"]}, []any{false, "Disabled"}
		got.Scale, want.Scale = site["app_scale_limit"], 4.0
		got.Version, want.Version = site.block("application_stack")["use_custom_runtime"], true
	} else {
		got.Scale, want.Scale = []any{a["maximum_instance_count"], a["instance_memory_in_mb"]}, []any{40.0, 512.0}
		got.Version, want.Version = a["runtime_name"], "custom"
	}
	return differs("the app", want, got)
}

func logIsCapped(p plan, _ string) []string {
	logs, insights := p.resources["azurerm_log_analytics_workspace.bot"], p.resources["azurerm_application_insights.bot"]
	return differs("caps and days", []any{0.1, 30.0, 0.1, 30.0},
		[]any{logs["daily_quota_gb"], logs["retention_in_days"], insights["daily_data_cap_in_gb"], insights["retention_in_days"]})
}
