package deploytest

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// What the pretend deployment is called.
const (
	Subscription = "00000000-0000-4000-8000-000000000001"
	Tenant       = "00000000-0000-4000-8000-00000000000b" // not that of the login's default
	Group        = "hearth"
	App          = "hearth-abc123"
	Vault        = "hearth-abc123"
	BotAccount   = "hearthbotabc123"

	folderVariable = "HEARTH_PRETEND"
	urlVariable    = "HEARTH_PRETEND_URL"
)

// cloud is what the pretend programs know of each other, kept in a file.
type cloud struct {
	folder string

	Applied   bool              // what the configuration says is there
	Token     string            // in the vault
	Resolved  bool              // the app was handed it
	Published string            // version
	Role      bool              // for the state
	Remote    bool              // the state is
	Variables string            // the copy beside the state
	Faults    map[string]int    // how many times each is to happen yet
	Settings  map[string]string // of the app
}

// Main plays a program and ends, if this process was started under the name of one.
// A test binary calls it before anything else.
func Main() {
	play, ok := map[string]func(*cloud, []string) error{
		"terraform": (*cloud).terraform, "az": (*cloud).az, "go": (*cloud).golang, "git": (*cloud).git,
	}[strings.TrimSuffix(filepath.Base(os.Args[0]), ".exe")]
	if !ok {
		return
	}
	c, err := load(os.Getenv(folderVariable))
	if err == nil {
		err = errors.Join(c.note(os.Args), play(c, os.Args[1:]), c.save())
	}
	if code, ok := errors.AsType[exit](err); ok {
		os.Exit(int(code))
	}
	if err != nil {
		_, _ = fmt.Fprintf(os.Stderr, "pretend %s: %v\n", filepath.Base(os.Args[0]), err)
		os.Exit(99)
	}
	os.Exit(0)
}

type exit int

func (e exit) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

func load(folder string) (*cloud, error) {
	c := &cloud{folder: folder, Faults: map[string]int{}}
	text, err := os.ReadFile(filepath.Join(folder, "cloud.json")) //nolint:gosec // a test's folder
	if errors.Is(err, fs.ErrNotExist) {
		return c, nil
	}
	if err != nil {
		return nil, err
	}
	return c, json.Unmarshal(text, c)
}

func (c *cloud) save() error {
	text, err := json.Marshal(c)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(c.folder, "cloud.json"), text, 0o600) //nolint:gosec // a test's folder
}

