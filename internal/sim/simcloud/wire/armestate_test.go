package wire_test

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"hearth/internal/sim/simcloud/wire"
	"hearth/internal/world"
)

// names reads a list to its end and tells how many pages it had.
func (s *armStage) names(t *testing.T, path string) (names []string, pages int) {
	t.Helper()
	for path != "" {
		a := s.call(t, "GET", path, "")
		value, ok := a.at("value").([]any)
		if a.code != 200 || !ok {
			t.Fatalf("got %d %s, want a list", a.code, a.text)
		}
		for _, x := range value {
			names = append(names, x.(map[string]any)["name"].(string))
		}
		path, _ = a.at("nextLink").(string)
		if path != "" && !strings.HasPrefix(path, s.arm.URL+"/subscriptions/") {
			t.Fatalf("the next page is at %s", path)
		}
		pages++
	}
	return names, pages
}

func TestListsHavePages(t *testing.T) {
	s := newARM(t, wire.ARMOptions{PageSize: 2})
	_, err := s.cloud.Scale(t.Context(), world.Placement{ID: "vmss-midgard"}, 1)
	must(t, err)
	s.clock.Advance(time.Minute)
	vm := s.cloud.Snapshot().VMs[0]
	for i := range 4 {
		must(t, s.cloud.Leave(world.LeftoverDisk, fmt.Sprintf("a-%d", i)))
	}
	must(t, s.cloud.Leave(world.LeftoverMachine, "by-hand"))
	disk := vm.Belongings()[2].Name
	names, pages := s.names(t, disks+dv)
	if len(names) != 6 || pages != 3 || !slices.IsSorted(names) || !slices.Contains(names, disk) || !slices.Contains(names, "a-3") {
		t.Errorf("got %v on %d pages, want the left four, the world's %s and by-hand's, on 3", names, pages, disk)
	}
	if names, pages := s.names(t, sets+v); !slices.Equal(names, []string{"vmss-asgard", "vmss-midgard"}) || pages != 1 {
		t.Errorf("got %v on %d pages, want both sets on one", names, pages)
	}
	if names, _ := s.names(t, vms+v); !slices.Equal(names, []string{"by-hand", vm.ID}) {
		t.Errorf("got %v, want both machines", names)
	}
	filter := "&$filter=" + url.QueryEscape("'virtualMachineScaleSet/id' eq '"+sets+"/vmss-midgard'")
	if names, _ := s.names(t, vms+v+filter); !slices.Equal(names, []string{vm.ID}) {
		t.Errorf("got %v, want the set's machine", names)
	}
	// What goes between two pages hides nothing.
	first := s.call(t, "GET", disks+dv, "")
	must(t, s.cloud.Remove(t.Context(), world.Leftover{Kind: world.LeftoverDisk, Name: "a-0"}))
	s.clock.Advance(time.Minute)
	if rest, _ := s.names(t, first.at("nextLink").(string)); len(rest) != 4 || rest[0] != "a-2" {
		t.Errorf("got %v, want the four from a-2 on", rest)
	}
}

// What has a machine says so, except while the machine is made or deleted.
func TestAttachedOrNot(t *testing.T) {
	s := newARM(t, wire.ARMOptions{})
	look := func(want bool) {
		t.Helper()
		for _, x := range []struct {
			path string
			mark []string
		}{
			{network + "/networkInterfaces" + nv, []string{"properties", "virtualMachine", "id"}},
			{network + "/publicIPAddresses" + nv, []string{"properties", "ipConfiguration", "id"}},
			{disks + dv, []string{"managedBy"}},
		} {
			a := s.call(t, "GET", x.path, "")
			if id, _ := a.at(append([]string{"value", "0"}, x.mark...)...).(string); (id != "") != want || a.at("value", "0", "properties", "provisioningState") != "Succeeded" {
				t.Errorf("got %s, want it attached: %v", a.text, want)
			}
			if disk, _ := a.at("value", "0", "properties", "diskState").(string); disk != "" && (disk == "Attached") != want {
				t.Errorf("got a disk that is %s, want it attached: %v", disk, want)
			}
		}
	}
	scale := func(n int) {
		t.Helper()
		_, err := s.cloud.Scale(t.Context(), world.Placement{ID: "vmss-midgard"}, n)
		must(t, err)
		s.clock.Advance(time.Second)
	}
	scale(1)
	look(false)
	s.clock.Advance(time.Minute)
	look(true)
	scale(0)
	look(false)
	s.clock.Advance(time.Minute)
	for _, path := range []string{network + "/networkInterfaces" + nv, network + "/publicIPAddresses" + nv, disks + dv, vms + v} {
		if a := s.call(t, "GET", path, ""); a.text != `{"value":[]}` {
			t.Errorf("%s: got %s, want nothing", path, a.text)
		}
	}
}

