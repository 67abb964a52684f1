// Package discord is Discord's side of the bot: signed interactions in;
// answers, messages, edits and commands out.
//
// The way in, in this order and never another:
//
//	ReadSigned        bounded body and the two headers
//	Verifier.Verify   ed25519 over the raw bytes, then the time window: else 401
//	ParseInteraction  who asks what, where
//	Decide            guild, channel, world, role; denies by default
//	Acknowledge       the answer Discord wants within three seconds
//
// The worker goes the same way again with VerifyQueued, because what stands in
// a queue is not trusted.
//
// The way out is Client, a world.Chat. disgo's rest client knows endpoints,
// JSON and headers, and is told not to wait or retry: package retry below it
// does that, alone.
//
// Invariants:
//   - Nothing is parsed before its signature is verified.
//   - Every message carries allowed_mentions with an empty parse list; its
//     users are exactly Say.Ping.
//   - The bot token and interaction tokens stand in no error and no log line.
//     Errors name a route's template, never its URL.
//
// What Discord refuses becomes one of the core's two answers, if either fits:
// world.ErrMessageGone (10003, 10004, 10008, 10015, 10062, 50027, and a 404 of
// an interaction's answer that stays) or world.ErrChatForbidden (50001, 50013,
// 50014, any other 401). 40060 is success. The rest is an *Error.
//
// The facts are Discord's developer documentation, API version 10, as of
// August 2026, unless a comment names another source.
package discord
