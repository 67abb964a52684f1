// Package world is the vocabulary of Hearth, and the contracts between its
// parts: a world's configuration and state, the events that happen to it, the
// effects that are to be done about them, the messages that people read, and
// the ports to the outside. It does no I/O and has no clock.
//
// Package rules decides what an event changes; it has the states and their
// invariants. Package words has what people are told.
package world
