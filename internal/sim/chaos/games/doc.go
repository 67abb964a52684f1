// Package games is where the games of one simulated world run, and what is true
// of them, whatever anybody says: Truth is what an agent's word, the row and a
// message in the channel are held against; Log is what its log said, to somebody
// who read every line once. A game outlives its agent, and ends with the power of
// its machine.
package games
