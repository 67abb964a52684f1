// Package worker keeps a custom handler's process going by the rules of the
// Azure Functions host v4 (HttpFunctionInvocationDispatcher.cs,
// WorkerProcess.cs).
//
//	   ┌───────────── again, at once ◄──────────────────────────┐
//	   ▼                                                        │
//	starting ──GET / answered──► ready ── exit 200, or Restart ─┤ not counted
//	   │                           │ └─── exit 0 ──► lame       │ (Restart only)
//	   │ exit ≠ 0, or not ready    │ exit ≠ 0                   │
//	   │ in time                   ▼                            │
//	   └──────────────────────► error ── 1st and 2nd ───────────┘
//	                               └──── 3rd ──► given up
//
// Errors more than 30 minutes apart begin a new count. A handler that left with 0
// once it was ready is lame: nobody starts it again, and calls find nothing that
// listens.
package worker
