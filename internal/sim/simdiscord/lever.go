package simdiscord

import (
	"maps"
	"net/http"
	"time"

	"hearth/internal/sim/simdiscord/guild"
)

// levers are the faults that a test or the keeper of a playground asked for.
type levers struct {
	fail       int // requests still to fail
	failStatus int
	limitUntil time.Time
	route      routeLimit
	forbid     bool
	hide       bool
	uninvited  bool
	expelled   bool
	denied     map[string]uint64 // bits, by channel
	drop       int               // answers still to lose
	lose       int               // webhook calls still to miss
	slow       time.Duration
}

// routeLimit is a 429 of the routes of messages.
type routeLimit struct {
	until time.Time
	bare  bool
}

// Fail makes the next n REST requests end with this status (such as 502) and
// without effect; n = 0 ends it.
func (d *Discord) Fail(n, status int) {
	d.pull(func(l *levers) { l.fail, l.failStatus = n, status })
}

// RateLimitAll answers every REST request with a global 429 for that long.
func (d *Discord) RateLimitAll(wait time.Duration) {
	until := d.opts.Clock.Now().Add(wait)
	d.pull(func(l *levers) { l.limitUntil = until })
}

// RateLimitMessages answers what the bot asks of messages in channels with a
// 429 for that long, as if others had spent the bucket: with the headers that
// name the bucket, or bare, without any of them, as proxies in between and
// some limits of single resources answer.
func (d *Discord) RateLimitMessages(wait time.Duration, bare bool) {
	until := d.opts.Clock.Now().Add(wait)
	d.pull(func(l *levers) { l.route = routeLimit{until, bare} })
}

// limit is the 429 that RateLimitMessages asked for, if a call is due it.
func (l *levers) limit(c call, q quota, now time.Time, h http.Header) (refused reply, ok bool) {
	wait := l.route.until.Sub(now)
	if wait <= 0 || len(c.parts) < 3 || c.parts[0] != "channels" {
		return reply{}, false
	}
	r := limited(wait, "user", 0)
	if l.route.bare {
		r.header.Del("X-RateLimit-Scope")
	} else {
		q.tell(h, now, wait, 0)
	}
	return r, true
}

// Forbid takes SEND_MESSAGES from the bot: its messages and edits are refused
// with 50013 until it is given back. Interaction tokens go on working, as
// they do at Discord.
func (d *Discord) Forbid(on bool) { d.pull(func(l *levers) { l.forbid = on }) }

// Hide takes VIEW_CHANNEL from the bot: everything in the channels is refused
// with 50001 until it is given back.
func (d *Discord) Hide(on bool) { d.pull(func(l *levers) { l.hide = on }) }

// Deny takes these bits from the bot in one channel, by an overwrite for its
// member; 0 gives all of them back. Of what it does, only what needs VIEW_CHANNEL
// and SEND_MESSAGES is refused.
func (d *Discord) Deny(channel string, bits uint64) {
	d.pull(func(l *levers) {
		l.denied = maps.Clone(l.denied) // Reset's is nil
		if l.denied == nil {
			l.denied = map[string]uint64{}
		}
		l.denied[channel] = bits
	})
}

// Uninvite takes the application's commands out of its invitation, as if the bot
// had come without the scope applications.commands: everything about them is
// refused with 50001 until it is given back.
func (d *Discord) Uninvite(on bool) { d.pull(func(l *levers) { l.uninvited = on }) }

// Expel takes the bot out of the guild, until it is invited again.
func (d *Discord) Expel(on bool) { d.pull(func(l *levers) { l.expelled = on }) }

// DropReplies carries out the next n changing REST requests and loses their
// answers: Call returns ErrReplyLost, the HTTP face cuts the connection.
func (d *Discord) DropReplies(n int) { d.pull(func(l *levers) { l.drop = n }) }

// LoseWebhooks makes the next n calls with an interaction's token miss it
// with 404/10015, as happens at random after a valid defer
// (discord-api-docs#7220).
func (d *Discord) LoseWebhooks(n int) { d.pull(func(l *levers) { l.lose = n }) }

// SlowDown delays every REST request by that much before it has any effect;
// 0 ends it.
func (d *Discord) SlowDown(by time.Duration) { d.pull(func(l *levers) { l.slow = by }) }

func (d *Discord) pull(set func(*levers)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	set(&d.levers)
}

// botPermissions are the bot's bits in a channel. d.mu is held.
func (d *Discord) botPermissions(channel string) uint64 {
	return guild.BotPermissions &^ d.taken(channel)
}

// taken are the bits that levers have taken from the bot in a channel. d.mu is
// held.
func (d *Discord) taken(channel string) uint64 {
	bits := d.levers.denied[channel]
	if d.levers.forbid {
		bits |= guild.PermSendMessages
	}
	if d.levers.hide {
		bits |= guild.PermViewChannel
	}
	return bits
}
