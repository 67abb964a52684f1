package main

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hearth/internal/azure/vault/vaulttest"
	"hearth/internal/operator"
)

// TestSettingsOfAVault: what Azure lists of an app's settings is enough to register
// with, for whoever may read its secrets.
func TestSettingsOfAVault(t *testing.T) {
	t.Setenv("PATH", t.TempDir()) // no Azure CLI
	s := newServer(t)
	v := vaulttest.Serve()
	t.Cleanup(v.Close)
	v.Put("hearth-ab12cd.vault.azure.net", "discord-bot-token", canaryToken)
	s.settings["DISCORD_BOT_TOKEN"] = "@Microsoft.KeyVault(SecretUri=https://hearth-ab12cd.vault.azure.net/secrets/discord-bot-token)"
	var list []map[string]any
	for name, value := range s.settings {
		list = append(list, map[string]any{"name": name, "slotSetting": false, "value": value})
	}
	text, err := json.Marshal(list)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "settings.json")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	register := func(token string) (out string, err error) {
		var stdout, stderr strings.Builder
		e := &env{
			ctx: t.Context(), stdin: strings.NewReader(""), stdout: &stdout, stderr: &stderr, vaults: v.Client,
			getenv: func(name string) string { return map[string]string{operator.VaultTokenVariable: token}[name] },
		}
		err = registerCommand{settingsFlag: settingsFlag{Settings: file}, Yes: true}.Run(e)
		out = stdout.String() + stderr.String()
		if strings.Contains(out, "canary") {
			t.Errorf("it shows a secret:\n%s", out)
		}
		return out, err
	}
	if out, err := register(""); !errors.Is(err, exitCode(exitUsage)) || !strings.Contains(out, "DISCORD_BOT_TOKEN is the secret discord-bot-token of the vault hearth-ab12cd, which can't be read: nobody is logged in to Azure here") ||
		!strings.Contains(out, "set AZURE_VAULT_TOKEN to what az account get-access-token --scope https://vault.azure.net/.default ") {
		t.Errorf("not logged in: %v\n%s", err, out)
	}
	if out, err := register(vaulttest.Token + "-of-another"); !errors.Is(err, exitCode(exitUsage)) || !strings.Contains(out, "the vault does not know your login") {
		t.Errorf("logged in as another: %v\n%s", err, out)
	}
	if out, err := register(vaulttest.Token); err != nil || len(commandNames(t, s)) == 0 {
		t.Errorf("got %v, %d commands:\n%s", err, len(commandNames(t, s)), out)
	}
}
