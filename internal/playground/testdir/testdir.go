// Package testdir lets the playground's tests keep their folders in memory.
//
// Many playgrounds at once, each some twenty times as fast as life, flush their
// databases all the time, and a disk that somebody else keeps busy holds a
// flush up for a second now and then. That is half a lease, and the agent does
// what it must: it saves and ends the game. A test of something else should
// not depend on that.
package testdir

import "os"

// enough is how many free bytes a memory file system must have to be used.
const enough = 1 << 30

// Use makes a folder in memory the place of temporary ones for the rest of
// this process, if there is one with room; else it changes nothing.
func Use() {
	const dir = "/dev/shm"
	if free(dir) < enough {
		return
	}
	_ = os.Setenv("TMPDIR", dir) // a valid name; without it the tests use the disk
}
