package vault

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// suffixes are what the hosts of vaults end in: in the public cloud, the US
// government's and China's ("Azure Key Vault keys, secrets and certificates
// overview", DNS suffixes). Behind "https://" each is also what a token is for.
// Nobody else is given one.
func suffixes() []string {
	return []string{"vault.azure.net", "vault.usgovcloudapi.net", "vault.azure.cn"}
}

// IsScope tells whether a token of this scope is one for vaults.
func IsScope(scope string) bool {
	for _, s := range suffixes() {
		if scope == scopeOf(s) {
			return true
		}
	}
	return false
}

func scopeOf(suffix string) string { return "https://" + suffix + "/.default" }

// The forms of names, from the same page, are checked by hand: the bot starts with
// this package in it.

func letter(c byte) bool       { return 'a' <= c|0x20 && c|0x20 <= 'z' }
func alphanumeric(c byte) bool { return letter(c) || '0' <= c && c <= '9' }

// named: of letters, digits and dashes, and of a length.
func named(text string, least, most int) bool {
	for i := range len(text) {
		if !alphanumeric(text[i]) && text[i] != '-' {
			return false
		}
	}
	return least <= len(text) && len(text) <= most
}

// Name says which secret.
type Name struct {
	Vault   string
	Suffix  string // of the host; empty: the public cloud's
	Secret  string
	Version string // empty: the newest
}

// String is for people.
func (n Name) String() string { return fmt.Sprintf("the secret %s of the vault %s", n.Secret, n.Vault) }

func (n Name) suffix() string {
	if n.Suffix == "" {
		return suffixes()[0]
	}
	return n.Suffix
}

// URL is where the secret is.
func (n Name) URL() string {
	u := "https://" + n.Vault + "." + n.suffix() + "/secrets/" + n.Secret
	if n.Version != "" {
		u += "/" + n.Version
	}
	return u
}

// check tells whether a request to URL goes to a vault, and nowhere else.
func (n Name) check() error {
	known := false
	for _, s := range suffixes() {
		known = known || n.suffix() == s
	}
	switch {
	case !known:
		return fmt.Errorf("a vault's address ends in one of %s", strings.Join(suffixes(), ", "))
	case !named(n.Vault, 3, 24) || !letter(n.Vault[0]):
		return errors.New("a vault's name has 3 to 24 letters, digits and dashes")
	case !named(n.Secret, 1, 127):
		return errors.New("a secret's name has 1 to 127 letters, digits and dashes")
	case !named(n.Version, 0, 64):
		return errors.New("a secret's version has at most 64 letters and digits")
	}
	return nil
}

// ParseURL reads a secret's address, https://VAULT.vault.azure.net/secrets/NAME,
// with a version behind it or without. The error does not repeat the text.
func ParseURL(text string) (Name, error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "https" || u.User != nil || u.Port() != "" || u.RawQuery != "" || u.Fragment != "" {
		return Name{}, errors.New("a secret's address is https://VAULT.vault.azure.net/secrets/NAME")
	}
	parts := strings.Split(strings.Trim(u.Path, "/"), "/")
	if len(parts) < 2 || len(parts) > 3 || !strings.EqualFold(parts[0], "secrets") {
		return Name{}, errors.New("a secret's address is https://VAULT.vault.azure.net/secrets/NAME")
	}
	n := Name{Secret: parts[1]}
	n.Vault, n.Suffix, _ = strings.Cut(strings.ToLower(u.Host), ".")
	if len(parts) == 3 {
		n.Version = parts[2]
	}
	return n, n.check()
}

const (
	referenceBegins = "@Microsoft.KeyVault("
	referenceEnds   = ")"
)

// IsReference tells whether an app's setting is not its value, but says in which
// secret that is ("Use Key Vault references as app settings").
func IsReference(text string) bool { return strings.HasPrefix(text, referenceBegins) }

// ParseReference reads what IsReference knows, in either of its forms:
//
//	@Microsoft.KeyVault(SecretUri=https://VAULT.vault.azure.net/secrets/NAME)
//	@Microsoft.KeyVault(VaultName=VAULT;SecretName=NAME;SecretVersion=VERSION)
//
// The error does not repeat the text.
func ParseReference(text string) (Name, error) {
	inner, ends := strings.CutSuffix(strings.TrimSpace(text), referenceEnds)
	if !IsReference(text) || !ends {
		return Name{}, errors.New("a Key Vault reference is @Microsoft.KeyVault(SecretUri=https://VAULT.vault.azure.net/secrets/NAME)")
	}
	said := map[string]string{}
	for part := range strings.SplitSeq(strings.TrimPrefix(inner, referenceBegins), ";") {
		key, value, _ := strings.Cut(part, "=")
		said[strings.ToLower(strings.TrimSpace(key))] = strings.TrimSpace(value)
	}
	if address := said["secreturi"]; address != "" {
		return ParseURL(address)
	}
	n := Name{Vault: strings.ToLower(said["vaultname"]), Secret: said["secretname"], Version: said["secretversion"]}
	return n, n.check()
}
