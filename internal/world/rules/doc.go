// Package rules decides what happens to a world. React is a pure function from
// a state and an event to a state and effects: no I/O, no clock, no randomness.
// The time is in the event.
//
// # States
//
//	             start                machine seen        agent speaks        game listens
//	stopped ───────────► starting ───────────► booting ───────────► loading ───────────► online
//	   ▲  failed ───────►  │  ▲                   │                    │  ▲                │ │
//	   │    ▲              │  │ old place         │ stop               │  └── crash once ──┘ │
//	   │    │              │  │ seen empty        │                    │                     │
//	   │    │              │  └── relocating ◄────┴── notice, or gone ─┴─────────────────────┤
//	   │    │              │          │                                                      │
//	   │    │              ▼ stop     ▼ stop              stop, idle, crash twice, silence   │
//	   │    │           stopping ◄──────────────────────────────────────────────────────────┘
//	   │    │              │ save proven (or loss told), place at zero and seen empty
//	   │    └── with a reason, Why ──┤
//	   └─────────────────────────────┘
//
// Stopping and relocating have two halves: first the save is awaited, while
// Boot.Over is false; then the machine is given back. Relocating leads back to
// loading if the old machine is up again by itself before it is.
//
// # Invariants
//
//   - A machine is wanted at one placement at most, and at a new one only after
//     the old one was observed empty (converge, empty). No timer stands in for
//     the observation.
//   - A machine whose game runs is given back only after SaveProven, or ten
//     minutes after the order with the loss told. No agent heard and no sign of
//     a game: after one minute.
//   - Stopped and Failed mean: Cloud.Want is 0, the scale to 0 was done and no
//     machine was seen. Nothing costs money.
//   - A machine at the full price (Placement.Regular) is rented only in a session
//     for which a keeper allowed it, by the button that offers it once.
//   - What is left over is removed when it was seen in two surveys LeftoverStays
//     apart, or a keeper pressed the button of the message that told of it.
//   - An agent's word counts once (world.Seen), and only that of the highest epoch;
//     a finished boot (Over) is not heard any more.
//   - A command counts once, not after CommandLifetime, and not if a newer one
//     was given before it arrived (WishAt).
//   - An unknown player count is not zero.
//   - Whatever a session does, it ends (bounded): SessionMost after it began, and
//     CapAhead after the month's money is spent. Idle, it ends sooner. People are
//     warned before each; each is a stop like every other, saved first.
//   - Every second of a machine is in the bill once, in its calendar month (UTC),
//     at what the placement cost when the machine was rented.
//   - Reports of the cloud carry the round of their request; those of an older
//     round are stale. At most one operation is under way.
//   - Of each kind of timer one is waited for, by its number. A lost one is
//     made up for by the check, which re-arms itself while the world is not
//     stopped and for CheckAfter after; a lost check by whatever happens next,
//     reconcile at the latest.
//   - The word of a loss is taken back if the next boot proves otherwise
//     (Unproven).
//   - What was silent while no event was handled is not taken for silent
//     (ListensSince): nothing is deleted for it before AgentWithin. A queue that
//     is late all the time looks the same, so what is due is put off for
//     PutOffMost, and a phase for DeafMost, and no longer.
//   - The effect that begins a scale is waited for (beginning): no second one is
//     begun beside it.
//   - The document stays under world.MaxStateBytes: every list in it has a bound.
//
// # What the cloud announces
//
// The agent saves by itself and lets the cloud go on after the proof.
//
//	Preempt, Terminate   the machine goes: given back once the save is proven, up elsewhere once it is seen gone
//	Redeploy             the same. The machine would come back by itself, but empty: a boot as long as a new machine's,
//	                     paid meanwhile, on a host that Azure had to leave, and perhaps never. Given back it costs
//	                     nothing, and the world is as safe either way. If it speaks again before it is deleted, the
//	                     world stays there: somebody may be in
//	Reboot               the machine stays, and its next boot is waited for: LostAfter from the proof, else deleted and
//	                     failed. Without a proof (the hardware failed) it is silent, and silence has its end, too
//	Freeze, others       nothing
//
// # Before the fire goes out by itself
//
//	nobody on              Idle, or NeverJoined while nobody has come in since the start, from when it listens: warned;
//	                       IdleGrace later stop-if-empty. Keep awake gives AwakeFor; whoever comes in, a crash, a move
//	                       and silence make the warning void
//	a long session         SessionMost: warned EndsSoon and EndsNow before, then stopped, whoever is on
//	the month's money      the keeper told at 80 %; warned CapAhead before, then stopped, whoever is on, and no start
//	                       until the month is over or a keeper raises the cap, which calls the stop off
//
// The check looks after all of it, so each may be CheckEvery late. For AgentWithin
// after events were not handled none of it is done: what calls it off may lie in
// the queue.
//
// # When something fails
//
//	no capacity here       the place is blocked for BlockFor, brought back to zero, and the next one tried; told after
//	                       SeekWithin, if that takes so long
//	none anywhere          told with the time of the next try; five more tries, then failed; the keeper offered the full price
//	quota, configuration   to the keeper with what to click; failed
//	no machine, no agent   MachineWithin, HostWithin: deleted, failed; the keeper told what the machine's console says
//	a boot that gave up    read from its console, ConsoleAfter at the soonest: deleted at once, one more machine tried, elsewhere
//	                       if there is another place; then, or if the deployment is wrong and not the machine, failed
//	never listens          ListenWithin: stopped, deleted, failed; while server or game is fetched, FetchWithin more
//	the files are not fit  deleted, failed; channel and keeper told, nothing tried again by itself
//	does not save          the keeper told after SaveAgeMost while somebody is on
//	no proof of a save     told after SaveWithin, deleted after LostAfter with the loss
//	crash                  the agent starts the game again once; twice within CrashWindow: stopped, keeper told
//	silence                looked after SilentAfter, told after SaveWithin, deleted after LostAfter with the loss
//	machine gone           last save told, up again elsewhere, and who asked for the session is pinged; twice within
//	                       TwiceWithin, the keeper offered the full price
//	asleep, and a set at 1 scaled to zero by the next sweep; its machine, if there is one, told and deleted
//	left over              told at the first sweep, removed at the next
package rules
