// Package simcloud is the pretend cloud: scale sets of zero or one machine,
// long operations, scheduled events, and the ways in which the real one
// fails, on request. It implements world.Compute, world.Estate and
// world.Console, and world.Metadata for each machine; on a machine that has booted it runs Options.Boot, an agent in this
// process.
//
// It knows the time only from its world.Clock and opens no socket, so that it
// runs in a testing/synctest bubble, and twenty times as fast in local mode.
//
// # A machine's life
//
//	Scale to 1      create done      boot done
//	   │                │                │
//	   ▼                ▼                ▼
//	creating ───────▶ booting ───────▶ running ──┐
//	   │                │                │       │ Freeze: still listed, but
//	   │                │                │       ▼ nothing runs on it
//	   │                │                │     frozen
//	   │                │                │       │
//	   │                └──── Scale to 0 ┴───────┤
//	   │                                         ▼
//	   └── Preempt, Vanish (from anywhere) ──▶ gone ◀── deleting
//
// A machine is in Instances in each of these states but gone, with an address
// from booting on. Preempt and Announce give notice in its metadata. A Terminate
// ends like an eviction; a Reboot or Redeploy leads from running or frozen back
// to booting, with the same name and address; a Freeze that was announced holds
// it for some seconds, in which it counts as running.
//
// # What holds always
//
//   - A set has at most one machine and at most one operation under way. A
//     Scale meanwhile is refused as busy (409) and changes nothing.
//   - An operation belongs to the cloud: nothing that happens to its caller
//     ends it. Its token is good as long as the operation is among the set's
//     last 32, in another process too if there is a File.
//   - A machine is creating or deleting only while an operation is under way.
//   - Boot's context is cancelled before the machine is seen deleting or gone.
//   - Two machines never have the same name; those there are at one time never
//     have the same address.
//
// # How it fails
//
// Capacity is what was asked for, never what is there. Only an operation
// changes it: a machine that was evicted or vanished leaves capacity 1 with no
// machine, and so does a scale-up that failed half-way. Scaling to 1 then
// succeeds and creates nothing; the set must go to 0 and to 1 again. Whether
// the real cloud lowers capacity after an eviction with the Delete policy is
// not known, so this one is the harder of the two. A scale-down that failed
// leaves capacity and machine as they were.
//
// A lack of capacity that the cloud knows of beforehand (NoCapacity) is refused
// synchronously with SkuNotAvailable, as azurerm#28549 saw it; AllocationFailed
// and its kin come from Poll. The codes are the innermost ones: the real answer
// wraps them in a ResourceOperationFailure.
//
// A create that succeeded promises no machine: if it was evicted or vanished
// meanwhile, the operation is done all the same and the list is empty.
//
// A boot that fails (FailBoots) leaves a machine that runs, is paid for, and on
// which nothing of ours ever does; its console says where the boot gave up.
//
// What is billed beside machines goes with them: a network interface, an address
// and a disk. Leave, and LeaveBehind for machines that are lost, leave some in the
// group.
//
// # The file
//
// With Options.File everything is kept in one JSON file, replaced atomically
// and synced with every change, before a Scale is accepted. No time passes in
// the cloud while nobody has the file open: what was to happen in ten seconds
// happens ten seconds after New. Machines that ran boot again, as after a power
// cut. One process at a time may have the file open; nothing guards this.
package simcloud