// note keeps what was called with what.
func (c *cloud) note(args []string) (err error) {
	f, err := os.OpenFile(filepath.Join(c.folder, "calls"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600) //nolint:gosec // a test's folder
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(f, strings.Join(append([]string{filepath.Base(args[0])}, args[1:]...), " "))
	return errors.Join(err, f.Close())
}

// fault: the fault is to happen now.
func (c *cloud) fault(name string) bool {
	if c.Faults[name] <= 0 {
		return false
	}
	c.Faults[name]--
	return true
}

func complain(code int, text string) error {
	_, _ = fmt.Fprintln(os.Stderr, text)
	return exit(code)
}

func say(text string) error {
	_, err := fmt.Println(text)
	return err
}

// same: the arguments are these; a want of the form <name> takes any, and returns it.
func same(args []string, want ...string) (map[string]string, bool) {
	got := map[string]string{}
	if len(args) != len(want) {
		return nil, false
	}
	for i, w := range want {
		before, rest, holed := strings.Cut(w, "<")
		if !holed {
			if args[i] != w {
				return nil, false
			}
			continue
		}
		value, ok := strings.CutPrefix(args[i], before)
		if !ok || value == "" {
			return nil, false
		}
		got[strings.TrimSuffix(rest, ">")] = value
	}
	return got, true
}

// forbidden is what azurerm says of a right that is too young, in Terraform's frame.
const forbidden = `╷
│ Error: checking for presence of existing Secret "bot-key" (Key Vault "https://hearth-abc123.vault.azure.net/"): keyvault.BaseClient#GetSecret: Failure responding to request: StatusCode=403 -- Original Error: autorest/azure: Service returned an error. Status=403 Code="Forbidden" Message="Caller is not authorized to perform action on resource.\r\nIf role assignments, deny assignments or role definitions were changed recently, please observe propagation time.\r\nAction: 'Microsoft.KeyVault/vaults/secrets/getSecret/action'" InnerError={"code":"ForbiddenByRbac"}
│
│   with azurerm_key_vault_secret.bot_key,
│   on vault.tf line 46, in resource "azurerm_key_vault_secret" "bot_key":
│   46: resource "azurerm_key_vault_secret" "bot_key" {
│
╵`

// troubles are what Terraform says while it plans or applies, by fault.
func troubles() map[string]string {
	return map[string]string{
		"rights":       forbidden,
		"no-size":      "╷\n│ Error: creating Orchestrated Virtual Machine Scale Set: unexpected status 409 (409 Conflict) with error: SkuNotAvailable: The requested size is currently not available in location 'westeurope'.\n╵",
		"quota":        "╷\n│ Error: unexpected status 409 with error: OperationNotAllowed: Operation could not be completed as it results in exceeding approved LowPriorityCores quota.\n╵",
		"unregistered": "╷\n│ Error: unexpected status 409 (409 Conflict) with error: MissingSubscriptionRegistration: The subscription is not registered to use namespace 'Microsoft.Web'. See https://aka.ms/rps-not-found for how to register subscriptions.\n╵",
		"taken":        "╷\n│ Error: creating Key Vault: unexpected status 409 (409 Conflict) with error: VaultAlreadyExists: The vault name 'hearth-abc123' is already in use.\n╵",
		"locked":       "╷\n│ Error: Error acquiring the state lock\n│\n│ Error message: resource temporarily unavailable\n│ Lock Info:\n│   ID:        1f6a5e2c-7d0f-4a53-9c11-2f0a4ad0a3b9\n│   Path:      terraform.tfstate\n╵",
		"odd":          "╷\n│ Error: something that nobody has seen before\n│\n│   with azurerm_linux_thing.it\n╵",
	}
}

func (c *cloud) terraform(args []string) error {
	if _, ok := same(args, "version", "-json"); ok {
		if c.fault("old-terraform") {
			return say(`{"terraform_version":"1.5.7","platform":"linux_amd64"}`)
		}
		return say(`{"terraform_version":"1.11.4","platform":"linux_amd64","provider_selections":{}}`)
	}
	if len(args) == 0 || args[0] != "-chdir=infra" {
		return fmt.Errorf("it is run outside of infra/: %q", args)
	}
	args = args[1:]
	if _, ok := same(args, "init", "-input=false", "-no-color"); ok {
		return say("Terraform has been successfully initialized!")
	}
	if _, ok := same(args, "init", "-migrate-state", "-force-copy", "-input=false", "-no-color"); ok {
		return c.migrate()
	}
	if _, ok := same(args, "output", "-json", "-no-color"); ok {
		return c.outputs()
	}
	if m, ok := same(args, "plan", "-input=false", "-no-color", "-lock-timeout=30s", "-detailed-exitcode", "-out=<file>"); ok {
		return c.plan(m["file"])
	}
	if m, ok := same(args, "show", "-json", "-no-color", "<file>"); ok {
		text, err := os.ReadFile(m["file"])
		if err != nil {
			return err
		}
		return say(string(text))
	}
	if m, ok := same(args, "apply", "-input=false", "-no-color", "-lock-timeout=30s", "<file>"); ok {
		return c.apply(m["file"])
	}
	return fmt.Errorf("unexpected arguments %q", args)
}

func (c *cloud) trouble() error {
	for _, name := range slices.Sorted(maps.Keys(troubles())) {
		if c.fault(name) {
			return complain(1, troubles()[name])
		}
	}
	return nil
}

func (c *cloud) plan(file string) error {
	if _, err := os.Stat(filepath.Join("infra", "terraform.tfvars")); err != nil {
		return complain(1, "Error: No value for required variable")
	}
	if os.Getenv("ARM_TENANT_ID") != Tenant {
		return complain(1, "Error: building account: unexpected status 401 (401 Unauthorized) with error: InvalidAuthenticationTokenTenant: The access token is from the wrong issuer.")
	}
	if c.fault("no-plan") {
		return complain(1, troubles()["locked"])
	}
	type change map[string]any
	resource := func(address string, before any, actions ...string) change {
		kind, name, _ := strings.Cut(address, ".")
		return change{"address": address, "mode": "managed", "type": kind, "name": name, "change": change{"actions": actions, "before": before, "after": nil}}
	}
	all := []change{}
	switch {
	case !c.Applied:
		all = append(all, resource("azurerm_resource_group.data", nil, "create"), resource(`azurerm_storage_share.world["midgard"]`, nil, "create"))
	case c.fault("loses-a-world"):
		all = append(all, resource(`azurerm_storage_share.world["midgard"]`, change{"name": "world"}, "delete", "create"))
	case c.fault("loses-a-machine"):
		all = append(all, resource(`azurerm_orchestrated_virtual_machine_scale_set.placement["hearth-midgard"]`,
			change{"name": "hearth-midgard-westeurope-d2ads_v5", "resource_group_name": "hearth-machines"}, "delete"))
	case c.fault("moves-the-door"):
		all = append(all, resource(`azurerm_network_security_group.site["midgard-westeurope"]`,
			change{"name": "hearth-midgard-westeurope", "resource_group_name": "hearth-machines"}, "update"))
	case c.fault("changes"):
		all = append(all, resource("azurerm_windows_function_app.bot", change{"name": App}, "update"))
	}
	doc := change{
		"format_version": "1.2", "terraform_version": "1.11.4", "resource_changes": all,
		"planned_values": change{"outputs": change{"package": change{"sensitive": false, "value": "hearth-bot-linux-amd64.zip"}}},
	}
	text, err := json.Marshal(doc)
	if err != nil {
		return err
	}
	if err := os.WriteFile(file, text, 0o600); err != nil {
		return err
	}
	if len(all) > 0 {
		return exit(2)
	}
	return say("No changes. Your infrastructure matches the configuration.")
}

func (c *cloud) apply(file string) error {
	if _, err := os.Stat(file); err != nil {
		return err
	}
	if err := c.trouble(); err != nil {
		return err
	}
	if c.fault("slow") {
		return c.linger()
	}
	c.Applied = true
	return say("azurerm_resource_group.data: Creating...\nazurerm_resource_group.data: Creation complete after 12s [id=/subscriptions/x/resourceGroups/hearth]\n\nApply complete! Resources: 2 added, 0 changed, 0 destroyed.")
}

// linger applies until it is interrupted: what is there then is kept, unless it is
// interrupted again.
func (c *cloud) linger() error {
	interrupts := make(chan os.Signal, 2)
	signal.Notify(interrupts, os.Interrupt)
	if err := os.WriteFile(filepath.Join(c.folder, "applying"), []byte("yes"), 0o600); err != nil { //nolint:gosec // a test's folder
		return err
	}
	<-interrupts
	select {
	case <-interrupts:
		return complain(1, "Two interrupts received. Exiting immediately. Note that data loss may have occurred.")
	case <-time.After(300 * time.Millisecond):
	}
	c.Applied = true
	return complain(1, "Interrupt received.\nGracefully shutting down...\nError: execution halted")
}

func (c *cloud) outputs() error {
	if _, err := os.Stat(filepath.Join("infra", "backend.tf")); !c.Applied || (err != nil && c.Remote) {
		return say("{}") // the state is elsewhere, or nowhere
	}
	app := os.Getenv(urlVariable)
	out := map[string]any{}
	for name, v := range map[string]any{
		"interactions_url": app + "/api/interactions", "health_url": app + "/api/health", "invite_url": "https://discord.com/oauth2/authorize?client_id=1",
		"function_app": App, "resource_group": Group, "machines_group": "hearth-machines", "vault": Vault, "bot_account": BotAccount,
		"package": "hearth-bot-linux-amd64.zip", "shares": map[string]string{"midgard": "hearthabc1238f3a9d10"}, "next_steps": "…",
		"state_backend": map[string]string{"resource_group_name": Group, "storage_account_name": BotAccount, "container_name": "tfstate", "key": "hearth.tfstate"},
	} {
		out[name] = map[string]any{"sensitive": false, "value": v}
	}
	text, err := json.Marshal(out)
	if err != nil {
		return err
	}
	return say(string(text))
}

func (c *cloud) migrate() error {
	text, err := os.ReadFile(filepath.Join("infra", "backend.tf"))
	if err != nil {
		return err
	}
	for _, want := range []string{`"azurerm"`, "use_azuread_auth     = true", `storage_account_name = "` + BotAccount + `"`, `container_name       = "tfstate"`, Subscription, `tenant_id            = "` + Tenant + `"`} {
		if !strings.Contains(string(text), want) {
			return fmt.Errorf("backend.tf has no %s: %s", want, text)
		}
	}
	switch {
	case !c.Role || c.fault("state-rights"):
		return complain(1, "Error: Failed to get existing workspaces: containers.Client#ListBlobs: Failure responding to request: StatusCode=403 Code=\"AuthorizationPermissionMismatch\"")
	case c.fault("state-odd"):
		return complain(1, troubles()["odd"])
	}
	c.Remote = true
	if err := c.remember(); err != nil {
		return err
	}
	if c.fault("state-then-odd") { // as when providers can't be had, or it is interrupted
		return complain(1, "Successfully configured the backend \"azurerm\"!\n"+troubles()["odd"])
	}
	return say("Successfully configured the backend \"azurerm\"!")
}

// remember keeps where the state is, as Terraform does.
func (c *cloud) remember() error {
	folder := filepath.Join("infra", ".terraform")
	if err := os.MkdirAll(folder, 0o750); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(folder, "terraform.tfstate"), []byte(`{"version":3,"terraform_version":"1.11.4","backend":{"type":"azurerm","config":{},"hash":1}}`), 0o600)
}

