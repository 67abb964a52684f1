package vault_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"hearth/internal/azure/vault"
	"hearth/internal/azure/vault/vaulttest"
)

func TestParseReference(t *testing.T) {
	for text, want := range map[string]string{
		"@Microsoft.KeyVault(SecretUri=https://hearth-ab12cd.vault.azure.net/secrets/bot-key)":  "https://hearth-ab12cd.vault.azure.net/secrets/bot-key",
		"@Microsoft.KeyVault(SecretUri=https://hearth-ab12cd.vault.azure.net/secrets/bot-key/)": "https://hearth-ab12cd.vault.azure.net/secrets/bot-key",
		"@Microsoft.KeyVault(SecretUri=https://Hearth.vault.azure.net/secrets/x/0123abcd)":      "https://hearth.vault.azure.net/secrets/x/0123abcd",
		"@Microsoft.KeyVault(SecretUri=https://hearth.vault.usgovcloudapi.net/secrets/x)":       "https://hearth.vault.usgovcloudapi.net/secrets/x",
		"@Microsoft.KeyVault(VaultName=hearth;SecretName=password-midgard)":                     "https://hearth.vault.azure.net/secrets/password-midgard",
		"@Microsoft.KeyVault(VaultName=hearth;SecretName=x;SecretVersion=0123)":                 "https://hearth.vault.azure.net/secrets/x/0123",
		"@Microsoft.KeyVault(secretname=x; vaultname=hearth)":                                   "https://hearth.vault.azure.net/secrets/x",
		"@Microsoft.KeyVault(SecretUri=http://hearth.vault.azure.net/secrets/x)":                "",
		"@Microsoft.KeyVault(SecretUri=https://canary.example.com/secrets/x)":                   "",
		"@Microsoft.KeyVault(SecretUri=https://vault.azure.net/secrets/x)":                      "",
		"@Microsoft.KeyVault(SecretUri=https://hearth.vault.azure.net.example.com/secrets/x)":   "",
		"@Microsoft.KeyVault(SecretUri=https://canary@hearth.vault.azure.net/secrets/x)":        "",
		"@Microsoft.KeyVault(SecretUri=https://hearth.vault.azure.net:8443/secrets/x)":          "",
		"@Microsoft.KeyVault(SecretUri=https://example.com%2f.vault.azure.net/secrets/x)":       "",
		"@Microsoft.KeyVault(SecretUri=https://hearth.vault.azure.net/keys/x)":                  "",
		"@Microsoft.KeyVault(SecretUri=https://hearth.vault.azure.net/secrets/)":                "",
		"@Microsoft.KeyVault(SecretUri=https://hearth.vault.azure.net/secrets/x/y/z)":           "",
		"@Microsoft.KeyVault(SecretUri=https://hearth.vault.azure.net/secrets/..%2Fkeys)":       "",
		"@Microsoft.KeyVault(SecretUri=https://hearth.vault.azure.net/secrets/x?canary=1)":      "",
		"@Microsoft.KeyVault(VaultName=canary.example.com/;SecretName=x)":                       "",
		"@Microsoft.KeyVault(VaultName=hearth)":                                                 "",
		"@Microsoft.KeyVault(SecretUri=https://hearth.vault.azure.net/secrets/x":                "",
		"@Microsoft.KeyVault()": "",
		"canary":                "",
	} {
		n, err := vault.ParseReference(text)
		switch {
		case want == "" && (err == nil || strings.Contains(err.Error(), "canary")):
			t.Errorf("%s: got %s, %v; want an error that does not repeat it", text, n.URL(), err)
		case want != "" && (err != nil || n.URL() != want):
			t.Errorf("%s: got %s, %v; want %s", text, n.URL(), err, want)
		}
	}
}

// FuzzParseReference: whatever a setting says, what is asked is a vault.
func FuzzParseReference(f *testing.F) {
	f.Add("@Microsoft.KeyVault(SecretUri=https://hearth.vault.azure.net/secrets/x)")
	f.Add("@Microsoft.KeyVault(VaultName=hearth;SecretName=x;SecretVersion=1)")
	f.Fuzz(func(t *testing.T, text string) {
		n, err := vault.ParseReference(text)
		if err != nil {
			return
		}
		req, err := http.NewRequest(http.MethodGet, n.URL(), http.NoBody)
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		ok := false
		for _, suffix := range []string{".vault.azure.net", ".vault.usgovcloudapi.net", ".vault.azure.cn"} {
			ok = ok || strings.HasSuffix(req.URL.Host, suffix)
		}
		if !ok || req.URL.Scheme != "https" || !strings.HasPrefix(req.URL.Path, "/secrets/") {
			t.Errorf("%q: %s", text, n.URL())
		}
	})
}

