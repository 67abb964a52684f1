package infra_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestMain(m *testing.M) {
	code := 1
	dir, err := os.MkdirTemp("", "hearth-terraform-")
	if err == nil {
		if err = prepare(dir); err == nil {
			code = m.Run()
		}
		err = errors.Join(err, os.RemoveAll(dir))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(code)
}

// prepare sets, for all tests, where Terraform is, and where its providers come
// from if neither who runs the tests says so nor they come from the registry: a
// machine that can't reach it has what stands for them beside the clone.
func prepare(dir string) error {
	tools, err := filepath.Abs("../bin/tools")
	if err != nil {
		return err
	}
	if err := os.Setenv("PATH", os.Getenv("PATH")+string(os.PathListSeparator)+tools); err != nil {
		return err
	}
	if _, err := exec.LookPath("terraform"); err != nil {
		return nil // the tests say so
	}
	if _, err := os.Stat(os.Getenv("TF_CLI_CONFIG_FILE")); err == nil {
		return nil
	}
	setups, err := filepath.Glob("../../*/tools/terraform-offline/setup.sh")
	if err != nil {
		return err
	}
	if len(setups) == 0 {
		return nil
	}
	setup := exec.Command("sh", setups[0], dir)
	setup.Stderr = os.Stderr
	out, err := setup.Output()
	if err != nil {
		return fmt.Errorf("prepare Terraform's providers: %w", err)
	}
	return os.Setenv("TF_CLI_CONFIG_FILE", strings.TrimSpace(string(out)))
}
