// Package audit reads how a deployment was made in Azure: the subscription, its
// quotas and sizes, the resource group, the scale sets. It changes nothing, and
// judges nothing. It is for the keeper's program; the bot has no need of it.
//
// A call is tried three times and takes CallWithin at most. What Azure refuses is
// an *Error, what can't be had as a token a *TokenError; anything else is a
// network's.
package audit

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
)

// CallWithin bounds one call, its attempts together.
const CallWithin = 20 * time.Second

const (
	// PublicURL is Azure Resource Manager's in the public cloud.
	PublicURL = "https://management.azure.com"

	// The list of sizes of a region has about a megabyte.
	maxAnswer = 16 << 20

	versionSubscription = "2022-12-01"
	versionGroup        = "2021-04-01"
	versionSet          = "2024-07-01"
	versionUsages       = "2024-07-01"
	versionSizes        = "2021-07-01"
)

// Options say what to look at. Subscription, ResourceGroup and Credential are
// required.
type Options struct {
	Subscription, ResourceGroup string
	URL                         string // of Azure Resource Manager; empty: PublicURL
	Credential                  azcore.TokenCredential
	Transport                   policy.Transporter // nil: the SDK's own
}

// Audit reads. It is safe for concurrent use.
type Audit struct {
	o        Options
	pipeline runtime.Pipeline
}

// New makes no call.
func New(o Options) *Audit {
	if o.URL == "" {
		o.URL = PublicURL
	}
	o.URL = strings.TrimSuffix(o.URL, "/")
	return &Audit{o: o, pipeline: runtime.NewPipeline("hearth", "v1.0.0", runtime.PipelineOptions{
		PerRetry: []policy.Policy{runtime.NewBearerTokenPolicy(tokens{o.Credential}, []string{Scope(o.URL)}, nil)},
	}, &policy.ClientOptions{
		Transport: o.Transport, Telemetry: policy.TelemetryOptions{ApplicationID: "hearth"},
		Retry: policy.RetryOptions{MaxRetries: 2, TryTimeout: CallWithin / 2, RetryDelay: time.Second, MaxRetryDelay: 5 * time.Second},
	})}
}

// Scope is what a token for Azure Resource Manager at this address is asked for.
func Scope(armURL string) string { return strings.TrimSuffix(armURL, "/") + "/.default" }

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

// Error is Azure's refusal.
type Error struct {
	Status  int
	Code    string // Azure's, such as ResourceGroupNotFound
	Message string // Azure's, which may name what was asked for
}

// Error implements error.
func (e *Error) Error() string {
	return fmt.Sprintf("azure answered %d (%s): %s", e.Status, e.Code, e.Message)
}

// Subscription is who pays, and for what kind of contract.
type Subscription struct {
	Name          string
	State         string // Enabled, Warned, PastDue, Disabled, Deleted
	QuotaID       string // names the offer, such as PayAsYouGo_2014-09-01
	SpendingLimit string // On, Off, CurrentPeriodOff
}

// Subscription reads the subscription.
func (a *Audit) Subscription(ctx context.Context) (Subscription, error) {
	var doc struct {
		DisplayName          string
		State                string
		SubscriptionPolicies struct{ QuotaID, SpendingLimit string }
	}
	err := a.get(ctx, "read subscription", a.subscription(), versionSubscription, nil, &doc)
	p := doc.SubscriptionPolicies
	return Subscription{doc.DisplayName, doc.State, p.QuotaID, p.SpendingLimit}, err
}

// GroupRegion reads the resource group and tells its region.
func (a *Audit) GroupRegion(ctx context.Context) (string, error) {
	var doc struct{ Location string }
	err := a.get(ctx, "read resource group", a.group(), versionGroup, nil, &doc)
	return doc.Location, err
}

// ScaleSet is how a scale set was made. What it does not say is empty.
type ScaleSet struct {
	Name, Region, Size string
	Capacity           int
	Mode               string // Flexible or Uniform
	Priority           string // Spot, Regular
	EvictionPolicy     string // Delete, Deallocate
	MaxPrice           float64
	Ephemeral          bool // the system's disk is the machine's own
	// What becomes of these when their machine goes: Delete, Detach, or nothing is
	// said. Of several it is the worst. HasAddress: machines have a public one.
	Disk, Interface, Address string
	HasAddress               bool
	// BootDiagnostics: what machines write on their consoles is kept.
	BootDiagnostics bool
}

