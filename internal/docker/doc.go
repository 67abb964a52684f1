// Package docker runs the game's server in a container: world.Game and
// world.Server over Docker's engine.
//
// The image is the community's (DefaultImage): a supervisord that installs the
// game into /opt/valheim at boot and runs it. The world's files lie in
// /config/worlds_local, the lists of admins and of the banned in /config.
//
// # A server's life
//
//	            Start                     Stop: the supervisor is asked
//	none -------------------> running ------------------------------> stopping
//	                          |  ^  |                                    |
//	             the keeper's |  |  | ended, and not up again            | the game's
//	          docker restart  +--+  | after a second                     | process is gone
//	                                v                                    v
//	                              ended <------------------------- Done; its log
//	                                ^      SIGTERM, two seconds    may still come
//	                                +--- Kill, the engine's end
//
// # Invariants
//
//   - Done after Stop follows the game's process, not its supervisor, whose
//     script looks every six seconds only. An eviction leaves eight in all.
//   - Done without Stop follows the container. A game that crashes inside is
//     revived by its supervisor, and the log tells.
//   - `docker restart` by a keeper is no end: the container keeps its name, its
//     log goes on, and what the game did in between the log tells. One that is
//     started by hand after Done is nobody's: Start says ErrRunning, Find finds
//     it.
//   - Nothing is killed while the game's process lives, unless Kill asks for it.
//   - Lines come from the engine's file, read from its beginning and counted
//     each time. No filter by time: a clock that is set back would hide lines.
//     One line of our own may be the last: that the kernel ended the container
//     for its memory.
//   - A container without our label is left alone.
//   - The password is in the container's environment, where whoever may use the
//     engine can read it, and in no error and no log.
//
// # When something fails
//
//   - The engine is away (restarted, hung): everything is tried again until it
//     answers, and nothing is called ended. What a container does is seen and
//     done on this machine where the engine need not be asked: the game's
//     process is waited for by a pidfd, and interrupted or killed past the
//     engine.
//   - The supervisor can't be asked, or says no: the game's process is
//     interrupted, and the container ended as soon as it is gone, before the
//     supervisor revives it. Done then follows the container. A supervisor that
//     took the request is not doubted for 30 seconds, nor at all once the log
//     shows that the game goes: a second interrupt may cut a save short.
//   - The log's stream breaks: it is opened again and read on behind the last
//     whole line.
//   - Lines that were rotated away are lost: after 100 MB, by default, of a log
//     that nobody read.
//   - A log whose place was rotated away *and* whose clock was set back is read
//     from its beginning; lines may come twice then.
//   - A start that fails leaves no container behind. One whose engine is away
//     from then on may run: world.ErrMaybeRunning.
package docker
