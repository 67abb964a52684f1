package main

import (
	"os/exec"
	"strings"
	"testing"
)

// TestDependencies: what costs every start its initialisation, and is known to,
// stays out (docs/adr/0024-the-app-asks-for-its-own-tokens.md).
func TestDependencies(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(out), "hearth/internal/azure/identity\n") {
		t.Errorf("the list of packages has not the bot's own:\n%s", out)
	}
	for pkg := range strings.Lines(string(out)) {
		for _, no := range []string{"/sdk/azidentity", "microsoft-authentication-library", "/storage/azblob", "text/template", "modernc.org/sqlite"} {
			if strings.Contains(pkg, no) {
				t.Errorf("the bot imports %s", pkg)
			}
		}
	}
}
