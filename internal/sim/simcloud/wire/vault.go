package wire

import (
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// vaultAudience is what a token for a vault is for.
const vaultAudience = "https://vault.azure.net"

// Vault is Azure Key Vault's data plane, as far as Hearth uses it: an identity
// gets a secret that it has a role on. Who serves it does so over TLS and under
// the vault's own name; a request that comes otherwise is refused. It is safe for
// concurrent use.
type Vault struct {
	name   string
	tenant *Tenant

	mu      sync.Mutex // guards what follows
	secrets map[string]string
	roles   map[role]bool
	gets    int
}

// role is Key Vault Secrets User on one secret, which need not be there.
type role struct{ clientID, secret string }

// NewVault makes the empty vault with this name, as in NAME.vault.azure.net, that
// trusts the tenant's tokens.
func NewVault(name string, t *Tenant) *Vault {
	return &Vault{name: name, tenant: t, secrets: map[string]string{}, roles: map[role]bool{}}
}

// Host is the vault's.
func (v *Vault) Host() string { return strings.ToLower(v.name) + ".vault.azure.net" }

// SecretURL is a secret's address, without a version.
func (v *Vault) SecretURL(secret string) string { return "https://" + v.Host() + "/secrets/" + secret }

// Set puts a secret in, or another value of it.
func (v *Vault) Set(secret, value string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.secrets[secret] = value
}

// Grant lets an identity get a secret.
func (v *Vault) Grant(clientID, secret string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.roles[role{strings.ToLower(clientID), secret}] = true
}

// Gets is how often a secret was given out.
func (v *Vault) Gets() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.gets
}

// vaultError is a refusal.
type vaultError struct {
	status      int
	code, inner string
	message     string
}

// ServeHTTP implements http.Handler.
func (v *Vault) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	doc, e := v.get(r)
	if e == nil {
		answer(w, doc)
		return
	}
	if e.status == http.StatusUnauthorized {
		w.Header().Set("Www-Authenticate", fmt.Sprintf("Bearer authorization=%q, resource=%q", "https://login.windows.net/"+DefaultTenantID, vaultAudience))
	}
	body := map[string]any{"code": e.code, "message": e.message}
	if e.inner != "" {
		body["innererror"] = map[string]string{"code": e.inner}
	}
	write(w, e.status, map[string]any{"error": body})
}

// secretPath is a secret's, of which the newest version alone is known.
var secretPath = regexp.MustCompile(`^/secrets/([0-9a-zA-Z-]{1,127})/?$`)

func (v *Vault) get(r *http.Request) (any, *vaultError) {
	host, _, _ := strings.Cut(r.Host, ":")
	if r.TLS == nil || !strings.EqualFold(host, v.Host()) {
		return nil, &vaultError{status: http.StatusBadRequest, code: "BadRequest", message: "This is " + v.Host() + ", and is asked over TLS."}
	}
	who, e := v.caller(r)
	if e != nil {
		return nil, e
	}
	if version := r.URL.Query().Get("api-version"); !slices.Contains([]string{"7.4", "7.5", "7.6", "2025-07-01"}, version) {
		return nil, &vaultError{status: http.StatusBadRequest, code: "BadParameter", message: fmt.Sprintf("The specified version (%s) is not recognized. Consider using the latest supported version (2025-07-01).", version)}
	}
	path := secretPath.FindStringSubmatch(r.URL.Path)
	if r.Method != http.MethodGet || path == nil {
		return nil, &vaultError{status: http.StatusMethodNotAllowed, code: "MethodNotAllowed", message: "This vault gives secrets, and does nothing else."}
	}
	name := path[1]
	v.mu.Lock()
	defer v.mu.Unlock()
	// Roles are looked at first: who has none learns nothing of what there is.
	if !v.roles[role{strings.ToLower(who.ClientID), name}] {
		return nil, &vaultError{status: http.StatusForbidden, code: "Forbidden", inner: "ForbiddenByRbac", message: fmt.Sprintf(
			"Caller is not authorized to perform action on resource.\r\nIf role assignments, deny assignments or role definitions were changed recently, please observe propagation time.\r\n"+
				"Caller: appid=%s;oid=%s;iss=%s\r\nAction: 'Microsoft.KeyVault/vaults/secrets/getSecret/action'\r\n"+
				"Resource: '/subscriptions/%s/resourcegroups/hearth/providers/microsoft.keyvault/vaults/%s/secrets/%s'\r\n"+
				"Assignment: (not found)\r\nDenyAssignmentId: null\r\nDecisionReason: 'DeniedWithNoValidRBAC' \r\nVault: %s;location=eastus2\r\n",
			who.ClientID, who.ObjectID, who.Issuer, DefaultSubscription, v.name, name, v.name)}
	}
	value, there := v.secrets[name]
	if !there {
		return nil, &vaultError{status: http.StatusNotFound, code: "SecretNotFound", message: fmt.Sprintf(
			"A secret with (name/id) %s was not found in this key vault. If you recently deleted this secret you may be able to recover it using the correct recovery command. "+
				"For help resolving this issue, please see https://go.microsoft.com/fwlink/?linkid=2125182", name)}
	}
	v.gets++
	made := v.tenant.clock.Now().Unix()
	return map[string]any{
		"value": value, "id": v.SecretURL(name) + "/" + strings.ReplaceAll(guid(value), "-", ""),
		"attributes": map[string]any{"enabled": true, "created": made, "updated": made, "recoveryLevel": "Recoverable", "recoverableDays": 90},
	}, nil
}

// caller is who asks, by its token.
func (v *Vault) caller(r *http.Request) (claims, *vaultError) {
	refuse := func(message string) (claims, *vaultError) {
		return claims{}, &vaultError{status: http.StatusUnauthorized, code: "Unauthorized", message: message}
	}
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") || token == "" {
		return refuse("AKV10000: Request is missing a Bearer or PoP token.")
	}
	c, err := v.tenant.read(token)
	switch {
	case errors.Is(err, errExpired):
		return refuse("[TokenExpired] Error validating token: 'S2S12005'.")
	case err != nil:
		return refuse("AKV10046: Unable to resolve the key used for signature validation.")
	case strings.TrimSuffix(c.Audience, "/") != vaultAudience:
		return refuse(fmt.Sprintf("AKV10022: Invalid audience. Expected %s, found: %s.", vaultAudience, c.Audience))
	}
	return c, nil
}
