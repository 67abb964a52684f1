// Package simhost is a stand-in for the Azure Functions host v4 that runs a
// custom handler on a Consumption plan: it reads an app's real host.json and
// function.json files, starts the real handler, and calls it as the host does,
// with real storage queues between.
//
//	caller ──HTTP──► Host ──POST /<function>──► handler (a process)
//	                  ▲ │ ◄──Outputs, Logs─────
//	   queue trigger  │ │ queue output
//	                  │ ▼
//	              storage queues (Azurite)
//
// The parts: app reads the folder, worker keeps the handler's process, envelope
// writes invocations and reads answers, queues is the queue trigger, ncrontab
// reads timers' schedules. This package joins them: a Host has one handler for
// all functions or, as on Flex Consumption, one for all HTTP functions together
// and one for each other function.
//
// What it does is what the sources of the host do, as far as they were read
// (azure-functions-host v4.1037, Storage Queues extension 5.3): the traps are
// here, too. A 2xx without a body hangs until functionTimeout and takes the
// handler with it; a text/plain answer fails; a handler that leaves with 0 is
// not started again; one call that is out of time ends its neighbours; queue
// text comes doubly encoded; an idle queue is looked at once a minute.
//
// An invocation goes through phases, which Options.Observe is told of:
//
//	received ─► invoked ─► answered ─► bound ─► deleted   (queue)
//	                                       └──► replied   (HTTP)
//	any failure: released or poisoned (queue), replied with 500 (HTTP)
//
// There are four ends. Close stops in order: nothing new, at most 10 s for queue
// and timer functions under way, SIGKILL to the handler. Crash is the instance
// that vanishes: messages stay leased. KillHandler is a crash of the handler:
// its invocations fail at once, their messages are released, and it is started
// again. And the host stops by itself, as Err tells, when the handler failed three
// times within 30 minutes, or when the storage refuses it (403): the platform would
// start another one.
//
// It is not modelled: keys (only authLevel anonymous), $return, proxying instead of
// forwarding, the health pings after the first, the scale controller, the platform's
// own limits for HTTP replies (230 s), the drain call before a stop, and storage
// reached by a managed identity. A timer's status that the storage does not take is
// logged, and no more.
package simhost
