// Package valheim says what the lines of a Valheim dedicated server's log
// mean. It is pure: lines in, happenings out, no I/O and no clock. Times are
// the game's own stamps, and only their differences count.
//
// # From line to happening
//
// Package line takes off what containers, journals and mods put before a line,
// and learns from it who wrote the line. match.go compares the rest with
// anchored, case-sensitive forms; life.go, save.go, roster.go, leave.go and
// death.go say what a match means. Lines that players can write into
// (everything after "Console: ") are dropped first.
//
// # A start of the game
//
//	         version, listening        stop asked for
//	unknown ------------------> up ------------------> stopping
//	   ^                        |                          |
//	   |                        | killed, gone             | gone
//	   +-- a log that begins    v                          v
//	       in the middle       down <----------------------+
//	                            |
//	                            +-- spawned, version, listening --> up
//
// # A session
//
//	knock --New peer connected--> waiting --first ZDOID line--> in the roster
//	  |                              |                              |
//	  +-- refused, gave up           +-- socket closed              +-- Destroying abandoned …
//
// # Invariants
//
//   - A session is known by its OWNER number. Two players may have one name.
//   - Only an accepted session leaves: refused and given-up joins print the
//     same close lines and are none. RPC_Disconnect alone counts nothing.
//   - Each session has at most one Connected, Spawned and Disconnected.
//   - A platform id is told only when one candidate is left. Who of two
//     simultaneous joins is who is often settled by the first leave.
//   - When the game stops, crashes or starts again, everybody is off, each
//     with a Disconnected, although the log prints none.
//   - " Connections N" is the server's own count. Two reports in a row correct
//     the roster; 0 clears it at once.
//   - What is remembered is bounded, whatever the log says, and can be put away
//     (MarshalJSON) and taken up again between any two lines.
//
// # What players can forge
//
// A name or a shout stands in a line of the game as it was typed, so forms are
// anchored at both ends, the end of a line counts and not the first match, and
// a line with a player's text is not taken apart. A line break in it makes lines
// of their own. They have no time before them, so until the next line that has
// one nothing is believed (trust.go) but a PlayFab socket's end, refusals, and, when
// the log or the process ends there, a crash. In a log of several programs
// whoever has another frame is believed, too.
//
// Beyond telling is a rest that brings a stamp along, or BepInEx' mark in a log
// that has it; a whole line of the quoting form, which can forge an owner or a
// death; and a crash right after what seems a whole shout. The game's own client
// has a single line for a name; the server's count and the end of the
// process put right what another one forges.
package valheim
