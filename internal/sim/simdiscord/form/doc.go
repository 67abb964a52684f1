// Package form reads what bots send as strictly as Discord does: messages
// with their embeds and buttons, slash commands, and answers to interactions.
// It knows the documented fields and limits, nothing of channels or people.
//
// What Discord would refuse is a *Problems, the error tree of a 50035 answer.
// Discord lets unknown fields pass; here they are problems, because they are
// always typing mistakes. Doubtful cases are decided for the stricter side.
package form
