package compute

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/compute/armcompute/v8"

	"hearth/internal/world"
)

// The types of Microsoft.Network's resources.
const (
	typeNIC     = "Microsoft.Network/networkInterfaces"
	typeAddress = "Microsoft.Network/publicIPAddresses"
)

// reference points to another resource.
type reference struct {
	ID string `json:"id"`
}

// nic is a network interface.
type nic struct {
	Name       string `json:"name"`
	ID         string `json:"id"`
	Location   string `json:"location"`
	Properties struct {
		ProvisioningState string `json:"provisioningState"`
		IPConfigurations  []struct {
			Properties struct {
				PublicIPAddress reference `json:"publicIPAddress"`
			} `json:"properties"`
		} `json:"ipConfigurations"`
		// Who has it: a machine, or a service that Azure runs.
		VirtualMachine     *reference        `json:"virtualMachine"`
		PrivateEndpoint    *reference        `json:"privateEndpoint"`
		PrivateLinkService *reference        `json:"privateLinkService"`
		HostedWorkloads    []json.RawMessage `json:"hostedWorkloads"`
	} `json:"properties"`
}

func (n *nic) attached() bool {
	p := &n.Properties
	return p.VirtualMachine != nil || p.PrivateEndpoint != nil || p.PrivateLinkService != nil || len(p.HostedWorkloads) > 0
}

// publicIP is a public address.
type publicIP struct {
	Name       string `json:"name"`
	ID         string `json:"id"`
	Location   string `json:"location"`
	Properties struct {
		ProvisioningState string `json:"provisioningState"`
		IPAddress         string `json:"ipAddress"`
		// Who has it: an interface, a load balancer or a gateway.
		IPConfiguration *reference `json:"ipConfiguration"`
		NATGateway      *reference `json:"natGateway"`
	} `json:"properties"`
}

func (p *publicIP) attached() bool {
	return p.Properties.IPConfiguration != nil || p.Properties.NATGateway != nil
}

// diskAttached: only what Azure calls unattached is. A disk that is being copied or
// filled, or whose machine is off, is somebody's.
func diskAttached(d *armcompute.Disk) bool {
	p := d.Properties
	return str(d.ManagedBy) != "" || len(d.ManagedByExtended) > 0 || p == nil || p.DiskState == nil || *p.DiskState != armcompute.DiskStateUnattached
}

