package simdiscord

import (
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strings"
)

// draftKind is where a message comes from; it decides which fields exist.
type draftKind int

const (
	draftPost     draftKind = iota // POST /channels/{c}/messages
	draftEdit                      // PATCH of a message, by bot or by interaction token
	draftFollowup                  // POST /webhooks/{a}/{t}
	draftAnswer                    // the data of an interaction's answer
)

// draft is what a request says of a message; nil is what it does not name.
type draft struct {
	content    *string
	embeds     *[]Embed
	components *[]Component
	flags      *int
	allowed    *allowedMentions
	nonce      string
	enforce    bool
}

// Limits of messages, as documented.
const (
	maxContent = 2000
	maxNonce   = 25
)

// readDraft reads a message and closes the object.
func readDraft(o *object, kind draftKind) draft {
	d := draft{embeds: readEmbeds(o), components: readComponents(o), allowed: readAllowed(o)}
	if o.named("content") {
		s := o.text("content", 0, maxContent)
		d.content = &s
	}
	passes := FlagSuppressEmbeds
	switch kind {
	case draftPost:
		passes |= FlagSuppressNotifications
		d.nonce = readNonce(o)
		d.enforce = o.truth("enforce_nonce")
		o.notPlayed("sticker_ids", "message_reference", "shared_client_theme")
	case draftFollowup, draftAnswer:
		passes |= FlagSuppressNotifications | FlagEphemeral
	case draftEdit:
	}
	if flags, ok := o.whole("flags", 0, 1<<31-1); ok {
		f := int(flags)
		if f&FlagComponentsV2 != 0 {
			o.bad("flags", "NOT_PLAYED", "The pretend Discord does not play Components V2: send content and embeds.")
		} else if f&^passes != 0 {
			o.bad("flags", "MESSAGE_FLAGS_INVALID", "Only the flags %d may be set here.", passes)
		}
		d.flags = &f
	}
	o.notPlayed("tts", "attachments", "poll", "username", "avatar_url", "thread_name", "applied_tags")
	o.close()
	return d
}

func readNonce(o *object) string {
	v, ok := o.get("nonce")
	if !ok {
		return ""
	}
	if n, ok := v.(json.Number); ok {
		return n.String()
	}
	return o.text("nonce", 0, maxNonce)
}

// put carries the draft into a message. An empty message is refused with
// 50006 and leaves m as it was.
func (d draft) put(m *Message) (ok bool) {
	next := *m
	if d.content != nil {
		next.Content = *d.content
	}
	if d.embeds != nil {
		next.Embeds = *d.embeds
	}
	if d.components != nil {
		next.Components = *d.components
	}
	if d.flags != nil {
		const settable = FlagSuppressEmbeds | FlagSuppressNotifications
		next.Flags = next.Flags&^settable | *d.flags&settable
	}
	if strings.TrimSpace(next.Content) == "" && len(next.Embeds) == 0 {
		return false
	}
	*m = next
	return true
}

func emptyMessage() reply {
	return refusal(http.StatusBadRequest, 50006, "Cannot send an empty message")
}

// allowedMentions is what a message says about whom it may notify.
type allowedMentions struct {
	parse []string
	users []string
	roles []string
}

func readAllowed(o *object) *allowedMentions {
	in := o.inner("allowed_mentions")
	if in == nil {
		return nil
	}
	defer in.close()
	a := &allowedMentions{users: in.snowflakes("users", 100), roles: in.snowflakes("roles", 100)}
	_ = in.truth("replied_user")
	in.list("parse", 3, func(path []string, v any) {
		s, _ := v.(string)
		if !slices.Contains([]string{"users", "roles", "everyone"}, s) {
			in.p.add(path, "BASE_TYPE_CHOICES", "Value must be one of ('users', 'everyone', 'roles').")
			return
		}
		a.parse = append(a.parse, s)
	})
	exclusive := func(kind string, ids []string) {
		if slices.Contains(a.parse, kind) && len(ids) > 0 {
			in.bad("parse", "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE", "parse:[%q] and %s: [ids...] are mutually exclusive.", kind, kind)
		}
	}
	exclusive("users", a.users)
	exclusive("roles", a.roles)
	return a
}

// What Discord assumes when allowed_mentions is absent: a channel message may
// notify everybody, an interaction's only users.
func (a *allowedMentions) or(parse ...string) *allowedMentions {
	if a != nil {
		return a
	}
	return &allowedMentions{parse: parse}
}

var (
	codeSpan     = regexp.MustCompile("(?s)```.*?```|`[^`\n]*`")
	userMention  = regexp.MustCompile(`<@!?([0-9]{1,19})>`)
	roleMention  = regexp.MustCompile(`<@&([0-9]{1,19})>`)
	everyoneWord = regexp.MustCompile(`@(everyone|here)`)
)

// notified works out whom a message really notifies: those its content names
// outside of code, as far as allowed and as the author may (mayAll: the
// author has MENTION_EVERYONE, which also opens all roles). What an embed
// names is never notified. In a doubtful case, such as a backslash before a
// mention, the person counts as notified. d.mu is held.
func (d *Discord) notified(m *stored, allowed *allowedMentions, mayAll bool) {
	text := codeSpan.ReplaceAllString(m.Content, " ")
	hit := map[string]bool{}
	for _, found := range userMention.FindAllStringSubmatch(text, -1) {
		hit[found[1]] = slices.Contains(allowed.parse, "users") || slices.Contains(allowed.users, found[1])
	}
	roles := map[string]bool{}
	for _, found := range roleMention.FindAllStringSubmatch(text, -1) {
		roles[found[1]] = mayAll && (slices.Contains(allowed.parse, "roles") || slices.Contains(allowed.roles, found[1]))
	}
	m.Everyone = mayAll && slices.Contains(allowed.parse, "everyone") && everyoneWord.MatchString(text)
	m.Mentions = []string{}
	for _, p := range d.people {
		called := m.Everyone || hit[p.ID] || slices.ContainsFunc(d.roleIDs(p), func(r string) bool { return roles[r] })
		sees := m.EphemeralTo == nil || *m.EphemeralTo == p.ID
		if called && sees && p.ID != m.Author.ID {
			m.Mentions = append(m.Mentions, p.ID)
		}
	}
}
