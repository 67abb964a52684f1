package valheim

import (
	"slices"
	"strings"

	"hearth/internal/world"
)

// session is somebody who passed every check and has not left.
type session struct {
	owner   string // its number; empty until it spawns
	name    string // of its character; empty until it spawns
	id      string // platform id; empty unless certain
	hex     string // crossplay's name of its socket; empty unless certain
	counted bool   // known only because the server counts it
	held    bool   // its link is lost and may come back
	kicked  bool
	since   mark // when it was accepted
	spawned mark // its first character
}

// knock is somebody who connects and has passed no check.
type knock struct {
	id, hex string
	at      mark
	counted bool // was there at an earlier report of the server
}

// departure is a session that ended; several lines tell of one.
type departure struct {
	owner, id string
	at        mark
	closed    bool // its socket's end was seen too
}

// roster is who is on, and what the coming lines need to know of the past.
type roster struct {
	sessions []*session // in order of arrival
	knocks   []knock
	loose    int      // sessions whose knock is one of knocks, unknown which
	pool     []string // ids of sessions, unknown whose
	unseen   bool     // a session has an id that is in neither
	departed []departure
	refused  []departure // whose socket's end is no leave; no owners
	deaths   []death

	known     bool // the log was read from a start on, or the server said a number
	began     mark // where the log began, in the middle of an evening
	crossplay bool
	off       int // the last report's difference to sessions

	timeout, hungUp, heldAt, refusedAt mark

	// A socket of unknown owner ended: whose it was, the next lines may tell.
	closing                            mark
	closingID, closingWhy, closingLine string
}

// knocking is how many of the knocks are not sessions yet.
func (o *roster) knocking() int { return max(0, len(o.knocks)-o.loose) }

func (o *roster) byHex(hex string) *session {
	return o.first(func(s *session) bool { return s.hex == hex && hex != "" })
}

func (o *roster) first(is func(*session) bool) *session {
	if i := slices.IndexFunc(o.sessions, is); i >= 0 {
		return o.sessions[i]
	}
	return nil
}

func (o *roster) all(are func(*session) bool) []*session {
	var out []*session
	for _, s := range o.sessions {
		if are(s) {
			out = append(out, s)
		}
	}
	return out
}

func isWaiting(s *session) bool  { return s.owner == "" && !s.counted }
func isNameless(s *session) bool { return s.id == "" && !s.counted }
func isCounted(s *session) bool  { return s.counted }
func (o *roster) add(s *session) { o.sessions = bounded(append(o.sessions, s)) }
func (o *roster) drop(s *session) {
	o.sessions = slices.DeleteFunc(o.sessions, func(t *session) bool { return t == s })
}

// bounded forgets the oldest when there are too many.
func bounded[T any](list []T) []T { return atMost(list, maxRemember) }

func atMost[T any](list []T, limit int) []T {
	if n := len(list) - limit; n > 0 {
		return slices.Delete(list, 0, n)
	}
	return list
}

// platformID leaves out crossplay's socket names, which are no accounts.
func platformID(peer string) string {
	if strings.HasPrefix(peer, "playfab/") {
		return ""
	}
	return peer
}

func (r *Reader) knocked(id, hex string) {
	o := &r.roster
	o.knocks = slices.DeleteFunc(o.knocks, func(k knock) bool { return k.id == id && k.hex == hex })
	o.knocks = append(o.knocks, knock{id: id, hex: hex, at: r.now})
	if len(o.knocks) > maxRemember {
		o.knocks, o.unseen = bounded(o.knocks), o.unseen || o.loose > 0
		o.loose = min(o.loose, len(o.knocks)-1)
	}
	o.refused = slices.DeleteFunc(o.refused, func(d departure) bool { return d.id == id })
	r.emit(Happening{Kind: Connecting, PlatformID: id, Socket: hex})
}

// identified: crossplay says whose socket it is.
func (r *Reader) identified(hex, id string) {
	for i := range r.roster.knocks {
		if r.roster.knocks[i].hex == hex {
			r.roster.knocks[i].id = id
		}
	}
	if s := r.roster.byHex(hex); s != nil {
		s.id = id
	}
}

// connected: somebody passed every check. The line does not say who.
func (r *Reader) connected() {
	r.alive()
	s := r.accept()
	r.emit(Happening{Kind: Connected, PlatformID: s.id, Socket: s.hex})
}

// fromStart: the log has all of it.
func (o *roster) fromStart() { o.known, o.began = true, mark{} }

// patience is how many seconds somebody may take from the knock to the
// password; people type it within one minute.
const patience = 5 * 60

// accept makes a session of one of the knocks.
func (r *Reader) accept() *session {
	o := &r.roster
	s := &session{since: r.now}
	if seconds, ok := r.since(o.began); ok && seconds < patience {
		o.unseen = true // it may have knocked before the log began
		o.loose = min(o.loose+1, len(o.knocks))
		o.add(s)
		o.settle()
		return s
	}
	switch {
	case len(o.knocks) == 1 && o.loose == 0:
		s.id, s.hex = o.knocks[0].id, o.knocks[0].hex
		o.knocks = nil
	case o.loose < len(o.knocks):
		o.loose++
	default:
		o.unseen = true
	}
	o.add(s)
	o.settle()
	return s
}

