package valheim

import (
	"encoding/json"
	"fmt"
)

// stateVersion is that of the forms below. A state of another version is
// refused: what a field meant then is not known.
const stateVersion = 1

// MaxStateBytes bounds what Reader.MarshalJSON returns.
const MaxStateBytes = 96 * 1024

// wireReader is a Reader that was put away. Names are short because it is
// written often.
type wireReader struct {
	Version int        `json:"v"`
	At      wireMark   `json:"at"`
	Trust   wireTrust  `json:"trust"`
	Cut     *wireCut   `json:"cut,omitempty"`
	Life    wireLife   `json:"life"`
	Saving  int        `json:"sv,omitempty"`
	Roster  wireRoster `json:"r"`
}

// wireMark is [seconds, line].
type wireMark [2]int64

type wireTrust struct {
	Quoted bool   `json:"q,omitempty"`
	Whole  bool   `json:"w,omitempty"`
	Framed bool   `json:"f,omitempty"`
	Modded bool   `json:"m,omitempty"`
	Heard  uint   `json:"h,omitempty"`
	Other  uint   `json:"o,omitempty"`
	Line   []byte `json:"l,omitempty"` // bytes, because a line need not be UTF-8
	Detail string `json:"d,omitempty"`
	Number int64  `json:"n,omitempty"`
}

type wireCut struct {
	Form   form     `json:"f"`
	Number int64    `json:"n"`
	Outer  int64    `json:"o,omitempty"`
	Held   [][]byte `json:"h"`
	Last   int      `json:"l,omitempty"`
}

type wireLife struct {
	Phase     phase    `json:"p"`
	Version   string   `json:"v,omitempty"`
	Listening bool     `json:"l,omitempty"`
	Opened    wireMark `json:"o"`
	Code      string   `json:"c,omitempty"`
	Faults    []string `json:"f,omitempty"`
	Escalated string   `json:"e,omitempty"`
	Clue      string   `json:"cl,omitempty"`
}

type wireRoster struct {
	Sessions  []wireSession   `json:"s,omitempty"`
	Knocks    []wireKnock     `json:"k,omitempty"`
	Loose     int             `json:"lo,omitempty"`
	Pool      []string        `json:"p,omitempty"`
	Departed  []wireDeparture `json:"d,omitempty"`
	Refused   []wireDeparture `json:"x,omitempty"`
	Deaths    []wireDeath     `json:"de,omitempty"`
	Unseen    bool            `json:"u,omitempty"`
	Known     bool            `json:"kn,omitempty"`
	Began     wireMark        `json:"b"`
	Crossplay bool            `json:"cp,omitempty"`
	Off       int             `json:"of,omitempty"`
	Timeout   wireMark        `json:"t"`
	HungUp    wireMark        `json:"h"`
	HeldAt    wireMark        `json:"ha"`
	RefusedAt wireMark        `json:"ra"`
	Closing   wireMark        `json:"cg"`
	ClosingID string          `json:"ci,omitempty"`
	Why       string          `json:"cw,omitempty"`
	Line      []byte          `json:"cl,omitempty"`
}

type wireSession struct {
	Owner   string   `json:"o,omitempty"`
	Name    string   `json:"n,omitempty"`
	ID      string   `json:"i,omitempty"`
	Hex     string   `json:"h,omitempty"`
	Counted bool     `json:"c,omitempty"`
	Held    bool     `json:"l,omitempty"`
	Kicked  bool     `json:"k,omitempty"`
	Since   wireMark `json:"e"`
	Spawned wireMark `json:"s"`
}

type wireKnock struct {
	ID      string   `json:"i,omitempty"`
	Hex     string   `json:"h,omitempty"`
	At      wireMark `json:"a"`
	Counted bool     `json:"c,omitempty"`
}

type wireDeparture struct {
	Owner  string   `json:"o,omitempty"`
	ID     string   `json:"i,omitempty"`
	At     wireMark `json:"a"`
	Closed bool     `json:"c,omitempty"`
}

