package compute_test

import (
	"context"
	"errors"
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

// The SDK's own fake servers, which check what is asked of them by its own
// description of the interface. They tell no address of an operation, so that
// the scale set is looked at, and of an error its code alone.
func TestComputeOnFakeServers(t *testing.T) {
	worldtest.Compute(t, func(t *testing.T) worldtest.ComputeUnderTest {
		r := &rig{clock: worldtest.NewClock()}
		c, err := simcloud.New(simcloud.Options{Clock: r.clock, Placements: []world.Placement{midgard}, Seed: 7})
		must(t, err)
		t.Cleanup(func() { must(t, c.Close(context.Background())) })
		r.cloud = c
		azure := servers(c)
		fails := 0
		open := func(t *testing.T) world.Compute {
			out, err := compute.New(compute.Options{
				Subscription: wire.DefaultSubscription, ResourceGroup: wire.DefaultResourceGroup,
				Credential: &azfake.TokenCredential{}, Transport: &failing{fake.NewServerFactoryTransport(azure), &fails}, Clock: r.clock,
			})
			must(t, err)
			return out
		}
		u := underTest(r, open(t), open)
		// Not by the fake servers: one keeps what is left of a list that failed.
		u.FailCall = func(*testing.T) { fails = 1 }
		return u
	})
}

// failing answers the next calls with an error in their server's place.
type failing struct {
	next policy.Transporter
	n    *int
}

// Do implements policy.Transporter.
func (f *failing) Do(req *http.Request) (*http.Response, error) {
	if *f.n > 0 {
		*f.n--
		return &http.Response{
			StatusCode: http.StatusInternalServerError, Request: req, Header: http.Header{},
			Body: io.NopCloser(strings.NewReader(`{"error":{"code":"InternalServerError","message":"The server encountered an internal error."}}`)),
		}, nil
	}
	return f.next.Do(req)
}

// servers are armcompute's, in front of a pretend cloud.
func servers(c *simcloud.Cloud) *fake.ServerFactory {
	last := map[string]string{} // the set's last operation
	id := "/subscriptions/" + wire.DefaultSubscription + "/resourceGroups/" + wire.DefaultResourceGroup + "/providers/Microsoft.Compute/"
	refused := func(err error) (out azfake.ErrorResponder) {
		ce, _ := errors.AsType[*world.CloudError](err)
		status := map[string]int{"ResourceNotFound": http.StatusNotFound, "InternalServerError": http.StatusInternalServerError}[ce.Code]
		if status == 0 {
			status = http.StatusConflict
		}
		out.SetResponseError(status, ce.Code)
		return out
	}
	sets := fake.VirtualMachineScaleSetsServer{
		BeginUpdate: func(ctx context.Context, _, set string, p armcompute.VirtualMachineScaleSetUpdate, _ *armcompute.VirtualMachineScaleSetsClientBeginUpdateOptions) (resp azfake.PollerResponder[armcompute.VirtualMachineScaleSetsClientUpdateResponse], _ azfake.ErrorResponder) {
			token, err := c.Scale(ctx, world.Placement{ID: set}, int(*p.SKU.Capacity))
			if err != nil {
				return resp, refused(err)
			}
			last[set] = token
			resp.SetTerminalResponse(http.StatusOK, armcompute.VirtualMachineScaleSetsClientUpdateResponse{}, nil)
			return resp, azfake.ErrorResponder{}
		},
		Get: func(ctx context.Context, _, set string, _ *armcompute.VirtualMachineScaleSetsClientGetOptions) (resp azfake.Responder[armcompute.VirtualMachineScaleSetsClientGetResponse], _ azfake.ErrorResponder) {
			if _, err := c.Capacity(set); err != nil {
				return resp, refused(&world.CloudError{Code: "ResourceNotFound"})
			}
			state := "Succeeded"
			if token := last[set]; token != "" {
				switch done, err := c.Poll(ctx, token); {
				case done && err != nil:
					state = "Failed"
				case err != nil:
					return resp, refused(err)
				case !done:
					state = "Updating"
				}
			}
			resp.SetResponse(http.StatusOK, armcompute.VirtualMachineScaleSetsClientGetResponse{VirtualMachineScaleSet: armcompute.VirtualMachineScaleSet{
				Properties: &armcompute.VirtualMachineScaleSetProperties{ProvisioningState: &state},
			}}, nil)
			return resp, azfake.ErrorResponder{}
		},
		GetInstanceView: func(_ context.Context, _, set string, _ *armcompute.VirtualMachineScaleSetsClientGetInstanceViewOptions) (resp azfake.Responder[armcompute.VirtualMachineScaleSetsClientGetInstanceViewResponse], _ azfake.ErrorResponder) {
			op, _ := c.Operation(last[set])
			resp.SetResponse(http.StatusOK, armcompute.VirtualMachineScaleSetsClientGetInstanceViewResponse{VirtualMachineScaleSetInstanceView: armcompute.VirtualMachineScaleSetInstanceView{
				Statuses: []*armcompute.InstanceViewStatus{{}, {Code: new("ProvisioningState/failed/" + op.Failed)}},
			}}, nil)
			return resp, azfake.ErrorResponder{}
		},
	}
	vms := fake.VirtualMachinesServer{
		NewListPager: func(_ string, o *armcompute.VirtualMachinesClientListOptions) (resp azfake.PagerResponder[armcompute.VirtualMachinesClientListResponse]) {
			if o == nil || o.Filter == nil {
				resp.AddPage(http.StatusOK, armcompute.VirtualMachinesClientListResponse{VirtualMachineListResult: armcompute.VirtualMachineListResult{Value: fakeMachines(c, id)}}, nil)
				return resp
			}
			set := strings.TrimSuffix(strings.TrimPrefix(*o.Filter, "'virtualMachineScaleSet/id' eq '"+id+"virtualMachineScaleSets/"), "'")
			page := armcompute.VirtualMachinesClientListResponse{}
			found, _ := c.Instances(context.Background(), world.Placement{ID: set}) // none where there is no set
			for _, in := range found {
				page.Value = append(page.Value, &armcompute.VirtualMachine{
					Name: new(in.ID), ID: new(id + "virtualMachines/" + in.ID),
					Properties: &armcompute.VirtualMachineProperties{VirtualMachineScaleSet: &armcompute.SubResource{ID: new(id + "virtualMachineScaleSets/" + set)}},
				})
			}
			resp.AddPage(http.StatusOK, armcompute.VirtualMachinesClientListResponse{}, nil) // one without machines
			resp.AddPage(http.StatusOK, page, nil)
			return resp
		},
	}
	return &fake.ServerFactory{VirtualMachineScaleSetsServer: sets, VirtualMachinesServer: vms}
}
