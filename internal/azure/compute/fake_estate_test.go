package compute_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	azfake "github.com/Azure/azure-sdk-for-go/sdk/azcore/fake"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/compute/armcompute/v8"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/compute/armcompute/v8/fake"

	"hearth/internal/azure/compute"
	"hearth/internal/sim/simcloud"
	"hearth/internal/sim/simcloud/wire"
	"hearth/internal/world"
	"hearth/internal/world/worldtest"
)

// As far as the SDK's fake servers go: machines and disks, and nothing of
// Microsoft.Network.
func TestEstateOnFakeServers(t *testing.T) {
	worldtest.Estate(t, func(t *testing.T) worldtest.EstateUnderTest {
		r := &rig{clock: worldtest.NewClock()}
		c, err := simcloud.New(simcloud.Options{Clock: r.clock, Placements: []world.Placement{midgard}, Seed: 7})
		must(t, err)
		t.Cleanup(func() { must(t, c.Close(context.Background())) })
		r.cloud = c
		fails, lose := 0, false
		out, err := compute.New(compute.Options{
			Subscription: wire.DefaultSubscription, ResourceGroup: wire.DefaultResourceGroup, Clock: hasty{r.clock}, Credential: &azfake.TokenCredential{},
			Transport: &failing{noNetwork{fake.NewServerFactoryTransport(estateServers(c)), &lose}, &fails},
		})
		must(t, err)
		u := estateUnderTest(r, out, []world.LeftoverKind{world.LeftoverMachine, world.LeftoverDisk})
		u.FailCall = func(*testing.T) { fails = 1 }
		u.LoseReply = func(t *testing.T, l world.Leftover) error {
			lose = true
			return out.Remove(t.Context(), l)
		}
		return u
	})
}

// noNetwork has no interfaces and addresses, and loses the reply of a DELETE.
type noNetwork struct {
	next policy.Transporter
	lose *bool
}

// Do implements policy.Transporter.
func (n noNetwork) Do(req *http.Request) (*http.Response, error) {
	if strings.Contains(req.URL.Path, "/Microsoft.Network/") {
		return &http.Response{StatusCode: http.StatusOK, Request: req, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(`{"value":[]}`))}, nil
	}
	resp, err := n.next.Do(req)
	if err == nil && req.Method == http.MethodDelete && *n.lose {
		*n.lose = false
		return nil, io.ErrUnexpectedEOF
	}
	return resp, err
}

// fakeMachines are all machines of a pretend cloud.
func fakeMachines(c *simcloud.Cloud, id string) []*armcompute.VirtualMachine {
	var out []*armcompute.VirtualMachine
	add := func(name string, of *armcompute.SubResource) {
		out = append(out, &armcompute.VirtualMachine{
			Name: new(name), ID: new(id + "virtualMachines/" + name),
			Properties: &armcompute.VirtualMachineProperties{VirtualMachineScaleSet: of},
		})
	}
	s := c.Snapshot()
	for _, vm := range s.VMs {
		add(vm.ID, &armcompute.SubResource{ID: new(id + "virtualMachineScaleSets/" + vm.Placement)})
	}
	for _, l := range s.Leftovers {
		if l.Kind == world.LeftoverMachine {
			add(l.Name, nil)
		}
	}
	return out
}

// fakeDisks are all disks of a pretend cloud.
func fakeDisks(c *simcloud.Cloud) []*armcompute.Disk {
	var out []*armcompute.Disk
	add := func(name string, attached bool) {
		d := &armcompute.Disk{Name: new(name), Properties: &armcompute.DiskProperties{ProvisioningState: new("Succeeded"), DiskState: new(armcompute.DiskStateUnattached)}}
		if attached {
			d.ManagedBy, d.Properties.DiskState = new("/v"), new(armcompute.DiskStateAttached)
		}
		out = append(out, d)
	}
	s := c.Snapshot()
	for _, vm := range s.VMs {
		add(vm.Belongings()[2].Name, true)
	}
	for _, l := range s.Leftovers {
		switch l.Kind {
		case world.LeftoverDisk:
			add(l.Name, l.Attached)
		case world.LeftoverMachine:
			add((simcloud.VMView{ID: l.Name}).Belongings()[2].Name, true)
		default: // is not asked for here
		}
	}
	return out
}

// named is the one of this name, or a refusal.
func named[T any](all []*T, name func(*T) string, want string) (*T, azfake.ErrorResponder) {
	var refused azfake.ErrorResponder
	for _, x := range all {
		if name(x) == want {
			return x, refused
		}
	}
	refused.SetResponseError(http.StatusNotFound, "ResourceNotFound")
	return nil, refused
}

