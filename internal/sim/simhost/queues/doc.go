// Package queues is the queue trigger of the Azure Functions host: a Listener
// polls a storage queue, leases batches of messages, has a function called for
// each, and deletes, releases or poisons them.
//
//	          ┌──────────── empty: wait, ever longer ◄── Wake
//	          ▼                                            (an output binding)
//	       polling ──messages──► running ≤ threshold? ──► polling
//
//	message:  received ─ count > max, or no base64 ───────────────► poisoned
//	             │
//	             ▼
//	          invoked ─ success ──────────────────────────────────► deleted
//	             │ └─── failure, count ≥ max ─────────────────────► poisoned
//	             │ └─── failure ──────────────────────────────────► released
//	             └───── the host is gone: the lease of 10 min stays
//
// The numbers are those of Microsoft.Azure.WebJobs.Extensions.Storage.Queues v5
// (QueueListener.cs, QueueProcessor.cs, RandomizedExponentialBackoffStrategy.cs).
package queues