func str(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// Survey implements world.Estate, with one list for each type of resources. Azure
// marks what a machine has at the thing itself, and not while the machine is made
// or deleted; so nothing is left over in a region where a scale set is changing,
// nor what Azure works on. It is told by the next Survey.
func (c *Compute) Survey(ctx context.Context) (world.Survey, error) {
	ctx, cancel := context.WithTimeout(ctx, CallsWithin)
	defer cancel()
	azure, err := c.azure()
	if err != nil {
		return world.Survey{}, c.fault(err)
	}
	// The sets last: one that began to change meanwhile is seen to do so.
	g, err := c.group(ctx, azure)
	if err != nil {
		return world.Survey{}, c.fault(err)
	}
	return g.survey(), nil
}

// group is what Azure lists.
type group struct {
	nics  []nic
	ips   []publicIP
	disks []*armcompute.Disk
	vms   []*armcompute.VirtualMachine
	sets  []*armcompute.VirtualMachineScaleSet
}

func (c *Compute) group(ctx context.Context, azure *clients) (g group, err error) {
	if g.nics, err = list[nic](ctx, c, typeNIC); err != nil {
		return g, err
	}
	if g.ips, err = list[publicIP](ctx, c, typeAddress); err != nil {
		return g, err
	}
	g.disks, err = pages(ctx, azure.disks.NewListByResourceGroupPager(c.o.ResourceGroup, nil),
		func(p armcompute.DisksClientListByResourceGroupResponse) []*armcompute.Disk { return p.Value })
	if err != nil {
		return g, err
	}
	g.vms, err = pages(ctx, azure.vms.NewListPager(c.o.ResourceGroup, nil),
		func(p armcompute.VirtualMachinesClientListResponse) []*armcompute.VirtualMachine { return p.Value })
	if err != nil {
		return g, err
	}
	g.sets, err = pages(ctx, azure.sets.NewListPager(c.o.ResourceGroup, nil),
		func(p armcompute.VirtualMachineScaleSetsClientListResponse) []*armcompute.VirtualMachineScaleSet {
			return p.Value
		})
	return g, err
}

func (g *group) survey() world.Survey {
	var out world.Survey
	changing := map[string]bool{} // regions
	at := map[string]int{}        // a set's id to its place in out
	for _, s := range g.sets {
		if s == nil || s.Name == nil || s.ID == nil {
			continue
		}
		seen := world.SetSeen{ID: *s.Name}
		if s.SKU != nil && s.SKU.Capacity != nil {
			seen.Capacity = int(*s.SKU.Capacity)
		}
		if s.Properties == nil || !settled(str(s.Properties.ProvisioningState)) {
			changing[region(str(s.Location))] = true
		}
		at[strings.ToLower(*s.ID)] = len(out.Sets)
		out.Sets = append(out.Sets, seen)
	}
	left := func(k world.LeftoverKind, name string) {
		if name != "" {
			out.Leftovers = append(out.Leftovers, world.Leftover{Kind: k, Name: name})
		}
	}
	for _, vm := range g.vms {
		if vm == nil || vm.Name == nil || vm.Properties == nil {
			continue
		}
		of := vm.Properties.VirtualMachineScaleSet
		if of == nil || of.ID == nil {
			left(world.LeftoverMachine, *vm.Name)
			continue
		}
		if i, ok := at[strings.ToLower(*of.ID)]; ok {
			out.Sets[i].Instances = append(out.Sets[i].Instances, world.Instance{ID: *vm.Name, Address: g.address(vm)})
		}
	}
	for i := range g.nics {
		if n := &g.nics[i]; !n.attached() && settled(n.Properties.ProvisioningState) && !changing[region(n.Location)] {
			left(world.LeftoverNIC, n.Name)
		}
	}
	for i := range g.ips {
		if p := &g.ips[i]; !p.attached() && settled(p.Properties.ProvisioningState) && !changing[region(p.Location)] {
			left(world.LeftoverAddress, p.Name)
		}
	}
	for _, d := range g.disks {
		if d != nil && !diskAttached(d) && settled(str(d.Properties.ProvisioningState)) && !changing[region(str(d.Location))] {
			left(world.LeftoverDisk, str(d.Name))
		}
	}
	return out
}

// settled: nothing works on a resource in this provisioningState.
func settled(state string) bool {
	return strings.EqualFold(state, "Succeeded") || strings.EqualFold(state, "Failed") || strings.EqualFold(state, "Canceled")
}

// region is a location as it is compared: Azure writes East US 2 and eastus2.
func region(location string) string { return strings.ToLower(strings.ReplaceAll(location, " ", "")) }

// address is a machine's public one, as far as the lists tell.
func (g *group) address(vm *armcompute.VirtualMachine) string {
	if vm.Properties.NetworkProfile == nil {
		return ""
	}
	for _, ref := range vm.Properties.NetworkProfile.NetworkInterfaces {
		for i := range g.nics {
			if ref == nil || !strings.EqualFold(g.nics[i].ID, str(ref.ID)) {
				continue
			}
			for _, conf := range g.nics[i].Properties.IPConfigurations {
				for _, p := range g.ips {
					if a, err := netip.ParseAddr(p.Properties.IPAddress); err == nil && strings.EqualFold(p.ID, conf.Properties.PublicIPAddress.ID) {
						return a.String()
					}
				}
			}
		}
	}
	return ""
}

// pages reads a list of armcompute's to its end.
func pages[P, T any](ctx context.Context, pager *runtime.Pager[P], value func(P) []T) ([]T, error) {
	var out []T
	for range maxPages {
		if !pager.More() {
			return out, nil
		}
		page, err := pager.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		out = append(out, value(page)...)
	}
	if pager.More() {
		return nil, tooManyPages()
	}
	return out, nil
}

func tooManyPages() error { return fmt.Errorf("a list has more than %d pages", maxPages) }

// list reads all resources of a type in Microsoft.Network.
func list[T any](ctx context.Context, c *Compute, resource string) ([]T, error) {
	var out []T
	next := c.resource(resource, "") + "?api-version=" + networkVersion
	for range maxPages {
		status, body, err := c.call(ctx, http.MethodGet, next)
		if err != nil {
			return nil, err
		}
		if status != http.StatusOK {
			return nil, c.refused(status, body)
		}
		var page struct {
			Value    *[]T   `json:"value"`
			NextLink string `json:"nextLink"`
		}
		if err := json.Unmarshal(body, &page); err != nil {
			return nil, unexpected("a list that can't be read")
		}
		if page.Value == nil { // an empty list has none, and is no absent one
			return nil, unexpected("a list without a value")
		}
		out = append(out, *page.Value...)
		if page.NextLink == "" {
			return out, nil
		}
		u, err := url.Parse(page.NextLink)
		if err != nil || !strings.EqualFold(u.Scheme, "https") || !strings.EqualFold(u.Host, c.host) || u.User != nil {
			return nil, unexpected("a list whose next page is elsewhere")
		}
		next = u.RequestURI()
	}
	return nil, tooManyPages()
}

// Remove implements world.Estate. It looks at the thing again before it asks Azure
// to delete it, and does not wait until that is done. What a machine had stays if
// it is not set to go with it, and is a leftover then.
func (c *Compute) Remove(ctx context.Context, l world.Leftover) error {
	ctx, cancel := context.WithTimeout(ctx, CallsWithin)
	defer cancel()
	if !isResourceName(l.Name) {
		return noLeftover(l)
	}
	azure, err := c.azure()
	if err != nil {
		return c.fault(err)
	}
	var attached bool
	switch l.Kind {
	case world.LeftoverMachine:
		attached, err = c.inSet(ctx, azure, l.Name)
	case world.LeftoverNIC:
		var n nic
		err = c.readNetwork(ctx, typeNIC, l.Name, &n)
		attached = n.attached()
	case world.LeftoverAddress:
		var p publicIP
		err = c.readNetwork(ctx, typeAddress, l.Name, &p)
		attached = p.attached()
	case world.LeftoverDisk:
		var d armcompute.DisksClientGetResponse
		d, err = azure.disks.Get(ctx, c.o.ResourceGroup, l.Name, nil)
		attached = diskAttached(&d.Disk)
	default:
		return noLeftover(l)
	}
	switch {
	case err != nil:
		return c.unlessGone(err)
	case attached:
		return &world.CloudError{Class: world.ClassBusy, Code: "InUse", Message: fmt.Sprintf("The %s %s is in use by now, and stays.", l.Kind, l.Name)}
	}
	return c.unlessGone(c.remove(ctx, azure, l))
}

// inSet tells whether a machine is a scale set's.
func (c *Compute) inSet(ctx context.Context, azure *clients, vm string) (bool, error) {
	resp, err := azure.vms.Get(ctx, c.o.ResourceGroup, vm, nil)
	if err != nil {
		return false, err
	}
	return resp.Properties == nil || resp.Properties.VirtualMachineScaleSet != nil, nil
}

// readNetwork reads a resource of Microsoft.Network.
func (c *Compute) readNetwork(ctx context.Context, resource, name string, into any) error {
	status, body, err := c.call(ctx, http.MethodGet, c.resource(resource, name)+"?api-version="+networkVersion)
	switch {
	case err != nil:
		return err
	case status != http.StatusOK:
		return c.refused(status, body)
	}
	if err := json.Unmarshal(body, into); err != nil {
		return unexpected("a resource that can't be read")
	}
	return nil
}

// remove begins to delete. Whatever Azure answers with a status of 2xx was
// accepted: as in Scale, what armcompute makes of it does not decide.
func (c *Compute) remove(ctx context.Context, azure *clients, l world.Leftover) error {
	var resp *http.Response
	var err error
	switch captured := policy.WithCaptureResponse(ctx, &resp); l.Kind {
	case world.LeftoverMachine:
		_, err = azure.vms.BeginDelete(captured, c.o.ResourceGroup, l.Name, nil)
	case world.LeftoverDisk:
		_, err = azure.disks.BeginDelete(captured, c.o.ResourceGroup, l.Name, nil)
	case world.LeftoverNIC:
		return c.deleteNetwork(ctx, typeNIC, l.Name)
	case world.LeftoverAddress:
		return c.deleteNetwork(ctx, typeAddress, l.Name)
	case world.LeftoverSet: // Compute's, and refused before
	}
	if resp != nil && resp.StatusCode >= 200 && resp.StatusCode < 300 {
		return nil
	}
	if err == nil {
		err = errors.New("no answer")
	}
	return err
}

func (c *Compute) deleteNetwork(ctx context.Context, resource, name string) error {
	status, body, err := c.call(ctx, http.MethodDelete, c.resource(resource, name)+"?api-version="+networkVersion)
	switch {
	case err != nil:
		return err
	case status < 200 || status >= 300:
		return c.refused(status, body)
	}
	return nil
}

// unlessGone is the error of a Remove; what is not there is none. That its resource
// group is not there is one.
func (c *Compute) unlessGone(err error) error {
	if err == nil {
		return nil
	}
	ce := c.fault(err)
	re, ok := errors.AsType[*azcore.ResponseError](err)
	if strings.EqualFold(ce.Code, "ResourceNotFound") || strings.EqualFold(ce.Code, "NotFound") && (!ok || re.StatusCode == http.StatusNotFound) {
		return nil
	}
	return ce
}

func noLeftover(l world.Leftover) *world.CloudError {
	return &world.CloudError{Class: world.ClassConfig, Code: "InvalidParameter", Message: oneLine(fmt.Sprintf("%q of kind %q is no name of something that can be left over.", l.Name, l.Kind))}
}

// isResourceName: 1 to 80 letters, digits and _.- ("Naming rules and restrictions
// for Azure resources"); it becomes a part of a path.
func isResourceName(s string) bool {
	return s != "" && len(s) <= 80 && strings.Trim(s, ".") != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("_.-", r)
	})
}

