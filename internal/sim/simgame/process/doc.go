// Package process runs the pretend game as a child process: Game is the
// parent's end, a world.Game; Main is the child's.
//
// An interrupt, and the end of the child's input, make the game save and end;
// so does the parent's death. The next game waits for that: one at a time has
// the world's directory. A kill loses what was not saved. The log is
// taken from the child as fast as it comes, whoever reads it.
package process
