// Package probe measures how soon a deployment's endpoint answers, as Discord
// would see it: it sends signed PINGs on a schedule, each over a connection of
// its own, and sums up. It is the controlled test of an app's cold start, for
// anyone's own app and plan: pause for longer than the platform keeps an idle app,
// and ask.
//
// A PING is signed with a key of the probe's own, which the app takes beside
// Discord's (HEARTH_PROBE_KEY) for PINGs and nothing else.
//
// What is measured, from before the name is looked up until the answer has been
// read whole: name, TCP, TLS, the request, the platform's start of the app, the
// app's own. Discord keeps connections and is nearer to Azure than a home is;
// both make the true figure a little smaller. Connect tells how much of it the
// connection was.
//
// A percentile is by nearest rank: P95 is the smallest time that at least 95 of
// 100 right answers did not exceed, always one that was measured. With fewer than
// 20 answers P95 is the slowest, with fewer than 100 P99 is. Wrong and missing
// answers are in no average and no percentile; they are failures, and passed no
// limit.
package probe
