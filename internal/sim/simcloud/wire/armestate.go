package wire

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"hearth/internal/sim/simcloud"
	"hearth/internal/world"
)

type object = map[string]any

// item is a resource in a list.
type item struct {
	name string
	doc  object
}

// find finds a resource by its name; Azure does not tell upper from lower case.
func find(items []item, name string) (item, bool) {
	i := slices.IndexFunc(items, func(x item) bool { return strings.EqualFold(x.name, name) })
	if i < 0 {
		return item{}, false
	}
	return items[i], true
}

// items are the resources of one type, by name.
func (a *ARM) items(kind string) []item {
	s := a.cloud.Snapshot()
	var out []item
	add := func(name string, doc object) { out = append(out, item{name, doc}) }
	switch kind {
	case strings.ToLower(typeSet):
		for _, p := range s.Placements {
			add(p.ID, a.setDocument(p))
		}
	case strings.ToLower(typeMachine):
		for _, vm := range s.VMs {
			p, _ := a.set(vm.Placement)
			add(vm.ID, a.machineDocument(vm, p))
		}
		for _, l := range s.Leftovers {
			if l.Kind == world.LeftoverMachine {
				add(l.Name, a.strangerDocument(l))
			}
		}
	default:
		for _, t := range a.things(s) {
			if kind == strings.ToLower(typeOf(t.Kind)) {
				add(t.Name, a.thingDocument(t))
			}
		}
	}
	slices.SortFunc(out, func(x, y item) int { return strings.Compare(x.name, y.name) })
	return out
}

// typeOf is the type of a kind of leftovers.
func typeOf(k world.LeftoverKind) string {
	switch k {
	case world.LeftoverMachine:
		return typeMachine
	case world.LeftoverNIC:
		return typeNIC
	case world.LeftoverAddress:
		return typeAddress
	case world.LeftoverDisk:
		return typeDisk
	case world.LeftoverSet: // no resource that can be left over
	}
	return ""
}

// thing is a network interface, an address or a disk.
type thing struct {
	world.Leftover

	region string
	owner  string   // the id of the machine that has it; empty: none, as far as Azure marks it
	has    []string // the names of the owner's interface, address and disk
	ip     string
	going  bool
}

// things are all of them. While a machine is made or deleted it is not marked at
// what it has: Azure makes those before it and deletes them after it, and lists
// them in between as if they were nobody's.
func (a *ARM) things(s simcloud.Snapshot) []thing {
	var out []thing
	of := func(owner string, has []world.Leftover, t thing) {
		for _, l := range has {
			t.has = append(t.has, l.Name)
		}
		for _, l := range has {
			t.Leftover, t.owner = l, owner
			out = append(out, t)
		}
	}
	for _, vm := range s.VMs {
		owner := a.id(typeMachine, vm.ID)
		if vm.State == simcloud.VMCreating || vm.State == simcloud.VMDeleting {
			owner = ""
		}
		p, _ := a.set(vm.Placement)
		of(owner, vm.Belongings(), thing{region: p.Region, ip: vm.Address})
	}
	for _, l := range s.Leftovers {
		if l.Kind == world.LeftoverMachine {
			of(a.id(typeMachine, l.Name), (simcloud.VMView{ID: l.Name}).Belongings(), thing{region: l.Region})
			continue
		}
		t := thing{Leftover: l.Leftover, region: l.Region, going: l.Removing}
		if l.Attached { // to a machine of another resource group
			t.owner = fmt.Sprintf("/subscriptions/%s/resourceGroups/other/providers/%s/other", a.o.Subscription, typeMachine)
		}
		out = append(out, t)
	}
	return out
}

// thingDocument is what Azure tells of it.
func (a *ARM) thingDocument(t thing) object {
	resource := typeOf(t.Kind)
	properties := object{"provisioningState": "Succeeded"}
	doc := object{"name": t.Name, "id": a.id(resource, t.Name), "type": resource, "location": location(t.region), "properties": properties}
	if t.going {
		properties["provisioningState"] = "Deleting"
	}
	switch t.Kind {
	case world.LeftoverNIC:
		configuration := object{"privateIPAddress": "10.0.0.4", "privateIPAllocationMethod": "Dynamic", "primary": true}
		if len(t.has) > 0 {
			configuration["publicIPAddress"] = object{"id": a.id(typeAddress, t.has[1])}
		}
		properties["ipConfigurations"] = []object{{"name": "public", "properties": configuration}}
		if t.owner != "" {
			properties["virtualMachine"] = object{"id": t.owner}
		}
	case world.LeftoverAddress: // one that is being made has no ipAddress yet
		doc["sku"] = object{"name": "Standard", "tier": "Regional"}
		properties["publicIPAddressVersion"], properties["publicIPAllocationMethod"] = "IPv4", "Static"
		if t.ip != "" {
			properties["ipAddress"] = t.ip
		}
		if t.owner != "" {
			nic := a.id(typeNIC, "other")
			if len(t.has) > 0 {
				nic = a.id(typeNIC, t.has[0])
			}
			properties["ipConfiguration"] = object{"id": nic + "/ipConfigurations/public"}
		}
	case world.LeftoverDisk:
		doc["sku"] = object{"name": "Standard_LRS", "tier": "Standard"}
		properties["osType"], properties["diskSizeGB"], properties["diskState"] = "Linux", 30, "Unattached"
		if t.owner != "" {
			doc["managedBy"], properties["diskState"] = t.owner, "Attached"
		}
	case world.LeftoverMachine, world.LeftoverSet: // is none of these
	}
	return doc
}

