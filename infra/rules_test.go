package infra_test

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclparse"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// rules are what `terraform test` can't see: it knows what would be made, not what
// would be destroyed, left alone or shown. Each gives what is wrong.
func rules() map[string]func(*configuration) []string {
	return map[string]func(*configuration) []string{
		"what_holds_data_is_never_destroyed":    neverDestroyed,
		"what_others_change_is_left_alone":      leftAlone,
		"no_output_shows_a_secret":              outputs,
		"every_variable_is_explained_and_bound": explained,
		"a_machines_roles_are_in_one_place":     rolesInOnePlace,
		"nothing_is_billed_among_the_machines":  machinesGroup,
		"nobody_has_the_key_of_a_machine":       nobodysKey,
		"nothing_but_two_providers_is_needed":   twoProviders,
	}
}

func TestRules(t *testing.T) {
	c := read(t, ".")
	for name, rule := range rules() {
		t.Run(name, func(t *testing.T) {
			for _, problem := range rule(c) {
				t.Error(problem)
			}
		})
	}
}

// TestMachinesRolesAreExplained: docs/agent.md says what a machine may do, of the
// same things.
func TestMachinesRolesAreExplained(t *testing.T) {
	text, err := os.ReadFile("worlds.tf")
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile("../docs/agent.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range []struct{ form, in string }{{`role = "([^"]+)"`, string(text)}, {`(Storage (?:Queue|Blob) Data [A-Z][a-z]+(?: [A-Z][a-z]+)?|Key Vault Secrets User)\s`, string(page)}} {
		var roles []string
		for _, found := range regexp.MustCompile(m.form).FindAllStringSubmatch(strings.ReplaceAll(m.in, "\n", " "), -1) {
			roles = append(roles, found[1])
		}
		slices.Sort(roles)
		want := []string{"Key Vault Secrets User", "Storage Blob Data Contributor", "Storage Blob Data Reader", "Storage Queue Data Message Processor", "Storage Queue Data Message Sender"}
		if !slices.Equal(roles, want) {
			t.Errorf("roles: got %q, want %q", roles, want)
		}
	}
}

// configuration is the files of a folder.
type configuration struct{ blocks []*hclsyntax.Block }

func read(t *testing.T, dir string) *configuration {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*.tf"))
	if err != nil || len(names) == 0 {
		t.Fatalf("%d files in %s, %v", len(names), dir, err)
	}
	c := &configuration{}
	for _, name := range names {
		if filepath.Base(name) == "backend.tf" { // the keeper's own
			continue
		}
		f, diags := hclparse.NewParser().ParseHCLFile(name)
		if diags.HasErrors() {
			t.Fatal(diags)
		}
		c.blocks = append(c.blocks, f.Body.(*hclsyntax.Body).Blocks...)
	}
	return c
}

// address is a block's, such as azurerm_storage_share.world.
func address(b *hclsyntax.Block) string { return strings.Join(b.Labels, ".") }

// all are the blocks of a kind, such as resource.
func (c *configuration) all(kind string) []*hclsyntax.Block {
	var all []*hclsyntax.Block
	for _, b := range c.blocks {
		if b.Type == kind {
			all = append(all, b)
		}
	}
	return all
}

// lifecycle is an argument of a resource's lifecycle block; nil: there is none.
func (c *configuration) lifecycle(resource, argument string) hclsyntax.Expression {
	for _, b := range c.all("resource") {
		if address(b) != resource {
			continue
		}
		for _, inner := range b.Body.Blocks {
			if a := inner.Body.Attributes[argument]; inner.Type == "lifecycle" && a != nil {
				return a.Expr
			}
		}
	}
	return nil
}

// refersTo are the things that an expression, or what is in a body, speaks of, such
// as azurerm_storage_account.world.primary_access_key. Indices are left out.
func refersTo(n hclsyntax.Node) []string {
	var all []string
	// The error is that of the function, which has none.
	_ = hclsyntax.VisitAll(n, func(n hclsyntax.Node) hcl.Diagnostics {
		var parts []string
		take := func(traversal hcl.Traversal) {
			for _, step := range traversal {
				switch step := step.(type) {
				case hcl.TraverseRoot:
					parts = append(parts, step.Name)
				case hcl.TraverseAttr:
					parts = append(parts, step.Name)
				}
			}
		}
		switch e := n.(type) {
		case *hclsyntax.ScopeTraversalExpr:
			take(e.Traversal)
		case *hclsyntax.RelativeTraversalExpr:
			if index, ok := e.Source.(*hclsyntax.IndexExpr); ok {
				if scope, ok := index.Collection.(*hclsyntax.ScopeTraversalExpr); ok {
					take(scope.Traversal)
				}
			}
			take(e.Traversal)
		}
		if len(parts) > 0 {
			all = append(all, strings.Join(parts, "."))
		}
		return nil
	})
	return all
}

// neverDestroyed: worlds, and what they can't be played on without.
func neverDestroyed(c *configuration) []string {
	var problems []string
	for _, resource := range []string{
		"azurerm_resource_group.data", "azurerm_storage_account.world", "azurerm_storage_share.world",
		"azurerm_storage_account.bot", "azurerm_storage_table.bot", "azurerm_storage_container.lease", "azurerm_storage_container.tfstate",
	} {
		keeps := false
		if e := c.lifecycle(resource, "prevent_destroy"); e != nil {
			v, diags := e.Value(nil)
			keeps = !diags.HasErrors() && v.True()
		}
		if !keeps {
			problems = append(problems, resource+" has no prevent_destroy = true: a changed name or a world taken out would delete it")
		}
	}
	return problems
}

// leftAlone: the bot fills and empties the sets and tries sizes; Azure takes the
// month in which a budget was made.
func leftAlone(c *configuration) []string {
	var problems []string
	for resource, want := range map[string][]string{
		"azurerm_orchestrated_virtual_machine_scale_set.placement": {"instances", "sku_name"},
		"azurerm_consumption_budget_subscription.month":            {"time_period"},
	} {
		var got []string
		if e := c.lifecycle(resource, "ignore_changes"); e != nil {
			list, _ := hcl.ExprList(e) // "all" is none
			for _, item := range list {
				got = append(got, hcl.ExprAsKeyword(item))
			}
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			problems = append(problems, fmt.Sprintf("%s ignores changes of %q, want %q", resource, got, want))
		}
	}
	return problems
}

func secret(name string) bool {
	return strings.HasPrefix(name, "random_password.") || strings.HasPrefix(name, "var.passwords") || strings.HasPrefix(name, "local.passwords") ||
		strings.HasSuffix(name, "_access_key") || strings.HasSuffix(name, "connection_string") || strings.HasPrefix(name, "azurerm_key_vault_secret.") && strings.HasSuffix(name, ".value")
}

// outputs are printed, and kept by whoever keeps logs.
func outputs(c *configuration) []string {
	var problems []string
	for _, b := range c.all("output") {
		for _, name := range refersTo(b.Body) {
			if secret(name) || name == "nonsensitive" {
				problems = append(problems, fmt.Sprintf("output %s shows %s", address(b), name))
			}
		}
		if b.Body.Attributes["sensitive"] != nil {
			problems = append(problems, fmt.Sprintf("output %s is sensitive: what is secret is in the vault, and no output", address(b)))
		}
	}
	return problems
}

func explained(c *configuration) []string {
	var problems []string
	for _, b := range c.all("variable") {
		if b.Body.Attributes["description"] == nil || b.Body.Attributes["type"] == nil {
			problems = append(problems, fmt.Sprintf("variable %s has no description or no type", address(b)))
		}
		bound := slices.ContainsFunc(b.Body.Blocks, func(b *hclsyntax.Block) bool { return b.Type == "validation" })
		if !bound {
			problems = append(problems, fmt.Sprintf("variable %s takes anything: give it a validation that says what to do", address(b)))
		}
		if is := b.Body.Attributes["sensitive"] != nil; is != (address(b) == "passwords") {
			problems = append(problems, fmt.Sprintf("variable %s: sensitive is %t", address(b), is))
		}
	}
	return problems
}

// rolesInOnePlace: the tests of what a machine may do count one resource's roles.
func rolesInOnePlace(c *configuration) []string {
	var problems []string
	for _, b := range c.all("resource") {
		if b.Labels[0] != "azurerm_role_assignment" || address(b) == "azurerm_role_assignment.machine" {
			continue
		}
		for _, name := range refersTo(b.Body) {
			if strings.HasPrefix(name, "azurerm_user_assigned_identity.world") && strings.HasSuffix(name, "principal_id") {
				problems = append(problems, fmt.Sprintf("%s gives a machine a role: all of them are in azurerm_role_assignment.machine", address(b)))
			}
		}
	}
	return problems
}

// machinesGroup: what the bot may change, and what of it could be left over.
func machinesGroup(c *configuration) []string {
	free := []string{
		"azurerm_virtual_network", "azurerm_subnet", "azurerm_network_security_group", "azurerm_orchestrated_virtual_machine_scale_set",
	}
	var problems []string
	for _, b := range c.all("resource") {
		a := b.Body.Attributes["resource_group_name"]
		if a == nil || slices.Contains(free, b.Labels[0]) {
			continue
		}
		if names := refersTo(a.Expr); slices.Contains(names, "azurerm_resource_group.machines.name") || slices.Contains(names, "local.machines_group") {
			problems = append(problems, address(b)+" is in the machines' resource group, where the bot calls it a leftover and it may be billed")
		}
	}
	return problems
}

// challenge is RSA-2048 of the RSA Factoring Challenge, in decimal as RSA
// Laboratories published it. They destroyed its factors.
const challenge = "" +
	"2519590847565789349402718324004839857142928212620403202777713783604366202070759555626401852588078" +
	"4406918290641249515082189298559149176184502808489120072844992687392807287776735971418347270261896" +
	"3750149718246911650776133798590957000973304597488084284017974291006424586918171951187461215151726" +
	"5463228221686998754918242243363725908514186546204357679842338718477444792073993423658482382428119" +
	"8163815010674810451660377306056201619676256133844143603833904414952634432190114657544454178424020" +
	"9246165157233507787077498171257724679629263863563732899121548314381678998850404453640235273819513" +
	"78636564391212010397122822120720357"

// nobodysKey: the only key that a machine takes is a public one that nobody has the
// private half of.
func nobodysKey(c *configuration) []string {
	var text string
	for _, b := range c.all("locals") {
		if a := b.Body.Attributes["nobodys_key"]; a != nil {
			if v, diags := a.Expr.Value(nil); !diags.HasErrors() {
				text = v.AsString()
			}
		}
	}
	_, encoded, _ := strings.Cut(text, " ")
	blob, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return []string{"nobodys_key is no SSH key: " + err.Error()}
	}
	var fields [][]byte // RFC 4253, 6.6: "ssh-rsa", e, n
	for len(blob) >= 4 {
		n := binary.BigEndian.Uint32(blob)
		if uint64(n) > uint64(len(blob)-4) {
			break
		}
		fields, blob = append(fields, blob[4:4+n]), blob[4+n:]
	}
	want, _ := new(big.Int).SetString(challenge, 10)
	if len(fields) != 3 || len(blob) != 0 || string(fields[0]) != "ssh-rsa" || new(big.Int).SetBytes(fields[2]).Cmp(want) != 0 {
		return []string{"nobodys_key is not RSA-2048: somebody may have its other half"}
	}
	return nil
}

// twoProviders: a keeper needs Terraform and nothing else.
func twoProviders(c *configuration) []string {
	var problems []string
	for _, b := range c.all("resource") {
		if p, _, _ := strings.Cut(b.Labels[0], "_"); p != "azurerm" && p != "random" {
			problems = append(problems, address(b)+" is of another provider than azurerm and random")
		}
		for _, inner := range b.Body.Blocks {
			if inner.Type == "provisioner" {
				problems = append(problems, address(b)+" runs a program on the keeper's machine")
			}
		}
	}
	for _, b := range c.all("terraform") {
		for _, inner := range b.Body.Blocks {
			if inner.Type == "backend" || inner.Type == "cloud" {
				problems = append(problems, "the state has a fixed place: it is the keeper's to say (backend.tf)")
			}
		}
	}
	return problems
}
