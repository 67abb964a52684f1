package simdiscord

import (
	"net/http"
	"slices"

	"hearth/internal/sim/simdiscord/form"
)

// maxCreatesADay is how many commands may be created in a guild in 24 hours,
// as documented.
const maxCreatesADay = 200

// Commands lists the registered commands in the order they were given.
func (d *Discord) Commands() []form.Command {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.commands)
}

// putCommands replaces all commands of the guild. A name that was there keeps
// its id. d.mu is held.
func (d *Discord) putCommands(body []byte) reply {
	next, err := form.ReadCommands(body)
	if err != nil {
		return invalid(err)
	}
	created := 0
	for i := range next {
		c := &next[i]
		c.ApplicationID, c.GuildID = d.opts.ApplicationID, d.opts.GuildID
		if old := slices.IndexFunc(d.commands, func(k form.Command) bool { return k.Name == c.Name }); old >= 0 {
			c.ID = d.commands[old].ID
		} else {
			created++
		}
	}
	if !d.creates.take(d.opts.Clock.Now(), created, maxCreatesADay, createsWindow) {
		return refusal(http.StatusTooManyRequests, 30034, "Max number of daily application command creates has been reached (200)")
	}
	for i := range next {
		next[i].Version = d.newID()
		if next[i].ID == "" {
			next[i].ID = next[i].Version
		}
	}
	d.commands = nonNil(next)
	d.feed.send(Event{Kind: EventCommands, Commands: slices.Clone(d.commands)})
	return success(slices.Clone(d.commands))
}
