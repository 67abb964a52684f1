package bot

import (
	"context"
	"errors"
	"time"

	"hearth/internal/world"
	"hearth/internal/world/words"
)

const (
	drainAtOnce = world.MaxAsideSeen
	drainHidden = time.Minute
	drainRounds = 8
)

// looksAround: after this event is a good time to look into the poison queue. A
// check comes every 30 s while something may run, and who gave a command that
// was lost gives another.
func looksAround(e world.Event) bool {
	switch d := e.Data.(type) {
	case *world.Timer:
		return d.Kind == world.TimerCheck
	case *world.Command:
		return true
	}
	return false
}

// Drain empties the poison queue: of an event whose worker died with its last
// delivery nobody has been told, and what no version of the bot could read lies
// there as well. Each is stored, then told, then deleted. What cannot be stored
// or told now stays.
func (h *Reactions) Drain(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, chatsWithin)
	defer cancel()
	if err := h.note(ctx, nil); err != nil {
		h.Log.Warn("messages set aside not told", "error", err)
	}
	if h.Poison == nil {
		return
	}
	for range drainRounds {
		ms, err := h.Poison.Receive(ctx, drainAtOnce, drainHidden)
		if err != nil {
			h.Log.Warn("poison queue not read", "error", err)
			return
		}
		if len(ms) == 0 {
			return
		}
		h.bury(ctx, ms)
	}
}

// bury does away with messages of the poison queue.
func (h *Reactions) bury(ctx context.Context, ms []world.Message) {
	var (
		items    []world.Aside
		unread   []world.Message
		finished []world.Message
	)
	for _, m := range ms {
		if ctx.Err() != nil {
			break // the rest comes into sight again
		}
		e, err := h.read(ctx, m.Body)
		if err == nil && e.Data != nil {
			err = h.configured(e)
		}
		u, ok := errors.AsType[*unreadable](err)
		switch {
		case ok:
			a, err := h.aside(ctx, m.Body, u)
			if err != nil {
				h.Log.Warn("poison not stored", "message", m.ID, "error", err)
				continue
			}
			items, unread = append(items, a), append(unread, m)
		case err != nil:
			h.Log.Warn("poison not read", "message", m.ID, "error", err)
		case e.Data == nil || h.again(ctx, e, m.Body) || h.giveUp(ctx, e, m.Body) == nil:
			finished = append(finished, m)
		}
	}
	if len(items) > 0 {
		if err := h.report(ctx, items); err != nil {
			h.Log.Warn("messages set aside not told", "error", err)
		} else {
			h.counts.setAside.Add(int64(len(items)))
			finished = append(finished, unread...)
		}
	}
	// What was done would be done again if it stayed because time ran out.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), sendWithin)
	defer cancel()
	for _, m := range finished {
		if err := h.Poison.Delete(ctx, m); err != nil && !errors.Is(err, world.ErrStaleReceipt) {
			h.Log.Warn("poison not deleted", "message", m.ID, "error", err)
		}
	}
}

// configured says whether there is such a world.
func (h *Reactions) configured(e world.Event) error {
	if _, ok := h.Runner.config(e.World); !ok {
		return &unreadable{reason: world.AsideWorld, what: e.World, err: ErrUnknownWorld}
	}
	return nil
}

// giveUp keeps an event that could be read and not be handled, and tells that a
// command will not be done, unless the row has it: then what it asks for is done
// from there. An agent's or the cloud's event is for the log: the next heartbeat
// or look tells the same anew.
func (h *Reactions) giveUp(ctx context.Context, e world.Event, body []byte) error {
	// The time of the event itself may be what ran out.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), chatWithin)
	defer cancel()
	c, ok := e.Data.(*world.Command)
	if ok && h.Runner.took(ctx, e) {
		return nil
	}
	kept, err := h.keepGivenUp(ctx, e, body)
	h.Log.Error("event given up", "event_id", e.ID, "world", e.World, "type", string(e.Data.Type()), "kept", kept)
	if !ok || err != nil {
		return err
	}
	say, channel := words.Broken(), h.Runner.Guild.Channel
	_, err = h.Runner.Chat.Reply(ctx, c.Reply, say)
	if !errors.Is(err, world.ErrMessageGone) && !errors.Is(err, world.ErrChatForbidden) {
		// Told; or perhaps told, and a second time to the same answer does no
		// harm, as one in the channel would.
		return err
	}
	// It may have been told with the last delivery, longer ago than a nonce
	// is known.
	_, err = h.Runner.Chat.Find(ctx, channel, say, e.Time)
	if errors.Is(err, world.ErrMessageGone) {
		_, err = h.Runner.Chat.Post(ctx, channel, say, nonce("broken", e.ID))
	}
	if err != nil {
		h.Log.Error("failure not told", "event_id", e.ID, "error", err)
	}
	return err
}

// keepGivenUp stores an event. A heartbeat comes every 20 s, and the next one
// says all that it said.
func (h *Reactions) keepGivenUp(ctx context.Context, e world.Event, body []byte) (name string, err error) {
	h.counts.givenUp.Add(1)
	if _, ok := e.Data.(*world.Heartbeat); ok {
		return "", nil
	}
	name, err = h.keep(ctx, "given-up/"+string(e.Data.Type())+"/"+digest(body), body, keepOfOurs)
	if err != nil {
		h.Log.Error("event not kept", "event_id", e.ID, "error", err)
	}
	return name, err
}
