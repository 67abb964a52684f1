// Package guild is what people see of the pretend Discord: its members and
// channels, the messages in them and who was notified of each, as the page has
// them and as Discord's JSON does. It decides nothing about what a bot may do.
//
// A Guild has no lock: it belongs to whoever guards it.
//
// Invariants:
//   - Ids rise. A Message that was handed out never changes.
//   - Message.Mentions holds those who were really notified.
//   - At most MaxMessages messages, and 256 events per subscriber, are kept.
//   - Nobody is told of a change before Flush.
package guild