// az plays the Azure CLI.
func (c *cloud) az(args []string) error {
	// On Windows it is a batch file, which hands its arguments on unquoted, inside of
	// parentheses.
	for _, a := range args {
		if strings.ContainsAny(a, `()&|<>^%"`) {
			return fmt.Errorf("cmd.exe would take the argument %q apart", a)
		}
	}
	if _, ok := same(args, "version", "--output", "json"); ok {
		return say(`{"azure-cli":"2.77.0","azure-cli-core":"2.77.0","azure-cli-telemetry":"1.1.0","extensions":{}}`)
	}
	if c.Faults["logged-out"] > 0 {
		return complain(1, "ERROR: Please run 'az login' to setup account.")
	}
	if _, ok := same(args, "ad", "signed-in-user", "show", "--query", "id", "--output", "tsv"); ok {
		return say("11111111-0000-4000-8000-00000000000a")
	}
	if done, err := c.lists(args); done {
		return err
	}
	if m, ok := same(args, "storage", "blob", "download", "--account-name", "<account>", "--container-name", "tfstate", "--name", "terraform.tfvars", "--file", "<file>",
		"--auth-mode", "login", "--output", "none"); ok {
		if err := os.WriteFile(m["file"], []byte(c.Variables), 0o600); err != nil { //nolint:gosec // where it was told to; before it knows
			return err
		}
		switch {
		case m["account"] != BotAccount:
			return complain(1, "ERROR: HTTPSConnectionPool(host='"+m["account"]+".blob.core.windows.net', port=443): Max retries exceeded (Caused by NameResolutionError(\"Failed to resolve\"))")
		case c.Variables == "":
			return complain(3, "ERROR: The specified blob does not exist.\nRequestId:0\nErrorCode:BlobNotFound")
		}
		return nil
	}
	if len(args) < 2 || args[len(args)-2] != "--subscription" {
		return fmt.Errorf("no subscription is named: %q", args)
	}
	if is := args[len(args)-1]; is != Subscription {
		return complain(1, "ERROR: The subscription of '"+is+"' doesn't exist in cloud 'AzureCloud'.")
	}
	return c.onSubscription(args[:len(args)-2])
}

