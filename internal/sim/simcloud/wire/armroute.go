package wire

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
)

// The types of resources, as ids spell them.
const (
	typeSet     = "Microsoft.Compute/virtualMachineScaleSets"
	typeMachine = "Microsoft.Compute/virtualMachines"
	typeDisk    = "Microsoft.Compute/disks"
	typeNIC     = "Microsoft.Network/networkInterfaces"
	typeAddress = "Microsoft.Network/publicIPAddresses"
)

// versions are those that a type of resources is served in, newest first. Each
// has its own: what one knows, another refuses.
func versions(resource string) []string {
	switch {
	case strings.EqualFold(resource, typeDisk):
		return []string{"2026-03-02", "2025-01-02", "2024-03-02", "2023-10-02"}
	case strings.HasPrefix(strings.ToLower(resource), "microsoft.network/"):
		return []string{"2025-01-01", "2024-10-01", "2024-07-01", "2024-05-01", "2024-03-01", "2024-01-01"}
	}
	return []string{"2026-04-01", "2025-04-01", "2024-11-01", "2024-07-01", "2024-03-01"}
}

// apiVersion is the form of a version's name.
func apiVersion(v string) bool {
	return regexp.MustCompile(`^20[0-9]{2}-[0-9]{2}-[0-9]{2}(-preview)?$`).MatchString(v)
}

// route finds what a path names. Azure does not tell upper from lower case in
// it.
func (a *ARM) route(w http.ResponseWriter, r *http.Request) {
	s := segments(r.URL.Path)
	lower := segments(strings.ToLower(r.URL.Path))
	version := r.URL.Query()["api-version"]
	switch {
	case len(version) != 1 || version[0] == "":
		armRefuse(w, http.StatusBadRequest, "MissingApiVersionParameter", "The api-version query parameter (?api-version=) is required for all requests.")
		return
	case !apiVersion(version[0]):
		armRefuse(w, http.StatusBadRequest, "InvalidApiVersionParameter", fmt.Sprintf("The api-version '%s' is invalid. The supported versions are '2026-04-01,2025-04-01,2024-11-01,2024-07-01,2024-05-01'.", version[0]))
		return
	case len(s) < 2 || lower[0] != "subscriptions":
		armRefuse(w, http.StatusNotFound, "NotFound", "The requested resource was not found.")
		return
	case !strings.EqualFold(s[1], a.o.Subscription):
		armRefuse(w, http.StatusNotFound, "SubscriptionNotFound", fmt.Sprintf("The subscription '%s' could not be found.", s[1]))
		return
	}
	// /subscriptions/S/providers/Microsoft.Compute/locations/L/operations/ID
	if len(s) == 8 && lower[2] == "providers" && lower[4] == "locations" {
		switch lower[3] + "/" + lower[6] {
		case "microsoft.compute/operations", "microsoft.compute/diskoperations", "microsoft.network/operations":
			a.only(w, r, http.MethodGet, func() { a.operation(w, r, s[7]) })
			return
		}
	}
	if a.audits(w, r, s, lower) {
		return
	}
	if len(s) < 4 || lower[2] != "resourcegroups" {
		armRefuse(w, http.StatusNotFound, "NotFound", "The requested resource was not found.")
		return
	}
	if !strings.EqualFold(s[3], a.o.ResourceGroup) {
		armRefuse(w, http.StatusNotFound, "ResourceGroupNotFound", fmt.Sprintf("Resource group '%s' could not be found.", s[3]))
		return
	}
	if len(s) < 7 || lower[4] != "providers" {
		armRefuse(w, http.StatusNotFound, "NotFound", "The requested resource was not found.")
		return
	}
	a.resource(w, r, version[0], strings.Join(s[5:7], "/"), s[7:])
}

// resource answers for one of a type, or for all of it. rest is its name and
// what is asked of it.
func (a *ARM) resource(w http.ResponseWriter, r *http.Request, version, resource string, rest []string) {
	kind := strings.ToLower(resource)
	noType := func() {
		armRefuse(w, http.StatusNotFound, "InvalidResourceType", fmt.Sprintf("The resource type '%s' could not be found in the namespace for api version '%s'.", strings.Join(append([]string{resource}, rest...), "/"), version))
	}
	if !slices.ContainsFunc([]string{typeSet, typeMachine, typeDisk, typeNIC, typeAddress}, func(t string) bool { return strings.EqualFold(t, resource) }) {
		noType()
		return
	}
	if known := versions(resource); !slices.Contains(known, version) {
		armRefuse(w, http.StatusBadRequest, "NoRegisteredProviderFound", fmt.Sprintf("No registered resource provider found for location 'eastus2' and API version '%s' for type '%s'. The supported api-versions are '%s'.", version, resource[strings.Index(resource, "/")+1:], strings.Join(known, ", ")))
		return
	}
	action := ""
	if len(rest) > 1 {
		action = strings.ToLower(strings.Join(rest[1:], "/"))
	}
	switch {
	case len(rest) == 0:
		a.only(w, r, http.MethodGet, func() { a.list(w, r, kind) })
	case kind == strings.ToLower(typeSet) && action == "" && r.Method == http.MethodPatch:
		a.patchSet(w, r, rest[0])
	case kind == strings.ToLower(typeSet) && action == "":
		a.only(w, r, http.MethodGet, func() { a.getSet(w, rest[0]) })
	case kind == strings.ToLower(typeSet) && action == "instanceview":
		a.only(w, r, http.MethodGet, func() { a.viewSet(w, rest[0]) })
	case kind == strings.ToLower(typeMachine) && action == "simulateeviction":
		a.only(w, r, http.MethodPost, func() { a.evict(w, r, rest[0]) })
	case kind == strings.ToLower(typeMachine) && action == "retrievebootdiagnosticsdata":
		a.only(w, r, http.MethodPost, func() { a.bootDiagnostics(w, r, rest[0]) })
	case action != "":
		noType()
	case r.Method == http.MethodDelete:
		a.delete(w, r, kind, rest[0])
	default:
		a.only(w, r, http.MethodGet, func() { a.get(w, kind, rest[0]) })
	}
}

// only does what is asked by this verb.
func (a *ARM) only(w http.ResponseWriter, r *http.Request, method string, do func()) {
	if r.Method != method {
		w.Header().Set("Allow", method)
		armRefuse(w, http.StatusMethodNotAllowed, "MethodNotAllowed", fmt.Sprintf("The http method '%s' is not allowed here.", r.Method))
		return
	}
	do()
}
