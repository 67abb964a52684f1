// Package wire speaks Azure's protocols for the pretend cloud. It is thin: what is
// true stands in simcloud.
//
// New is the Instance Metadata Service and Scheduled Events of one machine, as
// Microsoft's "Azure Instance Metadata Service" and "Scheduled Events for Linux
// VMs" describe them. All machines of a cloud count as one placement group, whose
// events each of them gets to see and may start. It also gives out the tokens of
// the machine's identities, which a Tenant makes and a Vault demands before it
// gives a secret away.
//
// ServeARM is Azure Resource Manager over TLS, as far as Hearth uses it: scale
// sets in Flexible orchestration (PATCH of sku, GET, instance view), operations,
// virtual machines, network interfaces and public addresses; beside it the
// identity endpoint of an App Service, which gives out the tokens that it demands.
// The forms are those of Microsoft's "Track asynchronous Azure operations", of the
// examples of the REST reference, and of what Azure's users met: an operation's
// error is wrapped in a ResourceOperationFailure (jenkins-infra#3584), its address
// carries a certificate and a signature of 3 KB. What is asked in a form that
// Azure would refuse is refused, as is everything that Hearth does not ask for. A
// list by a set that is not there is empty: what Azure does is not documented, and
// this is the harder of the two.
package wire
