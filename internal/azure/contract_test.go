package azure_test

import (
	"context"
	"net/http/httptest"
	"testing"
	"time"

	"hearth/internal/azure"
	"hearth/internal/sim/simcloud"
	"hearth/internal/sim/simcloud/wire"
	"hearth/internal/world"
	"hearth/internal/world/worldtest"
)

// The metadata service is the pretend cloud's, over HTTP.
func TestMetadata(t *testing.T) {
	worldtest.Metadata(t, func(t *testing.T) worldtest.MetadataUnderTest {
		clock := worldtest.NewClock()
		must := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		places := []world.Placement{{ID: "vmss-asgard"}, {ID: "vmss-midgard", Size: "Standard_D2ads_v5"}}
		c, err := simcloud.New(simcloud.Options{Clock: clock, Placements: places})
		must(err)
		t.Cleanup(func() { must(c.Close(context.Background())) })
		for _, p := range places {
			_, err := c.Scale(t.Context(), p, 1)
			must(err)
		}
		clock.Advance(5 * time.Minute)
		vms := c.Snapshot().VMs
		announce := func(id string) func(t *testing.T, kind string, in time.Duration) {
			return func(_ *testing.T, kind string, in time.Duration) {
				if kind == "Preempt" {
					must(c.Preempt(id, in))
				} else {
					must(c.Announce(id, kind, in))
				}
			}
		}
		own := vms[1].ID
		srv := httptest.NewServer(wire.New(c, own, wire.Options{}))
		t.Cleanup(srv.Close)
		m, err := azure.NewMetadata(srv.URL)
		must(err)
		return worldtest.MetadataUnderTest{
			Metadata: m, Name: own, Size: "Standard_D2ads_v5",
			Announce: announce(own), AnnounceOther: announce(vms[0].ID),
			PowerOff: func(*testing.T) { must(c.Vanish(own)) },
			Wait:     func(_ *testing.T, d time.Duration) { clock.Advance(d) }, Now: clock.Now,
		}
	})
}
