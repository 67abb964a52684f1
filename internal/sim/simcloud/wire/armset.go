package wire

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"hearth/internal/sim/simcloud"
	"hearth/internal/world"
)

// armError is a refusal in Azure Resource Manager's form.
type armError struct {
	status     int
	code       string
	message    string
	retryAfter time.Duration
}

func (e *armError) write(w http.ResponseWriter) {
	if e.retryAfter > 0 {
		w.Header().Set("Retry-After", seconds(e.retryAfter))
	}
	if e.status == http.StatusUnauthorized {
		w.Header().Set("Www-Authenticate", fmt.Sprintf(`Bearer authorization_uri="https://login.microsoftonline.com/common", error="invalid_token", error_description=%q`, e.message))
	}
	write(w, e.status, map[string]any{"error": map[string]any{"code": e.code, "message": e.message}})
}

func armRefuse(w http.ResponseWriter, status int, code, message string) {
	(&armError{status: status, code: code, message: message}).write(w)
}

func seconds(d time.Duration) string { return strconv.Itoa(max(1, int(d/time.Second))) }

// refusal is the cloud's error as Azure tells it at once.
func (a *ARM) refusal(err error) *armError {
	ce, ok := errors.AsType[*world.CloudError](err)
	if !ok { // the caller went away
		return &armError{status: http.StatusInternalServerError, code: "InternalServerError", message: "The server encountered an internal error."}
	}
	e := &armError{status: http.StatusConflict, code: ce.Code, message: ce.Message}
	switch ce.Code {
	case "AuthorizationFailed", "LinkedAuthorizationFailed":
		e.status = http.StatusForbidden
	case "InvalidParameter":
		e.status = http.StatusBadRequest
	case "ResourceNotFound":
		e.status = http.StatusNotFound
	case "InternalServerError":
		e.status = http.StatusInternalServerError
	case "ServiceUnavailable":
		e.status = http.StatusServiceUnavailable
	case "TooManyRequests":
		e.status, e.retryAfter = http.StatusTooManyRequests, a.o.RetryAfter
	}
	return e
}

// patchSet scales. What else an update may hold is not pretended, and refused.
func (a *ARM) patchSet(w http.ResponseWriter, r *http.Request, name string) {
	set, ok := a.set(name)
	if !ok {
		a.noResource(typeSet, name).write(w)
		return
	}
	up, err := readUpdate(r)
	if err != nil {
		armRefuse(w, http.StatusBadRequest, "InvalidRequestContent", fmt.Sprintf("The request content was invalid and could not be deserialized: '%v'.", err))
		return
	}
	capacity := set.Capacity
	if up.SKU.Capacity != nil {
		capacity = *up.SKU.Capacity
	}
	token, err := a.cloud.Scale(r.Context(), world.Placement{ID: set.ID, Size: up.SKU.Name}, capacity)
	if err != nil {
		a.refusal(err).write(w)
		return
	}
	at := a.operationURL(set, token, version(r))
	w.Header().Set("Azure-AsyncOperation", at)
	w.Header().Set("Location", at+"&monitor=true")
	w.Header().Set("Retry-After", seconds(a.o.RetryAfter))
	if a.o.Accepted {
		w.WriteHeader(http.StatusAccepted)
		return
	}
	doc := a.setDocument(set)
	doc["properties"].(map[string]any)["provisioningState"] = "Updating"
	doc["sku"].(map[string]any)["capacity"] = capacity
	answer(w, doc)
}

// update is what a PATCH may hold.
type update struct {
	SKU *struct {
		Name     string `json:"name"`
		Tier     string `json:"tier"`
		Capacity *int   `json:"capacity"`
	} `json:"sku"`
}

func readUpdate(r *http.Request) (update, error) {
	var up update
	if t, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";"); !strings.EqualFold(strings.TrimSpace(t), "application/json") {
		return up, fmt.Errorf("the content type is %q", r.Header.Get("Content-Type"))
	}
	d := json.NewDecoder(http.MaxBytesReader(nil, r.Body, maxRequest))
	d.DisallowUnknownFields()
	if err := d.Decode(&up); err != nil {
		return up, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return up, errors.New("more than one document")
	}
	if up.SKU == nil || up.SKU.Capacity == nil && up.SKU.Name == "" {
		return up, errors.New("nothing to update: sku.capacity or sku.name")
	}
	return up, nil
}

func version(r *http.Request) string { return r.URL.Query().Get("api-version") }

