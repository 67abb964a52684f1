// Package identity asks the platform for the tokens of a function app's managed
// identity ("How to use managed identities for App Service and Azure
// Functions", REST endpoint reference). It is an azcore.TokenCredential, and a
// thousandth of azidentity, which knows every other way to a token and costs
// each start of a process the initialisation of them all (ADR 24).
//
// A token is kept until five minutes before it expires. One caller asks for a
// resource's at a time, the others wait for what it gets; a failure is its own,
// and the next of them asks again. An old token is used on while it is good and
// no new one can be had.
package identity

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"

	"hearth/internal/world"
)

var _ azcore.TokenCredential = (*Credential)(nil)

// The settings that the platform gives an app that has an identity.
const (
	EndpointVariable = "IDENTITY_ENDPOINT"
	HeaderVariable   = "IDENTITY_HEADER"
)

// Within is how long GetToken asks at most, its attempts and the waits between
// them together.
const Within = 8 * time.Second

const (
	version = "2019-08-01" // of the endpoint

	attempts   = 3
	attempt    = 3 * time.Second
	firstDelay = 200 * time.Millisecond
	mostDelay  = time.Second

	early = 5 * time.Minute  // before its end a token is renewed
	pause = 30 * time.Second // between attempts to renew one that is still good

	maxAnswer = 64 << 10 // a token has some 2 KB
)

// Options say who asks where.
type Options struct {
	Endpoint string       // of EndpointVariable; empty: the app has no identity, which GetToken says
	Header   world.Secret // of HeaderVariable
	ClientID string       // of a user-assigned identity; empty: the system-assigned one
	Clock    world.Clock  // required
	// Transport carries the requests; nil: one of its own, without proxy and
	// redirects, since the header is a secret.
	Transport policy.Transporter
}

// Credential is an identity's. It is safe for concurrent use, and nothing of it
// is secret to fmt.
type Credential struct {
	clock world.Clock
	ask   func(ctx context.Context, resource string) (azcore.AccessToken, error)

	mu     sync.Mutex // guards what follows
	tokens map[string]*entry
}

// entry is the token of a resource.
type entry struct {
	turn  chan struct{} // who has put something in may use what follows
	token azcore.AccessToken
	renew time.Time // from then on
}

// New makes no call, and nothing that takes time.
func New(o Options) *Credential {
	pipeline := sync.OnceValue(func() runtime.Pipeline { return newPipeline(o.Transport) })
	return &Credential{
		clock: o.Clock, tokens: map[string]*entry{},
		ask: func(ctx context.Context, resource string) (azcore.AccessToken, error) {
			return ask(ctx, o, pipeline, resource)
		},
	}
}

// GetToken implements azcore.TokenCredential for one scope, a resource's address
// with /.default behind it. Its error is an *Error.
func (c *Credential) GetToken(ctx context.Context, o policy.TokenRequestOptions) (azcore.AccessToken, error) {
	if len(o.Scopes) != 1 {
		return azcore.AccessToken{}, &Error{Err: fmt.Errorf("a token is of one scope, not of %d", len(o.Scopes))}
	}
	e := c.entry(strings.TrimSuffix(o.Scopes[0], "/.default"))
	select {
	case e.turn <- struct{}{}:
	case <-ctx.Done():
		return azcore.AccessToken{}, &Error{Err: ctx.Err()}
	}
	defer func() { <-e.turn }()
	now := c.clock.Now()
	challenged := o.Claims != "" // the token that is kept was refused
	if !challenged && now.Before(e.renew) {
		return e.token, nil
	}
	token, err := c.ask(ctx, strings.TrimSuffix(o.Scopes[0], "/.default"))
	switch {
	case err == nil:
		e.token = token
		e.renew = latest(token.ExpiresOn.Add(-early), now.Add(pause))
	case !challenged && now.Before(e.token.ExpiresOn):
		e.renew = now.Add(pause)
	default:
		return azcore.AccessToken{}, err
	}
	if e.renew.After(e.token.ExpiresOn) {
		e.renew = e.token.ExpiresOn
	}
	return e.token, nil
}

