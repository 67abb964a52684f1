package form

import (
	"encoding/json"
	"slices"
)

// Kind is where a message comes from; it decides which fields exist.
type Kind int

// Kinds of messages.
const (
	Post     Kind = iota // POST /channels/{c}/messages
	Edit                 // PATCH of a message, by bot or by interaction token
	Followup             // POST /webhooks/{a}/{t}
	answer               // the data of an interaction's answer
)

// Message flags that a request may name.
const (
	SuppressEmbeds        = 1 << 2
	Ephemeral             = 1 << 6
	SuppressNotifications = 1 << 12
	componentsV2          = 1 << 15
)

// Draft is what a request says of a message; nil is what it does not name.
type Draft struct {
	Content    *string // at most MaxContent characters
	Embeds     *[]Embed
	Components *[]Component
	Flags      *int
	Allowed    *Mentions
	Nonce      string
	// Enforce: a nonce that was used lately makes no second message.
	Enforce bool
}

// Ephemeral reports whether only one person is to see the message.
func (d Draft) Ephemeral() bool { return d.Flags != nil && *d.Flags&Ephemeral != 0 }

// Limits of messages, as documented.
const (
	MaxContent = 2000
	maxNonce   = 25
)

// ReadDraft reads a request's body. Its errors are ErrJSON and *Problems.
func ReadDraft(body []byte, kind Kind) (Draft, error) {
	v, err := decode(body)
	if err != nil {
		return Draft{}, err
	}
	var p Problems
	d := readDraft(newObject(v, nil, &p), kind)
	return d, p.Err()
}

// readDraft reads a message and closes the object.
func readDraft(o *object, kind Kind) Draft {
	d := Draft{Embeds: readEmbeds(o), Components: readComponents(o), Allowed: readMentions(o)}
	if o.named("content") {
		s := o.text("content", 0, MaxContent)
		d.Content = &s
	}
	passes := SuppressEmbeds
	switch kind {
	case Post:
		passes |= SuppressNotifications
		d.Nonce = readNonce(o)
		d.Enforce = o.truth("enforce_nonce")
		o.notPlayed("sticker_ids", "message_reference", "shared_client_theme")
	case Followup, answer:
		passes |= SuppressNotifications | Ephemeral
	case Edit:
	}
	if flags, ok := o.whole("flags", 0, 1<<31-1); ok {
		f := int(flags)
		if f&componentsV2 != 0 {
			o.bad("flags", "NOT_PLAYED", "The pretend Discord does not play Components V2: send content and embeds.")
		} else if f&^passes != 0 {
			o.bad("flags", "MESSAGE_FLAGS_INVALID", "Only the flags %d may be set here.", passes)
		}
		d.Flags = &f
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

// Mentions is what a message says about whom it may notify
// (allowed_mentions).
type Mentions struct {
	Parse []string // kinds: users, roles, everyone
	Users []string // ids
	Roles []string // ids
}

func readMentions(o *object) *Mentions {
	in := o.inner("allowed_mentions")
	if in == nil {
		return nil
	}
	defer in.close()
	m := &Mentions{Users: in.snowflakes("users", 100), Roles: in.snowflakes("roles", 100)}
	_ = in.truth("replied_user")
	in.list("parse", 3, func(path []string, v any) {
		s, _ := v.(string)
		if !slices.Contains([]string{"users", "roles", "everyone"}, s) {
			in.p.Add(path, "BASE_TYPE_CHOICES", "Value must be one of ('users', 'everyone', 'roles').")
			return
		}
		m.Parse = append(m.Parse, s)
	})
	exclusive := func(kind string, ids []string) {
		if slices.Contains(m.Parse, kind) && len(ids) > 0 {
			in.bad("parse", "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE", "parse:[%q] and %s: [ids...] are mutually exclusive.", kind, kind)
		}
	}
	exclusive("users", m.Users)
	exclusive("roles", m.Roles)
	return m
}
