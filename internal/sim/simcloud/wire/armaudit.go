package wire

import (
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"hearth/internal/sim/simcloud"
)

// SetShape is how a scale set was made, so far as it makes a difference to what
// its machines cost and leave behind. Shape changes it.
type SetShape struct {
	Mode           string // orchestrationMode
	Priority       string
	EvictionPolicy string
	MaxPrice       float64
	Ephemeral      bool // the system's disk is the machine's own
	// NoBootDiagnostics: what its machines write on their consoles is not kept.
	NoBootDiagnostics bool
	// What becomes of these when their machine goes: Delete or Detach.
	Disk, Interface, Address string
	Size, Location           string // empty: as the pretend cloud has them
}

// Account is what the subscription allows. Allow changes it.
type Account struct {
	State         string // Enabled, Warned, PastDue, Disabled, Deleted
	QuotaID       string // names the offer
	SpendingLimit string // On, Off, CurrentPeriodOff
	// Quotas are how many of each there may be in a region, and Used how many
	// there are: cores of spot machines, of all, of a family of sizes.
	Quotas, Used map[string]int
	// Withheld are sizes that this subscription may not have, with Azure's
	// reason.
	Withheld map[string]string
	// NoSpot are sizes that there are no spot machines of.
	NoSpot map[string]bool
}

// audit is what only those ask who look whether all is as it should be.
type audit struct {
	account Account
	shapes  map[string]SetShape // by scale set
}

func newAudit() audit {
	return audit{
		account: Account{
			State: "Enabled", QuotaID: "PayAsYouGo_2014-09-01", SpendingLimit: "Off",
			Quotas: map[string]int{"lowPriorityCores": 3, "cores": 10, "standardDADSv5Family": 10, "standardDDSv5Family": 10, "standardDASv5Family": 10},
			Used:   map[string]int{}, Withheld: map[string]string{}, NoSpot: map[string]bool{},
		},
		shapes: map[string]SetShape{},
	}
}

// Shape changes how a scale set was made.
func (a *ARM) Shape(name string, change func(*SetShape)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	s := a.shape(name)
	change(&s)
	a.audit.shapes[strings.ToLower(name)] = s
}

// shape is how a scale set was made. a.mu is held.
func (a *ARM) shape(name string) SetShape {
	if s, ok := a.audit.shapes[strings.ToLower(name)]; ok {
		return s
	}
	return SetShape{
		Mode: "Flexible", Priority: "Spot", EvictionPolicy: "Delete", MaxPrice: -1,
		Ephemeral: true, Disk: "Delete", Interface: "Delete", Address: "Delete",
	}
}

// Allow changes what the subscription allows.
func (a *ARM) Allow(change func(*Account)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	change(&a.audit.account)
}

// Login gives a token such as somebody has who is logged in. It is a secret.
func (a *ARM) Login() string {
	text := secret()
	a.mu.Lock()
	defer a.mu.Unlock()
	a.tokens[text] = token{resource: a.URL, expires: a.o.Clock.Now().Add(a.o.TokenLife)}
	return text
}

// reshape writes a scale set's shape into its document, as Azure answers it.
func (a *ARM) reshape(doc map[string]any, set simcloud.PlacementView) {
	a.mu.Lock()
	s := a.shape(set.ID)
	a.mu.Unlock()
	if s.Size != "" {
		doc["sku"].(map[string]any)["name"] = s.Size
	}
	if s.Location != "" {
		doc["location"] = s.Location
	}
	disk := map[string]any{
		"osType": "Linux", "createOption": "FromImage", "caching": "ReadWrite", "diskSizeGB": 30,
		"managedDisk": map[string]any{"storageAccountType": "Standard_LRS"}, "deleteOption": s.Disk,
	}
	if s.Ephemeral {
		disk["caching"], disk["diffDiskSettings"] = "ReadOnly", map[string]any{"option": "Local", "placement": "ResourceDisk"}
	}
	profile := map[string]any{
		"priority": s.Priority,
		"storageProfile": map[string]any{
			"osDisk":         disk,
			"imageReference": map[string]any{"publisher": "Canonical", "offer": "ubuntu-24_04-lts", "sku": "server", "version": "latest"},
		},
		"networkProfile": map[string]any{
			"networkApiVersion": "2020-11-01",
			"networkInterfaceConfigurations": []any{map[string]any{"name": "nic", "properties": map[string]any{
				"primary": true, "deleteOption": s.Interface,
				"ipConfigurations": []any{map[string]any{"name": "ip", "properties": map[string]any{
					"primary": true, "privateIPAddressVersion": "IPv4",
					"publicIPAddressConfiguration": map[string]any{
						"name": "address", "sku": map[string]any{"name": "Standard", "tier": "Regional"},
						"properties": map[string]any{"deleteOption": s.Address, "idleTimeoutInMinutes": 4, "publicIPAddressVersion": "IPv4"},
					},
				}}},
			}}},
		},
	}
	if !s.NoBootDiagnostics {
		profile["diagnosticsProfile"] = map[string]any{"bootDiagnostics": map[string]any{"enabled": true}}
	}
	if s.Priority == "Spot" {
		profile["evictionPolicy"] = s.EvictionPolicy
		profile["billingProfile"] = map[string]any{"maxPrice": s.MaxPrice}
	}
	properties := doc["properties"].(map[string]any)
	properties["orchestrationMode"] = s.Mode
	properties["virtualMachineProfile"] = profile
}

