package deploy_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hearth/internal/clock"
	"hearth/internal/deploy"
	"hearth/internal/deploy/deploytest"
	"hearth/internal/deploy/program"
	"hearth/internal/sim/simdiscord"
	"hearth/internal/world"
)

func TestMain(m *testing.M) {
	deploytest.Main()
	os.Exit(m.Run())
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// practice is a checkout and a deployment of it, in a town.
type practice struct {
	*deploy.Deployment
	town *deploytest.Town
	out  *bytes.Buffer
	log  *bytes.Buffer
}

func open(t *testing.T) *practice {
	t.Helper()
	folder, root := t.TempDir(), t.TempDir()
	town, err := deploytest.Open(folder)
	must(t, err)
	t.Cleanup(town.Close)
	for name, value := range town.Env(os.Getenv("PATH")) {
		t.Setenv(name, value)
	}
	must(t, os.MkdirAll(filepath.Join(root, "infra"), 0o750))
	must(t, os.WriteFile(filepath.Join(root, filepath.FromSlash(deploy.VariablesFile)), []byte(`subscription_id = "`+deploytest.Subscription+`"
discord = {
  application_id = "`+simdiscord.DefaultApplicationID+`"
  guild_id = "`+simdiscord.DefaultGuildID+`"
}
`), 0o600))
	p := &practice{town: town, out: &bytes.Buffer{}, log: &bytes.Buffer{}}
	p.Deployment = &deploy.Deployment{
		Root: root, Run: &program.Runner{Log: p.log}, Clock: clock.NewScaled(1000, time.Now()), Out: p.out, Version: "test",
		Agree:      func(string) bool { return true },
		Secret:     func(string) (world.Secret, bool) { return "", false },
		Token:      deploytest.Token,
		DiscordURL: town.DiscordURL(),
	}
	return p
}

// TestStartedMeanwhile: who is asked may take as long as a machine does.
func TestStartedMeanwhile(t *testing.T) {
	p := open(t)
	must(t, p.Do(t.Context()))
	must(t, p.town.Fault("loses-a-machine", 1))
	p.Agree = func(string) bool {
		must(t, p.town.Fault("machine-runs", 1))
		return true
	}
	if err := p.Do(t.Context()); err == nil || !strings.Contains(err.Error(), "has a machine now") {
		t.Errorf("Do = %v, want it to see the machine\n%s", err, p.out)
	}
}

// TestRealTerraform: the real one plans, shows, applies and tells as is relied on. It
// makes nothing but what it holds in its own state.
func TestRealTerraform(t *testing.T) {
	path, err := exec.LookPath("terraform")
	if err != nil {
		t.Skip("needs terraform")
	}
	p := open(t)
	p.Run.Look = func(name string) (string, error) {
		if name == "terraform" {
			return path, nil
		}
		return exec.LookPath(name)
	}
	config := func(input string) {
		t.Helper()
		must(t, os.WriteFile(filepath.Join(p.Root, "infra", "main.tf"), []byte(`
variable "subscription_id" { type = string }
variable "discord" { type = map(string) }
resource "terraform_data" "it" { input = "`+input+`" }
output "interactions_url" { value = "`+p.town.AppURL()+`/api/interactions" }
output "health_url" { value = "`+p.town.AppURL()+`/api/health" }
output "function_app" { value = "`+deploytest.App+`" }
output "resource_group" { value = "`+deploytest.Group+`" }
output "vault" { value = "`+deploytest.Vault+`" }
output "package" { value = "hearth-bot-windows-amd64.zip" }
output "state_backend" { value = { use_azuread_auth = "true" } }
`), 0o600))
	}
	config("one")
	run := func(says ...string) {
		t.Helper()
		p.out.Reset()
		p.log.Reset()
		if err := p.Do(t.Context()); err != nil {
			t.Fatalf("%v\n%s\n%s", err, p.out, p.log)
		}
		for _, s := range says {
			if !strings.Contains(p.out.String(), s) {
				t.Errorf("got\n%s\nwant %q in it", p.out, s)
			}
		}
		if strings.Contains(p.out.String()+p.log.String(), deploytest.Token) {
			t.Error("the token is shown, or in the log")
		}
	}
	run("1 to make, 0 to change, 0 to take away", "terraform_data.it: Creation complete", "dist/hearth-bot-windows-amd64.zip", "Done. Changed: what is in Azure, the token in the vault")
	next := *p.Deployment
	next = deploy.Deployment{Root: next.Root, Run: next.Run, Clock: next.Clock, Out: next.Out, Version: next.Version, Agree: next.Agree, Secret: next.Secret, DiscordURL: next.DiscordURL}
	p.Deployment = &next
	run("nothing: all is there", "Everything is as it should be: nothing was changed.")
	config("two")
	run("0 to make, 1 to change, 0 to take away", "changes:   terraform_data.it")
	for _, name := range []string{"terraform.tfstate", "terraform.tfstate.backup"} {
		if info, err := os.Stat(filepath.Join(p.Root, "infra", name)); err != nil || os.PathSeparator == '/' && info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v; want it for its owner alone", name, info, err)
		}
	}

	// Its own words of a mistake reach the keeper.
	must(t, os.WriteFile(filepath.Join(p.Root, "infra", "more.tf"), []byte(`variable "region" {
  type    = string
  default = "??"
  validation {
    condition     = var.region != "??"
    error_message = "region must be a region's short name, such as eastus2."
  }
}
`), 0o600))
	err = p.Do(t.Context())
	if failed, ok := errors.AsType[*deploy.Problem](err); !ok || !strings.Contains(failed.Says, "region must be a region's short name, such as eastus2.") {
		t.Errorf("got %v", err)
	}
}

