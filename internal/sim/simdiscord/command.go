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

// named is the place of the command with this name among those there are, or -1.
func named(commands []form.Command, name string) int {
	return slices.IndexFunc(commands, func(c form.Command) bool { return c.Name == name })
}

// mayCreate takes n commands from what may be created today. d.mu is held.
func (d *Discord) mayCreate(n int) (refused reply, ok bool) {
	if d.creates.take(d.opts.Clock.Now(), n, maxCreatesADay, createsWindow) {
		return reply{}, true
	}
	return refusal(http.StatusTooManyRequests, 30034, "Max number of daily application command creates has been reached (200)"), false
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
		if old := named(before, c.Name); old >= 0 {
			c.ID = before[old].ID
		} else {
			created++
		}
	}
	if refused, ok := d.mayCreate(created); !ok {
		return refused
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

// postCommand makes a command, or replaces the one of its name, which keeps its
// id and counts as no creation. d.mu is held.
func (d *Discord) postCommand(body []byte) reply {
	c, err := form.ReadCommand(body)
	if err != nil {
		return invalid(err)
	}
	next := d.guild.Commands()
	c.ApplicationID, c.GuildID = d.opts.ApplicationID, d.opts.GuildID
	if old := named(next, c.Name); old >= 0 {
		c.ID, c.Version = next[old].ID, d.guild.NewID()
		next[old] = c
		d.guild.SetCommands(next)
		return success(c)
	}
	if len(next) >= form.MaxCommands {
		return invalid(form.ErrTooManyCommands)
	}
	if refused, ok := d.mayCreate(1); !ok {
		return refused
	}
	c.Version = d.guild.NewID()
	c.ID = c.Version
	d.guild.SetCommands(append(next, c))
	return reply{status: http.StatusCreated, body: c}
}

// oneCommand handles a single command by its id. d.mu is held, also when the
// handler runs.
func (d *Discord) oneCommand(c call) func() reply {
	handle := map[string]func(all []form.Command, at int) reply{
		http.MethodGet:    func(all []form.Command, at int) reply { return success(all[at]) },
		http.MethodPatch:  func(all []form.Command, at int) reply { return d.patchCommand(all, at, c.body) },
		http.MethodDelete: d.deleteCommand,
	}[c.method]
	if handle == nil {
		return nil
	}
	return func() reply {
		all := d.guild.Commands()
		at := slices.IndexFunc(all, func(k form.Command) bool { return k.ID == c.parts[5] })
		if at < 0 {
			return refusal(http.StatusNotFound, 10063, "Unknown application command")
		}
		return handle(all, at)
	}
}

// patchCommand edits the command at this place. d.mu is held.
func (d *Discord) patchCommand(all []form.Command, at int, body []byte) reply {
	c, err := form.PatchCommand(all[at], body)
	if err != nil {
		return invalid(err)
	}
	if other := named(all, c.Name); other >= 0 && other != at {
		var p form.Problems
		p.Add([]string{"name"}, "APPLICATION_COMMANDS_DUPLICATE_NAME", "Application command names must be unique")
		return invalid(&p)
	}
	c.Version = d.guild.NewID()
	all[at] = c
	d.guild.SetCommands(all)
	return success(c)
}

// deleteCommand takes the command at this place away. Whoever makes it again
// creates one. d.mu is held.
func (d *Discord) deleteCommand(all []form.Command, at int) reply {
	d.guild.SetCommands(slices.Delete(all, at, at+1))
	return reply{status: http.StatusNoContent}
}