// settle draws what can be concluded about who is who.
func (o *roster) settle() {
	if o.loose > 0 && o.loose >= len(o.knocks) { // every knock is a session by now
		for _, k := range o.knocks {
			if k.id != "" {
				o.pool = append(o.pool, k.id)
			}
		}
		o.knocks, o.loose = nil, 0
	}
	nameless := o.all(isNameless)
	switch {
	case len(nameless) == 0:
		o.pool, o.unseen = nil, false
	case len(nameless) == 1 && len(o.pool) == 1 && o.loose == 0 && !o.unseen:
		nameless[0].id, o.pool = o.pool[0], nil
	}
	if len(o.pool) > maxRemember {
		o.pool, o.unseen = nil, true
	}
}

// unknock removes a knock that came to nothing.
func (o *roster) unknock(is func(knock) bool) bool {
	n := len(o.knocks)
	o.knocks = slices.DeleteFunc(o.knocks, is)
	if len(o.knocks) == n {
		return false
	}
	o.settle()
	return true
}

// forgetKnocks: a socket that says nothing for long is gone; some ends leave
// no line.
func (r *Reader) forgetKnocks() {
	o := &r.roster
	old := func(k knock) bool {
		s, ok := r.since(k.at)
		return ok && s >= patience
	}
	if o.loose > 0 && slices.ContainsFunc(o.knocks, old) {
		// It may be a session's, or gone: no longer told is whose the others are.
		o.knocks, o.loose, o.unseen = nil, 0, true
		return
	}
	o.unknock(old)
}

func (r *Reader) refused(peer string, h Happening) {
	o := &r.roster
	hex, crossplay := strings.CutPrefix(peer, "playfab/")
	id := platformID(peer)
	bare := strings.TrimPrefix(id, "Steam_") // as the close line has it
	for _, k := range o.knocks {
		if crossplay && k.hex == hex {
			id = k.id
		}
	}
	o.unknock(func(k knock) bool {
		return crossplay && k.hex == hex || id != "" && (k.id == id || k.id == bare)
	})
	if id != "" {
		o.refused = bounded(append(o.refused, departure{id: bare, at: r.now}))
	}
	o.refusedAt = r.now
	h.PlatformID = id
	if crossplay {
		h.Socket = hex
	}
	r.emit(h)
}

// held: a link is lost and its socket kept for up to 90 s.
func (r *Reader) held(hex string) {
	r.roster.heldAt = r.now
	h := Happening{Kind: LinkLost, Socket: hex}
	if s := r.roster.byHex(hex); s != nil {
		s.held = true
		h.Player, h.PlatformID = s.player(), s.id
	}
	r.emit(h)
}

func (r *Reader) restored(hex string) {
	if s := r.roster.byHex(hex); s != nil && s.held {
		s.held = false
		r.emit(Happening{Kind: LinkRestored, Player: s.player(), PlatformID: s.id, Socket: hex})
	}
}

// kick marks the session that is about to be thrown out.
func (r *Reader) kick(name, peer string) *session {
	id := platformID(peer)
	s := r.roster.first(func(s *session) bool { return id != "" && s.id == id })
	if s == nil {
		if named := r.roster.all(func(s *session) bool { return s.owner != "" && s.name == name }); len(named) == 1 {
			s = named[0]
		}
	}
	if s != nil {
		s.kicked = true
	}
	return s
}

// character: a session has a body. The first time that is its spawn.
func (r *Reader) character(owner, name, idx string) {
	o := &r.roster
	r.alive()
	if s := o.first(func(s *session) bool { return s.owner == owner }); s != nil {
		s.name = name
		r.respawned(s, idx)
		return
	}
	var s *session
	switch waiting := o.all(isWaiting); {
	case len(waiting) == 1:
		s = waiting[0]
	case len(waiting) > 1:
		// The order of acceptance is not the order of spawning: from now on
		// their ids belong to all of them together.
		for _, w := range waiting {
			if w.id != "" {
				o.pool = append(o.pool, w.id)
			}
			w.id, w.hex = "", ""
		}
		s = waiting[0]
	default:
		if s = o.first(isCounted); s == nil {
			s = &session{} // the line of its acceptance was not seen
			o.loose = min(o.loose+1, len(o.knocks))
		}
		o.unseen = true
	}
	s.owner, s.name, s.counted, s.spawned = owner, name, false, r.now
	o.drop(s)
	o.add(s) // arrival is when the name is known
	o.departed = slices.DeleteFunc(o.departed, func(d departure) bool { return d.owner == owner })
	o.settle()
	r.emit(Happening{Kind: Spawned, Player: s.player(), PlatformID: s.id})
}

func (s *session) player() world.Player { return world.Player{Owner: s.owner, Name: s.name} }
