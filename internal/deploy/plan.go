package deploy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"hearth/internal/deploy/program"
)

// plan is what Terraform would do.
type plan struct {
	changes     bool
	packageName string
	resources   []resourceChange
}

// resourceChange is of terraform show -json.
type resourceChange struct {
	Address string
	Type    string
	Change  struct {
		Actions []string
		Before  struct {
			Name          string `json:"name"`
			ResourceGroup string `json:"resource_group_name"`
		}
	}
}

func (r resourceChange) does(action string) bool { return slices.Contains(r.Change.Actions, action) }

// plan has Terraform plan into the file, and reads it.
func (d *Deployment) plan(ctx context.Context, file string) (*plan, error) {
	var p plan
	_, err := d.terraform(ctx, nil, "plan", "-input=false", "-no-color", "-lock-timeout=30s", "-detailed-exitcode", "-out="+file)
	if failed, ok := errors.AsType[*program.Error](err); ok && failed.Code == 2 {
		p.changes = true
	} else if err != nil {
		return nil, err
	}
	// It holds every key in plain text.
	out, err := d.terraform(ctx, func(c *program.Command) { c.Private = true }, "show", "-json", "-no-color", file)
	if err != nil {
		return nil, err
	}
	if err := p.read([]byte(out.Stdout)); err != nil {
		return nil, problem("Terraform's plan is not understood, so nothing was done: update Terraform, then run this again.")
	}
	return &p, nil
}

func (p *plan) read(text []byte) error {
	var doc struct {
		FormatVersion string `json:"format_version"`
		PlannedValues struct {
			Outputs map[string]struct{ Value json.RawMessage }
		} `json:"planned_values"`
		ResourceChanges []resourceChange `json:"resource_changes"`
	}
	if err := json.Unmarshal(text, &doc); err != nil {
		return fmt.Errorf("read plan: %w", err)
	}
	if !strings.HasPrefix(doc.FormatVersion, "1.") {
		return fmt.Errorf("read plan: format %q", doc.FormatVersion)
	}
	p.resources = doc.ResourceChanges
	if v := doc.PlannedValues.Outputs["package"].Value; v != nil {
		return json.Unmarshal(v, &p.packageName)
	}
	return nil
}

// summary is one line.
func (p *plan) summary() string {
	var made, changed, gone int
	for _, r := range p.resources {
		if r.does("create") {
			made++
		}
		if r.does("update") {
			changed++
		}
		if r.does("delete") {
			gone++
		}
	}
	if !p.changes {
		return "nothing: all is there"
	}
	return fmt.Sprintf("%d to make, %d to change, %d to take away", made, changed, gone)
}

// lines name what is not simply new.
func (p *plan) lines() []string {
	var lines []string
	for _, r := range p.resources {
		switch {
		case r.does("delete") && r.does("create"):
			lines = append(lines, "replaced:  "+r.Address)
		case r.does("delete"):
			lines = append(lines, "goes:      "+r.Address)
		case r.does("update"):
			lines = append(lines, "changes:   "+r.Address)
		}
	}
	return lines
}

// precious: with it a world goes, or the row that says how worlds are.
func precious(kind string) bool {
	return slices.Contains([]string{"azurerm_resource_group", "azurerm_storage_account", "azurerm_storage_share", "azurerm_storage_table"}, kind)
}

// guard refuses what can't be made good again.
func (d *Deployment) guard(ctx context.Context, p *plan) error {
	var lost []string
	for _, r := range p.resources {
		if r.does("delete") && precious(r.Type) {
			lost = append(lost, r.Address)
		}
	}
	if len(lost) > 0 {
		return problem(`This plan takes worlds away for good, so it is not done:
  %s
It comes of a changed name or region, or of a world that is no longer in %s: put that back, and run this again.
If a world is to leave and its saves may stay in Azure (for some cents a month), take them out of Terraform's care:
  terraform -chdir=infra state rm '%s'
If it is to be gone for ever, copy its saves first, then do it with your own hands: terraform -chdir=infra apply`,
			strings.Join(lost, "\n  "), VariablesFile, lost[len(lost)-1])
	}
	for _, r := range p.resources {
		if r.Type == "azurerm_network_security_group" && (r.does("update") || r.does("delete")) {
			if err := d.guardDoor(ctx, r); err != nil {
				return err
			}
		}
		if !r.does("delete") || r.Type != "azurerm_orchestrated_virtual_machine_scale_set" {
			continue
		}
		is, err := d.az(ctx, "vmss", "show", "--name", r.Change.Before.Name, "--resource-group", r.Change.Before.ResourceGroup, "--query", "sku.capacity", "--output", "tsv")
		if err != nil {
			return err
		}
		if is = strings.TrimSpace(is); is != "0" && is != "" {
			return problem("This plan takes the scale set %s away, and it has a machine now: somebody may be playing. Type /stop in Discord, wait until the world is out, and run this again.", r.Change.Before.Name)
		}
	}
	return nil
}

// guardDoor refuses to change what lets players in while they may be: the machine
// keeps the port that it began with.
func (d *Deployment) guardDoor(ctx context.Context, group resourceChange) error {
	out, err := d.az(ctx, "vmss", "list", "--resource-group", group.Change.Before.ResourceGroup, "--query", "[].[name,sku.capacity]", "--output", "tsv")
	if err != nil {
		return err
	}
	for line := range strings.Lines(out) {
		name, capacity, _ := strings.Cut(strings.TrimSpace(line), "\t")
		if strings.HasPrefix(name, group.Change.Before.Name+"-") && capacity != "0" {
			return problem("This plan changes which port lets players in, and %s has a machine now: they would be shut out of it. Type /stop in Discord, wait until the world is out, and run this again.", name)
		}
	}
	return nil
}
