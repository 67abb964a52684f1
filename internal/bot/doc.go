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
//   - A timer that no delivery could handle is put off, not set aside; so is, for
//     half an hour, what an agent told.
//   - A write whose fate is unknown is read back before it is judged: the name
//     in State.Write tells one's own, after a lost reply and after a conflict
//     with a repeat of one's own request.
//   - A session has one card, whoever posts it: its nonce is the session's, so
//     two workers at once make one message.
//   - Reconcile changes nothing: it surveys the resource group once, whatever the
//     number of worlds, and enqueues what it saw. What is left over is removed by
//     an effect of the row that decided it; one that fails waits for the next
//     survey.
//   - One event costs one read and two writes of the store; an answer of the
//     cloud that asks for more counts as an event of its own.
//
// # What cannot be handled
//
//		delivered ─┬─► handled ─► acknowledged
//		           ├─► no event of ours, for good ─► kept (if there is room), counted ─► acknowledged
//		           └─► fails, or may be another version's ─► again, five times ─► poison queue ─► stored ─► told ─► deleted
//
//	  - No event of ours, for good: no JSON, an envelope that nobody writes, a seal
//	    that does not fit, a command that Discord did not sign. It changes nothing
//	    and costs one delivery. Of what anybody may have written at most 64 a day
//	    are kept, of everything 1,024: whoever can write into the queue, as every
//	    machine can, must fill neither the archive nor a channel.
//	  - Another version's: an unknown schema; a type or data that are not known,
//	    under the right seal; a world that is not configured; an interaction in a
//	    form that is not known. While a deployment is updated, another worker may
//	    know it.
//	  - Drain empties the poison queue with every check and command: each message is
//	    stored, then told, then deleted. The name of what is kept is a digest of
//	    it, so that a worker who dies in between leaves nothing out, and the next
//	    one keeps and counts nothing twice. What cannot be stored or told stays.
//	  - Of what could not be read the first world's row is told (world.SetAside):
//	    it remembers what it heard of, and tells the keeper the first at once and
//	    then the sum once an hour at most. A burst comes to it once a minute and
//	    worker. A worker that dies forgets at most a minute's count of what was
//	    for good none of ours.
//	  - A command that was given up is kept and told in the channel; an agent's
//	    event is kept, but for heartbeats.
//	  - A row that cannot be read (edited by hand, or of another version) fails its
//	    events, as above. The keeper is told past the row, once in six hours as
//	    long as it lasts. Timers are put off, so that the world goes on by itself
//	    once the row is mended; what was in the archive by then stays there.
package bot
