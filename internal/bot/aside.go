package bot

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"hearth/internal/discord"
	"hearth/internal/world"
)

// What is kept in the archive a day, at most, beside what several workers keep
// at the same moment. Whoever can write into the queue, as every machine can,
// must be able to fill neither the archive nor the part of it that is for what
// is known to be ours.
const (
	keepOfAnybodys = 64   // while so much or more is kept, nothing is that anybody can have written
	keepOfOurs     = 1024 // nor anything else
)

// noteEvery is how often a worker tells the row, and the log, of what it set
// aside without a retry.
const noteEvery = time.Minute

// unreadable is an event of which nothing can be done; why it is none, or none
// for this version of the bot.
type unreadable struct {
	reason world.AsideReason
	what   string // that is not known
	err    error
}

func (u *unreadable) Error() string { return u.err.Error() }
func (u *unreadable) Unwrap() error { return u.err }

// forGood: no version of the bot will ever take it. It is not tried again.
func (u *unreadable) forGood() bool {
	switch u.reason {
	case world.AsideMalformed, world.AsideSeal, world.AsideSignature:
		return true
	case world.AsideSchema, world.AsideType, world.AsideForm, world.AsideWorld:
	}
	return false
}

// anybodys: it proves nothing about who wrote it.
func (u *unreadable) anybodys() bool {
	return u.forGood() || u.reason == world.AsideSchema || u.reason == world.AsideWorld && errors.Is(u.err, world.ErrSeal)
}

// judge says why Decode refused a message.
func (h *Reactions) judge(body []byte, err error) *unreadable {
	var env struct {
		Schema  json.Number `json:"hearthschema"`
		Type    string      `json:"type"`
		Subject string      `json:"subject"`
	}
	_ = json.Unmarshal(body, &env) // what cannot be read is not told
	u := &unreadable{reason: world.AsideMalformed, err: err}
	switch {
	case errors.Is(err, world.ErrType):
		u.reason, u.what = world.AsideType, env.Type
	case errors.Is(err, world.ErrSchema):
		u.reason, u.what = world.AsideSchema, env.Schema.String()
	case errors.Is(err, world.ErrSeal):
		u.reason = world.AsideSeal
		if _, ok := h.Runner.config(env.Subject); !ok {
			// Its agent's key may be one that a newer configuration has.
			u.reason, u.what = world.AsideWorld, env.Subject
		}
	}
	return u
}

// misfit says why a command's proof is none.
func (h *Reactions) misfit(c *world.Command, err error) error {
	if h.Verifier.VerifySignature(c.Signed) != nil {
		return &unreadable{reason: world.AsideSignature, err: err}
	}
	if errors.Is(err, discord.ErrUnauthorized) {
		return err // signed ahead of this clock: it will be the time
	}
	return &unreadable{reason: world.AsideForm, err: err}
}

// asides is what a Reactions knows of what it set aside. The zero value is
// ready.
type asides struct {
	mu      sync.Mutex        // guards what follows
	waiting []world.Aside     // not told to the row yet, one a reason
	noted   time.Time         // when the row was told last
	full    map[int]time.Time // by bound: the day on which so much was kept
}

// Counts is what a Reactions has done since it was made.
type Counts struct {
	Handled  int64 `json:"handled"`   // deliveries that were handled
	Failed   int64 `json:"failed"`    // deliveries that are to come again, or were the last
	Refused  int64 `json:"refused"`   // messages that are no event of ours, set aside at once
	SetAside int64 `json:"set_aside"` // messages that could not be read, from the poison queue
	GivenUp  int64 `json:"given_up"`  // events that could be read and not be handled
	Kept     int64 `json:"kept"`      // of all these, what was stored in the archive
}

type counts struct{ handled, failed, refused, setAside, givenUp, kept atomic.Int64 }

// Counts tells what was done so far, for health. It is safe for concurrent use.
func (h *Reactions) Counts() Counts {
	c := &h.counts
	return Counts{
		Handled: c.handled.Load(), Failed: c.failed.Load(), Refused: c.refused.Load(), SetAside: c.setAside.Load(),
		GivenUp: c.givenUp.Load(), Kept: c.kept.Load(),
	}
}

