// Package compute turns machines on and off through Azure Resource Manager: it
// is world.Compute on Flexible-orchestration scale sets, with Microsoft's
// armcompute.
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
// # What fails, and how
//
//   - Nothing is tried twice. The next look, an event, is the retry.
//   - Azure wraps errors; what an error asks for stands in the innermost one,
//     which azcore does not show. See fault.go.
//   - A 429 or 5xx with Retry-After closes the gate: until then no call leaves
//     this Compute, and its methods answer busy. Another process learns of it by
//     its own call.
//   - A reply that was lost leaves an operation that nobody has a token of. Scale
//     says transient; scaling again is refused as busy until it has ended, and is
//     then an operation with nothing to do.
//   - An operation that Azure has forgotten (404) has ended.
package compute
