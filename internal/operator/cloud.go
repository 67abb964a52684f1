package operator

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"hearth/internal/azure/audit"
	"hearth/internal/settings"
	"hearth/internal/world"
)

// checkAzure looks at what the machines are made from, and whether there may be
// one.
func (e *examination) checkAzure(ctx context.Context, f *findings) {
	o := e.c.Compute
	unknown := func(because string, abouts ...string) {
		for _, about := range abouts {
			f.unknown(about, "%s", because)
		}
	}
	sets := e.sets()
	var rest []string
	for _, s := range sets {
		rest = append(rest, "scale set "+s.name)
	}
	if o.Subscription == "" || o.ResourceGroup == "" {
		unknown("the settings for it are wrong", append([]string{"subscription", "resource group"}, rest...)...)
		return
	}
	a := audit.New(audit.Options{
		Subscription: o.Subscription, ResourceGroup: o.ResourceGroup, URL: o.URL, Credential: e.Login, Transport: e.ARM,
	})
	sub, err := a.Subscription(ctx)
	if token, ok := errors.AsType[*audit.TokenError](err); ok {
		unknown(token.Err.Error(), append([]string{"subscription", "resource group"}, rest...)...)
		return
	}
	if err != nil {
		f.wrong("subscription", "%s", e.azureRefusal(err))
		unknown("of the subscription", append([]string{"resource group"}, rest...)...)
		return
	}
	checkSubscription(f, sub, slices.ContainsFunc(sets, func(s scaleSet) bool { return !s.regular }))
	region, err := a.GroupRegion(ctx)
	if err != nil {
		f.wrong("resource group", "%s", e.azureRefusal(err))
		unknown("of the resource group", rest...)
		return
	}
	f.ok("resource group", "%s, in %s", o.ResourceGroup, shown(region))
	allowances := &allowances{a: a, quotas: map[string]quotas{}, sizes: map[string]sizes{}}
	for _, s := range sets {
		e.checkSet(ctx, f, a, allowances, s)
	}
}

// scaleSet is what the worlds' placements say of one scale set, together.
type scaleSet struct {
	name    string
	sizes   []string // any of them; none: the set's own
	region  string   // empty: unsaid
	regular bool
}

// sets are the scale sets of the placements, in order.
func (e *examination) sets() []scaleSet {
	var sets []scaleSet
	for _, w := range e.c.Worlds {
		for _, p := range w.Placements {
			at := slices.IndexFunc(sets, func(s scaleSet) bool { return strings.EqualFold(s.name, p.ID) })
			if at < 0 {
				at = len(sets)
				sets = append(sets, scaleSet{name: p.ID, region: p.Region, regular: p.Regular})
			}
			if p.Size != "" {
				sets[at].sizes = append(sets[at].sizes, p.Size)
			}
		}
	}
	return sets
}

// checkSubscription: a free or student's offer has no spot machines ("Use Azure
// Spot Virtual Machines", limitations), and a subscription that is not enabled
// makes nothing.
func checkSubscription(f *findings, s audit.Subscription, spot bool) {
	const about = "subscription"
	noSpot := slices.ContainsFunc([]string{"FreeTrial_", "AzureForStudents", "AzurePass_", "DreamSpark_"}, func(offer string) bool {
		return strings.HasPrefix(s.QuotaID, offer)
	})
	switch {
	case s.State != "Enabled":
		f.wrong(about, "%s is %s, not Enabled: open it in the portal under Subscriptions, which says what it wants (mostly a payment)", shown(s.Name), shown(s.State))
	case spot && noSpot:
		f.wrong(about, "%s is of the offer %s, which has no spot machines: upgrade it to pay-as-you-go, or set \"regular\": true in the placements and make their scale sets so", shown(s.Name), shown(s.QuotaID))
	case s.SpendingLimit == "On":
		f.ok(about, "%s (%s); it has a spending limit: when its credit is used up Azure stops everything, a machine on which somebody plays too", shown(s.Name), shown(s.QuotaID))
	default:
		f.ok(about, "%s (%s)", shown(s.Name), shown(s.QuotaID))
	}
}

