package rules

import (
	"slices"
	"time"

	"hearth/internal/world"
)

// guest notes who asked for this session, to tell them where it went.
func (r *reaction) guest(by world.Person) {
	s := &r.s
	if by.ID == "" || !r.awake() || len(s.Session.Guests) >= world.MaxGuests || slices.Contains(s.Session.Guests, by.ID) {
		return
	}
	s.Session.Guests = append(s.Session.Guests, by.ID)
}

// moving: a move of this session is under way.
func (r *reaction) moving() bool {
	m := &r.s.Move
	return !m.Began.IsZero() && m.Online.IsZero() && !m.Began.Before(r.s.Session.Began)
}

// leaving: it is, and the old machine is not known to be gone, nor back.
func (r *reaction) leaving() bool {
	return r.moving() && r.s.Move.Gone.IsZero() && r.s.Move.HostUp.IsZero()
}

// moveBegins replaces the last move. One that nobody could play after goes on in
// the new one.
func (r *reaction) moveBegins() {
	s := &r.s
	m := world.Move{Began: r.now, From: s.Cloud.Placement}
	if r.moving() {
		m.Began, m.Players = s.Move.Began, s.Move.Players
	}
	for _, p := range s.Boot.Players {
		if p.Name != "" && len(m.Players) < world.MaxMoved && !slices.Contains(m.Players, p.Name) {
			m.Players = append(m.Players, p.Name)
		}
	}
	s.Move = m
}

func (r *reaction) moveNoticed() {
	if !r.leaving() {
		r.moveBegins()
	}
	m := &r.s.Move
	if m.Noticed = true; m.Notice.IsZero() {
		m.Notice = r.e.Time
	}
}

// moveProven: a proof can be faster than the notice that it is for.
func (r *reaction) moveProven(d *world.SaveProven) {
	leaving := r.leaving()
	if !leaving && (d.Why != world.StopNotice || r.s.Status == world.Stopping) {
		return
	}
	if !leaving {
		r.moveBegins()
	}
	m := &r.s.Move
	m.Noticed = m.Noticed || d.Why == world.StopNotice
	m.Proof, m.Signal = r.e.Time, r.e.Time.Add(-min(max(d.Took, 0), LostAfter))
}

// moveProvenLate: the proof stood beside the world's files, and the new agent
// tells of it.
func (r *reaction) moveProvenLate(p *world.Proof) {
	if m := &r.s.Move; r.moving() && m.Proof.IsZero() {
		m.Proof = p.At
	}
}

func (r *reaction) moveGone() {
	if !r.leaving() {
		r.moveBegins()
	}
	m := &r.s.Move
	m.Gone, m.Noticed = r.now, m.Noticed || r.s.Boot.Noticed
}

func (r *reaction) moveAsked() {
	if m := &r.s.Move; r.moving() && !m.Gone.IsZero() {
		m.Asked, m.To = r.now, r.s.Cloud.Placement
	}
}

func (r *reaction) moveMachine() {
	if m := &r.s.Move; r.moving() && !m.Asked.IsZero() && m.Machine.IsZero() {
		m.Machine = r.now
	}
}

// moveBoot: a new boot speaks.
func (r *reaction) moveBoot() {
	if m := &r.s.Move; r.moving() && m.HostUp.IsZero() {
		m.HostUp = r.e.Time
	}
}

// moveHostUp: its first word may come after its second.
func (r *reaction) moveHostUp() {
	if m := &r.s.Move; r.moving() && r.e.Time.Before(m.HostUp) {
		m.HostUp = r.e.Time
	}
}

// moveOnline ends a move, and says how long nobody could be in; 0 if there was
// none.
func (r *reaction) moveOnline() time.Duration {
	if !r.moving() {
		return 0
	}
	m := &r.s.Move
	if m.Online = r.e.Time; m.To == "" {
		m.To = r.s.Cloud.Placement
	}
	return max(r.now.Sub(m.Began), time.Second)
}
