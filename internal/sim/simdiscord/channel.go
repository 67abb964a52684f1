package simdiscord

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"time"

	"hearth/internal/sim/simdiscord/form"
	"hearth/internal/sim/simdiscord/guild"
)

// nonceLife is how long a nonce is remembered: "the past few minutes" of the
// documentation.
const nonceLife = 5 * time.Minute

// nonceUse is the message that a nonce made.
type nonceUse struct {
	Message string    `json:"message"`
	At      time.Time `json:"at"`
}

// channelRoute handles the messages of a channel for the bot. d.mu is held,
// also when the handler runs.
func (d *Discord) channelRoute(c call) func() reply {
	channel, message := c.parts[1], ""
	if len(c.parts) == 4 {
		message = c.parts[3]
	}
	guarded := func(needs uint64, f func() reply) func() reply {
		return func() reply {
			if r, ok := d.mayInChannel(channel, needs); !ok {
				return r
			}
			return f()
		}
	}
	switch {
	case message == "" && c.method == http.MethodPost:
		return guarded(guild.PermSendMessages, func() reply { return d.postMessage(channel, c.body) })
	case message == "" && c.method == http.MethodGet:
		return guarded(0, func() reply { return d.listMessages(channel, c) })
	case message != "" && c.method == http.MethodGet:
		return guarded(0, func() reply {
			m := d.visible(channel, message)
			if m == nil {
				return unknownMessage()
			}
			return success(d.guild.MessageJSON(m))
		})
	case message != "" && c.method == http.MethodPatch:
		return guarded(guild.PermSendMessages, func() reply { return d.patchMessage(channel, message, c.body) })
	case message != "" && c.method == http.MethodDelete:
		return guarded(0, func() reply { return d.deleteMessage(channel, message) })
	}
	return nil
}

// mayInChannel checks that the channel exists and that the bot has the bits
// in it. d.mu is held.
func (d *Discord) mayInChannel(channel string, needs uint64) (refused reply, ok bool) {
	if _, ok := d.guild.Channel(channel); !ok {
		return refusal(http.StatusNotFound, 10003, "Unknown Channel"), false
	}
	if d.levers.expelled {
		return refusal(http.StatusForbidden, 50001, "Missing Access"), false
	}
	has := d.botPermissions(channel)
	if has&guild.PermViewChannel == 0 {
		return refusal(http.StatusForbidden, 50001, "Missing Access"), false
	}
	if has&needs != needs {
		return refusal(http.StatusForbidden, 50013, "Missing Permissions"), false
	}
	return reply{}, true
}

func unknownMessage() reply { return refusal(http.StatusNotFound, 10008, "Unknown Message") }

// visible finds a message as the bot's token sees it: ephemeral ones are not
// there. d.mu is held.
func (d *Discord) visible(channel, id string) *guild.Stored {
	m := d.guild.Find(id)
	if m == nil || m.ChannelID != channel || m.EphemeralTo != nil {
		return nil
	}
	return m
}

func (d *Discord) postMessage(channel string, body []byte) reply {
	in, err := form.ReadDraft(body, form.Post)
	if err != nil {
		return invalid(err)
	}
	if in.Nonce != "" && in.Enforce {
		if use, ok := d.nonces[in.Nonce]; ok {
			if m := d.guild.Find(use.Message); m != nil {
				return success(d.guild.MessageJSON(m))
			}
		}
	}
	m := d.guild.Blank(channel)
	m.Nonce = in.Nonce
	if !m.Put(in) {
		return emptyMessage()
	}
	d.guild.Notify(m, in.Allowed, guild.Anybody(), true)
	if in.Nonce != "" {
		d.nonces[in.Nonce] = nonceUse{Message: m.ID, At: d.opts.Clock.Now()}
	}
	d.guild.Add(m)
	return success(d.guild.MessageJSON(m))
}

