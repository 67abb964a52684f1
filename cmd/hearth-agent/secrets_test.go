package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"hearth/internal/azure/identity"
	"hearth/internal/azure/vault"
	"hearth/internal/clock"
	"hearth/internal/sim/simcloud"
	"hearth/internal/sim/simcloud/wire"
	"hearth/internal/world"
	"hearth/internal/world/worldtest"
)

const (
	machineClient = "01234567-89ab-cdef-0123-456789abcdef"
	machineSecret = "machine-midgard"
	shareKey      = "c2hhcmUta2V5LXNoYXJlLWtleS1zaGFyZS1rZXk="
)

// azureMachine is what a machine of Azure reaches, under the real names: the
// metadata service that gives tokens, and the vault.
type azureMachine struct {
	t       *testing.T
	vault   *wire.Vault
	environ []string // leads the program there
}

func newAzureMachine(t *testing.T) *azureMachine {
	t.Helper()
	clk := worldtest.NewClock()
	place := world.Placement{ID: "vmss-midgard", Region: "eastus2"}
	cloud, err := simcloud.New(simcloud.Options{Clock: clk, Placements: []world.Placement{place}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cloud.Close(context.Background()) })
	if _, err := cloud.Scale(t.Context(), place, 1); err != nil {
		t.Fatal(err)
	}
	clk.Advance(5 * time.Minute)
	tenant := wire.NewTenant(clock.System{}, time.Hour)
	metadata := wire.New(cloud, cloud.Snapshot().VMs[0].ID, wire.Options{Tenant: tenant, Identities: []string{machineClient}})
	m := &azureMachine{t: t, vault: wire.NewVault("hearth-abc123", tenant)}

	tlsServer := httptest.NewUnstartedServer(m.vault)
	cert, authority := certificateFor(t, m.vault.Host())
	tlsServer.TLS = &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}
	tlsServer.StartTLS()
	t.Cleanup(tlsServer.Close)
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method == http.MethodConnect && r.Host == m.vault.Host()+":443":
			tunnel(w, tlsServer.Listener.Addr().String())
		case r.Host == "169.254.169.254":
			metadata.ServeHTTP(w, r)
		default:
			http.Error(w, "nobody is here", http.StatusBadGateway)
		}
	}))
	t.Cleanup(proxy.Close)
	path := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(path, authority, 0o600); err != nil {
		t.Fatal(err)
	}
	m.environ = []string{"HTTP_PROXY=" + proxy.URL, "HTTPS_PROXY=" + proxy.URL, "SSL_CERT_FILE=" + path, "SSL_CERT_DIR=" + t.TempDir()}
	return m
}

// certificateFor is one for a host that vouches for itself.
func certificateFor(t *testing.T, host string) (tls.Certificate, []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{host}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

// tunnel joins a client of a proxy with an address.
func tunnel(w http.ResponseWriter, address string) {
	there, err := net.Dial("tcp", address)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	here, rw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		_ = there.Close()
		return
	}
	_, _ = io.WriteString(here, "HTTP/1.1 200 OK\r\n\r\n")
	var both sync.WaitGroup
	both.Go(func() {
		_, _ = io.Copy(there, rw) // until one of them is closed
		_ = there.Close()
	})
	both.Go(func() {
		_, _ = io.Copy(here, there)
		_ = here.Close()
	})
	both.Wait()
}

// has puts the machine's secret into the vault.
func (m *azureMachine) has(s map[string]any) {
	m.t.Helper()
	b, err := json.Marshal(s)
	if err != nil {
		m.t.Fatal(err)
	}
	m.vault.Set(machineSecret, string(b))
	m.vault.Grant(machineClient, machineSecret)
}

// run runs the program on the machine.
func (m *azureMachine) run(args ...string) (code int, stdout, stderr string) {
	m.t.Helper()
	cmd := exec.CommandContext(m.t.Context(), os.Args[0], args...)
	cmd.Env = append(os.Environ(), append(m.environ, asAgent+"=1")...)
	var out, trouble bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &trouble
	err := cmd.Run()
	if _, ended := errors.AsType[*exec.ExitError](err); err != nil && !ended {
		m.t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), out.String(), trouble.String()
}

// onAzure are the fields that a machine of Azure has besides. What `secrets`
// writes goes to a folder that is not there yet.
func (r *rig) onAzure(m *azureMachine) map[string]any {
	return map[string]any{
		"password": nil, "password_file": r.path("fresh/password"), "key_file": r.path("fresh/key"), "share_file": r.path("fresh/share"),
		"share_account": "hearthabc123share", "vault_secret": m.vault.SecretURL(machineSecret), "storage_client_id": machineClient,
		"storage": "azure", "storage_account": "hearthbotabc123",
	}
}