// strangerDocument is a machine of no scale set.
func (a *ARM) strangerDocument(l simcloud.LeftoverView) object {
	state := "Succeeded"
	if l.Removing {
		state = "Deleting"
	}
	has := (simcloud.VMView{ID: l.Name}).Belongings()
	return object{
		"name": l.Name, "id": a.id(typeMachine, l.Name), "type": typeMachine, "location": location(l.Region),
		"properties": object{
			"vmId": guid(l.Name), "provisioningState": state, "hardwareProfile": object{"vmSize": "Standard_B1s"},
			"storageProfile": object{"osDisk": object{"name": has[2].Name, "managedDisk": object{"id": a.id(typeDisk, has[2].Name)}}},
			"networkProfile": object{"networkInterfaces": []object{{"id": a.id(typeNIC, has[0].Name), "properties": object{"primary": true}}}},
		},
	}
}

// list answers with one page of a type's resources. A filter of machines that
// names no scale set gives an empty list.
func (a *ARM) list(w http.ResponseWriter, r *http.Request, kind string) {
	q := r.URL.Query()
	for name := range q {
		known := name == "api-version" || name == "$skiptoken" || name == "$filter" && kind == strings.ToLower(typeMachine)
		if !known || len(q[name]) != 1 {
			armRefuse(w, http.StatusBadRequest, "InvalidParameter", fmt.Sprintf("The parameter '%s' is invalid.", name))
			return
		}
	}
	if _, err := a.cloud.Survey(r.Context()); err != nil { // it may be out of order
		a.refusal(err).write(w)
		return
	}
	items := a.items(kind)
	if q.Has("$filter") {
		m := regexp.MustCompile(`^'virtualMachineScaleSet/id' eq '([^']+)'$`).FindStringSubmatch(q.Get("$filter"))
		prefix := strings.ToLower(a.id(typeSet, ""))
		if m == nil || !strings.HasPrefix(strings.ToLower(m[1]), prefix) {
			armRefuse(w, http.StatusBadRequest, "InvalidParameter", fmt.Sprintf("The value '%s' of parameter '$filter' is invalid.", q.Get("$filter")))
			return
		}
		set := m[1][len(prefix):]
		items = slices.DeleteFunc(items, func(x item) bool {
			of, _ := x.doc["properties"].(object)["virtualMachineScaleSet"].(object)
			id, _ := of["id"].(string)
			return !strings.EqualFold(id, a.id(typeSet, set))
		})
	}
	if q.Has("$skiptoken") { // the name that the page before ended with
		last, err := base64.RawURLEncoding.DecodeString(q.Get("$skiptoken"))
		if err != nil {
			armRefuse(w, http.StatusBadRequest, "InvalidParameter", "The parameter '$skiptoken' is invalid.")
			return
		}
		items = slices.DeleteFunc(items, func(x item) bool { return x.name <= string(last) })
	}
	doc := object{}
	if n := a.o.PageSize; n > 0 && len(items) > n {
		items = items[:n]
		q.Set("$skiptoken", base64.RawURLEncoding.EncodeToString([]byte(items[n-1].name)))
		doc["nextLink"] = a.URL + r.URL.Path + "?" + q.Encode()
	}
	value := make([]any, 0, len(items))
	for _, x := range items {
		value = append(value, x.doc)
	}
	doc["value"] = value
	answer(w, doc)
}

// get answers with one resource.
func (a *ARM) get(w http.ResponseWriter, kind, name string) {
	x, ok := find(a.items(kind), name)
	if !ok {
		a.noResource(spelt(kind), name).write(w)
		return
	}
	answer(w, x.doc)
}

// spelt is a type as ids spell it.
func spelt(kind string) string {
	for _, t := range []string{typeSet, typeMachine, typeDisk, typeNIC, typeAddress} {
		if strings.EqualFold(t, kind) {
			return t
		}
	}
	return kind
}