func (d *Discord) patchMessage(channel, id string, body []byte) reply {
	in, err := form.ReadDraft(body, form.Edit)
	if err != nil {
		return invalid(err)
	}
	m := d.visible(channel, id)
	if m == nil {
		return unknownMessage()
	}
	if m.Author.ID != d.opts.ApplicationID {
		return refusal(http.StatusForbidden, 50005, "Cannot edit a message authored by another user")
	}
	return d.edit(m, in)
}

// edit changes a message that is there. Nobody is notified by an edit, except
// by the first content of a deferred answer. d.mu is held.
func (d *Discord) edit(m *guild.Stored, in form.Draft) reply {
	if refused, ok := d.oldEdit(m); !ok {
		return refused
	}
	if !m.Put(in) {
		return emptyMessage()
	}
	if m.Thinking {
		m.Thinking = false
		m.Flags &^= guild.FlagLoading
		d.guild.Notify(m, in.Allowed, guild.UsersOnly(), true)
	} else {
		now := d.guild.Now()
		m.Edited = &now
	}
	d.guild.Changed(m)
	return success(d.guild.MessageJSON(m))
}

func emptyMessage() reply {
	return refusal(http.StatusBadRequest, 50006, "Cannot send an empty message")
}

func (d *Discord) deleteMessage(channel, id string) reply {
	m := d.visible(channel, id)
	if m == nil {
		return unknownMessage()
	}
	if m.Author.ID != d.opts.ApplicationID && d.botPermissions(channel)&guild.PermManageMessages == 0 {
		return refusal(http.StatusForbidden, 50013, "Missing Permissions")
	}
	d.guild.Remove(id)
	return reply{status: http.StatusNoContent}
}

// listMessages answers newest first, 1 to 100 of them, by default 50.
func (d *Discord) listMessages(channel string, c call) reply {
	var p form.Problems
	number := func(key string, def uint64) uint64 {
		s := c.query.Get(key)
		if s == "" {
			return def
		}
		n, err := strconv.ParseUint(s, 10, 64)
		if err != nil {
			p.Add([]string{key}, "NUMBER_TYPE_COERCE", "Value is not int.")
		}
		return n
	}
	limit := number("limit", 50)
	if limit < 1 || limit > 100 {
		p.Add([]string{"limit"}, "NUMBER_TYPE_MAX", "int value should be from 1 to 100.")
	}
	before, after := number("before", 1<<64-1), number("after", 0)
	if err := p.Err(); err != nil {
		return invalid(err)
	}
	out := []guild.MessageJSON{}
	for _, m := range slices.Backward(d.guild.All()) {
		id, err := strconv.ParseUint(m.ID, 10, 64)
		if err != nil || m.ChannelID != channel || m.EphemeralTo != nil || id >= before || id <= after {
			continue
		}
		if out = append(out, d.guild.MessageJSON(m)); uint64(len(out)) == limit {
			break
		}
	}
	return success(out)
}

// commandRoute handles the guild's commands. d.mu is held.
func (d *Discord) commandRoute(c call) func() reply {
	handle := map[string]func() reply{
		http.MethodGet:  func() reply { return success(d.registered()) },
		http.MethodPut:  func() reply { return d.putCommands(c.body) },
		http.MethodPost: func() reply { return d.postCommand(c.body) },
	}[c.method]
	if len(c.parts) == 6 {
		handle = d.oneCommand(c)
	}
	if handle == nil {
		return nil
	}
	return func() reply {
		if c.parts[1] != d.opts.ApplicationID {
			return refusal(http.StatusForbidden, 20012, "You are not authorized to perform this action on this application")
		}
		if c.parts[3] != d.opts.GuildID || d.levers.uninvited || d.levers.expelled {
			return refusal(http.StatusForbidden, 50001, "Missing Access")
		}
		return handle()
	}
}

