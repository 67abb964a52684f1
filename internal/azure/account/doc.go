// Package account says how a storage account of Azure is reached: where its
// services are, who asks, and how long one call may take. It is what the
// adapters in azure/storage, azure/bloblease and azure/share share, and makes no
// call itself.
//
// Either a connection string with an account key leads to the account, or its
// name and a managed identity. A shared access signature is refused: it
// expires, and nobody would renew it.
//
// Of each call:
//
//   - At most Attempts attempts are made, each at most Options.Attempt long. A
//     reply of 408, 429, 500, 502, 503 or 504 and a broken connection are tried
//     again, after about 0.2 and 0.6 s, or after what Retry-After asks for.
//   - If Retry-After asks for more than a second the call ends with that reply:
//     whoever called has a queue to come back from.
//   - It ends with its context and, if that has no earlier deadline, after
//     Total.
//   - An attempt that is repeated may have been carried out already, its reply
//     lost. So an error of a write, be it a conflict, leaves open whether it is
//     one's own write that stands in the way (azure-storage-java#35).
package account
