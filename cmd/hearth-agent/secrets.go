package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"hearth/internal/agent"
	"hearth/internal/agent/backoff"
	"hearth/internal/azure/identity"
	"hearth/internal/azure/vault"
	"hearth/internal/clock"
	"hearth/internal/world"
)

// secretsFolder is where secrets are that must not outlive the machine's boot.
const secretsFolder = "/run/hearth"

// How secrets are asked for until they are there. A role that was given just now is
// felt within some minutes; but a machine whose agent is not heard for eight is
// deleted, and has other things to wait for.
const (
	secretsWithin = 2 * time.Minute
	secretsFirst  = 2 * time.Second
	secretsMost   = 15 * time.Second
)

type secretsCommand struct {
	Config string `help:"The configuration file (default: the one that HEARTH_AGENT_CONFIG names)." placeholder:"FILE"`
}

// Run gets the secrets and writes them.
func (r secretsCommand) Run(e *env) error {
	c, err := loadChecked(r.Config, e.getenv, (*config).checkSecrets)
	if err != nil {
		return err
	}
	s, err := c.openVault()
	if err != nil {
		return err
	}
	m, err := c.awaitSecrets(e.ctx, clock.System{}, s, e.stderr)
	if err != nil {
		return err
	}
	written, err := c.writeSecrets(m)
	if err != nil {
		return err
	}
	say(e.stdout, "%s: wrote %s", s.name, strings.Join(written, ", "))
	return nil
}

// placeSecrets says where a vault's secrets are kept if the configuration does
// not.
func (c *config) placeSecrets() {
	if c.VaultSecret == "" {
		return
	}
	for _, f := range []struct {
		file  *string
		value world.Secret
		name  string
	}{{&c.KeyFile, c.Key, "key"}, {&c.PasswordFile, c.Password, "password"}, {&c.ShareFile, "", "share"}} {
		if *f.file == "" && f.value == "" {
			*f.file = filepath.Join(secretsFolder, f.name)
		}
	}
}

// checkVault names what is wrong with what is said of the vault.
func (c *config) checkVault(bad func(string, ...any)) {
	if c.VaultSecret == "" {
		if c.ShareAccount != "" {
			bad("share_account is there and vault_secret is not: give the address of the vault's secret, or remove it")
		}
		return
	}
	if _, err := c.openVault(); err != nil {
		bad("vault_secret: %v", err)
	}
	for _, f := range []field{{"key_file", c.KeyFile}, {"password_file", c.PasswordFile}, {"share_file", c.ShareFile}} {
		if path, _ := f.at.(string); path != "" && !filepath.IsAbs(path) {
			bad("%s must be an absolute path, such as %s; it is %q", f.name, filepath.Join(secretsFolder, strings.TrimSuffix(f.name, "_file")), path)
		}
	}
	if strings.ContainsFunc(c.ShareAccount, func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') }) {
		bad("share_account %q is not the name of a storage account: 3 to 24 small letters and digits", c.ShareAccount)
	}
}

// checkSecrets is the check for `secrets`, which comes before the files are
// there.
func (c *config) checkSecrets(bad func(string, ...any)) {
	if c.VaultSecret == "" {
		bad("vault_secret is missing: the address of the machine's secret, such as https://VAULT.vault.azure.net/secrets/machine-midgard")
	}
	if c.Key != "" || c.Password != "" {
		bad("the vault has key and password: remove them here, or name files for them in key_file and password_file")
	}
	c.checkVault(bad)
}

// vaultSecret is the machine's secret.
type vaultSecret struct {
	name  vault.Name
	vault getter
}

// getter is a *vault.Client.
type getter interface {
	Get(ctx context.Context, n vault.Name) (world.Secret, error)
}

func (c *config) openVault() (*vaultSecret, error) {
	name, err1 := vault.ParseURL(c.VaultSecret)
	credential, err2 := machineIdentity(c.StorageClientID)
	if err := errors.Join(err1, err2); err != nil {
		return nil, err
	}
	return &vaultSecret{name, vault.New(vault.Options{Credential: credential})}, nil
}

// machineSecrets are what a machine may know: the JSON of the vault's secret.
type machineSecrets struct {
	Key      world.Secret `json:"key"`      // seals the world's events
	Password world.Secret `json:"password"` // of the game
	Share    world.Secret `json:"share"`    // the key of the share's account; unless there is none
}

// errSecretForm is a secret that others must mend.
var errSecretForm = errors.New("has another form than it should")

// awaitSecrets asks until the secrets are there, time is up, or asking does not
// help.
func (c *config) awaitSecrets(ctx context.Context, clk world.Clock, s *vaultSecret, stderr io.Writer) (machineSecrets, error) {
	until := clk.Now().Add(secretsWithin)
	wait := backoff.New(secretsFirst, secretsMost, c.World, "secrets")
	for {
		m, err := c.getSecrets(ctx, s)
		if err == nil || settled(err) {
			return m, err
		}
		d := wait.Next()
		if clk.Now().Add(d).After(until) {
			return m, err
		}
		say(stderr, "hearth-agent: %v; asking again in %s", err, d.Round(time.Second))
		if !backoff.Pause(ctx, clk, d) {
			return m, err
		}
	}
}