// onSubscription plays what is done to the deployment.
func (c *cloud) onSubscription(args []string) error {
	app := []string{"--name", App, "--resource-group", Group}
	for _, p := range []struct {
		want []string
		do   func(map[string]string) error
	}{
		{[]string{"account", "show", "--query", "{name:name,state:state,user:user.name,tenant:tenantId}", "--output", "json"}, func(map[string]string) error {
			return say(`{"name":"Pay-As-You-Go","state":"Enabled","user":"ana@example.org","tenant":"` + Tenant + `"}`)
		}},
		{[]string{"account", "get-access-token", "--query", "expiresOn", "--output", "tsv"}, func(map[string]string) error {
			if c.fault("login-ended") {
				return complain(1, "ERROR: AADSTS700082: The refresh token has expired due to inactivity.\nInteractive authentication is needed. Please run:\naz login")
			}
			return say("2026-11-30 18:00:00.000000")
		}},
		{[]string{"keyvault", "secret", "show", "--vault-name", Vault, "--name", "discord-bot-token", "--query", "value", "--output", "tsv"}, func(map[string]string) error {
			switch {
			case c.fault("vault-rights"):
				return complain(1, "ERROR: (Forbidden) Caller is not authorized to perform action on resource.\nCode: Forbidden\nInner error: {\n    \"code\": \"ForbiddenByRbac\"\n}")
			case c.Token == "" && !c.fault("secret-gone"):
				return say("@Microsoft.KeyVault(hearth deploy writes it)") // Terraform's
			case c.Token == "":
				return complain(3, "ERROR: (SecretNotFound) A secret with (name/id) discord-bot-token was not found in this key vault.")
			}
			return say(c.Token)
		}},
		{[]string{"keyvault", "secret", "set", "--vault-name", Vault, "--name", "discord-bot-token", "--file", "<file>", "--encoding", "utf-8", "--output", "none"}, c.setToken},
		{append([]string{"functionapp", "deployment", "source", "config-zip", "--resource-group", Group, "--name", App}, "--src", "<file>", "--timeout", "1200", "--output", "none"), c.publish},
		{append(append([]string{"functionapp", "config", "appsettings", "list"}, app...), "--output", "json"), c.listSettings},
		{append(append([]string{"functionapp", "restart"}, app...), "--output", "none"), func(map[string]string) error {
			c.Resolved = c.Resolved || c.Token != "" && !c.fault("no-refresh")
			return nil
		}},
		{[]string{"rest", "--method", "post", "--url", "https://management.azure.com/subscriptions/" + Subscription + "/resourceGroups/" + Group +
			"/providers/Microsoft.Web/sites/" + App + "/config/configreferences/appsettings/refresh?api-version=2022-03-01", "--output", "none"}, func(map[string]string) error { return nil }},
		{[]string{"vmss", "list", "--resource-group", "hearth-machines", "--query", "[].[name,sku.capacity]", "--output", "tsv"}, func(map[string]string) error {
			return say(fmt.Sprintf("hearth-midgard-westeurope-d2ads-v5\t%d\nhearth-asgard-westeurope-d2ads-v5\t1", c.Faults["machine-runs"]))
		}},
		{[]string{"vmss", "show", "--name", "hearth-midgard-westeurope-d2ads_v5", "--resource-group", "hearth-machines", "--query", "sku.capacity", "--output", "tsv"}, func(map[string]string) error {
			return say(strconv.Itoa(c.Faults["machine-runs"]))
		}},
		{[]string{"storage", "account", "list", "--resource-group", Group, "--query", "[].name", "--output", "tsv"}, func(map[string]string) error {
			if !c.Applied {
				return complain(3, "ERROR: (ResourceGroupNotFound) Resource group 'hearth' could not be found.")
			}
			return say("hearthabc1231f2e3d4c\r\n" + BotAccount + "\r")
		}},
		{[]string{"storage", "blob", "upload", "--account-name", BotAccount, "--container-name", "tfstate", "--name", "terraform.tfvars", "--file", "<file>",
			"--auth-mode", "login", "--overwrite", "--output", "none"}, func(m map[string]string) error {
			if !c.Role {
				return complain(1, "ERROR: You do not have the required permissions needed to perform this operation.")
			}
			text, err := os.ReadFile(m["file"])
			c.Variables = string(text)
			return err
		}},
		{[]string{"role", "assignment", "create", "--role", "Storage Blob Data Contributor", "--scope", "/subscriptions/" + Subscription + "/resourceGroups/" + Group +
			"/providers/Microsoft.Storage/storageAccounts/" + BotAccount + "/blobServices/default/containers/tfstate",
			"--assignee-object-id", "11111111-0000-4000-8000-00000000000a", "--assignee-principal-type", "User", "--output", "none"}, func(map[string]string) error {
			if c.Role {
				return complain(1, "ERROR: (RoleAssignmentExists) The role assignment already exists.")
			}
			c.Role = true
			return nil
		}},
	} {
		if m, ok := same(args, p.want...); ok {
			return p.do(m)
		}
	}
	return fmt.Errorf("unexpected arguments %q", args)
}

