// Package saves looks after a world's files beside the game: whether the game
// may start on them, whether they are where they outlive the machine, and what
// the last boot left word of.
//
// # What it knows of the files
//
// A world is kept in one of three forms, the newest of which decides:
//
//	chunked   Midgard/_main.N.fwl2, .db2, .chunks and .ok, Midgard/*.chunk
//	          Valheim since 1.0 (public test 0.221.13: "world saves are now
//	          stored in folders"). N counts the saves. The .ok is written last
//	          and the set before it is removed only then, so a save that was cut
//	          off leaves the last one whole: there is nothing to mend.
//	flat2     Midgard.fwl2, Midgard.db2: the pretend game's, whose head file may
//	          be missing
//	flat      Midgard.fwl, Midgard.db: Valheim before 1.0
//
// A flat file is written as .new, then the last one becomes .old, then the .new
// takes its name. Between the two renames only .new and .old are there; Check
// copies the right one to its name, and never removes or overwrites a file.
//
// Before its first save a world is a head file alone. To the game that is a
// world to be made from its seed, so to Check it is no world yet.
//
// # A world is never replaced by a fresh one
//
//   - A share that is not mounted leaves an empty folder: MustMount refuses it.
//   - Once a world was seen whole, or a save of it proven, a marker beside it
//     says so. From then on a folder without it is an error, whatever AllowNew
//     says. A marker that can't be read counts as one.
//   - A folder with another world's files is an error, with a marker or
//     without.
//   - What can't be judged is left as it is, and the error says what to copy by
//     hand.
//
// # Failures
//
// File calls on a share that is away block in the kernel, where no signal
// reaches them. So every call runs beside its caller, who goes on when its
// context ends; the call is left to the kernel. Calls that write wait for one
// another, so that one which comes to life late writes over nothing newer.
package saves
