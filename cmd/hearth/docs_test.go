package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"hearth/internal/world"
)

// manual is what the documents say, all in one.
func manual(t *testing.T) string {
	t.Helper()
	var all strings.Builder
	for _, name := range []string{"README.md", "CONTRIBUTING.md", "docs/architecture.md", "docs/bot.md", "docs/cost.md", "docs/deploy.md"} {
		b, err := os.ReadFile(filepath.Join("..", "..", name))
		if err != nil {
			t.Fatal(err)
		}
		all.Write(b)
	}
	return all.String()
}

// TestDocsFlags: every flag that the documents give to the program is one.
func TestDocsFlags(t *testing.T) {
	var help, trouble strings.Builder
	for _, command := range []string{"up", "explain", "probe", "register", "doctor", "init", "deploy", "remote-state"} {
		if code := run(t.Context(), []string{"hearth", command, "--help"}, os.Getenv, nil, &help, &trouble); code != exitOK {
			t.Fatalf("hearth %s --help: code %d: %s", command, code, trouble.String())
		}
	}
	flags := regexp.MustCompile(`--[a-z][a-z-]*`).FindAllString(manual(t), -1)
	if len(flags) == 0 {
		t.Fatal("the documents name no flag")
	}
	for _, f := range flags {
		if !regexp.MustCompile(regexp.QuoteMeta(f) + `\b`).MatchString(help.String()) {
			t.Errorf("the documents name %s, which is no flag of the program", f)
		}
	}
}

// TestDocsWorlds: every HEARTH_WORLDS that the documents show is taken.
func TestDocsWorlds(t *testing.T) {
	shown := regexp.MustCompile(`HEARTH_WORLDS='([^']*)'`).FindAllStringSubmatch(manual(t), -1)
	if len(shown) == 0 {
		t.Fatal("the documents show no HEARTH_WORLDS")
	}
	for _, m := range shown {
		if _, err := world.ParseWorlds(m[1]); err != nil {
			t.Errorf("%s: %v", m[1], err)
		}
	}
}
