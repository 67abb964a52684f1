package compute

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/arm"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/compute/armcompute/v8"

	"hearth/internal/world"
)

var (
	_ world.Compute = (*Compute)(nil)
	_ world.Estate  = (*Compute)(nil)
	_ world.Console = (*Compute)(nil)
)

// PublicURL is Azure Resource Manager in the public cloud.
const PublicURL = "https://management.azure.com"

// CallsWithin is how long one method takes at most: a look is two of them, and
// an event's handling has 50 s.
const CallsWithin = 15 * time.Second

// maxAnswer bounds an answer of Azure's. A virtual machine has about 5 KB.
const maxAnswer = 4 << 20

// Options are what New needs to know.
type Options struct {
	Subscription  string // its id, a GUID
	ResourceGroup string // where the scale sets are
	// URL is Azure Resource Manager's, https and without a path; empty:
	// PublicURL. It is also what tokens are asked for.
	URL string
	// ClientID is a user-assigned identity's; empty: the system-assigned one.
	ClientID string
	// Credential gives that identity's tokens; its error is an *identity.Error.
	// It is required.
	Credential azcore.TokenCredential
	// Transport carries the calls to Azure Resource Manager, and to the storage that
	// holds consoles, without following redirects; nil: one of its own.
	Transport policy.Transporter
	// Names are what errors call the first four.
	Names Names
	Clock world.Clock  // required
	Log   *slog.Logger // may be nil
}

// Names of the options as whoever set them knows them. Empty ones are called
// what they are.
type Names struct{ Subscription, ResourceGroup, URL, ClientID string }

// Compute implements world.Compute, world.Estate and world.Console. It is safe for concurrent use. A method
// takes at most CallsWithin; every error is a *world.CloudError.
type Compute struct {
	o     Options
	host  string
	gate  *gate
	log   *slog.Logger
	azure func() (*clients, error) // made at the first call

	mu        sync.Mutex        // guards what follows
	seen      map[string]bool   // scale sets that are known to exist
	addresses map[string]string // of machines, by resource id
}

// clients are how Azure is called.
type clients struct {
	raw   *arm.Client // for what armcompute has no method for
	sets  *armcompute.VirtualMachineScaleSetsClient
	vms   *armcompute.VirtualMachinesClient
	disks *armcompute.DisksClient
	plain policy.Transporter // for what is not Resource Manager's, without a token
}

// New makes no call, and nothing that takes time: a process that only answers
// an interaction needs none of it. Its error names every problem of the options.
func New(o Options) (*Compute, error) {
	if o.URL == "" {
		o.URL = PublicURL
	}
	o.URL = strings.TrimSuffix(o.URL, "/")
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	u, err := o.validate()
	if err != nil {
		return nil, fmt.Errorf("open Azure compute: %w", err)
	}
	c := &Compute{
		o: o, host: u.Host, log: o.Log,
		gate: &gate{
			clock: o.Clock, host: u.Host,
			reads: bucket{burst: readBurst, every: readEvery}, writes: bucket{burst: writeBurst, every: writeEvery},
		},
		seen: map[string]bool{}, addresses: map[string]string{},
	}
	c.azure = sync.OnceValues(c.connect)
	return c, nil
}

// connect makes the clients; they connect when they are used.
func (c *Compute) connect() (*clients, error) {
	transport := c.o.Transport
	if transport == nil {
		transport = newClient()
	}
	options := &arm.ClientOptions{
		ClientOptions: policy.ClientOptions{
			Cloud: cloud.Configuration{Services: map[cloud.ServiceName]cloud.ServiceConfiguration{
				cloud.ResourceManager: {Endpoint: c.o.URL, Audience: c.o.URL},
			}},
			Retry:           once(),
			Telemetry:       policy.TelemetryOptions{ApplicationID: "hearth"},
			PerCallPolicies: []policy.Policy{c.gate},
			Transport:       bounded{transport},
		},
		// A 409 is about a scale set here, never a provider to be registered.
		DisableRPRegistration: true,
	}
	raw, err := arm.NewClient("hearth", "v1.0.0", c.o.Credential, options)
	if err != nil {
		return nil, fmt.Errorf("open Azure compute: %w", err)
	}
	of, err := armcompute.NewClientFactory(c.o.Subscription, c.o.Credential, options)
	if err != nil {
		return nil, fmt.Errorf("open Azure compute: %w", err)
	}
	return &clients{raw, of.NewVirtualMachineScaleSetsClient(), of.NewVirtualMachinesClient(), of.NewDisksClient(), bounded{transport}}, nil
}