// readRoute answers who and where the bot is. d.mu is held.
func (d *Discord) readRoute(c call) func() reply {
	p := c.parts
	if c.method == http.MethodPatch && p[0] == "applications" {
		return func() reply { return d.patchApplication(c.body) }
	}
	if c.method != http.MethodGet {
		return nil
	}
	return func() reply {
		switch p[0] {
		case "users":
			if len(p) == 3 {
				return success(d.guildsJSON())
			}
			return success(guild.Author{ID: d.opts.ApplicationID, Name: d.opts.BotName, Bot: true}.JSON())
		case "applications":
			return success(d.applicationJSON())
		case "channels":
			if r, ok := d.mayInChannel(p[1], 0); !ok {
				return r
			}
			ch, _ := d.guild.Channel(p[1])
			return success(d.guild.ChannelJSON(ch, d.taken(ch.ID)))
		}
		if p[1] != d.opts.GuildID || d.levers.expelled {
			return refusal(http.StatusNotFound, 10004, "Unknown Guild")
		}
		if p[len(p)-1] == "channels" {
			return success(d.channelsJSON())
		}
		if len(p) == 4 {
			member, ok := d.guild.AnyMemberJSON(p[3])
			if !ok {
				return refusal(http.StatusNotFound, 10007, "Unknown Member")
			}
			return success(member)
		}
		roles := d.guild.RolesJSON()
		if len(p) == 3 {
			return success(roles)
		}
		return success(map[string]any{
			"id": d.opts.GuildID, "name": d.opts.GuildName, "icon": nil, "owner_id": d.guild.People()[0].ID,
			"preferred_locale": "en-US", "features": []string{}, "emojis": []string{}, "roles": roles,
		})
	}
}

// endpointURL is the address that interactions go to, or nil: none was saved, or
// Discord has removed it.
func (d *Discord) endpointURL() *string {
	if d.address == "" || d.endpoint.Disabled() != "" {
		return nil
	}
	return &d.address
}

func (d *Discord) applicationJSON() map[string]any {
	return map[string]any{
		"id": d.opts.ApplicationID, "name": d.opts.BotName, "description": "", "icon": nil,
		"bot_public": false, "bot_require_code_grant": false, "flags": 0,
		"verify_key": d.PublicKey(), "interactions_endpoint_url": d.endpointURL(),
	}
}

// guildsJSON are the guilds that the bot is in.
func (d *Discord) guildsJSON() []map[string]any {
	if d.levers.expelled {
		return []map[string]any{}
	}
	return []map[string]any{{
		"id": d.opts.GuildID, "name": d.opts.GuildName, "icon": nil, "banner": nil, "owner": false,
		"permissions": guild.Bits(guild.BotPermissions), "features": []string{},
	}}
}

// channelsJSON are the guild's channels, those that the bot does not see, too,
// under a category.
func (d *Discord) channelsJSON() []map[string]any {
	all := []map[string]any{d.guild.CategoryJSON()}
	for _, ch := range d.guild.Channels() {
		all = append(all, d.guild.ChannelJSON(ch, d.taken(ch.ID)))
	}
	return all
}

// patchApplication changes the address for interactions, if what is there answers
// as an endpoint must. d.mu is held, and free while Discord asks there.
func (d *Discord) patchApplication(body []byte) reply {
	in, err := form.ReadApplication(body)
	switch {
	case err != nil:
		return invalid(err)
	case !in.HasEndpoint:
		return success(d.applicationJSON())
	case in.EndpointURL == "":
		d.endpoint.Remove()
		return success(d.applicationJSON())
	}
	same := in.EndpointURL == d.address
	return reply{then: func(ctx context.Context) reply {
		switch {
		case same:
			err = d.ValidateEndpoint(ctx)
		case d.opts.Reach != nil:
			err = d.validate(ctx, d.opts.Reach(in.EndpointURL))
		}
		if err != nil || !same && d.opts.Reach == nil {
			var p form.Problems
			p.Add([]string{"interactions_endpoint_url"}, "APPLICATION_INTERACTIONS_ENDPOINT_URL_INVALID", "The specified interactions endpoint URL could not be verified.")
			return invalid(&p)
		}
		d.mu.Lock()
		defer d.mu.Unlock()
		d.address = in.EndpointURL
		return success(d.applicationJSON())
	}}
}
