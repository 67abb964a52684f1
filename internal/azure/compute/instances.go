package compute

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/netip"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/arm"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/compute/armcompute/v8"

	"hearth/internal/world"
)

// networkVersion is of Microsoft.Network's interface that NICs and addresses
// are read in.
const networkVersion = "2024-05-01"

const typeSet = "Microsoft.Compute/virtualMachineScaleSets"

const (
	// maxPages bounds a list: Azure gives some hundred machines a page.
	maxPages = 20
	// maxAddresses is how many machines' addresses are remembered.
	maxAddresses = 64
)

// Instances implements world.Compute. A machine that is being created or
// deleted is listed. Its address is left out while it can't be read; a machine
// keeps its address, so it is read once. A list that is empty is believed once
// the scale set is known to exist.
func (c *Compute) Instances(ctx context.Context, p world.Placement) ([]world.Instance, error) {
	ctx, cancel := context.WithTimeout(ctx, CallsWithin)
	defer cancel()
	if err := checkPlacement(p); err != nil {
		return nil, err
	}
	vms, err := c.list(ctx, p.ID)
	if err != nil {
		return nil, c.fault(err)
	}
	if len(vms) == 0 {
		return nil, c.exists(ctx, p.ID)
	}
	c.saw(p.ID)
	out := make([]world.Instance, 0, len(vms))
	for _, vm := range vms {
		out = append(out, world.Instance{ID: *vm.Name, Address: c.address(ctx, vm)})
	}
	return out, nil
}

// list are the machines of a scale set that have a name and an id.
func (c *Compute) list(ctx context.Context, set string) ([]*armcompute.VirtualMachine, error) {
	id := c.resource(typeSet, set)
	azure, err := c.azure()
	if err != nil {
		return nil, err
	}
	pager := azure.vms.NewListPager(c.o.ResourceGroup, &armcompute.VirtualMachinesClientListOptions{
		Filter: new(fmt.Sprintf("'virtualMachineScaleSet/id' eq '%s'", id)),
	})
	all, err := pages(ctx, pager, func(p armcompute.VirtualMachinesClientListResponse) []*armcompute.VirtualMachine { return p.Value })
	if err != nil {
		return nil, err
	}
	var out []*armcompute.VirtualMachine
	for _, vm := range all {
		if vm == nil || vm.Name == nil || vm.ID == nil || vm.Properties == nil {
			continue
		}
		// A filter that was not minded must not give one world another's
		// machine.
		of := vm.Properties.VirtualMachineScaleSet
		if of != nil && of.ID != nil && strings.EqualFold(*of.ID, id) {
			out = append(out, vm)
		}
	}
	return out, nil
}

// exists makes sure that an empty list is one of a set that there is.
func (c *Compute) exists(ctx context.Context, set string) error {
	c.mu.Lock()
	seen := c.seen[set]
	c.mu.Unlock()
	if seen {
		return nil
	}
	azure, err := c.azure()
	if err != nil {
		return c.fault(err)
	}
	if _, err := azure.sets.Get(ctx, c.o.ResourceGroup, set, nil); err != nil {
		return c.fault(err)
	}
	c.saw(set)
	return nil
}

func (c *Compute) saw(set string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seen[set] = true
}

// resource is an ARM id in the resource group; of all of a kind without a name.
func (c *Compute) resource(kind, name string) string {
	return strings.TrimSuffix(fmt.Sprintf("/subscriptions/%s/resourceGroups/%s/providers/%s/%s", c.o.Subscription, c.o.ResourceGroup, kind, name), "/")
}

// address is the machine's public one; empty while it can't be read.
func (c *Compute) address(ctx context.Context, vm *armcompute.VirtualMachine) string {
	key := strings.ToLower(*vm.ID)
	c.mu.Lock()
	known := c.addresses[key]
	c.mu.Unlock()
	if known != "" || vm.Properties.NetworkProfile == nil {
		return known
	}
	for _, nic := range vm.Properties.NetworkProfile.NetworkInterfaces {
		if nic == nil || nic.ID == nil {
			continue
		}
		if a := c.addressOf(ctx, *nic.ID); a != "" {
			c.mu.Lock()
			defer c.mu.Unlock()
			if len(c.addresses) >= maxAddresses {
				clear(c.addresses)
			}
			c.addresses[key] = a
			return a
		}
	}
	return ""
}

// addressOf reads a network interface, and what its configurations point to.
func (c *Compute) addressOf(ctx context.Context, id string) string {
	var doc nic
	if !c.read(ctx, id, typeNIC, &doc) {
		return ""
	}
	for _, conf := range doc.Properties.IPConfigurations {
		var ip publicIP
		if id := conf.Properties.PublicIPAddress.ID; id == "" || !c.read(ctx, id, typeAddress, &ip) {
			continue
		}
		if a, err := netip.ParseAddr(ip.Properties.IPAddress); err == nil {
			return a.String()
		}
	}
	return ""
}

// read decodes the network resource with this id. A machine that comes or goes
// has some of them and not others: what can't be read is not there.
func (c *Compute) read(ctx context.Context, id, resource string, into any) bool {
	r, err := arm.ParseResourceID(id)
	if err != nil || !strings.EqualFold(r.SubscriptionID, c.o.Subscription) || !strings.EqualFold(r.ResourceType.String(), resource) || strings.ContainsAny(id, "?#%\\ ") || strings.Contains(id, "..") {
		c.log.Warn("address not read: no id of such a resource", "kind", resource)
		return false
	}
	status, body, err := c.call(ctx, http.MethodGet, id+"?api-version="+networkVersion)
	if err == nil && status == http.StatusOK {
		err = json.Unmarshal(body, into)
	}
	if err != nil || status != http.StatusOK {
		c.log.Debug("address not read", "kind", resource, "status", status, "error", err)
		return false
	}
	return true
}
