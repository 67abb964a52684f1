// Package agent is Hearth beside the game: it watches, reports, obeys and
// saves. One Agent lives for one boot of one machine and speaks for one world.
//
// # States
//
//	acquiring ──lease held──▶ starting ──process exists──▶ loading
//	    │                        │  ▲                        │
//	    │                        │  └────── first crash ─────┤
//	    │                        │                           │ stayed up
//	    │ notice, or asked       │ stop                      │ ListeningFor
//	    │ to end                 ▼                           ▼
//	    │                     stopping ◀──────stop────── listening
//	    ▼                        │                           │
//	  down ◀──── SaveProven ─────┘                           │
//	    ▲──────────────── second crash in ten minutes ───────┘
//
// A stop is asked for by an order, a notice of the cloud, a lease that can't
// be renewed, or the end of Run's context. There is one at most: whoever asks
// second gets the first one's answer or is told that the agent is busy. From
// down nothing starts again; the next boot is another Agent. A crash while
// loading is a crash like one while listening.
//
// # Who does what
//
// One goroutine (boot.loop) owns everything that changes. It never waits for
// anything but its select. The others only feed it channels or carry out one
// call each:
//
//	notices, orders, machine, lease keeper ─┐
//	the game's lines, its end, its start ───┼─▶ loop ─▶ outbox ─▶ events queue
//	timers of the Clock ────────────────────┘     └──▶ errands: stop, kill,
//	                                                    sync, acknowledge, delete
//
// # Invariants
//
//   - No game starts before the lease is held, and none survives it: not
//     renewed for 25 s the world is saved and the game stopped, at 55 s it is
//     killed, and it is killed at once when another took the lease.
//   - HostUp is the first event of a boot. Seq has no holes unless the outbox
//     overflowed. Events are sent in their order, one at a time.
//   - A save is confirmed only if it started after the request in the log's
//     order, the process ended by itself and the files were synced; or if no
//     game of this boot ever let anybody in, so that there is nothing to save.
//   - The lease is given back only when the process is gone and its files are
//     synced.
//   - A slow or absent queue, lease or metadata service never delays the
//     reading of the log, nor a stop.
//   - No account id of a player leaves the machine, not even inside a log
//     line.
//
// # Failures
//
// Events wait in the outbox while their queue is away, at most outbox.Limit of
// them; beyond that the oldest is dropped, which is logged with the count. What
// the process knew dies with it: the next boot has a higher epoch, so orders of
// the dead one are refused as stale and its half-done stop is not continued.
//
// A machine that vanished (ErrPowerOff) sends nothing more.
//
// # A save without a stop
//
// The vanilla server has no console and no signal that saves and goes on. So a
// save or snapshot order can't be carried out at once: the agent waits for the
// game's next autosave, and the Saved event of the first one that starts after
// the order is its confirmation. If none comes there is no answer. A snapshot
// is the same: what keeps copies of saves is the storage the files lie on.
package agent
