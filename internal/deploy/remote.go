package deploy

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"hearth/internal/deploy/program"
)

// RemoteState keeps Terraform's state in the deployment's own storage account. Its
// error is a *Problem.
func (d *Deployment) RemoteState(ctx context.Context) error {
	defer d.sayPatience(ctx)()
	if d.Account != "" {
		if err := d.step("What Terraform was told", func() (string, error) { return d.fetchVariables(ctx) }); err != nil {
			return err
		}
	}
	if err := d.prepare(ctx, "terraform", "az"); err != nil {
		return err
	}
	var o outputs
	if err := d.step("Terraform's state", func() (string, error) {
		if _, err := d.terraformInit(ctx); err != nil {
			return "", err
		}
		var err error
		if o, err = d.outputs(ctx); err != nil {
			return "", err
		}
		if len(o.StateBackend) > 0 {
			return "it knows where it can be kept", nil
		}
		o.StateBackend, err = d.findBackend(ctx)
		return "there is none here, but in Azure is where one can be", err
	}); err != nil {
		return err
	}
	if err := d.step("The right to read and write it", func() (string, error) { return d.allowState(ctx, o.StateBackend) }); err != nil {
		return err
	}
	moved := false
	if err := d.step("The state's new place", func() (string, error) {
		var err error
		moved, err = d.moveState(ctx, o.StateBackend)
		if !moved {
			return "it is there already", err
		}
		return "it is there, and " + backendFile + " says so", err
	}); err != nil {
		return err
	}
	if err := d.step("What Terraform was told", func() (string, error) { return d.keepVariables(ctx, o.StateBackend) }); err != nil {
		return err
	}
	d.say(`
Terraform's state is in the container %s of the storage account %s. It holds the keys of the accounts, the machines' keys and the games'
passwords: whoever may read that container has them all. That is you, by the role %s on it, and every Owner of the subscription who
gives it to themselves. On another machine, clone Hearth, and get both back with
  hearth remote-state --account %s`,
		o.StateBackend["container_name"], o.StateBackend["storage_account_name"], stateRole, o.StateBackend["storage_account_name"])
	if moved {
		d.say("Copies that Terraform left here (%[1]s, %[1]s.backup) hold the same keys: delete them.", stateFile)
	}
	return nil
}

const (
	stateRole      = "Storage Blob Data Contributor"
	stateContainer = "tfstate"
	stateKey       = "hearth.tfstate"
	variablesBlob  = "terraform.tfvars" // beside the state
)

// keepVariables puts a copy of what Terraform is told beside its state: one without
// the other is of no use on another machine.
func (d *Deployment) keepVariables(ctx context.Context, backend map[string]string) (string, error) {
	_, err := d.patient(ctx, d.azCommand("storage", "blob", "upload", "--account-name", backend["storage_account_name"], "--container-name", backend["container_name"],
		"--name", variablesBlob, "--file", filepath.FromSlash(VariablesFile), "--auth-mode", "login", "--overwrite", "--output", "none"))
	if err != nil {
		return "", d.explain(err)
	}
	return "a copy of " + VariablesFile + " is beside the state", nil
}

// fetchVariables gets that copy, for a machine that has none. What is here stays.
func (d *Deployment) fetchVariables(ctx context.Context) (string, error) {
	if _, err := os.Stat(d.path(VariablesFile)); err == nil {
		return VariablesFile + " is here, and stays as it is", nil
	}
	if !accountName.MatchString(d.Account) {
		return "", problem("%.40q is no storage account's name: take the one in the deployment's resource group with bot in its name (az storage account list --query \"[].name\").", d.Account)
	}
	if _, err := d.checkTools(ctx, []string{"az"}); err != nil {
		return "", err
	}
	// Into another file first: az leaves an empty one when it fails.
	part := VariablesFile + ".part"
	defer func() { _ = os.Remove(d.path(part)) }() // it is gone if all went well
	_, err := d.Run.Run(ctx, program.Command{Name: "az", Dir: d.Root, Args: []string{"storage", "blob", "download", "--account-name", d.Account,
		"--container-name", stateContainer, "--name", variablesBlob, "--file", filepath.FromSlash(part), "--auth-mode", "login", "--output", "none"}})
	if failed, ok := errors.AsType[*program.Error](err); ok && noBlob.MatchString(failed.Output.Stderr) {
		return "", problem("The storage account %s has no copy of %s: hearth remote-state was never run with it. Write it again with hearth init (the same name, region and world), then run this again.", d.Account, VariablesFile)
	}
	if err != nil {
		return "", d.explain(err)
	}
	if err := os.Rename(d.path(part), d.path(VariablesFile)); err != nil {
		return "", problem("%s can't be written: check that this folder is yours.", VariablesFile)
	}
	return VariablesFile + " is here again", nil
}

var (
	accountName = regexp.MustCompile(`^[a-z0-9]{3,24}$`)
	noBlob      = regexp.MustCompile(`BlobNotFound|ContainerNotFound`)
)

