// Package sqlite keeps a local deployment's queues, rows and leases in one
// file: it implements world.Queue, world.Store and world.Lease.
//
// A message's life:
//
//	        Send                  Receive                 Delete
//	(none) ------> hidden/visible -------> hidden, receipt ------> (none)
//	                    ^                      |
//	                    +---- visibility ran out, Return, or Open
//	                    |     after its receiver's process ended
//	                    |
//	                    | received five times, and visible again
//	                    +--> the poison queue, in the Receive that met it
//
// A lease's life: free -> held (Acquire, epoch + 1) -> free (Release, or
// unrenewed for world.LeaseDuration). Its row is never removed, so its epoch
// never falls.
//
// Invariants:
//
//   - Every time in the file comes from the world.Clock that Open was given;
//     the system's clock is not read. The file remembers the latest time it
//     saw. If the clock stands before it when the file is opened (a fast
//     clock of an earlier run, a clock that was set back), every time in the
//     queues and leases is moved back by as much, so that nothing waits
//     longer than it had left to wait. Times inside a state document are the
//     core's and stay.
//   - A message changes hands only with its receipt, a row only with its
//     ETag, a lease only with its id: the condition stands in the statement
//     that writes.
//   - A message is in exactly one queue; moving it to the poison queue is
//     part of the transaction that finds it spent.
//   - One process a file. The lock beside it, <file>.lock, is held from Open
//     to Close and dropped by the operating system when the process dies; the
//     lock file itself stays, for removing it would let two processes lock
//     two files of one name.
//   - All access goes over one connection, so transactions never wait for
//     one another inside SQLite.
//
// Failures: a write is on the disk when the call returns (WAL with
// synchronous=FULL), so kill -9 and a power cut lose nothing that was
// acknowledged. An error other than the ports' sentinels leaves open whether
// the write happened. A file that is damaged, is no database, belongs to
// another program or was written by a newer Hearth is refused by Open before
// anything is written to it.
package sqlite
