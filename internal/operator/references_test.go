package operator_test

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"hearth/internal/azure/vault"
	"hearth/internal/azure/vault/vaulttest"
	"hearth/internal/operator"
	"hearth/internal/settings"
)

// TestDoctorReferences: the keeper's settings are those that Azure lists, with
// references in them. That is as it should be; what can't be read of them is told,
// and whether that is wrong.
func TestDoctorReferences(t *testing.T) {
	const host, at = "hearth-ab12cd.vault.azure.net", "hearth-ab12cd"
	d := deploy(t)
	v := vaulttest.Serve()
	t.Cleanup(v.Close)
	list := maps.Clone(d.settings)
	for name, secret := range map[string]string{
		"DISCORD_BOT_TOKEN": "discord-bot-token", "HEARTH_BOT_KEY": "bot-key", "HEARTH_AGENT_KEY_MIDGARD": "agent-key-midgard",
	} {
		v.Put(host, secret, list[name])
		list[name] = "@Microsoft.KeyVault(SecretUri=https://" + host + "/secrets/" + secret + ")"
	}
	look := func() (wrong, unknown int, out string) {
		t.Helper()
		s := settings.Resolve(t.Context(), func(name string) string { return list[name] }, vault.New(vault.Options{Credential: &vaulttest.Credential{}, Transport: v.Client}))
		d.listed = &s
		return d.look()
	}
	wrong, unknown, out := look()
	if got, want := lines(out)["secrets"], "ok secrets: DISCORD_BOT_TOKEN, HEARTH_AGENT_KEY_MIDGARD, HEARTH_BOT_KEY: in the vault "+at; wrong+unknown != 0 || got != want {
		t.Errorf("%d wrong, %d unknown, %q:\n%s", wrong, unknown, got, out)
	}
	if got := lines(out)["settings"]; !strings.HasPrefix(got, "ok settings: they are all there") {
		t.Errorf("got %q", got)
	}
	// The app may read what the keeper may not.
	v.Refuse(host, "bot-key", vaulttest.Refusal(http.StatusForbidden, "Forbidden", "ForbiddenByRbac"))
	v.Refuse(host, "agent-key-midgard", vaulttest.Refusal(http.StatusForbidden, "Forbidden", "ForbiddenByRbac"))
	wrong, unknown, out = look()
	if want := "?     secrets: could not be looked at, because HEARTH_AGENT_KEY_MIDGARD, HEARTH_BOT_KEY: in the vault " + at + ", which you may not read: give yourself the role"; wrong != 0 || unknown != 1 || !strings.Contains(out, want) {
		t.Errorf("%d wrong, %d unknown, want 1 alone: %s\n%s", wrong, unknown, want, out)
	}
	// What is not there, nobody may read.
	v.Refuse(host, "bot-key", vaulttest.Refusal(http.StatusNotFound, vault.CodeNoSecret, ""))
	wrong, unknown, out = look()
	if want := "WRONG secrets: HEARTH_BOT_KEY is the secret bot-key of the vault " + at + ", which is not there: run hearth deploy"; wrong != 1 || unknown != 1 || !strings.Contains(out, want) {
		t.Errorf("%d wrong, %d unknown, want: %s\n%s", wrong, unknown, want, out)
	}
}

// TestRegisterReferences: who may not read a secret that registering does not need
// registers; who may not read the token is told why.
func TestRegisterReferences(t *testing.T) {
	d := deploy(t)
	getenv := func(name string) string { return d.settings[name] }
	refs := []settings.Reference{{Setting: "HEARTH_BOT_KEY", Secret: vault.Name{Vault: "hearth", Secret: "bot-key"}, Why: "which is not there"}}
	if _, err := operator.NewRegistration(getenv, "test", refs...); err != nil {
		t.Errorf("got %v", err)
	}
	d.settings["DISCORD_BOT_TOKEN"] = "@Microsoft.KeyVault(VaultName=hearth;SecretName=x)"
	refs = slices.Concat(refs, []settings.Reference{{Setting: "DISCORD_BOT_TOKEN", Secret: vault.Name{Vault: "hearth", Secret: "x"}, Why: "which you may not read"}})
	if _, err := operator.NewRegistration(getenv, "test", refs...); err == nil || !strings.HasSuffix(err.Error(), "\nDISCORD_BOT_TOKEN is the secret x of the vault hearth, which you may not read") {
		t.Errorf("got %v", err)
	}
}