func (o *Options) validate() (*url.URL, error) {
	var problems []error
	bad := func(name, otherwise, format string, args ...any) {
		problems = append(problems, fmt.Errorf("%s "+format, append([]any{cmp.Or(name, otherwise)}, args...)...))
	}
	if !isGUID(o.Subscription) {
		bad(o.Names.Subscription, "Subscription", "is %q: give the id of the subscription, such as 00000000-0000-0000-0000-000000000000 (az account show --query id)", o.Subscription)
	}
	if !isGroupName(o.ResourceGroup) {
		bad(o.Names.ResourceGroup, "ResourceGroup", "is %q: give the name of the resource group that holds the scale sets", o.ResourceGroup)
	}
	if o.ClientID != "" && !isGUID(o.ClientID) {
		bad(o.Names.ClientID, "ClientID", "is %q: give a user-assigned identity's client id (a GUID), or nothing for the system-assigned identity", o.ClientID)
	}
	u, err := url.Parse(o.URL)
	switch {
	case err != nil:
		bad(o.Names.URL, "URL", "is no address: %w", err)
	case u.Scheme != "https" || u.Host == "" || u.Path != "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil:
		bad(o.Names.URL, "URL", "is %q: give https://HOST without a path, such as %s", u.Redacted(), PublicURL)
	}
	if o.Credential == nil {
		bad("", "Credential", "is missing: give it what gives the identity's tokens")
	}
	if o.Clock == nil {
		bad("", "Clock", "is missing: give it the clock that everything else runs on")
	}
	return u, errors.Join(problems...)
}

// isGUID: 8, 4, 4, 4 and 12 hex digits with dashes between.
func isGUID(s string) bool {
	parts := strings.Split(s, "-")
	return len(parts) == 5 && !slices.ContainsFunc(parts, func(p string) bool { return strings.Trim(p, "0123456789abcdefABCDEF") != "" }) &&
		len(parts[0]) == 8 && len(parts[1]) == 4 && len(parts[2]) == 4 && len(parts[3]) == 4 && len(parts[4]) == 12
}

// isGroupName: 1 to 90 letters, digits and _().-, no dot at the end ("Naming rules
// and restrictions for Azure resources"). By hand, as the one above: to compile
// an expression with Unicode's letters in it takes longer than the rest of a
// process's start.
func isGroupName(s string) bool {
	return s != "" && utf8.RuneCountInString(s) <= 90 && !strings.HasSuffix(s, ".") && !strings.ContainsFunc(s, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsNumber(r) && !strings.ContainsRune("_().-", r)
	})
}

// once tries once.
func once() policy.RetryOptions { return policy.RetryOptions{MaxRetries: -1} }

// newClient connects to Azure Resource Manager. It follows no redirect: a token
// goes to the host that it is for.
func newClient() *http.Client {
	out := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	if t, ok := http.DefaultTransport.(*http.Transport); ok {
		t = t.Clone()
		t.MaxResponseHeaderBytes = 64 << 10
		out.Transport = t
	}
	return out
}

// Scale implements world.Compute. An error leaves open whether the operation
// was begun, unless its class is capacity, quota or config.
func (c *Compute) Scale(ctx context.Context, p world.Placement, capacity int) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, CallsWithin)
	defer cancel()
	if err := checkPlacement(p); err != nil {
		return "", err
	}
	if capacity != 0 && capacity != 1 {
		return "", &world.CloudError{Class: world.ClassConfig, Code: "InvalidParameter", Message: fmt.Sprintf("A capacity of %d was asked for: a world has 0 machines or 1.", capacity)}
	}
	sku := &armcompute.SKU{Capacity: new(int64(capacity))}
	if p.Size != "" && capacity > 0 { // a wrong size must not keep a machine from being deleted
		sku.Name = new(p.Size)
	}
	azure, err := c.azure()
	if err != nil {
		return "", c.fault(err)
	}
	var resp *http.Response
	_, err = azure.sets.BeginUpdate(policy.WithCaptureResponse(ctx, &resp), c.o.ResourceGroup, p.ID, armcompute.VirtualMachineScaleSetUpdate{SKU: sku}, nil)
	// armcompute knows 200 alone, and makes a poller of it; neither decides
	// whether Azure has accepted.
	if resp != nil && resp.StatusCode >= 200 && resp.StatusCode < 300 {
		return c.token(p.ID, resp.Header.Get("Azure-AsyncOperation")), nil
	}
	if err == nil {
		err = errors.New("no answer")
	}
	return "", c.fault(err)
}

// checkPlacement: the name becomes a part of a path.
func checkPlacement(p world.Placement) error {
	if !isSetName(p.ID) {
		return &world.CloudError{Class: world.ClassConfig, Code: "InvalidResourceName", Message: fmt.Sprintf("%q is no name of a scale set: look at the world's placements.", p.ID)}
	}
	return nil
}
