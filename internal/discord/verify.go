package discord

import (
	"crypto/ed25519"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"hearth/internal/world"
)

// Bounds of what is taken for an interaction.
const (
	// MaxBodyBytes is the largest interaction body; Discord's are a few KiB.
	MaxBodyBytes = 64 * 1024
	// Window is how far an interaction's timestamp may lie from the
	// endpoint's clock, before or after. Discord documents none.
	Window = 5 * time.Minute
	// QueuedWindow is how old an interaction may be when a worker takes its
	// command: as long as its token lives.
	QueuedWindow = 15 * time.Minute
)

const (
	headerSignature = "X-Signature-Ed25519"
	headerTimestamp = "X-Signature-Timestamp"
)

// Errors of the way in.
var (
	// ErrUnauthorized: a signature or timestamp is missing, malformed, not
	// Discord's, or out of its window. The answer is a 401.
	ErrUnauthorized = errors.New("not signed by discord for now")
	// ErrExpired: signed by Discord, but too long ago. It always comes
	// together with ErrUnauthorized.
	ErrExpired = errors.New("signed too long ago")
	// ErrBodyTooLarge: the body has more than MaxBodyBytes. The answer is a
	// 413.
	ErrBodyTooLarge = errors.New("body too large")
)

// Verifier tells Discord's interactions from everybody else's. It is safe for
// concurrent use.
type Verifier struct {
	key ed25519.PublicKey
}

// NewVerifier reads the application's public key, 64 hex digits. An empty or
// malformed key is an error that says where to get a good one: without a key
// nothing can be believed, so nothing may start.
func NewVerifier(publicKeyHex string) (*Verifier, error) {
	return newVerifier("DISCORD_PUBLIC_KEY", publicKeyHex,
		"copy \"Public Key\" from the application's General Information page in Discord's developer portal")
}

// NewProbeVerifier reads the public key of whoever measures the endpoint, 64 hex
// digits; errors as of NewVerifier.
func NewProbeVerifier(publicKeyHex string) (*Verifier, error) {
	return newVerifier("HEARTH_PROBE_KEY", publicKeyHex, "give it the probe's public key, or remove it")
}

func newVerifier(setting, publicKeyHex, where string) (*Verifier, error) {
	text := strings.TrimSpace(publicKeyHex)
	if text == "" {
		return nil, fmt.Errorf("%s is empty: %s", setting, where)
	}
	key, err := hex.DecodeString(text)
	if err != nil || len(key) != ed25519.PublicKeySize {
		return nil, fmt.Errorf("%s has %d characters or is not hexadecimal; it must be %d hex digits: %s",
			setting, len(text), hex.EncodedLen(ed25519.PublicKeySize), where)
	}
	// The all-zero key is a placeholder, and worse: it is a point of small
	// order, under which signatures can be made up.
	if ed25519.PublicKey(key).Equal(make(ed25519.PublicKey, ed25519.PublicKeySize)) {
		return nil, fmt.Errorf("%s is all zeros: %s", setting, where)
	}
	return &Verifier{key: key}, nil
}

// VerifySignature checks only that Discord signed these bytes, at any time.
// ErrUnauthorized if not.
func (v *Verifier) VerifySignature(s world.Signed) error {
	_, err := v.signedAt(s)
	return err
}

// Verify checks what an endpoint received: signed by Discord, and at most
// Window away from now. ErrUnauthorized if not, with ErrExpired beside it if
// it was good once.
func (v *Verifier) Verify(s world.Signed, now time.Time) error {
	return v.verify(s, now, Window)
}

// VerifyQueued checks what a worker took from a queue: signed by Discord at
// most QueuedWindow ago. ErrUnauthorized if not, with ErrExpired beside it if
// it was good once.
func (v *Verifier) VerifyQueued(s world.Signed, now time.Time) error {
	return v.verify(s, now, QueuedWindow)
}

func (v *Verifier) verify(s world.Signed, now time.Time, oldest time.Duration) error {
	at, err := v.signedAt(s)
	if err != nil {
		return err
	}
	age := now.Sub(at)
	if age > oldest {
		return fmt.Errorf("verify interaction: %w: %w: %s old, at most %s", ErrUnauthorized, ErrExpired, age.Truncate(time.Second), oldest)
	}
	if age < -Window {
		return fmt.Errorf("verify interaction: %w: signed %s ahead of this clock", ErrUnauthorized, (-age).Truncate(time.Second))
	}
	return nil
}

// signedAt verifies the signature and returns the time it was made.
func (v *Verifier) signedAt(s world.Signed) (time.Time, error) {
	refuse := func(why string) (time.Time, error) {
		return time.Time{}, fmt.Errorf("verify interaction: %w: %s", ErrUnauthorized, why)
	}
	if len(s.Body) == 0 {
		return refuse("no body")
	}
	if len(s.Signature) != hex.EncodedLen(ed25519.SignatureSize) {
		return refuse("signature missing or of a wrong length")
	}
	signature, err := hex.DecodeString(s.Signature) // either case, as Discord's own verifyKey
	if err != nil {
		return refuse("signature is not hexadecimal")
	}
	seconds, ok := unixSeconds(s.Timestamp)
	if !ok {
		return refuse("timestamp missing or not in seconds")
	}
	signed := make([]byte, 0, len(s.Timestamp)+len(s.Body))
	signed = append(append(signed, s.Timestamp...), s.Body...)
	if !ed25519.Verify(v.key, signed, signature) {
		return refuse("signature does not fit")
	}
	return time.Unix(seconds, 0), nil
}

// unixSeconds reads digits only: ParseInt alone would take signs as well.
func unixSeconds(text string) (int64, bool) {
	if len(text) == 0 || len(text) > 12 || !digits(text) {
		return 0, false
	}
	n, err := strconv.ParseInt(text, 10, 64)
	return n, err == nil
}

func digits(text string) bool {
	for i := range len(text) {
		if text[i] < '0' || text[i] > '9' {
			return false
		}
	}
	return text != ""
}

// ReadSigned reads an interaction's raw body, at most MaxBodyBytes, and its
// two headers, and judges neither. ErrBodyTooLarge above the limit; any other
// error is a body that did not arrive.
func ReadSigned(w http.ResponseWriter, r *http.Request) (world.Signed, error) {
	if r.ContentLength > MaxBodyBytes {
		return world.Signed{}, fmt.Errorf("read interaction: %w: %d bytes of at most %d", ErrBodyTooLarge, r.ContentLength, MaxBodyBytes)
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxBodyBytes))
	if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return world.Signed{}, fmt.Errorf("read interaction: %w: more than %d bytes", ErrBodyTooLarge, tooLarge.Limit)
	}
	if err != nil {
		return world.Signed{}, fmt.Errorf("read interaction: %w", err)
	}
	return SignedFrom(r.Header, body)
}

// SignedFrom puts together a body that was read already and its headers, and
// judges neither; ErrBodyTooLarge above MaxBodyBytes.
func SignedFrom(h http.Header, body []byte) (world.Signed, error) {
	if len(body) > MaxBodyBytes {
		return world.Signed{}, fmt.Errorf("read interaction: %w: %d bytes of at most %d", ErrBodyTooLarge, len(body), MaxBodyBytes)
	}
	return world.Signed{Body: body, Timestamp: h.Get(headerTimestamp), Signature: h.Get(headerSignature)}, nil
}

// Has tells whether this is the key that v verifies with.
func (v *Verifier) Has(key []byte) bool { return v.key.Equal(ed25519.PublicKey(key)) }
