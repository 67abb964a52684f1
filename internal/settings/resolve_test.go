package settings_test

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"hearth/internal/azure/vault"
	"hearth/internal/azure/vault/vaulttest"
	"hearth/internal/settings"
	"hearth/internal/settings/settingstest"
)

const vaultHost = "hearth-ab12cd.vault.azure.net"

func reference(secret string) string {
	return "@Microsoft.KeyVault(SecretUri=https://" + vaultHost + "/secrets/" + secret + ")"
}

// deployed is a deployment whose secrets are in a vault.
func deployed(v *vaulttest.Vaults) map[string]string {
	set := settingstest.Deployment()
	for name, secret := range map[string]string{
		"DISCORD_BOT_TOKEN": "discord-bot-token", "HEARTH_BOT_KEY": "bot-key", "HEARTH_PASSWORD_MIDGARD": "password-midgard",
		"HEARTH_AGENT_KEY_MIDGARD": "agent-key-midgard", "HEARTH_AGENT_KEY_OUR_WORLD": "agent-key-our-world",
	} {
		v.Put(vaultHost, secret, set[name])
		set[name] = reference(secret)
	}
	set["HEARTH_AGENT_KEY_OUR_WORLD"] = "@Microsoft.KeyVault(VaultName=hearth-ab12cd;SecretName=agent-key-our-world)"
	set["SOMETHING_ELSE"] = reference("of-nobody-here")
	return set
}

func serveVaults(t *testing.T) *vaulttest.Vaults {
	t.Helper()
	v := vaulttest.Serve()
	t.Cleanup(v.Close)
	return v
}

func client(v *vaulttest.Vaults, c *vaulttest.Credential) *vault.Client {
	return vault.New(vault.Options{Credential: c, Transport: v.Client})
}

// TestResolve: references become what they refer to, over the wire, and nothing is
// asked for that nobody reads.
func TestResolve(t *testing.T) {
	v := serveVaults(t)
	set := deployed(v)
	v.Put(vaultHost, "worlds", set["HEARTH_WORLDS"])
	set["HEARTH_WORLDS"] = reference("worlds")
	s := settings.Resolve(t.Context(), settingstest.Lookup(set, nil), client(v, &vaulttest.Credential{}))
	c, err := s.Load()
	if err != nil {
		t.Fatal(err)
	}
	if c.Token.Reveal() != settingstest.BotToken || c.NoToken != nil || c.BotKey.Reveal() != settingstest.BotKey || string(c.KeyOf("our-world")) != settingstest.OtherKey || c.Worlds[0].Password.Reveal() != "canary-of-the-game" {
		t.Errorf("token %v, keys of %d bytes and %d", c.NoToken, len(c.BotKey), len(c.KeyOf("our-world")))
	}
	var names []string
	for _, r := range s.References {
		names = append(names, r.Setting+" "+r.Secret.Secret+r.Why)
	}
	want := []string{
		"DISCORD_BOT_TOKEN discord-bot-token", "HEARTH_AGENT_KEY_MIDGARD agent-key-midgard", "HEARTH_AGENT_KEY_OUR_WORLD agent-key-our-world",
		"HEARTH_BOT_KEY bot-key", "HEARTH_PASSWORD_MIDGARD password-midgard", "HEARTH_WORLDS worlds",
	}
	if !slices.Equal(names, want) || v.Asked() != len(want) {
		t.Errorf("got %q after %d requests, want %q", names, v.Asked(), want)
	}
	if got := s.Getenv("SOMETHING_ELSE"); got != set["SOMETHING_ELSE"] {
		t.Errorf("another's setting became %q", got)
	}
}

// TestResolveNothing: without a reference nobody is asked for anything.
func TestResolveNothing(t *testing.T) {
	v := serveVaults(t)
	login := &vaulttest.Credential{}
	s := settings.Resolve(t.Context(), settingstest.Lookup(settingstest.Deployment(), nil), client(v, login))
	if _, err := s.Load(); err != nil || len(s.References) != 0 || v.Asked()+login.Given() != 0 {
		t.Errorf("got %v, %d references, %d requests", err, len(s.References), v.Asked())
	}
}