// setDocument is what is read of a scale set.
type setDocument struct {
	Name, Location string
	SKU            struct {
		Name     string
		Capacity int
	}
	Properties struct {
		OrchestrationMode     string
		VirtualMachineProfile struct {
			Priority, EvictionPolicy string
			BillingProfile           struct{ MaxPrice float64 }
			DiagnosticsProfile       struct{ BootDiagnostics struct{ Enabled bool } }
			StorageProfile           struct {
				OSDisk struct {
					DeleteOption     string
					DiffDiskSettings struct{ Option string }
				}
			}
			NetworkProfile struct {
				NetworkInterfaceConfigurations []struct {
					Properties struct {
						DeleteOption     string
						IPConfigurations []struct {
							Properties struct {
								PublicIPAddressConfiguration *struct {
									Properties struct{ DeleteOption string }
								}
							}
						}
					}
				}
			}
		}
	}
}

// ScaleSet reads a scale set of the resource group.
func (a *Audit) ScaleSet(ctx context.Context, name string) (ScaleSet, error) {
	var doc setDocument
	path := a.group() + "/providers/Microsoft.Compute/virtualMachineScaleSets/" + url.PathEscape(name)
	if err := a.get(ctx, "read scale set "+name, path, versionSet, nil, &doc); err != nil {
		return ScaleSet{}, err
	}
	p := doc.Properties.VirtualMachineProfile
	s := ScaleSet{
		Name: doc.Name, Region: doc.Location, Size: doc.SKU.Name, Capacity: doc.SKU.Capacity, Mode: doc.Properties.OrchestrationMode,
		Priority: p.Priority, EvictionPolicy: p.EvictionPolicy, MaxPrice: p.BillingProfile.MaxPrice,
		Ephemeral: p.StorageProfile.OSDisk.DiffDiskSettings.Option == "Local", Disk: p.StorageProfile.OSDisk.DeleteOption,
		Interface: "Delete", Address: "Delete", BootDiagnostics: p.DiagnosticsProfile.BootDiagnostics.Enabled,
	}
	for _, n := range p.NetworkProfile.NetworkInterfaceConfigurations {
		s.Interface = worse(s.Interface, n.Properties.DeleteOption)
		for _, c := range n.Properties.IPConfigurations {
			address := c.Properties.PublicIPAddressConfiguration
			if address == nil {
				continue
			}
			s.HasAddress = true
			s.Address = worse(s.Address, address.Properties.DeleteOption)
		}
	}
	return s, nil
}

// worse of two deletion options: one that keeps, then none, then Delete.
func worse(a, b string) string {
	if a == "Delete" || a == "" && b != "Delete" {
		return b
	}
	return a
}

// Quota is how many of something there are in a region, and may be.
type Quota struct{ Used, Limit int }

// Quotas that are not those of a family of sizes.
const (
	SpotCores = "lowPriorityCores" // of all spot machines, whatever their size
	AllCores  = "cores"            // of all others
)

// Quotas reads a region's, by name.
func (a *Audit) Quotas(ctx context.Context, region string) (map[string]Quota, error) {
	quotas := map[string]Quota{}
	path := a.subscription() + "/providers/Microsoft.Compute/locations/" + url.PathEscape(region) + "/usages"
	return quotas, pages(ctx, a, "read quotas of "+region, path, versionUsages, nil, func(u struct {
		Name                struct{ Value string }
		CurrentValue, Limit int
	},
	) {
		quotas[u.Name.Value] = Quota{Used: u.CurrentValue, Limit: u.Limit}
	})
}

// Size is a size of machines as this subscription may have it in a region.
type Size struct {
	Family   string // names its quota
	Cores    int
	Spot     bool   // there are spot machines of it
	Local    bool   // its machines have a disk of their own for the system
	Withheld string // Azure's reason not to give it to this subscription there; empty: none
}