func TestGet(t *testing.T) {
	const host = "hearth.vault.azure.net"
	v := vaulttest.Serve()
	t.Cleanup(v.Close)
	v.Put(host, "bot-key", "canary-of-the-key")
	v.Put(host, "bot-key/0123", "canary-of-the-old-key")
	v.Put(host, "large", strings.Repeat("x", 25<<10))
	v.Refuse(host, "role", vaulttest.Refusal(http.StatusForbidden, "Forbidden", "ForbiddenByRbac"))
	v.Refuse(host, "disabled", vaulttest.Refusal(http.StatusForbidden, "Forbidden", vault.CodeDisabled))
	v.Refuse(host, "odd", vaulttest.Refusal(http.StatusForbidden, "canary, and more", ""))
	v.Refuse(host, "away", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "https://canary.example.com/", http.StatusFound)
	})
	v.Refuse(host, "nonsense", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("canary")) })
	v.Refuse(host, "without", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"id":"canary"}`)) })
	v.Refuse(host, "endless", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"value":"` + strings.Repeat("canary", 1<<16) + `"}`))
	})
	c := vault.New(vault.Options{Credential: &vaulttest.Credential{}, Transport: v.Client})
	for _, tt := range []struct {
		name    vault.Name
		want    string // or
		refused *vault.Error
		says    string
	}{
		{name: vault.Name{Vault: "hearth", Secret: "bot-key"}, want: "canary-of-the-key"},
		{name: vault.Name{Vault: "hearth", Secret: "bot-key", Version: "0123"}, want: "canary-of-the-old-key"},
		{name: vault.Name{Vault: "hearth", Secret: "large"}, want: strings.Repeat("x", 25<<10)},
		{name: vault.Name{Vault: "hearth", Secret: "none"}, refused: &vault.Error{Status: 404, Code: vault.CodeNoSecret}},
		{name: vault.Name{Vault: "hearth", Secret: "role"}, refused: &vault.Error{Status: 403, Code: "ForbiddenByRbac"}},
		{name: vault.Name{Vault: "hearth", Secret: "disabled"}, refused: &vault.Error{Status: 403, Code: vault.CodeDisabled}},
		{name: vault.Name{Vault: "hearth", Secret: "odd"}, refused: &vault.Error{Status: 403}},
		{name: vault.Name{Vault: "hearth", Secret: "away"}, refused: &vault.Error{Status: 302}},
		{name: vault.Name{Vault: "hearth", Secret: "nonsense"}, says: "is none"},
		{name: vault.Name{Vault: "hearth", Secret: "without"}, says: "is none"},
		{name: vault.Name{Vault: "hearth", Secret: "endless"}, says: "is none"},
		{name: vault.Name{Vault: "hearth", Secret: "../keys/x"}, says: "a secret's name"},
		{name: vault.Name{Vault: "hearth", Suffix: "example.com", Secret: "x"}, says: "ends in one of vault.azure.net"},
	} {
		got, err := c.Get(t.Context(), tt.name)
		refused, _ := errors.AsType[*vault.Error](err)
		switch {
		case err != nil && strings.Contains(err.Error(), "canary"):
			t.Errorf("%s: the error repeats the answer: %v", tt.name, err)
		case tt.want != "" && (err != nil || got.Reveal() != tt.want):
			t.Errorf("%s: got %d bytes, %v", tt.name, len(got), err)
		case tt.refused != nil && (refused == nil || *refused != *tt.refused):
			t.Errorf("%s: got %v, want %v", tt.name, err, tt.refused)
		case tt.says != "" && (err == nil || !strings.Contains(err.Error(), tt.says)):
			t.Errorf("%s: got %v, want %q", tt.name, err, tt.says)
		}
	}
}

// TestOneToken: whoever asks for many secrets at once runs the Azure CLI once.
func TestOneToken(t *testing.T) {
	v := vaulttest.Serve()
	t.Cleanup(v.Close)
	login := &vaulttest.Credential{}
	c := vault.New(vault.Options{Credential: login, Transport: v.Client})
	var all sync.WaitGroup
	for i := range 10 {
		name := fmt.Sprintf("s%d", i)
		v.Put("hearth.vault.azure.net", name, "x")
		all.Go(func() {
			if _, err := c.Get(t.Context(), vault.Name{Vault: "hearth", Secret: name}); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if login.Given() != 1 || v.Asked() != 10 {
		t.Errorf("%d tokens for %d requests", login.Given(), v.Asked())
	}
}

// TestNoToken: a credential that gives none is asked once, and the vault not.
func TestNoToken(t *testing.T) {
	v := vaulttest.Serve()
	t.Cleanup(v.Close)
	v.Put("hearth.vault.azure.net", "x", "x")
	login := &vaulttest.Credential{Err: errors.New("run az login")}
	_, err := vault.New(vault.Options{Credential: login, Transport: v.Client}).Get(t.Context(), vault.Name{Vault: "hearth", Secret: "x"})
	if token, ok := errors.AsType[*vault.TokenError](err); !ok || token.Err.Error() != "run az login" || login.Given() != 1 || v.Asked() != 0 {
		t.Errorf("got %v after %d tokens and %d requests", err, login.Given(), v.Asked())
	}
}

// TestOtherClouds: a token is for the vault's own cloud.
func TestOtherClouds(t *testing.T) {
	v := vaulttest.Serve()
	t.Cleanup(v.Close)
	v.Put("hearth.vault.azure.cn", "x", "x")
	_, err := vault.New(vault.Options{Credential: &vaulttest.Credential{}, Transport: v.Client}).Get(t.Context(), vault.Name{Vault: "hearth", Suffix: "vault.azure.cn", Secret: "x"})
	if refused, ok := errors.AsType[*vault.Error](err); !ok || refused.Status != http.StatusUnauthorized {
		t.Errorf("got %v, want 401: the token is the public cloud's", err)
	}
	if !vault.IsScope("https://vault.azure.cn/.default") || vault.IsScope("https://management.azure.com/.default") {
		t.Error("scopes")
	}
}
