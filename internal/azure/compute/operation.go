package compute

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"

	"hearth/internal/world"
)

// MaxTokenBytes bounds a token. A row holds it twice, and its bound
// (world.MaxStateBytes) counts on this one.
const MaxTokenBytes = 600

// noOperation is the code for an operation that nobody knows any more.
const noOperation = "OperationNotFound"

// operation is what a token names: a scale set, and what Azure does with it as
// a path with a query, or nothing if Azure did not tell.
type operation struct {
	set, path string
}

func isSetName(s string) bool {
	return regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`).MatchString(s)
}

// token names the operation at the address that Azure told.
func (c *Compute) token(set, address string) string {
	out := "v1 " + set
	u, err := url.Parse(address)
	if address == "" || err != nil {
		return out
	}
	if !strings.EqualFold(u.Scheme, "https") || !strings.EqualFold(u.Host, c.host) || u.User != nil {
		c.log.Warn("operation is at another host, its scale set is looked at instead", "placement", set, "host", u.Host)
		return out
	}
	q := u.Query()
	for _, signature := range []string{"t", "c", "s", "h"} {
		q.Del(signature)
	}
	u = &url.URL{Path: u.Path, RawPath: u.RawPath, RawQuery: q.Encode()}
	if long := out + " " + u.String(); len(long) <= MaxTokenBytes && c.isOperation(u) {
		return long
	}
	c.log.Warn("operation has no usable address, its scale set is looked at instead", "placement", set)
	return out
}

// isOperation: u leads to an operation of this subscription, and nowhere else.
func (c *Compute) isOperation(u *url.URL) bool {
	prefix := "/subscriptions/" + c.o.Subscription + "/"
	return u.Scheme == "" && u.Host == "" && u.User == nil && u.Opaque == "" && u.Fragment == "" &&
		len(u.Path) > len(prefix) && strings.EqualFold(u.Path[:len(prefix)], prefix) && !strings.Contains(u.Path, "..")
}

// parseToken reads what token wrote; false for anything else.
func (c *Compute) parseToken(token string) (operation, bool) {
	parts := strings.Split(token, " ")
	if len(token) > MaxTokenBytes || len(parts) < 2 || len(parts) > 3 || parts[0] != "v1" || !isSetName(parts[1]) {
		return operation{}, false
	}
	op := operation{set: parts[1]}
	if len(parts) == 3 {
		u, err := url.Parse(parts[2])
		if err != nil || !c.isOperation(u) {
			return operation{}, false
		}
		op.path = u.String()
	}
	return op, true
}

// Poll implements world.Compute. A token that this package did not make, or
// that leads outside the subscription, names no operation.
func (c *Compute) Poll(ctx context.Context, token string) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, CallsWithin)
	defer cancel()
	op, ok := c.parseToken(token)
	if !ok {
		c.log.Warn("token names no operation of this subscription")
		return true, unknownOperation()
	}
	if op.path == "" {
		return c.pollSet(ctx, op.set)
	}
	status, body, err := c.call(ctx, http.MethodGet, op.path)
	switch {
	case err != nil:
		return false, c.fault(err)
	case status == http.StatusNotFound || status == http.StatusGone:
		return true, unknownOperation()
	case status == http.StatusBadRequest || status == http.StatusUnauthorized || status == http.StatusForbidden || status == http.StatusNoContent:
		return c.pollSet(ctx, op.set)
	case status != http.StatusOK && status != http.StatusAccepted:
		return false, c.refused(status, body)
	}
	var doc struct {
		Status string `json:"status"`
	}
	if err := json.Unmarshal(body, &doc); err != nil || doc.Status == "" {
		if status == http.StatusAccepted && len(body) == 0 {
			return false, nil
		}
		return false, unexpected("an operation without a status")
	}
	switch strings.ToLower(doc.Status) {
	case "succeeded":
		return true, nil
	case "failed":
		return true, c.failed(body)
	case "canceled", "cancelled":
		return true, canceled()
	}
	return false, nil
}

// pollSet tells how the set's last operation stands.
func (c *Compute) pollSet(ctx context.Context, set string) (bool, error) {
	azure, err := c.azure()
	if err != nil {
		return false, c.fault(err)
	}
	resp, err := azure.sets.Get(ctx, c.o.ResourceGroup, set, nil)
	if err != nil {
		var re *azcore.ResponseError
		if errors.As(err, &re) && re.StatusCode == http.StatusNotFound {
			return true, c.fault(err)
		}
		return false, c.fault(err)
	}
	if resp.Properties == nil || resp.Properties.ProvisioningState == nil {
		return false, unexpected("a scale set without a provisioningState")
	}
	switch strings.ToLower(*resp.Properties.ProvisioningState) {
	case "succeeded":
		return true, nil
	case "failed":
		return c.setFailure(ctx, azure, set)
	case "canceled", "cancelled":
		return true, canceled()
	}
	return false, nil
}

// setFailure reads why the set's last operation failed from its instance view,
// whose statuses have codes such as ProvisioningState/failed/AllocationFailed.
func (c *Compute) setFailure(ctx context.Context, azure *clients, set string) (bool, error) {
	view, err := azure.sets.GetInstanceView(ctx, c.o.ResourceGroup, set, nil)
	if err != nil {
		return false, c.fault(err)
	}
	for _, s := range view.Statuses {
		if s == nil || s.Code == nil {
			continue
		}
		parts := strings.SplitN(*s.Code, "/", 3)
		if len(parts) == 3 && strings.EqualFold(parts[0], "ProvisioningState") && strings.EqualFold(parts[1], "failed") {
			message := ""
			if s.Message != nil {
				message = *s.Message
			}
			return true, c.cloudError(coded{parts[2], message}, 0)
		}
	}
	return true, &world.CloudError{
		Class: world.ClassTransient, Code: "ProvisioningFailed",
		Message: "The scale set's last operation failed, and Azure does not say why: the activity log of " + set + " in the portal does.",
	}
}

func unknownOperation() *world.CloudError {
	return &world.CloudError{
		Class: world.ClassTransient, Code: noOperation,
		Message: "Azure knows no such operation any more: list the instances and scale again.",
	}
}

func canceled() *world.CloudError {
	return &world.CloudError{
		Class: world.ClassBusy, Code: "OperationCanceled",
		Message: "Another operation on the scale set took this one's place.",
	}
}

func unexpected(what string) *world.CloudError {
	return &world.CloudError{
		Class: world.ClassTransient, Code: "UnexpectedAnswer",
		Message: "Azure answered with " + what + ".",
	}
}

// call does without armcompute what path below Azure Resource Manager names, and
// reads the answer, whatever its status.
func (c *Compute) call(ctx context.Context, method, path string) (int, []byte, error) {
	azure, err := c.azure()
	if err != nil {
		return 0, nil, err
	}
	req, err := runtime.NewRequest(ctx, method, c.o.URL+path)
	if err != nil {
		return 0, nil, err
	}
	req.Raw().Header.Set("Accept", "application/json")
	resp, err := azure.raw.Pipeline().Do(req) //nolint:bodyclose // azcore has read and closed it
	if err != nil {
		return 0, nil, err
	}
	body, err := runtime.Payload(resp)
	if err != nil {
		return 0, nil, err
	}
	return resp.StatusCode, body, nil
}
