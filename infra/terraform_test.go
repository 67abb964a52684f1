// Package infra_test tries the deployment without a cloud.
//
// Terraform itself is asked wherever it knows: `terraform test` with providers that
// are played (tests/*.tftest.hcl). The rest, such as what must never be destroyed,
// is read in the files.
package infra_test

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// root is a copy of this folder in which Terraform's commands work.
type root struct {
	dir     string
	program string
}

// open copies this folder and lets Terraform find its modules and providers, which
// TestMain says where to take from.
func open(t *testing.T) root {
	t.Helper()
	program, err := exec.LookPath("terraform")
	if err != nil {
		t.Skip("terraform is not installed (developer.hashicorp.com/terraform/install, 1.11 or newer)")
	}
	r := root{dir: t.TempDir(), program: program}
	for _, pattern := range []string{"*.tf", "tests/*", "tests/mocks/*", "vm/*"} {
		names, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			r.copy(t, name)
		}
	}
	if out, err := r.run(t, "get"); err != nil {
		t.Fatalf("terraform get: %v\n%s", err, out)
	}
	// Providers that are named for development need no init, and could not have it.
	if out, _ := r.run(t, "validate"); !strings.Contains(out, "terraform init") {
		return r
	}
	out, err := r.run(t, "init", "-backend=false", "-input=false")
	switch {
	case err == nil:
		return r
	case strings.Contains(out, "Failed to query available provider packages"), strings.Contains(out, "Failed to install provider"):
		t.Skipf("Terraform's providers can't be had here:\n%s", out)
	}
	t.Fatalf("terraform init: %v\n%s", err, out)
	return r
}

// refusals are tests of the variables alone.
const refusals = "worlds_refusals.tftest.hcl"

// variables is a root of the variables alone. No resource has a say in what they
// refuse, and with all of them each case would take seconds.
func variables(t *testing.T, program string) root {
	t.Helper()
	r := root{t.TempDir(), program}
	for _, name := range []string{"variables.tf", "tests/deployment.auto.tfvars", "tests/" + refusals, "tests/mocks/azurerm.tfmock.hcl", "tests/mocks/random.tfmock.hcl"} {
		r.copy(t, name)
	}
	return r
}

func (r root) copy(t *testing.T, name string) {
	t.Helper()
	info, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	if info.IsDir() || strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "backend.tf") {
		return
	}
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	r.write(t, name, string(text))
}

func (r root) write(t *testing.T, name, text string) {
	t.Helper()
	to := filepath.Join(r.dir, name)
	if err := errors.Join(os.MkdirAll(filepath.Dir(to), 0o755), os.WriteFile(to, []byte(text), 0o644)); err != nil {
		t.Fatal(err)
	}
}

// run runs a command of Terraform's and gives what it printed.
func (r root) run(t *testing.T, args ...string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), r.program, args...)
	cmd.Dir = r.dir
	cmd.Env = append(os.Environ(), "TF_IN_AUTOMATION=1", "CHECKPOINT_DISABLE=1", "TF_CLI_ARGS=-no-color")
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// failed names the runs of a `terraform test` that did not pass, as file: run.
func failed(out string) []string {
	var names []string
	file := ""
	for line := range strings.Lines(out) {
		if m := regexp.MustCompile(`^(\S+\.tftest\.hcl)\.\.\. in progress`).FindStringSubmatch(line); m != nil {
			file = filepath.Base(m[1])
		}
		if m := regexp.MustCompile(`^\s+run "([^"]+)"\.\.\. fail`).FindStringSubmatch(line); m != nil {
			names = append(names, file+": "+m[1])
		}
	}
	return names
}

// TestTerraform: the files are as `terraform fmt` writes them, they are valid, and
// every run of tests/*.tftest.hcl passes.
func TestTerraform(t *testing.T) {
	r := open(t)
	if out, err := r.run(t, "fmt", "-check", "-recursive", "-diff"); err != nil {
		t.Errorf("not formatted (terraform fmt -recursive infra): %v\n%s", err, out)
	}
	if out, err := r.run(t, "validate"); err != nil {
		t.Fatalf("terraform validate: %v\n%s", err, out)
	}
	files, err := fs.Glob(os.DirFS(r.dir), "tests/*.tftest.hcl")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files of tests, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			r := r
			if filepath.Base(file) == refusals {
				r = variables(t, r.program)
			}
			out, err := r.run(t, "test", "-filter="+file)
			if err != nil || !regexp.MustCompile(`(?m)^Success! [1-9]`).MatchString(out) {
				t.Errorf("terraform test: %v; failed: %q\n%s", err, failed(out), out)
			}
		})
	}
}
