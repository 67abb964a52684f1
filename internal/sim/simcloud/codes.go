package simcloud

import (
	"fmt"
	"strings"

	"hearth/internal/world"
)

// The real cloud's codes.
const (
	codeNoSku       = "SkuNotAvailable"
	codeAllocation  = "AllocationFailed"
	codeZonal       = "ZonalAllocationFailed"
	codeOver        = "OverconstrainedAllocationRequest"
	codeOverZonal   = "OverconstrainedZonalAllocationRequest"
	codeQuota       = "OperationNotAllowed"
	codePrice       = "SpotPriceGreaterThanProvidedMaxPrice"
	codeLinkedAuth  = "LinkedAuthorizationFailed"
	codeAuth        = "AuthorizationFailed"
	codeInvalid     = "InvalidParameter"
	codeNotFound    = "ResourceNotFound"
	codeConflict    = "Conflict"
	codeInternal    = "InternalServerError"
	codeThrottled   = "TooManyRequests"
	codeUnavailable = "ServiceUnavailable"
	// codeNoOperation is ours: the real one is a bare 404.
	codeNoOperation = "OperationNotFound"
)

// classOf says what a code asks for; false for one that is not known here.
func classOf(code string) (world.CloudClass, bool) {
	switch code {
	case codeNoSku, codeAllocation, codeZonal, codeOver, codeOverZonal:
		return world.ClassCapacity, true
	case codeQuota:
		return world.ClassQuota, true
	case codePrice, codeLinkedAuth, codeAuth, codeInvalid, codeNotFound:
		return world.ClassConfig, true
	case codeConflict:
		return world.ClassBusy, true
	case codeInternal, codeThrottled, codeUnavailable, codeNoOperation:
		return world.ClassTransient, true
	}
	return "", false
}

// failCodes are what FailNext takes.
func failCodes() []string {
	return []string{
		codeNoSku, codeAllocation, codeZonal, codeOver, codeOverZonal, codeQuota, codePrice,
		codeLinkedAuth, codeAuth, codeInvalid, codeConflict, codeInternal, codeThrottled, codeUnavailable,
	}
}

func cloudError(code, message string) *world.CloudError {
	class, _ := classOf(code)
	return &world.CloudError{Class: class, Code: code, Message: message}
}

func noSuchSet(id string) *world.CloudError {
	return cloudError(codeNotFound, fmt.Sprintf("The Resource 'Microsoft.Compute/virtualMachineScaleSets/%s' was not found: name one that exists, or create it.", id))
}

// failed is how a Scale or Poll of this set tells a code, in the cloud's words.
func (s *scaleSet) failed(code string) *world.CloudError {
	where := ""
	if s.Region != "" {
		where = " in " + s.Region
	}
	var say string
	switch code {
	case codeNoSku:
		say = fmt.Sprintf("The requested size for resource '%s' is currently not available%s. Please try another size or deploy to a different location or different zone.", s.ID, where)
	case codeAllocation, codeZonal, codeOver, codeOverZonal:
		say = fmt.Sprintf("Allocation failed. We do not have sufficient capacity for the requested VM size %s%s.", s.Size, where)
	case codeQuota:
		say = fmt.Sprintf("Operation could not be completed as it results in exceeding approved LowPriorityCores quota%s. Current Limit: 0, Additional Required: 2.", where)
	case codePrice:
		say = "The provided max price is lower than the current spot price for the VM size."
	case codeLinkedAuth, codeAuth:
		say = fmt.Sprintf("The client does not have authorization to perform action 'Microsoft.Compute/virtualMachineScaleSets/write' on %s or a resource it links to.", s.ID)
	case codeConflict:
		say = fmt.Sprintf("409: another operation on %s is in progress; look again when it has ended.", s.ID)
	default:
		say = fmt.Sprintf("The operation on %s failed: %s.", s.ID, strings.ToLower(code))
	}
	return cloudError(code, say)
}