// getSecrets asks once. Nothing of the secret is in the error.
func (c *config) getSecrets(ctx context.Context, s *vaultSecret) (machineSecrets, error) {
	value, err := s.vault.Get(ctx, s.name)
	if err != nil {
		return machineSecrets{}, &noSecret{s.name, err}
	}
	var m machineSecrets
	var bad []string
	if json.Unmarshal([]byte(value.Reveal()), &m) != nil {
		bad = append(bad, "it is no JSON object of texts")
	} else {
		bad = m.problems(c.ShareAccount != "")
	}
	if len(bad) > 0 {
		return machineSecrets{}, fmt.Errorf("%s %w: %s; apply infra again", s.name, errSecretForm, strings.Join(bad, ", "))
	}
	return m, nil
}

// noSecret says why there is none and what to do, in one line.
type noSecret struct {
	name vault.Name
	err  error
}

func (e *noSecret) Error() string { return fmt.Sprintf("%s (%s)", e.explain(), e.name) }

func (e *noSecret) Unwrap() error { return e.err }

func (e *noSecret) explain() string {
	if r, ok := errors.AsType[*vault.Error](e.err); ok {
		return r.Error() + vaultHint(r)
	}
	if token, ok := errors.AsType[*identity.Error](e.err); ok {
		why := oneLine(token)
		if token.Settled() {
			why += ": check that the identity is assigned to this machine, and that storage_client_id is its client id"
		}
		return why
	}
	if dns, ok := errors.AsType[*net.DNSError](e.err); ok && dns.IsNotFound {
		return fmt.Sprintf("there is no %s: was the vault deleted, or is its name in vault_secret another one?", dns.Name)
	}
	err := e.err
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err // u repeats the request's address
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return "no answer in time"
	}
	return oneLine(err)
}

func oneLine(err error) string { return strings.Join(strings.Fields(err.Error()), " ") }

func vaultHint(r *vault.Error) string {
	switch {
	case r.Code == "ForbiddenByRbac":
		return ": the machine's identity lacks the role Key Vault Secrets User on it; one that was given just now is felt after some minutes"
	case r.Code == vault.CodeFirewall, r.Code == "ForbiddenByConnection":
		return ": the vault's firewall keeps this machine out; look at the vault's Networking"
	case r.Code == vault.CodeDisabled:
		return ": enable it in the vault"
	case r.Status == http.StatusForbidden:
		return ": look at the vault's Access control and Networking"
	case r.Status == http.StatusUnauthorized:
		return ": it does not take the identity's token; is the vault in the subscription's own tenant, and this machine's clock right?"
	case r.Code == vault.CodeNoSecret:
		return ": it is not there; apply infra again"
	}
	return ""
}

// settled is whether asking again changes nothing. A role that was given just
// now is felt after some minutes, so is a firewall's rule, and an identity that
// was assigned.
func settled(err error) bool {
	if errors.Is(err, errSecretForm) {
		return true
	}
	r, ok := errors.AsType[*vault.Error](err)
	if !ok || r.Status >= 500 {
		return false
	}
	switch r.Status {
	case http.StatusForbidden:
		return r.Code == vault.CodeDisabled
	case http.StatusRequestTimeout, http.StatusTooManyRequests:
		return false
	}
	return true
}

// problems names what no agent, game or mount would take.
func (m *machineSecrets) problems(share bool) []string {
	var out []string
	oneLine := func(s world.Secret) bool {
		return utf8.ValidString(s.Reveal()) && !strings.ContainsFunc(s.Reveal(), unicode.IsControl)
	}
	if len(m.Key.Reveal()) < agent.MinKeyBytes || !oneLine(m.Key) {
		out = append(out, fmt.Sprintf("\"key\" is not one line of at least %d characters", agent.MinKeyBytes))
	}
	if m.Password == "" || !oneLine(m.Password) {
		out = append(out, "\"password\" is not one line")
	}
	if _, err := base64.StdEncoding.DecodeString(m.Share.Reveal()); share && (err != nil || m.Share == "" || !oneLine(m.Share)) {
		out = append(out, "\"share\" is no key of a storage account")
	}
	return out
}

// writeSecrets writes each file in one step, the key last: where it is, the
// others are.
func (c *config) writeSecrets(m machineSecrets) ([]string, error) {
	type file struct {
		path string
		text string
	}
	files := []file{{c.PasswordFile, m.Password.Reveal() + "\n"}}
	if c.ShareAccount != "" {
		files = append(files, file{c.ShareFile, "username=" + c.ShareAccount + "\npassword=" + m.Share.Reveal() + "\n"}) // mount.cifs(8)
	}
	files = append(files, file{c.KeyFile, m.Key.Reveal() + "\n"})
	var paths []string
	for _, f := range files {
		if err := writePrivate(f.path, f.text); err != nil {
			return nil, fmt.Errorf("write secrets: %w", err)
		}
		paths = append(paths, f.path)
	}
	return paths, nil
}

// writePrivate writes a file that its owner alone reads, in a folder that its
// owner alone enters if there is none yet.
func writePrivate(path, text string) (err error) {
	folder := filepath.Dir(path)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(folder, "."+filepath.Base(path)+"-") // 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	_, err = f.WriteString(text)
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
