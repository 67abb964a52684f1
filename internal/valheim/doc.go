// Package valheim says what the lines of a Valheim dedicated server's log
// mean. It is pure: lines in, happenings out, no I/O and no clock. Times are
// the game's own stamps, and only their differences count.
//
// # From line to happening
//
// Package line takes off what containers, journals and mods put before a line,
// and learns from it who wrote the line. trust.go and cut.go keep out what
// players wrote. match.go compares the rest with
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
// A rest may bring a stamp along, but the game's line then lacks its end, and
// until that comes no line is believed at all (cut.go): they are the name. If it
// does not come within 60 lines, or a second by the time that docker or a journal
// put before the lines, the line was only cut, and what was held back is read.
// If one of these lines is of the same form and whole, it may have been the end of
// the name: what lies before it is dropped but for others like it. Meanwhile somebody seems to be connecting,
// so that no world is taken for empty.
//
// Beyond telling is a name that holds a whole end of its form and then whole
// lines with a stamp (or BepInEx' mark in a log that has it), or more than 60 lines
// in a log in which nobody else puts the time; the forms without an end, "Kicking
// NAME" and a refused version; and a crash right after what seems a whole shout.
// A name can so forge an owner that never leaves, or several: an owner without an
// accepted session is let in, because real logs have such spawns, too, and a
// player who is not seen costs more than one who is not there. The game's own
// client has a single line for a name; the server's count and the end of the
// process put right what another one forges.
package valheim