func (c *Credential) entry(resource string) *entry {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.tokens[resource] == nil {
		c.tokens[resource] = &entry{turn: make(chan struct{}, 1)}
	}
	return c.tokens[resource]
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func newPipeline(t policy.Transporter) runtime.Pipeline {
	if t == nil {
		t = newClient()
	}
	return runtime.NewPipeline("hearth", "v1.0.0", runtime.PipelineOptions{}, &policy.ClientOptions{
		Transport: bounded{t},
		Telemetry: policy.TelemetryOptions{ApplicationID: "hearth"},
		Retry: policy.RetryOptions{
			MaxRetries: attempts - 1, TryTimeout: attempt, RetryDelay: firstDelay, MaxRetryDelay: mostDelay,
		},
	})
}

func newClient() *http.Client {
	c := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	if t, ok := http.DefaultTransport.(*http.Transport); ok {
		t = t.Clone()
		t.Proxy = nil
		c.Transport = t
	}
	return c
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

// ask asks the endpoint for a token of a resource.
func ask(ctx context.Context, o Options, pipeline func() runtime.Pipeline, resource string) (azcore.AccessToken, error) {
	if o.Endpoint == "" || o.Header == "" {
		return azcore.AccessToken{}, &Error{Err: ErrNone}
	}
	ctx, cancel := context.WithTimeout(ctx, Within)
	defer cancel()
	req, err := runtime.NewRequest(ctx, http.MethodGet, o.Endpoint)
	if err != nil {
		return azcore.AccessToken{}, &Error{Err: fmt.Errorf("%s is no address: %w", EndpointVariable, bare(err))}
	}
	q := req.Raw().URL.Query()
	q.Set("api-version", version)
	q.Set("resource", resource)
	if o.ClientID != "" {
		q.Set("client_id", o.ClientID)
	}
	req.Raw().URL.RawQuery = q.Encode()
	req.Raw().Header.Set("X-IDENTITY-HEADER", o.Header.Reveal())
	resp, err := pipeline().Do(req) //nolint:bodyclose // Payload reads and closes it
	if err != nil {
		return azcore.AccessToken{}, &Error{Err: bare(err)}
	}
	body, err := runtime.Payload(resp)
	switch {
	case resp.StatusCode != http.StatusOK:
		return azcore.AccessToken{}, &Error{Status: resp.StatusCode}
	case err != nil:
		return azcore.AccessToken{}, &Error{Status: resp.StatusCode, Err: bare(err)}
	}
	token, err := parse(body)
	if err != nil {
		return azcore.AccessToken{}, &Error{Status: resp.StatusCode, Err: err}
	}
	if !o.Clock.Now().Before(token.ExpiresOn) {
		return azcore.AccessToken{}, &Error{Status: resp.StatusCode, Err: errors.New("its token has expired already")}
	}
	return token, nil
}

// parse reads an answer. Its errors repeat nothing of it.
func parse(body []byte) (azcore.AccessToken, error) {
	var doc struct {
		AccessToken string      `json:"access_token"`
		ExpiresOn   json.Number `json:"expires_on"` // seconds since 1970, as a text
		TokenType   string      `json:"token_type"`
	}
	if json.Unmarshal(body, &doc) != nil {
		return azcore.AccessToken{}, errors.New("its answer is no token's document")
	}
	seconds, err := doc.ExpiresOn.Int64()
	if err != nil || seconds <= 0 {
		return azcore.AccessToken{}, errors.New("its answer has no expires_on in seconds")
	}
	// It goes into a header.
	if doc.AccessToken == "" || strings.ContainsFunc(doc.AccessToken, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return azcore.AccessToken{}, errors.New("its answer has no access_token that can be sent")
	}
	return azcore.AccessToken{Token: doc.AccessToken, ExpiresOn: time.Unix(seconds, 0)}, nil
}

// bare is an error without the address that was asked.
func bare(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		return u.Err
	}
	return err
}