// refuse sets a message aside without a retry: it is kept, if there is room, and
// counted. An error means that it must come again.
func (h *Reactions) refuse(ctx context.Context, body []byte, u *unreadable) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), sendWithin)
	defer cancel()
	a, err := h.aside(ctx, body, u)
	if err == nil {
		err = h.note(ctx, &a)
	}
	if err != nil {
		return errors.Join(u, err)
	}
	h.counts.refused.Add(1)
	return nil
}

// aside keeps a message and makes what is told of it.
func (h *Reactions) aside(ctx context.Context, body []byte, u *unreadable) (world.Aside, error) {
	most := keepOfOurs
	if u.anybodys() {
		most = keepOfAnybodys
	}
	key := digest(body)
	name, err := h.keep(ctx, "unreadable/"+string(u.reason)+"/"+key, body, most)
	return world.Aside{Reason: u.reason, Count: 1, Key: key, Kept: name, What: world.Visible(u.what, world.MaxAsideRunes)}, err
}

// digest names a body, so that it is kept and counted once however often it
// comes.
func digest(body []byte) string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])[:world.MaxAsideKey]
}

// keep stores a body in the archive and returns its name, which is empty if so
// much was kept today that there is no room. What is too large for an archive is
// cut short.
func (h *Reactions) keep(ctx context.Context, name string, body []byte, most int) (string, error) {
	if h.Archive == nil {
		return "", nil
	}
	today := h.Runner.Clock.Now().UTC().Truncate(24 * time.Hour)
	h.asides.mu.Lock()
	full := h.asides.full[most].Equal(today)
	h.asides.mu.Unlock()
	if full {
		return "", nil
	}
	n, err := h.Archive.Kept(ctx, today)
	if err != nil {
		return "", err
	}
	if n >= most {
		h.asides.mu.Lock()
		defer h.asides.mu.Unlock()
		if h.asides.full == nil {
			h.asides.full = map[int]time.Time{}
		}
		h.asides.full[most] = today
		h.Log.Error("archive full for today", "kept", n, "name", name)
		return "", nil
	}
	first, err := h.Archive.Keep(ctx, name, body[:min(len(body), world.MaxMessageBytes)])
	if err != nil {
		return "", err
	}
	if first {
		h.counts.kept.Add(1)
	}
	return name, nil
}

// note counts what was set aside at once, and tells the row: the first at once,
// and then the sum once in noteEvery. Nil: what waits, if it is time. With an
// error it is not counted.
func (h *Reactions) note(ctx context.Context, a *world.Aside) error {
	now := h.Runner.Clock.Now()
	s := &h.asides
	s.mu.Lock()
	if a != nil {
		merge(&s.waiting, *a)
	}
	if len(s.waiting) == 0 || now.Sub(s.noted) < noteEvery {
		s.mu.Unlock()
		return nil
	}
	items, before := s.waiting, s.noted
	s.waiting, s.noted = nil, now
	s.mu.Unlock()
	err := h.report(ctx, items)
	if err == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.noted = before
	for _, item := range items {
		if a != nil && item.Reason == a.Reason {
			item.Count-- // it comes again
		}
		if item.Count > 0 {
			merge(&s.waiting, item)
		}
	}
	return err
}

// merge adds what was set aside for the same reason. Its key is that of the
// message in hand, which may come again.
func merge(items *[]world.Aside, a world.Aside) {
	i := slices.IndexFunc(*items, func(b world.Aside) bool { return b.Reason == a.Reason })
	if i < 0 {
		*items = append(*items, a)
		return
	}
	b := &(*items)[i]
	b.Count, b.Key = b.Count+a.Count, a.Key
	if b.Kept == "" {
		b.Kept, b.What = a.Kept, a.What
	}
}

// report sends what was set aside to the first world's row, from where the
// keeper is told.
func (h *Reactions) report(ctx context.Context, items []world.Aside) error {
	for _, a := range items {
		h.Log.Error("messages set aside", "reason", string(a.Reason), "count", a.Count, "kept", a.Kept, "what", a.What)
	}
	if len(h.Runner.Worlds) == 0 {
		return nil // then there is the log
	}
	id := h.Runner.Worlds[0].ID
	now := h.Runner.Clock.Now()
	body, err := world.Event{
		ID: id + "/aside/" + items[0].Key + "/" + strconv.FormatInt(now.UnixNano(), 36), Source: world.SourceBot, World: id, Time: now,
		Data: &world.SetAside{Items: items},
	}.EncodeSealed(h.Runner.Key)
	if err != nil {
		return err
	}
	return h.Runner.Events.Send(ctx, body, 0)
}