// checkSet compares a scale set with its placements: what it costs, what stays
// when its machine goes, and whether there may be one.
func (e *examination) checkSet(ctx context.Context, f *findings, a *audit.Audit, allowed *allowances, want scaleSet) {
	about := "scale set " + want.name
	is, err := a.ScaleSet(ctx, want.name)
	if err != nil {
		f.wrong(about, "%s", e.azureRefusal(err))
		return
	}
	if problems := setProblems(is, want); len(problems) > 0 {
		f.wrong(about, "%s: mend it in the deployment and apply that again", strings.Join(problems, "; "))
	} else {
		kind := "spot"
		if want.regular {
			kind = "regular"
		}
		f.ok(about, "%s, %s in %s", kind, shown(is.Size), shown(is.Region))
	}
	checkUnsaid(f, is)
	sizes := want.sizes
	if len(sizes) == 0 {
		sizes = []string{is.Size}
	}
	for _, size := range slices.Compact(sizes) {
		e.checkRoom(ctx, f, allowed, is, size, want.regular)
	}
}

// checkUnsaid: of a disk Azure documents what it does if nothing is said
// (VirtualMachineScaleSetOSDisk.deleteOption: it goes), of interfaces and addresses
// it does not, and Terraform's azurerm can't say it.
func checkUnsaid(f *findings, is audit.ScaleSet) {
	about := "what stays of " + is.Name
	var unsaid []string
	if is.Interface == "" {
		unsaid = append(unsaid, "network interfaces")
	}
	if is.HasAddress && is.Address == "" {
		unsaid = append(unsaid, "public addresses")
	}
	switch {
	case len(unsaid) > 0:
		f.unknown(about, "the scale set does not say what becomes of %s: after the first evening look that none is left (az network nic list, az network public-ip list)", list(unsaid))
	case is.Disk != "Detach" && is.Interface == "Delete" && is.Address == "Delete":
		f.ok(about, "nothing: disk, interface and address go with the machine")
	}
}

// setProblems is what of a scale set is not as it should be.
func setProblems(is audit.ScaleSet, want scaleSet) []string {
	var problems []string
	bad := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	if is.Mode != "Flexible" {
		bad("its orchestration mode is %s, not Flexible", cmp.Or(shown(is.Mode), "Uniform"))
	}
	switch priority := cmp.Or(is.Priority, "Regular"); {
	case want.regular && priority != "Regular":
		bad("its machines are %s ones, and %s says regular", shown(priority), settings.Worlds)
	case !want.regular && priority != "Spot":
		bad("its machines are %s ones at the full price, and %s says spot", strings.ToLower(shown(priority)), settings.Worlds)
	case priority == "Spot" && is.EvictionPolicy != "Delete":
		bad("a machine that Azure takes back is kept (eviction policy %s, not Delete), and its disk billed", cmp.Or(shown(is.EvictionPolicy), "Deallocate"))
	}
	if is.MaxPrice > 0 {
		bad("it has a highest price of $%g an hour, above which Azure takes machines back: make it -1", is.MaxPrice)
	}
	if !is.Ephemeral {
		bad("its machines' disk is a managed one, which is billed, not an ephemeral one (diffDiskSettings)")
	}
	for _, part := range []struct{ what, becomes string }{{"disk", is.Disk}, {"network interface", is.Interface}, {"public address", is.Address}} {
		if part.becomes != "Delete" && part.becomes != "" {
			bad("a machine's %s stays when it goes (deleteOption %s, not Delete)", part.what, shown(part.becomes))
		}
	}
	if !is.BootDiagnostics {
		bad("its boot diagnostics are off, so nobody hears why a machine did not boot (diagnosticsProfile)")
	}
	if !is.HasAddress {
		bad("its machines have no public address, so nobody can join")
	}
	if len(want.sizes) > 0 && !slices.ContainsFunc(want.sizes, func(s string) bool { return strings.EqualFold(s, is.Size) }) {
		bad("its size is %s, and %s says %s", cmp.Or(shown(is.Size), "not set"), settings.Worlds, strings.Join(want.sizes, " or "))
	}
	if want.region != "" && !strings.EqualFold(want.region, is.Region) {
		bad("it is in %s, and %s says %s", shown(is.Region), settings.Worlds, want.region)
	}
	return problems
}

// allowances are what the subscription may have, asked once for each region.
type allowances struct {
	a      *audit.Audit
	quotas map[string]quotas
	sizes  map[string]sizes
}

type quotas struct {
	all map[string]audit.Quota
	err error
}

type sizes struct {
	all map[string]audit.Size
	err error
}

