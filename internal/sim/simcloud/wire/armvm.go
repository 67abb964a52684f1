package wire

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"

	"hearth/internal/sim/simcloud"
	"hearth/internal/world"
)

// listMachines lists those of the resource group, or of one scale set by
// $filter. A filter that names no set gives an empty list.
func (a *ARM) listMachines(w http.ResponseWriter, r *http.Request) {
	filter, filtered := r.URL.Query()["$filter"]
	set := ""
	if filtered {
		m := regexp.MustCompile(`^'virtualMachineScaleSet/id' eq '([^']+)'$`).FindStringSubmatch(filter[0])
		prefix := strings.ToLower(a.id("Microsoft.Compute/virtualMachineScaleSets", ""))
		if m == nil || len(filter) != 1 || !strings.HasPrefix(strings.ToLower(m[1]), prefix) {
			armRefuse(w, http.StatusBadRequest, "InvalidParameter", fmt.Sprintf("The value '%s' of parameter '$filter' is invalid.", filter[0]))
			return
		}
		set = m[1][len(prefix):]
	}
	list := []any{}
	for _, p := range a.cloud.Snapshot().Placements {
		if filtered && !strings.EqualFold(p.ID, set) {
			continue
		}
		found, err := a.cloud.Instances(r.Context(), world.Placement{ID: p.ID})
		if err != nil {
			a.refusal(err).write(w)
			return
		}
		for _, in := range found {
			if vm, ok := a.machine(in.ID); ok {
				list = append(list, a.machineDocument(vm, p))
			}
		}
	}
	answer(w, map[string]any{"value": list})
}

func (a *ARM) machine(name string) (simcloud.VMView, bool) {
	for _, vm := range a.cloud.Snapshot().VMs {
		if strings.EqualFold(vm.ID, name) {
			return vm, true
		}
	}
	return simcloud.VMView{}, false
}

func (a *ARM) getMachine(w http.ResponseWriter, name string) {
	vm, ok := a.machine(name)
	if !ok {
		a.noResource("Microsoft.Compute/virtualMachines", name).write(w)
		return
	}
	p, _ := a.set(vm.Placement)
	answer(w, a.machineDocument(vm, p))
}

func (a *ARM) machineDocument(vm simcloud.VMView, p simcloud.PlacementView) map[string]any {
	state := "Succeeded"
	switch vm.State {
	case simcloud.VMCreating:
		state = "Creating"
	case simcloud.VMDeleting:
		state = "Deleting"
	case simcloud.VMBooting, simcloud.VMRunning:
	}
	type object = map[string]any
	return object{
		"name": vm.ID, "id": a.id("Microsoft.Compute/virtualMachines", vm.ID), "type": "Microsoft.Compute/virtualMachines",
		"location": location(p.Region),
		"properties": object{
			"vmId": guid(vm.ID), "provisioningState": state, "priority": "Spot", "evictionPolicy": "Delete",
			"timeCreated":            stamp(vm.Created),
			"hardwareProfile":        object{"vmSize": vm.Size},
			"virtualMachineScaleSet": object{"id": a.id("Microsoft.Compute/virtualMachineScaleSets", vm.Placement)},
			"networkProfile": object{"networkInterfaces": []object{{
				"id": a.id("Microsoft.Network/networkInterfaces", nicOf(vm)), "properties": object{"primary": true, "deleteOption": "Delete"},
			}}},
		},
	}
}

// Azure names what comes with a Flexible set's machine by itself.
func nicOf(vm simcloud.VMView) string     { return "nic-" + digest(vm.ID) }
func addressOf(vm simcloud.VMView) string { return "ip-" + digest(vm.ID) }

func (a *ARM) getNIC(w http.ResponseWriter, name string) {
	type object = map[string]any
	for _, vm := range a.cloud.Snapshot().VMs {
		if !strings.EqualFold(nicOf(vm), name) {
			continue
		}
		answer(w, object{
			"name": nicOf(vm), "id": a.id("Microsoft.Network/networkInterfaces", nicOf(vm)), "type": "Microsoft.Network/networkInterfaces",
			"properties": object{
				"provisioningState": "Succeeded",
				"virtualMachine":    object{"id": a.id("Microsoft.Compute/virtualMachines", vm.ID)},
				"ipConfigurations": []object{{
					"name": "public", "properties": object{
						"privateIPAddress": "10.0.0.4", "privateIPAllocationMethod": "Dynamic", "primary": true,
						"publicIPAddress": object{"id": a.id("Microsoft.Network/publicIPAddresses", addressOf(vm))},
					},
				}},
			},
		})
		return
	}
	a.noResource("Microsoft.Network/networkInterfaces", name).write(w)
}

// getAddress: one that is being created has no ipAddress yet.
func (a *ARM) getAddress(w http.ResponseWriter, name string) {
	type object = map[string]any
	for _, vm := range a.cloud.Snapshot().VMs {
		if !strings.EqualFold(addressOf(vm), name) {
			continue
		}
		properties := object{"provisioningState": "Updating", "publicIPAddressVersion": "IPv4", "publicIPAllocationMethod": "Static"}
		if vm.Address != "" {
			properties["provisioningState"], properties["ipAddress"] = "Succeeded", vm.Address
		}
		answer(w, object{
			"name": addressOf(vm), "id": a.id("Microsoft.Network/publicIPAddresses", addressOf(vm)), "type": "Microsoft.Network/publicIPAddresses",
			"sku": object{"name": "Standard", "tier": "Regional"}, "properties": properties,
		})
		return
	}
	a.noResource("Microsoft.Network/publicIPAddresses", name).write(w)
}
