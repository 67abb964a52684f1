// Package share keeps snapshots of the Azure Files share that a world lies on: the
// whole share as it was at one moment, read-only, of which Azure stores what has
// changed since.
//
// It speaks the service's REST interface under the account's key: Snapshot Share,
// List Shares, and Delete Share with the snapshot's time. What is kept, and for how
// long, is decided by Due and Surplus; what each snapshot is for stands in its
// metadata. One that has not Hearth's metadata is somebody else's and is never
// touched.
//
// A Delete Share without a snapshot's time deletes the world. So no such request
// leaves this package: a policy in front of the connection refuses it, whatever
// the code behind asks for.
//
// How long a call may take, and what is tried again, azure/account says. A snapshot
// whose reply was lost may have been taken: then there are two, seconds apart, and
// the older one goes with the rest.
package share
