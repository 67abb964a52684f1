// Package agent is Hearth beside the game: it watches, reports, obeys and
// saves. An Agent is one process; a boot of one machine, numbered by its lease's
// epoch, can go through several of them. It speaks for one world.
//
// # States
//
//	acquiring ──lease held──▶ checking ──fit,──▶ starting ──process exists──▶ loading
//	    │                        │       heard    │  ▲                        │
//	    │                        │ unfit          │  └────── first crash ─────┤
//	    │ notice, or asked       │                │ stop                      │ stayed up
//	    │ to end                 │                ▼                           ▼ ListeningFor
//	    │                        │             stopping ◀──────stop────── listening
//	    ▼                        ▼                │                           │
//	  down ◀─────────────────────┴─── SaveProven ─┘                           │
//	    ▲──────────────── second crash in ten minutes ────────────────────────┘
//
// A stop is asked for by an order, a notice of the cloud, a lease that can't
// be renewed, or the end of Run's context. There is one at most: whoever asks
// second gets the first one's answer or is told that the agent is busy. From
// down nothing starts again; the next boot is another one. A crash while
// loading is a crash like one while listening.
//
// Heard means that the events queue took HostUp. Until then fit files do not
// make a game: a queue that refuses for good would leave a machine of which the bot
// hears nothing, and that it deletes after minutes, with a game on it. The lease is
// held and everything is obeyed meanwhile; why there is no game is said once a
// minute in the log, which is the machine's console. A game that runs is left alone,
// and one that crashes is made again, whatever the queue does.
//
// # Who does what
//
// One goroutine (boot.loop) owns everything that changes. It never waits for
// anything but its select. The others only feed it channels or carry out one
// call each:
//
//	notices, orders, machine, lease keeper ─┐                ┌─▶ spool on the disk
//	the game's lines, its end, its start ───┼─▶ loop ─▶ outbox
//	timers of the Clock ────────────────────┘     │          └─▶ events queue
//	                                              └──▶ errands: stop, kill, sync,
//	                                                   prove, acknowledge, delete
//
// # An agent that dies and comes back
//
// The game outlives the agent's process. So every event is written to the
// machine's disk before it is sent, together with the memory of the agent at
// that moment: the place in the game's log, what the log has said so far, the
// lease, the stop under way. The next process on the same life of the machine
// (Options.Boot) takes the lease up, finds the game, and reads on behind the last line
// of that memory. What the log said since then it makes events of again; nobody
// heard of the first ones. An event that was read bears the id of its line.
//
// What became of the lease meanwhile:
//
//	still held                  the boot goes on
//	ran out, nobody had it      the game goes on under the next epoch (HostUp.Continues)
//	another has it, or had it   the game is killed: the world is the other's
//	can't be learned            as always: saved at 25 s, killed before it runs out
//
// A process that finds its boot down stays down. One whose predecessor was asked
// to end, and did, begins a new boot, and so does one on another life of the
// machine. A game that runs and that no memory tells of is saved and ended
// at once, whoever has the lease.
//
// # Invariants
//
//   - No game starts before the lease is held and fresh, the world's files were
//     found fit within the last minute, and HostUp was heard; and none survives the lease: not renewed for 25 s the world is saved
//     and the game stopped, at 55 s it is killed, and it is killed at once when
//     another took the lease.
//   - HostUp is the first event of a boot. Seq has no holes unless events were
//     lost. Events are sent in their order, one at a time.
//   - A save is confirmed only if it started after the request in the log's
//     order, the process ended by itself and the files were synced; or if no
//     game of this boot ever let anybody in, so that there is nothing to save.
//   - The proof is left beside the world as well as sent; the next boot tells it
//     (HostUp.Previous), should this one not have come to that.
//   - The lease is given back only when the process is gone, its files are
//     synced and the proof was left.
//   - A slow or absent queue, disk, lease or metadata service never delays the
//     reading of the log, nor a stop by more than a second.
//   - No account id of a player leaves the machine, not even inside a log
//     line.
//
// # Failures
//
// Events wait in the outbox while their queue is away, and the first game of a
// boot waits with them. Too many, or a disk that
// is full, cost the oldest, which are counted and told (WordsLost). A machine
// that vanished (ErrPowerOff) sends nothing more.
//
// # A save without a stop
//
// The vanilla server has no console and no signal that saves and goes on. So a
// save or snapshot order can't be carried out at once: the agent waits for the
// game's next autosave, and the Saved event of the first one that starts after
// the order is its confirmation. If none comes there is no answer. A snapshot
// order is the same, and takes none.
//
// # As the last session left it
//
// Before the first game of a boot the world's files are kept as they are
// (Options.Snapshots), beside the look at them: a bad save or a griefed base is
// gone back on from there. The game waits for it, keepWithin at most, and starts
// in any case; NotKept tells that they were not kept. A boot that takes over a
// game, and one after a crash, keep nothing.
package agent