func TestDelete(t *testing.T) {
	s := newARM(t, wire.ARMOptions{RetryAfter: 15 * time.Second})
	path := map[world.LeftoverKind]string{
		world.LeftoverMachine: vms + "/X" + v, world.LeftoverDisk: disks + "/X" + dv,
		world.LeftoverNIC: network + "/networkInterfaces/X" + nv, world.LeftoverAddress: network + "/publicIPAddresses/X" + nv,
	}
	for kind, path := range path {
		must(t, s.cloud.Leave(kind, "x"))
		for range 2 { // a second one finds it going
			a := s.call(t, "DELETE", path, "")
			op := a.header.Get("Azure-AsyncOperation")
			if a.code != 202 || a.text != "" || op == "" || a.header.Get("Location") == "" || a.header.Get("Retry-After") != "15" {
				t.Fatalf("%s: got %d %s %v, want it accepted, and where to look", kind, a.code, a.text, a.header)
			}
			if b := s.call(t, "GET", op, ""); b.code != 200 || b.at("status") != "InProgress" {
				t.Errorf("%s: got %d %s, want it in progress", kind, b.code, b.text)
			}
			if b := s.call(t, "GET", path, ""); b.code != 200 || b.at("properties", "provisioningState") != "Deleting" {
				t.Errorf("%s: got %d %s, want it deleting", kind, b.code, b.text)
			}
		}
		op := s.call(t, "DELETE", path, "").header.Get("Azure-AsyncOperation")
		s.clock.Advance(time.Minute)
		if b := s.call(t, "GET", op, ""); b.code != 200 || b.at("status") != "Succeeded" {
			t.Errorf("%s: got %d %s, want it done", kind, b.code, b.text)
		}
		if b := s.call(t, "GET", path, ""); b.code != 404 || b.at("error", "code") != "ResourceNotFound" {
			t.Errorf("%s: got %d %s, want it gone", kind, b.code, b.text)
		}
		if b := s.call(t, "DELETE", path, ""); b.code != 204 || b.text != "" {
			t.Errorf("%s: got %d %s, want no content", kind, b.code, b.text)
		}
	}
}

func TestDeleteInUse(t *testing.T) {
	s := newARM(t, wire.ARMOptions{})
	_, err := s.cloud.Scale(t.Context(), world.Placement{ID: "vmss-midgard"}, 1)
	must(t, err)
	s.clock.Advance(time.Minute)
	vm := s.cloud.Snapshot().VMs[0]
	has := vm.Belongings()
	must(t, s.cloud.Leave(world.LeftoverNIC, "left"))
	must(t, s.cloud.Attach(world.LeftoverNIC, "left", true))
	for _, tc := range []struct {
		path   string
		status int
		code   string
	}{
		{network + "/networkInterfaces/" + has[0].Name + nv, 400, "NicInUse"},
		{network + "/networkInterfaces/left" + nv, 400, "NicInUse"},
		{network + "/publicIPAddresses/" + has[1].Name + nv, 400, "PublicIPAddressCannotBeDeleted"},
		{disks + "/" + has[2].Name + dv, 409, "OperationNotAllowed"},
	} {
		if a := s.call(t, "DELETE", tc.path, ""); a.code != tc.status || a.at("error", "code") != tc.code {
			t.Errorf("%s: got %d %s, want %d %s", tc.path, a.code, a.text, tc.status, tc.code)
		}
	}
	s.cloud.FailCalls(1)
	if a := s.call(t, "DELETE", network+"/networkInterfaces/left"+nv, ""); a.code != 500 {
		t.Errorf("got %d %s, want trouble", a.code, a.text)
	}
	// Nothing keeps a caller from deleting a world's machine.
	if a := s.call(t, "DELETE", vms+"/"+vm.ID+v, ""); a.code != 202 || len(s.cloud.Snapshot().VMs) != 0 {
		t.Errorf("got %d %s, want the machine deleted", a.code, a.text)
	}
}

func TestSimulateEviction(t *testing.T) {
	s := newARM(t, wire.ARMOptions{})
	_, err := s.cloud.Scale(t.Context(), world.Placement{ID: "vmss-midgard"}, 1)
	must(t, err)
	must(t, s.cloud.Leave(world.LeftoverMachine, "by-hand"))
	id := s.cloud.Snapshot().VMs[0].ID
	if a := s.call(t, "POST", vms+"/"+id+"/simulateEviction"+v, ""); a.code != 409 || a.at("error", "code") != "Conflict" {
		t.Errorf("while it is made: got %d %s, want 409", a.code, a.text)
	}
	s.clock.Advance(time.Minute)
	if a := s.call(t, "POST", vms+"/by-hand/simulateEviction"+v, ""); a.code != 409 || a.at("error", "code") != "OperationNotAllowed" {
		t.Errorf("of what is no spot machine: got %d %s, want 409", a.code, a.text)
	}
	if a := s.call(t, "POST", vms+"/"+strings.ToUpper(id)+"/simulateEviction"+v, ""); a.code != 204 || a.text != "" {
		t.Errorf("got %d %s, want 204", a.code, a.text)
	}
	if n := s.cloud.Snapshot().VMs[0].Notice; n == nil || n.Kind != "Preempt" || !n.NotBefore.Equal(s.clock.Now().Add(30*time.Second)) {
		t.Errorf("got notice %+v, want a Preempt in 30 s", n)
	}
}