// lists plays what hearth init looks at.
func (c *cloud) lists(args []string) (done bool, err error) {
	for _, p := range []struct {
		want []string
		text string
	}{
		{[]string{"account", "list", "--query", "[?state=='Enabled'].{id:id,name:name,isDefault:isDefault}", "--output", "json"},
			`[{"id":"00000000-0000-4000-8000-000000000009","name":"Work","isDefault":false},{"id":"` + Subscription + `","name":"Pay-As-You-Go","isDefault":true}]`},
		{[]string{"account", "list-locations", "--subscription", Subscription, "--query", "[?metadata.regionType=='Physical'].name", "--output", "json"},
			`["westeurope","northeurope","eastus","eastus2","westus2"]`},
		{[]string{"vm", "list-skus", "--subscription", Subscription, "--location", "westeurope", "--resource-type", "virtualMachines", "--size", "Standard_D2", "--query", "[].name", "--output", "json"},
			`["Standard_D2_v3","Standard_D2ads_v5","Standard_D2ds_v5"]`},
		{[]string{"vm", "list-skus", "--subscription", Subscription, "--location", "eastus", "--resource-type", "virtualMachines", "--size", "Standard_D2", "--query", "[].name", "--output", "json"},
			`["Standard_D2ads_v5"]`},
		{[]string{"vm", "list-skus", "--subscription", Subscription, "--location", "northeurope", "--resource-type", "virtualMachines", "--size", "Standard_D2", "--query", "[].name", "--output", "json"},
			`["Standard_D2_v3"]`},
		{[]string{"vm", "list-usage", "--subscription", Subscription, "--location", "westeurope", "--query", "[?name.value=='lowPriorityCores'].limit", "--output", "json"}, `["3"]`},
		{[]string{"vm", "list-usage", "--subscription", Subscription, "--location", "northeurope", "--query", "[?name.value=='lowPriorityCores'].limit", "--output", "json"}, `[10]`},
		{[]string{"vm", "list-usage", "--subscription", Subscription, "--location", "eastus", "--query", "[?name.value=='lowPriorityCores'].limit", "--output", "json"}, `[3]`},
		{[]string{"vm", "list-usage", "--subscription", Subscription, "--location", "westus2", "--query", "[?name.value=='lowPriorityCores'].limit", "--output", "json"}, `[0]`},
	} {
		if _, ok := same(args, p.want...); ok {
			return true, say(p.text)
		}
	}
	return false, nil
}

