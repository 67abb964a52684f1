package valheim

import (
	"slices"
	"strconv"

	"hearth/internal/world"
)

// A character whose number is 0:0 is dead. Version 1.0 sometimes prints that
// a few seconds after the first spawn, followed by a body with a tiny number:
// an artefact of joining. So a death within artefactWindow of the first spawn
// waits until the next body, the leave, or as many seconds.
const (
	artefactWindow = 15 // seconds
	artefactIndex  = 12
)

// death is one that waits for proof.
type death struct {
	name, line string
	number     int64 // the line's; 0 for the one at hand
	at         mark
}

// died: only the name is known. With two players of one name the log does not
// tell which one it was until the next body.
func (r *Reader) died(name string) {
	r.alive()
	named := r.roster.all(func(s *session) bool { return s.owner != "" && s.name == name })
	if slices.ContainsFunc(named, r.isFresh) {
		d := death{name: name, line: kept(r.line), number: r.nr, at: r.now}
		r.roster.deaths = atMost(append(r.roster.deaths, d), maxDeaths)
		return
	}
	owner := ""
	if len(named) == 1 {
		owner = named[0].owner
	}
	r.tellDeath(death{name: name}, owner)
}

func (r *Reader) isFresh(s *session) bool {
	seconds, ok := r.since(s.spawned)
	return ok && seconds < artefactWindow
}

func (r *Reader) tellDeath(d death, owner string) {
	r.emit(Happening{Kind: Died, Line: d.line, Number: d.number, Player: world.Player{Owner: owner, Name: d.name}})
}

// respawned: another body of the same session.
func (r *Reader) respawned(s *session, idx string) {
	o := &r.roster
	i := slices.IndexFunc(o.deaths, func(d death) bool { return d.name == s.name })
	if i >= 0 {
		d := o.deaths[i]
		o.deaths = slices.Delete(o.deaths, i, i+1)
		if n, err := strconv.Atoi(idx); err == nil && n <= artefactIndex && d.at.sec-s.spawned.sec < artefactWindow {
			return
		}
		r.tellDeath(d, s.owner)
	}
	r.emit(Happening{Kind: Respawned, Player: s.player()})
}

// confirmDeath: no body follows the death of one who leaves.
func (r *Reader) confirmDeath(s *session) {
	o := &r.roster
	if s.owner == "" || len(o.deaths) == 0 {
		return
	}
	if len(o.all(func(t *session) bool { return t.owner != "" && t.name == s.name })) > 1 {
		return // the namesake's, perhaps; time will tell
	}
	i := slices.IndexFunc(o.deaths, func(d death) bool { return d.name == s.name })
	if i >= 0 {
		d := o.deaths[i]
		o.deaths = slices.Delete(o.deaths, i, i+1)
		r.tellDeath(d, s.owner)
	}
}

// settleDeaths tells the deaths that waited so many seconds.
func (r *Reader) settleDeaths(wait int64) {
	o := &r.roster
	for len(o.deaths) > 0 {
		d := o.deaths[0]
		if s, ok := r.since(d.at); ok && s < wait {
			return
		}
		o.deaths = slices.Delete(o.deaths, 0, 1)
		owner := ""
		if s := o.first(func(s *session) bool { return s.name == d.name }); s != nil {
			owner = s.owner
		}
		r.tellDeath(d, owner)
	}
}