type wireDeath struct {
	Name string   `json:"n"`
	Line []byte   `json:"l,omitempty"`
	Nr   int64    `json:"nr"`
	At   wireMark `json:"a"`
}

func (m mark) wire() wireMark { return wireMark{m.sec, m.line} }
func (w wireMark) mark() mark { return mark{sec: w[0], line: w[1]} }
func each[A, B any](list []A, do func(A) B) []B {
	var out []B
	for _, a := range list {
		out = append(out, do(a))
	}
	return out
}

// MarshalJSON puts the reader away: all that it remembers, so that
// UnmarshalJSON takes it up again between two lines as if nothing had been in
// between. It has at most MaxStateBytes, and players' names and accounts in it.
func (r *Reader) MarshalJSON() ([]byte, error) {
	o, l, d := &r.roster, &r.life, &r.trust.doubt
	return json.Marshal(wireReader{
		Version: stateVersion,
		At:      r.now.wire(),
		Trust: wireTrust{
			Quoted: r.trust.quoted, Whole: r.trust.whole, Framed: r.trust.framed, Modded: r.trust.modded, Heard: r.trust.heard, Other: r.trust.other,
			Line: []byte(d.line), Detail: d.detail, Number: d.number,
		},
		Cut: r.cut.wire(),
		Life: wireLife{
			Phase: l.phase, Version: l.version, Listening: l.listening, Opened: l.opened.wire(), Code: l.code, Faults: l.faults, Escalated: l.escalated, Clue: l.clue,
		},
		Saving: r.saving,
		Roster: wireRoster{
			Sessions: each(o.sessions, func(s *session) wireSession {
				return wireSession{s.owner, s.name, s.id, s.hex, s.counted, s.held, s.kicked, s.since.wire(), s.spawned.wire()}
			}),
			Knocks: each(o.knocks, func(k knock) wireKnock { return wireKnock{k.id, k.hex, k.at.wire(), k.counted} }),
			Loose:  o.loose, Pool: o.pool, Unseen: o.unseen,
			Departed: each(o.departed, departure.wire), Refused: each(o.refused, departure.wire),
			Deaths: each(o.deaths, func(d death) wireDeath { return wireDeath{d.name, []byte(d.line), d.number, d.at.wire()} }),
			Known:  o.known, Began: o.began.wire(), Crossplay: o.crossplay, Off: o.off,
			Timeout: o.timeout.wire(), HungUp: o.hungUp.wire(), HeldAt: o.heldAt.wire(), RefusedAt: o.refusedAt.wire(),
			Closing: o.closing.wire(), ClosingID: o.closingID, Why: o.closingWhy, Line: []byte(o.closingLine),
		},
	})
}

func (c cut) wire() *wireCut {
	if c.form == noForm {
		return nil
	}
	return &wireCut{c.form, c.number, c.outer, each(c.held, func(l string) []byte { return []byte(l) }), c.last}
}

func (w *wireCut) cut() cut {
	if w == nil {
		return cut{}
	}
	c := cut{form: w.Form, number: w.Number, outer: w.Outer, last: w.Last}
	for _, l := range w.Held {
		c.held, c.bytes = append(c.held, string(l)), c.bytes+len(l)
	}
	return c
}

func (d departure) wire() wireDeparture { return wireDeparture{d.owner, d.id, d.at.wire(), d.closed} }
func (w wireDeparture) departure() departure {
	return departure{w.Owner, w.ID, w.At.mark(), w.Closed}
}

