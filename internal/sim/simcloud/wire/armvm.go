package wire

import (
	"strings"

	"hearth/internal/sim/simcloud"
)

func (a *ARM) machine(name string) (simcloud.VMView, bool) {
	for _, vm := range a.cloud.Snapshot().VMs {
		if strings.EqualFold(vm.ID, name) {
			return vm, true
		}
	}
	return simcloud.VMView{}, false
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
	has := vm.Belongings()
	return object{
		"name": vm.ID, "id": a.id(typeMachine, vm.ID), "type": typeMachine,
		"location": location(p.Region),
		"properties": object{
			"vmId": guid(vm.ID), "provisioningState": state, "priority": "Spot", "evictionPolicy": "Delete",
			"timeCreated":            stamp(vm.Created),
			"hardwareProfile":        object{"vmSize": vm.Size},
			"virtualMachineScaleSet": object{"id": a.id(typeSet, vm.Placement)},
			"storageProfile": object{"osDisk": object{
				"name": has[2].Name, "deleteOption": "Delete", "managedDisk": object{"id": a.id(typeDisk, has[2].Name)},
			}},
			"networkProfile": object{"networkInterfaces": []object{{
				"id": a.id(typeNIC, has[0].Name), "properties": object{"primary": true, "deleteOption": "Delete"},
			}}},
		},
	}
}
