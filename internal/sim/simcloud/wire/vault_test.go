package wire_test

import (
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"hearth/internal/sim/simcloud/wire"
	"hearth/internal/world/worldtest"
)

const (
	client    = "01234567-89ab-cdef-0123-456789abcdef"
	other     = "fedcba98-89ab-cdef-0123-456789abcdef"
	forVault  = "https://vault.azure.net"
	tokenPath = "/metadata/identity/oauth2/token?api-version=2018-02-01"
)

func identities(t *testing.T, ids ...string) (*wire.Handler, *wire.Tenant, *worldtest.Clock) {
	t.Helper()
	s, clock := still(t)
	tenant := wire.NewTenant(clock, time.Hour)
	return wire.New(s.cloud, s.vms[0].ID, wire.Options{Tenant: tenant, Identities: ids}), tenant, clock
}

// tokenFor is what the identity gets for a resource.
func tokenFor(t *testing.T, h http.Handler, clientID, resource string) string {
	t.Helper()
	status, body := ask(t, h, http.MethodGet, tokenPath+"&client_id="+clientID+"&resource="+url.QueryEscape(resource), "")
	var doc map[string]string
	if status != http.StatusOK || json.Unmarshal([]byte(body), &doc) != nil {
		t.Fatalf("token for %s: %d %s", resource, status, body)
	}
	return doc["access_token"]
}

// TestIdentityTokens: what others look for in a token, such as Azurite's basic
// authentication, is in it.
func TestIdentityTokens(t *testing.T) {
	h, _, clock := identities(t, client, other)
	for _, resource := range []string{"https://storage.azure.com/", forVault} {
		parts := strings.Split(tokenFor(t, h, client, resource), ".")
		if len(parts) != 3 {
			t.Fatalf("a token of %d parts is no JWT", len(parts))
		}
		b, err := base64.RawURLEncoding.DecodeString(parts[1])
		must(t, err)
		var claims struct {
			Aud, Iss, AppID string
			Iat, Nbf, Exp   int64
		}
		must(t, json.Unmarshal(b, &claims))
		now := clock.Now().Unix()
		if claims.Aud != resource || !strings.HasPrefix(claims.Iss, "https://sts.windows.net/") || claims.AppID != client ||
			claims.Nbf > now || claims.Iat > now || claims.Exp != now+3600 {
			t.Errorf("a token says %s, now is %d", b, now)
		}
	}
}

