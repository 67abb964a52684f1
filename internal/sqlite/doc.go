// Package sqlite keeps a local deployment's queues, rows, leases and archive in
// one file: it implements world.Queue, world.Store, world.Lease and
// world.Archive.
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
//     queues, leases and archive is moved back by as much, so that nothing waits
//     longer than it had left to wait. Times inside a state document are the
//     core's and stay.
//   - A message changes hands only with its receipt, a row only with its
//     ETag, a lease only with its id: the condition stands in the statement
//     that writes.
//   - A message is in exactly one queue; moving it to the poison queue is
//     part of the transaction that finds it spent.
//   - One owner a file: the process that opened it. The lock beside it, <file>.lock, is held from Open
//     to Close and dropped by the operating system when the process dies; the
//     lock file itself stays, for removing it would let two processes lock
//     two files of one name.
//   - All access of a process goes over one connection, so its transactions
//     never wait for one another inside SQLite. Those of an owner and of who
//     joined do, for at most five seconds, and are immediate: what one reads in
//     it nobody changes before it has written.
//
// # Joining
//
// Join lets another process on the same machine take part, such as an agent
// beside a bot that owns the file. The owner makes the file, changes its schema,
// moves its times and takes messages back in; a joiner does none of that.
//
//   - Time goes forward across processes. A joiner's clock that stands before
//     the latest time in the file is taken to stand there. It may not run ahead
//     of the owner's: what a joiner sends is visible to the owner once the
//     owner's clock is there.
//   - A clock that is set back under both is noticed by the owner alone. Until
//     it is where it was, or the owner opens the file anew, it hears a joiner's
//     messages late by as much. No lease gets a second holder among joiners;
//     the owner must not take part in a lease that they use.
//   - An owner that opens the file anew while somebody is joined may move its
//     times back. Joiners notice at their next call, and follow. What they had
//     received is visible again, as after any owner's death, and their receipts
//     hold until somebody else received it.
//   - A joiner of a file that was moved away, or whose schema was changed, gets
//     an error from every call that writes, until it joins again.
//   - Joiners need no living owner. What they send waits for the next one.
//
// Failures: a write is on the disk when the call returns (WAL with
// synchronous=FULL), so kill -9 and a power cut lose nothing that was
// acknowledged. An error other than the ports' sentinels leaves open whether
// the write happened. A file that is damaged, is no database, belongs to
// another program or was written by a newer Hearth is refused by Open before
// anything is written to it.
package sqlite
