package deploy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"

	"hearth/internal/deploy/program"
)

// tool is a program that is needed: how it is asked for its version, and where it is
// had.
type tool struct {
	args  []string
	read  func(stdout string) string
	least [2]int // major and minor
	get   string
}

// tools are what a deployment needs.
func tools() map[string]tool {
	return map[string]tool{
		"terraform": {[]string{"version", "-json"}, jsonField("terraform_version"), [2]int{1, 11},
			"install Terraform from developer.hashicorp.com/terraform/install (Windows: winget install Hashicorp.Terraform; macOS: brew install hashicorp/tap/terraform)"},
		"az": {[]string{"version", "--output", "json"}, jsonField("azure-cli"), [2]int{2, 60},
			"install the Azure CLI from aka.ms/azure-cli (Windows: winget install Microsoft.AzureCLI; macOS: brew install azure-cli)"},
		"go": {[]string{"env", "GOVERSION"}, func(s string) string { return strings.TrimPrefix(s, "go") }, [2]int{1, 26},
			"install Go from go.dev/dl"},
	}
}

func jsonField(name string) func(string) string {
	return func(stdout string) string {
		var doc map[string]any
		if json.Unmarshal([]byte(stdout), &doc) != nil {
			return ""
		}
		text, _ := doc[name].(string)
		return text
	}
}

var numbers = regexp.MustCompile(`^(\d+)\.(\d+)`)

// checkTools looks for programs, and names everything that is missing at once.
func (d *Deployment) checkTools(ctx context.Context, names []string) (string, error) {
	var found, wrong []string
	for _, name := range names {
		t := tools()[name]
		out, err := d.Run.Run(ctx, program.Command{Name: name, Args: t.args, Dir: d.Root})
		if errors.Is(err, program.ErrMissing) {
			wrong = append(wrong, fmt.Sprintf("%s is not there: %s, and open a new terminal.", name, t.get))
			continue
		}
		if err != nil {
			return "", d.explain(err)
		}
		version := strings.TrimSpace(t.read(strings.TrimSpace(out.Stdout)))
		m := numbers.FindStringSubmatch(version)
		if m == nil {
			wrong = append(wrong, fmt.Sprintf("%s does not tell its version: %s.", name, t.get))
			continue
		}
		major, _ := strconv.Atoi(m[1]) // digits
		minor, _ := strconv.Atoi(m[2])
		if major < t.least[0] || major == t.least[0] && minor < t.least[1] {
			wrong = append(wrong, fmt.Sprintf("%s is %s, and %d.%d or newer is needed: %s.", name, version, t.least[0], t.least[1], t.get))
			continue
		}
		found = append(found, name+" "+version)
	}
	if len(wrong) > 0 {
		return "", problem("%s", strings.Join(wrong, "\n"))
	}
	return strings.Join(found, ", "), nil
}

// wants are the few values that are needed before Terraform runs, which reads the
// file itself.
type wants struct{ subscription, name, application, guild string }

// assignment is a line of a file of variables that gives a plain text.
var assignment = regexp.MustCompile(`(?m)^\s*(subscription_id|application_id|guild_id)\s*=\s*"([^"]*)"`)

// ownName is the deployment's; those of its worlds are indented.
var ownName = regexp.MustCompile(`(?m)^name\s*=\s*"([^"]*)"`)

func (d *Deployment) readWants() error {
	text, err := os.ReadFile(d.path(VariablesFile))
	if errors.Is(err, os.ErrNotExist) {
		return problem("There is no %s yet: run hearth init (go run ./cmd/hearth init), which asks for what it needs and writes it.", VariablesFile)
	}
	if err != nil {
		return problem("%s can't be read: check that it is yours.", VariablesFile)
	}
	d.wants.name = "hearth"
	for _, m := range assignment.FindAllStringSubmatch(string(text), -1) {
		switch m[1] {
		case "subscription_id":
			d.wants.subscription = m[2]
		case "application_id":
			d.wants.application = m[2]
		case "guild_id":
			d.wants.guild = m[2]
		}
	}
	if m := ownName.FindStringSubmatch(string(text)); m != nil {
		d.wants.name = m[1]
	}
	if d.wants.subscription == "" {
		return problem(`%s has no subscription_id: add a line subscription_id = "…", with what az account show --query id says.`, VariablesFile)
	}
	return nil
}

// checkLogin sees whether the Azure CLI is logged in to the subscription. What it
// remembers may have ended, so it is made to get a token.
func (d *Deployment) checkLogin(ctx context.Context) (string, error) {
	out, err := d.az(ctx, "account", "show", "--query", "{name:name,state:state,user:user.name,tenant:tenantId}", "--output", "json")
	if err != nil {
		return "", err
	}
	var is struct{ Name, State, User, Tenant string }
	if err := json.Unmarshal([]byte(out), &is); err != nil {
		return "", problem("The Azure CLI's answer is not understood: update it (az upgrade), then run this again.")
	}
	if is.State != "Enabled" {
		return "", problem("The subscription %s is %s, not Enabled: open it in the portal under Subscriptions, which says what it wants (mostly a payment). Then run this again.", is.Name, is.State)
	}
	d.tenant = is.Tenant
	if _, err := d.az(ctx, "account", "get-access-token", "--query", "expiresOn", "--output", "tsv"); err != nil {
		return "", err
	}
	return fmt.Sprintf("%s, as %s", is.Name, is.User), nil
}

// az runs the Azure CLI on the subscription. Its error is a *Problem.
func (d *Deployment) az(ctx context.Context, args ...string) (string, error) {
	out, err := d.Run.Run(ctx, d.azCommand(args...))
	if err != nil {
		return "", d.explain(err)
	}
	return out.Stdout, nil
}

func (d *Deployment) azCommand(args ...string) program.Command {
	return program.Command{
		Name: "az", Args: append(args, "--subscription", d.wants.subscription), Dir: d.Root,
		// Nobody can answer it, and colours are for terminals.
		Env: []string{"AZURE_CORE_NO_COLOR=true", "AZURE_CORE_DISABLE_CONFIRM_PROMPT=true", "AZURE_CORE_COLLECT_TELEMETRY=false"},
	}
}
