package compute

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"unicode"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"

	"hearth/internal/azure/identity"
	"hearth/internal/world"
)

// maxMessage bounds a message in characters: the keeper is shown 400.
const maxMessage = 400

// maxNested is how deep errors are looked into.
const maxNested = 8

// fault is what a failed call means.
func (c *Compute) fault(err error) *world.CloudError {
	var (
		ce   *world.CloudError
		wait *waitError
		re   *azcore.ResponseError
		id   *identity.Error
		ue   *url.Error
		ne   net.Error
	)
	switch {
	case errors.As(err, &ce):
		return ce
	case errors.As(err, &wait):
		return &world.CloudError{Class: world.ClassBusy, Code: "TooManyRequests", Message: wait.Error() + "."}
	case errors.As(err, &re) && re.RawResponse != nil:
		body, err := runtime.Payload(re.RawResponse)
		if err != nil {
			body = nil
		}
		e := innermost(body)
		if e.code == "" {
			e.code = re.ErrorCode // from x-ms-error-code
		}
		return c.cloudError(e, re.StatusCode)
	case errors.As(err, &id) && !errors.Is(err, context.Canceled):
		return identityFault(id)
	case errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) || errors.As(err, &ne) && ne.Timeout():
		return &world.CloudError{Class: world.ClassTransient, Code: "Timeout", Message: fmt.Sprintf("Azure Resource Manager at %s did not answer in time.", c.host)}
	case errors.As(err, &ue):
		return &world.CloudError{Class: world.ClassTransient, Code: "Unreachable", Message: oneLine(fmt.Sprintf("Azure Resource Manager at %s can't be reached: %v.", c.host, ue.Err))}
	}
	return &world.CloudError{Class: world.ClassTransient, Code: "UnexpectedAnswer", Message: oneLine("Azure's answer can't be used: " + err.Error())}
}

// identityFault: there was no token to call with.
func identityFault(err *identity.Error) *world.CloudError {
	if err.Settled() {
		status := ""
		if err.Status != 0 {
			status = fmt.Sprintf(" (status %d)", err.Status)
		}
		return &world.CloudError{
			Class: world.ClassConfig, Code: "ManagedIdentity",
			Message: fmt.Sprintf("The function app's managed identity gives no token%s: switch the identity on in the portal, or name the right client id.", status),
		}
	}
	return &world.CloudError{Class: world.ClassTransient, Code: "ManagedIdentity", Message: "The managed identity's token service does not answer."}
}

// refused is what an answer other than 2xx means.
func (c *Compute) refused(status int, body []byte) *world.CloudError {
	return c.cloudError(innermost(body), status)
}

// failed is what a failed operation's document means.
func (c *Compute) failed(body []byte) *world.CloudError {
	return c.cloudError(innermost(body), 0)
}

// coded is an error of Azure's.
type coded struct{ code, message string }

// innermost finds the error that tells what to do. Azure wraps it: in error,
// in details, in innererror, and in messages that are JSON documents
// themselves. It is the deepest with a code that is known here, or else the
// deepest with a code.
func innermost(body []byte) coded {
	all := unwrap(body, 0)
	for _, e := range all {
		if _, known := classOf(e); known {
			return e
		}
	}
	if len(all) > 0 {
		return all[0]
	}
	return coded{}
}

// unwrap lists the errors of a document, the deepest first.
func unwrap(raw []byte, depth int) []coded {
	if depth > maxNested {
		return nil
	}
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) == nil {
		var out []coded
		for _, e := range list {
			out = append(out, unwrap(e, depth+1)...)
		}
		return out
	}
	var doc struct {
		Error      json.RawMessage `json:"error"`
		Details    json.RawMessage `json:"details"`
		InnerError json.RawMessage `json:"innererror"`
		Code       any             `json:"code"`
		Message    any             `json:"message"`
	}
	if json.Unmarshal(raw, &doc) != nil {
		return nil
	}
	var out []coded
	for _, inner := range [][]byte{doc.Error, doc.Details, doc.InnerError} {
		if len(inner) > 0 {
			out = append(out, unwrap(inner, depth+1)...)
		}
	}
	message, _ := doc.Message.(string)
	if strings.HasPrefix(strings.TrimSpace(message), "{") {
		out = append(out, unwrap([]byte(message), depth+1)...)
	}
	if code, _ := doc.Code.(string); code != "" {
		out = append(out, coded{code, message})
	}
	return out
}

