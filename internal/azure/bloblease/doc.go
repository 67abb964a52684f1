// Package bloblease keeps the worlds' leases as blob leases of a storage
// account of Azure: it implements world.Lease.
//
// Each world has a container of its own, lease-<world>, for a machine's identity
// may touch its own world's alone, and roles are given on containers. The blob
// "lease" in it has no content. Its lease is the world's, finite, of
// world.LeaseDuration; its metadata say
//
//	epoch    the number of the boot that took the lease last; 0: nobody yet
//	holder   that boot's lease id
//
// A lease's life, as the service keeps it ("Lease Blob"):
//
//	         Acquire: take it, read the epoch, write epoch + 1
//	free  ----------------------------------------------------> held
//	  ^                                                           |
//	  +----- Release, or unrenewed for world.LeaseDuration -------+
//
// Invariants:
//
//   - The epoch is read and written under the lease, whose id the service checks
//     with each call. Writing it twice writes the same; a late repeat of an older
//     holder's is refused.
//   - The lease's id is chosen before it is asked for. Asking again with the
//     same id is no second Acquire, so a lost reply does no harm.
//   - An Acquire that fails gives back what it may have taken, within 2 s even if
//     its context has ended, and may have raised the epoch: numbers can be left out,
//     none is given twice.
//   - The service counts the 60 s by its own clock. A lease that expired untouched
//     can still be renewed; then it is held.
//   - The blob is never deleted: without it the next boot would be number 1 again,
//     and the row would not listen to it.
package bloblease