// Evict has Azure evict a spot machine of the placement as if it needed it: it gets
// its notice, is told Preempt, and is deleted within half an hour at most.
func (c *Compute) Evict(ctx context.Context, p world.Placement, vm string) error {
	ctx, cancel := context.WithTimeout(ctx, CallsWithin)
	defer cancel()
	if err := checkPlacement(p); err != nil {
		return err
	}
	if !isResourceName(vm) {
		return &world.CloudError{Class: world.ClassConfig, Code: "InvalidParameter", Message: oneLine(fmt.Sprintf("%q is no name of a machine.", vm))}
	}
	azure, err := c.azure()
	if err != nil {
		return c.fault(err)
	}
	got, err := azure.vms.Get(ctx, c.o.ResourceGroup, vm, nil)
	if err != nil {
		return c.fault(err)
	}
	if of := got.Properties; of == nil || of.VirtualMachineScaleSet == nil || !strings.EqualFold(str(of.VirtualMachineScaleSet.ID), c.resource(typeSet, p.ID)) {
		return &world.CloudError{Class: world.ClassConfig, Code: "InvalidParameter", Message: fmt.Sprintf("The machine %s is none of the placement %s.", vm, p.ID)}
	}
	if _, err := azure.vms.SimulateEviction(ctx, c.o.ResourceGroup, vm, nil); err != nil {
		return c.fault(err)
	}
	return nil
}