// TestUnresolved: one secret is not to be had, and its setting says why. The others
// are.
func TestUnresolved(t *testing.T) {
	const secret = "bot-key"
	refuse := func(status int, code string) func(*vaulttest.Vaults, map[string]string) {
		return func(v *vaulttest.Vaults, _ map[string]string) {
			v.Refuse(vaultHost, secret, vaulttest.Refusal(status, "Forbidden", code))
		}
	}
	is := func(value string) func(*vaulttest.Vaults, map[string]string) {
		return func(v *vaulttest.Vaults, set map[string]string) {
			v.Put(vaultHost, secret, value)
			if vault.IsReference(value) && !strings.Contains(value, secret) {
				set["HEARTH_BOT_KEY"] = value
			}
		}
	}
	for name, tc := range map[string]struct {
		do     func(*vaulttest.Vaults, map[string]string)
		says   string
		unseen bool
	}{
		"not there":       {is(reference("canary-gone")), "HEARTH_BOT_KEY is the secret canary-gone of the vault hearth-ab12cd, which is not there: run hearth deploy", false},
		"no such vault":   {is("@Microsoft.KeyVault(VaultName=nowhere;SecretName=x)"), "HEARTH_BOT_KEY is the secret x of the vault nowhere, and there is no such vault", false},
		"not a vault":     {is("@Microsoft.KeyVault(SecretUri=https://example.com/secrets/x)"), "HEARTH_BOT_KEY is a Key Vault reference, which is misformed: a vault's address ends in", false},
		"not for you":     {refuse(403, "ForbiddenByRbac"), "which you may not read: give yourself the role Key Vault Secrets User", true},
		"behind a wall":   {refuse(403, vault.CodeFirewall), "and the vault's firewall lets nobody in from here", true},
		"disabled":        {refuse(403, vault.CodeDisabled), "which is disabled", false},
		"another tenant":  {refuse(401, ""), "and the vault does not know your login: run az login", true},
		"too many":        {refuse(400, ""), "and the vault answers 400", true},
		"empty":           {is(""), "which is empty", false},
		"a reference too": {is(reference(secret)), "which is a reference itself", false},
	} {
		t.Run(name, func(t *testing.T) {
			v := serveVaults(t)
			set := deployed(v)
			tc.do(v, set)
			s := settings.Resolve(t.Context(), settingstest.Lookup(set, nil), client(v, &vaulttest.Credential{}))
			c, err := s.Load()
			if err == nil || !strings.Contains(err.Error(), tc.says) || !strings.Contains(err.Error(), "1 things") {
				t.Errorf("got %v\nwant %s", err, tc.says)
			}
			if err != nil && strings.Contains(strings.ReplaceAll(err.Error(), "canary-gone", ""), "canary") {
				t.Errorf("the error shows a secret: %v", err)
			}
			if c.Token.Reveal() != settingstest.BotToken {
				t.Error("the token went with it")
			}
			for _, r := range s.References {
				if (r.Setting == "HEARTH_BOT_KEY") != (r.Err() != nil) || r.Unseen != (r.Err() != nil && tc.unseen) {
					t.Errorf("%s: %v, unseen %v", r.Setting, r.Err(), r.Unseen)
				}
			}
		})
	}
}

// TestNobodyIsLoggedIn: it is found out once, and is the reason of all.
func TestNobodyIsLoggedIn(t *testing.T) {
	v := serveVaults(t)
	login := &vaulttest.Credential{Err: errors.New("the Azure CLI gives no token: run az login, then try again")}
	s := settings.Resolve(t.Context(), settingstest.Lookup(deployed(v), nil), client(v, login))
	c, err := s.Load()
	const says = "which can't be read: the Azure CLI gives no token: run az login"
	if n := strings.Count(err.Error(), says); n != 4 || c.NoToken == nil || !strings.Contains(c.NoToken.Error(), says) {
		t.Errorf("%d settings of 4 say it: %v; the token: %v", n, err, c.NoToken)
	}
	if login.Given() != 1 || v.Asked() != 0 {
		t.Errorf("%d tokens, %d requests", login.Given(), v.Asked())
	}
}

// TestUnreachable: a vault that no answer comes from is not said to be wrong.
func TestUnreachable(t *testing.T) {
	v := serveVaults(t)
	set := deployed(v)
	v.Refuse(vaultHost, "bot-key", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	s := settings.Resolve(t.Context(), settingstest.Lookup(set, nil), client(v, &vaulttest.Credential{}))
	i := slices.IndexFunc(s.References, func(r settings.Reference) bool { return r.Why != "" })
	if i < 0 || !s.References[i].Unseen || !strings.Contains(s.References[i].Err().Error(), "can't be reached from here") {
		t.Errorf("got %+v", s.References)
	}
}

var _ settings.Secrets = (*vault.Client)(nil)
