// Package simdiscord is a pretend Discord: one guild, one application, the
// REST rules that bots run into, and signed interactions. It stands in for
// Discord in tests, in the simulator and in `hearth up`, and imports nothing
// of Hearth but what stands below it: package form reads what bots send and
// knows what Discord accepts, package guild holds what people see, package
// endpoint brings interactions to the bot.
//
// It uses time and channels only, so that it runs inside a testing/synctest
// bubble: Interact plays a person, Call and Transport are the REST API,
// Messages and Subscribe show what people see. Package web puts the same
// methods on a socket, with a page to type in.
//
// An interaction and its token:
//
//	         answer 4, 5, 6, 7
//	pending ───────────────────▶ answered ──15 min──▶ expired
//	 404/10015  │                 token works          401/50027
//	            │ none within 3 s, non-2xx, unusable
//	            ▼
//	          void: "The application did not respond", 404/10015
//
// A deferred answer (5) is a message that thinks until its first edit. If
// none comes while the token lives, it says NotResponding.
//
// Invariants:
//   - An endpoint is judged by its answer alone; what it sends through the
//     REST API before that answer finds no interaction.
//   - Without allowed_mentions everybody who is named is notified, as at
//     Discord.
//   - Half an hour of interactions is kept; of what people see, package guild
//     says how much.
//   - Nothing happens between calls: what time ends is ended by the next one
//     that looks.
//   - Nobody is answered or told what Options.Keep was not given before, so
//     that a kill makes Discord forget nothing, as it makes the real one.
//
// Where it differs from Discord: unknown JSON fields are errors; of commands
// only slash commands without subcommands can be used, of components only
// buttons; no Components V2, modals, autocomplete, attachments or threads; an
// answer is only taken inline, not at /interactions/{id}/{token}/callback.
// Doubtful cases are decided for the stricter side.
package simdiscord