// delete begins to delete a resource, if nothing needs it. A scale set's machine
// can be deleted like any other, which is what a caller has to be afraid of.
func (a *ARM) delete(w http.ResponseWriter, r *http.Request, kind, name string) {
	if kind == strings.ToLower(typeSet) {
		a.only(w, r, http.MethodGet, func() {}) // Hearth may not
		return
	}
	x, ok := find(a.items(kind), name)
	if !ok {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	l := world.Leftover{Name: x.name}
	for _, k := range []world.LeftoverKind{world.LeftoverMachine, world.LeftoverNIC, world.LeftoverAddress, world.LeftoverDisk} {
		if strings.EqualFold(typeOf(k), kind) {
			l.Kind = k
		}
	}
	err := a.cloud.Remove(r.Context(), l)
	if _, ours := a.machine(x.name); ours && l.Kind == world.LeftoverMachine {
		err = a.cloud.Vanish(x.name)
	}
	if e := a.refusal(err); err != nil {
		if e.code == "Conflict" {
			e = inUse(l, x.doc["id"].(string))
		}
		e.write(w)
		return
	}
	provider, operations := "Microsoft.Network", "operations"
	switch l.Kind {
	case world.LeftoverDisk:
		provider, operations = "Microsoft.Compute", "DiskOperations"
	case world.LeftoverMachine:
		provider = "Microsoft.Compute"
	case world.LeftoverNIC, world.LeftoverAddress, world.LeftoverSet:
	}
	region, _ := x.doc["location"].(string)
	at := fmt.Sprintf("%s/subscriptions/%s/providers/%s/locations/%s/%s/%s?api-version=%s", a.URL, a.o.Subscription, provider, region, operations,
		deletionToken(kind, x.name), url.QueryEscape(version(r)))
	w.Header().Set("Azure-AsyncOperation", at)
	w.Header().Set("Location", at+"&monitor=true")
	w.Header().Set("Retry-After", seconds(a.o.RetryAfter))
	w.WriteHeader(http.StatusAccepted)
}

// inUse is how each provider says that something is needed.
func inUse(l world.Leftover, id string) *armError {
	switch l.Kind {
	case world.LeftoverNIC:
		return &armError{status: http.StatusBadRequest, code: "NicInUse", message: fmt.Sprintf("Network Interface %s is used by existing resource. In order to delete the network interface, it must be dissociated from the resource. To learn more, see aka.ms/deletenic.", id)}
	case world.LeftoverAddress:
		return &armError{status: http.StatusBadRequest, code: "PublicIPAddressCannotBeDeleted", message: fmt.Sprintf("Public IP address %s can not be deleted since it is still allocated to resource. In order to delete the public IP, disassociate/detach the Public IP address from the resource.", id)}
	case world.LeftoverDisk:
		return &armError{status: http.StatusConflict, code: "OperationNotAllowed", message: fmt.Sprintf("Disk %s is attached to VM.", l.Name)}
	case world.LeftoverMachine, world.LeftoverSet: // nothing needs one
	}
	return &armError{status: http.StatusConflict, code: "Conflict", message: "The request failed due to conflict with a concurrent request."}
}

// deletionPrefix tells the operations of deletions from the cloud's own.
const deletionPrefix = "delete-"

func deletionToken(kind, name string) string {
	return deletionPrefix + base64.RawURLEncoding.EncodeToString([]byte(kind+" "+name))
}

// deletion tells how one stands: it is done once there is no such resource.
func (a *ARM) deletion(w http.ResponseWriter, token string) {
	text, err := base64.RawURLEncoding.DecodeString(strings.TrimPrefix(token, deletionPrefix))
	kind, name, ok := strings.Cut(string(text), " ")
	if err != nil || !ok {
		armRefuse(w, http.StatusNotFound, "NotFound", "The entity was not found in this Azure location.")
		return
	}
	status := "Succeeded"
	if _, there := find(a.items(kind), name); there {
		status = "InProgress"
		w.Header().Set("Retry-After", seconds(a.o.RetryAfter))
	}
	answer(w, object{"name": guid(token), "status": status})
}

// evict simulates an eviction, of a spot machine alone.
func (a *ARM) evict(w http.ResponseWriter, r *http.Request, name string) {
	if r.ContentLength > 0 {
		armRefuse(w, http.StatusBadRequest, "InvalidRequestContent", "The request content was invalid: no body is expected.")
		return
	}
	vm, ok := a.machine(name)
	if !ok {
		if _, stranger := find(a.items(strings.ToLower(typeMachine)), name); stranger {
			armRefuse(w, http.StatusConflict, "OperationNotAllowed", fmt.Sprintf("Operation 'simulateEviction' is not allowed on VM '%s' since it is not a Spot VM.", name))
			return
		}
		a.noResource(typeMachine, name).write(w)
		return
	}
	if err := a.cloud.Evict(r.Context(), world.Placement{ID: vm.Placement}, vm.ID); err != nil {
		a.refusal(err).write(w)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}
