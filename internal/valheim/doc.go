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
//   - What is remembered is bounded, whatever the log says.
package valheim
