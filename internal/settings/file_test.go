package settings_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hearth/internal/settings"
)

func TestFromFile(t *testing.T) {
	for name, tc := range map[string]struct {
		text string
		says string // of the error; empty: read
	}{
		"lines":           {"# mine\r\n\r\nA = canary=1\r\nB={\"x\": \"# y\"}\r\n", ""},
		"with a mark":     {"\ufeffA=canary=1\nB={\"x\": \"# y\"}", ""},
		"local settings":  {`{"IsEncrypted": false, "Values": {"A": "canary=1", "B": "{\"x\": \"# y\"}"}}`, ""},
		"az":              {`[{"name": "A", "slotSetting": false, "value": "canary=1"}, {"name": "B", "value": "{\"x\": \"# y\"}"}]`, ""},
		"no equals sign":  {"A=1\ncanary", "line 2 is not NAME=VALUE"},
		"export":          {"export A=canary", "line 1 is not NAME=VALUE"},
		"twice":           {"A=1\nA=canary", "line 2 sets A again"},
		"encrypted":       {`{"IsEncrypted": true, "Values": {"A": "canary"}}`, "func settings decrypt"},
		"another object":  {`{"A": "canary"}`, "IsEncrypted"},
		"broken object":   {`{"Values": {"A": "canary"`, "IsEncrypted"},
		"another list":    {`["canary"]`, "appsettings list"},
		"values by types": {`{"Values": {"A": 1}}`, "IsEncrypted"},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "settings")
			if err := os.WriteFile(file, []byte(tc.text), 0o600); err != nil {
				t.Fatal(err)
			}
			get, err := settings.FromFile(file)
			if tc.says != "" {
				if err == nil || !strings.Contains(err.Error(), tc.says) || strings.Contains(err.Error(), "canary") {
					t.Errorf("got %v, want %q and no value", err, tc.says)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if a, b, c := get("A"), get("B"), get("C"); a != "canary=1" || b != `{"x": "# y"}` || c != "" {
				t.Errorf("got %q, %q, %q", a, b, c)
			}
		})
	}
	if _, err := settings.FromFile(filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("a file that is not there was read")
	}
}
