// Package retry brings one call of Discord's API through: it waits as long as
// Discord asks, tries again what may be tried again, and says what a refusal
// means to the core. It knows HTTP statuses, rate limits and Discord's error
// codes, nothing of messages.
//
// A Call goes through an http.Client of NewClient, which alone waits and
// retries, on a world.Clock: rate limits, 5xx, lost connections, and early
// 404s of an interaction's answer. Each attempt has a deadline and a bounded
// answer.
//
// Invariants:
//   - No call is made to a route, or with a token, that Discord has asked to
//     leave alone for a while (10,000 refused calls in ten minutes ban an
//     address), whoever of this process makes it.
//   - No error and no log line holds a URL or one of a Call's secrets. Errors
//     name a route's template.
package retry
