package probe

import (
	"crypto/ed25519"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"hearth/internal/world"
)

// keyDigits is the length of a private key's text: the ed25519 seed in hex.
const keyDigits = 2 * ed25519.SeedSize

// Key signs PINGs. It prints as REDACTED.
type Key struct{ seed world.Secret }

// ParseKey reads a private key: 64 hex digits.
func ParseKey(text string) (Key, error) {
	text = strings.TrimSpace(text)
	seed, err := hex.DecodeString(text)
	if err != nil || len(seed) != ed25519.SeedSize {
		return Key{}, fmt.Errorf("a probe's key is %d hex digits, and this has %d characters: make one with hearth probe --new-key FILE", keyDigits, len(text))
	}
	return Key{world.Secret(seed)}, nil
}

// LoadKey reads a private key out of a file, or takes it from the text itself if
// that is one.
func LoadKey(fileOrHex string) (Key, error) {
	if k, err := ParseKey(fileOrHex); err == nil {
		return k, nil
	}
	b, err := os.ReadFile(fileOrHex) //nolint:gosec // the file is the user's own choice
	if errors.Is(err, fs.ErrNotExist) {
		return Key{}, fmt.Errorf("there is no file %s, and it is no key of %d hex digits: make one with hearth probe --new-key FILE", shorten(fileOrHex), keyDigits)
	}
	if err != nil {
		return Key{}, fmt.Errorf("read key: %w", err)
	}
	k, err := ParseKey(string(b))
	if err != nil {
		return Key{}, fmt.Errorf("read key %s: %w", fileOrHex, err)
	}
	return k, nil
}

// shorten keeps what may be half a key out of a message.
func shorten(name string) string {
	if len(name) >= keyDigits/2 && strings.Trim(name, "0123456789abcdefABCDEF") == "" {
		return name[:4] + "…"
	}
	return name
}

// NewKey makes a key pair: it writes the private key to a new file that its owner
// alone may read, and returns the public one as the app takes it. A file that is
// there already is an error.
func NewKey(path string) (public string, err error) {
	pub, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		return "", fmt.Errorf("make key: %w", err)
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) //nolint:gosec // the file is the user's own choice
	if errors.Is(err, fs.ErrExist) {
		return "", fmt.Errorf("%s is there already: name a new file, or delete it if its key is used nowhere", path)
	}
	if err != nil {
		return "", fmt.Errorf("make key file: %w", err)
	}
	_, err = fmt.Fprintln(f, hex.EncodeToString(private.Seed()))
	if err = errors.Join(err, f.Close()); err != nil {
		return "", fmt.Errorf("write key file: %w", err)
	}
	return hex.EncodeToString(pub), nil
}

// Public is the public key, 64 hex digits, as HEARTH_PROBE_KEY wants it.
func (k Key) Public() string {
	return hex.EncodeToString(k.private().Public().(ed25519.PublicKey)) //nolint:forcetypeassert // an ed25519 key's public key is one
}

// sign signs as Discord does: timestamp, then body.
func (k Key) sign(timestamp string, body []byte) string {
	return hex.EncodeToString(ed25519.Sign(k.private(), append([]byte(timestamp), body...)))
}

func (k Key) private() ed25519.PrivateKey { return ed25519.NewKeyFromSeed([]byte(k.seed)) }