// Sizes reads a region's, by name in small letters.
func (a *Audit) Sizes(ctx context.Context, region string) (map[string]Size, error) {
	sizes := map[string]Size{}
	filter := url.Values{"$filter": {"location eq '" + strings.ReplaceAll(region, "'", "") + "'"}}
	return sizes, pages(ctx, a, "read sizes of "+region, a.subscription()+"/providers/Microsoft.Compute/skus", versionSizes, filter, func(d sizeDocument) {
		if d.ResourceType == "virtualMachines" {
			sizes[strings.ToLower(d.Name)] = d.size(region)
		}
	})
}

type sizeDocument struct {
	ResourceType, Name, Family string
	Capabilities               []struct{ Name, Value string }
	Restrictions               []struct {
		Type, ReasonCode string
		Values           []string
	}
}

func (d sizeDocument) size(region string) Size {
	s := Size{Family: d.Family}
	for _, c := range d.Capabilities {
		switch c.Name {
		case "vCPUs":
			_, _ = fmt.Sscan(c.Value, &s.Cores) // 0 otherwise: unknown
		case "LowPriorityCapable":
			s.Spot = strings.EqualFold(c.Value, "true")
		case "EphemeralOSDiskSupported":
			s.Local = strings.EqualFold(c.Value, "true")
		}
	}
	for _, r := range d.Restrictions {
		// One of zones leaves the others.
		if r.Type != "Location" {
			continue
		}
		for _, v := range r.Values {
			if strings.EqualFold(v, region) {
				s.Withheld = r.ReasonCode
			}
		}
	}
	return s
}

func (a *Audit) subscription() string { return "/subscriptions/" + url.PathEscape(a.o.Subscription) }

func (a *Audit) group() string {
	return a.subscription() + "/resourceGroups/" + url.PathEscape(a.o.ResourceGroup)
}

// pages reads a list to its end. Its pages are on the host that was asked.
func pages[T any](ctx context.Context, a *Audit, act, path, version string, query url.Values, each func(T)) error {
	const most = 100
	for range most {
		var page struct {
			Value    []T
			NextLink string
		}
		if err := a.get(ctx, act, path, version, query, &page); err != nil {
			return err
		}
		for _, v := range page.Value {
			each(v)
		}
		if page.NextLink == "" {
			return nil
		}
		next, err := url.Parse(page.NextLink)
		if err != nil || !strings.HasPrefix(page.NextLink, a.o.URL+"/") {
			return fmt.Errorf("%s: the next page is not at %s", act, a.o.URL)
		}
		path, query = next.Path, next.Query()
	}
	return fmt.Errorf("%s: more than %d pages", act, most)
}

// get reads a document.
func (a *Audit) get(ctx context.Context, act, path, version string, query url.Values, into any) error {
	ctx, cancel := context.WithTimeout(ctx, CallWithin)
	defer cancel()
	q := url.Values{"api-version": {version}}
	maps.Copy(q, query)
	req, err := runtime.NewRequest(ctx, http.MethodGet, a.o.URL+path+"?"+q.Encode())
	if err != nil {
		return fmt.Errorf("%s: %w", act, err)
	}
	runtime.SkipBodyDownload(req) // it is bounded below
	resp, err := a.pipeline.Do(req)
	if err != nil {
		return fmt.Errorf("%s: %w", act, err)
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	_ = resp.Body.Close() // read
	switch {
	case err != nil:
		return fmt.Errorf("%s: %w", act, err)
	case len(body) > maxAnswer:
		return fmt.Errorf("%s: the answer has more than %d bytes", act, maxAnswer)
	case resp.StatusCode != http.StatusOK:
		return fmt.Errorf("%s: %w", act, refusal(resp.StatusCode, body))
	}
	if err := json.Unmarshal(body, into); err != nil {
		return fmt.Errorf("%s: the answer is not what it should be: %w", act, err)
	}
	return nil
}

func refusal(status int, body []byte) *Error {
	var doc struct {
		Error struct{ Code, Message string }
	}
	_ = json.Unmarshal(body, &doc) // a proxy's answer is none; then there is only the status
	return &Error{Status: status, Code: doc.Error.Code, Message: doc.Error.Message}
}
