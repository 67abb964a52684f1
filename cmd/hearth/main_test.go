package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"hearth": main})
}

// TestJourneys plays testdata/script/*.txtar: each is a user's evening, or a
// mistake and its answer.
func TestJourneys(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(e *testscript.Env) error {
			e.Setenv("HOME", e.WorkDir)
			script, err := readmeScript()
			if err != nil {
				return err
			}
			return os.WriteFile(filepath.Join(e.WorkDir, "readme.txt"), []byte(script), 0o600)
		},
		UpdateScripts: os.Getenv("UPDATE_SCRIPTS") != "",
	})
}

// readmeScript is the journey that the README shows.
func readmeScript() (string, error) {
	b, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		return "", err
	}
	_, tail, ok := strings.Cut(string(b), "```\nAna: /start\n")
	script, _, ended := strings.Cut(tail, "```")
	if !ok || !ended {
		return "", errors.New("the README shows no journey that begins with \"Ana: /start\"")
	}
	return "Ana: /start\n" + script, nil
}
