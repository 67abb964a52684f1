// Package bot is the control plane around the pure core: it takes an event,
// lets rules.React decide, writes the row under compare-and-swap, and performs
// the effects.
//
// The way of one event:
//
//	load row ─► React ─► write row with its effects, claimed for 60 s ─┐
//	   ▲                      │ lost the race: load again              │
//	   └──────────────────────┘                                        ▼
//	acknowledge ◄─ write row without what is done, answers folded in ◄─ orders, cloud, delays, chat
//
// Invariants:
//
//   - An effect is written before it is performed, and performed again until
//     a write says that it is done. Every effect may happen twice; its ids,
//     nonces and operations make the second time harmless.
//   - An effect that another worker has claimed is left alone until its claim
//     expires. Whoever handles the next event of that world, a check at the
//     latest, finishes expired ones, but asks nothing of the cloud that is of
//     an older round than the row's.
//   - A failing chat never fails an event: what could not be said waits in the
//     row, at most world.MaxChatWaiting of it and at most world.ChatLifetime
//     long, and what is dropped is counted and told.
//   - An order or delayed event that can't be sent does fail the event, and the
//     queue brings it again; it keeps no other effect from being done. A cloud
//     that fails is an answer like any other.
//   - A newer effect replaces what it makes stale, so that what waits in a row
//     has a bound whatever fails.
//   - What may have been said without anybody knowing (Pending.Doubt) is looked
//     for in the channel before it is said again, once its nonce is too old.
//   - A timer that no delivery could handle is put off, not set aside. What is
//     set aside all the same is told with the next check or command (Drain).
//   - A write whose fate is unknown is read back before it is judged: the name
//     in State.Write tells one's own, after a lost reply and after a conflict
//     with a repeat of one's own request.
//   - A session has one card, whoever posts it: its nonce is the session's, so
//     two workers at once make one message.
//   - One event costs one read and two writes of the store; an answer of the
//     cloud that asks for more counts as an event of its own.
package bot
