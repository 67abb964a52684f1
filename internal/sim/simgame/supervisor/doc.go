// Package supervisor behaves like the first process of the community's
// container of the Valheim server (ghcr.io/community-valheim-tools/valheim-server):
// its supervisord with the scripts valheim-updater and valheim-server. It runs
// the pretend game as a child, prints what supervisord and the scripts print,
// and revives the game when it ends unasked. Package pid1 makes an image of it.
//
// # What it takes over
//
//   - The image's environment: SERVER_NAME, WORLD_NAME, SERVER_PASS, SERVER_PORT,
//     SERVER_PUBLIC, SERVER_ARGS with -saveinterval and -crossplay. The world's
//     files lie in /config/worlds_local.
//   - Its log: the game's lines as "Mar 31 12:05:35 supervisord: valheim-server …",
//     those of the scripts and of supervisord between them.
//   - Its stop: an interrupt to the game; 29 seconds later SIGTERM, 29 more and
//     SIGKILL. Its script looks every six seconds whether the game is gone, and
//     only then the stop is done. supervisord waits for 90 seconds.
//   - Its revival: a second after the game has ended, later each time if it did
//     not live for ten seconds, never again after ten such lives.
//   - SIGTERM to the first process stops the game and ends the container.
//
// # The control socket
//
// One request a connection: a line of words, answered by lines of which the
// last is "exit N". Ctl is the program supervisorctl at its other end:
//
//	stop valheim-server     returns once the game is stopped
//	start valheim-server    status valheim-server
//	tell COMMAND            a command of package simgame, for the game
//	flood N                 the game prints N lines
//	long N                  the game prints a line of N bytes
//	eat N                   the first process takes N MiB of memory
//	gorge N                 Ctl itself does, and asks nobody
package supervisor