func (c *cloud) setToken(m map[string]string) error {
	info, err := os.Stat(m["file"])
	if err != nil {
		return err
	}
	if info.Mode().Perm()&0o077 != 0 && os.PathSeparator == '/' {
		return fmt.Errorf("others may read the token's file: %s", info.Mode())
	}
	text, err := os.ReadFile(m["file"])
	c.Token = string(text)
	return err
}

var packed = regexp.MustCompile(`^pretend package of (\S+)\n$`)

func (c *cloud) publish(m map[string]string) error {
	if c.fault("no-publish") {
		return complain(1, "ERROR: An error occurred during deployment. Status Code: 400, Details: {\"status_text\": \"Package deployment failed\"}")
	}
	text, err := os.ReadFile(m["file"])
	if err != nil {
		return err
	}
	is := packed.FindStringSubmatch(string(text))
	if is == nil {
		return fmt.Errorf("%s is no package", m["file"])
	}
	c.Published = is[1]
	return nil
}

func (c *cloud) listSettings(map[string]string) error {
	type setting struct {
		Name, Value string
		SlotSetting bool
	}
	var all []setting
	for _, name := range slices.Sorted(maps.Keys(c.Settings)) {
		all = append(all, setting{name, c.Settings[name], false})
	}
	text, err := json.Marshal(all)
	if err != nil {
		return err
	}
	return say(strings.NewReplacer(`"Name"`, `"name"`, `"Value"`, `"value"`, `"SlotSetting"`, `"slotSetting"`).Replace(string(text)))
}

// golang plays the Go tool.
func (c *cloud) golang(args []string) error {
	if _, ok := same(args, "env", "GOVERSION"); ok {
		return say("go1.26.1")
	}
	if m, ok := same(args, "build", "-trimpath", "-ldflags", "-s -w", "-o", "<file>", "./cmd/hearth-agent"); ok {
		if os.Getenv("GOOS") != "linux" || os.Getenv("GOARCH") != "amd64" || os.Getenv("CGO_ENABLED") != "0" {
			return errors.New("the agent is built for another machine than the world's")
		}
		if err := os.MkdirAll(filepath.Dir(m["file"]), 0o750); err != nil {
			return err
		}
		return os.WriteFile(m["file"], []byte("agent"), 0o600)
	}
	if m, ok := same(args, "run", "./cmd/hearth-bot/pack", "-platforms", "<platform>", "-version", "<version>"); ok {
		if err := os.MkdirAll("dist", 0o750); err != nil {
			return err
		}
		return os.WriteFile(filepath.Join("dist", "hearth-bot-"+m["platform"]+".zip"), []byte("pretend package of "+m["version"]+"\n"), 0o600)
	}
	return fmt.Errorf("unexpected arguments %q", args)
}

func (c *cloud) git(args []string) error {
	if _, ok := same(args, "describe", "--always", "--dirty", "--abbrev=12", "--match=v*"); !ok {
		return fmt.Errorf("unexpected arguments %q", args)
	}
	if c.Faults["no-git"] > 0 {
		return complain(128, "fatal: not a git repository (or any of the parent directories): .git")
	}
	if c.Faults["new-commit"] > 0 {
		return say("0a1b2c3d4e5f")
	}
	return say("c761e5a00000")
}
