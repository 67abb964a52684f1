// Package replay is what makes a seed of a simulation replay exactly, and what
// shows that it did.
//
//   - In a testing/synctest bubble the order of timers that fire at one instant
//     is chance. Every actor's Lane has instants of its own, so no two do.
//   - Everything drawn comes from Dice that depend on the seed and on what is
//     drawn, not on who drew before: a change in one place does not change every
//     other.
//   - Two runs whose Journals have the same hash did the same at the same
//     instants.
package replay
