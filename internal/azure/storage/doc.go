// Package storage keeps a deployment's queues, rows and archive in a storage
// account of Azure: it implements world.Queue, world.Store and world.Archive.
//
//	queue   events, orders-<world>    messages, their bodies as base64
//	queue   events-poison             what the Functions host sets aside; it makes the queue
//	table   worlds                    a row per world: partition = guild, row = world
//	table   archive                   events that could not be handled, under their names
//
// Nothing but Provision makes a queue or table: an adapter that finds none says
// which one is missing.
//
// Invariants:
//
//   - A row is inserted, or replaced under the ETag that was read; there is no
//     upsert, no merge and no "*".
//   - The state document is the truth. The columns beside it are for people, and
//     are written with it; a row in which they disagree was edited by hand, and
//     is an error until somebody has looked at it.
//   - A message changes hands only with its receipt.
//   - What package account says of repeated attempts holds here: a message may
//     be enqueued twice, one that was received may stay hidden unseen until its
//     visibility timeout, ErrConflict and ErrStaleReceipt may tell of one's own
//     success. Only Archive.Keep finds out by itself, for its answer decides
//     whether something is told.
package storage