func TestIdentityRefuses(t *testing.T) {
	all, _, _ := identities(t, client, other)
	none, _, _ := identities(t)
	for _, c := range []struct {
		name   string
		h      http.Handler
		method string
		target string
		header []string
		status int
		says   string
	}{
		{"no header", all, http.MethodGet, tokenPath + "&resource=r&client_id=" + client, []string{"Metadata", ""}, 400, "Required metadata header"},
		{"forwarded", all, http.MethodGet, tokenPath + "&resource=r&client_id=" + client, []string{"X-Forwarded-For", "10.0.0.9"}, 400, "X-Forwarded-For"},
		{"a POST", all, http.MethodPost, tokenPath + "&resource=r&client_id=" + client, nil, 405, "not allowed"},
		{"no version", all, http.MethodGet, "/metadata/identity/oauth2/token?resource=r&client_id=" + client, nil, 400, "api-version"},
		{"no resource", all, http.MethodGet, tokenPath + "&client_id=" + client, nil, 400, "audience"},
		{"which of two", all, http.MethodGet, tokenPath + "&resource=r", nil, 400, "Multiple user assigned identities"},
		{"a foreign one", all, http.MethodGet, tokenPath + "&resource=r&client_id=11111111-89ab-cdef-0123-456789abcdef", nil, 400, `"error_description":"Identity not found"`},
		{"none assigned", none, http.MethodGet, tokenPath + "&resource=r", nil, 400, `"error_description":"Identity not found"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if status, body := ask(t, c.h, c.method, c.target, "", c.header...); status != c.status || !strings.Contains(body, c.says) {
				t.Errorf("%d %s, want %d and %q", status, body, c.status, c.says)
			}
		})
	}
	one, _, _ := identities(t, client)
	if status, body := ask(t, one, http.MethodGet, tokenPath+"&resource=r", ""); status != http.StatusOK {
		t.Errorf("the only identity, not named: %d %s", status, body)
	}
}

func TestVault(t *testing.T) {
	h, tenant, clock := identities(t, client, other)
	foreign, _, _ := identities(t, client)
	v := wire.NewVault("Hearth-abc123", tenant)
	v.Set("machine-midgard", `{"key":"k"}`)
	v.Grant(client, "machine-midgard")
	v.Grant(client, "machine-gone")
	good := tokenFor(t, h, client, forVault)
	old := good
	clock.Advance(2 * time.Hour)
	good = tokenFor(t, h, client, forVault)

	secret := v.SecretURL("machine-midgard") + "?api-version=7.4"
	for _, c := range []struct {
		name, url, token string
		plain            bool
		status           int
		says             string
	}{
		{"the secret", secret, good, false, 200, `"value":"{\"key\":\"k\"}"`},
		{"a slash behind it", v.SecretURL("machine-midgard") + "/?api-version=7.4", good, false, 200, `"value":"{\"key\":\"k\"}"`},
		{"an audience with a slash", secret, tokenFor(t, h, client, forVault+"/"), false, 200, `"id":"https://hearth-abc123.vault.azure.net/secrets/machine-midgard/`},
		{"no token", secret, "", false, 401, "AKV10000"},
		{"a made-up token", secret, "a.b.c", false, 401, "AKV10046"},
		{"another tenant's token", secret, tokenFor(t, foreign, client, forVault), false, 401, "AKV10046"},
		{"a changed token", secret, good[:len(good)-2] + "AA", false, 401, "AKV10046"},
		{"an old token", secret, old, false, 401, "TokenExpired"},
		{"a token for storage", secret, tokenFor(t, h, client, "https://storage.azure.com/"), false, 401, "AKV10022"},
		{"no role", secret, tokenFor(t, h, other, forVault), false, 403, `"innererror":{"code":"ForbiddenByRbac"}`},
		{"no role on what is not there", v.SecretURL("gone") + "?api-version=7.4", good, false, 403, "ForbiddenByRbac"},
		{"what is not there", v.SecretURL("machine-gone") + "?api-version=7.4", good, false, 404, `"code":"SecretNotFound"`},
		{"no version", v.SecretURL("machine-midgard"), good, false, 400, "BadParameter"},
		{"all secrets", "https://" + v.Host() + "/secrets?api-version=7.4", good, false, 405, "MethodNotAllowed"},
		{"another vault", "https://hearth-other.vault.azure.net/secrets/machine-midgard?api-version=7.4", good, false, 400, "BadRequest"},
		{"without TLS", secret, good, true, 400, "BadRequest"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodGet, c.url, nil)
			if c.plain {
				r.TLS = nil
			} else {
				r.TLS = &tls.ConnectionState{}
			}
			if c.token != "" {
				r.Header.Set("Authorization", "Bearer "+c.token)
			}
			w := httptest.NewRecorder()
			before := v.Gets()
			v.ServeHTTP(w, r)
			b, err := io.ReadAll(w.Result().Body)
			must(t, err)
			if w.Code != c.status || !strings.Contains(string(b), c.says) {
				t.Errorf("%d %s, want %d and %q", w.Code, b, c.status, c.says)
			}
			if challenge := w.Header().Get("Www-Authenticate"); (w.Code == http.StatusUnauthorized) != strings.Contains(challenge, `resource="https://vault.azure.net"`) {
				t.Errorf("%d with the challenge %q", w.Code, challenge)
			}
			if got := v.Gets() - before; (got == 1) != (c.status == http.StatusOK) {
				t.Errorf("%d were given out with %d", got, c.status)
			}
		})
	}
}
