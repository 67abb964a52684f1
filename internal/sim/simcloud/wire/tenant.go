package wire

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"hearth/internal/world"
)

// DefaultTenantID is a Tenant's id.
const DefaultTenantID = "00000000-0000-0000-0000-00000000000e"

// early is how much older than its making a token says it is, as Entra ID's do.
const early = 5 * time.Minute

// Tenant is the Entra ID behind the identities of machines: it makes their tokens
// and knows them again. They have the form of Entra ID's (version 1.0), so others
// who look into them, such as Azurite with `--oauth basic`, find what they look
// for; the signature is the tenant's own. It is safe for concurrent use.
type Tenant struct {
	clock world.Clock
	life  time.Duration
	key   []byte
}

// NewTenant makes one whose tokens are good for that long by this clock; 0:
// DefaultTokenLife.
func NewTenant(clock world.Clock, life time.Duration) *Tenant {
	if life == 0 {
		life = DefaultTokenLife
	}
	t := &Tenant{clock: clock, life: life, key: make([]byte, 32)}
	_, _ = rand.Read(t.key) // it never fails
	return t
}

// claims are what a token says.
type claims struct {
	Audience  string `json:"aud"`
	Issuer    string `json:"iss"`
	IssuedAt  int64  `json:"iat"`
	NotBefore int64  `json:"nbf"`
	Expires   int64  `json:"exp"`
	ClientID  string `json:"appid"`
	ObjectID  string `json:"oid"`
	Subject   string `json:"sub"`
	TenantID  string `json:"tid"`
	Version   string `json:"ver"`
}

// token makes one for an identity and a resource.
func (t *Tenant) token(clientID, resource string) (string, claims, error) {
	now := t.clock.Now()
	c := claims{
		Audience: resource, Issuer: "https://sts.windows.net/" + DefaultTenantID + "/",
		IssuedAt: now.Add(-early).Unix(), NotBefore: now.Add(-early).Unix(), Expires: now.Add(t.life).Unix(),
		ClientID: clientID, ObjectID: guid(clientID), Subject: guid(clientID), TenantID: DefaultTenantID, Version: "1.0",
	}
	body, err := json.Marshal(c)
	if err != nil {
		return "", claims{}, err
	}
	text := encode([]byte(`{"typ":"JWT","alg":"HS256"}`)) + "." + encode(body)
	return text + "." + encode(t.sign(text)), c, nil
}

var (
	errForeign = errors.New("the token is not this tenant's")
	errExpired = errors.New("the token has expired")
)

// read takes a token apart that the tenant made.
func (t *Tenant) read(token string) (claims, error) {
	at := strings.LastIndexByte(token, '.')
	if at < 0 {
		return claims{}, errForeign
	}
	signature, err := base64.RawURLEncoding.DecodeString(token[at+1:])
	if err != nil || !hmac.Equal(signature, t.sign(token[:at])) {
		return claims{}, errForeign
	}
	_, text, _ := strings.Cut(token[:at], ".")
	body, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return claims{}, errForeign
	}
	var c claims
	if err := json.Unmarshal(body, &c); err != nil {
		return claims{}, errForeign
	}
	if t.clock.Now().Unix() >= c.Expires {
		return claims{}, errExpired
	}
	return c, nil
}

// Caller is the identity that a token was given to for this resource, for
// stand-ins elsewhere that demand one; ok is false if the tenant did not make it,
// it has expired, or it is for something else.
func (t *Tenant) Caller(token, resource string) (clientID string, ok bool) {
	c, err := t.read(token)
	if err != nil || strings.TrimSuffix(c.Audience, "/") != strings.TrimSuffix(resource, "/") {
		return "", false
	}
	return c.ClientID, true
}

func (t *Tenant) sign(text string) []byte {
	h := hmac.New(sha256.New, t.key)
	_, _ = h.Write([]byte(text)) // a hash never fails
	return h.Sum(nil)
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }
