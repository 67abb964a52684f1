// Package simgame is a game that behaves, on its log and on its disk, like a
// Valheim dedicated server: it writes the line forms of several versions and
// backends, keeps a world in real files, and saves when it is interrupted.
// Nobody can play it; its players do what the commands on its input say.
//
// # Its life
//
//	        +--- damaged world: says so, listens, quits without a save
//	        |
//	loading +--- never-listen: repeats that it tries, for ever
//	        |
//	        +--> listening --interrupt--> saving --> gone, nil
//	                 |                      |
//	                 +------- crash --------+---> gone, ErrCrashed
//	                 +--- ctx cancelled ----+---> gone, the cause
//
// An interrupt while loading ends the game without a save: nobody could have
// changed the world.
//
// # Commands, one a line
//
//	join NAME [wrong-password | old-version | full | banned]
//	leave NAME      leave-all      timeout NAME      die NAME
//	save            sleep          raid EVENT        crash      never-listen
//
// One that cannot be done, or is unknown, is answered by a line of the log
// that means nothing to package valheim.
//
// # Invariants
//
//   - One goroutine runs the game. It waits on its clock, its commands, its
//     interrupt and its context, and on nothing else: no socket, no system
//     clock. It runs in a testing/synctest bubble.
//   - A save says that it starts before the world is copied, and that it is
//     finished after its files are synced and in place.
//   - Saves do not overlap. At most one more is owed.
//   - At any moment a whole world can be loaded: the file itself, or, between
//     the two renames of a save, its .new or .old.
//   - The same options, seed and commands at the same times give the same log.
//
// Package process runs this as a child process.
package simgame