// operationURL is where an operation is asked about. As the real one's it
// carries a certificate and a signature, which no one needs to send back.
func (a *ARM) operationURL(set simcloud.PlacementView, token, version string) string {
	q := url.Values{
		"p": {guid(token + "/p")}, "api-version": {version}, "t": {"638999999999999999"},
		"c": {strings.Repeat("MIIHpTCCBo2gAwIBAgITfwTYu0", 95)}, "s": {strings.Repeat("sIgnAtuRe0", 34)}, "h": {"aHash0aHash0aHash0aHash0aHash0aHash0aHash0a"},
	}
	return fmt.Sprintf("%s/subscriptions/%s/providers/Microsoft.Compute/locations/%s/operations/%s?%s", a.URL, a.o.Subscription, location(set.Region), url.PathEscape(token), q.Encode())
}

func location(region string) string {
	if region == "" {
		return "eastus2"
	}
	return region
}

// operation tells how one stands.
func (a *ARM) operation(w http.ResponseWriter, r *http.Request, token string) {
	if strings.HasPrefix(token, deletionPrefix) {
		a.deletion(w, token)
		return
	}
	done, err := a.cloud.Poll(r.Context(), token)
	ce, _ := errors.AsType[*world.CloudError](err)
	switch {
	case done && ce != nil && ce.Code == "OperationNotFound":
		armRefuse(w, http.StatusNotFound, "NotFound", "The entity was not found in this Azure location.")
		return
	case !done && err != nil:
		a.refusal(err).write(w)
		return
	}
	op, _ := a.cloud.Operation(token)
	doc := map[string]any{"startTime": stamp(op.Begun), "name": guid(token)}
	if done {
		doc["endTime"] = stamp(op.Ended)
	}
	switch {
	case !done:
		doc["status"] = "InProgress"
		w.Header().Set("Retry-After", seconds(a.o.RetryAfter))
	case err != nil:
		doc["status"] = "Failed"
		doc["error"] = map[string]any{
			"code": "ResourceOperationFailure", "message": "The resource operation completed with terminal provisioning state 'Failed'.",
			"details": []any{map[string]any{"code": ce.Code, "message": ce.Message}},
		}
	default:
		doc["status"] = "Succeeded"
	}
	answer(w, doc)
}

// stamp is a time as Azure writes it.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.0000000-07:00") }

// set finds a scale set; Azure does not tell upper from lower case.
func (a *ARM) set(name string) (simcloud.PlacementView, bool) {
	for _, p := range a.cloud.Snapshot().Placements {
		if strings.EqualFold(p.ID, name) {
			return p, true
		}
	}
	return simcloud.PlacementView{}, false
}

func (a *ARM) noResource(kind, name string) *armError {
	return &armError{
		status: http.StatusNotFound, code: "ResourceNotFound",
		message: fmt.Sprintf("The Resource '%s/%s' under resource group '%s' was not found. For more details please go to https://aka.ms/ARMResourceNotFoundFix", kind, name, a.o.ResourceGroup),
	}
}

func (a *ARM) getSet(w http.ResponseWriter, name string) {
	set, ok := a.set(name)
	if !ok {
		a.noResource(typeSet, name).write(w)
		return
	}
	answer(w, a.setDocument(set))
}

func (a *ARM) setDocument(set simcloud.PlacementView) map[string]any {
	doc := map[string]any{
		"name": set.ID, "id": a.id(typeSet, set.ID),
		"type": typeSet, "location": location(set.Region),
		"sku": map[string]any{"name": set.Size, "tier": "Standard", "capacity": set.Capacity},
		"properties": map[string]any{
			"platformFaultDomainCount": 1, "singlePlacementGroup": false,
			"provisioningState": provisioning(set), "uniqueId": guid(set.ID),
		},
	}
	a.reshape(doc, set)
	return doc
}

func provisioning(set simcloud.PlacementView) string {
	switch {
	case set.Busy:
		return "Updating"
	case set.Failed != "":
		return "Failed"
	}
	return "Succeeded"
}

// viewSet is the set's instance view.
func (a *ARM) viewSet(w http.ResponseWriter, name string) {
	set, ok := a.set(name)
	if !ok {
		a.noResource(typeSet, name).write(w)
		return
	}
	status := map[string]any{"code": "ProvisioningState/" + strings.ToLower(provisioning(set)), "level": "Info", "displayStatus": "Provisioning " + strings.ToLower(provisioning(set))}
	if set.Failed != "" && !set.Busy {
		status["code"] = "ProvisioningState/failed/" + set.Failed
		status["level"], status["message"] = "Error", "The last operation on the scale set failed."
	}
	answer(w, map[string]any{"virtualMachine": map[string]any{"statusesSummary": []any{}}, "statuses": []any{status}})
}
