package guild

import (
	"regexp"
	"slices"

	"hearth/internal/sim/simdiscord/form"
)

var (
	codeSpan     = regexp.MustCompile("(?s)```.*?```|`[^`\n]*`")
	userMention  = regexp.MustCompile(`<@!?([0-9]{1,19})>`)
	roleMention  = regexp.MustCompile(`<@&([0-9]{1,19})>`)
	everyoneWord = regexp.MustCompile(`@(everyone|here)`)
)

// Anybody is what Discord assumes of a channel's message without
// allowed_mentions.
func Anybody() form.Mentions { return form.Mentions{Parse: []string{"users", "roles", "everyone"}} }

// UsersOnly is what it assumes of an answer to an interaction.
func UsersOnly() form.Mentions { return form.Mentions{Parse: []string{"users"}} }

// Notify works out whom a message really notifies: those its content names
// outside of code, as far as allowed (or else, if allowed is nil) and as the
// author may (mayAll: the author has MENTION_EVERYONE, which also opens all
// roles). What an embed names is never notified. In a doubtful case, such as
// a backslash before a mention, the person counts as notified.
func (g *Guild) Notify(m *Stored, allowed *form.Mentions, or form.Mentions, mayAll bool) {
	if allowed == nil {
		allowed = &or
	}
	text := codeSpan.ReplaceAllString(m.Content, " ")
	hit := map[string]bool{}
	for _, found := range userMention.FindAllStringSubmatch(text, -1) {
		hit[found[1]] = slices.Contains(allowed.Parse, "users") || slices.Contains(allowed.Users, found[1])
	}
	roles := map[string]bool{}
	for _, found := range roleMention.FindAllStringSubmatch(text, -1) {
		roles[found[1]] = mayAll && (slices.Contains(allowed.Parse, "roles") || slices.Contains(allowed.Roles, found[1]))
	}
	m.Everyone = mayAll && slices.Contains(allowed.Parse, "everyone") && everyoneWord.MatchString(text)
	m.Mentions = []string{}
	for _, p := range g.opts.People {
		called := m.Everyone || hit[p.ID] || slices.ContainsFunc(g.RoleIDs(p), func(r string) bool { return roles[r] })
		sees := m.EphemeralTo == nil || *m.EphemeralTo == p.ID
		if called && sees && p.ID != m.Author.ID {
			m.Mentions = append(m.Mentions, p.ID)
		}
	}
}