func goodSecrets() map[string]any {
	return map[string]any{"key": key, "password": "secret-of-midgard", "share": shareKey}
}

// TestSecrets: the program itself gets them, under Azure's own names.
func TestSecrets(t *testing.T) {
	m, r := newAzureMachine(t), newRig(t)
	m.has(goodSecrets())
	path := r.writeConfig(r.onAzure(m))
	for range 2 { // the second time over the first one's files
		code, stdout, stderr := m.run("secrets", "--config", path)
		if code != exitOK || stderr != "" || !strings.Contains(stdout, ": wrote "+r.path("fresh/password")) {
			t.Fatalf("secrets = %d, %q, %q", code, stdout, stderr)
		}
	}
	for name, want := range map[string]string{
		"fresh/key": key + "\n", "fresh/password": "secret-of-midgard\n", "fresh/share": "username=hearthabc123share\npassword=" + shareKey + "\n",
	} {
		b, err := os.ReadFile(r.path(name))
		info, err2 := os.Stat(r.path(name))
		if err := errors.Join(err, err2); err != nil || string(b) != want || info.Mode() != 0o600 {
			t.Errorf("%s is %q, %v, %v; want %q, 0600", name, b, info, err, want)
		}
	}
	info, err := os.Stat(r.path("fresh"))
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the folder is %v, %v; want 0700", info, err)
	}
	names, err := os.ReadDir(r.path("fresh"))
	if err != nil || len(names) != 3 {
		t.Errorf("the folder has %v, %v; want three files", names, err)
	}
	// What was written is what run reads.
	c, err := load(path, func(string) string { return "" })
	if err != nil || c.Key != key || c.Password != "secret-of-midgard" {
		t.Errorf("load: %v", err)
	}
}

func TestSecretsFail(t *testing.T) {
	with := func(name string, value any) map[string]any {
		s := goodSecrets()
		s[name] = value
		return s
	}
	for _, c := range []struct {
		name    string
		secret  map[string]any // nil: there is none
		changes map[string]any
		code    int
		says    []string
	}{
		{"not in the vault", nil, nil, exitFailed, []string{"the vault answers 404 (SecretNotFound): it is not there; apply infra again (the secret machine-midgard of the vault hearth-abc123)"}},
		{"a short key", with("key", "short"), nil, exitFailed, []string{"the secret machine-midgard of the vault hearth-abc123 has another form", `"key" is not one line of at least 16 characters`}},
		{"no password", with("password", ""), nil, exitFailed, []string{`"password" is not one line`}},
		{"a password of two lines", with("password", "secret-of-midgard\nx"), nil, exitFailed, []string{`"password" is not one line`}},
		{"no share", with("share", nil), nil, exitFailed, []string{`"share" is no key of a storage account`}},
		{"a share of two lines", with("share", shareKey+"\n"), nil, exitFailed, []string{`"share" is no key`}},
		{"a share that is no key", with("share", "secret-of-midgard"), nil, exitFailed, []string{`"share" is no key`}},
		{"a number", with("password", 12345), nil, exitFailed, []string{"no JSON object of texts"}},
		{"no vault", goodSecrets(), map[string]any{"vault_secret": nil, "share_account": nil, "share_file": nil}, exitUsage, []string{"vault_secret is missing", "https://VAULT.vault.azure.net/secrets/"}},
		{"another's host", goodSecrets(), map[string]any{"vault_secret": "https://example.com/secrets/a"}, exitUsage, []string{"vault_secret: ", "a vault's address ends in"}},
		{"a key beside the vault", goodSecrets(), map[string]any{"key_file": nil, "key": key}, exitUsage, []string{"the vault has key and password"}},
		{"places that are none", goodSecrets(), map[string]any{"key_file": "key", "share_account": "A b"}, exitUsage, []string{"key_file must be an absolute path, such as /run/hearth/key", `share_account "A b"`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, r := newAzureMachine(t), newRig(t)
			m.vault.Grant(machineClient, machineSecret)
			if c.secret != nil {
				m.has(c.secret)
			}
			changes := r.onAzure(m)
			maps.Copy(changes, c.changes)
			code, stdout, stderr := m.run("secrets", "--config", r.writeConfig(changes))
			if code != c.code || stdout != "" {
				t.Errorf("secrets = %d, %q; want %d and nothing", code, stdout, c.code)
			}
			for _, says := range c.says {
				if !strings.Contains(stderr, says) {
					t.Errorf("it does not say %q:\n%s", says, stderr)
				}
			}
			for _, secret := range []string{key, "secret-of-midgard", shareKey} {
				if strings.Contains(stderr, secret) {
					t.Errorf("it tells a secret:\n%s", stderr)
				}
			}
			if _, err := os.Stat(r.path("fresh")); err == nil {
				t.Error("something was written")
			}
		})
	}
}

