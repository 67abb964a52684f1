package account

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"hearth/internal/world"
)

// Bounds of a call.
const (
	Attempts = 3
	Attempt  = 3 * time.Second // Options.Attempt if it is 0
	Total    = 10 * time.Second

	firstDelay = 200 * time.Millisecond
	mostDelay  = time.Second
)

// Service is one of an account's services.
type Service string

// The services.
const (
	Blob  Service = "blob"
	Queue Service = "queue"
	Table Service = "table"
	File  Service = "file"
)

// Options say which account, and as whom.
type Options struct {
	// ConnectionString has the account's key, as the portal shows it. If it is
	// set the next two are not.
	ConnectionString world.Secret
	// Account is the account's name, and ClientID the client id of a
	// user-assigned managed identity; empty: the system-assigned one.
	Account  string
	ClientID string
	// Credential gives that identity's tokens; its error is an *identity.Error.
	// It is required if Account is set.
	Credential azcore.TokenCredential

	// Attempt bounds one attempt at a call; 0: 3 s.
	Attempt time.Duration
	// Transport sends requests; nil: the SDK's own.
	Transport policy.Transporter
	// Names are what errors call the settings.
	Names Names
}

// Names of the settings as whoever wrote them knows them. Empty ones are called
// what they are.
type Names struct{ ConnectionString, Account, ClientID string }

// Account is a storage account. It is safe for concurrent use.
type Account struct {
	name       string
	key        world.Secret // empty: an identity asks
	endpoints  map[Service]string
	client     azcore.ClientOptions
	credential azcore.TokenCredential // nil: the key signs
}

// Open takes the options and makes no call. The error names everything that is
// wrong with them and what to do about each.
func Open(o Options) (*Account, error) {
	a := &Account{name: o.Account, client: o.clientOptions()}
	problems := o.problems()
	if o.Attempt < 0 {
		problems = append(problems, fmt.Errorf("an attempt at a call lasts %s: choose a time above 0", o.Attempt))
	}
	if o.Account != "" && o.Credential == nil {
		problems = append(problems, errors.New("nothing gives the identity's tokens: set Credential"))
	}
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	if o.ConnectionString != "" {
		c, _ := parseConnection(o.ConnectionString) // problems has seen it
		a.name, a.key, a.endpoints = c.account, c.key, c.endpoints
		return a, nil
	}
	a.endpoints = endpoints("https", o.Account, publicSuffix)
	a.credential = o.Credential
	return a, nil
}

func (o *Options) clientOptions() azcore.ClientOptions {
	attempt := o.Attempt
	if attempt == 0 {
		attempt = Attempt
	}
	return azcore.ClientOptions{
		Transport:       o.Transport,
		Telemetry:       policy.TelemetryOptions{ApplicationID: "hearth"},
		PerCallPolicies: []policy.Policy{bounded{}},
		Retry: policy.RetryOptions{
			MaxRetries: Attempts - 1, TryTimeout: attempt, RetryDelay: firstDelay, MaxRetryDelay: mostDelay,
		},
	}
}

// bounded ends a call after Total, attempts and waits included.
type bounded struct{}

func (bounded) Do(r *policy.Request) (*http.Response, error) {
	// The reply's body has been read when Next returns: that is a policy of
	// its own, behind this one.
	ctx, cancel := context.WithTimeout(r.Raw().Context(), Total)
	defer cancel()
	return r.WithContext(ctx).Next()
}

// Name is the account's.
func (a *Account) Name() string { return a.name }

// Endpoint is the address of a service, without a slash at its end.
func (a *Account) Endpoint(s Service) string { return a.endpoints[s] }

// Key is the account key that signs requests; empty: Credential authorizes
// them.
func (a *Account) Key() world.Secret { return a.key }

// Credential authorizes requests if there is no Key.
func (a *Account) Credential() azcore.TokenCredential { return a.credential }

// ClientOptions are those of every client of the account.
func (a *Account) ClientOptions() azcore.ClientOptions { return a.client }