// UnmarshalJSON takes a reader up again that MarshalJSON put away. A state of
// another version, or one that no reader can have, is an error, and the reader
// is left as it was.
func (r *Reader) UnmarshalJSON(state []byte) error {
	var w wireReader
	if err := json.Unmarshal(state, &w); err != nil {
		return fmt.Errorf("read the reader's state: %w", err)
	}
	if w.Version != stateVersion {
		return fmt.Errorf("read the reader's state: version %d, want %d", w.Version, stateVersion)
	}
	o, l := &w.Roster, &w.Life
	for _, n := range []int{len(o.Sessions), len(o.Knocks), len(o.Pool), len(o.Departed), len(o.Refused), len(o.Deaths), len(l.Faults)} {
		if n > maxRemember {
			return fmt.Errorf("read the reader's state: a list of %d", n)
		}
	}
	if l.Phase < unknown || l.Phase > down || w.Saving < 0 || w.Saving > stageChecked || o.Loose < 0 || o.Loose > len(o.Knocks) {
		return fmt.Errorf("read the reader's state: phase %d, save %d, loose %d of %d", l.Phase, w.Saving, o.Loose, len(o.Knocks))
	}
	held := w.Cut.cut()
	if !held.valid() {
		return fmt.Errorf("read the reader's state: %d lines of form %d held back", len(held.held), held.form)
	}
	*r = Reader{
		now: w.At.mark(),
		trust: trust{
			quoted: w.Trust.Quoted, whole: w.Trust.Whole, framed: w.Trust.Framed, modded: w.Trust.Modded, heard: w.Trust.Heard, other: w.Trust.Other,
			doubt: doubt{line: string(w.Trust.Line), detail: w.Trust.Detail, number: w.Trust.Number},
		},
		cut: held,
		life: life{
			phase: l.Phase, version: l.Version, listening: l.Listening, opened: l.Opened.mark(), code: l.Code, faults: l.Faults, escalated: l.Escalated, clue: l.Clue,
		},
		saving: w.Saving,
		roster: roster{
			sessions: each(o.Sessions, func(s wireSession) *session {
				return &session{s.Owner, s.Name, s.ID, s.Hex, s.Counted, s.Held, s.Kicked, s.Since.mark(), s.Spawned.mark()}
			}),
			knocks: each(o.Knocks, func(k wireKnock) knock { return knock{k.ID, k.Hex, k.At.mark(), k.Counted} }),
			loose:  o.Loose, pool: o.Pool, unseen: o.Unseen,
			departed: each(o.Departed, wireDeparture.departure), refused: each(o.Refused, wireDeparture.departure),
			deaths: each(o.Deaths, func(d wireDeath) death { return death{d.Name, string(d.Line), d.Nr, d.At.mark()} }),
			known:  o.Known, began: o.Began.mark(), crossplay: o.Crossplay, off: o.Off,
			timeout: o.Timeout.mark(), hungUp: o.HungUp.mark(), heldAt: o.HeldAt.mark(), refusedAt: o.RefusedAt.mark(),
			closing: o.Closing.mark(), closingID: o.ClosingID, closingWhy: o.Why, closingLine: string(o.Line),
		},
	}
	return nil
}

// wireProof is a Proof that was put away.
type wireProof struct {
	Version int  `json:"v"`
	Running bool `json:"r,omitempty"`
	Asked   bool `json:"a,omitempty"`
	Before  bool `json:"b,omitempty"`
	Started bool `json:"s,omitempty"`
	Saved   bool `json:"ok,omitempty"`
}

// MarshalJSON puts the proof away, in less than 100 bytes.
func (p Proof) MarshalJSON() ([]byte, error) {
	return json.Marshal(wireProof{stateVersion, p.running, p.asked, p.before, p.started, p.saved})
}

// UnmarshalJSON takes up a proof that MarshalJSON put away. A state of another
// version is an error, and the proof is left as it was: without a proof nothing
// is proven.
func (p *Proof) UnmarshalJSON(state []byte) error {
	var w wireProof
	if err := json.Unmarshal(state, &w); err != nil {
		return fmt.Errorf("read the proof's state: %w", err)
	}
	if w.Version != stateVersion {
		return fmt.Errorf("read the proof's state: version %d, want %d", w.Version, stateVersion)
	}
	*p = Proof{running: w.Running, asked: w.Asked, before: w.Before, started: w.Started, saved: w.Saved}
	return nil
}
