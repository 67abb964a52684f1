// Package vaulttest has Key Vaults for tests, over TLS.
package vaulttest

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
)

// Token is what the vaults want, and a Credential gives.
const Token = "canary-of-the-vault"

// Vaults are all that the network has.
type Vaults struct {
	// Client asks them.
	Client *http.Client
	// Close ends them.
	Close func()

	mu      sync.Mutex // guards what follows
	hosts   map[string]bool
	secrets map[string]string           // by host/name or host/name/version
	refuse  map[string]http.HandlerFunc // in place of a secret
	asked   int
}

// Serve starts vaults. Close ends them.
func Serve() *Vaults {
	v := &Vaults{hosts: map[string]bool{}, secrets: map[string]string{}, refuse: map[string]http.HandlerFunc{}}
	server := httptest.NewTLSServer(v)
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	transport := &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: roots, ServerName: "example.com", MinVersion: tls.VersionTLS12}, // of its certificate
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			if !v.has(strings.TrimSuffix(address, ":443")) {
				return nil, &net.DNSError{Err: "no such host", Name: address, IsNotFound: true}
			}
			return (&net.Dialer{}).DialContext(ctx, network, server.Listener.Addr().String())
		},
	}
	v.Client = &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	v.Close = func() {
		transport.CloseIdleConnections()
		server.Close()
	}
	return v
}

// Put puts a secret there: of the vault with this host, by its name, with /VERSION
// behind it or without.
func (v *Vaults) Put(host, name, value string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.hosts[host], v.secrets[host+"/"+name] = true, value
}

// Refuse has a secret's requests answered otherwise.
func (v *Vaults) Refuse(host, name string, how http.HandlerFunc) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.hosts[host], v.refuse[host+"/"+name] = true, how
}

// Asked is how many requests there were.
func (v *Vaults) Asked() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.asked
}

// Refusal answers as a vault that refuses does.
func Refusal(status int, code, inner string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		refuse(w, status, code, inner)
	}
}

func refuse(w http.ResponseWriter, status int, code, inner string) {
	e := map[string]any{"code": code, "message": "canary: Caller is not authorized, Resource: '/subscriptions/…'"}
	if inner != "" {
		e["innererror"] = map[string]string{"code": inner}
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"error": e}) // a client that is gone is nobody's business
}

func (v *Vaults) has(host string) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.hosts[host]
}

// ServeHTTP implements http.Handler.
func (v *Vaults) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	v.mu.Lock()
	v.asked++
	v.mu.Unlock()
	name, ok := strings.CutPrefix(r.URL.Path, "/secrets/")
	switch {
	case r.Header.Get("Authorization") != "Bearer "+Token:
		w.Header().Set("WWW-Authenticate", `Bearer authorization="https://login.microsoftonline.com/x", resource="https://vault.azure.net"`)
		refuse(w, http.StatusUnauthorized, "Unauthorized", "")
		return
	case !ok || r.Method != http.MethodGet || r.URL.Query().Get("api-version") == "":
		refuse(w, http.StatusBadRequest, "BadParameter", "")
		return
	}
	v.mu.Lock()
	how := v.refuse[r.Host+"/"+name]
	value, there := v.secrets[r.Host+"/"+name]
	v.mu.Unlock()
	switch {
	case how != nil:
		how(w, r)
	case !there:
		refuse(w, http.StatusNotFound, "SecretNotFound", "")
	default:
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		_ = json.NewEncoder(w).Encode(map[string]any{ // a client that is gone is nobody's business
			"value": value, "id": fmt.Sprintf("https://%s/secrets/%s/0123", r.Host, name), "attributes": map[string]any{"enabled": true},
		})
	}
}

// Credential gives Token for the public cloud's vaults, and counts how often.
type Credential struct {
	Err error // in its place

	mu    sync.Mutex // guards what follows
	given int
}

// GetToken implements azcore.TokenCredential.
func (c *Credential) GetToken(_ context.Context, o policy.TokenRequestOptions) (azcore.AccessToken, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.given++
	if c.Err != nil {
		return azcore.AccessToken{}, c.Err
	}
	if len(o.Scopes) != 1 || o.Scopes[0] != "https://vault.azure.net/.default" {
		return azcore.AccessToken{Token: "of another scope", ExpiresOn: tomorrow()}, nil
	}
	return azcore.AccessToken{Token: Token, ExpiresOn: tomorrow()}, nil
}

// tomorrow is far away.
func tomorrow() time.Time { return time.Unix(4_000_000_000, 0) }

// Given is how often it was asked.
func (c *Credential) Given() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.given
}
