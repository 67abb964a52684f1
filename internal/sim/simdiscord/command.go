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
	return d.guild.Commands()
}

// registered are the commands as a list that is never null. d.mu is held.
func (d *Discord) registered() []form.Command {
	return append([]form.Command{}, d.guild.Commands()...)
}

// putCommands replaces all commands of the guild. A name that was there keeps
// its id. d.mu is held.
func (d *Discord) putCommands(body []byte) reply {
	next, err := form.ReadCommands(body)
	if err != nil {
		return invalid(err)
	}
	before := d.guild.Commands()
	created := 0
	for i := range next {
		c := &next[i]
		c.ApplicationID, c.GuildID = d.opts.ApplicationID, d.opts.GuildID
		if old := slices.IndexFunc(before, func(k form.Command) bool { return k.Name == c.Name }); old >= 0 {
			c.ID = before[old].ID
		} else {
			created++
		}
	}
	if !d.creates.take(d.opts.Clock.Now(), created, maxCreatesADay, createsWindow) {
		return refusal(http.StatusTooManyRequests, 30034, "Max number of daily application command creates has been reached (200)")
	}
	for i := range next {
		next[i].Version = d.guild.NewID()
		if next[i].ID == "" {
			next[i].ID = next[i].Version
		}
	}
	d.guild.SetCommands(next)
	return success(d.registered())
}