// audits answers what only those ask who look whether all is as it should be; it
// reports whether this was such a question. s is the path, lower its small
// letters.
func (a *ARM) audits(w http.ResponseWriter, r *http.Request, s, lower []string) bool {
	is := func(shape string) bool {
		return regexp.MustCompile("^" + shape + "$").MatchString(strings.Join(lower, "/"))
	}
	get := func(do func()) bool {
		a.only(w, r, http.MethodGet, do)
		return true
	}
	switch {
	case is("subscriptions/[^/]+"):
		return get(func() { a.getSubscription(w) })
	case is("subscriptions/[^/]+/resourcegroups/[^/]+") && strings.EqualFold(s[3], a.o.ResourceGroup):
		return get(func() {
			answer(w, map[string]any{
				"id": fmt.Sprintf("/subscriptions/%s/resourceGroups/%s", a.o.Subscription, a.o.ResourceGroup), "name": a.o.ResourceGroup,
				"type": "Microsoft.Resources/resourceGroups", "location": location(""), "properties": map[string]any{"provisioningState": "Succeeded"},
			})
		})
	case is("subscriptions/[^/]+/providers/microsoft.compute/locations/[^/]+/usages"):
		return get(func() { a.listUsages(w, lower[5]) })
	case is("subscriptions/[^/]+/providers/microsoft.compute/skus"):
		return get(func() { a.listSizes(w, r) })
	}
	return false
}

func (a *ARM) getSubscription(w http.ResponseWriter) {
	a.mu.Lock()
	c := a.audit.account
	a.mu.Unlock()
	answer(w, map[string]any{
		"id": "/subscriptions/" + a.o.Subscription, "subscriptionId": a.o.Subscription, "displayName": "Pretend", "state": c.State,
		"tenantId": guid(a.o.Subscription), "authorizationSource": "RoleBased",
		"subscriptionPolicies": map[string]any{"locationPlacementId": "Public_2014-09-01", "quotaId": c.QuotaID, "spendingLimit": c.SpendingLimit},
	})
}

// hasRegion: a region is one that Azure has. What is none is refused.
func hasRegion(w http.ResponseWriter, region string) bool {
	if regexp.MustCompile(`^[a-z]+[0-9]?$`).MatchString(region) {
		return true
	}
	armRefuse(w, http.StatusBadRequest, "NoRegisteredProviderFound", fmt.Sprintf("No registered resource provider found for location '%s'.", region))
	return false
}

func (a *ARM) listUsages(w http.ResponseWriter, region string) {
	if !hasRegion(w, region) {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	list := []any{}
	for _, name := range slices.Sorted(maps.Keys(a.audit.account.Quotas)) {
		list = append(list, map[string]any{
			"name": map[string]any{"value": name, "localizedValue": name}, "unit": "Count",
			"currentValue": a.audit.account.Used[name], "limit": a.audit.account.Quotas[name],
		})
	}
	answer(w, map[string]any{"value": list})
}

// size is a size of machines.
type size struct {
	name, family string
	cores        int
	local        bool // has a disk of its own
}

func sizes() []size {
	return []size{
		{"Standard_D2ads_v5", "standardDADSv5Family", 2, true},
		{"Standard_D4ads_v5", "standardDADSv5Family", 4, true},
		{"Standard_D2ds_v5", "standardDDSv5Family", 2, true},
		{"Standard_D2as_v5", "standardDASv5Family", 2, false},
	}
}

// listSizes lists what there is of Microsoft.Compute in a region. Without the
// filter the real list has some ten megabytes.
func (a *ARM) listSizes(w http.ResponseWriter, r *http.Request) {
	m := regexp.MustCompile(`^location eq '([^']+)'$`).FindStringSubmatch(r.URL.Query().Get("$filter"))
	if m == nil {
		armRefuse(w, http.StatusBadRequest, "InvalidFilter", "Only the filter location eq 'REGION' is supported.")
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	list := []any{map[string]any{"resourceType": "disks", "name": "Standard_LRS", "locations": []string{m[1]}, "restrictions": []any{}}}
	for _, s := range sizes() {
		truth := func(b bool) string { return map[bool]string{true: "True", false: "False"}[b] }
		capability := func(name, value string) map[string]any { return map[string]any{"name": name, "value": value} }
		restrictions := []any{}
		if why := a.audit.account.Withheld[s.name]; why != "" {
			restrictions = append(restrictions, map[string]any{
				"type": "Location", "values": []string{m[1]}, "reasonCode": why, "restrictionInfo": map[string]any{"locations": []string{m[1]}},
			})
		}
		list = append(list, map[string]any{
			"resourceType": "virtualMachines", "name": s.name, "family": s.family, "tier": "Standard", "locations": []string{m[1]},
			"locationInfo": []any{map[string]any{"location": m[1], "zones": []string{"1", "2", "3"}}},
			"capabilities": []any{
				capability("vCPUs", fmt.Sprint(s.cores)), capability("LowPriorityCapable", truth(!a.audit.account.NoSpot[s.name])),
				capability("EphemeralOSDiskSupported", truth(s.local)),
			},
			"restrictions": restrictions,
		})
	}
	answer(w, map[string]any{"value": list})
}
