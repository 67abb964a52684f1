// Package vault reads secrets out of Azure Key Vaults ("Get Secret - REST API").
// A token goes to hosts of vaults alone, and is not sent on to where an answer
// points.
//
// A call is tried three times and takes CallWithin at most, beside what the
// credential takes. What the vault refuses
// is an *Error, what can't be had as a token a *TokenError; anything else is a
// network's. No error has anything of a secret, or of an answer but its code.
package vault

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"

	"hearth/internal/world"
)

// CallWithin bounds one Get, its attempts together.
const CallWithin = 15 * time.Second

const (
	version   = "7.4"
	attempts  = 3
	maxAnswer = 128 << 10 // a secret has 25 KB at most
)

// Options say as whom to ask.
type Options struct {
	Credential azcore.TokenCredential // required
	// Transport carries the requests; nil: one of its own, without redirects.
	Transport policy.Transporter
}

// Client reads secrets. It is safe for concurrent use: a token is asked for once.
type Client struct {
	pipelines map[string]runtime.Pipeline // by the host's suffix
}

// New makes no call.
func New(o Options) *Client {
	if o.Transport == nil {
		o.Transport = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	}
	c := &Client{pipelines: map[string]runtime.Pipeline{}}
	for _, suffix := range suffixes() {
		c.pipelines[suffix] = runtime.NewPipeline("hearth", "v1.0.0", runtime.PipelineOptions{
			// A credential has bounds of its own: the Azure CLI takes seconds.
			PerCall: []policy.Policy{runtime.NewBearerTokenPolicy(tokens{o.Credential}, []string{scopeOf(suffix)}, nil), within{}},
		}, &policy.ClientOptions{
			Transport: bounded{o.Transport}, Telemetry: policy.TelemetryOptions{ApplicationID: "hearth"},
			Retry: policy.RetryOptions{
				MaxRetries: attempts - 1, TryTimeout: CallWithin / attempts, RetryDelay: 500 * time.Millisecond, MaxRetryDelay: 2 * time.Second,
			},
		})
	}
	return c
}

// TokenError is that of the credential.
type TokenError struct{ Err error }

// Error implements error.
func (e *TokenError) Error() string { return "get token: " + e.Err.Error() }

// Unwrap gives the credential's error.
func (e *TokenError) Unwrap() error { return e.Err }

// tokens marks the credential's errors.
type tokens struct{ azcore.TokenCredential }

// GetToken implements azcore.TokenCredential.
func (t tokens) GetToken(ctx context.Context, o policy.TokenRequestOptions) (azcore.AccessToken, error) {
	token, err := t.TokenCredential.GetToken(ctx, o)
	if err != nil {
		return token, &TokenError{err}
	}
	return token, nil
}

// within ends a call after CallWithin.
type within struct{}

func (within) Do(r *policy.Request) (*http.Response, error) {
	// The answer's body has been read when Next returns: that is a policy of its
	// own, behind this one.
	ctx, cancel := context.WithTimeout(r.Raw().Context(), CallWithin)
	defer cancel()
	return r.WithContext(ctx).Next()
}

// bounded reads no more than maxAnswer of an answer.
type bounded struct{ policy.Transporter }

func (b bounded) Do(r *http.Request) (*http.Response, error) {
	resp, err := b.Transporter.Do(r)
	if err != nil {
		return nil, err
	}
	resp.Body = struct {
		io.Reader
		io.Closer
	}{io.LimitReader(resp.Body, maxAnswer), resp.Body}
	return resp, nil
}

// Codes of an Error, of those that there are ("Azure Key Vault REST API error
// codes").
const (
	CodeNoSecret = "SecretNotFound"
	CodeDisabled = "SecretDisabled"
	CodeFirewall = "ForbiddenByFirewall"
)

// Error is a vault's refusal.
type Error struct {
	Status int
	Code   string // the innermost; empty: the answer has none
}

// Error implements error.
func (e *Error) Error() string { return fmt.Sprintf("the vault answers %d (%s)", e.Status, e.Code) }

// Get reads a secret.
func (c *Client) Get(ctx context.Context, n Name) (world.Secret, error) {
	value, err := c.get(ctx, n)
	if err != nil {
		return "", fmt.Errorf("read %s: %w", n, err)
	}
	return value, nil
}

func (c *Client) get(ctx context.Context, n Name) (world.Secret, error) {
	if err := n.check(); err != nil {
		return "", err
	}
	req, err := runtime.NewRequest(ctx, http.MethodGet, n.URL()+"?api-version="+version)
	if err != nil {
		return "", err
	}
	resp, err := c.pipelines[n.suffix()].Do(req) //nolint:bodyclose // Payload reads and closes it
	if err != nil {
		return "", err
	}
	body, err := runtime.Payload(resp)
	if err != nil {
		return "", err
	}
	if resp.StatusCode != http.StatusOK {
		return "", &Error{Status: resp.StatusCode, Code: code(body)}
	}
	var doc struct {
		Value *string `json:"value"`
	}
	if json.Unmarshal(body, &doc) != nil || doc.Value == nil {
		return "", errors.New("the vault's answer is none")
	}
	return world.Secret(*doc.Value), nil
}

// code is the innermost of an answer's.
func code(body []byte) string {
	type inner struct {
		Code  string
		Inner *inner `json:"innererror"`
	}
	var doc struct{ Error inner }
	if json.Unmarshal(body, &doc) != nil {
		return ""
	}
	at := &doc.Error
	for at.Inner != nil && at.Inner.Code != "" {
		at = at.Inner
	}
	if !named(at.Code, 1, 64) {
		return ""
	}
	return at.Code
}