// findBackend looks for the deployment's account in Azure, for a machine that has no
// state.
func (d *Deployment) findBackend(ctx context.Context) (map[string]string, error) {
	name := d.wants.name
	out, err := d.az(ctx, "storage", "account", "list", "--resource-group", name, "--query", "[].name", "--output", "tsv")
	if err != nil {
		return nil, problem("There is no state here, and no deployment named %s was found in Azure. For a new one, run hearth deploy first. Looking for it said: %s", name, err)
	}
	accounts := slices.DeleteFunc(strings.Fields(out), func(account string) bool { return !strings.HasPrefix(account, name+"bot") })
	if len(accounts) != 1 {
		return nil, problem("There is no state here, and the resource group %s has %d accounts that may hold one. For a new deployment, run hearth deploy first; else bring %s from the machine that has it.", name, len(accounts), stateFile)
	}
	return map[string]string{"resource_group_name": name, "storage_account_name": accounts[0], "container_name": stateContainer, "key": stateKey}, nil
}

// allowState gives whoever is logged in the role that the state needs, if they have it
// not.
func (d *Deployment) allowState(ctx context.Context, backend map[string]string) (string, error) {
	for _, key := range []string{"resource_group_name", "storage_account_name", "container_name", "key"} {
		if backend[key] == "" {
			return "", problem("Terraform does not tell where its state can be kept: check that infra/ is as it was cloned (git status), then run hearth deploy and this again.")
		}
	}
	out, err := d.Run.Run(ctx, program.Command{Name: "az", Args: []string{"ad", "signed-in-user", "show", "--query", "id", "--output", "tsv"}, Dir: d.Root})
	if err != nil {
		return "", d.explain(err)
	}
	scope := fmt.Sprintf("/subscriptions/%s/resourceGroups/%s/providers/Microsoft.Storage/storageAccounts/%s/blobServices/default/containers/%s",
		d.wants.subscription, backend["resource_group_name"], backend["storage_account_name"], backend["container_name"])
	_, err = d.Run.Run(ctx, d.azCommand("role", "assignment", "create", "--role", stateRole, "--scope", scope,
		"--assignee-object-id", strings.TrimSpace(out.Stdout), "--assignee-principal-type", "User", "--output", "none"))
	failed, ok := errors.AsType[*program.Error](err)
	if ok && strings.Contains(failed.Output.Stderr, "RoleAssignmentExists") { // Terraform may have given it
		err = nil
	}
	if err != nil {
		return "", d.explain(err)
	}
	return stateRole, nil
}

// backendText is what Terraform reads: keyless, by the login of whoever runs it.
func (d *Deployment) backendText(backend map[string]string) []byte {
	all := maps.Clone(backend)
	all["subscription_id"] = d.wants.subscription
	if d.tenant != "" {
		all["tenant_id"] = d.tenant
	}
	var b bytes.Buffer
	b.WriteString("# Written by hearth remote-state: where Terraform keeps what it knows of this deployment.\nterraform {\n  backend \"azurerm\" {\n    use_azuread_auth     = true\n")
	for _, key := range slices.Sorted(maps.Keys(all)) {
		if key != "use_azuread_auth" {
			fmt.Fprintf(&b, "    %-20s = %q\n", key, all[key])
		}
	}
	b.WriteString("  }\n}\n")
	return b.Bytes()
}

// stateMoved: Terraform remembers that the state is in an account, whatever else it
// failed to do. Without what says so to it, it would refuse to do anything.
func (d *Deployment) stateMoved() bool {
	var memory struct{ Backend struct{ Type string } }
	text, err := os.ReadFile(d.path("infra/.terraform/terraform.tfstate"))
	return err == nil && json.Unmarshal(text, &memory) == nil && memory.Backend.Type == "azurerm"
}

// moveState points Terraform at the new place, and brings the state there.
func (d *Deployment) moveState(ctx context.Context, backend map[string]string) (moved bool, err error) {
	text, file := d.backendText(backend), d.path(backendFile)
	if is, err := os.ReadFile(file); err == nil && bytes.Equal(is, text) { //nolint:gosec // which file it is, is fixed
		return false, nil // and terraform init took it, or it would not be here
	} else if err == nil {
		return false, problem("%s says another place than this deployment's: delete it if it is not yours any more, then run this again.", backendFile)
	} else if !errors.Is(err, os.ErrNotExist) {
		return false, problem("%s can't be read: check that it is yours.", backendFile)
	}
	if err := os.WriteFile(file, text, 0o600); err != nil {
		return false, problem("%s can't be written: check that this folder is yours.", backendFile)
	}
	c := program.Command{
		Name: "terraform", Args: []string{"-chdir=infra", "init", "-migrate-state", "-force-copy", "-input=false", "-no-color"}, Dir: d.Root,
		Within: terraformWithin, Grace: terraformGrace, Env: append(d.tenantEnv(), "TF_IN_AUTOMATION=1"),
	}
	if _, err := d.patient(ctx, c); err != nil {
		if d.stateMoved() { // and something after that failed
			return false, d.explain(err)
		}
		// The state is where it was: so is what Terraform is told.
		if gone := os.Remove(file); gone != nil {
			return false, problem("The state was not moved, and %s could not be taken away again: delete it, or Terraform looks for the state in the wrong place.", backendFile)
		}
		return false, d.explain(err)
	}
	return true, nil
}