// classOf says what an error asks for; false for one that is not known here.
// The codes are those that Azure's users met ("Troubleshoot common Azure
// deployment errors", "Allocation failures", karpenter-azure's handlers).
func classOf(e coded) (world.CloudClass, bool) {
	code, message := strings.ToLower(e.code), strings.ToLower(e.message)
	ends := func(suffixes ...string) bool {
		for _, s := range suffixes {
			if strings.HasSuffix(code, s) {
				return true
			}
		}
		return false
	}
	underWay := strings.Contains(message, "in progress") || strings.Contains(message, "concurrent")
	switch {
	case code == "toomanyrequests", strings.Contains(message, "too many requests"):
		// Compute's own throttling is an OperationNotAllowed.
		return world.ClassTransient, true
	case code == "skunotavailable" || ends("allocationfailed") || strings.HasPrefix(code, "overconstrained"):
		return world.ClassCapacity, true
	case code == "operationnotallowed" && (message == "" || strings.Contains(message, "quota")), ends("quotaexceeded", "limitreached"):
		return world.ClassQuota, true
	case code == "conflict", ends("inprogress"), strings.HasPrefix(code, "operationpreempted"), code == "operationnotallowed" && underWay:
		return world.ClassBusy, true
	case code == "nicinuse", code == "nicreservedforanothervm", code == "publicipaddresscannotbedeleted", code == "operationnotallowed" && strings.Contains(message, "attached to"):
		return world.ClassBusy, true // a machine has taken it meanwhile
	case ends("notfound") && strings.Contains(message, "microsoft.compute/virtualmachines/"):
		return world.ClassTransient, true // the machine went while the operation ran
	case ends("authorizationfailed", "notfound", "notallowed", "notsupported", "disallowedbypolicy", "scopelocked", "disabledsubscription", "subscriptionregistration", "subscriptionnotregistered"),
		strings.HasPrefix(code, "invalid"), code == "spotpricegreaterthanprovidedmaxprice", code == "authenticationfailed", code == "badrequest",
		code == "noregisteredproviderfound":
		return world.ClassConfig, true
	case ends("internalservererror", "internalerror", "internaloperationerror", "internalexecutionerror", "unavailable", "throttled", "timedout", "timeout", "retryableerror"),
		code == "expiredauthenticationtoken":
		return world.ClassTransient, true
	}
	return "", false
}

// cloudError is the error for the core and the keeper. status is 0 if it was
// told by an operation.
func (c *Compute) cloudError(e coded, status int) *world.CloudError {
	class, known := classOf(e)
	switch {
	case status == http.StatusTooManyRequests:
		class = world.ClassTransient
	case known:
	case status == http.StatusConflict && e.code == "":
		class = world.ClassBusy
	case status == http.StatusBadRequest, status == http.StatusUnauthorized, status == http.StatusForbidden,
		status == http.StatusNotFound, status == http.StatusMethodNotAllowed, status == http.StatusUnprocessableEntity:
		class = world.ClassConfig
	default:
		class = world.ClassTransient
	}
	out := &world.CloudError{Class: class, Code: oneLine(e.code), Message: e.message}
	if out.Code == "" {
		out.Code = strings.ReplaceAll(http.StatusText(status), " ", "")
	}
	if out.Code == "" {
		out.Code = "OperationFailed"
	}
	if out.Message == "" && status != 0 {
		out.Message = fmt.Sprintf("Azure answered %d %s.", status, http.StatusText(status))
	}
	if out.Message == "" {
		out.Message = "Azure does not say why."
	}
	out.Message = oneLine(c.advice(out) + out.Message)
	return out
}

// advice is what the keeper does about an error, before Azure's own words.
func (c *Compute) advice(e *world.CloudError) string {
	switch strings.ToLower(e.Code) {
	case "authorizationfailed":
		return fmt.Sprintf("The bot's identity may not do this: give it its role on the resource group %s. ", c.o.ResourceGroup)
	case "linkedauthorizationfailed":
		return "The bot's identity may not use something that the scale set links to, such as its subnet, security group or identity: give it the right to join or assign it. "
	case "resourcenotfound":
		return fmt.Sprintf("It is not in the resource group %s: compare the placement's name with the portal. ", c.o.ResourceGroup)
	case "resourcegroupnotfound", "subscriptionnotfound", "invalidsubscriptionid":
		return "Compare the bot's subscription and resource group with the portal. "
	case "readonlydisabledsubscription":
		return "The subscription is disabled, as when its credit is used up: reactivate it in the portal under Subscriptions. "
	case "spotpricegreaterthanprovidedmaxprice":
		return "The scale set's maximum price is below today's: set it to -1 (up to the pay-as-you-go price). "
	case "scopelocked":
		return "A lock forbids it: remove it in the portal under Locks. "
	case "missingsubscriptionregistration", "subscriptionnotregistered":
		return "Register the provider Microsoft.Compute in the subscription. "
	case "requestdisallowedbypolicy":
		return "A policy of the subscription forbids it. "
	}
	if e.Class == world.ClassQuota {
		return quotaName(e.Message)
	}
	return ""
}

// quotaName tells which quota, if the message does: "exceeding approved
// LowPriorityCores quota", "exceeding approved standardDADSv5Family Cores
// quota".
func quotaName(message string) string {
	m := regexp.MustCompile(`(?i)exceeding approved (?:total )?([\p{L}\p{N} _-]{1,60}?) quota`).FindStringSubmatch(message)
	if m == nil {
		return ""
	}
	return fmt.Sprintf("The quota is called %s. ", m[1])
}

// oneLine makes a text of Azure's one line of at most maxMessage characters.
func oneLine(s string) string {
	s = strings.Join(strings.FieldsFunc(strings.ToValidUTF8(s, ""), func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r)
	}), " ")
	if r := []rune(s); len(r) > maxMessage {
		s = string(r[:maxMessage-1]) + "…"
	}
	return s
}
