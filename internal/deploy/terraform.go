package deploy

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"hearth/internal/deploy/program"
)

const (
	terraformWithin = time.Hour
	terraformGrace  = 10 * time.Minute // what is being made is finished, and the state written

	rightsEvery = 30 * time.Second // how long new rights are waited for, each time
	rightsTimes = 12
)

// terraform runs Terraform in infra/.
func (d *Deployment) terraform(ctx context.Context, change func(*program.Command), args ...string) (program.Output, error) {
	c := program.Command{
		Name: "terraform", Args: append([]string{"-chdir=infra"}, args...), Dir: d.Root,
		Within: terraformWithin, Grace: terraformGrace,
		Env: append(d.tenantEnv(), "TF_IN_AUTOMATION=1", "TF_INPUT=0", "TF_CLI_ARGS="),
	}
	if change != nil {
		change(&c)
	}
	return d.Run.Run(ctx, c)
}

// tenantEnv names the subscription's tenant. Unless it is told, azurerm logs in to that
// of the subscription which is the Azure CLI's default (hashicorp/terraform-provider-azurerm#23068).
func (d *Deployment) tenantEnv() []string {
	if d.tenant == "" {
		return nil
	}
	return []string{"ARM_TENANT_ID=" + d.tenant}
}

func (d *Deployment) terraformInit(ctx context.Context) (string, error) {
	if _, err := d.terraform(ctx, nil, "init", "-input=false", "-no-color"); err != nil {
		return "", d.explain(err)
	}
	return "they are there", nil
}

// outputs are what Terraform tells of a deployment; all empty: there is none yet.
type outputs struct {
	InteractionsURL string            `json:"interactions_url"`
	HealthURL       string            `json:"health_url"`
	InviteURL       string            `json:"invite_url"`
	FunctionApp     string            `json:"function_app"`
	ResourceGroup   string            `json:"resource_group"`
	Vault           string            `json:"vault"`
	BotAccount      string            `json:"bot_account"`
	Package         string            `json:"package"`
	StateBackend    map[string]string `json:"state_backend"`
}

func (d *Deployment) outputs(ctx context.Context) (outputs, error) {
	var o outputs
	private := func(c *program.Command) { c.Private = true } // passwords are among them
	out, err := d.terraform(ctx, private, "output", "-json", "-no-color")
	if err != nil {
		return o, d.explain(err)
	}
	var all map[string]struct{ Value json.RawMessage }
	if err := json.Unmarshal([]byte(out.Stdout), &all); err != nil {
		return o, problem("Terraform's outputs are not understood: update Terraform, then run this again.")
	}
	plain := map[string]json.RawMessage{}
	for name, v := range all {
		plain[name] = v.Value
	}
	text, err := json.Marshal(plain)
	if err == nil {
		err = json.Unmarshal(text, &o)
	}
	if err != nil {
		return o, problem("Terraform's outputs have not the form that this program knows: it and infra/ are of different versions. Build it anew (make bin/hearth), then run this again.")
	}
	return o, nil
}

// converge plans, asks, and applies, until everything is as the configuration says.
// Rights that were given a moment ago are waited for.
func (d *Deployment) converge(ctx context.Context) (outputs, error) {
	dir, err := os.MkdirTemp("", "hearth-plan-") // 0700: a plan holds keys
	if err != nil {
		return outputs{}, problem("There is no room for temporary files: check the disk.")
	}
	defer func() { _ = os.RemoveAll(dir) }() // the system's own tidying is the second chance
	file := filepath.Join(dir, "plan")
	agreed := false
	for wait := 1; ; wait++ {
		err := d.once(ctx, file, &agreed)
		if err == nil {
			break
		}
		if _, ran := errors.AsType[*program.Error](err); !ran {
			return outputs{}, err
		}
		if !rightsPending(err) || wait > rightsTimes {
			return outputs{}, d.explain(err)
		}
		d.say("  Azure does not know yet of a right that was just given: that takes some minutes. Waiting %s, then going on (%d of %d).", took(rightsEvery), wait, rightsTimes)
		if err := d.pause(ctx, rightsEvery); err != nil {
			return outputs{}, err
		}
	}
	o, err := d.outputs(ctx)
	if err != nil {
		return o, err
	}
	if o.FunctionApp == "" || o.Vault == "" || o.ResourceGroup == "" || o.HealthURL == "" || o.InteractionsURL == "" {
		return o, problem("Terraform does not tell where the app and its vault are: check that infra/ is as it was cloned (git status), then run this again.")
	}
	return o, nil
}

// once plans and applies. An error of Terraform's own is returned as it is.
func (d *Deployment) once(ctx context.Context, file string, agreed *bool) error {
	var p *plan
	err := d.step("What is to be done in Azure", func() (string, error) {
		var err error
		if p, err = d.plan(ctx, file); err != nil {
			return "", err
		}
		return p.summary(), nil
	})
	if err != nil {
		return err
	}
	for _, line := range p.lines() {
		d.say("  %s", line)
	}
	if err := d.guard(ctx, p); err != nil {
		return err
	}
	if d.platform == "" {
		if err := d.choosePlatform(ctx, p); err != nil {
			return err
		}
	}
	if !p.changes {
		return nil
	}
	if !*agreed {
		d.say("  The whole plan stands in %s.", LogFile)
		if *agreed = d.Agree("Do it?"); !*agreed {
			return ErrLeft
		}
		if err := d.guard(ctx, p); err != nil { // somebody may have typed /start meanwhile
			return err
		}
	}
	d.note("what is in Azure")
	return d.step("Azure does it", func() (string, error) {
		_, err := d.terraform(ctx, func(c *program.Command) { c.Line = d.progress }, "apply", "-input=false", "-no-color", "-lock-timeout=30s", file)
		// It holds every key, and Terraform lets everybody on this machine read it.
		for _, name := range []string{stateFile, stateFile + ".backup"} {
			if hidden := os.Chmod(d.path(name), 0o600); err == nil && hidden != nil && !errors.Is(hidden, fs.ErrNotExist) {
				err = problem("%s holds keys, and can't be kept from others on this machine: check that it is yours.", name)
			}
		}
		return "done", err
	})
}

// choosePlatform builds the package that the plan's app needs, before anything is
// made.
func (d *Deployment) choosePlatform(ctx context.Context, p *plan) error {
	name := filepath.Base(filepath.FromSlash(p.packageName))
	platform, ok := strings.CutPrefix(strings.TrimSuffix(name, ".zip"), "hearth-bot-")
	if !ok {
		return problem("Terraform does not tell which package the app needs: check that infra/ is as it was cloned (git status), then run this again.")
	}
	d.platform = platform
	return d.step("The bot's package", func() (string, error) { return d.buildPackage(ctx) })
}

// progress shows of Terraform's lines those that tell of something finished.
func (d *Deployment) progress(line string) {
	if strings.Contains(line, " complete after ") || strings.HasPrefix(line, "Apply complete!") {
		what, _, _ := strings.Cut(line, " [id=")
		d.say("  %s", what)
	}
}