// TestSecretsWithoutAShare: a machine whose share is none of Azure's.
func TestSecretsWithoutAShare(t *testing.T) {
	m, r := newAzureMachine(t), newRig(t)
	s := goodSecrets()
	delete(s, "share")
	m.has(s)
	conf := r.onAzure(m)
	conf["share_account"] = nil
	if code, _, stderr := m.run("secrets", "--config", r.writeConfig(conf)); code != exitOK {
		t.Fatalf("secrets = %d, %s", code, stderr)
	}
	if _, err := os.Stat(r.path("fresh/share")); err == nil {
		t.Error("a share's file was written")
	}
}

// TestSecretsPlaces: they are below /run if nobody says where.
func TestSecretsPlaces(t *testing.T) {
	c := config{VaultSecret: "x"}
	c.placeSecrets()
	if c.KeyFile != "/run/hearth/key" || c.PasswordFile != "/run/hearth/password" || c.ShareFile != "/run/hearth/share" {
		t.Errorf("they are in %s, %s and %s", c.KeyFile, c.PasswordFile, c.ShareFile)
	}
	c = config{}
	c.placeSecrets()
	if c.KeyFile+c.PasswordFile+c.ShareFile != "" {
		t.Errorf("without a vault they are in %s, %s and %s", c.KeyFile, c.PasswordFile, c.ShareFile)
	}
}

// TestCheckVault: it tries the vault, and writes nothing.
func TestCheckVault(t *testing.T) {
	m, r := newAzureMachine(t), newRig(t)
	m.has(goodSecrets())
	conf := r.onAzure(m)
	conf["storage"], conf["storage_account"], conf["storage_client_id"] = r.config["storage"], nil, nil
	path := r.writeConfig(conf)
	if code, _, stderr := m.run("secrets", "--config", path); code != exitOK {
		t.Fatalf("secrets = %d, %s", code, stderr)
	}
	other := goodSecrets()
	other["password"] = "another-secret"
	for _, c := range []struct {
		name   string
		change func()
		code   int
		says   string
	}{
		{"the same", func() {}, exitOK, "ok    vault     the secret machine-midgard of the vault hearth-abc123 is there, and is what this machine uses\n"},
		{"another password", func() { m.has(other) }, exitOK, "warn  vault     the secret machine-midgard of the vault hearth-abc123 has others than this machine uses: `hearth-agent secrets`, then restart"},
		{"no vault", func() { m.vault.Set(machineSecret, "[]") }, exitFailed, "fail  vault     the secret machine-midgard of the vault hearth-abc123 has another form"},
	} {
		c.change()
		code, stdout, stderr := m.run("check", "--config", path)
		if code != c.code || !strings.Contains(stdout, c.says) {
			t.Errorf("%s: check = %d, want %d and %q\n%s%s", c.name, code, c.code, c.says, stdout, stderr)
		}
		if text := stdout + stderr; strings.Contains(text, "secret-of-midgard") || strings.Contains(text, "another-secret") || strings.Contains(text, key) {
			t.Errorf("%s: it tells a secret:\n%s", c.name, text)
		}
	}
	b, err := os.ReadFile(r.path("fresh/password"))
	if err != nil || string(b) != "secret-of-midgard\n" {
		t.Errorf("the check wrote %q, %v", b, err)
	}
}

// machineName is the machine's secret.
var machineName = vault.Name{Vault: "hearth-abc123", Secret: machineSecret}

// answers are what a vault says, one after the other; the last one for ever.
type answers struct {
	all   []any // a world.Secret or an error
	asked int
}

func (a *answers) Get(context.Context, vault.Name) (world.Secret, error) {
	got := a.all[min(a.asked, len(a.all)-1)]
	a.asked++
	if err, ok := got.(error); ok {
		return "", err
	}
	return got.(world.Secret), nil
}

