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

// prepare sets, for all tests, where Terraform is and where its providers come
// from: from where who runs the tests says; or from what a machine without a
// registry has beside the clone; or from the registry, once.
func prepare(dir string) error {
	tools, err1 := filepath.Abs("../bin/tools")
	cache, err2 := filepath.Abs("../bin/terraform-providers")
	if err1 != nil || err2 != nil {
		return fmt.Errorf("find the tools: %w, %w", err1, err2)
	}
	set := map[string]string{"PATH": os.Getenv("PATH") + string(os.PathListSeparator) + tools}
	_, given := os.Stat(os.Getenv("TF_CLI_CONFIG_FILE"))
	setups, err := filepath.Glob("../../*/tools/terraform-offline/setup.sh")
	if err != nil {
		return err
	}
	switch {
	case given == nil:
	case len(setups) > 0:
		setup := exec.Command("sh", setups[0], dir)
		setup.Stderr = os.Stderr
		out, err := setup.Output()
		if err != nil {
			return fmt.Errorf("prepare Terraform's providers: %w", err)
		}
		set["TF_CLI_CONFIG_FILE"] = strings.TrimSpace(string(out))
	case os.Getenv("TF_PLUGIN_CACHE_DIR") == "":
		if err := os.MkdirAll(cache, 0o755); err != nil {
			return err
		}
		set["TF_PLUGIN_CACHE_DIR"] = cache
	}
	for name, value := range set {
		if err := os.Setenv(name, value); err != nil {
			return err
		}
	}
	return nil
}
