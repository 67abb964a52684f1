// Package functionapp runs the bot as Azure does: the package that would be
// deployed, unpacked, under the Functions host's stand-in, with Azurite as its
// storage account and the pretend cloud behind Azure Resource Manager's API.
//
//	interaction ──► simhost ──► hearth-bot (a process of its own) ──► Discord's API
//	                 │   ▲          │            │
//	          output │   │ trigger  │ SDKs       │ SDK, TLS
//	                 ▼   │          ▼            ▼
//	                Azurite: queues, table    simcloud/wire ──► simcloud
//
// The bot knows nothing of it: everything it is told stands in its settings,
// and its clock is the system's. So nothing here can run faster than life.
package functionapp