// TestWhyNoSecret: what is told says what to do, and has nothing of an answer.
func TestWhyNoSecret(t *testing.T) {
	for _, c := range []struct {
		err     error
		settled bool
		says    string
	}{
		{&vault.Error{Status: 403, Code: "ForbiddenByRbac"}, false, "403 (ForbiddenByRbac): the machine's identity lacks the role Key Vault Secrets User on it"},
		{&vault.Error{Status: 403, Code: vault.CodeFirewall}, false, "403 (ForbiddenByFirewall): the vault's firewall"},
		{&vault.Error{Status: 403, Code: vault.CodeDisabled}, true, "403 (SecretDisabled): enable it"},
		{&vault.Error{Status: 403}, false, "Access control and Networking"},
		{&vault.Error{Status: 401, Code: "Unauthorized"}, true, "tenant, and this machine's clock"},
		{&vault.Error{Status: 404, Code: vault.CodeNoSecret}, true, "404 (SecretNotFound): it is not there; apply infra again"},
		{&vault.Error{Status: 302}, true, "302"},
		{&vault.Error{Status: 429, Code: "Throttled"}, false, "429 (Throttled)"},
		{&vault.Error{Status: 503}, false, "503"},
		{&vault.TokenError{Err: &identity.Error{Status: 400}}, false, "no token (status 400): check that the identity is assigned to this machine, and that storage_client_id"},
		{&vault.TokenError{Err: &identity.Error{Err: errors.New("dial:\nno route")}}, false, "the identity gives no token: dial: no route"},
		{&url.Error{Op: "Get", URL: "https://x/y?z", Err: &net.DNSError{Name: "hearth-abc123.vault.azure.net", IsNotFound: true}}, false, "there is no hearth-abc123.vault.azure.net: was the vault deleted"},
		{&url.Error{Op: "Get", URL: "https://x/y?z", Err: io.ErrUnexpectedEOF}, false, "unexpected EOF (the secret machine-midgard of the vault hearth-abc123)"},
		{fmt.Errorf("x: %w", context.DeadlineExceeded), false, "no answer in time"},
	} {
		_, err := (&config{}).getSecrets(t.Context(), &vaultSecret{machineName, &answers{all: []any{c.err}}})
		if text := fmt.Sprint(err); !strings.Contains(text, c.says) || settled(err) != c.settled || len(text) > 280 || strings.Contains(text, "\n") {
			t.Errorf("%v: it says %q, settled %t; want %q, settled %t", c.err, text, settled(err), c.says, c.settled)
		}
	}
}

// TestSecretsAreAwaited: a role and an identity may come minutes after the
// machine; what does not come is given up.
func TestSecretsAreAwaited(t *testing.T) {
	text, err := json.Marshal(goodSecrets())
	if err != nil {
		t.Fatal(err)
	}
	good := world.Secret(text)
	noRole, gone := &vault.Error{Status: 403, Code: "ForbiddenByRbac"}, &vault.Error{Status: 404, Code: vault.CodeNoSecret}
	noIdentity := &vault.TokenError{Err: &identity.Error{Status: http.StatusBadRequest}}
	for _, c := range []struct {
		name        string
		all         []any
		ok          bool
		least, most time.Duration
		tries       int // 0: many
	}{
		{"at once", []any{good}, true, 0, 0, 1},
		{"a role that comes", []any{noRole, noRole, noRole, good}, true, 3 * time.Second, 20 * time.Second, 4},
		{"an identity that comes", []any{noIdentity, good}, true, time.Second, 3 * time.Second, 2},
		{"no answer, then one", []any{errors.New("EOF"), good}, true, time.Second, 3 * time.Second, 2},
		{"a role that never comes", []any{noRole}, false, secretsWithin - secretsMost, secretsWithin, 0},
		{"no secret", []any{noIdentity, gone}, false, time.Second, 3 * time.Second, 2},
		{"a wrong one", []any{world.Secret(`{"key":1}`)}, false, 0, 0, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := &answers{all: c.all}
				conf := config{World: "midgard", ShareAccount: "hearthabc123share"}
				var stderr bytes.Buffer
				begun := time.Now()
				m, err := conf.awaitSecrets(t.Context(), clock.System{}, &vaultSecret{machineName, a}, &stderr)
				took := time.Since(begun)
				if (err == nil) != c.ok || took < c.least || took > c.most || c.tries != 0 && a.asked != c.tries {
					t.Errorf("%v after %s and %d tries, want %t after %s to %s and %d", err, took, a.asked, c.ok, c.least, c.most, c.tries)
				}
				if c.ok && (m.Key != key || m.Share != shareKey) {
					t.Errorf("got %d and %d characters", len(m.Key.Reveal()), len(m.Share.Reveal()))
				}
				if lines := strings.Count(stderr.String(), "asking again in"); lines != a.asked-1 {
					t.Errorf("it told of %d of %d waits:\n%s", lines, a.asked-1, stderr.String())
				}
				if text := fmt.Sprintf("%v %+v", m, m); strings.Contains(text, key) {
					t.Errorf("the secrets print themselves: %s", text)
				}
			})
		})
	}
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		begun := time.Now()
		_, err := (&config{World: "midgard"}).awaitSecrets(ctx, clock.System{}, &vaultSecret{machineName, &answers{all: []any{noRole}}}, io.Discard)
		if took := time.Since(begun); err == nil || took != time.Minute {
			t.Errorf("interrupted after a minute: %v after %s", err, took)
		}
	})
}