// estateServers are those of servers, with what an Estate asks besides.
func estateServers(c *simcloud.Cloud) *fake.ServerFactory {
	out := servers(c)
	id := group + "Microsoft.Compute/"
	out.VirtualMachineScaleSetsServer.NewListPager = func(string, *armcompute.VirtualMachineScaleSetsClientListOptions) (resp azfake.PagerResponder[armcompute.VirtualMachineScaleSetsClientListResponse]) {
		page := armcompute.VirtualMachineScaleSetsClientListResponse{}
		for _, p := range c.Snapshot().Placements {
			state := "Succeeded"
			if p.Busy {
				state = "Updating"
			}
			page.Value = append(page.Value, &armcompute.VirtualMachineScaleSet{
				Name: new(p.ID), ID: new(id + "virtualMachineScaleSets/" + p.ID), SKU: &armcompute.SKU{Capacity: new(int64(p.Capacity))},
				Properties: &armcompute.VirtualMachineScaleSetProperties{ProvisioningState: &state},
			})
		}
		resp.AddPage(http.StatusOK, page, nil)
		return resp
	}
	vm := func(name string) (*armcompute.VirtualMachine, azfake.ErrorResponder) {
		return named(fakeMachines(c, id), func(m *armcompute.VirtualMachine) string { return *m.Name }, name)
	}
	disk := func(name string) (*armcompute.Disk, azfake.ErrorResponder) {
		return named(fakeDisks(c), func(d *armcompute.Disk) string { return *d.Name }, name)
	}
	out.VirtualMachinesServer.Get = func(_ context.Context, _, name string, _ *armcompute.VirtualMachinesClientGetOptions) (resp azfake.Responder[armcompute.VirtualMachinesClientGetResponse], refused azfake.ErrorResponder) {
		m, refused := vm(name)
		if m != nil {
			resp.SetResponse(http.StatusOK, armcompute.VirtualMachinesClientGetResponse{VirtualMachine: *m}, nil)
		}
		return resp, refused
	}
	out.VirtualMachinesServer.BeginDelete = func(ctx context.Context, _, name string, _ *armcompute.VirtualMachinesClientBeginDeleteOptions) (resp azfake.PollerResponder[armcompute.VirtualMachinesClientDeleteResponse], refused azfake.ErrorResponder) {
		if err := c.Remove(ctx, world.Leftover{Kind: world.LeftoverMachine, Name: name}); err != nil {
			refused.SetResponseError(http.StatusConflict, "Conflict")
			return resp, refused
		}
		resp.SetTerminalResponse(http.StatusOK, armcompute.VirtualMachinesClientDeleteResponse{}, nil)
		return resp, refused
	}
	out.DisksServer.NewListByResourceGroupPager = func(string, *armcompute.DisksClientListByResourceGroupOptions) (resp azfake.PagerResponder[armcompute.DisksClientListByResourceGroupResponse]) {
		all := fakeDisks(c)
		half := len(all) / 2
		for _, page := range [][]*armcompute.Disk{all[:half], all[half:]} {
			resp.AddPage(http.StatusOK, armcompute.DisksClientListByResourceGroupResponse{DiskList: armcompute.DiskList{Value: page}}, nil)
		}
		return resp
	}
	out.DisksServer.Get = func(_ context.Context, _, name string, _ *armcompute.DisksClientGetOptions) (resp azfake.Responder[armcompute.DisksClientGetResponse], refused azfake.ErrorResponder) {
		d, refused := disk(name)
		if d != nil {
			resp.SetResponse(http.StatusOK, armcompute.DisksClientGetResponse{Disk: *d}, nil)
		}
		return resp, refused
	}
	out.DisksServer.BeginDelete = func(ctx context.Context, _, name string, _ *armcompute.DisksClientBeginDeleteOptions) (resp azfake.PollerResponder[armcompute.DisksClientDeleteResponse], refused azfake.ErrorResponder) {
		if err := c.Remove(ctx, world.Leftover{Kind: world.LeftoverDisk, Name: name}); err != nil {
			refused.SetResponseError(http.StatusConflict, "OperationNotAllowed")
			return resp, refused
		}
		resp.SetTerminalResponse(http.StatusOK, armcompute.DisksClientDeleteResponse{}, nil)
		return resp, refused
	}
	return out
}