// TestNobodyAgrees: nothing is made.
func TestNobodyAgrees(t *testing.T) {
	p := open(t)
	asked := 0
	p.Agree = func(string) bool { asked++; return false }
	if err := p.Do(t.Context()); !errors.Is(err, deploy.ErrLeft) || asked != 1 {
		t.Errorf("got %v, asked %d times", err, asked)
	}
	applied, token, published, _, err := p.town.Is()
	must(t, err)
	if applied || token != "" || published != "" {
		t.Errorf("something was done: %v, %q, %q", applied, token, published)
	}
}

// TestTokenIsAsked: it is asked for before anything is made, is checked, and gets into
// the vault as it is.
func TestTokenIsAsked(t *testing.T) {
	for name, tc := range map[string]struct {
		typed world.Secret
		says  string
	}{
		"right":               {deploytest.Token + "\n", ""},
		"the secret is gone":  {deploytest.Token, ""},
		"with the word Bot":   {"Bot " + deploytest.Token, "That is no token of a bot"},
		"another bot's":       {"canary-of-another", "Discord does not know the bot's token"},
		"nothing":             {"", "That is no token of a bot"},
		"another application": {deploytest.Token, "This token is that of another application (Hearth, " + simdiscord.DefaultApplicationID + ") than the one in infra/terraform.tfvars (1199)"},
	} {
		t.Run(name, func(t *testing.T) {
			p := open(t)
			if name == "the secret is gone" {
				must(t, p.town.Fault("secret-gone", 1))
			}
			if name == "another application" {
				must(t, os.WriteFile(filepath.Join(p.Root, filepath.FromSlash(deploy.VariablesFile)), []byte("subscription_id = \""+deploytest.Subscription+"\"\n  application_id = \"1199\"\n"), 0o600))
			}
			p.Token = ""
			p.Secret = func(string) (world.Secret, bool) { return tc.typed, true }
			err := p.Do(t.Context())
			applied, token, _, _, isErr := p.town.Is()
			must(t, isErr)
			if tc.says == "" {
				if err != nil || token != deploytest.Token {
					t.Errorf("got %v, and %q in the vault", err, token)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), tc.says) || strings.Contains(err.Error(), "canary") {
				t.Errorf("got %v, want %q in it, and no token", err, tc.says)
			}
			if applied {
				t.Error("Azure was changed before that")
			}
		})
	}
}

// TestRoot finds the checkout from a folder in it.
func TestRoot(t *testing.T) {
	root := t.TempDir()
	must(t, os.WriteFile(filepath.Join(root, "go.mod"), []byte("module hearth\n\ngo 1.26.0\n"), 0o600))
	inside := filepath.Join(root, "cmd", "hearth")
	must(t, os.MkdirAll(inside, 0o750))
	if got, err := deploy.Root(inside); err != nil || got != root {
		t.Errorf("got %q, %v; want %q", got, err, root)
	}
	if _, err := deploy.Root(t.TempDir()); err == nil {
		t.Error("another folder is taken for a checkout")
	}
}