func (l *allowances) in(ctx context.Context, region string) (map[string]audit.Quota, map[string]audit.Size, error) {
	if _, asked := l.quotas[region]; !asked {
		all, err := l.a.Quotas(ctx, region)
		l.quotas[region] = quotas{all, err}
		available, err := l.a.Sizes(ctx, region)
		l.sizes[region] = sizes{available, err}
	}
	return l.quotas[region].all, l.sizes[region].all, errors.Join(l.quotas[region].err, l.sizes[region].err)
}

// checkRoom: one machine of this size may be made.
func (e *examination) checkRoom(ctx context.Context, f *findings, allowed *allowances, set audit.ScaleSet, size string, regular bool) {
	about := fmt.Sprintf("room for %s in %s", shown(size), shown(set.Region))
	quotas, sizes, err := allowed.in(ctx, set.Region)
	if err != nil {
		f.unknown(about, "%s", e.azureRefusal(err))
		return
	}
	s, known := sizes[strings.ToLower(size)]
	switch {
	case !known:
		f.wrong(about, "%s has no such size: take one that it has (az vm list-skus --location %s --size Standard_D2 --output table)", shown(set.Region), shown(set.Region))
		return
	case s.Withheld != "":
		f.wrong(about, "this subscription may not have it there (%s): take another size or region, or ask for it in the portal (Help + support, quota)", shown(s.Withheld))
		return
	case !regular && !s.Spot:
		f.wrong(about, "there are no spot machines of this size: take another one")
		return
	case !s.Local:
		f.wrong(about, "this size has no disk of its own for the system: take one with a d in its name, such as Standard_D2ads_v5")
		return
	}
	// Spot machines have one quota together, whatever their size.
	names := []string{audit.SpotCores}
	if regular {
		names = []string{audit.AllCores, s.Family}
	}
	var free []string
	for _, name := range names {
		q, told := quotas[name]
		switch left := q.Limit - q.Used; {
		case !told:
			f.unknown(about, "Azure does not tell the quota %s", shown(name))
			return
		case left < s.Cores && set.Capacity == 0:
			f.wrong(about, "a machine has %d cores, and of the quota %s only %d of %d are left: ask for more in the portal (Quotas, Compute, %s); it is free and mostly granted at once",
				s.Cores, quotaName(name), max(left, 0), q.Limit, shown(set.Region))
			return
		default:
			free = append(free, fmt.Sprintf("%d of %d are left (%s)", max(left, 0), q.Limit, quotaName(name)))
		}
	}
	f.ok(about, "a machine has %d cores; %s", s.Cores, list(free))
}

// quotaName is what the portal calls it.
func quotaName(name string) string {
	switch name {
	case audit.SpotCores:
		return "Total Regional Spot vCPUs"
	case audit.AllCores:
		return "Total Regional vCPUs"
	}
	return shown(name)
}

// azureRefusal is what an error of Azure's means, with what to do.
func (e *examination) azureRefusal(err error) string {
	o := e.c.Compute
	refused, ok := errors.AsType[*audit.Error](err)
	if token, isToken := errors.AsType[*audit.TokenError](err); isToken {
		return token.Err.Error()
	}
	if !ok {
		return "Azure can't be reached from here: check this machine's network (and " + settings.ARM + ", if it is set), then try again"
	}
	switch {
	case refused.Status == http.StatusUnauthorized:
		return "Azure does not take the token: run az login again (a token is good for an hour; it must be of the tenant that has the subscription)"
	case refused.Status == http.StatusForbidden:
		return fmt.Sprintf("whoever is logged in may not read it: give them the role Reader on the subscription, or log in as somebody who has it (%s)", shown(refused.Code))
	case refused.Code == "SubscriptionNotFound":
		return fmt.Sprintf("there is no subscription %s that whoever is logged in may see: check %s (az account show --query id) and az login", o.Subscription, settings.Subscription)
	case refused.Code == "ResourceGroupNotFound":
		return fmt.Sprintf("there is no resource group %s: check %s, or apply the deployment", o.ResourceGroup, settings.ResourceGroup)
	case refused.Code == "ResourceNotFound":
		return fmt.Sprintf("there is none in %s: check the placements in %s, or apply the deployment", o.ResourceGroup, settings.Worlds)
	case refused.Status == http.StatusTooManyRequests:
		return "Azure gets too many calls: try again in some minutes"
	case refused.Status >= 500:
		return fmt.Sprintf("Azure itself has trouble (%d): try again in some minutes (status.azure.com tells how it is)", refused.Status)
	}
	return fmt.Sprintf("Azure refuses it (%d, %s: %s)", refused.Status, shown(refused.Code), world.Visible(refused.Message, 200))
}
