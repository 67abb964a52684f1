// Package compute turns machines on and off through Azure Resource Manager: it
// is world.Compute, world.Estate and world.Console on Flexible-orchestration scale
// sets, with Microsoft's armcompute.
//
// # An operation
//
// Scale is one PATCH of sku.capacity, and of sku.name if the placement names a
// size and wants a machine. Azure answers at once and works on for minutes:
//
//	Scale ──PATCH──▶ accepted ──▶ in progress ──▶ succeeded
//	                    │             ▲   │
//	                  token ───Poll───┘   └──────▶ failed, with a nested error
//
// Whatever Azure answers with a status of 2xx was accepted. The token names the
// set and, where Azure told it, the operation, as a path below the
// subscription: never a host. What comes from a row can so lead nowhere else,
// and a row stays small. Azure's own addresses of operations carry a
// certificate and a signature of some 3 KB (t, c, s and h in the query); they
// are left out, as Microsoft's own instructions do ("How to run run-read
// commands", Azure Operator Nexus). Should an address not be answered without
// them, or none have been told, the set's provisioningState tells how the
// operation stands.
//
// Poll looks once. It does not read the set again after a success, as the SDK's
// poller does: the list of instances is the truth, and the caller reads it.
//
// # The estate
//
// Survey lists the resource group, five types of resources with one list each,
// and Remove deletes what has no machine, having looked at it again. What has a
// machine, Azure marks at the thing itself: an interface's virtualMachine, an
// address's ipConfiguration, a disk's managedBy and diskState. The marks of a
// machine that is made or deleted come late and go early, so nothing counts as
// left over in a region where a scale set is changing.
//
// # A console
//
// ReadConsole asks Resource Manager where a machine's boot diagnostics are and reads
// the blob there, in at most two ranges. The address carries its own right to read, is
// believed only if it leads into Azure's storage, and stands in no error and no log.
//
// # The pace
//
// A process makes no more calls than its share of what Azure Resource Manager
// grants (bucket.go). A call waits for its turn for some seconds; one that would
// have to wait longer is answered busy at once, and not made.
//
// # What fails, and how
//
//   - Nothing is tried twice. The next look, an event, is the retry.
//   - Azure wraps errors; what an error asks for stands in the innermost one,
//     which azcore does not show. See fault.go.
//   - A 429 or 5xx with Retry-After closes the gate: until then no call leaves
//     this Compute, and its methods answer busy. After it one call goes first, and
//     the others are busy until it is answered: so there is one call for each
//     Retry-After, however many callers there are. What was under way when Azure
//     first said so can't be taken back. Another process learns of it by its own
//     call.
//   - A list that leads to another host is broken off: a token goes to Azure
//     Resource Manager alone.
//   - A reply that was lost leaves an operation that nobody has a token of. Scale
//     says transient; scaling again is refused as busy until it has ended, and is
//     then an operation with nothing to do.
//   - An operation that Azure has forgotten (404) has ended.
package compute
